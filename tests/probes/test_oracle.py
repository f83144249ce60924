"""Does an Oracle listener answer? Hand-made servers only: none can be installed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.oracle import Oracle
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Oracle(timeout=1.0)
HEARD: list[bytes] = []
ACCEPT, REFUSE, REDIRECT, RESEND = 2, 4, 5, 11


def packet(kind: int, held: bytes = b"") -> bytes:
    return struct.pack(">HHBBH", 8 + len(held), 0, kind, 0, 0) + held


def refuse(text: bytes) -> bytes:
    """As a listener answers a ping: two reasons, a length, words."""
    return packet(REFUSE, struct.pack(">BBH", 0x22, 0, len(text)) + text)


def well(number: int) -> bytes:
    return refuse(b"(DESCRIPTION=(TMP=)(VSNNUM=%d)(ERR=0)(ALIAS=LISTENER_DUPONT))" % number)


def server(*answers: bytes) -> Callable[[Talk], None]:
    """One that hears a CONNECT for each answer, and gives it."""

    def behave(talk: Talk) -> None:
        for told in answers:
            HEARD.append(talk.some())
            talk.send(told)
        talk.hold()

    return behave


VERSIONS = [
    (186_647_552, "11.2.0.4.0"),  # 0x0B200400, as the listener of 11.2.0.4 says it
    (153_094_144, "9.2.0.8.0"),
    (202_375_680, "12.1.0.2.0"),
    (318_767_104, "19.0.0.0.0"),  # 0x13000000
    (0x1303_0000, "19.3.0.0.0"),
    (0, None),  # newer listeners keep it to themselves
    (1 << 32, None),
]


@pytest.mark.parametrize(("number", "version"), VERSIONS)
def test_the_version_is_read_from_the_refusal(number: int, version: str | None) -> None:
    with Peer(server(well(number)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"product": "Oracle", "version": version, "authentication": "unknown"}
    assert (asked.protocol, asked.rules, asked.error) == ("oracle", [], None)


def test_a_ping_is_sent_and_nothing_else() -> None:
    HEARD.clear()
    with Peer(server(well(0)), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    [told] = HEARD
    length, _, kind, _, _ = struct.unpack(">HHBBH", told[:8])
    size, first = struct.unpack(">HH", told[24:28])
    assert (length, kind, peer.received) == (len(told), 1, len(told))
    assert told[first : first + size] == b"(CONNECT_DATA=(COMMAND=ping))"
    assert first + size == len(told)


@pytest.mark.parametrize("kind", [ACCEPT, REDIRECT])
def test_a_listener_that_answers_otherwise_is_oracle_without_a_version(kind: int) -> None:
    with Peer(server(packet(kind, bytes(16))), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"product": "Oracle", "version": None, "authentication": "unknown"}


def test_the_packet_is_sent_once_more_where_the_listener_asks_for_that_and_no_more() -> None:
    HEARD.clear()
    with Peer(server(packet(RESEND), well(318_767_104)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["version"] == "19.0.0.0.0"
    assert HEARD[0] == HEARD[1]
    with Peer(server(*[packet(RESEND)] * 5), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["version"] is None
    assert (peer.received, peer.connections) == (2 * len(HEARD[0]), 1)


@pytest.mark.parametrize(
    "told",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 400 Bad\r\n",
        b"-DENIED Redis",
        packet(6, b"x" * 8),
        b"\0\x10\0\1\4\0\0\0" + bytes(8),
        b"\0\7\0\0\4\0\0\0",
    ],
)
def test_what_is_not_tns_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None) == ([], True)


@pytest.mark.parametrize("told", [b"", b"\0", well(1)[:8], well(1)[:-1]])
def test_a_server_that_stalls_is_a_failure(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_a_length_that_no_refusal_has_is_not_waited_for() -> None:
    with Peer(server(b"\xff\xff\0\0\4\0\0\0"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.send(well(186_647_552))
        try:
            talk.flood(b"x" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["version"] == "11.2.0.4.0"
    assert peer.sent < 5_000_000


def test_only_from_the_internet_is_it_a_finding() -> None:
    outside = Target("d", "192.0.2.1", (1521,), Vantage.OUTSIDE)
    assert [f.rule for f in PROBE.judge(outside.observed("oracle", 1521, "oracle", {}))] == [
        "oracle-reachable"
    ]
    assert list(PROBE.judge(outside.observed("oracle", 1521, "http", {}))) == []
    inside = Target("d", "192.0.2.1", (1521,))
    assert list(PROBE.judge(inside.observed("oracle", 1521, "oracle", {}))) == []


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard() -> None:
    target = Target(
        "d", "192.0.2.1", (1521, 1522, 1523, 1530), before={1530: "oracle"}, free=frozenset({1523})
    )
    assert PROBE.wants(target) == (1521, 1522, 1530)


@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"", b"\0\x20\0\0\4\0\0\0", packet(RESEND), b"\1\0\0\0\4\0\0\0", refuse(b"(VSNNUM=")[:-1]]
    ),
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, before: bytes) -> None:
    asked = canned(PROBE, before + told)
    assert asked.seen or asked.error or asked.other
