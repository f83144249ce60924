"""May this packet leave? What is outside the scope sends nothing, however it is asked."""

from __future__ import annotations

import threading
import time
from datetime import date, timedelta
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.egress import KNOCK, Egress, Pace, Scope
from netwatch.errors import ScopeError
from netwatch.model import PortState, Reason
from netwatch.probe import ProbeError
from tests.lab.scps import scp

LAN = (IPv4Network("192.168.1.0/24"),)
QUICK = Pace(pause=0.0, patience=0.5, seconds=2.0)


def here(address: str, **more: object) -> Egress:
    scope = Scope((IPv4Network(f"{address}/32"),), until=date.max, **more)  # type: ignore[arg-type]
    return Egress(scope, QUICK)


@pytest.mark.parametrize(
    ("address", "port", "why"),
    [
        ("8.8.8.8", 104, "outside-networks"),
        ("192.168.2.1", 104, "outside-networks"),
        ("192.168.1.255", 104, "broadcast"),
        ("192.168.1.0", 104, "broadcast"),
        ("192.168.1.40", 104, "excluded-address"),
        ("192.168.1.20", 6000, "excluded-port"),
        ("192.168.1.20", 9999, "silent-port"),
        ("192.168.1.20", 9100, "silent-port"),
        ("192.168.1.20", 515, "silent-port"),
        ("192.168.1.20", 2575, "silent-port"),
        ("192.168.1.20 --script x", 104, "not-an-address"),
        ("pacs.local", 104, "not-an-address"),
        ("", 104, "not-an-address"),
    ],
)
def test_what_is_outside_the_scope_is_refused_with_its_reason(address: str, port: int, why: str) -> None:
    scope = Scope(
        LAN,
        until=date.max,
        excluded_addresses=(IPv4Network("192.168.1.40/32"),),
        excluded_ports=frozenset({6000}),
    )
    with pytest.raises(ScopeError) as refused, Egress(scope, QUICK).connect(address, port):
        pass
    assert refused.value.message == f"egress.{why}"


def test_after_the_last_authorised_day_nothing_leaves() -> None:
    yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 - the machine's own day is meant
    with pytest.raises(ScopeError, match="authorisation-ended"):
        Egress(Scope(LAN, until=yesterday)).scope.require("192.168.1.20")
    Egress(Scope(LAN, until=yesterday + timedelta(days=1))).scope.require("192.168.1.20")


def test_a_barred_card_is_not_reached() -> None:
    egress = here("127.79.0.1")
    egress.bar("127.79.0.1")
    with scp("open_pacs", "127.79.0.1", 11112) as peer:
        with pytest.raises(ScopeError, match="excluded-card"), egress.connect("127.79.0.1", 11112):
            pass
        with pytest.raises(ScopeError, match="excluded-card"):
            egress.knock("127.79.0.1", 11112)
        assert peer.connections == 0
        assert egress.nmap_ports(["127.79.0.1"], [104], raw=False)[0] == ""


def test_a_printer_is_knocked_at_without_a_byte() -> None:
    with scp("printer", "127.79.0.2", 9100) as peer:
        assert here("127.79.0.2").knock("127.79.0.2", 9100) is PortState.OPEN
        time.sleep(0.1)
        assert (peer.connections, peer.received) == (1, 0)


def test_a_device_has_one_connection_at_a_time_and_a_pause_between_two() -> None:
    egress = Egress(here("127.79.0.3").scope, Pace(pause=0.2))
    starts: list[float] = []

    def talk() -> None:
        with egress.connect("127.79.0.3", 11112):
            starts.append(time.monotonic())
            time.sleep(0.05)

    with scp("silent", "127.79.0.3", 11112) as peer:
        threads = [threading.Thread(target=talk) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert peer.peak == 1
    assert all(later - earlier >= 0.25 for earlier, later in pairwise(starts))


def test_open_closed_and_nobody_are_three_things() -> None:
    with scp("silent", "127.79.0.4", 11112):
        egress = here("127.79.0.4")
        assert egress.knock("127.79.0.4", 11112) is PortState.OPEN
        assert egress.knock("127.79.0.4", 11113) is PortState.CLOSED


def test_a_flood_is_cut_at_the_limit() -> None:
    egress = Egress(here("127.79.0.5").scope, Pace(pause=0.0, limit=10_000))
    with (
        scp("garbage", "127.79.0.5", 11112),
        pytest.raises(ProbeError) as cut,
        egress.connect("127.79.0.5", 11112) as line,
    ):
        line.send(b"x")
        line.read(4096)
        line.read(1_000_000)
    assert cut.value.reason in {Reason.LIMIT, Reason.CLOSED}


@given(st.sets(st.integers(0, 255), max_size=20))
def test_targets_hold_every_address_of_the_networks_but_the_excluded_and_the_edges(holes: set[int]) -> None:
    excluded = tuple(IPv4Network(f"192.168.1.{last}/32") for last in holes)
    targets = Scope(LAN, until=date.max, excluded_addresses=excluded).targets()
    told = {address for network in targets for address in network}
    assert told == {IPv4Address(f"192.168.1.{last}") for last in set(range(1, 255)) - holes}


ODD = st.text(alphabet=st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["10.0.0.1 --script dicom*", "-iL /etc/passwd", "192.168.1.1/0", "192.168.1.1-255", "localhost", "$(id)"]
)


@given(ODD)
def test_no_text_reaches_the_command_line_of_nmap_unparsed(text: str) -> None:
    try:
        targets, _, _ = Egress(Scope(LAN, until=date.max)).nmap_ports([text], [104], raw=False)
    except ScopeError:
        return
    assert IPv4Address(targets) in LAN[0]


def test_the_arguments_of_nmap_are_this_list_and_no_other() -> None:
    egress = Egress(Scope(LAN, until=date.max))
    assert egress.nmap_ports(["192.168.1.20", "192.168.1.21"], [104, 9999, 22], raw=True) == (
        "192.168.1.20 192.168.1.21",
        "T:22,104",
        (
            "-n -Pn -sS --privileged --scan-delay 50ms --max-scan-delay 100ms --max-hostgroup 25"
            " --host-timeout 600s --max-rate 1000 --max-retries 1"
        ),
    )
    targets, options = egress.nmap_hosts(
        [IPv4Network("192.168.1.0/31"), IPv4Network("192.168.1.2/31")], raw=False
    )
    assert targets == "192.168.1.2/31"
    assert options == (
        "-n -sn -PS22,80,104,135,139,443,445,3389,4242,8080,11112"
        " --max-rate 1000 --max-retries 1 --unprivileged"
    )


def test_with_excluded_cards_only_arp_looks_for_hosts() -> None:
    egress = Egress(Scope(LAN, until=date.max, excluded_macs=frozenset({"00:11:32:aa:bb:cc"})))
    assert "-PS" not in egress.nmap_hosts(egress.scope.targets(), raw=True)[1]
    assert "-PR" in egress.nmap_hosts(egress.scope.targets(), raw=True)[1]


def test_with_every_usual_port_excluded_nothing_but_arp_looks_for_hosts() -> None:
    egress = Egress(Scope(LAN, until=date.max, excluded_ports=frozenset(KNOCK)))
    assert "-PS" not in egress.nmap_hosts(egress.scope.targets(), raw=True)[1]


def test_two_networks_side_by_side_keep_their_own_broadcast_addresses() -> None:
    halves = (IPv4Network("192.168.1.0/25"), IPv4Network("192.168.1.128/25"))
    told = {address for network in Scope(halves, until=date.max).targets() for address in network}
    assert IPv4Address("192.168.1.127") not in told
    assert IPv4Address("192.168.1.128") not in told
    assert len(told) == 252
