from __future__ import annotations

import select
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from netwatch.bridge import dial
from netwatch.carrier import WINDOW, Carrier
from netwatch.connection import talks
from netwatch.errors import OutsideError
from netwatch.line import Line
from netwatch.login import login
from netwatch.model import Reason
from netwatch.probe import ProbeError
from tests.lab.sshpeer import OPEN, SshPeer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from netwatch.bridge import Bridged
    from tests.lab.sshpeer import Answer, Loose


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., tuple[SshPeer, Carrier]]]:
    """A server and a connection to it, held as often as anybody may let it go."""
    both: list[tuple[SshPeer, Carrier]] = []

    def start(
        decide: Callable[[str, int], Answer] = lambda *_: OPEN, **more: object
    ) -> tuple[SshPeer, Carrier]:
        peer = SshPeer(tmp_path, decide, **more)  # type: ignore[arg-type]
        peer.__enter__()
        carrier = login(peer.settings(), None, 5)
        both.append((peer, carrier))
        return peer, carrier

    yield start
    for peer, carrier in both:
        carrier.close()
        peer.__exit__(None, None, None)


def connect(carrier: Carrier, seconds: float = 5.0) -> Bridged:
    carrier.hold()
    return dial(carrier, "192.0.2.1", 80, seconds, lambda: False)


def until(true: Callable[[], object], seconds: float = 5.0) -> bool:
    """Does it become true?"""
    by = time.monotonic() + seconds
    while not true() and time.monotonic() < by:
        time.sleep(0.01)
    return bool(true())


def echo(channel: Loose) -> None:
    while data := channel.recv(4096):
        channel.sendall(data)
    channel.sendall(b"over")
    channel.close()


def test_it_is_a_socket_that_a_line_can_talk_on(started: Callable[..., tuple[SshPeer, Carrier]]) -> None:
    _, carrier = started(serve=echo)
    sock = connect(carrier)
    line = Line(sock, patience=5, seconds=10, limit=100_000)
    line.send(b"hello")
    assert line.listen(5) == b"hello"  # MSG_PEEK
    assert line.read(5) == b"hello"
    line.send(b"x" * 50_000)
    assert line.read(50_000) == b"x" * 50_000
    line.close()
    assert until(lambda: carrier.idle)


def test_a_half_close_goes_through_and_the_answer_still_comes(
    started: Callable[..., tuple[SshPeer, Carrier]],
) -> None:
    _, carrier = started(serve=echo)
    with connect(carrier) as sock:
        sock.settimeout(5)
        sock.sendall(b"last words")
        sock.shutdown(socket.SHUT_WR)
        told = b""
        while data := sock.recv(4096):
            told += data
        assert told == b"last wordsover"


def test_what_the_peer_said_before_it_left_can_still_be_read(
    started: Callable[..., tuple[SshPeer, Carrier]],
) -> None:
    def speak(channel: Loose) -> None:
        channel.sendall(b"x" * 20_000)
        channel.close()

    _, carrier = started(serve=speak)
    with connect(carrier) as sock:
        sock.settimeout(5)
        until(lambda: carrier._channels.values()[0].closed if carrier._channels.values() else True)
        told = b""
        while data := sock.recv(4096):
            told += data
        assert told == b"x" * 20_000


def test_who_closes_its_end_is_heard_of_at_once_though_the_peer_says_nothing(
    started: Callable[..., tuple[SshPeer, Carrier]],
) -> None:
    peer, carrier = started()
    connect(carrier).close()
    assert until(lambda: peer.held and peer.held[0].closed)
    assert until(lambda: carrier.idle)


def test_a_flood_stays_with_the_server(started: Callable[..., tuple[SshPeer, Carrier]]) -> None:
    sent = [0]

    def flood(channel: Loose) -> None:
        while True:
            sent[0] += channel.send(b"x" * 4096)

    _, carrier = started(serve=flood)
    with connect(carrier) as sock:
        assert until(lambda: select.select([sock], [], [], 0)[0])
        assert not until(lambda: sent[0] > 3 * WINDOW, 1.0)
        assert talks(sock)
    assert until(lambda: carrier.idle)


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        ((2, b"Connection refused"), Reason.REFUSED, "the port is closed"),
        ((2, b"Connection timed out"), Reason.TIMEOUT, "no connection in time"),
        ((2, b"No route to host"), Reason.TIMEOUT, "unreachable"),
        ((2, b"Dupont Jean is not here"), Reason.TIMEOUT, "no connection"),
        ((2, b""), Reason.TIMEOUT, "no connection"),
        ((4, b""), Reason.UNFINISHED, "the server outside can make no more connections"),
        (None, Reason.TIMEOUT, "no connection in time"),
    ],
)
def test_what_becomes_of_a_connection_is_told_as_a_direct_one_would_be(
    answer: Answer, reason: Reason, detail: str, started: Callable[..., tuple[SshPeer, Carrier]]
) -> None:
    _, carrier = started(lambda *_: answer)
    with pytest.raises(ProbeError) as error:
        connect(carrier, 0.3)
    assert (error.value.reason, error.value.detail) == (reason, detail)
    assert carrier.idle


def test_a_server_that_may_not_connect_is_no_closed_port(
    started: Callable[..., tuple[SshPeer, Carrier]],
) -> None:
    _, carrier = started(lambda *_: (1, b"Connection refused"))
    with pytest.raises(OutsideError) as error:
        connect(carrier)
    assert error.value.message == "vantage.no-forwarding"


def test_a_stop_is_noticed_while_we_wait(started: Callable[..., tuple[SshPeer, Carrier]]) -> None:
    _, carrier = started(lambda *_: None)
    carrier.hold()
    with pytest.raises(ProbeError) as error:
        dial(carrier, "192.0.2.1", 80, 60, lambda: True)
    assert error.value.reason is Reason.UNFINISHED


def test_a_connection_that_comes_after_we_left_is_ended_at_once(
    started: Callable[..., tuple[SshPeer, Carrier]],
) -> None:
    late = threading.Event()

    def decide(*_: object) -> Answer:
        late.wait(5)
        return OPEN

    peer, carrier = started(decide)
    with pytest.raises(ProbeError):
        connect(carrier, 0.1)
    late.set()
    assert until(lambda: peer.held and peer.held[0].closed)


@pytest.mark.parametrize("speaking", [False, True])
def test_the_end_of_the_ssh_connection_is_no_end_of_the_peers(
    started: Callable[..., tuple[SshPeer, Carrier]], *, speaking: bool
) -> None:
    peer, carrier = started()
    line = Line(connect(carrier), patience=5, seconds=10, limit=1000)
    until(lambda: peer.held)
    peer.hang_up()
    carrier.join(5)
    with pytest.raises(ProbeError) as error:
        while True:
            line.send(b"x") if speaking else line.read(1)
    assert error.value.reason is Reason.UNFINISHED
    assert not talks(line._socket)
    line.close()


def test_the_end_of_the_peers_is_one(started: Callable[..., tuple[SshPeer, Carrier]]) -> None:
    _, carrier = started(serve=lambda channel: channel.close())
    line = Line(connect(carrier), patience=5, seconds=10, limit=1000)
    with pytest.raises(ProbeError) as error:
        line.read(1)
    assert error.value.reason is Reason.CLOSED
    line.close()
