"""Does a watch end what would never end, and nothing else?"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.others.deadline import Deadline, Turns

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(20)
        yield ours, theirs


def test_a_read_that_nobody_answers_ends_with_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(0.2, lambda: False) as clock:
        clock.watch(pair[0])
        assert pair[0].recv(1) == b""
    assert clock.over is Reason.TIMEOUT
    error = clock.error("Shodan")
    assert error is not None
    assert (error.message, error.reason) == ("others.timeout", Reason.TIMEOUT)


def test_a_stop_ends_it_too(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(60, lambda: True) as clock:
        clock.watch(pair[0])
        assert pair[0].recv(1) == b""
    assert clock.over is Reason.UNFINISHED


def test_a_connection_that_is_made_too_late_ends_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    over = threading.Event()
    with Deadline(60, lambda: over.set() or True) as clock:  # type: ignore[func-returns-value]
        while clock.over is None:
            over.wait(0.01)
        clock.watch(pair[0])
        clock.watch(None)
        assert pair[0].recv(1) == b""


def test_what_ends_in_time_is_left_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(60, lambda: False) as clock:
        clock.watch(pair[0])
    assert (clock.over, clock.error("x")) == (None, None)
    pair[1].send(b"still here")
    assert pair[0].recv(10) == b"still here"


def test_a_socket_that_is_closed_already_is_no_trouble() -> None:
    gone = socket.socket()
    gone.close()
    with Deadline(0.0, lambda: False) as clock:
        clock.watch(gone)
        while clock.over is None:
            pass


def test_turns_are_waited_for_and_a_stop_is_heard_meanwhile() -> None:
    asked = iter((False, False, True))
    turns = Turns("Shodan", 3600.0, lambda: next(asked))
    turns.wait()  # the first needs not wait
    with pytest.raises(OutsideError) as caught:
        turns.wait()
    assert caught.value.reason == Reason.UNFINISHED
    assert next(asked, None) is None


def test_a_wait_may_be_longer_than_the_pause() -> None:
    asked = iter((False, True))
    with pytest.raises(OutsideError):
        Turns("Shodan", 0.0, lambda: next(asked)).wait(3600.0)
