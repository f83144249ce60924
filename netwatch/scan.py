"""Who is visited, and in which order? Looks for the site's devices and visits them side by side.

The only module with threads, besides the one that knocks: each visit is one thread, which asks its device
one thing after the other; the pace, and not the number of devices, sets the time. First everybody's usual
ports and questions, then the slices of the whole range. A stop keeps what was seen and records the rest as
not asked.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netwatch.detect import Detection
from netwatch.egress import AUDIT
from netwatch.errors import ScopeError
from netwatch.halt import AUTHORISATION, STOPPED, WINDOW, Halt, deaf
from netwatch.identity import cards, identify
from netwatch.judging import Judging, filed
from netwatch.model import NAMES, Coverage, Device, Failure, Outcome, Reason, Run, Vantage
from netwatch.sweep import Sweep
from netwatch.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from netwatch.egress import Egress
    from netwatch.probe import Probe
    from netwatch.tonight import Tonight

    # (stage, done, total, what is happening): stages are `hosts`, `ports`, `range`, `detect`.
    Progress = Callable[[str, int, int, str], None]

SIDE_BY_SIDE = 100  # devices: at ten packets a second to each, what we may send overall
GLANCE = 0.2  # seconds between two looks at how far it has come

# A question to a port that nobody vouched for may stay without an answer: that is what most ports do.
HARMLESS = {Reason.MUTE}
REASONS = {WINDOW: Reason.WINDOW}


@dataclass(slots=True)
class Scan:
    """One scan of one site. `run` does it once."""

    site: str
    egress: Egress
    probes: tuple[Probe, ...]
    known: tuple[Device, ...]
    tonight: Tonight
    progress: Progress
    halt: Halt = field(default_factory=Halt)
    started: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    id: str = ""
    failures: list[Failure] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    _visits: list[Visit] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The run's name: it sorts by time."""
        self.id = self.id or name(self.started)

    def run(self) -> Run:
        """Look, visit, and tell what was seen and what was not."""
        with ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(SIDE_BY_SIDE, "visit"))
            stack.enter_context(self._until())
            try:
                self._all(pool)
            except KeyboardInterrupt:
                self.halt.now(STOPPED)
                stack.enter_context(deaf())
                pool.shutdown(wait=True, cancel_futures=True)
            except ScopeError as over:
                # The authorisation may end at midnight, in the middle of a scan: a stop like any other.
                if over.message != "egress.authorisation-ended":
                    raise
                self.halt.now(AUTHORISATION)
            self.egress.close()
            self._account_for()
            return self._tell()

    def nothing(self) -> Run:
        """A run in which nobody inside is asked."""
        return replace(self._tell(), vantages=())

    def _until(self) -> AbstractContextManager[None]:
        return self.halt.at(self.tonight.until, self.tonight.why)

    def _all(self, pool: ThreadPoolExecutor) -> None:
        """Everybody. Ctrl-C and SIGTERM, as KeyboardInterrupt, end it early and well."""
        sweep = Sweep(self.egress, pool.map, stopped=self.halt.asked)
        for device in self.known:
            if device.left_alone:
                self.egress.bar(device.address, "egress.left-alone")
        try:
            hosts = sweep.hosts(lambda done, total: self.progress("hosts", done, total, ""))
            devices = identify(((host.address, host.mac) for host in hosts), self.known)
            for addresses in cards(devices.values()):
                self.egress.one_device(addresses)
            self._visits = list(self._planned(devices.values()))
            self._side_by_side("ports", pool, [visit.usual for visit in self._visits])
            self._side_by_side("range", pool, [visit.further for visit in self._visits])
            if self.tonight.detect:
                Detection(sweep, self.tonight, self._visits, self.halt).run(self.progress)
        finally:
            self.failures += sweep.failures
            self.coverage += sweep.coverage

    def _planned(self, devices: Iterable[Device]) -> Iterator[Visit]:
        """Those that were not come to for longest first; those that are left alone, not at all."""
        never = datetime.min.replace(tzinfo=UTC)

        def longest(device: Device) -> datetime:
            begun = self.tonight.rounds.get(device.id)
            return begun.usual if begun and begun.usual else never

        cards = {device.mac for device in self.known if device.left_alone and device.mac}
        for device in sorted(devices, key=longest):
            if device.left_alone is None and device.mac not in cards:
                self.egress.unbar(device.address)
                yield Visit(device, self.egress, self.tonight, self.probes, self.halt)
                continue
            # Also where the card that fell silent answers at another address.
            self.egress.bar(device.address, "egress.left-alone")
            self.coverage.append(left_alone(device))

    def _side_by_side(self, stage: str, pool: ThreadPoolExecutor, work: list[Callable[[], None]]) -> None:
        """All of it, and say how far it has come."""
        pending: set[Future[None]] = {pool.submit(one) for one in work}
        while pending:
            self.progress(stage, len(work) - len(pending), len(work), self._knocks())
            done, pending = wait(pending, GLANCE)
            for one in done:
                one.result()
        self.progress(stage, len(work), len(work), self._knocks())

    def _knocks(self) -> str:
        return f"{sum(visit.knocked for visit in self._visits)}"

    def _account_for(self) -> None:
        """What each visit saw and did not come to, and what a stop left undone."""
        for visit in self._visits:
            self.failures += visit.failures
            self.coverage += [*visit.coverage, *visit.swept()]
        if self.halt.why is not None and not self._visits:
            self.coverage = [row for row in self.coverage if row.probe != "discovery"]
        if not any(row.probe == "discovery" for row in self.coverage):
            self.coverage += [
                Coverage("discovery", Vantage.LAN, str(network), None, (), Outcome.NOT_ASKED, self._why())
                for network in self.egress.scope.covered()
            ]
        if self.halt.why is not None:
            reason = REASONS.get(self.halt.why, Reason.UNFINISHED)
            self.failures.append(Failure("scan", Vantage.LAN, "", None, reason, self._why()))
        told = {row.device for row in self.coverage if row.outcome is Outcome.LEFT_ALONE}
        self.coverage += [
            left_alone(device) for device in self.known if device.left_alone and device.id not in told
        ]

    def _why(self) -> str:
        return self.halt.why or ""

    def _tell(self) -> Run:
        """The run, judged."""
        observations = tuple(filed(seen) for visit in self._visits for seen in visit.observations)
        findings = Judging(self.probes, self.failures, self.coverage).findings(observations)
        order = sorted(self.coverage, key=lambda row: (row.address, row.probe, row.outcome, row.ports))
        pace = {key: getattr(self.egress.pace, key) for key in PACE}
        return Run(
            id=self.id,
            site=self.site,
            started=self.started,
            finished=datetime.now(UTC).replace(microsecond=0),
            complete=complete(self.failures, order),
            vantages=(Vantage.LAN,),
            devices=tuple(visit.device for visit in self._visits),
            observations=observations,
            failures=tuple(sorted(self.failures, key=lambda f: (f.address, f.port or 0, f.probe))),
            coverage=together(order),
            findings=findings,
            stopped=self.halt.why,
            pace=pace,
            rounds=tuple(visit.round(self.started) for visit in self._visits),
            audit=self.egress.profile == AUDIT,
        )


PACE = ("packets", "guarded", "overall", "pause", "patience", "seconds", "limit")


def name(started: datetime) -> str:
    """What a run is called."""
    return f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def complete(failures: Iterable[Failure], coverage: Iterable[Coverage]) -> bool:
    """Was all that was to be asked asked, and did it end? A name that nobody told leaves nothing open."""
    cut = {Outcome.TIMED_OUT, Outcome.NOT_ASKED, Outcome.FAILED}
    missed = (f for f in failures if f.reason not in HARMLESS and f.probe != NAMES)
    return not any(missed) and not any(c.outcome in cut for c in coverage if c.probe != NAMES)


def together(coverage: Iterable[Coverage]) -> tuple[Coverage, ...]:
    """One row per probe, address and outcome, its ports gathered."""
    rows: dict[tuple[object, ...], Coverage] = {}
    for row in coverage:
        key = (row.probe, row.vantage, row.address, row.device, row.outcome, row.detail)
        before = rows.get(key)
        ports = (*before.ports, *row.ports) if before else row.ports
        rows[key] = replace(row, ports=tuple(sorted(set(ports))))
    return tuple(rows.values())


def left_alone(device: Device) -> Coverage:
    """It fell silent once, and a person has not yet decided."""
    why = f"since {device.left_alone}" if device.left_alone else "its card is that of one left alone"
    return Coverage("sweep", Vantage.LAN, device.address, device.id, (), Outcome.LEFT_ALONE, why)
