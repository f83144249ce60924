"""Does the search database let a stranger in? Hand-made servers that answer as elastic.co and
docs.opensearch.org say: Debian 12 has neither."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.elasticsearch import LONGEST, Elasticsearch
from tests.lab import certificates
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE = Elasticsearch(timeout=1.0)
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
BASIC = b'WWW-Authenticate: Basic realm="%b" charset="UTF-8"\r\n'


def welcome(tagline: str = "You Know, for Search", **version: object) -> bytes:
    """The page of one that lets us in."""
    told = {
        "name": "ZZCANARY",
        "cluster_name": "ZZCANARY",
        "cluster_uuid": "ZZCANARY",
        "version": {"number": "8.15.0", "lucene_version": "9.11.1"} | version,
        "tagline": tagline,
    }
    body = json.dumps(told).encode()
    return OK + b"content-length: %d\r\n\r\n%b" % (len(body), body)


def demand(headers: bytes, body: bytes = b"Unauthorized") -> bytes:
    return b"HTTP/1.1 401 Unauthorized\r\n%bcontent-length: %d\r\n\r\n%b" % (headers, len(body), body)


OLD = b'{"error":{"type":"security_exception","reason":"missing authentication token"},"status":401}'

ANSWERS = {
    # what it sends, product, version, authentication, rules
    "Elasticsearch": (welcome(), "Elasticsearch", "8.15.0", "none", ["elasticsearch-no-password"]),
    "OpenSearch": (
        welcome(
            "The OpenSearch Project: https://opensearch.org/", number="2.11.1", distribution="opensearch"
        ),
        "OpenSearch",
        "2.11.1",
        "none",
        ["elasticsearch-no-password"],
    ),
    "a version that is none": (
        welcome(number="Dupont"),
        "Elasticsearch",
        None,
        "none",
        ["elasticsearch-no-password"],
    ),
    "locked, of today": (
        demand(b"X-elastic-product: Elasticsearch\r\n", b"{}"),
        "Elasticsearch",
        None,
        "password",
        [],
    ),
    "locked, of before": (demand(b"", OLD), "Elasticsearch", None, "password", []),
    "locked, by its realm": (demand(BASIC % b"security"), "Elasticsearch", None, "password", []),
    "locked, long ago": (demand(BASIC % b"shield"), "Elasticsearch", None, "password", []),
    "locked OpenSearch": (demand(BASIC % b"OpenSearch Security"), "OpenSearch", None, "password", []),
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


@pytest.mark.parametrize(
    ("raw", "product", "version", "authentication", "rules"), ANSWERS.values(), ids=ANSWERS
)
def test_its_first_page_says_whether_it_asks_for_a_password(
    raw: bytes, product: str, version: str | None, authentication: str, rules: list[str]
) -> None:
    asked = asked_of(raw)
    assert asked.facts == {
        "product": product,
        "version": version,
        "authentication": authentication,
        "tls": False,
    }
    assert (asked.protocol, asked.rules, asked.error) == ("elasticsearch", rules, None)
    assert "ZZCANARY" not in str(asked.seen)


def test_over_tls_its_certificate_is_told_too(tmp_path: Path) -> None:
    context = certificates.Tls().context(certificates.make(tmp_path, "cabinet"))
    with Peer(server(welcome()), fresh_address(), tls=context) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["authentication"], asked.facts["tls"]) == ("none", True)
    assert asked.facts["certificate_name"] == "cabinet"
    assert peer.connections == 2


OTHERS = {
    "a page": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
    "another's JSON": OK + b'\r\n{"version":{"number":"1"},"tagline":"hello"}',
    "a welcome after all that we read": OK + b"\r\n" + b" " * LONGEST + welcome().partition(b"\r\n\r\n")[2],
    "JSON that is a list": OK + b"\r\n[1]",
    "JSON without end": OK + b"\r\n" + b"[" * 8000,
    "a tagline alone": OK + b'\r\n{"tagline":"You Know, for Search"}',
    "its version no table": OK + b'\r\n{"tagline":"You Know, for Search","version":"8"}',
    "its tagline a table": OK + b'\r\n{"tagline":{},"version":{"number":"8"}}',
    "another's demand": demand(BASIC % b"Cabinet"),
    "its mark with another status": b"HTTP/1.1 404 x\r\nX-elastic-product: Elasticsearch\r\n\r\n",
}


@pytest.mark.parametrize("raw", OTHERS.values(), ids=OTHERS)
def test_another_web_server_is_said_to_be_one(raw: bytes) -> None:
    with Peer(server(raw), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == b"HTTP/"


NOT_NOW = b"HTTP/1.1 %b\r\n%bContent-Length: 2\r\n\r\nno"
CUT = welcome()[:-20]
HICCUPS = {
    # what it sends, what is proved, why the rest is not
    "503 of its own": (
        NOT_NOW % (b"503 x", b"X-elastic-product: Elasticsearch\r\n"),
        ["unknown"],
        Reason.BUSY,
    ),
    "503 of anybody": (NOT_NOW % (b"503 x", b""), [], Reason.BUSY),
    "too many": (NOT_NOW % (b"429 x", b""), [], Reason.BUSY),
    "a greeting that breaks off": (CUT, [], Reason.PROTOCOL),
}


@pytest.mark.parametrize(("raw", "proved", "reason"), HICCUPS.values(), ids=HICCUPS)
def test_a_server_in_trouble_is_no_server_with_a_password(
    raw: bytes, proved: list[str], reason: Reason
) -> None:
    with Peer(server(raw), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert [seen.facts["authentication"] for seen in asked.seen] == proved
    assert (asked.reason, asked.other, asked.rules) == (reason, None, [])


def test_a_server_that_stalls_is_a_failure() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_a_greeting_that_never_ends_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(OK + b"\r\n{")
        talk.flood(b" " * 65_536, 100_000_000)

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.other is not None
    assert peer.sent < 5_000_000


def test_from_the_internet_any_is_a_finding() -> None:
    seen = Target("d", "192.0.2.1", (9200,), Vantage.OUTSIDE).observed(
        "elasticsearch", 9200, "elasticsearch", {"authentication": "password"}
    )
    assert [finding.rule for finding in PROBE.judge(seen)] == ["elasticsearch-reachable"]


def test_it_is_asked_where_it_is_at_home_and_where_the_web_probe_met_it() -> None:
    spoken = {9201: "elasticsearch", 80: "http"}
    target = Target("d", "192.0.2.1", (80, 9200, 9201, 9202), spoken=spoken, free=frozenset({9202}))
    assert PROBE.wants(target) == (9200, 9201)


@given(st.binary(max_size=300), st.sampled_from([b"", OK + b"\r\n", welcome()[:-20], demand(b"", b"")]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, prefix: bytes) -> None:
    asked = canned(PROBE, prefix + told)
    assert asked.seen or asked.error or asked.other
