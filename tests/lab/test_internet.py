"""Does the lab's internet behave as the real one does? Asked with plain tools, not by netwatch."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Literal

import pytest

from tests.lab.homebox import DESCRIPTION
from tests.lab.internet import Internet
from tests.lab.knocks import is_open, knock, opened, packets
from tests.lab.net import Lab
from tests.lab.plain_tools import external, fetched, listed, page, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.net import Host

pytestmark = pytest.mark.lab

UDP_ECHO = (
    "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 161))\n"
    "while True: s.sendto(*s.recvfrom(99))"
)
UDP_CALL = (
    "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.3)\n"
    "s.sendto(b'hello', (sys.argv[1], int(sys.argv[2]))); print(s.recv(99))"
)


@pytest.fixture
def internet() -> Iterator[Internet]:
    with Internet() as running:
        yield running


def is_silent(host: Host, address: str, *ports: int) -> bool:
    """Whether none of them says anything. What else is asked in the same test shows that it could."""
    return set(knock(host, address, ports, patience=0.4).values()) == {"silent"}


def test_what_upnp_refuses_has_its_own_code(internet: Internet) -> None:
    one, other = internet.plug("one", 40), internet.plug("other", 41)
    internet.miniupnpd()
    assert internet.ask_for(one, 8080, 80) == 0
    assert internet.ask_for(one, 8081, 80, to_address=other.address) == 718  # secure mode
    assert internet.ask_for(one, 80, 80) == 606  # not among those permitted
    assert internet.ask_for(other, 8080, 80) == 718  # another's already
    internet.miniupnpd(secure=False, permit=["allow 8081 10.77.0.0/24 80"])
    assert internet.ask_for(one, 8081, 80, to_address=other.address) == 0
    assert internet.ask_for(one, 8082, 80) == 606
    assert set(listed(one)) == {8081}


@pytest.mark.parametrize("version", [1, 2])
def test_a_mapping_without_an_end_gets_a_week_in_either_version_of_the_igd(
    internet: Internet, version: Literal[1, 2]
) -> None:
    one = internet.plug("one", 40)
    internet.miniupnpd(version=version)
    internet.ask_for(one, 8080, 80)
    assert f"InternetGatewayDevice:{version}</deviceType>" in fetched(one, DESCRIPTION)
    assert 604_700 < listed(one)[8080][2] <= 604_800


def test_what_upnp_opened_is_closed_when_it_is_off(internet: Internet) -> None:
    one = page(internet, "one", 40, 80)
    internet.miniupnpd()
    internet.ask_for(one, 8080, 80)
    assert is_open(internet.stranger, internet.public, 8080)
    internet.no_miniupnpd()
    assert is_silent(internet.stranger, internet.public, 8080)
    assert listed(one) == {}
    internet.no_miniupnpd()


def test_the_boxs_own_forward_comes_before_upnp_and_upnp_before_the_dmz(internet: Internet) -> None:
    one, other = page(internet, "one", 40, 80), page(internet, "other", 41, 8080)
    internet.miniupnpd()
    internet.dmz(other.address)
    assert is_open(internet.stranger, internet.public, 8080)
    assert internet.ask_for(one, 8080, 81) == 0  # where nothing listens
    assert knock(internet.stranger, internet.public, [8080])[8080] == "closed"
    internet.forward(8080, one.address, 80)
    assert is_open(internet.stranger, internet.public, 8080)
    internet.dmz(None)
    assert is_silent(internet.stranger, internet.public, 80)


def test_a_forward_may_be_of_udp(internet: Internet) -> None:
    one = internet.plug("one", 40)
    one.start([sys.executable, "-c", UDP_ECHO], root=False)
    internet.forward(1161, one.address, 161, "udp")
    call = [sys.executable, "-c", UDP_CALL, internet.public, "1161"]
    assert any("hello" in internet.stranger.run(call).stdout for _ in range(20))


def test_the_caller_is_seen_as_he_is(internet: Internet) -> None:
    page(internet, "one", 40, 80)
    internet.forward(8080, "10.77.0.40", 80)
    assert fetched(internet.stranger, f"http://{internet.public}:8080/") == internet.stranger.address


def test_a_neighbours_ports_of_a_shared_address_never_reach_the_box(
    internet: Internet, tmp_path: Path
) -> None:
    page(internet, "one", 40, 80)
    internet.dmz("10.77.0.40")
    internet.forward(20_000, "10.77.0.40", 80)
    serve(internet.neighbour, 443)
    internet.share("16384-32767")
    ports = [80, 443, 16_383, 16_384, 20_000, 32_767, 32_768]
    line, outside = tmp_path / "line.pcap", tmp_path / "internet.pcap"
    with internet.capture(line), internet.capture(outside, "internet"):
        seen = knock(internet.stranger, internet.public, ports)
        assert fetched(internet.lab.scanner, internet.echo_page) == internet.public
        assert fetched(internet.neighbour, internet.echo_page) == internet.public
    assert opened(seen) == {20_000, 443}  # ours and theirs
    ours = set(packets(line, internet.public))
    assert {16_384, 20_000, 32_767} < ours  # and the one from which the page was asked
    assert all(16_384 <= port <= 32_767 for port in ours)
    asked = packets(outside, internet.public, by=internet.stranger.address)
    assert set(asked) == set(ports)
    assert asked[32_768] == 1  # a knock, and the neighbour's refusal is not counted
    internet.share(None)
    assert opened(knock(internet.stranger, internet.public, [80, 443, 20_000])) == {80, 20_000}


def test_a_new_address_has_the_forwards_and_the_old_one_is_dead(internet: Internet) -> None:
    one, old = page(internet, "one", 40, 80), internet.public
    internet.miniupnpd()
    internet.ask_for(one, 8080, 80)
    internet.forward(8081, one.address, 80)
    assert opened(knock(internet.stranger, old, [8080, 8081])) == {8080, 8081}
    internet.renumber("5.39.77.42")
    assert internet.public == "5.39.77.42"
    assert is_silent(internet.stranger, old, 8080, 8081)
    assert opened(knock(internet.stranger, internet.public, [8080, 8081])) == {8080, 8081}
    assert fetched(internet.lab.scanner, internet.echo_page) == internet.public
    assert external(one) == internet.public


def test_behind_a_carriers_nat_the_box_lists_forwards_that_nobody_reaches(internet: Internet) -> None:
    one = page(internet, "one", 40, 80)
    internet.miniupnpd()
    internet.ask_for(one, 8080, 80)
    internet.cgnat()
    assert internet.box.address.startswith("100.64.")
    assert fetched(one, internet.echo_page) == internet.public != internet.box.address
    for address in (internet.public, internet.box.address, "5.39.77.1"):
        assert is_silent(internet.stranger, address, 80, 8080), address
    assert set(listed(one)) == {8080}
    assert external(one) is None  # miniupnpd says nothing rather than an address that is not public
    internet.renumber("5.39.77.1")
    assert is_open(internet.stranger, internet.public, 8080)


def test_a_line_that_is_cut_works_again_when_restored(internet: Internet) -> None:
    page(internet, "one", 40, 80)
    internet.forward(8080, "10.77.0.40", 80)
    internet.ipv6(firewall=False)
    internet.cut()
    assert is_silent(internet.stranger, internet.public, 8080)
    assert fetched(internet.lab.scanner, internet.echo_page) == ""
    assert is_open(internet.lab.scanner, "10.77.0.40", 80)
    internet.restore()
    assert is_open(internet.stranger, internet.public, 8080)
    assert fetched(internet.lab.scanner, internet.echo_page) == internet.public
    home6 = internet.address6(internet.lab.scanner)
    assert fetched(internet.lab.scanner, f"http://[{internet.address6(internet.echo)}]/") == home6


def test_without_its_ipv6_firewall_every_device_is_open_and_no_forward_is_needed(internet: Internet) -> None:
    one = page(internet, "one", 40, 80)
    internet.ipv6(one)
    address = internet.address6(one)
    assert address == "2a01:e0a:77:1::40"
    assert is_silent(internet.vantage.host, address, 80)
    assert fetched(one, f"http://[{internet.address6(internet.echo)}]/") == address
    internet.ipv6_firewall(on=False)
    assert is_open(internet.vantage.host, address, 80)
    assert is_silent(internet.vantage.host, internet.public, 80)
    internet.ipv6_firewall(on=True)
    assert is_silent(internet.vantage.host, address, 80)


def test_the_box_itself_is_silent_to_the_internet(internet: Internet) -> None:
    internet.miniupnpd()
    assert is_open(internet.lab.scanner, "10.77.0.1", 5000)
    assert is_silent(internet.stranger, internet.public, 80, 5000)


def test_nothing_is_left_and_nothing_was_on_this_machine() -> None:
    def here() -> list[str]:
        shown = [["ip", "-o", "link"], ["ip", "-o", "address"], ["ip", "route"], ["ip", "rule"]]
        return [subprocess.run(one, check=True, text=True, capture_output=True).stdout for one in shown]

    def rooms() -> str:
        return subprocess.run(["ip", "netns", "list"], check=True, text=True, capture_output=True).stdout

    before = here()
    with Internet() as internet:
        name, scratch = internet.lab.name, internet.lab.scratch
        assert here() == before
        assert f"{name}-provider" in rooms()
    assert name not in rooms()
    assert not scratch.exists()
    assert here() == before


def test_a_lab_that_runs_already_goes_on_when_its_internet_is_gone() -> None:
    with Lab() as lab:
        with Internet(lab) as internet:
            assert fetched(lab.scanner, internet.echo_page) == internet.public
        assert lab.run(["ip", "-br", "address"]).stdout.count("10.77.0.2/24") == 1
