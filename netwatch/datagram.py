"""How do we ask one question over UDP? One datagram out, at most one taken in, and the wait is bounded.

UDP has no refusal of its own: a port that is closed may say so by ICMP (RFC 1122 4.1.3.3), and silence proves
nothing. A question may go to SSDP's multicast group instead (UPnP Device Architecture 2.0, 1.3.2), for a
device that hears it there alone; what others answer to it is not looked at. Only egress.py makes Datagrams.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.model import Reason
from netwatch.probe import PortClosed, ProbeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from netwatch.audit import Audit
    from netwatch.pace import Gate, Meters, Pace

LONGEST = 8192  # bytes of an answer
RECVERR = 11  # ip(7), Linux
GLANCE = 0.2  # seconds until a stop is noticed
STRANGERS = 20  # datagrams of others that we look at before we give up
GROUP, HOPS = "239.255.255.250", 2  # SSDP's multicast group, and the TTL that UDA 2.0 gives it


@dataclass(frozen=True, slots=True)
class Datagram:
    """One question that may be asked."""

    meters: Meters
    pace: Pace
    audit: Audit
    gate: Gate
    target: str
    port: int
    patience: float
    question: str
    stopped: Callable[[], bool]

    def ask(self, data: bytes, what: str, *, any_port: bool = False, to_group: bool = False) -> bytes:
        """The answer. PortClosed where the device says that nothing is there; ProbeError(MUTE) in silence.

        `any_port`: the answer may come from another port of the device, as TFTP's does (RFC 1350 4).
        `to_group`: sent once to SSDP's group, on the device's own network; only its answer is taken.
        """
        with self.gate.lock:
            time.sleep(max(0.0, self.gate.free_at - time.monotonic()))
            self.meters.room(self.gate, 2)
            if self.stopped():
                raise ProbeError(Reason.UNFINISHED, "the scan was stopped before this was asked")
            ended = "no answer"
            try:
                answer = self._exchange(data, any_port=any_port, to_group=to_group)
                ended = f"{len(answer)} bytes received"
            finally:
                self.meters.count(self.gate, 2, taken=True)  # ours, and what the kernel may say of the answer
                self.gate.free_at = time.monotonic() + self.pace.pause
                sent = [f"{what}{f', to {GROUP}' if to_group else ''} ({len(data)} bytes)"]
                self.audit.write(
                    self.question, self.target, port=self.port, transport="udp", sent=sent, ended=ended
                )
        return answer

    def _exchange(self, data: bytes, *, any_port: bool, to_group: bool) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                if to_group:
                    self._by_our_card(sock)
                    sock.sendto(data, (GROUP, self.port))
                elif any_port:
                    with suppress(OSError):  # so that an ICMP refusal is heard though we are not connected
                        sock.setsockopt(socket.IPPROTO_IP, RECVERR, 1)
                    sock.sendto(data, (self.target, self.port))
                else:
                    sock.connect((self.target, self.port))
                    sock.send(data)
                return self._answer(sock)
            except ConnectionRefusedError:
                raise PortClosed from None
            except OSError as error:
                raise ProbeError(Reason.MUTE, "unreachable") from error

    def _by_our_card(self, sock: socket.socket) -> None:
        """What it sends to a group leaves by the card that leads to this device, and by no other."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
            trial.connect((self.target, self.port))  # sends nothing: the kernel chooses the way
            ours = socket.inet_aton(trial.getsockname()[0])
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ours)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, HOPS)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)

    def _answer(self, sock: socket.socket) -> bytes:
        """The first datagram that this device sends us."""
        ends = time.monotonic() + self.patience
        strangers = 0
        while (left := ends - time.monotonic()) > 0 and strangers < STRANGERS:
            if self.stopped():
                raise ProbeError(Reason.UNFINISHED, "the scan was stopped during this question")
            if not select.select([sock], [], [], min(GLANCE, left))[0]:
                continue
            answer, sender = sock.recvfrom(LONGEST)
            if sender[0] == self.target:
                return answer
            strangers += 1
        raise ProbeError(Reason.MUTE, "no answer over UDP")
