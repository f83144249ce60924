"""Does PostgreSQL ask for a password? Hand-made servers here; PostgreSQL itself in tests/lab."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.model import Reason, Target
from probes.postgresql_trust import PostgresqlTrust
from tests.lab import certificates
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE = PostgresqlTrust(timeout=1.0)
HEARD: list[bytes] = []


def authentication(code: int, more: bytes = b"") -> bytes:
    """AuthenticationOk and its like."""
    return b"R" + struct.pack(">ii", 8 + len(more), code) + more


def error(state: bytes) -> bytes:
    """ErrorResponse, as PostgreSQL 15 words it."""
    held = b"SFATAL\0VFATAL\0C" + state + b'\0Mno pg_hba.conf entry for host "192.0.2.9"\0Fauth.c\0\0'
    return b"E" + struct.pack(">i", 4 + len(held)) + held


NO_SUCH_ROLE = error(b"28000")


def server(answer: bytes) -> Callable[[Talk], None]:
    """One that does not encrypt, hears a start-up, and answers it."""

    def behave(talk: Talk) -> None:
        HEARD.append(talk.read(8))
        talk.send(b"N")
        size = talk.read(4)
        HEARD.append(size + talk.read(struct.unpack(">i", size)[0] - 4))
        talk.send(answer)
        talk.hold()

    return behave


def audited(behave: Callable[[Talk], None]) -> Asked:
    with Peer(behave, fresh_address()) as peer:
        return ask(PROBE, peer.address, peer.port, profile="audit")


WAYS = [
    # what it answers, authentication, security, rules
    (authentication(0) + NO_SUCH_ROLE, "none", "trust", ["postgresql_trust-no-password"]),
    (authentication(10, b"SCRAM-SHA-256\0\0"), "password", "scram", []),
    (authentication(5, b"salt"), "password", "md5", []),
    (authentication(3), "password", "cleartext", []),
    (authentication(7), "unknown", "gss", []),
    (authentication(9), "unknown", "sspi", []),
    (authentication(99), "unknown", None, []),
    (NO_SUCH_ROLE, "unknown", "host-refused", []),
    (error(b"F0000"), "unknown", None, []),
]


@pytest.mark.parametrize(("told", "asked_for", "how", "rules"), WAYS)
def test_what_a_server_asks_of_nobody_is_read_from_its_first_message(
    told: bytes, asked_for: str, how: str | None, rules: list[str]
) -> None:
    asked = audited(server(told))
    assert asked.facts == {"authentication": asked_for, "security": how}
    # `security` decides: who says how he asks, or that he does not let us in at all, has answered.
    assert (asked.protocol, asked.rules) == ("postgresql", rules)
    assert asked.reason is (None if how else Reason.BUSY)


def test_the_role_is_new_each_time_and_says_who_asked_and_no_password_or_query_is_sent() -> None:
    HEARD.clear()
    for _ in range(2):
        audited(server(authentication(0) + NO_SUCH_ROLE))
    first, second = HEARD[1], HEARD[3]
    assert [HEARD[0], HEARD[2]] == [b"\x00\x00\x00\x08\x04\xd2\x16\x2f"] * 2
    assert first != second
    for told in (first, second):
        assert told[4:8] == b"\x00\x03\x00\x00"
        words = told[8:].split(b"\0")
        assert words[0] == b"user"
        assert words[1].startswith(b"netwatch_")
        assert len(words[1]) == len("netwatch_") + 16
        assert words[2:] == [b"", b""]  # no database, nothing else


def test_nothing_is_sent_after_the_answer() -> None:
    with Peer(server(authentication(0) + NO_SUCH_ROLE), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port, profile="audit")
    assert (peer.received, peer.connections) == (8 + 4 + 4 + len("user") + 1 + 25 + 2, 1)


def test_where_tls_is_offered_the_role_is_said_inside_it(tmp_path: Path) -> None:
    made = certificates.make(tmp_path, "cabinet")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    inside: list[bytes] = []

    def behave(talk: Talk) -> None:
        talk.read(8)
        talk.send(b"S")
        with context.wrap_socket(socket.socket(fileno=talk.connection.detach()), server_side=True) as secret:
            inside.append(secret.recv(100))
            secret.sendall(authentication(0) + NO_SUCH_ROLE)
            secret.recv(100)

    asked = audited(behave)
    assert asked.rules == ["postgresql_trust-no-password"]
    assert b"netwatch_" in inside[0]


def test_it_is_never_asked_outside_an_audit() -> None:
    with Peer(server(authentication(0)), fresh_address()) as peer:
        with pytest.raises(ScopeError):
            ask(PROBE, peer.address, peer.port)
        with pytest.raises(ScopeError):
            ask(PROBE, peer.address, peer.port, profile="audit", is_a="medical")
    assert peer.connections == 0


@pytest.mark.parametrize("state", [b"53300", b"57P03", b"XX000"])
def test_a_server_that_takes_nobody_for_now_is_asked_again(state: bytes) -> None:
    asked = audited(server(error(state)))
    assert (asked.reason, asked.facts["authentication"], asked.rules) == (Reason.BUSY, "unknown", [])


@pytest.mark.parametrize("letter", [b"H", b"E", b"\0"])
def test_what_is_not_postgresql_is_said_to_be_something_else(letter: bytes) -> None:
    asked = audited(lambda talk: talk.send(letter))
    assert (asked.seen, asked.other is not None) == ([], True)


def test_an_answer_that_is_no_message_of_postgresql_s_is_something_else() -> None:
    asked = audited(server(b"HTTP/1.1 400 Bad Request\r\n"))
    assert (asked.seen, asked.other is not None) == ([], True)


@pytest.mark.parametrize("told", [b"", b"R", b"R\0\0\0\x08\0\0", NO_SUCH_ROLE[:-2]])
def test_a_server_that_stalls_is_a_failure(told: bytes) -> None:
    asked = audited(server(told))
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


@pytest.mark.parametrize("length", [0x7FFF_FFFF, -1, 0, 7, 3000])
def test_a_length_that_no_message_has_is_not_waited_for(length: int) -> None:
    asked = audited(server(b"R" + struct.pack(">i", length) + bytes(8)))
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.read(8)
        talk.send(b"N")
        talk.some()
        talk.send(authentication(0))
        try:
            talk.flood(b"DUPONT^JEAN" * 4096, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, profile="audit")
    assert asked.facts["authentication"] == "none"
    assert peer.sent < 5_000_000


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard_and_not_just_anywhere() -> None:
    target = Target(
        "d", "192.0.2.1", (5432, 5433, 6000, 6500), spoken={6500: "postgresql"}, free=frozenset({6000})
    )
    assert PROBE.wants(target) == (5432, 5433, 6500)


def test_another_protocol_is_not_judged() -> None:
    seen = Target("d", "192.0.2.1", (5432,)).observed(
        "postgresql_trust", 5432, "http", {"authentication": "none"}
    )
    assert list(PROBE.judge(seen)) == []


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"S", b"N", b"NR", b"NE", b"N" + NO_SUCH_ROLE, b"NR\0\0\0\x08"]),
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, before: bytes) -> None:
    asked = canned(PROBE, before + told)
    assert asked.seen or asked.error or asked.other
