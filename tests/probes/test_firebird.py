"""Does Firebird answer? Hand-made servers here; Firebird itself in tests/lab."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.firebird import Firebird
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Firebird(timeout=1.0)
HEARD: list[bytes] = []


def words(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


# As Firebird 3.0.11 says them: with WireCrypt disabled, and as it comes.
ACCEPT_15 = words(3, 0xFFFF_800F, 1, 5)
GO_ON = words(92, 0, 0, 0, 0)
# As its source has them: op_accept_data and op_cond_accept.
DATA, PLUGIN, KEYS = words(5) + b"salt!\0\0\0", words(3) + b"Srp\0", words(0)
ACCEPT_DATA = words(94, 0xFFFF_8010, 1, 5) + DATA + PLUGIN + words(0) + KEYS
ACCEPT_IF = words(98, 0xFFFF_8012, 1, 5) + DATA + PLUGIN + words(0) + KEYS


def server(told: bytes) -> Callable[[Talk], None]:
    """One that hears an op_connect, answers it, and waits for the next word."""

    def behave(talk: Talk) -> None:
        HEARD.append(talk.some())
        talk.send(told)
        HEARD.append(talk.some())
        talk.hold()

    return behave


ANSWERS = [
    # what it says, product, protocol, encryption
    (ACCEPT_15, "Firebird", 15, "none"),
    (words(3, 0xFFFF_800C, 1, 5), "Firebird", 12, "none"),
    (words(3, 0x800B, 1, 5), "Firebird", 11, "none"),
    (words(3, 10, 1, 5), None, 10, "none"),
    (ACCEPT_DATA, "Firebird", 16, "none"),
    (ACCEPT_IF, "Firebird", 18, "offered"),
    (GO_ON, "Firebird", None, "offered"),
    (words(4), None, None, None),
]


@pytest.mark.parametrize(("told", "product", "protocol", "encryption"), ANSWERS)
def test_the_protocol_is_read_from_the_answer(
    told: bytes, product: str | None, protocol: int | None, encryption: str | None
) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {
        "product": product,
        "protocol_version": protocol,
        "encryption": encryption,
        "authentication": "unknown",
    }
    assert (asked.protocol, asked.rules, asked.error) == ("firebird", [], None)


def test_no_user_no_database_and_no_password_is_sent_and_we_say_goodbye() -> None:
    HEARD.clear()
    with Peer(server(GO_ON), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    connect, bye = HEARD
    assert connect[:28] == words(1, 19, 3, 1, 0, 10, 0)  # no file name; ten protocols; no user
    offered = struct.unpack(f">{(len(connect) - 28) // 4}I", connect[28:])
    assert offered[::5] == (10, *(0x8000 | n for n in range(11, 20)))
    assert list(offered[4::5]) == sorted(offered[4::5])
    assert bye == words(6)
    assert (peer.received, peer.connections) == (len(connect) + 4, 1)


def test_one_that_rejects_us_and_hangs_up_is_there_all_the_same() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # at once
        talk.send(words(4))

    with Peer(behave, fresh_address()) as peer:
        asked = [ask(PROBE, peer.address, peer.port) for _ in range(20)]
    assert {(one.protocol, one.error) for one in asked} == {("firebird", None)}


@pytest.mark.parametrize(
    "told",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 400 Bad\r\n",
        b"-DENIED Redis is",
        b"d\0\0\0\n5.5.5-10.11",
        words(7),
        words(0),
    ],
)
def test_what_is_not_firebird_is_said_to_be_something_else(told: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.send(told)
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == told[:16]


@pytest.mark.parametrize(
    "told", [words(3, 10, 2, 5), words(3, 0x8063, 1, 5), words(3, 13, 1, 5), words(92, 0x7FFF_FFFF)]
)
def test_an_answer_that_breaks_the_rules_is_a_failure(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


@pytest.mark.parametrize("told", [b"", b"\0\0", ACCEPT_15[:-1], GO_ON[:8], ACCEPT_IF[:-1]])
def test_a_server_that_stalls_is_a_failure(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.send(ACCEPT_15)
        try:
            talk.flood(b"x" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["protocol_version"] == 15
    assert peer.sent < 5_000_000


def test_only_from_the_internet_is_it_a_finding() -> None:
    outside = Target("d", "192.0.2.1", (3050,), Vantage.OUTSIDE)
    assert [f.rule for f in PROBE.judge(outside.observed("firebird", 3050, "firebird", {}))] == [
        "firebird-reachable"
    ]
    assert list(PROBE.judge(outside.observed("firebird", 3050, "http", {}))) == []
    inside = Target("d", "192.0.2.1", (3050,))
    assert list(PROBE.judge(inside.observed("firebird", 3050, "firebird", {}))) == []


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard() -> None:
    target = Target("d", "192.0.2.1", (3050, 3051, 3052), before={3051: "firebird"}, free=frozenset({3052}))
    assert PROBE.wants(target) == (3050, 3051)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", words(3), words(3, 0x800F, 1), words(92), words(98, 0x8010, 1, 5), words(4)]),
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, before: bytes) -> None:
    asked = canned(PROBE, before + told)
    assert asked.seen or asked.error or asked.other
