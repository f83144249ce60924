"""Whom does the roll call reach, how often, and whose answers does it believe? Peers on 127.x."""

from __future__ import annotations

import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch import calling, llmnr, mdns, ssdp, wsd
from netwatch.audit import Audit
from netwatch.calling import Called, Link, Taken, call, links
from netwatch.model import Device, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Answers = Iterable[tuple[str, bytes]]  # from which address, and what

NETWORK = IPv4Network("127.0.0.0/24")
US = Link("lo", IPv4Address("127.0.0.1"), NETWORK)
PRINTER, PC, ALONE, STRANGER, OUTSIDE = "127.0.0.20", "127.0.0.21", "127.0.0.22", "127.0.0.30", "127.9.0.9"
CARD = "02:77:00:00:00:22"
DEVICES = (Device("m-20", PRINTER, "02:77:00:00:00:20"), Device("m-21", PC, "02:77:00:00:00:21"))


def labels(name: str) -> bytes:
    return b"".join(bytes([len(one)]) + one.encode() for one in name.split(".")) + b"\0"


def pointer(question: bytes, target: str) -> bytes:
    """An answer to a question for PTR records: this one."""
    record = struct.pack(">HHHIH", 0xC00C, 12, 1, 10, len(labels(target))) + labels(target)
    return question[:2] + struct.pack(">5H", 0x8400, 1, 1, 0, 0) + question[12:] + record


def match(question: bytes) -> bytes:
    """An answer to a Probe."""
    asked = re.search(rb"urn:uuid:[0-9a-f-]{36}", question)
    assert asked is not None
    body = b'<d:ProbeMatch xmlns:d="%s"><d:Types>a:Computer</d:Types></d:ProbeMatch>' % wsd.DISCOVERY.encode()
    return b"<Envelope><RelatesTo>" + asked[0] + b"</RelatesTo>" + body + b"</Envelope>"


def found(place: str) -> bytes:
    """An answer to a search."""
    return f"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: {place}\r\n\r\n".encode()


def of(question: bytes, name: str) -> bool:
    """Does it ask for this name?"""
    return labels(name) in question


@dataclass
class Peers:
    """All that hear a group. `answers`: what they say to a question, each from an address of its own."""

    answers: Callable[[bytes], Answers]
    heard: list[bytes] = field(default_factory=list)

    def listen(self, sock: socket.socket, ended: threading.Event) -> None:
        """Until the end."""
        while not ended.is_set():
            try:
                question, asker = sock.recvfrom(9000)
            except TimeoutError:
                continue
            self.heard.append(question)
            for address, answer in self.answers(question):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                    one.bind((address, 0))
                    one.sendto(answer, asker)


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[bytes], Answers]], Peers]]:
    """Makes a group of peers, which all four protocols ask."""
    ended, threads = threading.Event(), list[threading.Thread]()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.250", 0))
        sock.settimeout(0.05)
        for module in (mdns, wsd, ssdp, llmnr):
            monkeypatch.setattr(module, "GROUP", "127.0.0.250")
            monkeypatch.setattr(module, "PORT", sock.getsockname()[1])

        def make(answers: Callable[[bytes], Answers]) -> Peers:
            made = Peers(answers)
            threads.append(threading.Thread(target=made.listen, args=(sock, ended)))
            threads[-1].start()
            return made

        yield make
        ended.set()
        for thread in threads:
            thread.join()


def roll_call(  # noqa: PLR0913 - as what it calls
    audit: Audit | None = None,
    devices: tuple[Device, ...] = DEVICES,
    networks: tuple[IPv4Network, ...] = (NETWORK,),
    *,
    macs: frozenset[str] = frozenset(),
    ports: frozenset[int] = frozenset(),
    stopped: Callable[[], bool] = lambda: False,
    own: tuple[Link, ...] = (US,),
) -> Called:
    return call(
        networks,
        devices,
        audit or Audit(),
        excluded_macs=macs,
        excluded_ports=ports,
        stopped=stopped,
        seconds=0.5,
        pause=0.0,
        own=lambda: own,
    )


def everybody(question: bytes) -> Answers:
    """As a small practice answers."""
    if question.startswith(b"<?xml"):
        return [(PC, match(question)), (STRANGER, match(question)), (OUTSIDE, match(question))]
    if of(question, "_services._dns-sd._udp.local"):
        said = [(one, pointer(question, "_ipp._tcp.local")) for one in (PRINTER, ALONE, OUTSIDE, "127.0.0.1")]
        return [*said, (PRINTER, b"rubbish")]
    if question.startswith(b"M-SEARCH"):
        return [
            (PC, found("http://127.0.0.21:2869/upnp.xml")),
            (PRINTER, found("http://127.0.0.21:80/")),
            (STRANGER, found("http://127.0.0.30/")),
            (OUTSIDE, found("http://127.9.0.9/")),
        ]
    if of(question, "21.0.0.127.in-addr.arpa"):
        return [(PC, pointer(question, "PC-ACCUEIL")), (PRINTER, pointer(question, "PC-OTHER"))]
    return []


def test_each_device_has_what_it_told_by_each_protocol(peers: Callable[..., Peers]) -> None:
    group = peers(everybody)
    called = roll_call(devices=(*DEVICES, Device("m-us", "127.0.0.1")))
    assert not [one for one in group.heard if of(one, "1.0.0.127.in-addr.arpa")], "who we are we know"
    assert called.devices == {
        "m-20": {"mdns": {"services": "ipp"}},
        "m-21": {
            "wsd": {"types": "Computer"},
            "ssdp": {"port": 2869, "path": "/upnp.xml"},
            "llmnr": {"name": "PC-ACCUEIL"},
        },
    }
    assert (called.strangers, called.outside) == (2, 1), (
        "a stranger and one that is no device yet; who is elsewhere"
    )
    assert called.missed == ()


def test_each_question_is_asked_once_and_noted(peers: Callable[..., Peers]) -> None:
    group, audit = peers(lambda _: []), Audit()
    roll_call(audit)
    lines = audit.about("127.0.0.250")
    assert [line["question"] for line in lines] == ["mdns", "wsd", "ssdp", "llmnr"]
    assert {(line["card"], line["source"], line["transport"]) for line in lines} == {
        ("lo", "127.0.0.1", "udp")
    }
    sent = [what for line in lines for what in line["sent"]]
    assert len(sent) == len(set(sent)) == len(group.heard) == len(set(group.heard))
    assert sent[-2:] == [f"LLMNR PTR of {one} ({len(group.heard[-1])} bytes)" for one in (PRINTER, PC)]
    assert {line["ended"] for line in lines} == {"0 answers"}
    assert not [
        one for one in group.heard if not one.startswith((b"<?xml", b"M-SEARCH")) and one[2] & 0x80
    ], "nothing announced"


def test_where_cards_are_excluded_nobody_is_asked(peers: Callable[..., Peers]) -> None:
    group = peers(everybody)
    called = roll_call(macs=frozenset({CARD}))
    assert (group.heard, called.devices) == ([], {})
    assert [(one.message, one.reason) for one in called.missed] == [("calling.excluded", Reason.SCOPE)]


def test_an_excluded_port_receives_nothing(
    peers: Callable[..., Peers], monkeypatch: pytest.MonkeyPatch
) -> None:
    group = peers(everybody)
    monkeypatch.setattr(mdns, "PORT", 5353)
    called = roll_call(ports=frozenset({5353}))
    assert set(called.devices) == {"m-21"}
    assert len(group.heard) == 4
    assert [(one.message, one.details) for one in called.missed] == [
        ("calling.port", {"name": "mdns", "port": 5353})
    ]


def test_a_device_that_is_left_alone_is_not_asked_for_its_name_and_not_recorded(
    peers: Callable[..., Peers],
) -> None:
    group = peers(everybody)
    alone = (Device("m-22", "127.0.0.99", CARD, left_alone="2026-11-01"), Device("a-22", ALONE, CARD))
    called = roll_call(devices=(*DEVICES, *alone))
    assert set(called.devices) == {"m-20", "m-21"}
    assert called.strangers == 1
    assert not [one for one in group.heard if of(one, "22.0.0.127.in-addr.arpa")]


def test_two_devices_that_claim_one_address_get_nothing_of_it(peers: Callable[..., Peers]) -> None:
    peers(everybody)
    without_a_card = Device("a-x", PRINTER)
    assert set(roll_call(devices=(*DEVICES, Device("m-x", PC, CARD), without_a_card)).devices) == {"m-20"}


@pytest.mark.parametrize(
    ("networks", "word"),
    [
        ((IPv4Network("127.0.0.0/25"),), "calling.partly"),
        ((IPv4Network("127.0.0.0/25"), IPv4Network("127.0.0.192/26")), "calling.partly"),
        ((IPv4Network("192.168.1.0/24"),), "calling.elsewhere"),
    ],
)
def test_a_network_that_is_not_the_site_s_as_a_whole_is_not_asked(
    networks: tuple[IPv4Network, ...], word: str, peers: Callable[..., Peers]
) -> None:
    group = peers(everybody)
    called = roll_call(networks=networks)
    assert (group.heard, called.devices, [one.message for one in called.missed]) == ([], {}, [word])


def test_two_halves_are_a_whole_and_a_network_with_two_cards_is_asked_by_one(
    peers: Callable[..., Peers],
) -> None:
    group = peers(everybody)
    halves = tuple(NETWORK.subnets(1))
    called = roll_call(networks=halves, own=(US, Link("wlan0", IPv4Address("127.0.0.2"), NETWORK)))
    assert set(called.devices) == {"m-20", "m-21"}
    assert len(group.heard) == len(set(group.heard)) == len(mdns.SERVICES) + 5
    assert called.missed == ()


def test_where_a_card_cannot_send_it_is_told_for_each_group_and_the_rest_is_asked(
    peers: Callable[..., Peers],
) -> None:
    peers(everybody)
    broken, audit = Link("eth9", IPv4Address("192.0.2.7"), IPv4Network("192.0.2.0/24")), Audit()
    called = roll_call(audit, networks=(NETWORK, broken.network), own=(broken, US))
    assert set(called.devices) == {"m-20", "m-21"}
    assert [(one.message, one.reason, one.details["name"]) for one in called.missed] == [
        ("calling.failed", Reason.PROTOCOL, "mdns"),
        ("calling.failed", Reason.PROTOCOL, "wsd"),
        ("calling.failed", Reason.PROTOCOL, "ssdp"),
    ]
    assert not [line for line in audit.about("127.0.0.250") if line["card"] == "eth9"]


def test_who_was_not_asked_for_its_name_does_not_tell_one(peers: Callable[..., Peers]) -> None:
    routed = "127.0.1.40"
    peers(lambda question: [(routed, pointer(question, "PC-ELSEWHERE"))])
    called = roll_call(devices=(*DEVICES, Device("m-40", routed)), networks=(IPv4Network("127.0.0.0/23"),))
    assert called.devices.get("m-40", {}).keys() <= {"mdns"}


def test_a_stop_is_kept_at_once_and_told(peers: Callable[..., Peers]) -> None:
    peers(everybody)
    audit, looks = Audit(), list[int]()

    def stopped() -> bool:
        looks.append(1)
        return len(looks) > 4

    called = roll_call(audit, stopped=stopped)
    [line] = audit.about("127.0.0.250")
    assert (line["question"], 0 < len(line["sent"]) < 5) == ("mdns", True)
    assert [(one.message, one.reason) for one in called.missed] == [("calling.stopped", Reason.UNFINISHED)]


def test_who_floods_us_does_not_drown_the_others(
    peers: Callable[..., Peers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "MOST_OF_ONE", 5)
    audit = Audit()

    def flood(question: bytes) -> Answers:
        return [*[(PRINTER, b"x" * 50)] * 8, *everybody(question)]

    peers(flood)
    assert set(roll_call(audit).devices) == {"m-21"}
    assert [line["ended"] for line in audit.about("127.0.0.250")] == [
        "7 answers",
        "7 answers",
        "7 answers",
        "6 answers",
    ]


def test_one_that_never_stops_is_listened_to_for_a_while(peers: Callable[..., Peers]) -> None:
    ended = threading.Event()

    def endless(_: bytes) -> Iterator[tuple[str, bytes]]:
        while not ended.is_set():
            yield PC, b"x"

    peers(endless)
    assert roll_call().devices == {}
    ended.set()


@given(st.lists(st.tuples(st.sampled_from([PRINTER, PC, OUTSIDE]), st.integers(0, 9000)), max_size=300))
def test_what_is_kept_is_bounded_for_one_and_for_all(came: list[tuple[str, int]]) -> None:
    taken = Taken((NETWORK,))
    for sender, size in came:
        taken.take(sender, bytes(size))
    for sender, answers in taken.by_sender().items():
        assert sender in {PRINTER, PC}
        assert len(answers) <= calling.MOST_OF_ONE
        assert sum(map(len, answers)) <= calling.MOST_BYTES_OF_ONE
    assert taken.outside <= {OUTSIDE}


def test_large_answers_of_one_are_few() -> None:
    taken = Taken((NETWORK,))
    for _ in range(20):
        taken.take(PC, bytes(9000))
    taken.take(PRINTER, bytes(9000))
    assert {sender: len(answers) for sender, answers in taken.by_sender().items()} == {PC: 14, PRINTER: 1}


def test_an_end_comes_when_it_is_more_than_we_listen_to() -> None:
    taken = Taken((IPv4Network("10.0.0.0/8"),))
    for number in range(calling.MOST):
        assert not taken.full
        taken.take(str(IPv4Address("10.0.0.0") + number), b"x")
    assert taken.full


def test_this_machine_s_networks_are_those_that_it_is_attached_to(tmp_path: Path) -> None:
    head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT"
    rows = [
        "lo 0000007F 00000000 0001 0 0 0 00FFFFFF 0 0 0",  # 127.0.0.0/24
        "lo 0000007F 0100007F 0003 0 0 0 0000FFFF 0 0 0",  # by way of a gateway
        "eth7 00000000 00000000 0001 0 0 0 00000000 0 0 0",  # a line to everywhere
    ]
    (tmp_path / "route").write_text("\n".join([head, *rows]), encoding="ascii")
    assert list(links(tmp_path)) == [US]
    assert list(links(tmp_path / "none")) == []
