"""Does Redis answer a stranger? Hand-made servers here; Redis itself in tests/lab/test_real_databases.py."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.line import Line
from netwatch.model import Reason, Target, Vantage
from probes.redis import ANSWERS, Redis
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROBE = Redis(timeout=1.0)
HEARD: list[bytes] = []

# As Redis 7.0.15 says it; the last lines as its source has it.
DENIED = (
    b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for"
    b" the default user. In this mode connections are only accepted from the loopback interface.\r\n"
)
SAYS = [
    # what it says, authentication, security, rules
    (b"+PONG\r\n", "none", None, ["redis-no-password"]),
    (b"-NOAUTH Authentication required.\r\n", "password", None, []),
    (DENIED, "none", "protected-mode", ["redis-protected-mode"]),
    (b"-NOPERM this user has no permissions to run the 'ping' command\r\n", "unknown", None, []),
    (b"-ERR operation not permitted\r\n", "password", None, []),
]
LATER = [
    b"-LOADING Redis is loading the dataset in memory\r\n",
    b"-ERR max number of clients reached\r\n",
    b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
]


def server(answer: bytes) -> Callable[[Talk], None]:
    """One that hears a line and answers it."""

    def behave(talk: Talk) -> None:
        HEARD.append(talk.some())
        talk.send(answer)
        talk.hold()

    return behave


@pytest.mark.parametrize(("told", "authentication", "security", "rules"), SAYS)
def test_what_a_server_asks_for_is_read_from_its_answer_to_a_ping(
    told: bytes, authentication: str, security: str | None, rules: list[str]
) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"authentication": authentication, "security": security}
    assert (asked.protocol, asked.rules, asked.error) == ("redis", rules, None)


def test_nothing_but_one_ping_is_sent() -> None:
    HEARD.clear()
    with Peer(server(b"+PONG\r\n"), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert HEARD == [b"PING\r\n"]
    assert (peer.received, peer.connections) == (6, 1)


def test_a_server_in_protected_mode_speaks_first_and_hangs_up_and_is_heard() -> None:
    def behave(talk: Talk) -> None:
        talk.send(DENIED)

    with Peer(behave, fresh_address()) as peer:
        asked = [ask(PROBE, peer.address, peer.port) for _ in range(20)]
    assert {one.facts.get("security") for one in asked} == {"protected-mode"}


def test_one_that_has_hung_up_before_we_ask_is_heard_all_the_same() -> None:
    class Way:
        @contextmanager
        def connect(self, address: str, port: int, *, patience: float) -> Iterator[Line]:  # noqa: ARG002
            ours, theirs = socket.socketpair()
            theirs.sendall(DENIED)
            theirs.close()
            line = Line(ours, patience=patience, seconds=2.0, limit=1000)
            yield line
            line.close()

    [seen] = PROBE.observe(Target("d", "192.0.2.1", (6379,)), 6379, Way())  # type: ignore[arg-type]
    assert seen.facts["security"] == "protected-mode"


@pytest.mark.parametrize("told", LATER)
def test_a_server_that_is_busy_is_redis_and_a_failure(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.reason, asked.facts["authentication"], asked.rules) == (Reason.BUSY, "unknown", [])


def test_an_answer_in_small_pieces_is_put_together() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.drip(b"-NO", 0.05)
        talk.send(b"AUTH Authentication required.\r\n")
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["authentication"] == "password"


OTHERS = [
    b"SSH-2.0-x\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x15\x03\x03\x00\x02\x02\x46",
    b"ERROR\r\n",
    b"+OK ready\r\n",
    b"PONG\r\n",
    b"+PONGO\r\n",
]


@pytest.mark.parametrize("told", OTHERS)
def test_what_is_not_redis_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert asked.other is not None
    assert told.startswith(asked.other.opening)


@pytest.mark.parametrize("told", [b"", b"+", b"-NOAUT"])
def test_a_server_that_stalls_is_a_failure(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.send(b"+PONG\r\n")
        try:
            talk.flood(b"patient:DUPONT\r\n" * 4096, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["authentication"] == "none"
    assert peer.sent < 5_000_000
    assert "DUPONT" not in str(asked.seen)


@pytest.mark.parametrize(
    ("authentication", "security", "rule"),
    [
        ("none", None, "redis-no-password"),
        ("none", "protected-mode", "redis-protected-mode"),
        ("password", None, "redis-reachable"),
        ("unknown", None, "redis-reachable"),
    ],
)
def test_from_the_internet_any_answer_is_a_finding(
    authentication: str, security: str | None, rule: str
) -> None:
    seen = Target("d", "192.0.2.1", (6379,), Vantage.OUTSIDE)
    told = seen.observed("redis", 6379, "redis", {"authentication": authentication, "security": security})
    assert [finding.rule for finding in PROBE.judge(told)] == [rule]


def test_another_protocol_is_not_judged() -> None:
    seen = Target("d", "192.0.2.1", (6379,), Vantage.OUTSIDE)
    assert list(PROBE.judge(seen.observed("redis", 6379, "http", {"authentication": "none"}))) == []


def test_it_is_asked_where_it_is_at_home_where_it_was_heard_and_where_nothing_is_known() -> None:
    target = Target(
        "d", "192.0.2.1", (22, 80, 6379, 6390, 7000), before={7000: "redis"}, free=frozenset({6390})
    )
    assert PROBE.wants(target) == (6379, 6390, 7000)
    assert PROBE.wants(Target("d", "192.0.2.1", (6379,), spoken={6379: "http"})) == ()


@given(st.binary(max_size=300), st.sampled_from([b"", b"+", b"-", *ANSWERS]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, greeting: bytes) -> None:
    asked = canned(PROBE, greeting + told)
    assert asked.seen or asked.error or asked.other
