"""What does one knock at a port look like on the wire, and what does the answer say?

Half-open where this process may send raw packets: one SYN; to the SYN-ACK of an open port the kernel
answers with RST by itself, because no socket of ours waits for it. The device's program never hears of it:
nothing is accepted, no connection is logged, no single place is taken (RFC 9293 3.5). Elsewhere a plain
connect that is closed at once, without a byte.

nmap can do both, but does not count that RST: to keep a device's pace it would have to go at half of it.
Nor can it be paused between two packets.

Where it stops: one knock. Whose turn it is, is decided in knocking.py.
"""

from __future__ import annotations

import ctypes
import errno
import secrets
import select
import selectors
import socket
import struct
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from netwatch.model import PortState

if TYPE_CHECKING:
    from collections.abc import Iterator

SYN, RST, ACK = 0x02, 0x04, 0x10
PATIENCE = 0.8  # seconds for one answer: less than the second after which the kernel would knock again
FAR = 2.8  # seconds over the internet: the second SYN leaves after one, the third after three
MOST = 512  # answers read in one go
BUFFER = 4_194_304  # bytes of answers the kernel keeps for us
FILTER = 26  # SO_ATTACH_FILTER of linux/socket.h, which Python does not name
AWAY = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}


class Wire(Protocol):
    """A way to knock. `after_open`: packets that leave by themselves when a port turns out to be open.

    `patience`: seconds for an answer. `repeats`: packets that leave by themselves at a silent port. `far`:
    that there is no way may be said of one port, by a firewall; else it is said of the device.
    """

    name: str
    after_open: int
    patience: float
    repeats: int
    far: bool
    connects: bool  # each knock at an open port is a connection: one at a time

    def knock(self, address: str, port: int) -> bool:
        """Send one knock; False where it could not leave."""
        ...

    def hear(self, seconds: float) -> Iterator[tuple[str, int, PortState | None]]:
        """The answers that came, waiting so long for the first. None: nobody is at this address."""
        ...

    def sure(self) -> None:
        """May what has not answered by now be called silent? Raises where nothing could have been heard."""
        ...

    def forget(self, address: str, port: int) -> None:
        """Its time is up."""
        ...

    def done(self, address: str) -> None:
        """This device is not waited for any more."""
        ...

    def close(self) -> None:
        """No more knocks."""
        ...


class HalfOpen:
    """SYN, and an ear for what comes back. Raises OSError where raw packets are not allowed.

    Each knock has a number of its own: what a device repeats of an earlier answer does not show it alive.
    """

    name = "half-open"
    after_open = 1
    patience = PATIENCE
    repeats = 0
    far = False
    connects = False

    def __init__(self) -> None:
        """A port of our own is reserved, so that no program of this machine is mistaken for us."""
        self._raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self._reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._reserved.bind(("0.0.0.0", 0))  # noqa: S104 - never listened on
            self._port = int(self._reserved.getsockname()[1])
            self._raw.setblocking(False)  # noqa: FBT003 - socket's own
            self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            self._only_ours()
        except OSError:
            self.close()
            raise
        self._sent: dict[bytes, dict[int, int]] = {}  # address -> port -> the number of the last knock
        self._sources: dict[str, bytes] = {}

    def knock(self, address: str, port: int) -> bool:
        """One SYN with the option that every real one carries (MSS)."""
        try:
            target, number = socket.inet_aton(address), secrets.randbits(32)
            self._sent.setdefault(target, {})[port] = number
            head = self._head(port, number)
            checked = _checksum(self._source(address) + target + struct.pack(">BBH", 0, 6, len(head)) + head)
            self._raw.sendto(head[:16] + struct.pack(">H", checked) + head[18:], (address, 0))
        except OSError:
            return False
        return True

    def hear(self, seconds: float) -> Iterator[tuple[str, int, PortState | None]]:
        """Only answers to a knock of ours count: their acknowledgement proves that they saw it."""
        if not select.select([self._raw], [], [], max(0.0, seconds))[0]:
            return
        for _ in range(MOST):
            try:
                packet = self._raw.recv(128)
            except OSError:
                return
            if (heard := self._read(packet)) is not None:
                yield heard

    def sure(self) -> None:
        """This machine hears what there is."""

    def forget(self, address: str, port: int) -> None:
        """A late answer still counts, until the whole device is done."""

    def done(self, address: str) -> None:
        """What comes from there now is of no knock any more."""
        self._sent.pop(socket.inet_aton(address), None)

    def close(self) -> None:
        """Give both sockets back."""
        self._raw.close()
        self._reserved.close()

    def _only_ours(self) -> None:
        """Let the kernel drop what is for others (bpf(4)); without Linux's filters we do it ourselves."""
        program = b"".join(
            struct.pack("HBBI", *step)
            for step in (
                (0xB1, 0, 0, 0),  # X = length of the IP header
                (0x48, 0, 0, 2),  # A = destination port
                (0x15, 0, 1, self._port),
                (0x06, 0, 0, 0xFFFF),
                (0x06, 0, 0, 0),
            )
        )
        held = ctypes.create_string_buffer(program)
        with suppress(OSError):
            self._raw.setsockopt(socket.SOL_SOCKET, FILTER, struct.pack("HP", 5, ctypes.addressof(held)))

    def _head(self, port: int, number: int) -> bytes:
        return struct.pack(">HHIIBBHHHBBH", self._port, port, number, 0, 0x60, SYN, 1024, 0, 0, 2, 4, 1460)

    def _source(self, address: str) -> bytes:
        """Our own address on the way there. No packet is sent to learn it."""
        if address not in self._sources:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
                way.connect((address, 9))
                self._sources[address] = socket.inet_aton(way.getsockname()[0])
        return self._sources[address]

    def _read(self, packet: bytes) -> tuple[str, int, PortState] | None:
        """An answer to us, or None. Never raises."""
        start = (packet[0] & 15) * 4 if packet else 0
        if len(packet) < max(start, 20) + 20:
            return None
        port, ours, _, acknowledged, _, flags = struct.unpack_from(">HHIIBB", packet, start)
        source = packet[12:16]
        if ours != self._port or not flags & ACK:
            return None
        number = self._sent.get(source, {}).get(port)
        if number is None or acknowledged != (number + 1) & 0xFFFFFFFF or not flags & (RST | SYN):
            return None
        del self._sent[source][port]  # one answer to each knock: a repeated one says nothing of now
        return socket.inet_ntoa(source), port, PortState.CLOSED if flags & RST else PortState.OPEN


class Connect:
    """connect(2), closed at once: needs no right, and the device's program sees a caller hang up."""

    name = "connect"
    after_open = 4  # ACK, FIN, ACK, and RST where the server had begun to speak
    connects = True

    def __init__(self, *, far: bool = False) -> None:
        """Nothing is open yet. `far`: over the internet, where the kernel's second SYN is waited for."""
        self.far = far
        self.patience = FAR if far else PATIENCE
        self.repeats = 1 if far else 0
        self._waiting = selectors.DefaultSelector()
        self._open: dict[tuple[str, int], socket.socket] = {}
        self._at_once: list[tuple[str, int, PortState | None]] = []

    def knock(self, address: str, port: int) -> bool:
        """One SYN: the kernel would send a second after a second, and by then it is forgotten, unless far."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)  # noqa: FBT003 - socket's own
        code = sock.connect_ex((address, port))
        if code not in {0, errno.EINPROGRESS}:
            sock.close()
            self._at_once.append((address, port, _told(code)))
            return code not in {errno.EPERM, errno.EACCES}
        self._open[address, port] = sock
        self._waiting.register(sock, selectors.EVENT_WRITE, (address, port))
        return True

    def hear(self, seconds: float) -> Iterator[tuple[str, int, PortState | None]]:
        """Each connection that came about, or was refused."""
        yield from self._at_once
        seconds = 0.0 if self._at_once else seconds
        self._at_once = []
        if not self._open:
            time.sleep(max(0.0, seconds))
            return
        for key, _ in self._waiting.select(max(0.0, seconds)):
            address, port = key.data
            code = self._open[address, port].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self.forget(address, port)
            yield address, port, _told(code)

    def sure(self) -> None:
        """This machine hears what there is."""

    def forget(self, address: str, port: int) -> None:
        """Close it, whatever it has become."""
        sock = self._open.pop((address, port), None)
        if sock is not None:
            self._waiting.unregister(sock)
            sock.close()

    def done(self, address: str) -> None:
        """Nothing is kept of it."""

    def close(self) -> None:
        """Close them all."""
        for address, port in list(self._open):
            self.forget(address, port)
        self._waiting.close()


def best() -> Wire:
    """Half-open where this process may, and raw sockets hear what TCP hears (Linux); else connect."""
    if sys.platform != "linux":
        return Connect()
    try:
        return HalfOpen()
    except OSError:
        return Connect()


def _told(code: int) -> PortState | None:
    """What an errno says of a port."""
    if code == 0:
        return PortState.OPEN
    if code == errno.ECONNREFUSED:
        return PortState.CLOSED
    return None if code in AWAY else PortState.FILTERED


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
