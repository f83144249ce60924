"""Does a camera answer on the network? Hand-made cameras here; a real RTSP server in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.model import Reason, Target, Vantage
from probes.rtsp import Rtsp
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Rtsp(timeout=1.0)


def head(status: str = "200 OK", *lines: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join((f"RTSP/1.0 {status}", "CSeq: 1", *lines, "", "")).encode()


def camera(answer: bytes) -> tuple[Callable[[Talk], None], list[bytes]]:
    """One that says this to whatever comes, and keeps what came."""
    heard: list[bytes] = []

    def behave(talk: Talk) -> None:
        heard.append(talk.some())
        talk.send(answer)
        while True:
            heard.append(talk.some())

    return behave, heard


SERVERS = [
    ("Hipcam RealServer/V1.0", "Hipcam RealServer", "1.0"),
    ("GStreamer RTSP server", "GStreamer RTSP server", None),
    ("VLC/3.0.18", "VLC", "3.0.18"),
    ("H264DVR 1.0", "H264DVR", "1.0"),
    ("Rtsp Server/3.0", "Rtsp Server", "3.0"),
    ("LIVE555 Streaming Media v2022.12.01", "LIVE555 Streaming Media", "2022.12"),
    ("Helix Mobile Server/11.1.8.1745 (linux) (RealServer compatible)", "Helix Mobile Server", "11.1.8.1745"),
    ("<script>", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("server", "product", "version"), SERVERS)
def test_a_camera_is_told_by_the_name_of_its_program(
    server: str, product: str | None, version: str | None
) -> None:
    asked = canned(PROBE, head("200 OK", "Public: OPTIONS, DESCRIBE, PLAY", f"Server: {server}"))
    assert asked.facts == {"product": product, "version": version, "authentication": "unknown"}
    assert (asked.protocol, asked.rules, asked.error) == ("rtsp", [], None)


def test_one_options_is_sent_and_no_picture_is_asked_for() -> None:
    behave, heard = camera(head("200 OK", "Public: OPTIONS, DESCRIBE"))
    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, is_a="other")
    assert b"".join(heard) == b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: netwatch\r\n\r\n"
    assert (peer.connections, asked.protocol) == (1, "rtsp")


def test_a_camera_that_wants_a_password_for_this_question_has_one() -> None:
    asked = canned(PROBE, head("401 Unauthorized", 'WWW-Authenticate: Digest realm="Cabinet Dr DUPONT"'))
    assert asked.facts["authentication"] == "password"
    assert "DUPONT" not in str(asked.seen)


@pytest.mark.parametrize("status", ["404 Not Found", "501 Not Implemented", "454 Session Not Found"])
def test_a_camera_that_does_not_like_the_question_is_one_all_the_same(status: str) -> None:
    asked = canned(PROBE, head(status))
    assert (asked.protocol, asked.facts["authentication"], asked.error) == ("rtsp", "unknown", None)


@pytest.mark.parametrize(
    "opening", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b"\x15\x03\x01\x00\x02"]
)
def test_what_is_not_rtsp_is_said_to_be_something_else(opening: bytes) -> None:
    asked = canned(PROBE, opening)
    assert (asked.seen, asked.other is not None) == ([], True)


@pytest.mark.parametrize("told", [b"RTSP/\xff.0 200 OK\r\n\r\n", b"RTSP/1.0 OK\r\n\r\n", b"RTSP\r\n\r\n"])
def test_a_status_line_that_lies_is_a_failure(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert (asked.reason, asked.seen) == (Reason.PROTOCOL, [])


@pytest.mark.parametrize("opening", [b"", b"RT", b"RTSP/1.0 200 OK\r\nServer: "])
def test_a_camera_that_stalls_is_a_failure(opening: bytes) -> None:
    behave, _ = camera(opening)
    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, is_a="other")
    assert (asked.reason, asked.seen) == (Reason.TIMEOUT, [])


def test_a_camera_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(b"RTSP/1.0 200 OK\r\nServer: ")
        try:
            talk.flood(b"x" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, is_a="other")
    assert asked.reason is Reason.LIMIT
    assert peer.sent < 5_000_000


def test_from_the_internet_any_camera_is_a_finding_and_in_the_practice_it_is_none() -> None:
    for vantage, rules in ((Vantage.LAN, []), (Vantage.OUTSIDE, ["rtsp-reachable"])):
        seen = Target("d", "192.0.2.1", (554,), vantage).observed("rtsp", 554, "rtsp", {})
        assert [finding.rule for finding in PROBE.judge(seen)] == rules
    assert (
        list(PROBE.judge(Target("d", "192.0.2.1", (80,), Vantage.OUTSIDE).observed("rtsp", 80, "http", {})))
        == []
    )


def test_it_is_asked_at_home_where_it_was_heard_and_where_nothing_is_known() -> None:
    target = Target(
        "d", "192.0.2.1", (22, 554, 5554, 8554, 9554, 10554), spoken={8554: "http", 9554: "rtsp"},
        free=frozenset({10554}),
    )  # fmt: skip
    assert PROBE.wants(target) == (554, 9554, 10554)


@pytest.mark.parametrize("is_a", ["medical", "unknown", "printer", "box"])
def test_it_is_asked_of_nothing_that_may_be_harmed(is_a: str) -> None:
    with pytest.raises(ScopeError, match=r"egress\.class"):
        ask(PROBE, fresh_address(), 554, is_a=is_a)


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"RTSP/1.0 200 OK\r\n", b"RTSP/1.0 200 OK\r\nServer: "])
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, begins: bytes) -> None:
    for ends in (b"", b"\r\n\r\n"):
        asked = canned(PROBE, begins + told + ends)
        assert asked.seen or asked.error or asked.other
