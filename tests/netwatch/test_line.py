"""Can a peer hold us, flood us or fool us? Over real sockets; TLS against a real server."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.line import Line
from netwatch.model import Reason
from netwatch.probe import ProbeError
from tests.lab import certificates
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENT = 20.0  # seconds; a test that waits for all of them is a test that hangs


@contextmanager
def pair(
    *, patience: float = PATIENT, seconds: float = PATIENT, limit: int = 10_000
) -> Iterator[tuple[Line, socket.socket]]:
    """A Line and the other end of its connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Line(ours, patience=patience, seconds=seconds, limit=limit), theirs


@contextmanager
def to(
    peer: Peer, *, patience: float = PATIENT, seconds: float = PATIENT, limit: int = 100_000
) -> Iterator[Line]:
    line = Line(
        socket.create_connection((peer.address, peer.port)), patience=patience, seconds=seconds, limit=limit
    )
    try:
        yield line
    finally:
        line.close()


def reason(question: Callable[[], object]) -> Reason:
    with pytest.raises(ProbeError) as ended:
        question()
    return ended.value.reason


def test_exactly_the_bytes_asked_for_are_taken_and_the_rest_stays_outside() -> None:
    with pair() as (line, peer):
        peer.sendall(b"headerZZCANARY")
        assert line.read(6) == b"header"
        assert line.received == 6
        assert line._socket.recv(100) == b"ZZCANARY"  # the kernel still held it


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=10))
def test_an_answer_in_pieces_is_read_whole(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    with pair() as (line, peer):

        def send() -> None:
            for piece in pieces:
                peer.sendall(piece)

        sender = threading.Thread(target=send)
        sender.start()
        assert line.read(len(whole)) == whole
        sender.join()


def test_nothing_is_read_where_nothing_is_asked_for() -> None:
    with pair() as (line, _):
        assert line.read(0) == b""


def test_a_peer_that_ends_before_the_last_byte_is_closed_and_gives_nothing() -> None:
    with pair() as (line, peer):
        peer.sendall(b"abc")
        peer.shutdown(socket.SHUT_WR)
        assert reason(lambda: line.read(4)) is Reason.CLOSED


@pytest.mark.parametrize(("sent", "cut"), [(100, False), (101, True)])
def test_the_limit_counts_every_byte_of_the_question(*, sent: int, cut: bool) -> None:
    with pair(limit=100) as (line, peer):
        peer.sendall(bytes(sent))
        line.read(60)
        if cut:
            assert reason(lambda: line.read(sent - 60)) is Reason.LIMIT
        else:
            assert line.read(sent - 60) == bytes(40)


def test_a_length_of_4_gb_costs_no_more_than_the_limit() -> None:
    def flood(talk: Talk) -> None:
        talk.flood(bytes(65_536), 200_000_000)

    with Peer(flood) as peer, to(peer, limit=50_000) as line:
        assert reason(lambda: line.read(0xFFFFFFFF)) is Reason.LIMIT
        assert line.received <= 50_000 + 4096


def test_a_silent_peer_is_a_timeout() -> None:
    with pair(patience=0.1) as (line, _):
        assert reason(lambda: line.read(1)) is Reason.TIMEOUT


def test_a_byte_now_and_then_does_not_prolong_the_time_for_an_answer() -> None:
    def drip(talk: Talk) -> None:
        talk.drip(bytes(10_000), 0.02)

    with Peer(drip) as peer, to(peer, patience=0.3) as line:
        assert reason(lambda: line.read(9_999)) is Reason.TIMEOUT


def test_asking_again_and_again_does_not_prolong_the_whole_question() -> None:
    def echo(talk: Talk) -> None:
        while True:
            talk.send(talk.read(1))

    def forever(line: Line) -> None:
        while True:
            line.send(b"?")
            line.read(1)

    with Peer(echo) as peer, to(peer, seconds=0.3) as line:
        assert reason(lambda: forever(line)) is Reason.TIMEOUT


def test_the_time_for_an_answer_starts_when_we_speak() -> None:
    with pair(patience=0.2) as (line, peer):
        assert reason(lambda: line.read(1)) is Reason.TIMEOUT
        peer.sendall(b"late")
        line.send(b"again")
        assert line.read(4) == b"late"


def test_a_peer_that_takes_nothing_is_a_timeout() -> None:
    with pair(patience=0.2) as (line, _):
        assert reason(lambda: line.send(bytes(50_000_000))) is Reason.TIMEOUT


def test_a_peer_that_hung_up_is_closed() -> None:
    with pair() as (line, peer):
        peer.close()
        assert reason(lambda: line.send(b"hello")) is Reason.CLOSED
        assert reason(lambda: line.listen(0.1)) is Reason.CLOSED


def test_listening_hears_a_banner_of_16_bytes_at_most_and_nothing_where_nobody_speaks() -> None:
    with pair() as (line, peer):
        assert line.listen(0.05) == b""
        peer.sendall(b"SSH-2.0-a-very-long-name")
        assert line.listen(5) == b"SSH-2.0-a-very-l"


@contextmanager
def tls_peer(folder: Path, behave: Callable[[Talk], None], shape: certificates.Tls) -> Iterator[Peer]:
    with Peer(behave, tls=shape.context(certificates.make(folder, "lab"))) as peer:
        yield peer


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def in_pieces(context: ssl.SSLContext, size: int) -> Callable[[Talk], None]:
    """A TLS server whose every message leaves in pieces of so many bytes, and which says `hello`."""

    def behave(talk: Talk) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                server.do_handshake()
                server.write(b"hello")
            except ssl.SSLWantReadError:
                flush(talk, outgoing.read())
                incoming.write(talk.some())
            except ssl.SSLError:
                flush(talk, outgoing.read())
                return
            else:
                flush(talk, outgoing.read())
                talk.hold()

    def flush(talk: Talk, data: bytes) -> None:
        talk.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), size):
            talk.send(data[at : at + size])

    return behave


def greeting(line: Line) -> bytes | None:
    """What the server says inside TLS, or None where it does not talk to us."""
    try:
        line.start_tls()
        return line.read(5)
    except ProbeError:
        return None


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("mutual", [False, True], ids=["for all", "mutual"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_demand_for_our_certificate_is_heard_however_it_is_cut(
    *,
    tmp_path: Path,
    version: ssl.TLSVersion,
    mutual: bool,
    size: int,
) -> None:
    shape = certificates.Tls(minimum=version, maximum=version, mutual=mutual)
    server = shape.context(certificates.make(tmp_path, "lab"))
    with Peer(in_pieces(server, size)) as peer, to(peer) as line:
        assert line.asked_certificate is None
        told = greeting(line)
        assert (told == b"hello") is not mutual
        assert line.asked_certificate is mutual


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_sent_over_tls_is_encrypted_and_comes_back(tmp_path: Path, version: ssl.TLSVersion) -> None:
    shape = certificates.Tls(minimum=version, maximum=version)
    with tls_peer(tmp_path, lambda talk: talk.send(talk.read(2000)[::-1]), shape) as peer, to(peer) as line:
        line.start_tls()
        assert line.tls_version == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        line.send(b"a" * 1000 + b"b" * 1000)
        assert line.read(1500) == b"b" * 1000 + b"a" * 500
        assert line.read(500) == b"a" * 500
        assert reason(lambda: line.read(1)) is Reason.CLOSED


def test_a_peer_that_speaks_no_tls_is_a_protocol_error() -> None:
    with Peer(lambda talk: talk.send(b"220 mail.example ESMTP\r\n" * 100)) as peer, to(peer) as line:
        assert reason(line.start_tls) is Reason.PROTOCOL


def test_a_handshake_that_never_ends_is_a_timeout() -> None:
    with Peer(lambda talk: talk.hold()) as peer, to(peer, patience=0.2) as line:
        assert reason(line.start_tls) is Reason.TIMEOUT


def test_a_flood_instead_of_a_handshake_is_cut() -> None:
    def flood(talk: Talk) -> None:
        while True:  # empty fragments of a ServerHello that never comes
            talk.send(b"\x16\x03\x03\x00\x01\x02" * 1000)

    with Peer(flood) as peer, to(peer, limit=50_000) as line:
        assert reason(line.start_tls) in {Reason.LIMIT, Reason.PROTOCOL}
        assert line.received <= 50_000 + 4096


def test_the_limit_holds_inside_tls(tmp_path: Path) -> None:
    def flood(talk: Talk) -> None:
        talk.flood(bytes(65_536), 200_000_000)

    with tls_peer(tmp_path, flood, certificates.Tls()) as peer, to(peer, limit=50_000) as line:
        line.start_tls()
        assert reason(lambda: line.read(0xFFFFFFFF)) is Reason.LIMIT


RECORDS = st.binary(max_size=200) | st.builds(
    lambda kind, body: bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body,
    st.sampled_from([20, 21, 22, 23]),
    st.builds(lambda kind, body: bytes([kind]) + body, st.sampled_from([2, 11, 13]), st.binary(max_size=100)),
)


@given(st.lists(RECORDS, max_size=4))
def test_no_bytes_break_the_handshake(records: list[bytes]) -> None:
    with pair() as (line, peer):
        peer.sendall(b"".join(records))
        peer.shutdown(socket.SHUT_WR)
        assert reason(line.start_tls) in {Reason.PROTOCOL, Reason.CLOSED}
