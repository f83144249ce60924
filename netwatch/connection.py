"""How does one connection keep its device's pace? Its turn, its packets, its end, its line in the log.

The kernel sends for us: the handshake, acknowledgements, the end. It also counts (TCP_INFO, tcp(7)), so that
what left is known and not guessed. Only egress.py makes Connections.
"""

from __future__ import annotations

import errno
import select
import socket
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.line import Line
from netwatch.model import Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netwatch.audit import Audit
    from netwatch.pace import Gate, Meters, Pace

OPENING, ENDING = 10, 3  # packets: all of a talk that its peer ends as it begins; FIN, ACK and RST
SEGMENTS_OUT = 136  # tcpi_segs_out in struct tcp_info of linux/tcp.h
PIECES = 6  # packets that may leave between two turns of ours: more are acknowledgements of small pieces
RECEIVE = 4096  # bytes of a peer's that the kernel may hold for us (it doubles them)


@dataclass(slots=True)
class Tally:
    """What a connection sends, acknowledgements included: the kernel counts, we wait for the turn."""

    sock: socket.socket
    meters: Meters
    gate: Gate
    counted: int = 0

    @property
    def pieces(self) -> int:
        """Acknowledgements of one answer that the kernel may send between two turns of ours."""
        return min(PIECES, self.gate.meter.most // 3)

    @property
    def spare(self) -> int:
        """Room that is kept for them, and for an end that does not wait where the device's pace has it."""
        return self.pieces + (ENDING if self.gate.meter.most >= 4 * ENDING else 0)

    @property
    def dripping(self) -> bool:
        """Has the kernel acknowledged more than an answer since we last spoke?"""
        left = self._left()
        return left is not None and left - self.counted > 1

    def turn(self, packets: int) -> None:
        """Count what has left by now; then wait until the device takes so many more, and the kernel's own."""
        left = self._left()
        if left is None:  # a kernel that does not tell: what may leave is taken for what leaves
            self.meters.room(self.gate, packets)
            self.meters.count(self.gate, packets, taken=True)
            return
        self.meters.count(self.gate, left - self.counted, taken=True)
        self.counted = left
        self.meters.room(self.gate, packets + self.spare)

    def watch(self) -> None:
        """While we wait for an answer: one that comes in too many pieces is not acknowledged to its end."""
        left = self._left()
        if left is not None and left - self.counted > self.pieces:
            raise ProbeError(Reason.LIMIT, "an answer in more pieces than we acknowledge")

    def _left(self) -> int | None:
        try:
            told = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, SEGMENTS_OUT + 4)
            return int.from_bytes(told[SEGMENTS_OUT:], sys.byteorder) if len(told) > SEGMENTS_OUT else None
        except (OSError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Connection:
    """One conversation that may take place."""

    meters: Meters
    pace: Pace
    audit: Audit
    gate: Gate
    target: str
    port: int
    patience: float
    question: str
    stopped: Callable[[], bool]
    dial: Callable[[str, int, float], socket.socket]

    @contextmanager
    def line(self) -> Iterator[Line]:
        """Wait for the device's turn, connect, and end it whatever happens."""
        meters, pace, sent = self.meters, self.pace, list[str]()
        with self.gate.lock:
            time.sleep(max(0.0, self.gate.free_at - time.monotonic()))
            meters.room(self.gate, OPENING)
            if self.stopped():  # while we waited for our turn
                raise ProbeError(Reason.UNFINISHED, "the scan was stopped before this was asked")
            ended = "no connection"
            try:
                sock = self.dial(self.target, self.port, self.patience)
                tally = Tally(sock, meters, self.gate)
                line = Line(
                    sock,
                    patience=self.patience,
                    seconds=pace.seconds,
                    limit=pace.limit,
                    spend=tally.turn,
                    watch=tally.watch,
                    stopped=self.stopped,
                    sent=sent,
                )
                try:
                    yield line
                finally:
                    # Of one that goes on talking, every piece would be acknowledged while we wait.
                    if not talks(sock) and not tally.dripping:
                        tally.turn(ENDING)
                    line.close()
                    ended = f"{line.received} bytes received"
            finally:
                meters.count(self.gate, ENDING, taken=True)
                self.gate.free_at = time.monotonic() + pace.pause
                self.audit.write(self.question, self.target, port=self.port, sent=sent, ended=ended)


def talks(sock: socket.socket) -> bool:
    """Has the peer sent what nobody asked for?"""
    try:
        return bool(select.select([sock], [], [], 0)[0]) and bool(sock.recv(1, socket.MSG_PEEK))
    except (OSError, ValueError, ProbeError):
        return False


def calm(sock: socket.socket) -> None:
    """Acknowledge late and together (tcp(7)): a peer that speaks in small pieces sets no pace of ours."""
    with suppress(OSError, AttributeError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)


def source(address: str) -> str | None:
    """This machine's own address on the way there; None where there is no way. No packet is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((address, 9))
            return str(way.getsockname()[0])
    except OSError:
        return None


def dial(address: str, port: int, seconds: float) -> socket.socket:
    """Connect from this machine. Raises ProbeError where nobody takes it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A small window: what a peer floods us with would be acknowledged packet by packet, at its pace.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE)
        sock.settimeout(seconds)
        sock.connect((address, port))
        calm(sock)
    except TimeoutError as error:
        sock.close()
        raise ProbeError(Reason.TIMEOUT, "no connection in time") from error
    except ConnectionRefusedError as error:
        sock.close()
        raise ProbeError(Reason.REFUSED, "the port is closed") from error
    except OSError as error:
        sock.close()
        away = error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}
        raise ProbeError(Reason.TIMEOUT, "unreachable" if away else "no connection") from error
    return sock
