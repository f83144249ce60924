"""How does one SSH connection carry ours, and what is told of those that did not come about? RFC 4254 7.2.

paramiko keeps only the number of a refusal, and a closed port and a silent one have the same. What tells them
apart is the server's text (the system's own word for it): it is reduced to a Told here and goes no further.
paramiko also believes what a server announces; the bounds on bytes, on a window and on waiting are ours.

Where it stops: a connection whose server has been recognised and has let us in (login.py). It is slow to
import, as paramiko is: import it where it is used.
"""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    cMSG_CHANNEL_OPEN,
    cMSG_CHANNEL_REQUEST,
    cMSG_GLOBAL_REQUEST,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WINDOW, PACKET = 32_768, 16_384  # bytes that a server may send ahead of us, and in one piece
LONGEST = 262_144  # bytes of one SSH packet, as OpenSSH has it
BEFORE_LOGIN = 262_144  # bytes that may come before we are let in
STUCK = 10.0  # seconds in which the server takes nothing from us
GLANCE = 0.1  # seconds until an end is noticed
PROHIBITED, SHORTAGE = {1, 3}, 4  # codes of RFC 4254 5.1; 3: it knows no such thing
FAILED = 2


class Told(StrEnum):
    """What became of a connection that the server was asked to make. Only the first two prove anything."""

    OPENED = "opened"
    REFUSED = "refused"  # the server was refused: the port is closed
    TIMED_OUT = "timed-out"
    AWAY = "away"  # no way there, or a firewall that says so
    UNKNOWN = "unknown"  # it failed, and was not told why
    PROHIBITED = "prohibited"  # by the server's own settings
    SHORTAGE = "shortage"  # it cannot make any now
    LOST = "lost"  # the SSH connection ended first


# Texts of strerror(3): glibc's, measured with OpenSSH 9.2 and dropbear 2022.83; musl's and BSD's, read.
TEXTS = {
    b"connection refused": Told.REFUSED,
    b"connection timed out": Told.TIMED_OUT,
    b"operation timed out": Told.TIMED_OUT,
    b"no route to host": Told.AWAY,
    b"host is unreachable": Told.AWAY,
    b"host is down": Told.AWAY,
    b"network is unreachable": Told.AWAY,
    b"network unreachable": Told.AWAY,
    b"too many open files": Told.SHORTAGE,
    b"no file descriptors available": Told.SHORTAGE,
    b"cannot assign requested address": Told.SHORTAGE,
}


def read(code: int, text: bytes) -> Told:
    """A failure's code and text as one word of ours; a text we do not know proves nothing."""
    if code in PROHIBITED:
        return Told.PROHIBITED
    if code == SHORTAGE:
        return Told.SHORTAGE
    return TEXTS.get(text.strip().lower(), Told.UNKNOWN) if code == FAILED else Told.UNKNOWN


@dataclass(slots=True, eq=False)
class Asked:
    """A connection that the server was asked to make. `tell`: called once, in the carrier's own thread."""

    address: str
    port: int
    tell: Callable[[Asked, Told, Any], None]


class Bounded(socket.socket):
    """The TCP connection to the server. `quota`: bytes that may yet come; None: no bound any more."""

    quota: int | None = BEFORE_LOGIN
    _stuck = 0.0

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """What came. OSError where a packet is announced that no server sends, or too much came."""
        if size > LONGEST:
            raise OSError(errno.EMSGSIZE, "a packet longer than any")
        data = super().recv(size, flags)
        if self.quota is not None:
            self.quota -= len(data)
            if self.quota < 0:
                raise OSError(errno.EMSGSIZE, "too much before the login")
        return data

    def send(self, data: Any, flags: int = 0, /) -> int:  # noqa: ANN401 - whatever has bytes
        """How much was taken. OSError, and no further try, where nothing is taken for too long."""
        try:
            sent = super().send(data, flags)
        except TimeoutError:
            self._stuck = self._stuck or time.monotonic()
            if time.monotonic() - self._stuck > STUCK:
                raise OSError(errno.EPIPE, "the server takes nothing") from None
            raise
        self._stuck = 0.0
        return sent


class Channel(paramiko.Channel):  # type: ignore[misc] # it ships no types
    """One connection inside. `lost`: the SSH connection ended before this one did."""

    lost = False

    def feed(self, message: Any) -> None:  # noqa: ANN401
        """Data came. A server that sends more than it may is not listened to any further."""
        data = message.get_binary()
        if len(self.in_buffer) + len(data) > self.in_window_size:
            raise paramiko.SSHException("more than its window")
        self.in_buffer.feed(data)

    def drop(self, _message: Any) -> None:  # noqa: ANN401
        """Data beside the stream: nothing of it is kept."""

    def _unlink(self) -> None:
        """The SSH connection ends."""
        self.lost = self.lost or not self.closed
        super()._unlink()


class Carrier(paramiko.Transport):  # type: ignore[misc] # it ships no types
    """One SSH connection. `unanswered`: connections that it was asked for and has not spoken of."""

    _channel_handler_table = {  # noqa: RUF012 - paramiko's own form
        **paramiko.Transport._channel_handler_table,  # noqa: SLF001
        MSG_CHANNEL_DATA: Channel.feed,
        MSG_CHANNEL_EXTENDED_DATA: Channel.drop,
    }

    def __init__(self, sock: Bounded, kinds: Sequence[str], where: tuple[str, int]) -> None:
        """`kinds`: the host key algorithms that we take, the best first. `where`: address and port."""
        hush()
        self._kinds = tuple(kinds)
        self._asked: dict[int, tuple[Asked, Channel]] = {}
        self._guard = threading.Lock()
        self._holds = 0
        self._replied = threading.Event()
        super().__init__(sock, default_window_size=WINDOW, default_max_packet_size=PACKET)
        self.clear_to_send_timeout = STUCK
        self.bounds = sock
        self.since = time.monotonic()
        self.at = where

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The algorithms of host keys that are offered."""
        return self._kinds

    @property
    def unanswered(self) -> int:
        """Each is a socket of the server's, whose kernel goes on knocking by itself."""
        return len(self._asked)

    @property
    def idle(self) -> bool:
        """Does nobody wait for anything from it?"""
        return self._holds == 0

    def hold(self, count: int = 1) -> None:
        """Somebody needs it; -1: no longer."""
        with self._guard:
            self._holds += count

    def ask(self, asked: Asked) -> None:
        """Have the server connect there; what becomes of it is told to `asked`, always."""
        where = (asked.address, asked.port, "127.0.0.1", 0)  # whence: nobody needs to know
        self._open("direct-tcpip", asked, where)

    def session(self, asked: Asked) -> None:
        """Have the server make a session, in which one command could be run."""
        self._open("session", asked, ())

    def answers(self, seconds: float) -> bool:
        """Does the server work through what we send? It is asked for what OpenSSH's own client asks to know
        that, and has to answer, if only that it knows no such thing (RFC 4254 4)."""
        self._replied.clear()
        message = paramiko.Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)  # noqa: FBT003 - paramiko's own
        try:
            self._send_user_message(message)
        except (OSError, EOFError, paramiko.SSHException):
            return False
        by = time.monotonic() + seconds
        while self.active and time.monotonic() < by:
            if self._replied.wait(GLANCE):
                return True
        return False

    def _parse_request_success(self, _message: Any) -> None:  # noqa: ANN401
        self._replied.set()

    def _parse_request_failure(self, _message: Any) -> None:  # noqa: ANN401
        self._replied.set()

    def close(self) -> None:
        """End it, and all that it carries. Its timer of the handshake too, which would hold up our end."""
        super().close()
        self.sock.close()
        self.packetizer.complete_handshake()

    def run(self) -> None:
        """The thread of paramiko; whoever still waits when it ends is told."""
        try:
            super().run()
        finally:
            self._lost()

    def _open(self, kind: str, asked: Asked, where: Sequence[str | int]) -> None:
        with self.lock:
            number = self._next_channel()
            channel = Channel(number)
            self._channels.put(number, channel)
            self.channels_seen[number] = True
            channel._set_transport(self)  # noqa: SLF001
            channel._set_window(WINDOW, PACKET)  # noqa: SLF001
        with self._guard:
            self._asked[number] = asked, channel
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_OPEN)
        message.add_string(kind)
        for value in (number, WINDOW, PACKET):
            message.add_int(value)
        for value in where:
            message.add_int(value) if isinstance(value, int) else message.add_string(value)
        try:
            self._send_user_message(message)
        except (OSError, EOFError, paramiko.SSHException):
            self.close()
        if not self.active:
            self._lost()

    def _tell(self, number: int, told: Told) -> bool:
        """Tell who asked; False: nobody did."""
        with self._guard:
            asked, channel = self._asked.pop(number, (None, None))
        if asked is None:
            return False
        if told is not Told.OPENED:
            self._channels.delete(number)
        asked.tell(asked, told, channel if told is Told.OPENED else None)
        return True

    def _lost(self) -> None:
        for number in list(self._asked):
            self._tell(number, Told.LOST)

    def _parse_channel_open_success(self, message: Any) -> None:  # noqa: ANN401
        number = message.get_int()
        if number in self._asked:  # else of nothing that we asked for
            message.rewind()
            super()._parse_channel_open_success(message)
            self._tell(number, Told.OPENED)

    def _parse_channel_open_failure(self, message: Any) -> None:  # noqa: ANN401
        number, code, text = message.get_int(), message.get_int(), message.get_binary()
        self._tell(number, read(code, text))


def execute(channel: Channel, command: str) -> None:
    """Have this run in a session, without waiting for a word on whether it may."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(False)  # noqa: FBT003 - paramiko's own
    message.add_string(command)
    channel.transport._send_user_message(message)  # noqa: SLF001


def hush() -> None:
    """A server's words go into paramiko's log, and to a terminal where nobody set up logging: it is shut."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
