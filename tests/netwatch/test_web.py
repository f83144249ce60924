"""Can a web server hold us, fool us or lead us elsewhere? Bytes that none should send, over real sockets."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
from contextlib import contextmanager
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.line import Line
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.scope import Scope
from netwatch.web import LONGEST, fetch, page
from tests.lab import certificates
from tests.lab.hurry import FAST
from tests.lab.interview import Canned, fresh_address
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from netwatch.way import Way
    from netwatch.web import Page

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def told(raw: bytes, path: str = "/", *, most: int = 65_536) -> Page:
    """What is made of these bytes, after which the server hangs up."""
    with Canned([raw]).connect("192.0.2.1", 80) as line:
        return fetch(line, "192.0.2.1", path, most=most)


def refused(raw: bytes) -> ProbeError | OtherProtocol:
    """Why nothing is made of them."""
    with pytest.raises((ProbeError, OtherProtocol)) as ended:
        told(raw)
    assert isinstance(ended.value, ProbeError | OtherProtocol)
    return ended.value


BODIES = {
    "a length": (OK + b"Content-Length: 2\r\n\r\nhi", b"hi", True),
    "no length": (OK + b"\r\nhi", b"hi", True),
    "more than its length": (OK + b"Content-Length: 1\r\n\r\nhi", b"h", True),
    "less than its length": (OK + b"Content-Length: 200\r\n\r\nhi", b"hi", False),
    "chunks": (CHUNKED + b"1\r\nh\r\n1;x=y\r\ni\r\n0\r\n\r\n", b"hi", True),
    "a chunk of its own length": (CHUNKED + b"1\r\nh\r\nzz\r\ni\r\n", b"h", False),
    "a chunk that ends early": (CHUNKED + b"ffffffffffffffff\r\nhi", b"hi", False),
    "a chunk of less than nothing": (CHUNKED + b"-1\r\nhi", b"", False),
    "a length of a chunk that never ends": (CHUNKED + b"0" * 50_000, b"", False),
    "many chunks": (CHUNKED + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n", b"x" * 5000, True),
    "trailers": (CHUNKED + b"1\r\nh\r\n0\r\n" + b"a: b\r\n" * 5000 + b"\r\n", b"h", True),
    "nothing by its number": (b"HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\nhi", b"", True),
    "lines that end in one byte": (b"HTTP/1.1 200 OK\nServer: x\n\nhi", b"hi", True),
    "a number of its own": (b"HTTP/1.1 999\r\n\r\nhi", b"hi", True),
    "early hints": (b"HTTP/1.1 103 x\r\nServer: early\r\n\r\n" * 1000 + OK + b"\r\nhi", b"hi", True),
}


@pytest.mark.parametrize(("raw", "body", "whole"), BODIES.values(), ids=BODIES)
def test_a_body_is_told_as_far_as_it_came(raw: bytes, body: bytes, whole: bool) -> None:  # noqa: FBT001
    answer = told(raw)
    assert (answer.body, answer.whole) == (body, whole)
    assert answer.status in {200, 204, 999}
    assert answer.header("server") in {"", "x"}


BROKEN = {
    "a negative length": OK + b"Content-Length: -1\r\n\r\nhi",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi",
    "a length of 5000 digits": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nhi",
    "a coding nobody knows": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\nhi",
    "a zero byte": OK + b"Server: a\0b\r\n\r\nhi",
    "a header without a name": OK + b": x\r\n\r\nhi",
    "a header cut short": OK + b"Serv",
    "a number too small": b"HTTP/1.1 099 x\r\n\r\nhi",
    "a number too long": b"HTTP/1.1 2000 x\r\n\r\nhi",
    "no number": b"HTTP/1.1 abc x\r\n\r\nhi",
    "a version cut short": b"HTTP/2 200 x\r\n\r\nhi",
    "another protocol that nobody asked for": b"HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\nhi",
    "hints without an answer": b"HTTP/1.1 103 x\r\n\r\n" * 1000,
    "HTTP/0.9": b"<html>hello</html>",
    "its first byte": b"H",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_http_that_breaks_its_own_rules_is_a_failure(raw: bytes) -> None:
    ended = refused(raw)
    assert isinstance(ended, ProbeError)
    assert (ended.reason, ended.detail) == (Reason.PROTOCOL, "no answer that HTTP allows")


def test_a_server_that_hangs_up_is_closed() -> None:
    ended = refused(b"")
    assert isinstance(ended, ProbeError)
    assert ended.reason is Reason.CLOSED


@pytest.mark.parametrize(
    "opening",
    [b"SSH-2.0-x\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"RTSP/1.0 400 Bad\r\n\r\n", b"J\0\0\0\x0a5"],
)
def test_another_protocol_is_told_by_its_first_bytes(opening: bytes) -> None:
    ended = refused(opening + b"ZZCANARY" * 3)
    assert isinstance(ended, OtherProtocol)
    assert ended.opening == (opening + b"ZZCANARY" * 3)[:16]


def from_pieces(*pieces: bytes, patience: float = 0.5) -> Page:
    """What is made of a server that sends these, one after the other, and stays."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        for piece in pieces:
            theirs.sendall(piece)
            time.sleep(0.02)

    with ours, theirs:
        sender = threading.Thread(target=send)
        sender.start()
        try:
            return fetch(Line(ours, patience=patience, seconds=5.0, limit=65_536), "192.0.2.1")
        finally:
            sender.join()


def test_another_protocol_is_heard_though_it_waits_for_us() -> None:
    with pytest.raises(OtherProtocol) as ended:
        from_pieces(b"\xff", b"\xfd\x18")
    assert ended.value.opening == b"\xff\xfd\x18"


def test_http_that_begins_with_one_byte_and_waits_is_slow_and_no_other_protocol() -> None:
    with pytest.raises(ProbeError) as ended:
        from_pieces(b"H", b"TTP/1.1 200")
    assert ended.value.reason is Reason.TIMEOUT


def test_a_protocol_that_begins_like_http_is_not_http() -> None:
    with pytest.raises(OtherProtocol) as ended:
        from_pieces(b"H", b"ELLO there\r\n")
    assert ended.value.opening == b"HELLO there\r\n"


def test_http_in_pieces_of_one_byte_is_http() -> None:
    answer = from_pieces(*(bytes([byte]) for byte in b"HTTP/1.1 204 \r\n\r\n"), patience=10)
    assert answer.status == 204


@contextmanager
def way_to(address: str) -> Iterator[Way]:
    """Through the real egress."""
    egress = Egress(Scope((IPv4Network(f"{address}/32"),), until=date.max), FAST)
    egress.classed(address, table()["computer"])
    try:
        yield egress.asking("http", "web")
    finally:
        egress.close()


def asked(peer: Peer, patience: float = 1.0, most: int = 65_536) -> Page:
    with way_to(peer.address) as way, way.connect(peer.address, peer.port, patience=patience) as line:
        return fetch(line, peer.address, most=most)


def saying(*parts: bytes, pause: float = 0.0) -> Callable[[Talk], None]:
    """A server that waits for the question, answers, and stays."""

    def behave(talk: Talk) -> None:
        talk.some()
        for part in parts:
            if pause:
                talk.drip(part, pause)
            else:
                talk.send(part)
        talk.hold()

    return behave


def test_a_body_of_one_byte_a_second_ends_with_our_patience() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(OK + b"\r\n")
        talk.drip(b"x" * 100, 0.3)

    with Peer(behave, fresh_address()) as peer:
        began = time.monotonic()
        answer = asked(peer)
    assert 0.9 < time.monotonic() - began < 2.5
    assert set(answer.body) == {ord("x")}
    assert not answer.whole


def test_headers_of_one_byte_at_a_time_end_with_our_patience() -> None:
    with Peer(saying(OK + b"A: " + b"x" * 100, pause=0.2), fresh_address()) as peer:
        began = time.monotonic()
        with pytest.raises(ProbeError) as ended:
            asked(peer)
    assert 0.9 < time.monotonic() - began < 2.5
    assert ended.value.reason is Reason.TIMEOUT


def test_a_server_that_floods_is_hung_up_on_and_its_beginning_told() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(OK + b"\r\n")
        talk.flood(b"x" * 65_536, 100_000_000)

    with Peer(behave, fresh_address()) as peer:
        answer = asked(peer, 10.0, most=10_000)
    assert (answer.body, answer.whole) == (b"x" * 10_000, False)
    assert peer.sent < 5_000_000


@pytest.mark.parametrize("most", [1, 5, 6, 4096])
def test_a_body_is_whole_where_it_fits_the_limit(most: int) -> None:
    answer = told(OK + b"Content-Length: 5\r\n\r\nhello", most=most)
    assert (answer.body, answer.whole) == (b"hello"[:most], most >= 5)


BOMBS = {
    "a header that never ends": OK + b"Server: " + b"a" * 250_000,
    "a status that never ends": b"HTTP/1.1 200 " + b"a" * 250_000,
    "spaces": OK + b"Server: a" + b" " * 99_000 + b"\0\r\n\r\n",
    "words": OK + b"Server: " + b"a \t" * 33_000 + b"\0\r\n\r\n",
    "folded lines": OK + b"Server: a\r\n" + b" x\r\n" * 24_000 + b"\r\n",
    "headers": OK + b"a:\r\n" * 24_000 + b"\r\n",
    "one cookie": OK + b"Set-Cookie: a=b; expires=" + b"1-" * 49_000 + b"\r\n\r\n",
    "cookies": OK + b"Set-Cookie: a=b; max-age=x; domain=.;;\r\n" * 2000 + b"\r\n",
    "hints": b"HTTP/1.1 103 x\r\n\r\n" * 14_000,
    "empty lines": b"\r\n" * 120_000,
    "chunks": CHUNKED + b"1\r\nx\r\n" * 43_000,
    "an extension of a chunk": CHUNKED + b"1;" + b"a=b;" * 60_000,
}


@pytest.mark.parametrize("raw", BOMBS.values(), ids=BOMBS)
def test_what_a_line_lets_in_is_read_in_no_time(raw: bytes) -> None:
    ours, theirs = socket.socketpair()
    sender = threading.Thread(target=feed, args=(theirs, raw))
    with ours, theirs:
        sender.start()
        began = time.thread_time()
        try:
            answer = fetch(Line(ours, patience=10, seconds=10, limit=262_144), "192.0.2.1")
        except (ProbeError, OtherProtocol):
            pass
        else:
            assert sum(map(len, answer.headers.values())) <= LONGEST * len(answer.headers)
        assert time.thread_time() - began < 3
        ours.close()
        sender.join()


def feed(peer: socket.socket, raw: bytes) -> None:
    try:
        peer.sendall(raw)
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side had enough


def test_a_header_holds_nothing_that_a_terminal_would_obey() -> None:
    answer = told(OK + b"Server: a\x1b[31mb\x07\x7f\x85\xe9\r\nX: \t y\r\n\r\n")
    assert answer.header("server") == "a [31mb é"
    assert answer.header("x") == "y"
    assert all(value.isprintable() for value in answer.headers.values())


def test_a_header_that_comes_twice_is_a_list() -> None:
    answer = told(OK + b"WWW-Authenticate: Basic realm=x\r\nwww-authenticate: NTLM\r\n\r\n")
    assert answer.headers == {"www-authenticate": "Basic realm=x, NTLM"}


def test_a_header_is_cut() -> None:
    answer = told(OK + b"Server: " + b"a" * 5000 + b"\r\n" + b"B: b\r\n" * 2000 + b"\r\n")
    assert answer.header("server") == "a" * LONGEST
    assert len(answer.header("b")) <= LONGEST
    assert answer.header("c") == ""


def test_a_body_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    answer = told(OK + b"Content-Encoding: gzip\r\n\r\n" + bomb)
    assert (answer.body, answer.whole) == (bomb, True)


@pytest.mark.parametrize(
    "where",
    [
        b"/next",
        b"http://[bad",
        b"javascript:1",
        b"http://xn--/",
        b"http://x:99999999/",
        b"\xff\xfe",
        b"",
        b"//",
    ],
)
def test_no_redirect_is_followed_and_none_spoils_an_answer(where: bytes) -> None:
    answer = told(b"HTTP/1.1 302 x\r\nLocation: " + where + b"\r\nContent-Length: 2\r\n\r\nhi")
    assert (answer.status, answer.body) == (302, b"hi")


def test_one_request_is_sent_with_no_cookie_and_nothing_of_ours_but_our_name() -> None:
    peer_got = []

    def behave(talk: Talk) -> None:
        peer_got.append(talk.some())
        talk.send(OK + b"Set-Cookie: a=b\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n")
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked(peer)
        asked(peer)
    head, *lines = peer_got[1].decode().split("\r\n")
    assert head == "GET / HTTP/1.1"
    assert sorted(line.partition(":")[0].lower() for line in lines if line) == [
        "accept",
        "accept-encoding",
        "connection",
        "host",
        "user-agent",
    ]
    assert "Accept-Encoding: identity" in lines
    assert "Connection: close" in lines
    assert peer.connections == 2


@pytest.mark.parametrize(("what", "noted"), [("", "GET /dupont"), ("where it leads", "where it leads")])
def test_what_was_sent_is_noted_in_our_words(what: str, noted: str) -> None:
    sent: list[str] = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(OK + b"Content-Length: 0\r\n\r\n")
        fetch(Line(ours, patience=0.5, seconds=2.0, limit=4096, sent=sent), "192.0.2.1", "/dupont", what=what)
    assert [one.partition(" (")[0] for one in sent] == [noted]


TROUBLES = {
    # what it sends, is it busy, why nothing is decided
    "200": (OK + b"Content-Length: 2\r\n\r\nhi", None, None),
    "401": (b"HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", None, None),
    "404": (b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", None, None),
    "408": (b"HTTP/1.1 408 x\r\nContent-Length: 0\r\n\r\n", Reason.BUSY, Reason.BUSY),
    "429": (b"HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n", Reason.BUSY, Reason.BUSY),
    "500": (b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", Reason.BUSY, Reason.BUSY),
    "501, which is for good": (b"HTTP/1.1 501 x\r\nContent-Length: 0\r\n\r\n", None, None),
    "503": (b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", Reason.BUSY, Reason.BUSY),
    "505, which is for good": (b"HTTP/1.1 505 x\r\nContent-Length: 0\r\n\r\n", None, None),
    "cut": (OK + b"Content-Length: 9\r\n\r\nhi", None, Reason.PROTOCOL),
    "cut by our limit": (OK + b"Content-Length: 99\r\n\r\n" + b"x" * 99, None, None),
    "cut and busy": (b"HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\n", Reason.BUSY, Reason.BUSY),
}


@pytest.mark.parametrize(("raw", "busy", "trouble"), TROUBLES.values(), ids=TROUBLES)
def test_an_answer_says_whether_its_silence_is_a_no(
    raw: bytes, busy: Reason | None, trouble: Reason | None
) -> None:
    answer = told(raw, most=50)
    assert (answer.busy and answer.busy.reason) is busy
    assert (answer.trouble and answer.trouble.reason) is trouble


def test_a_body_that_stalls_is_in_trouble() -> None:
    answer = from_pieces(OK + b"Content-Length: 9\r\n\r\nhi")
    assert (answer.body, answer.trouble and answer.trouble.reason) == (b"hi", Reason.TIMEOUT)


def test_a_body_that_is_more_than_a_line_takes_is_in_none() -> None:
    answer = told(OK + b"Content-Length: 99999\r\n\r\n" + b"x" * 99_999, most=90_000)
    assert (answer.whole, answer.trouble) == (False, None)


def test_nothing_that_a_peer_says_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        told(b"HTTP/1.1 200 ZZCANARY\r\nSet-Cookie: ZZCANARY\r\nLocation: http://ZZCANARY/\r\n\r\n")
    assert "ZZCANARY" not in caplog.text


@pytest.mark.parametrize("path", ["/\n", "/\x00", "/a\r\nX: y", "@evil/"])
def test_a_path_that_is_none_is_never_sent(path: str) -> None:
    way = Canned([OK + b"\r\n"])
    with pytest.raises(ProbeError) as ended, way.connect("192.0.2.1", 80) as line:
        fetch(line, "192.0.2.1", path)
    assert ended.value.reason is Reason.PROTOCOL
    assert way.sent == [b""]


# ---------------------------------------------------------------------- in clear, or over TLS


def web(talk: Talk) -> None:
    """A page to whoever asks."""
    talk.some()
    talk.send(OK + b"Content-Length: 2\r\n\r\nhi")
    talk.hold()


def got(peer: Peer) -> tuple[Page, dict[str, object]]:
    with way_to(peer.address) as way:
        answer, facts = page(way, peer.address, peer.port, patience=2.0)
        return answer, dict(facts)


def test_a_page_in_clear_costs_one_connection() -> None:
    with Peer(web, fresh_address()) as peer:
        answer, facts = got(peer)
    assert (answer.body, facts, peer.connections) == (b"hi", {"tls": False}, 1)


def test_a_server_of_tls_is_asked_again_over_tls(tmp_path: Path) -> None:
    context = certificates.Tls().context(certificates.make(tmp_path, "cabinet"))
    with Peer(web, fresh_address(), tls=context) as peer:
        answer, facts = got(peer)
    assert answer.body == b"hi"
    assert facts["tls"] is True
    assert facts["certificate_name"] == "cabinet"
    assert peer.connections == 2


def test_a_server_that_is_known_to_want_tls_is_asked_once(tmp_path: Path) -> None:
    context = certificates.Tls().context(certificates.make(tmp_path, "cabinet"))
    with Peer(web, fresh_address(), tls=context) as peer, way_to(peer.address) as way:
        _, facts = page(way, peer.address, peer.port, tls=True)
    assert (facts["tls"], peer.connections) == (True, 1)


HINTS = (
    b"Client sent an HTTP request to an HTTPS server.\n",
    b"<title>400 The plain HTTP request was sent to HTTPS port</title>",
    b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
)


def mixed(tmp_path: Path, clear: bytes) -> Callable[[Talk], None]:
    """One that answers so to who speaks in clear, and a page over TLS."""
    context = certificates.Tls().context(certificates.make(tmp_path, "cabinet"))

    def behave(talk: Talk) -> None:
        if talk.connection.recv(1, socket.MSG_PEEK) != b"\x16":
            talk.some()
            if clear:
                talk.send(clear)
            return
        with context.wrap_socket(talk.connection, server_side=True) as secure:
            secure.recv(1000)
            secure.sendall(OK + b"Content-Length: 2\r\n\r\nhi")
            secure.recv(1000)

    return behave


@pytest.mark.parametrize("hint", HINTS)
def test_a_server_that_says_that_it_wants_tls_is_believed(tmp_path: Path, hint: bytes) -> None:
    clear = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" + hint
    with Peer(mixed(tmp_path, clear), fresh_address()) as peer:
        answer, facts = got(peer)
    assert (answer.body, facts["tls"], peer.connections) == (b"hi", True, 2)


def test_a_server_that_hangs_up_on_who_speaks_in_clear_is_asked_over_tls(tmp_path: Path) -> None:
    with Peer(mixed(tmp_path, b""), fresh_address()) as peer:
        answer, facts = got(peer)
    assert (answer.body, facts["tls"], peer.connections) == (b"hi", True, 2)


@pytest.mark.parametrize("clear", [b"HTTP/1.1 400 Bad Request\r\n\r\nNo.", OK + b"\r\n" + HINTS[0]])
def test_any_other_answer_in_clear_is_an_answer(tmp_path: Path, clear: bytes) -> None:
    with Peer(mixed(tmp_path, clear), fresh_address()) as peer:
        answer, facts = got(peer)
    assert (clear.endswith(answer.body), facts["tls"], peer.connections) == (True, False, 1)


@pytest.mark.parametrize("over_tls", [b"", b"no, thank you"])
def test_one_that_hangs_up_on_everybody_is_closed(over_tls: bytes) -> None:
    def behave(talk: Talk) -> None:
        if talk.some().startswith(b"\x16"):
            talk.send(over_tls)

    with Peer(behave, fresh_address()) as peer, pytest.raises(ProbeError) as ended:
        got(peer)
    assert (ended.value.reason, peer.connections) == (Reason.CLOSED, 2)


def test_one_that_stays_silent_is_asked_once() -> None:
    with Peer(Talk.hold, fresh_address()) as peer, pytest.raises(ProbeError) as ended:
        got(peer)
    assert (ended.value.reason, peer.connections) == (Reason.TIMEOUT, 1)


def test_another_protocol_is_asked_once_and_not_waited_for() -> None:
    began = time.monotonic()
    with Peer(saying(b"SSH-2.0-x\r\n"), fresh_address()) as peer, pytest.raises(OtherProtocol):
        got(peer)
    assert peer.connections == 1
    assert time.monotonic() - began < 1


@given(st.binary(max_size=300), st.sampled_from([b"", b"HTTP/1.1 ", OK, OK + b"\r\n", CHUNKED]))
def test_any_bytes_give_a_page_or_a_failure(raw: bytes, prefix: bytes) -> None:
    try:
        answer = told(prefix + raw, most=100)
    except (ProbeError, OtherProtocol):
        return
    assert len(answer.body) <= 100
    assert all(value.isprintable() for value in answer.headers.values())
