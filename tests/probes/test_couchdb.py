"""Is everybody the administrator of the CouchDB database? Hand-made servers that answer as docs.couchdb.org
says: Debian 12 has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.couchdb import Couchdb
from tests.lab import certificates
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE = Couchdb(timeout=1.0)
HEAD = b"HTTP/1.1 %b\r\nServer: CouchDB/3.3.3 (Erlang OTP/24)\r\nContent-Type: application/json\r\n\r\n%b"
WELCOME = b'{"couchdb":"Welcome","version":"3.3.3","uuid":"ZZCANARY","vendor":{"name":"ZZCANARY"}}'


def session(name: bytes, roles: bytes) -> bytes:
    return b'{"ok":true,"userCtx":{"name":%b,"roles":%b},"info":{"authentication_handlers":["cookie"]}}' % (
        name,
        roles,
    )


def server(*pages: bytes, heard: list[bytes] | None = None) -> Callable[[Talk], None]:
    """One page for each connection, the last for all further ones."""

    def behave(talk: Talk) -> None:
        head = talk.some()
        if heard is not None:
            heard.append(head.partition(b"\r\n")[0])
        talk.send(pages[min(talk.peer.connections, len(pages)) - 1])

    return behave


def asked_of(*pages: bytes) -> Asked:
    with Peer(server(*pages), fresh_address()) as peer:
        return ask(PROBE, peer.address, peer.port)


SESSIONS = {
    # what it says of us, authentication, rules
    "the administrator": (session(b"null", b'["_admin"]'), "none", ["couchdb-no-password"]),
    "nobody": (session(b"null", b"[]"), "password", []),
    "somebody of another role": (session(b"null", b'["_reader"]'), "password", []),
    "somebody else": (session(b'"dupont"', b'["_admin"]'), "unknown", []),
    "no list": (session(b"null", b'"_admin"'), "unknown", []),
    "nothing": (b"{}", "unknown", []),
    "a word": (b'{"userCtx":"_admin"}', "unknown", []),
    "no JSON": (b"<html>", "unknown", []),
    "a list": (b"[]", "unknown", []),
    "a list without end": (b"[" * 4000, "unknown", []),
}


@pytest.mark.parametrize(("told", "authentication", "rules"), SESSIONS.values(), ids=SESSIONS)
def test_the_session_says_who_we_are(told: bytes, authentication: str, rules: list[str]) -> None:
    asked = asked_of(HEAD % (b"200 OK", WELCOME), HEAD % (b"200 OK", told))
    assert asked.facts == {
        "product": "CouchDB",
        "version": "3.3.3",
        "authentication": authentication,
        "tls": False,
    }
    assert (asked.protocol, asked.rules, asked.error) == ("couchdb", rules, None)
    assert "ZZCANARY" not in str(asked.seen)
    assert "dupont" not in str(asked.seen)


def test_two_pages_are_asked_for_and_no_database_is_listed() -> None:
    heard: list[bytes] = []
    with Peer(
        server(HEAD % (b"200 OK", WELCOME), HEAD % (b"200 OK", b"{}"), heard=heard), fresh_address()
    ) as peer:
        ask(PROBE, peer.address, peer.port)
    assert heard == [b"GET / HTTP/1.1", b"GET /_session HTTP/1.1"]


def test_one_that_asks_for_a_password_at_once_is_asked_no_more() -> None:
    refusal = HEAD % (b"401 Unauthorized", b'{"error":"unauthorized","reason":"Authentication required."}')
    with Peer(server(refusal), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {
        "product": "CouchDB",
        "version": "3.3.3",
        "authentication": "password",
        "tls": False,
    }
    assert (asked.rules, peer.connections) == ([], 1)


def test_over_tls_the_second_page_is_asked_for_over_tls(tmp_path: Path) -> None:
    context = certificates.Tls().context(certificates.make(tmp_path, "cabinet"))

    def behave(talk: Talk) -> None:
        first = talk.some().startswith(b"GET / ")
        talk.send(HEAD % (b"200 OK", WELCOME if first else session(b"null", b'["_admin"]')))

    with Peer(behave, fresh_address(), tls=context) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["authentication"], asked.facts["certificate_name"]) == ("none", "cabinet")
    assert peer.connections == 3


def test_what_was_proved_before_trouble_is_kept() -> None:
    asked = asked_of(HEAD % (b"200 OK", WELCOME), b"")
    assert (asked.protocol, asked.facts["authentication"]) == ("couchdb", "unknown")
    assert asked.reason is Reason.CLOSED


ANSWER = b"HTTP/1.1 200 OK\r\nServer: CouchDB/3.3.3\r\nContent-Length: 300\r\n\r\n"
FAILED = HEAD % (b"500 Internal Server Error", b'{"error":"x"}')
HICCUPS = {
    # its pages, what is proved, why the rest is not
    "out of order": ([FAILED], ["unknown"], Reason.BUSY),
    "another's trouble": ([b"HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n"], [], Reason.BUSY),
    "a welcome that breaks off": ([ANSWER + WELCOME[:30]], ["unknown"], Reason.PROTOCOL),
    "no session": ([HEAD % (b"200 OK", WELCOME), FAILED], ["unknown"], Reason.BUSY),
    "too many sessions": ([HEAD % (b"200 OK", WELCOME), HEAD % (b"429 x", b"")], ["unknown"], Reason.BUSY),
    "a session that breaks off": (
        [HEAD % (b"200 OK", WELCOME), ANSWER + session(b"null", b"[]")[:30]],
        ["unknown"],
        Reason.PROTOCOL,
    ),
}


@pytest.mark.parametrize(("pages", "proved", "reason"), HICCUPS.values(), ids=HICCUPS)
def test_a_server_in_trouble_is_no_server_with_a_password(
    pages: list[bytes], proved: list[str], reason: Reason
) -> None:
    asked = asked_of(*pages)
    assert [seen.facts["authentication"] for seen in asked.seen] == proved
    assert (asked.reason, asked.other, asked.rules) == (reason, None, [])


def test_one_that_tells_nobody_who_they_are_asks_for_a_password() -> None:
    asked = asked_of(HEAD % (b"200 OK", WELCOME), HEAD % (b"401 Unauthorized", b"{}"))
    assert (asked.facts["authentication"], asked.error) == ("password", None)


OTHERS = [
    b"HTTP/1.1 200 OK\r\n\r\nhi",
    b'HTTP/1.1 200 OK\r\n\r\n{"couchdb":"Bonjour"}',
    b'HTTP/1.1 200 OK\r\n\r\n["couchdb"]',
    b"HTTP/1.1 401 x\r\nServer: nginx\r\n\r\n",
    b"HTTP/1.1 404 x\r\nServer: CouchDB/3.3.3\r\n\r\n",
]


@pytest.mark.parametrize("raw", OTHERS)
def test_another_web_server_is_said_to_be_one(raw: bytes) -> None:
    asked = asked_of(raw)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == b"HTTP/"


def test_a_server_that_stalls_is_a_failure() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_from_the_internet_any_is_a_finding() -> None:
    seen = Target("d", "192.0.2.1", (5984,), Vantage.OUTSIDE).observed(
        "couchdb", 5984, "couchdb", {"authentication": "unknown"}
    )
    assert [finding.rule for finding in PROBE.judge(seen)] == ["couchdb-reachable"]


def test_it_is_asked_where_it_is_at_home_and_where_the_web_probe_met_it() -> None:
    spoken = {6984: "couchdb", 80: "http"}
    target = Target("d", "192.0.2.1", (80, 5984, 6984, 6985), spoken=spoken, free=frozenset({6985}))
    assert PROBE.wants(target) == (5984, 6984)


@given(st.binary(max_size=300), st.sampled_from([b"", HEAD % (b"200 OK", b""), HEAD % (b"401 x", b"")]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, prefix: bytes) -> None:
    asked = canned(PROBE, prefix + told, prefix + told)
    assert asked.seen or asked.error or asked.other
    again = canned(PROBE, HEAD % (b"200 OK", WELCOME), prefix + told)
    assert again.protocol == "couchdb"
