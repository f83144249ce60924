"""Is this a folder on the web, and does it travel in clear? Hand-made servers here; nginx in tests/lab. The
answers are those of nginx 1.22, Apache 2.4, lighttpd 1.4 and rclone 1.60, as Debian 12 packages them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.webdav import Webdav
from tests.lab import certificates
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE = Webdav(timeout=1.0)


def page(headers: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: 0\r\n\r\n" % (status, headers)


def server(raw: bytes, heard: list[bytes] | None = None) -> Callable[[Talk], None]:
    def behave(talk: Talk) -> None:
        head = talk.some()
        if heard is not None:
            heard.append(head)
        talk.send(raw)
        talk.end(half=True)

    return behave


def asked_of(raw: bytes) -> Asked:
    with Peer(server(raw), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert peer.connections == 1
    return asked


LOCKED = b"401 Unauthorized"
ANSWERS = {
    # what it sends, authentication
    "nginx": (page(b"DAV: 1\r\nAllow: GET,HEAD,PUT,DELETE,MKCOL,COPY,MOVE,PROPFIND,OPTIONS\r\n"), "unknown"),
    "Apache": (page(b"DAV: 1,2\r\nDAV: <http://apache.org/dav/propset/fs/1>\r\n"), "unknown"),
    "lighttpd": (page(b"DAV: 1,3\r\nMS-Author-Via: DAV\r\n"), "unknown"),
    "rclone": (page(b"Dav: 1, 2\r\nMs-Author-Via: DAV\r\n"), "unknown"),
    "locked, and named": (page(b'WWW-Authenticate: Basic realm="WebDAV"\r\n', LOCKED), "password"),
    "locked, and named so": (page(b"WWW-Authenticate: Basic realm=Web DAV\r\n", LOCKED), "password"),
    "locked, and its classes told": (page(b"DAV: 1\r\n", LOCKED), "password"),
}


@pytest.mark.parametrize(("raw", "authentication"), ANSWERS.values(), ids=ANSWERS)
def test_it_says_what_may_be_done(raw: bytes, authentication: str) -> None:
    asked = asked_of(raw)
    assert asked.facts == {"authentication": authentication, "tls": False}
    assert (asked.protocol, asked.rules, asked.error) == ("webdav", ["webdav-in-clear"], None)


def test_no_folder_is_listed_and_no_file_asked_for() -> None:
    heard: list[bytes] = []
    with Peer(server(page(b"DAV: 1\r\n"), heard), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert [head.partition(b"\r\n")[0] for head in heard] == [b"OPTIONS / HTTP/1.1"]
    assert b"Depth" not in heard[0]


def test_over_tls_it_is_no_finding_on_the_practice_s_network(tmp_path: Path) -> None:
    context = certificates.Tls().context(certificates.make(tmp_path, "cabinet"))
    with Peer(server(page(b"DAV: 1,2\r\n")), fresh_address(), tls=context) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["tls"], asked.facts["certificate_name"], asked.rules) == (True, "cabinet", [])


@pytest.mark.parametrize(
    "raw",
    [
        page(b"Allow: GET, HEAD\r\n"),
        page(b"", b"405 Not Allowed"),
        page(b"", b"501 Unsupported method"),
        page(b'WWW-Authenticate: Basic realm="Cabinet"\r\n', LOCKED),
        page(b'WWW-Authenticate: Basic realm="Cabinet", webdav="x"\r\n', LOCKED),
        page(b"DAV: calendar-access\r\n"),
        page(b"DAV: 12\r\n"),
        page(b"DAV: \r\n"),
    ],
)
def test_another_web_server_is_said_to_be_one(raw: bytes) -> None:
    asked = asked_of(raw)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == b"HTTP/"


@pytest.mark.parametrize("status", [b"503 Service Unavailable", b"500 x", b"429 x", b"408 x"])
def test_a_server_in_trouble_is_no_other_server(status: bytes) -> None:
    asked = asked_of(page(b"", status))
    assert (asked.seen, asked.reason, asked.other) == ([], Reason.BUSY, None)


def test_a_server_that_stalls_is_a_failure() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


@pytest.mark.parametrize(("tls", "rule"), [(True, "webdav-reachable"), (False, "webdav-in-clear")])
def test_from_the_internet_any_is_a_finding(tls: bool, rule: str) -> None:  # noqa: FBT001
    seen = Target("d", "192.0.2.1", (5006,), Vantage.OUTSIDE).observed("webdav", 5006, "webdav", {"tls": tls})
    assert [finding.rule for finding in PROBE.judge(seen)] == [rule]


def test_it_is_asked_where_it_is_at_home_and_where_the_web_probe_met_it() -> None:
    spoken = {8081: "webdav", 80: "http"}
    target = Target("d", "192.0.2.1", (80, 5005, 5006, 8081, 8082), spoken=spoken, free=frozenset({8082}))
    assert PROBE.wants(target) == (5005, 5006, 8081)


@pytest.mark.parametrize(("word", "asked"), [("http", (5005,)), ("tls", (5005,)), ("rtsp", ())])
def test_that_the_web_probe_was_there_first_does_not_keep_it_away(word: str, asked: tuple[int, ...]) -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", (80, 5005), spoken={80: "http", 5005: word})) == asked


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\nDAV: ", page(b"DAV: 1\r\n", LOCKED)])
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, prefix: bytes) -> None:
    asked = canned(PROBE, prefix + told)
    assert asked.seen or asked.error or asked.other
