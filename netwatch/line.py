"""How do we talk on one connection so that no peer can hold us, flood us or fool us?

A Line is one TCP connection with three bounds: seconds for each answer, seconds for the whole question,
and bytes received. It reads exactly what is asked for and never ahead of it, so that what a probe does
not ask for stays in the kernel and dies with the socket: that is how a record that a server sends
unasked leaves no trace here. TLS runs over memory buffers (ssl.MemoryBIO), so that the same bounds hold
inside it. Whether a server asks for a client certificate (RFC 8446 4.3.2, RFC 5246 7.4.4) is heard from
OpenSSL's own message callback: since TLS 1.3 that demand is encrypted and cannot be read off the wire.

Only egress.py makes Lines. It never verifies a certificate: we want to know who answers, not to trust.
"""

from __future__ import annotations

import contextlib
import select
import ssl
import time
import warnings
from socket import MSG_PEEK
from typing import TYPE_CHECKING

from netwatch.model import Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

CHUNK = 4096
SEGMENT = 1400  # bytes that surely travel in one packet
CERTIFICATE_REQUEST = 13  # handshake message type
GLANCE = 0.2  # seconds until a stop is noticed
FAREWELLS = {"A-ABORT", "A-RELEASE-RQ"}


class Line:
    """One bounded connection. Every way it can end early is a ProbeError."""

    def __init__(  # noqa: PLR0913 - the bounds of a conversation
        self,
        sock: socket.socket,
        *,
        patience: float,
        seconds: float,
        limit: int,
        spend: Callable[[int], None] = lambda _: None,
        watch: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
        sent: list[str] | None = None,
    ) -> None:
        """`patience`: seconds for one answer. `seconds`: for the whole question. `limit`: bytes in.

        `spend`: waits until so many packets may leave. `watch`: raises where the answer comes in too many
        pieces. `stopped`: says when to leave off. `sent`: what was sent, in words, for the audit log.
        """
        self._socket = sock
        self._spend, self._watch, self._stopped = spend, watch, stopped
        self._sent: list[str] = [] if sent is None else sent
        self._unpaid = 0  # bytes received since we last waited for our acknowledgements' turn
        self._patience = patience
        self._end = time.monotonic() + seconds
        self._by = min(self._end, time.monotonic() + patience)
        self._limit = limit
        self._tls: Tls | None = None
        self.received = 0

    @property
    def tls_version(self) -> str | None:
        """`TLSv1.2`, or None in clear."""
        return self._tls.object.version() if self._tls else None

    @property
    def asked_certificate(self) -> bool | None:
        """Did the server ask for our certificate? None: not in TLS, or this Python cannot tell."""
        return self._tls.asked_certificate if self._tls else None

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate (DER), or None in clear and where it showed none."""
        try:
            return self._tls.object.getpeercert(binary_form=True) if self._tls else None
        except ValueError:  # the handshake did not come to its end
            return None

    def send(self, data: bytes, what: str = "data", *, sized: bool = True) -> None:
        """Send all of it; the answer's time starts now. `what`: our word for it, in the audit log. `sized`:
        with how many bytes it was, which of a login would tell how long the password is.

        After a stop nothing more is asked: only the words that end a talk well may still leave.
        """
        if what not in FAREWELLS:
            self._go_on()
        if self._tls:
            self._tls.object.write(data)
            data = self._tls.outgoing.read()
        self._push(data, what, sized=sized)

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, or ProbeError. Nothing beyond them is taken from a clear connection."""
        parts: list[bytes] = []
        while size:
            part = self._tls_read(self._tls, size) if self._tls else self._pull(size)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def take(self, most: int) -> bytes:
        """What is there, at least one byte and at most so many; it waits for the first."""
        return self._tls_read(self._tls, most) if self._tls else self._pull(most)

    def until(self, mark: bytes, most: int) -> bytes:
        """All up to this mark and with it. ProbeError(LIMIT) where it has not come within `most` bytes."""
        told = bytearray()
        while not told.endswith(mark):
            if len(told) >= most:
                raise ProbeError(Reason.LIMIT, f"no end within {most} bytes")
            told += self.take(1)
        return bytes(told)

    def listen(self, seconds: float) -> bytes:
        """The first bytes (at most 16) of a server that speaks before it is spoken to, else nothing.

        They are not taken: what is read afterwards begins with them.
        """
        self._socket.settimeout(seconds)
        try:
            heard = self._socket.recv(16, MSG_PEEK)
        except TimeoutError:
            return b""
        except OSError as error:
            raise ProbeError(Reason.CLOSED, "reset before a byte was sent") from error
        if not heard:
            raise ProbeError(Reason.CLOSED, "ended before a byte was sent")
        return heard

    def start_tls(self, newest: str = "") -> None:
        """Do the TLS handshake. ProbeError(PROTOCOL) where the peer does not speak TLS as we do.

        `newest`: the highest version we offer, such as `TLSv1_1`; without it, the highest that there is.
        """
        self._tls = tls = Tls(newest)
        while True:
            try:
                tls.object.do_handshake()
            except ssl.SSLWantReadError:
                self._push(tls.outgoing.read(), "TLS handshake")
                tls.incoming.write(self._pull(CHUNK))
            except ssl.SSLError as error:
                with contextlib.suppress(ProbeError):
                    self._push(tls.outgoing.read(), "TLS alert")
                raise ProbeError(Reason.PROTOCOL, f"TLS handshake: {error.reason}") from error
            else:
                self._push(tls.outgoing.read(), "TLS handshake")
                return

    def close(self) -> None:
        """End it. What was not read is dropped by the kernel."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _push(self, data: bytes, what: str, *, sized: bool = True) -> None:
        if not data:
            return
        self._spend(len(data) // SEGMENT + 3)  # two are for acknowledging an answer in two parts
        self._by = min(self._end, time.monotonic() + self._patience)
        self._sent.append(f"{what} ({len(data)} bytes)" if sized else what)
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(data)
        except TimeoutError as error:
            raise ProbeError(Reason.TIMEOUT, "the peer does not take what we send") from error
        except OSError as error:
            raise ProbeError(Reason.CLOSED, "ended by the peer while we were sending") from error

    def _pull(self, size: int) -> bytes:
        """At most `size` raw bytes, at least one."""
        try:
            while not select.select([self._socket], [], [], min(GLANCE, self._left()))[0]:
                self._go_on()
            self._watch()
            data = self._socket.recv(min(size, CHUNK))
        except (OSError, ValueError) as error:
            raise ProbeError(Reason.CLOSED, "reset by the peer") from error
        if not data:
            raise ProbeError(Reason.CLOSED, "ended by the peer without an answer")
        self.received += len(data)
        if self.received > self._limit:
            raise ProbeError(Reason.LIMIT, f"more than {self._limit} bytes received")
        self._unpaid += len(data)
        if self._unpaid >= 2 * SEGMENT:
            self._spend(1 + self._unpaid // SEGMENT)
            self._unpaid = 0
        return data

    def _tls_read(self, tls: Tls, size: int) -> bytes:
        while True:
            try:
                data = tls.object.read(size)
            except ssl.SSLWantReadError:
                tls.incoming.write(self._pull(CHUNK))
            except ssl.SSLZeroReturnError as error:
                raise ProbeError(Reason.CLOSED, "TLS ended by the peer") from error
            except ssl.SSLError as error:
                raise ProbeError(Reason.CLOSED, f"TLS: {error.reason}") from error
            else:
                if not data:
                    raise ProbeError(Reason.CLOSED, "TLS ended by the peer")
                return data

    def _go_on(self) -> None:
        if self._stopped():
            raise ProbeError(Reason.UNFINISHED, "the scan was stopped during this question")

    def _left(self) -> float:
        left = self._by - time.monotonic()
        if left <= 0:
            raise ProbeError(Reason.TIMEOUT, "no answer in time")
        return left


class Tls:
    """The TLS side of a Line, with an ear for the server's demand for our certificate."""

    def __init__(self, newest: str = "") -> None:
        """Old versions and weak keys are accepted: an old modality is to be reported, not avoided."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        if newest:
            with warnings.catch_warnings():  # that the old versions are deprecated is why we ask
                warnings.simplefilter("ignore", DeprecationWarning)
                context.maximum_version = ssl.TLSVersion[newest]
        self.asked_certificate: bool | None = None
        # Private, present since Python 3.8, and the only way to hear it without a second TLS library.
        if hasattr(context, "_msg_callback"):
            self.asked_certificate = False
            context._msg_callback = self._heard  # noqa: SLF001
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing)

    def _heard(self, _object: object, direction: str, *message: object) -> None:
        """OpenSSL's message callback; `message` is version, content type, message type, bytes."""
        if direction == "read" and message[2] == CERTIFICATE_REQUEST:
            self.asked_certificate = True
