"""Does PostgreSQL answer, and would it encrypt? Hand-made servers here; PostgreSQL itself in tests/lab."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.postgresql import Postgresql
from tests.lab import certificates
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE = Postgresql(timeout=1.0)
HEARD: list[bytes] = []
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


def server(answer: bytes) -> Callable[[Talk], None]:
    """One that is asked whether it would encrypt, answers, and waits for a start-up."""

    def behave(talk: Talk) -> None:
        HEARD.append(talk.some())
        talk.send(answer)
        talk.hold()

    return behave


def encrypting(context: ssl.SSLContext) -> Callable[[Talk], None]:
    """One that says yes and does it, as PostgreSQL does: TLS on the same connection."""

    def behave(talk: Talk) -> None:
        HEARD.append(talk.some())
        talk.send(b"S")
        # a socket of its own: the Peer closes the one it knows
        with context.wrap_socket(socket.socket(fileno=talk.connection.detach()), server_side=True) as inside:
            HEARD.append(inside.recv(100))

    return behave


def test_a_server_that_does_not_encrypt_says_so_with_one_letter() -> None:
    HEARD.clear()
    with Peer(server(b"N"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"product": "PostgreSQL", "tls": False}
    assert (asked.protocol, asked.rules, asked.error) == ("postgresql", [], None)
    assert HEARD == [SSL_REQUEST]
    assert (peer.received, peer.connections) == (8, 1)


def test_a_server_that_encrypts_shows_its_certificate_on_the_same_connection(tmp_path: Path) -> None:
    HEARD.clear()
    made = certificates.make(tmp_path, "cabinet")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with Peer(encrypting(context), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.error is None
    assert asked.facts["tls"] is True
    assert asked.facts["certificate_name"] == "cabinet"
    assert asked.facts["certificate_self_signed"] is True
    assert (asked.protocol, asked.rules, peer.connections) == ("postgresql", [], 1)
    assert HEARD == [SSL_REQUEST, b""]  # inside TLS, nothing


@pytest.mark.parametrize("behaves", ["stalls", "hangs up"])
def test_a_server_that_says_yes_and_does_not_encrypt_is_postgresql_and_a_failure(behaves: str) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(b"S")
        talk.some()
        if behaves == "stalls":
            talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.reason is (Reason.TIMEOUT if behaves == "stalls" else Reason.CLOSED)
    assert asked.facts == {"product": "PostgreSQL", "tls": True}


OTHERS = [
    b"SSH-2.0-x\r\n",
    b"Sorry",
    b"NICK",
    b"E",
    b"ERROR\r\n",
    b"HTTP/1.1 400 Bad\r\n",
    b"-DENIED Redis is",
    b"\0",
    b"SS",
]


@pytest.mark.parametrize("told", OTHERS)
def test_what_is_not_postgresql_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == told[:16]


@pytest.mark.parametrize("letter", [b"S", b"N"])
def test_one_that_hangs_up_after_its_letter_is_not_taken_for_postgresql(letter: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(letter)

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None) == ([], True)


def test_a_server_that_stalls_is_a_failure() -> None:
    with Peer(server(b""), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        try:
            talk.flood(b"S" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert peer.sent < 5_000_000


def test_only_from_the_internet_is_it_a_finding() -> None:
    outside = Target("d", "192.0.2.1", (5432,), Vantage.OUTSIDE)
    told = outside.observed("postgresql", 5432, "postgresql", {})
    assert [finding.rule for finding in PROBE.judge(told)] == ["postgresql-reachable"]
    assert list(PROBE.judge(outside.observed("postgresql", 5432, "http", {}))) == []
    inside = Target("d", "192.0.2.1", (5432,))
    assert list(PROBE.judge(inside.observed("postgresql", 5432, "postgresql", {}))) == []


def test_it_is_asked_where_it_is_at_home_where_it_was_heard_and_where_nothing_is_known() -> None:
    target = Target(
        "d", "192.0.2.1", (80, 5432, 5433, 6000, 6500), spoken={6500: "postgresql"}, free=frozenset({6000})
    )
    assert PROBE.wants(target) == (5432, 5433, 6000, 6500)


@given(st.binary(max_size=300), st.sampled_from([b"", b"S", b"N", b"E"]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, letter: bytes) -> None:
    asked = canned(PROBE, letter + told)
    assert asked.seen or asked.error or asked.other
