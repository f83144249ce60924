"""Is the practice of the lab what practice.py says it is? Asked with plain tools, not by netwatch."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from netwatch.config import load
from tests.lab.homebox import DESCRIPTION
from tests.lab.knocks import is_open, knock, opened
from tests.lab.plain_tools import fetched, listed
from tests.lab.practice import DOORS, INSIDE, NAS, PACS, RECEPTION, WEB, Practice

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.net import Host

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with Practice() as opened:
        yield opened


def test_the_internet_reaches_four_doors_made_in_three_ways_and_nothing_else(practice: Practice) -> None:
    internet = practice.internet
    assert {door.way for door in DOORS} == {"upnp", "static", "dmz"}
    everywhere = knock(internet.stranger, internet.public, range(1, 65_536))
    assert opened(everywhere) == {door.external for door in DOORS}
    seen = knock(internet.vantage.host, internet.public, [*everywhere][:1024] + [d.external for d in DOORS])
    assert opened(seen) == {door.external for door in DOORS}


def test_what_else_the_practice_offers_is_there_from_inside(practice: Practice) -> None:
    for address, port in (*INSIDE, *((door.address, door.port) for door in DOORS)):
        assert is_open(practice.lab.scanner, address, port), (address, port)


def test_each_door_leads_to_the_server_that_it_says(practice: Practice) -> None:
    internet = practice.internet
    inside, outside, public = practice.lab.scanner, internet.stranger, internet.public

    def key(host: Host, address: str, port: int) -> list[str]:
        argv = ["/usr/bin/ssh-keyscan", "-t", "ed25519", "-p", str(port), address]
        return host.run(argv, root=True).stdout.split()[-2:]

    def certificate(host: Host, address: str) -> str:
        argv = ["/usr/bin/openssl", "s_client", "-connect", f"{address}:443", "-showcerts"]
        [found] = re.findall("-----BEGIN.*?-----END", host.run(argv, root=True).stdout, re.DOTALL)
        return str(found)

    def remote_desktop(host: Host, address: str, port: int) -> str:
        ask = bytes.fromhex("030000130ee000000000000100080001000000").hex()
        code = (
            "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 2);"
            "s.sendall(bytes.fromhex(sys.argv[3])); print(s.recv(99).hex())"
        )
        return host.run([sys.executable, "-c", code, address, str(port), ask]).stdout

    assert key(outside, public, 2222) == key(inside, NAS, 22) != []
    assert certificate(outside, public) == certificate(inside, WEB)
    assert remote_desktop(outside, public, 13389) == remote_desktop(inside, RECEPTION, 3389)
    assert remote_desktop(outside, public, 13389).startswith("030000130ed0")
    assert outside.run(["/usr/bin/echoscu", public, "11112"], root=True).returncode == 0


def test_the_box_lists_what_was_asked_for_and_neither_its_own_forward_nor_the_dmz(practice: Practice) -> None:
    known = listed(practice.lab.scanner)
    assert {port: (to, at) for port, (to, at, _) in known.items()} == {11112: (PACS, 11112), 2222: (NAS, 22)}


def test_a_client_finds_the_box_by_itself(practice: Practice) -> None:
    told = practice.lab.run(["/usr/bin/upnpc", "-l"], root=True).stdout
    assert f"desc: {DESCRIPTION}" in told
    assert "ExternalIPAddress = 5.39.77.1" in told


def test_the_public_address_is_silent_from_inside_until_the_box_can_hairpin(practice: Practice) -> None:
    internet, doors = practice.internet, [door.external for door in DOORS]
    assert set(knock(practice.lab.scanner, internet.public, doors).values()) == {"silent"}
    internet.hairpin(on=True)
    try:
        assert opened(knock(practice.lab.scanner, internet.public, doors)) == set(doors)
    finally:
        internet.hairpin(on=False)
    assert set(knock(practice.lab.scanner, internet.public, doors).values()) == {"silent"}


def ssh(practice: Practice, *options: str, says: str = "") -> subprocess.CompletedProcess[str]:
    """OpenSSH's own client where the scanner is, which trusts the vantage's host key alone."""
    vantage = practice.internet.vantage
    known = f"UserKnownHostsFile={practice.lab.inside(vantage.known_hosts)}"
    strict = ["-F", "/dev/null", "-o", known, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes"]
    argv = ["/usr/bin/ssh", *strict, *options, vantage.target]
    return practice.lab.run(argv, root=True, stdin=says, timeout=20)


def test_a_connection_leaves_from_the_vantage_for_who_has_its_key(practice: Practice) -> None:
    internet, key = practice.internet, practice.lab.inside(practice.internet.vantage.key)
    page = ("-W", f"{internet.echo.address}:80")
    asked = ssh(practice, "-i", key, *page, says="GET / HTTP/1.0\r\n\r\n")
    assert asked.stdout.split()[-1] == internet.vantage.address, asked.stderr
    assert ssh(practice, "-i", key, "-W", f"{internet.public}:2222").stdout.startswith("SSH-2.0-dropbear")
    stranger = ssh(practice, *page)
    assert stranger.returncode == 255
    assert "Permission denied" in stranger.stderr


def test_the_vantage_shows_the_key_of_which_the_fingerprint_is_told(practice: Practice) -> None:
    vantage = practice.internet.vantage
    told = practice.lab.run(["/usr/bin/ssh-keyscan", "-t", "ed25519", vantage.address], root=True).stdout
    assert told.split()[-2:] == vantage.known_hosts.read_text(encoding="utf-8").split()[-2:]
    shown = practice.lab.run(["/usr/bin/ssh-keygen", "-lf", "-"], root=True, stdin=told).stdout
    assert vantage.host_key in shown.split()


def test_the_page_outside_sees_the_public_address(practice: Practice) -> None:
    assert fetched(practice.lab.scanner, practice.internet.echo_page) == practice.internet.public


def test_the_site_file_is_one_that_netwatch_takes(practice: Practice, tmp_path: Path) -> None:
    site = load(practice.site_file(tmp_path / "site.toml"))
    assert [str(address) for address in site.public_addresses] == [practice.internet.public]
    assert site.vantage.outside is not None
    assert site.vantage.outside.ssh == practice.internet.vantage.target
