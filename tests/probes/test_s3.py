"""Does the object storage list its buckets to a stranger? Hand-made servers that answer as MinIO, Ceph and
Amazon document it: Debian 12 has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.s3 import BEGINNING, S3
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = S3(timeout=1.0)
XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def page(status: bytes, body: bytes, server: bytes = b"MinIO") -> bytes:
    head = b"HTTP/1.1 %b\r\nServer: %b\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%b"
    return head % (status, server, len(body), body)


def error(code: bytes) -> bytes:
    return (
        XML + b"<Error><Code>%b</Code><Message>Access Denied.</Message><Resource>/</Resource></Error>" % code
    )


def listing(buckets: bytes, owner: bytes = b"02d6176db174dc93") -> bytes:
    return (
        XML + b'<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>%b</ID>'
        b"<DisplayName></DisplayName></Owner><Buckets>%b</Buckets></ListAllMyBucketsResult>"
        % (owner, buckets)
    )


ONE = b"<Bucket><Name>ZZCANARY</Name><CreationDate>2023-06-21T06:46:45Z</CreationDate></Bucket>"
DENIED = b"403 Forbidden"

ANSWERS = {
    # what it sends, product, authentication, rules
    "MinIO, locked": (page(DENIED, error(b"AccessDenied")), "MinIO", "password", []),
    "another, locked": (page(DENIED, error(b"AccessDenied"), b"x"), None, "password", []),
    "a version of it": (page(DENIED, error(b"AccessDenied"), b"MinIO/RELEASE.2021"), "MinIO", "password", []),
    "its lock told otherwise": (page(b"400 x", error(b"MissingSecurityHeader")), "MinIO", "password", []),
    "open": (page(b"200 OK", listing(ONE)), "MinIO", "none", ["s3-no-password"]),
    "open, and lying about it": (page(DENIED, listing(ONE)), "MinIO", "unknown", []),
    "Ceph, to a stranger": (page(b"200 OK", listing(b"", b"anonymous"), b"x"), None, "unknown", []),
    "away to its console": (page(b"307 x", b""), "MinIO", "unknown", []),
}


def server(raw: bytes) -> Callable[[Talk], None]:
    def behave(talk: Talk) -> None:
        assert talk.some().startswith(b"GET / HTTP/1.1\r\n")
        talk.send(raw)
        talk.end(half=True)

    return behave


def asked_of(raw: bytes) -> Asked:
    with Peer(server(raw), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert peer.connections == 1
    return asked


@pytest.mark.parametrize(("raw", "product", "authentication", "rules"), ANSWERS.values(), ids=ANSWERS)
def test_its_first_page_says_whether_it_asks_who_we_are(
    raw: bytes, product: str | None, authentication: str, rules: list[str]
) -> None:
    asked = asked_of(raw)
    assert asked.facts == {"product": product, "authentication": authentication, "tls": False}
    assert (asked.protocol, asked.rules, asked.error) == ("s3", rules, None)
    assert "ZZCANARY" not in str(asked.seen)


def test_a_listing_is_left_at_its_beginning() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(b"HTTP/1.1 200 OK\r\n\r\n" + listing(ONE)[:-40])
        talk.flood(ONE * 500, 100_000_000)

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["authentication"], asked.error) == ("none", None)
    assert peer.sent < 5_000_000


def test_what_comes_after_the_beginning_is_not_looked_at() -> None:
    raw = page(b"200 OK", XML + b" " * BEGINNING + listing(ONE), b"x")
    assert asked_of(raw).other is not None


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n\r\nhi",
        b"HTTP/1.1 403 x\r\n\r\n<Error><Code>Mme Dupont</Code></Error>",
        b"HTTP/1.1 403 x\r\n\r\nForbidden",
        b"HTTP/1.1 200 OK\r\n\r\n<Bucket>",
    ],
)
def test_another_web_server_is_said_to_be_one(raw: bytes) -> None:
    asked = asked_of(raw)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == b"HTTP/"


HICCUPS = {
    # what it sends, what is proved, why the rest is not
    "out of order": (page(b"503 x", error(b"SlowDown")), ["unknown"], Reason.BUSY),
    "too much": (page(b"429 x", b""), ["unknown"], Reason.BUSY),
    "another's trouble": (page(b"502 x", b"", b"nginx"), [], Reason.BUSY),
    "a list that breaks off": (page(b"200 OK", listing(ONE))[:250], ["unknown"], Reason.PROTOCOL),
    "an answer that breaks off": (page(b"200 OK", listing(ONE), b"x")[:120], [], Reason.PROTOCOL),
}


@pytest.mark.parametrize(("raw", "proved", "reason"), HICCUPS.values(), ids=HICCUPS)
def test_a_store_in_trouble_is_no_store_with_a_password(
    raw: bytes, proved: list[str], reason: Reason
) -> None:
    asked = asked_of(raw)
    assert [seen.facts["authentication"] for seen in asked.seen] == proved
    assert (asked.reason, asked.other, asked.rules) == (reason, None, [])


def test_a_server_that_stalls_is_a_failure() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_from_the_internet_any_is_a_finding() -> None:
    seen = Target("d", "192.0.2.1", (9000,), Vantage.OUTSIDE).observed(
        "s3", 9000, "s3", {"authentication": "password"}
    )
    assert [finding.rule for finding in PROBE.judge(seen)] == ["s3-reachable"]


def test_it_is_asked_where_it_is_at_home_unless_something_else_was_heard_there() -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", (80, 9000))) == (9000,)
    assert PROBE.wants(Target("d", "192.0.2.1", (80, 9000), spoken={9000: "http"})) == ()
    assert PROBE.wants(Target("d", "192.0.2.1", (80, 9000, 9443), spoken={9000: "s3", 9443: "s3"})) == (
        9000,
        9443,
    )


@given(
    st.binary(max_size=300), st.sampled_from([b"", page(b"200 OK", listing(b"")), page(DENIED, error(b"A"))])
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, prefix: bytes) -> None:
    asked = canned(PROBE, prefix[: len(prefix) // 2] + told)
    assert asked.seen or asked.error or asked.other
