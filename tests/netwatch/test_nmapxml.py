"""What did nmap really say? Cut anywhere, mangled, or whole: what was finished is kept, nothing is raised."""

from __future__ import annotations

import shutil
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from netwatch.nmapxml import read

HOST = (
    '<host><status state="up" reason="arp-response"/><address addr="{address}" addrtype="ipv4"/>'
    '<address addr="00:11:32:AA:BB:CC" addrtype="mac" vendor="Synology"/></host>'
)
ENDED = '<runstats><finished exit="success"/></runstats>'


def run(*hosts: str, ended: str = ENDED) -> bytes:
    return f'<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun>{"".join(hosts)}{ended}</nmaprun>'.encode()


def host(last: int = 20) -> str:
    return HOST.format(address=f"192.168.1.{last}")


def test_a_whole_run_is_finished_and_its_hosts_have_their_cards() -> None:
    reading = read(run(host()))
    assert reading.finished
    [seen] = reading.hosts
    assert (seen.address, seen.mac, seen.up) == ("192.168.1.20", "00:11:32:aa:bb:cc", True)
    assert seen.reason == "arp-response"


def test_a_run_without_its_end_or_with_an_error_is_not_finished() -> None:
    assert not read(run(host(), ended="")).finished
    assert not read(
        run(host(), ended='<runstats><finished exit="error" errormsg="killed"/></runstats>')
    ).finished


@given(st.integers(0, 1500))
def test_cut_anywhere_the_finished_hosts_are_kept(at: int) -> None:
    whole = run(host(20), host(21), host(22))
    cut = whole[:at]
    reading = read(cut)
    assert [seen.address for seen in reading.hosts] == [
        f"192.168.1.{last}" for last in (20, 21, 22)[: cut.count(b"</host>")]
    ]
    assert reading.finished == (at >= len(whole))


@given(st.binary(max_size=300), st.integers(0, 900))
def test_rubbish_anywhere_raises_nothing(rubbish: bytes, at: int) -> None:
    whole = run(host(20), host(21))
    read(whole[:at] + rubbish + whole[at:])
    read(rubbish)


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE nmaprun [<!ENTITY a "aaaa">]><nmaprun>' + host().encode() + b"</nmaprun>"
    assert read(bomb).hosts == ()


def test_the_nmap_of_this_machine_is_understood() -> None:
    path = shutil.which("nmap")
    assert path, "nmap is not installed: make test installs it"
    ended = subprocess.run(
        [path, "-n", "-sn", "--unprivileged", "-oX", "-", "127.77.250.1"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    reading = read(ended.stdout)
    assert reading.finished
    assert [(host.address, host.up) for host in reading.hosts] == [("127.77.250.1", True)]
