"""Which port of which device is knocked at next, and when may that be?

One thread serves all devices in turn: each gets its knocks at its own pace, so that the pace, and not the
number of devices, sets the time. A port that stays silent is knocked at a second time where the device has
answered at all (a lost packet hides a port); a device that answers nothing is not waited for twice.

Half-open knocks do not wait for each other. Where a knock is a connection, a device that answers has one at
a time.
"""

from __future__ import annotations

import heapq
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import compress, count, islice
from typing import TYPE_CHECKING

from netwatch.knock import PATIENCE, best
from netwatch.model import PortState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netwatch.knock import Wire
    from netwatch.pace import Gate, Meters

SHORTEST = 0.15  # of a connect to a device whose answers are fast
GLANCE = 0.05  # seconds until a new device is noticed
YOUNG = 64  # knocks that are looked at for an answer that is due
MARKS = {PortState.OPEN: 1, PortState.CLOSED: 2, PortState.FILTERED: 3}
ONLY = {state: bytes(seen == mark for seen in range(256)) for state, mark in MARKS.items()}
PORTS = tuple(
    range(65_536)
)  # shared by all: a port number of its own in each list would be most of our memory


class States:
    """What the ports of one device did: a byte for each of the 65,536."""

    def __init__(self, states: Iterable[tuple[int, PortState]] = ()) -> None:
        """Nothing is known, or these."""
        self._marks = bytearray(65_536)
        for port, state in states:
            self[port] = state

    def __setitem__(self, port: int, state: PortState) -> None:
        """It did that."""
        self._marks[port] = MARKS[state]

    def __getitem__(self, port: int) -> PortState | None:
        """What it did; None: it was not asked."""
        return next((state for state, mark in MARKS.items() if mark == self._marks[port]), None)

    def __bool__(self) -> bool:
        """Is anything known?"""
        return any(self._marks)

    def ports(self, state: PortState) -> tuple[int, ...]:
        """The ports in that state, in order."""
        return tuple(compress(PORTS, self._marks.translate(ONLY[state])))

    def __or__(self, later: States) -> States:
        """Both; where both know a port, the later word holds."""
        both = States()
        both._marks[:] = (new or old for old, new in zip(self._marks, later._marks, strict=True))
        return both


@dataclass(slots=True, eq=False)
class Job:
    """One device and the ports to knock at. `knocks`: how many left; `away`: nobody is at this address."""

    address: str
    gate: Gate
    ports: list[int]  # the next one last
    first_answer: bool = False  # enough is known with the first answer
    patience: float = PATIENCE  # seconds for one answer
    urgent: bool = False  # whether a device is well is looked at even after a stop
    states: States = field(default_factory=States)
    done: Future[Job] = field(default_factory=Future)
    knocks: int = 0
    away: bool = False
    stopped: bool = False
    flying: dict[int, tuple[float, float]] = field(default_factory=dict)  # port: sent, until
    silent: list[int] = field(default_factory=list)
    unreached: list[int] = field(default_factory=list)  # there was no way to them, or so it was said
    answered: bool = False
    second: bool = False
    slowest: float = 0.0  # seconds, of its answers
    last: float = 0.0  # when it was knocked at last
    turn: int = 0  # the one entry of the queue that counts

    @property
    def asks(self) -> bool:
        """Is there still a port to knock at?"""
        return bool(self.ports) and not (self.first_answer and self.answered)


def _pending(job: Job, now: float) -> int:
    """Knocks that may yet turn out to have met an open port: packets of ours would follow."""
    if not job.answered:
        return 0
    latest = islice(reversed(job.flying.values()), YOUNG)
    return sum(now - sent < 2 * job.slowest for sent, _ in latest)


class Knocking:
    """The thread that knocks. `stop` says when to leave off: between two packets, all is given back."""

    def __init__(self, meters: Meters, stop: Callable[[], bool], wire: Callable[[], Wire] = best) -> None:
        """The thread starts with the first device."""
        self._meters = meters
        self._stop = stop
        self._make = wire
        self._wire: Wire | None = None
        self._new: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._closed = False
        self._jobs: dict[str, Job] = {}
        self._turns: list[tuple[float, int, Job]] = []
        self._order = count()

    @property
    def way(self) -> str:
        """How it knocks: `half-open` or `connect`."""
        with self._guard:
            if self._wire is None:
                self._wire = self._make()
            return self._wire.name

    def ask(self, job: Job) -> Job:
        """Knock at all its ports; comes back when it is over. One job for a device at a time.

        After the end nobody is knocked at, and nobody waits: whoever is late is given back as stopped.
        """
        if not job.ports:
            return job
        with self._guard:
            if self._closed:
                job.stopped = True
                return job
            self._wire = self._wire or self._make()
            job.patience = max(job.patience, self._wire.patience)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="knocking", daemon=True)
                self._thread.start()
            self._new.put(job)  # before the end is, or not at all
        return job.done.result()

    def close(self) -> None:
        """End the thread; whoever waits gets what is known."""
        with self._guard:
            self._closed = True
        if self._thread is not None:
            self._new.put(None)
            self._thread.join()
            self._thread = None
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _serve(self) -> None:
        """Until it is closed. Should it ever break, nobody waits for ever."""
        assert self._wire is not None  # noqa: S101 - ask() made it
        while self._take():
            try:
                self._turn(self._wire)
            except Exception as error:  # noqa: BLE001 - whoever asked is told, and raises it
                for job in list(self._jobs.values()):
                    self._jobs.pop(job.address)
                    job.done.set_exception(error)
        for job in list(self._jobs.values()):
            self._over(job, stopped=True)

    def _take(self) -> bool:
        """The devices that came meanwhile; waits where there is none. False: closed."""
        while True:
            try:
                job = self._new.get(block=not self._jobs)
            except queue.Empty:
                return True
            if job is None:
                return False
            self._jobs[job.address] = job
            self._again(job, 0.0)

    def _again(self, job: Job, at: float) -> None:
        """Its next turn; whatever was planned before is void."""
        job.turn = next(self._order)
        heapq.heappush(self._turns, (at, job.turn, job))

    def _turn(self, wire: Wire) -> None:
        """What is answered by now is not silent; everybody whose time has come; then the answers."""
        self._listen(wire, 0.0)
        now = time.monotonic()
        if self._stop():
            for job in [job for job in self._jobs.values() if not job.urgent]:
                self._over(job, stopped=True)
        while self._turns and self._turns[0][0] <= now:
            _, turn, job = heapq.heappop(self._turns)
            if turn != job.turn or self._jobs.get(job.address) is not job:
                continue
            if (wait := self._advance(wire, job, now)) is not None:
                self._again(job, now + wait)
        idle = self._turns[0][0] - time.monotonic() if self._turns else GLANCE
        self._listen(wire, min(idle, GLANCE))

    def _listen(self, wire: Wire, seconds: float) -> None:
        """The answers that came, waiting so long for the first."""
        for address, port, state in wire.hear(seconds):
            if address in self._jobs:
                self._heard(wire, self._jobs[address], port, state)

    def _advance(self, wire: Wire, job: Job, now: float) -> float | None:
        """Knock, if it may; the seconds until its next turn, or None where it is over."""
        if any(until <= now for _, until in job.flying.values()):
            wire.sure()
            self._listen(wire, 0.0)
        for port in [port for port, (_, until) in job.flying.items() if until <= now]:
            self._silence(wire, job, port)
        if job.away or not (job.asks or job.flying):
            if job.silent and job.answered and not (job.second or job.away or job.first_answer):
                job.ports, job.silent, job.second = job.silent[::-1], [], True
            else:
                self._over(job)
                return None
        due = min((until for _, until in job.flying.values()), default=now + PATIENCE) - now
        if job.flying and (not job.asks or (wire.connects and job.answered)):
            return max(0.0, due)
        wait = job.last + self._meters.spacing(job.gate) - now
        if wait <= 0:
            wait = self._meters.take(job.gate, 1 + wire.after_open * (1 + _pending(job, now)))
        if wait > 0:
            return max(0.0, min(wait, due))
        port = job.ports.pop()
        job.last = now
        job.knocks += wire.knock(job.address, port)
        patience = job.patience
        if wire.connects and job.answered:
            patience = min(patience, max(SHORTEST, 5 * job.slowest))
        job.flying[port] = now, now + patience
        return 0.0

    def _silence(self, wire: Wire, job: Job, port: int) -> None:
        """No answer in time."""
        wire.forget(job.address, port)
        self._meters.count(job.gate, wire.repeats)
        del job.flying[port]
        job.states[port] = PortState.FILTERED
        if not job.second:
            job.silent.append(port)

    def _heard(self, wire: Wire, job: Job, port: int, state: PortState | None) -> None:
        """An answer, perhaps one that came too late, or twice."""
        if state is PortState.OPEN:
            self._meters.count(job.gate, wire.after_open)
        if port not in job.flying and port not in job.silent:
            return
        sent, _ = job.flying.pop(port, (None, 0.0))
        if port in job.silent:
            job.silent.remove(port)
        if state is None and wire.far:
            job.unreached.append(port)
        elif state is None:
            job.away = not job.answered
            job.states[port] = PortState.FILTERED
        else:
            job.states[port] = state
            if state is not PortState.FILTERED:
                job.answered = True
            if sent is not None:
                job.slowest = max(job.slowest, time.monotonic() - sent)
        self._again(job, 0.0)

    def _over(self, job: Job, *, stopped: bool = False) -> None:
        """Give it back."""
        assert self._wire is not None  # noqa: S101 - there is a wire while there are jobs
        for port in list(job.flying):
            self._wire.forget(job.address, port)
        job.stopped = stopped and bool(job.asks or job.flying)
        if job.away:
            job.states = States()
        if job.answered:  # a firewall said so; where nothing answered, the address was not reached at all
            for port in job.unreached:
                job.states[port] = PortState.FILTERED
        self._wire.done(job.address)
        self._jobs.pop(job.address, None)
        job.done.set_result(job)
