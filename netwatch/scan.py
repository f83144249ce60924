"""Who is asked what, and in which order? Sweeps the site and puts every probe's question to every target.

The only module with threads: a handful of devices are asked side by side, each by one thread, one port
after the other, while the next handful is swept. Whatever a probe raises ends here: a ProbeError is a
Failure, a ScopeError is a question that was not asked, anything else is `Failure(BUG)` and the scan
goes on. A stop (Ctrl-C, SIGTERM) keeps what was seen and records the rest as not asked.
"""

from __future__ import annotations

import secrets
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netwatch import ports as port_list
from netwatch.errors import ScopeError
from netwatch.identity import describe, identify
from netwatch.model import (
    Coverage,
    Device,
    Failure,
    Observation,
    Outcome,
    PortState,
    Reason,
    Run,
    Target,
    Vantage,
)
from netwatch.probe import ProbeError
from netwatch.sweep import Found, Sweep, Swept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from netwatch.egress import Egress
    from netwatch.model import Finding
    from netwatch.probe import Probe

    # (stage, done, total, what is happening): stages are `hosts`, `ports`, `questions`.
    Progress = Callable[[str, int, int, str], None]

SIDE_BY_SIDE = 25  # devices; each has one connection at a time

# A question to a port that nobody vouched for may stay without an answer: that is what most ports do.
HARMLESS = {Reason.MUTE}
STOPPED = "stopped"
PATIENCE = 8  # mute ports: a device with so many is asked no more tonight


@dataclass(slots=True)
class Scan:
    """One scan of one site. `run` does it once."""

    site: str
    egress: Egress
    probes: tuple[Probe, ...]
    known: tuple[Device, ...]
    extra_ports: tuple[int, ...]
    progress: Progress
    observations: list[Observation] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _swept: dict[str, Swept] = field(default_factory=dict)

    def run(self) -> Run:
        """Sweep, ask, and tell what was seen and what was not."""
        started = datetime.now(UTC).replace(microsecond=0)
        devices: dict[str, Device] = {}
        interrupted = False
        with (
            ThreadPoolExecutor(SIDE_BY_SIDE, "sweep") as across,
            ThreadPoolExecutor(SIDE_BY_SIDE, "ask") as pool,
        ):
            sweep = Sweep(self.egress, across.map)
            try:
                hosts = sweep.hosts(lambda done, total: self.progress("hosts", done, total, ""))
                devices = identify(((host.address, host.mac) for host in hosts), self.known)
                self._ask_all(sweep, hosts, devices, pool)
            except (KeyboardInterrupt, ScopeError) as stop:
                # The authorisation may end at midnight, in the middle of a scan: a stop like any other.
                if isinstance(stop, ScopeError) and stop.message != "egress.authorisation-ended":
                    raise
                interrupted = True
                self._stop.set()
                across.shutdown(wait=True, cancel_futures=True)
                pool.shutdown(wait=True, cancel_futures=True)
        self.failures += sweep.failures
        self.coverage += [self._named(row, devices) for row in sweep.coverage]
        self._account_for(devices, interrupted=interrupted)
        return self._tell(started, devices)

    def _ask_all(
        self, sweep: Sweep, hosts: tuple[Found, ...], devices: dict[str, Device], pool: ThreadPoolExecutor
    ) -> None:
        """Ask a handful's devices while the next handful is swept."""
        asked = {*port_list.curated(), *self.extra_ports}
        questions: list[Future[None]] = []
        done = 0
        self.progress("ports", 0, len(hosts), "")
        for handful in sweep.ports(hosts, asked):
            for swept in handful:
                self._swept[swept.found.address] = swept
                questions.append(pool.submit(self._ask, devices[swept.found.address], swept))
            done += len(handful)
            self.progress("ports", done, len(hosts), handful[-1].found.address if handful else "")
        for number, question in enumerate(questions, 1):
            question.result()
            self.progress("questions", number, len(questions), "")

    def _ask(self, device: Device, swept: Swept) -> None:
        """Every question to one device, one after the other."""
        target = Target(device.id, swept.found.address, swept.ports(PortState.OPEN))
        for port in target.open_ports:
            word = port_list.suggested(port)
            self.observations.append(
                replace(target.observed("sweep", port, word, {"state": "open"}), proved=False)
            )
        for probe in self.probes:
            mute = 0
            for port in self._wanted(probe, target):
                if self._stop.is_set() or mute >= PATIENCE:
                    break
                failure = self._question(probe, target, port)
                mute += failure is not None and failure.reason is Reason.MUTE

    def _wanted(self, probe: Probe, target: Target) -> tuple[int, ...]:
        """The ports a probe is for; none, and a Failure, where it cannot even say that."""
        try:
            return probe.wants(target)
        except Exception as error:  # noqa: BLE001 - a broken probe never stops a scan
            failure = Failure(
                probe.name, target.vantage, target.address, None, Reason.BUG, where(error), target.device
            )
            if failure not in self.failures:
                self.failures.append(failure)
            return ()

    def _question(self, probe: Probe, target: Target, port: int) -> Failure | None:
        """One question to one port, and what became of it: its failure, or None."""
        failure = None
        try:
            # One at a time, so that what was seen before a failure is kept.
            for seen in probe.observe(target, port, self.egress):
                self.observations.append(seen)
        except ProbeError as error:
            failure = self._failure(probe, target, port, error.reason, error.detail)
        except ScopeError as error:
            failure = self._failure(probe, target, port, Reason.SCOPE, str(error))
        except Exception as error:  # noqa: BLE001 - a broken probe never stops a scan
            failure = self._failure(probe, target, port, Reason.BUG, where(error))
        outcome = Outcome.ANSWERED
        if failure is not None:
            self.failures.append(failure)
            outcome = Outcome.NOT_ASKED if failure.reason is Reason.SCOPE else Outcome.NO_ANSWER
        self.coverage.append(
            Coverage(probe.name, target.vantage, target.address, target.device, (port,), outcome)
        )
        return failure

    @staticmethod
    def _failure(probe: Probe, target: Target, port: int, reason: Reason, detail: str) -> Failure:
        return Failure(probe.name, target.vantage, target.address, port, reason, detail, target.device)

    @staticmethod
    def _named(row: Coverage, devices: dict[str, Device]) -> Coverage:
        device = devices.get(row.address)
        return replace(row, device=device.id) if device and row.device is None else row

    def _account_for(self, devices: dict[str, Device], *, interrupted: bool) -> None:
        """Record what a stop left unasked, and hosts that nothing is known of."""
        if not any(row.probe == "discovery" for row in self.coverage):
            self.coverage += [
                Coverage("discovery", Vantage.LAN, str(network), None, (), Outcome.NOT_ASKED, STOPPED)
                for network in self.egress.scope.covered()
            ]
        if interrupted:
            self.failures.append(
                Failure("scan", Vantage.LAN, "", None, Reason.UNFINISHED, "stopped before the end")
            )
        covered = {row.address for row in self.coverage if row.probe == "sweep"}
        asked = {(row.device, row.probe, port) for row in self.coverage for port in row.ports}
        for device in devices.values():
            if device.address not in covered:
                self.coverage.append(_not_asked("sweep", device, ()))
                continue
            swept = self._swept.get(device.address)
            if swept is None:
                continue
            target = Target(device.id, device.address, swept.ports(PortState.OPEN))
            for probe in self.probes:
                left = tuple(
                    p for p in self._wanted(probe, target) if (device.id, probe.name, p) not in asked
                )
                if left:
                    why = STOPPED if interrupted else f"{PATIENCE} other ports of this device stayed mute"
                    self.coverage.append(_not_asked(probe.name, device, left, why))

    def _judged(self, probe: Probe, seen: Observation) -> tuple[Finding, ...]:
        """What a probe makes of what it saw; a Failure, and no answer, where it breaks on it."""
        try:
            return tuple(probe.judge(seen))
        except Exception as error:  # noqa: BLE001 - a broken probe never stops a scan
            self.failures.append(
                Failure(
                    probe.name, seen.vantage, seen.address, seen.port, Reason.BUG, where(error), seen.device
                )
            )
            about = (probe.name, seen.address, (seen.port,))
            self.coverage = [
                replace(row, outcome=Outcome.NO_ANSWER)
                if (row.probe, row.address, row.ports) == about
                else row
                for row in self.coverage
            ]
            return ()

    def _tell(self, started: datetime, devices: dict[str, Device]) -> Run:
        """The run, judged."""
        described = tuple(
            describe(
                device,
                [seen for seen in self.observations if seen.device == device.id],
                self._swept[address].ports(PortState.OPEN) if address in self._swept else (),
            )
            for address, device in devices.items()
        )
        by_name = {probe.name: probe for probe in self.probes}
        findings = frozenset(
            finding
            for seen in self.observations
            if seen.probe in by_name
            for finding in self._judged(by_name[seen.probe], seen)
        )
        order = sorted(self.coverage, key=lambda row: (row.address, row.probe, row.outcome, row.ports))
        return Run(
            id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            site=self.site,
            started=started,
            finished=datetime.now(UTC).replace(microsecond=0),
            complete=complete(self.failures, order),
            vantages=(Vantage.LAN,),
            devices=described,
            observations=tuple(self.observations),
            failures=tuple(sorted(self.failures, key=lambda f: (f.address, f.port or 0, f.probe))),
            coverage=together(order),
            findings=findings,
        )


def complete(failures: Iterable[Failure], coverage: Iterable[Coverage]) -> bool:
    """Was everything that was to be asked asked, and did it end?"""
    cut = {Outcome.TIMED_OUT, Outcome.NOT_ASKED, Outcome.FAILED}
    return not any(f.reason not in HARMLESS for f in failures) and not any(c.outcome in cut for c in coverage)


def together(coverage: Iterable[Coverage]) -> tuple[Coverage, ...]:
    """One row per probe, address and outcome, its ports gathered."""
    rows: dict[tuple[object, ...], Coverage] = {}
    for row in coverage:
        key = (row.probe, row.vantage, row.address, row.device, row.outcome, row.detail)
        before = rows.get(key)
        ports = (*before.ports, *row.ports) if before else row.ports
        rows[key] = replace(row, ports=tuple(sorted(set(ports))))
    return tuple(rows.values())


def where(error: Exception) -> str:
    """The kind of an error and where it was raised; not its text, which may hold a peer's bytes."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.filename.rpartition('/')[2]}:{frame.lineno}"


def _not_asked(probe: str, device: Device, ports: tuple[int, ...], why: str = STOPPED) -> Coverage:
    return Coverage(probe, Vantage.LAN, device.address, device.id, ports, Outcome.NOT_ASKED, why)
