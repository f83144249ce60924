"""How does a hand-made server listen, count what happens to it, and stop without a trace?

A Peer serves each connection in a thread of its own with one function, `behave(talk)`. What it counted
stays readable after it has stopped.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from tests.lab.certificates import Certificate


class Over(Exception):  # noqa: N818 - an end, not an error
    """This conversation has ended: the connection is closed, nothing more is sent."""


class Talk:
    """One connection, seen from the server."""

    def __init__(self, connection: socket.socket, peer: Peer) -> None:
        self.connection = connection
        self.peer = peer

    def read(self, size: int) -> bytes:
        """Exactly so many bytes. Raises Over at the end of the stream."""
        data = b""
        while len(data) < size:
            data += self.some(size - len(data))
        return data

    def some(self, most: int = 65_536) -> bytes:
        """At least one byte. Raises Over at the end of the stream."""
        data = self.connection.recv(most)
        if not data:
            raise Over
        self.peer.count(data)
        return data

    def send(self, data: bytes) -> None:
        """All of it; OSError when the other side is gone."""
        self.connection.sendall(data)
        self.peer.sent += len(data)

    def drip(self, data: bytes, pause: float) -> None:
        """One byte, a pause, one byte."""
        for byte in data:
            self.send(bytes([byte]))
            if self.peer.stopping.wait(pause):
                raise Over

    def flood(self, data: bytes, total: int) -> None:
        """The same bytes again and again, until `total` bytes went or the other side has had enough."""
        for _ in range(0, total, len(data)):
            self.send(data)

    def hold(self) -> None:
        """Listen and say nothing, until the other side leaves. Raises Over then."""
        while True:
            self.some()

    def end(self, patience: float = 2.0, *, half: bool = False) -> None:
        """Let the other side close first (PS3.8 9.2, ARTIM): a reset would destroy what it has not read.

        `half`: say by a FIN that nothing more comes, as servers of other protocols do.
        """
        if half:
            self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(patience)
        self.hold()


class Peer:
    """A TCP server for the length of a context. `parallel`: how many it serves at once; others wait."""

    def __init__(
        self,
        behave: Callable[[Talk], None],
        address: str = "127.0.0.1",
        port: int = 0,
        *,
        tls: ssl.SSLContext | None = None,
        parallel: int = 100,
    ) -> None:
        self.address = address
        self.port = port
        self.certificate: Certificate | None = None
        self.connections = 0  # accepted so far
        self.peak = 0  # open at the same moment, at most
        self.received = 0  # bytes, after TLS
        self.sent = 0
        self.asked: list[str] = []  # "A-ASSOCIATE-RQ", "C-ECHO-RQ", ...
        self.titles: list[tuple[str, str]] = []  # called, calling
        self.datasets: list[bytes] = []  # what came with a C-FIND or C-STORE
        self.stopping = threading.Event()
        self._behave = behave
        self._tls = tls
        self._serving = threading.Semaphore(parallel)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket

    def __enter__(self) -> Self:
        """Listen; with port 0, `port` now tells which one it is."""
        self._listener = socket.create_server((self.address, self.port), backlog=50)
        self.port = self._listener.getsockname()[1]
        self._thread(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """No thread, no connection, no port is left."""
        self.leave()
        for thread in self._threads:
            thread.join()

    def leave(self) -> None:
        """Listen no more and end every connection, for good; may be called twice, and by a thread of ours."""
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def count(self, data: bytes) -> None:
        """Bytes came."""
        with self._lock:
            self.received += len(data)

    def _thread(self, work: Callable[..., None], *arguments: object) -> None:
        """Do it aside."""
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        """Until the listener is closed."""
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self.stopping.is_set():  # too late to be ended by the one who stops us
                    connection.close()
                    return
                self._open.add(connection)
                self.connections += 1
                self.peak = max(self.peak, sum(map(_is_open, self._open)))
            self._thread(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        """One connection, to its end."""
        try:
            with self._serving, suppress(Over, OSError):
                if self._tls is not None:
                    connection = self._wrap(connection, self._tls)
                    connection.do_handshake()
                self._behave(Talk(connection, self))
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _wrap(self, connection: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        """TLS takes the connection over: from here on it is the wrapped one that is open."""
        with self._lock:
            wrapped = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            self._open.discard(connection)
            self._open.add(wrapped)
            if self.stopping.is_set():  # too late to be shut down by the one who stops us
                wrapped.shutdown(socket.SHUT_RDWR)
        return wrapped


def _is_open(connection: socket.socket) -> bool:
    """Whether the client still holds its end: ESTABLISHED, or only ours is closed (FIN_WAIT1, FIN_WAIT2).

    Asked of the kernel: our thread may learn of an end only after the client's next connection.
    """
    try:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in {1, 4, 5}
    except OSError:  # a behaviour has taken it over, or closed it
        return False
