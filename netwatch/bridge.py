"""How does a connection inside an SSH connection become a socket like any other?

One end of a socket pair is handed over; behind the other, two threads carry bytes to and from the channel.
Nothing piles up: what the caller does not read stays with the server (RFC 4254 5.2, its window), and there
with the peer.

Where it stops: a reset reaches us as an end. The end of the SSH connection itself is told apart from it.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from netwatch.carrier import Asked, Told
from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from netwatch.carrier import Carrier, Channel

CHUNK = 4096
GLANCE = 0.1  # seconds until a stop, or an end, is noticed
GONE = "the connection to the server outside ended"
ERRORS = {
    Told.REFUSED: (Reason.REFUSED, "the port is closed"),
    Told.TIMED_OUT: (Reason.TIMEOUT, "no connection in time"),
    Told.AWAY: (Reason.TIMEOUT, "unreachable"),
    Told.UNKNOWN: (Reason.TIMEOUT, "no connection"),
    Told.SHORTAGE: (Reason.UNFINISHED, "the server outside can make no more connections"),
    Told.LOST: (Reason.UNFINISHED, GONE),
}


class Bridged(socket.socket):
    """Our end. As any socket, but that the SSH connection's end is no end of the peer's."""

    lost = False

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """What the peer said. ProbeError(UNFINISHED) where the SSH connection ended first.

        A look at whether one byte is there (connection.talks) only finds that there is none.
        """
        data = super().recv(size, flags)
        if not data and self.lost and not (size == 1 and flags & socket.MSG_PEEK):
            raise ProbeError(Reason.UNFINISHED, GONE)
        return data

    def sendall(self, data: bytes, flags: int = 0, /) -> None:  # type: ignore[override]
        """As sendall of socket, and as recv."""
        try:
            super().sendall(data, flags)
        except TimeoutError:
            raise
        except OSError:
            if self.lost:
                raise ProbeError(Reason.UNFINISHED, GONE) from None
            raise


def dial(carrier: Carrier, address: str, port: int, seconds: float, stopped: Callable[[], bool]) -> Bridged:
    """As Outlet.dial. The carrier is held by whoever calls, and let go when this connection ends."""
    wait = Wait()
    carrier.ask(Asked(address, port, wait.tell))
    try:
        channel = wait.opened(seconds, stopped)
        return bridge(channel, lambda: carrier.hold(-1))
    except BaseException:
        carrier.hold(-1)
        raise


class Wait:
    """For the end of one question to the server; what comes after it is closed at once."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self._guard = threading.Condition()
        self._answer: tuple[Told, Channel | None] | None = None
        self._over = False

    def tell(self, _asked: Asked, told: Told, channel: Channel | None) -> None:
        """The carrier's thread, with the answer."""
        with self._guard:
            self._answer = told, channel
            self._guard.notify()
            late = self._over
        if late and channel is not None:
            aside(channel)

    def opened(self, seconds: float, stopped: Callable[[], bool]) -> Channel:
        """The connection. Raises ProbeError, and OutsideError where the server is not allowed to make any."""
        by = time.monotonic() + seconds
        with self._guard:
            while self._answer is None:
                left = by - time.monotonic()
                if left <= 0 or stopped():
                    self._over = True
                    why = (Reason.TIMEOUT, "no connection in time")
                    raise ProbeError(*why if left <= 0 else (Reason.UNFINISHED, "the scan was stopped"))
                self._guard.wait(min(GLANCE, left))
            told, channel = self._answer
        if channel is None:
            raise failure(told)
        return channel


def failure(told: Told) -> ProbeError | OutsideError:
    """What became of a connection, as an error."""
    if told is Told.PROHIBITED:
        return OutsideError("vantage.no-forwarding", Reason.CREDENTIALS)
    return ProbeError(*ERRORS[told])


def bridge(channel: Channel, ended: Callable[[], None]) -> Bridged:
    """Our end of a connection that the server has made. `ended`: called once, when both sides are done."""
    pair = socket.socketpair()
    ours, far = Bridged(fileno=pair[0].detach()), pair[1]
    for end in (ours, far):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK)
    inward = threading.Thread(target=_inward, args=(channel, far, ours), name="inward", daemon=True)
    inward.start()
    threading.Thread(target=_outward, args=(channel, far, inward, ended), name="outward", daemon=True).start()
    return ours


def _inward(channel: Channel, far: socket.socket, ours: Bridged) -> None:
    """What the peer says, until its end."""
    with suppress(OSError):
        while data := channel.recv(CHUNK):
            far.sendall(data)
    ours.lost = channel.lost
    with suppress(OSError):  # an end of the peer's; or of everything, and then nobody takes what we say
        far.shutdown(socket.SHUT_RDWR if channel.closed else socket.SHUT_WR)


def _outward(
    channel: Channel, far: socket.socket, inward: threading.Thread, ended: Callable[[], None]
) -> None:
    """What we say, until our end: a half one is passed on, a whole one ends it."""
    try:
        with suppress(OSError, EOFError):
            while data := far.recv(CHUNK):
                channel.sendall(data)
            if not _gone(far):
                channel.shutdown_write()
                while not (_gone(far) or channel.closed):
                    time.sleep(GLANCE)
    finally:
        _close(channel)
        inward.join()
        far.close()
        ended()


def _gone(far: socket.socket) -> bool:
    """Has the caller closed its end, and not only said that nothing more comes? poll(2), POLLHUP."""
    look = select.poll()
    look.register(far, 0)
    return any(seen & select.POLLHUP for _, seen in look.poll(0))


def aside(channel: Channel) -> None:
    """End it in a thread of its own: to close is to send, and the carrier's thread must go on reading."""
    threading.Thread(target=_close, args=(channel,), daemon=True).start()


def _close(channel: Channel) -> None:
    """End it."""
    with suppress(Exception):  # a dead SSH connection has many ways to say so
        channel.close()
