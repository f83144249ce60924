"""Does Docker take orders from anybody? The answers are those of Docker 20.10.24 and Podman 4.3.1, as Debian
12 packages them; they were asked by hand, and are too heavy for the lab."""

from __future__ import annotations

import ssl
from socket import MSG_PEEK
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.docker import OVER_TLS, Docker
from tests.lab import certificates
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE = Docker(timeout=1.0)
DOCKER = (
    b"Api-Version: 1.41\r\nDocker-Experimental: false\r\nOstype: linux\r\n"
    b"Server: Docker/20.10.24+dfsg1 (linux)\r\n"
)
PODMAN = (
    b"Api-Version: 1.41\r\nDocker-Experimental: true\r\nLibpod-Api-Version: 4.3.1\r\n"
    b"Server: Libpod/4.3.1 (linux)\r\n"
)
BEHIND = b"Server: nginx\r\nApi-Version: 1.47\r\nOstype: linux\r\n"


def page(headers: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: 2\r\n\r\nOK" % (status, headers)


def server(raw: bytes) -> Callable[[Talk], None]:
    def behave(talk: Talk) -> None:
        assert talk.some().startswith(b"GET /_ping HTTP/1.1\r\n")
        talk.send(raw)
        talk.hold()

    return behave


def asked_of(raw: bytes) -> Asked:
    with Peer(server(raw), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert peer.connections == 1
    return asked


ANSWERS = {
    # what it sends, product, version, authentication, rules
    "Docker": (page(DOCKER), "Docker", "20.10.24+dfsg1", "none", ["docker-open"]),
    "Podman": (page(PODMAN), "Podman", "4.3.1", "none", ["docker-open"]),
    "an old one": (page(b"Server: Docker/1.9.1 (linux)\r\n"), "Docker", "1.9.1", "none", ["docker-open"]),
    "behind a proxy": (page(BEHIND), "Docker", None, "none", ["docker-open"]),
    "behind a password": (page(BEHIND, b"401 x"), "Docker", None, "password", []),
    "behind a filter": (page(DOCKER, b"403 x"), "Docker", "20.10.24+dfsg1", "unknown", []),
}


@pytest.mark.parametrize(
    ("raw", "product", "version", "authentication", "rules"), ANSWERS.values(), ids=ANSWERS
)
def test_a_ping_says_whether_it_takes_orders(
    raw: bytes, product: str, version: str | None, authentication: str, rules: list[str]
) -> None:
    asked = asked_of(raw)
    assert asked.facts == {
        "product": product,
        "version": version,
        "authentication": authentication,
        "tls": False,
    }
    assert (asked.protocol, asked.rules, asked.error) == ("docker", rules, None)


OTHERS = [
    b"HTTP/1.1 200 OK\r\n\r\nOK",
    page(b"Api-Version: 1.41\r\n"),
    page(b"Ostype: linux\r\n"),
    page(b"Api-Version: v2\r\nOstype: linux\r\n"),
    page(b"Server: Dockerish/1\r\n"),
]


@pytest.mark.parametrize("raw", OTHERS)
def test_another_web_server_is_said_to_be_one(raw: bytes) -> None:
    asked = asked_of(raw)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == b"HTTP/"


@pytest.mark.parametrize(
    ("raw", "proved"),
    [(page(DOCKER, b"500 x"), ["unknown"]), (page(BEHIND, b"429 x"), ["unknown"]), (page(b"", b"502 x"), [])],
)
def test_a_server_in_trouble_is_no_server_with_a_password(raw: bytes, proved: list[str]) -> None:
    asked = asked_of(raw)
    assert [seen.facts["authentication"] for seen in asked.seen] == proved
    assert (asked.reason, asked.other, asked.rules) == (Reason.BUSY, None, [])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_one_that_was_locked_where_it_was_open_is_locked(tmp_path: Path, version: ssl.TLSVersion) -> None:
    tls = certificates.Tls(version, version, mutual=True)
    context = tls.context(certificates.make(tmp_path, "cabinet"))

    def behave(talk: Talk) -> None:
        if talk.connection.recv(1, MSG_PEEK) != b"\x16":
            talk.some()
            talk.send(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
            talk.end(half=True)
            return
        try:
            with context.wrap_socket(talk.connection, server_side=True) as wrapped:
                wrapped.recv(1)
        except OSError as refused:
            raise Over from refused

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["authentication"], asked.facts["security"]) == ("password", "client-certificate")
    assert (asked.rules, asked.error, peer.connections) == ([], None, 3)


def test_a_server_that_stalls_is_a_failure() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def over_tls(peer: Peer) -> Asked:
    """Asked at 2376, or as there."""
    return ask(PROBE, peer.address, OVER_TLS)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_one_that_wants_our_certificate_is_locked(tmp_path: Path, version: ssl.TLSVersion) -> None:
    tls = certificates.Tls(version, version, mutual=True)
    context = tls.context(certificates.make(tmp_path, "cabinet"))
    with Peer(server(page(DOCKER)), fresh_address(), OVER_TLS, tls=context) as peer:
        asked = over_tls(peer)
    assert asked.facts["authentication"] == "password"
    assert asked.facts["security"] == "client-certificate"
    assert [(seen.protocol, seen.proved) for seen in asked.seen] == [("docker", False)]
    assert (asked.rules, asked.error, peer.connections) == ([], None, 1)
    # in TLS 1.3 the handshake ends before we are refused, and the certificate can be read
    assert ("certificate_name" in asked.facts) == (version is ssl.TLSVersion.TLSv1_3)


def test_one_that_asks_for_a_certificate_and_does_without_is_open(tmp_path: Path) -> None:
    context = certificates.Tls().context(certificates.make(tmp_path, "cabinet"))
    context.verify_mode = ssl.CERT_OPTIONAL
    with Peer(server(page(DOCKER)), fresh_address(), OVER_TLS, tls=context) as peer:
        asked = over_tls(peer)
    assert (asked.facts["authentication"], asked.facts["tls"], asked.rules) == ("none", True, ["docker-open"])
    assert asked.facts["certificate_name"] == "cabinet"


def test_one_in_clear_where_tls_belongs_is_found_out() -> None:
    def behave(talk: Talk) -> None:
        talk.send(page(DOCKER) if talk.some().startswith(b"GET") else b"HTTP/1.0 400 Bad Request\r\n\r\n")
        talk.hold()

    with Peer(behave, fresh_address(), OVER_TLS) as peer:
        asked = over_tls(peer)
    assert (asked.facts["authentication"], asked.facts["tls"], asked.rules) == (
        "none",
        False,
        ["docker-open"],
    )
    assert peer.connections == 2


def test_one_that_is_silent_where_tls_belongs_is_asked_once() -> None:
    with Peer(Talk.hold, fresh_address(), OVER_TLS) as peer:
        asked = over_tls(peer)
    assert (asked.seen, asked.reason, peer.connections) == ([], Reason.TIMEOUT, 1)


def test_one_that_hangs_up_where_tls_belongs_is_not_taken_for_locked() -> None:
    def behave(talk: Talk) -> None:
        talk.some()

    with Peer(behave, fresh_address(), OVER_TLS) as peer:
        asked = over_tls(peer)
    assert (asked.seen, asked.reason) == ([], Reason.CLOSED)


def test_from_the_internet_any_is_a_finding() -> None:
    target = Target("d", "192.0.2.1", (2376,), Vantage.OUTSIDE)
    seen = target.observed("docker", 2376, "docker", {"authentication": "password"})
    assert [finding.rule for finding in PROBE.judge(seen)] == ["docker-reachable"]


def test_it_is_asked_where_it_is_at_home_and_where_the_web_probe_met_it() -> None:
    spoken = {4243: "docker", 80: "http"}
    target = Target("d", "192.0.2.1", (80, 2375, 2376, 2377, 4243), spoken=spoken, free=frozenset({2377}))
    assert PROBE.wants(target) == (2375, 2376, 4243)


@given(st.binary(max_size=300), st.sampled_from([b"", page(b""), page(DOCKER)[:-4], b"\x16\x03\x03"]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, prefix: bytes) -> None:
    for port in (2375, OVER_TLS):
        asked = canned(PROBE, prefix + told, prefix + told, port=port)
        assert asked.seen or asked.error or asked.other
