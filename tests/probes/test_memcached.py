"""Does memcached answer a stranger? Hand-made servers here; memcached itself in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.memcached import Memcached
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Memcached(timeout=1.0)
HEARD: list[bytes] = []


def server(answer: bytes) -> Callable[[Talk], None]:
    """One that hears a line and answers it."""

    def behave(talk: Talk) -> None:
        HEARD.append(talk.some())
        talk.send(answer)
        talk.hold()

    return behave


@pytest.mark.parametrize(
    ("told", "version"),
    [
        (b"VERSION 1.6.18\r\n", "1.6.18"),
        (b"VERSION 1.4.0-rc1_2_gab\r\n", "1.4.0-rc1_2_gab"),
        (b"VERSION DUPONT-JEAN.19750312\r\n", None),
        (b"VERSION \xff\x00\r\n", None),
        (b"VERSION Dupont^Jean\r\n", None),
    ],
)
def test_one_that_says_its_version_is_open(told: bytes, version: str | None) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"product": "memcached", "version": version, "authentication": "none"}
    assert (asked.protocol, asked.rules, asked.error) == ("memcached", ["memcached-no-password"], None)


def test_one_that_wants_a_password_is_no_finding() -> None:
    with Peer(server(b"CLIENT_ERROR unauthenticated\r\n"), fresh_address()) as peer:  # memcached 1.6.18 -Y
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["authentication"], asked.rules, asked.error) == ("password", [], None)


@pytest.mark.parametrize("told", [b"SERVER_ERROR out of memory\r\n", b"ERROR Too many open connections\r\n"])
def test_one_that_answers_nobody_for_now_is_unknown_and_asked_again(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert (asked.facts["authentication"], asked.rules, asked.reason) == ("unknown", [], Reason.BUSY)


def test_nothing_but_the_version_is_asked() -> None:
    HEARD.clear()
    with Peer(server(b"VERSION 1.6.18\r\n"), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert HEARD == [b"version\r\n"]
    assert (peer.received, peer.connections) == (9, 1)


def test_an_answer_in_small_pieces_is_put_together() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.drip(b"VER", 0.05)
        talk.send(b"SION 1.6.18\r\n")
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["version"] == "1.6.18"


@pytest.mark.parametrize(
    "told",
    [b"ERROR\r\n", b"-ERR unknown command\r\n", b"SSH-2.0-x\r\n", b"\x15\x03\x03\x00\x02\x02\x46", b"V\r\n"],
)
def test_what_is_not_memcached_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None) == ([], True)


@pytest.mark.parametrize("told", [b"", b"VERS", b"VERSION 1.6"])
def test_a_server_that_stalls_is_a_failure(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_a_version_without_end_is_not_read_to_its_end() -> None:
    def behave(talk: Talk) -> None:
        talk.send(b"VERSION ")
        try:
            talk.flood(b"1" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.LIMIT)
    assert peer.sent < 5_000_000


@pytest.mark.parametrize(
    ("authentication", "rule"), [("none", "memcached-no-password"), ("password", "memcached-reachable")]
)
def test_from_the_internet_any_answer_is_a_finding(authentication: str, rule: str) -> None:
    seen = Target("d", "192.0.2.1", (11211,), Vantage.OUTSIDE)
    told = seen.observed("memcached", 11211, "memcached", {"authentication": authentication})
    assert [finding.rule for finding in PROBE.judge(told)] == [rule]
    other = seen.observed("memcached", 11211, "http", {"authentication": authentication})
    assert list(PROBE.judge(other)) == []


def test_it_is_asked_where_it_is_at_home_and_not_just_anywhere() -> None:
    target = Target(
        "d", "192.0.2.1", (22, 7000, 7001, 11211), before={7000: "memcached"}, free=frozenset({7001})
    )
    assert PROBE.wants(target) == (7000, 11211)


@given(st.binary(max_size=300), st.sampled_from([b"", b"VERSION ", b"CLIENT_ERROR una"]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, greeting: bytes) -> None:
    asked = canned(PROBE, greeting + told)
    assert asked.seen or asked.error or asked.other
