"""How do we talk to a mail server that may never answer, or never end? SMTP (RFC 5321), every step bounded.

The answer to the end of a message is waited for ten minutes, as RFC 5321 4.5.3.2.6 asks: a server takes a
message before it says so, and whoever hangs up meanwhile sends it twice. Other answers have half a minute.
Where it stops: what an answer means is refusal.py's.
"""

from __future__ import annotations

import smtplib
import socket
import threading
from contextlib import suppress
from typing import Any, BinaryIO

SECONDS = 30.0  # for one line, and for one whole answer of the server
TAKING = 600.0  # for the answer to a whole message
LONGEST = 65_536  # bytes of one answer
# What smtplib raises, also on answers that follow no standard (binascii and Unicode errors are ValueErrors).
TROUBLE = (smtplib.SMTPException, OSError, ValueError)


class Ungreeted(smtplib.SMTPException):
    """The connection was made, and no greeting came."""


class Bounded(smtplib.SMTP):
    """An SMTP client that no server can hold, or fill, by never ending an answer.

    `handed`: the end of the message has left. `answered`: and an answer to it has come.
    """

    handed = answered = False
    _reached = False
    _waits: tuple[float, ...] = ()

    def connect(self, *where: Any, **more: Any) -> tuple[int, bytes]:  # noqa: ANN401 - as smtplib has it
        """As smtplib's. Raises Ungreeted where only the connection was made."""
        self._reached = False
        try:
            return super().connect(*where, **more)
        except TROUBLE as error:
            if self._reached:
                raise Ungreeted(*error.args) from error
            raise

    def data(self, msg: Any) -> tuple[int, bytes]:  # noqa: ANN401 - as smtplib has it
        """The message, noting how far it came."""
        self._waits, self.handed, self.answered = (TAKING, SECONDS), False, False
        try:
            answer = super().data(msg)
        finally:
            self._waits = ()
        self.answered = True
        return answer

    def getreply(self) -> tuple[int, bytes]:
        """The answer, or a cut connection when it takes too long or says too much."""
        self._reached = True
        seconds = SECONDS
        if self._waits:
            self._waits, seconds = self._waits[:-1], self._waits[-1]
            self.handed = not self._waits
        if self.sock is not None:
            self.sock.settimeout(seconds)
            if self.file is None:
                self.file = Capped(self.sock.makefile("rb"))
            self.file.left = LONGEST
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            return super().getreply()
        finally:
            timer.cancel()

    def _cut(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class BoundedTls(Bounded, smtplib.SMTP_SSL):
    """The same, in TLS from the start."""


class Capped:
    """What a server says, as far as we listen to one answer."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.left = LONGEST

    def readline(self, size: int) -> bytes:
        """A line. Raises OSError where the answer is too long."""
        line = self.file.readline(min(size, self.left))
        self.left -= len(line)
        if not self.left:
            raise OSError("the answer is too long")
        return line

    def close(self) -> None:
        """Hang up."""
        self.file.close()
