"""How does Windows' remote administration let people in? By hand: no real one runs outside Windows."""

from __future__ import annotations

import ssl
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from netwatch.ntlm import CHALLENGE, NEGOTIATE
from netwatch.smb2 import little
from probes.winrm import Winrm
from tests.lab import certificates
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

PROBE = Winrm(timeout=1.0)
TOKEN = CHALLENGE + bytes(8) + little(0xE28A_8215, 4) + bytes(24) + b"\x0a\0\x63\x45\0\0\0\x0f"
WINDOWS = ["Negotiate", "Kerberos"]


def head(schemes: Iterable[str], status: str = "401 ") -> bytes:
    asked = "".join(f"WWW-Authenticate: {one}\r\n" for one in schemes)
    return f"HTTP/1.1 {status}\r\nServer: Microsoft-HTTPAPI/2.0\r\n{asked}Content-Length: 0\r\n\r\n".encode()


def server(
    schemes: Iterable[str] = WINDOWS, token: bytes = TOKEN, heard: list[bytes] | None = None
) -> Callable[[Talk], None]:
    """It lists its ways in, and answers the first half of a login with a challenge."""

    def behave(talk: Talk) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += talk.some()
        if heard is not None:
            heard.append(request)
        begun = b"Authorization: Negotiate" in request
        talk.send(head([f"Negotiate {b64encode(token).decode()}"] if begun else schemes))
        talk.end(half=True)

    return behave


def asked(behave: Callable[[Talk], None], port: int = 0, tls: ssl.SSLContext | None = None) -> Asked:
    with Peer(behave, fresh_address(), port, tls=tls) as peer:
        found = ask(PROBE, peer.address, peer.port)
    assert peer.peak <= 1
    assert peer.connections <= 2
    return found


BASIC = 'Basic realm="WSMAN"'
LISTS = [
    # the ways in that it lists, in our words, rules in clear
    (WINDOWS, "kerberos, negotiate", []),
    ([*WINDOWS, BASIC], "basic, kerberos, negotiate", ["winrm-basic-in-clear"]),
    (['Negotiate, Basic realm="WSMAN", CredSSP'], "basic, credssp, negotiate", ["winrm-basic-in-clear"]),
    ([BASIC], "basic", ["winrm-basic-in-clear"]),
    (["negotiate"], "negotiate", []),
    (["Negotiate", "Bearer x", 'Digest realm="a", nonce = "kerberos"'], "digest, negotiate", []),
]


@pytest.mark.parametrize(("schemes", "security", "rules"), LISTS)
def test_the_ways_in_are_read_from_the_refusal(schemes: list[str], security: str, rules: list[str]) -> None:
    found = asked(server(schemes))
    assert (found.protocol, found.rules, found.error) == ("winrm", rules, None)
    assert (found.facts["security"], found.facts["authentication"], found.facts["tls"]) == (
        security,
        "password",
        False,
    )


def test_no_name_is_given_and_of_a_login_only_the_first_half_is_sent() -> None:
    heard: list[bytes] = []
    asked(server(heard=heard))
    plain, begun = heard
    assert plain.startswith(b"POST /wsman HTTP/1.1\r\n")
    assert b"Authorization" not in plain
    assert b"\r\nContent-Length: 0\r\n" in begun
    [sent] = [line for line in begun.split(b"\r\n") if line.startswith(b"Authorization: Negotiate ")]
    assert b64decode(sent.rpartition(b" ")[2]) == NEGOTIATE


def test_the_challenge_tells_the_version() -> None:
    found = asked(server()).facts
    assert found["version"] == "10.0.17763"
    assert "2019" in str(found["product"])


@pytest.mark.parametrize("token", [b"", b"x", CHALLENGE, TOKEN[:47]])
def test_a_server_whose_challenge_is_none_is_known_all_the_same(token: bytes) -> None:
    found = asked(server(token=token))
    assert (found.facts["security"], found.facts.get("version"), found.error) == (
        "kerberos, negotiate",
        None,
        None,
    )


def test_without_negotiate_one_connection_is_enough() -> None:
    with Peer(server([BASIC]), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert peer.connections == 1


def test_over_tls_basic_is_no_finding_and_the_certificate_is_read(tmp_path: Path) -> None:
    made = certificates.make(tmp_path, "serveur")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    found = asked(server([*WINDOWS, BASIC]), 5986, context)
    assert (found.rules, found.facts["tls"], found.facts["version"]) == ([], True, "10.0.17763")
    assert found.facts["certificate_self_signed"] is not None
    assert str(found.facts["certificate_key"]).startswith("sha256:")


@pytest.mark.parametrize(
    "says",
    [
        head([], "404 Not Found"),
        head([BASIC], "200 OK"),
        head(['Basic realm="router"']),
        head([]),
        b"SSH-2.0-x\r\n",
    ],
)
def test_what_is_another_web_server_or_none_is_handed_on(says: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(says)
        talk.end(half=True)

    found = asked(behave)
    assert found.other is not None
    assert (found.seen, found.other.opening[:4]) == ([], says[:4])


@pytest.mark.parametrize("status", ["503 Service Unavailable", "500 x", "429 x"])
def test_a_server_in_trouble_is_no_other_web_server(status: str) -> None:
    found = canned(PROBE, head([], status), port=5985)
    assert (found.seen, found.reason, found.other) == ([], Reason.BUSY, None)


@pytest.mark.parametrize("status", [b"", b" 4x1 x", b" 4011 x"])
def test_a_refusal_that_http_does_not_know_is_a_failure(status: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(b"HTTP/1.1" + status + b"\r\nWWW-Authenticate: Negotiate\r\n\r\n")
        talk.end(half=True)

    found = asked(behave)
    assert (found.seen, found.reason) == ([], Reason.PROTOCOL)


@pytest.mark.parametrize("says", [b"", b"HTT", b"HTTP/1.1 401 \r\nWWW-Authenticate: Negotiate\r\n"])
def test_a_server_that_stalls_is_a_failure(says: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.send(says)
        talk.hold()

    found = asked(behave)
    assert (found.seen, found.reason) == ([], Reason.TIMEOUT)


def test_what_was_proved_is_kept_when_the_second_question_stalls() -> None:
    calls = []

    def behave(talk: Talk) -> None:
        calls.append(1)
        if len(calls) == 2:
            talk.hold()
        server()(talk)

    found = asked(behave)
    assert (found.facts["security"], found.reason) == ("kerberos, negotiate", Reason.TIMEOUT)


def test_what_was_proved_is_kept_when_the_second_answer_is_something_else() -> None:
    found = canned(PROBE, head(WINDOWS), b"SSH-2.0-OpenSSH_9.2p1\r\n")
    assert (found.facts["security"], found.other, found.error) == ("kerberos, negotiate", None, None)


def test_a_head_without_end_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        try:
            talk.send(b"HTTP/1.1 401 \r\n")
            talk.flood(b"WWW-Authenticate: Negotiate\r\n" * 1000, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        found = ask(PROBE, peer.address, peer.port)
    assert (found.seen, found.reason) == ([], Reason.PROTOCOL)
    assert peer.sent < 5_000_000


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard() -> None:
    spoken = {80: "http", 5985: "http", 5986: "tls", 47001: "winrm"}
    target = Target("d", "192.0.2.1", (80, 443, 5985, 5986, 47001), spoken=spoken)
    assert PROBE.wants(target) == (5985, 5986, 47001)
    assert PROBE.wants(Target("d", "192.0.2.1", (80, 5985), before={80: "http"})) == (5985,)
    assert PROBE.wants(Target("d", "192.0.2.1", (5985,), spoken={5985: "ssh"})) == ()


@pytest.mark.parametrize(
    ("security", "tls", "rules"),
    [
        ("negotiate", False, ["winrm-reachable"]),
        ("basic, negotiate", True, ["winrm-reachable"]),
        ("basic", False, ["winrm-basic-in-clear"]),
        (None, False, ["winrm-reachable"]),
    ],
)
def test_from_the_internet_it_is_one_finding(security: str | None, tls: bool, rules: list[str]) -> None:  # noqa: FBT001
    target = Target("d", "192.0.2.1", (5985,), Vantage.OUTSIDE)
    seen = target.observed("winrm", 5985, "winrm", {"security": security, "tls": tls})
    assert [finding.rule for finding in PROBE.judge(seen)] == rules


STARTS = st.sampled_from(
    [b"", b"HTTP/", b"HTTP/1.1 401 \r\n", head(WINDOWS)[:-2], head(["Negotiate "])[:-24]]
)


@given(STARTS, st.binary(max_size=300), STARTS, st.binary(max_size=300))
def test_any_bytes_give_facts_or_a_failure(first: bytes, rest: bytes, second: bytes, more: bytes) -> None:
    found = canned(PROBE, first + rest + b"\r\n\r\n", second + more + b"\r\n\r\n")
    assert found.seen or found.error or found.other


@given(st.text(alphabet="ABab01+/= \t,;", max_size=60))
def test_any_token_gives_facts(token: str) -> None:
    found = canned(PROBE, head(WINDOWS), head([f"Negotiate {token}"]))
    assert found.error is None
    assert found.facts["security"] == "kerberos, negotiate"
