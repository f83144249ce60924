"""May this packet leave? What is outside the scope sends nothing, however it is asked."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from datetime import date
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.audit import Audit, read
from netwatch.classes import table
from netwatch.egress import KNOCK, Egress
from netwatch.errors import ScopeError
from netwatch.model import PortState, Reason
from netwatch.pace import Pace
from netwatch.ports import suggested
from netwatch.portset import PortSet
from netwatch.probe import ProbeError
from netwatch.scope import Scope
from tests.lab.peers import Peer
from tests.lab.scps import scp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAN = (IPv4Network("192.168.1.0/24"),)
QUICK = Pace(10_000, 10_000, 100_000, pause=0.0, patience=0.5, seconds=2.0)


@contextmanager
def here(address: str, pace: Pace = QUICK, audit: Audit | None = None, **more: object) -> Iterator[Egress]:
    """A way out to one address."""
    egress = Egress(Scope((IPv4Network(f"{address}/32"),), until=date.max, **more), pace, audit)  # type: ignore[arg-type]
    try:
        yield egress
    finally:
        egress.close()


@pytest.mark.parametrize(
    ("address", "port", "why"),
    [
        ("8.8.8.8", 104, "outside-networks"),
        ("192.168.2.1", 104, "outside-networks"),
        ("192.168.1.255", 104, "broadcast"),
        ("192.168.1.0", 104, "broadcast"),
        ("192.168.1.40", 104, "excluded-address"),
        ("192.168.1.20", 6000, "excluded-port"),
        ("192.168.1.20", 9999, "excluded-port"),
        ("192.168.1.20", 9100, "silent-port"),
        ("192.168.1.20", 515, "silent-port"),
        ("192.168.1.20", 2575, "silent-port"),
        ("192.168.1.20", 2576, "silent-port"),
        ("192.168.1.20", 631, "ipp-port"),
        ("192.168.1.20 --script x", 104, "not-an-address"),
        ("pacs.local", 104, "not-an-address"),
        ("", 104, "not-an-address"),
    ],
)
def test_what_is_outside_the_scope_is_refused_with_its_reason_and_written_down(
    tmp_path: Path, address: str, port: int, why: str
) -> None:
    scope = Scope(
        LAN,
        until=date.max,
        excluded_addresses=(IPv4Network("192.168.1.40/32"),),
        excluded_ports=frozenset({6000}),
        silent_ports=frozenset({2576}),
    )
    egress = Egress(scope, QUICK, Audit(tmp_path / "run.jsonl"))
    with pytest.raises(ScopeError) as refused, egress.asking("dicom", "dicom").connect(address, port):
        pass
    egress.close()
    assert refused.value.message == f"egress.{why}"
    [line] = read(tmp_path / "run.jsonl")
    assert (line["question"], line["port"], line["refused"]) == ("dicom", port, f"egress.{why}")


def test_a_printer_s_own_port_takes_its_own_question_only() -> None:
    with here("127.79.0.9") as egress:
        egress.classed("127.79.0.9", table()["printer"])
        assert egress.may("127.79.0.9", 631, "ipp")
        assert not egress.may("127.79.0.9", 9100, "ipp")
        assert not any(egress.may("127.79.0.9", 631, manner) for manner in ("dicom", "web", "greet", "hear"))


@pytest.mark.parametrize("is_a", ["medical", "unknown", None])
@pytest.mark.parametrize("manner", ["hear", "greet", "web", "ipp", "options", "snmp", "upnp", "audit"])
def test_a_medical_device_and_one_of_which_nothing_is_known_get_dicom_and_nothing_else(
    is_a: str | None, manner: str
) -> None:
    address = "127.79.0.10"
    with here(address) as egress, scp("open_pacs", address, 4711) as peer:
        if is_a:
            egress.classed(address, table()[is_a])
        with (
            pytest.raises(ScopeError, match=r"egress\.class|ipp-port|no-audit"),
            egress.asking("other", manner).connect(address, 4711),
        ):
            pass
        with egress.asking("dicom", "dicom").connect(address, 4711):
            time.sleep(0.1)  # for the peer to see it
        assert peer.connections == 1


@pytest.mark.parametrize("port", [104, 11112, 2762, 4242])
def test_where_dicom_is_at_home_nothing_but_dicom_is_spoken_whatever_the_class(port: int) -> None:
    with here("127.79.0.11") as egress:
        for is_a in table().values():
            egress.classed("127.79.0.11", is_a)
            assert egress.may("127.79.0.11", port, "dicom")
            others = set(is_a.manners) - {"dicom"}
            assert not any(egress.may("127.79.0.11", port, manner) for manner in others)


def test_only_a_box_is_asked_for_upnp_where_a_freebox_has_it_and_image_servers_too() -> None:
    with here("127.79.0.11") as egress:
        for is_a in table().values():
            egress.classed("127.79.0.11", is_a)
            others = set(is_a.manners) - {"dicom", "upnp"}
            assert not any(egress.may("127.79.0.11", 5678, manner) for manner in others)
            assert egress.may("127.79.0.11", 5678, "upnp") is ("upnp" in is_a.manners)


def test_a_barred_card_is_not_reached() -> None:
    with here("127.79.0.1") as egress, scp("open_pacs", "127.79.0.1", 11112) as peer:
        egress.bar("127.79.0.1")
        with (
            pytest.raises(ScopeError, match="excluded-card"),
            egress.asking("dicom", "dicom").connect("127.79.0.1", 11112),
        ):
            pass
        with pytest.raises(ScopeError, match="excluded-card"):
            egress.knock("127.79.0.1", 11112)
        assert not egress.answers("127.79.0.1")
        assert peer.connections == 0
        egress.unbar("127.79.0.1")
        assert egress.knock("127.79.0.1", 11112) is PortState.OPEN


def test_a_printer_is_knocked_at_without_a_byte() -> None:
    with here("127.79.0.2") as egress, scp("printer", "127.79.0.2", 9100) as peer:
        assert egress.knock("127.79.0.2", 9100) is PortState.OPEN
        time.sleep(0.1)
        assert peer.received == 0


def test_a_device_has_one_connection_at_a_time_and_a_pause_between_two() -> None:
    starts: list[float] = []

    def talk() -> None:
        with egress.asking("dicom", "dicom").connect("127.79.0.3", 11112):
            starts.append(time.monotonic())
            time.sleep(0.05)

    pace = Pace(10_000, 10_000, 100_000, pause=0.2)
    with here("127.79.0.3", pace) as egress, scp("silent", "127.79.0.3", 11112) as peer:
        threads = [threading.Thread(target=talk) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert peer.peak == 1
    assert all(later - earlier >= 0.25 for earlier, later in pairwise(starts))


def test_two_cards_of_one_device_have_one_connection_at_a_time_between_them() -> None:
    cards = ("127.79.0.30", "127.79.0.31")
    spans: list[tuple[float, float]] = []

    def talk(address: str) -> None:
        with egress.asking("dicom", "dicom").connect(address, 11112):
            began = time.monotonic()
            time.sleep(0.2)
            spans.append((began, time.monotonic()))

    scope = Scope(tuple(IPv4Network(f"{card}/32") for card in cards), until=date.max)
    egress = Egress(scope, QUICK)
    try:
        egress.one_device(cards)
        with scp("silent", cards[0], 11112), scp("silent", cards[1], 11112):
            threads = [threading.Thread(target=talk, args=(card,)) for card in cards]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        [(_, ended), (began, _)] = sorted(spans)
        assert began >= ended
        egress.bar(cards[0], "egress.left-alone")
        assert not egress.answers(cards[1]), "what bars one bars all"
    finally:
        egress.close()


def test_two_cards_of_one_device_have_the_pace_of_the_more_careful_one() -> None:
    cards = ("127.79.0.32", "127.79.0.33")
    scope = Scope(tuple(IPv4Network(f"{card}/32") for card in cards), until=date.max)
    egress = Egress(scope, Pace(packets=40, guarded=10))
    try:
        egress.one_device(cards)
        egress.classed(cards[0], table()["medical"])
        egress.classed(cards[1], table()["computer"])
        assert egress._meters.gate(cards[1]).meter.most == 10
        egress.classed(cards[0], table()["computer"])
        assert egress._meters.gate(cards[1]).meter.most == 40
    finally:
        egress.close()


def test_no_knock_is_made_while_a_connection_is_open() -> None:
    done: list[float] = []
    with here("127.79.0.12") as egress, scp("silent", "127.79.0.12", 11112):
        with egress.asking("dicom", "dicom").connect("127.79.0.12", 11112):
            knocking = threading.Thread(
                target=lambda: done.append(bool(egress.knock("127.79.0.12", 80)) and time.monotonic())
            )
            knocking.start()
            time.sleep(0.3)
            ended = time.monotonic()
        knocking.join()
    assert done[0] >= ended


def test_open_closed_and_nobody_are_three_things() -> None:
    with here("127.79.0.4") as egress, scp("silent", "127.79.0.4", 11112):
        assert egress.knock("127.79.0.4", 11112) is PortState.OPEN
        assert egress.knock("127.79.0.4", 11113) is PortState.CLOSED


def test_a_flood_is_cut_at_the_limit() -> None:
    pace = Pace(10_000, 10_000, 100_000, pause=0.0, limit=10_000)
    with (
        here("127.79.0.5", pace) as egress,
        scp("garbage", "127.79.0.5", 11112),
        pytest.raises(ProbeError) as cut,
        egress.asking("dicom", "dicom").connect("127.79.0.5", 11112) as line,
    ):
        line.send(b"x")
        line.read(4096)
        line.read(1_000_000)
    assert cut.value.reason in {Reason.LIMIT, Reason.CLOSED}


def test_what_was_sent_is_written_down_in_words_and_sizes_and_nothing_that_came(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    with (
        here("127.79.0.6", audit=Audit(log)) as egress,
        Peer(lambda talk: talk.send(b"ZZCANARY" * 4), "127.79.0.6", 4712),
    ):
        egress.sweep("127.79.0.6", (22, 4712))
        with egress.asking("dicom", "dicom").connect("127.79.0.6", 4712) as line:
            line.send(b"secret", "A-WORD-RQ")
            line.read(32)
    begins, sweep, talk = read(log)
    assert (begins["begins"], begins["ports"]) == (True, "22,4712"), "told before the first knock leaves"
    assert (sweep["question"], sweep["ports"], sweep["knocks"]) == ("sweep", "22,4712", 2)
    assert (talk["question"], talk["port"], talk["sent"]) == ("dicom", 4712, ["A-WORD-RQ (6 bytes)"])
    assert talk["ended"] == "32 bytes received"
    assert "ZZCANARY" not in log.read_text()
    assert "secret" not in log.read_text()


def test_after_a_stop_no_connection_is_made_and_one_that_waits_is_ended(tmp_path: Path) -> None:
    stop = threading.Event()
    scope = Scope((IPv4Network("127.79.0.13/32"),), until=date.max)
    egress = Egress(scope, Pace(10_000, 10_000, 100_000, pause=0.0), Audit(tmp_path / "log"), stop.is_set)
    way = egress.asking("dicom", "dicom")
    with scp("silent", "127.79.0.13", 11112) as peer:
        started = time.monotonic()
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(ProbeError) as ended, way.connect("127.79.0.13", 11112) as line:
            line.send(b"x")
            line.read(1)
        assert ended.value.reason is Reason.UNFINISHED
        assert time.monotonic() - started < 2
        with pytest.raises(ProbeError) as refused, way.connect("127.79.0.13", 11112):
            pass
        assert refused.value.reason is Reason.UNFINISHED
        assert peer.connections == 1
    egress.close()


def test_a_connection_that_waited_for_its_turn_is_not_made_once_the_scan_was_stopped() -> None:
    stop = threading.Event()
    scope = Scope((IPv4Network("127.79.0.14/32"),), until=date.max)
    egress = Egress(scope, Pace(10_000, 10_000, 100_000, pause=1.0), stop=stop.is_set)
    way = egress.asking("dicom", "dicom")
    with scp("silent", "127.79.0.14", 11112) as peer:
        with way.connect("127.79.0.14", 11112):
            pass
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(ProbeError) as refused, way.connect("127.79.0.14", 11112):
            pass
        assert refused.value.reason is Reason.UNFINISHED
        time.sleep(0.1)
        assert peer.connections == 1
    egress.close()


def test_where_what_is_sent_cannot_be_written_down_somebody_is_told(tmp_path: Path) -> None:
    told: list[bool] = []
    full = tmp_path / "full"
    full.symlink_to("/dev/full")  # every write fails: no space left on device
    with here("127.79.0.8", audit=Audit(full, lambda: told.append(True))) as egress:
        egress.sweep("127.79.0.8", (22,))
    assert told


@pytest.mark.parametrize("guarded", [True, False])
def test_a_talk_keeps_the_pace_of_its_device_with_its_acknowledgements(*, guarded: bool) -> None:
    # What the kernel says that it sent, in total: at ten a second, 30 packets take two seconds at least.
    pace = Pace(packets=1000, guarded=10, overall=1000, pause=0.0, patience=5.0)
    address = f"127.79.0.{20 + guarded}"

    def echo(talk: object) -> None:
        while True:
            talk.send(talk.some())  # type: ignore[attr-defined]

    with here(address, pace) as egress, Peer(echo, address, 4713):
        egress.classed(address, table()["medical" if guarded else "computer"])
        started = time.monotonic()
        with egress.asking("dicom", "dicom").connect(address, 4713) as line:
            for _ in range(14):
                line.send(b"x")
                line.read(1)
        spent = time.monotonic() - started
    assert (spent > 1.0) == guarded


ODD = st.text(alphabet=st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["10.0.0.1 --script dicom*", "-iL /etc/passwd", "192.168.1.1/0", "192.168.1.1-255", "localhost", "$(id)"]
)


@given(ODD)
def test_no_text_is_knocked_at_unparsed(text: str) -> None:
    egress = Egress(Scope(LAN, until=date.max), stop=lambda: True)
    try:
        job = egress.sweep(text, (104,))
    except ScopeError:
        return
    finally:
        egress.close()
    assert IPv4Address(job.address) in LAN[0]


def test_the_arguments_of_nmap_are_this_list_and_no_other() -> None:
    egress = Egress(Scope(LAN, until=date.max))
    targets, options = egress.nmap_hosts([IPv4Network("192.168.1.0/31"), IPv4Network("192.168.1.2/31")])
    assert targets == "192.168.1.2/31"
    assert options == (
        "-n -sn -PS22,80,104,135,139,443,445,3389,4242,8080,11112 --scan-delay 200ms --max-scan-delay 200ms"
        " --max-rate 500 --max-retries 1 --privileged"
    )


def test_with_excluded_cards_only_arp_looks_for_hosts() -> None:
    egress = Egress(Scope(LAN, until=date.max, excluded_macs=frozenset({"00:11:32:aa:bb:cc"})))
    assert "-PS" not in egress.nmap_hosts(egress.scope.targets())[1]
    assert "-PR" in egress.nmap_hosts(egress.scope.targets())[1]


def test_with_every_usual_port_excluded_nothing_but_arp_looks_for_hosts() -> None:
    egress = Egress(Scope(LAN, until=date.max, excluded_ports=frozenset(KNOCK)))
    assert "-PS" not in egress.nmap_hosts(egress.scope.targets())[1]


def test_where_only_arp_may_ask_who_is_there_a_device_that_is_left_alone_gets_nothing_else() -> None:
    # 192.168.1.0/24 is on no link of this machine: nmap would send TCP there.
    egress = Egress(Scope(LAN, until=date.max))
    egress.bar("192.168.1.43", "egress.left-alone")
    assert egress.nmap_hosts([IPv4Network("192.168.1.42/31")])[0] == "192.168.1.42/32"


@pytest.mark.parametrize("port", [502, 47_808])
@pytest.mark.parametrize("is_a", table())
def test_a_machine_that_a_byte_could_move_is_found_and_gets_none(is_a: str, port: int) -> None:
    address = "127.79.0.30"
    manners = sorted({manner for one in table().values() for manner in one.manners})
    with (
        here(address) as egress,
        scp("printer", address, port) as peer,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as over_udp,
    ):
        over_udp.bind((address, port))
        over_udp.settimeout(0.05)
        egress.profile = "audit"
        egress.classed(address, table()[is_a])
        assert egress.knock(address, port) is PortState.OPEN
        for manner in manners:
            way = egress.asking("other", manner)
            assert not egress.may(address, port, manner)
            with pytest.raises(ScopeError, match="silent-port"), way.connect(address, port):
                pass
            with pytest.raises(ScopeError, match="silent-port"):
                way.ask(address, port, b"\x00", "a byte")
        time.sleep(0.1)  # for the peer to see the knock
        assert (peer.connections, peer.received) == (int(egress.way == "connect"), 0)
        with pytest.raises(TimeoutError):
            over_udp.recv(1)


def test_a_machine_is_told_by_its_port_alone() -> None:
    assert (suggested(502), suggested(47_808)) == ("modbus", "unknown")  # BACnet is at home in UDP


@pytest.mark.parametrize(
    ("kind", "port", "closed", "scope", "why"),
    [
        ("medical", 22, None, {}, "class"),
        ("unknown", 22, None, {}, "class"),
        ("printer", 22, None, {}, "class"),
        ("other", 22, None, {}, "class"),
        ("computer", 9100, None, {}, "silent-port"),
        ("computer", 104, None, {}, "dicom-port"),
        ("computer", 631, None, {}, "ipp-port"),
        ("computer", 9999, None, {}, "excluded-port"),
        ("computer", 22, 9100, {}, "silent-port"),
        ("computer", 22, 21, {"excluded_ports": frozenset({21})}, "excluded-port"),
        ("computer", 22, 21, {"excluded_ports": frozenset({44_780})}, "excluded-port"),
        ("computer", 22, 21, {"only_ports": PortSet.of((21, 22))}, "excluded-port"),
    ],
)
def test_nmap_is_not_let_at_what_may_not_be_asked_and_the_refusal_is_written_down(  # noqa: PLR0913, PLR0917
    tmp_path: Path, kind: str, port: int, closed: int | None, scope: dict[str, object], why: str
) -> None:
    log = Audit(tmp_path / "log.jsonl")
    with here("127.80.5.1", QUICK, log, **scope) as egress:
        egress.classed("127.80.5.1", table()[kind])
        with (
            pytest.raises(ScopeError, match=why),
            egress.nmap_asks("127.80.5.1", port, tmp_path, closed=closed),
        ):
            pytest.fail("it was let in")
    [line] = read(tmp_path / "log.jsonl")
    assert (line["question"], line["port"], line["refused"]) == ("detect", port, f"egress.{why}")


def test_what_nmap_is_let_do_is_written_down_whole_before_it_does_it(tmp_path: Path) -> None:
    log = Audit(tmp_path / "log.jsonl")
    with here("127.80.5.2", audit=log) as egress:
        egress.classed("127.80.5.2", table()["computer"])
        with egress.nmap_asks("127.80.5.2", 22, tmp_path, closed=21) as (target, options):
            [line] = read(tmp_path / "log.jsonl")
            assert (target, line["to"], line["sent"]) == ("127.80.5.2", "127.80.5.2", [f"nmap {options}"])
            assert not egress._meters.gate(target).lock.acquire(blocking=False)
