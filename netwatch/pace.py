"""How fast may packets leave? netwatch's limits, and the meters that hold them in any window of a second.

A meter remembers when the last packets left. That is stricter than an average, and needs no smoothing: at
no moment do more packets lie in the past second than the limit says. The limits are netwatch's own; no
authority has published any (runZero's, which are the bar, are 40 to a host and 1000 overall).
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right, insort
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WINDOW = 1.005  # seconds; what is more than one is for a packet that the kernel held back


@dataclass(frozen=True, slots=True)
class Pace:
    """netwatch's limits. `packets`: to one device in a second; `guarded`: to a medical or unknown one."""

    packets: int = 40
    guarded: int = 10
    overall: int = 1000
    pause: float = 0.5  # seconds between two connections to one device
    patience: float = 5.0  # seconds for one answer
    seconds: float = 30.0  # for one question
    limit: int = 262_144  # bytes received in one question


class Meter:
    """What left in the last second. Not safe to share between threads: Meters below is."""

    def __init__(self, most: int) -> None:
        """`most`: packets in any second."""
        self.most = most
        self._left: list[float] = []  # the moments, sorted

    def wait(self, packets: int, now: float) -> float:
        """Seconds until so many more may leave; 0: now. More than `most` may never, and count as `most`."""
        del self._left[: bisect_right(self._left, now - WINDOW)]
        over = len(self._left) + min(packets, self.most) - self.most
        return max(0.0, self._left[over - 1] + WINDOW - now) if over > 0 else 0.0

    def count(self, packets: int, now: float) -> None:
        """So many left now. Those beyond the limit weigh on the seconds that follow."""
        for number in range(packets):
            insort(self._left, now + WINDOW * (number // self.most))


@dataclass(slots=True)
class Gate:
    """One device's door: one conversation at a time, a pause between two, packets counted."""

    meter: Meter
    lock: threading.Lock = field(default_factory=threading.Lock)
    free_at: float = 0.0
    barred: str = ""  # why nothing may be sent there any more
    guarded: dict[str, bool] = field(default_factory=dict)  # by address, where it has several


class Meters:
    """All doors, and the one that everything leaves through. Safe to share between threads."""

    def __init__(self, pace: Pace) -> None:
        """Every device is guarded until more is known of it."""
        self.pace = pace
        self._overall = Meter(pace.overall)
        self._gates: dict[str, Gate] = {}
        self._guard = threading.Lock()

    def gate(self, address: str) -> Gate:
        """The door of this device."""
        with self._guard:
            if address not in self._gates:
                self._gates[address] = Gate(Meter(self.pace.guarded))
            return self._gates[address]

    def one(self, addresses: Iterable[str]) -> None:
        """These are one device: they have one door."""
        first, *others = addresses
        gate = self.gate(first)
        with self._guard:
            for address in others:
                gate.barred = gate.barred or (self._gates[address].barred if address in self._gates else "")
                self._gates[address] = gate
            gate.guarded |= dict.fromkeys((first, *others), True)

    def barred(self) -> tuple[str, ...]:
        """The addresses where nothing may be sent any more."""
        with self._guard:
            return tuple(address for address, gate in self._gates.items() if gate.barred)

    def wait(self, gate: Gate, packets: int, at_once: int | None = None) -> float:
        """Seconds until the device takes `packets` more and we may send `at_once` of them; 0: now."""
        with self._guard:
            return self._wait(gate, packets, at_once or packets, time.monotonic())

    def _wait(self, gate: Gate, packets: int, at_once: int, now: float) -> float:
        return max(gate.meter.wait(packets, now), self._overall.wait(at_once, now))

    def take(self, gate: Gate, room: int, packets: int = 1) -> float:
        """Take `packets` if the device has room for so many and we may send them; else seconds to wait."""
        now = time.monotonic()
        with self._guard:
            wait = self._wait(gate, room, packets, now)
            if wait <= 0:
                gate.meter.count(packets, now)
                self._overall.count(packets, now)
            return wait

    def room(self, gate: Gate, packets: int) -> None:
        """Wait until so many may leave for this device. Of what we send overall they are taken at once; what
        the device got is counted when it is known (`count`)."""
        while True:
            now = time.monotonic()
            with self._guard:
                wait = self._wait(gate, packets, packets, now)
                if wait <= 0:
                    self._overall.count(packets, now)
                    return
            time.sleep(wait)

    def spacing(self, gate: Gate) -> float:
        """Seconds between two knocks at this device, so that they come evenly and not all at once."""
        return WINDOW / max(1, gate.meter.most - 1)

    def count(self, gate: Gate, packets: int, *, taken: bool = False) -> None:
        """So many left for this device now. `taken`: of what we may send overall they were taken before."""
        now = time.monotonic()
        with self._guard:
            gate.meter.count(packets, now)
            if not taken:
                self._overall.count(packets, now)

    def hurry(self, address: str, *, guarded: bool) -> None:
        """From now on this device's pace is that of its class; of several cards', the most careful one's."""
        gate = self.gate(address)
        with self._guard:
            gate.guarded[address] = guarded
            gate.meter.most = self.pace.guarded if any(gate.guarded.values()) else self.pace.packets

    @contextmanager
    def lent(self, packets: int) -> Iterator[None]:
        """While inside, somebody else (nmap) sends so many a second of what we may send overall; what it
        sent last still counts afterwards."""
        while True:
            now = time.monotonic()
            with self._guard:
                wait = self._overall.wait(packets, now)
                if wait <= 0:
                    self._overall.most = max(1, self._overall.most - packets)
                    break
            time.sleep(wait)
        try:
            yield
        finally:
            with self._guard:
                self._overall.most = self.pace.overall
                self._overall.count(packets, time.monotonic())
