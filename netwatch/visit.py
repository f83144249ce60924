"""What happens to one device in a night? Its ports, its questions, and a look back whether it is well.

Never two things at a time. A guarded device (medical, or unknown) is looked at just before the questions
and again after them. Whatever a probe raises ends here: a ProbeError is a Failure, a ScopeError is a question
that was not asked, anything else is `Failure(BUG)` and the scan goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netwatch import liveness
from netwatch import ports as port_list
from netwatch.classes import MEDICAL, manner_order
from netwatch.doors import heard, unknown
from netwatch.egress import AUDIT
from netwatch.errors import ScopeError, where
from netwatch.halt import AUTHORISATION, FELL_SILENT
from netwatch.identity import describe
from netwatch.knocking import States
from netwatch.model import (
    LIVENESS,
    Coverage,
    Device,
    Failure,
    Observation,
    Outcome,
    PortState,
    Reason,
    Target,
    Vantage,
)
from netwatch.opening import UNKNOWN, recognise
from netwatch.portset import PortSet
from netwatch.probe import OtherProtocol, PortClosed, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.classes import Class
    from netwatch.egress import Egress
    from netwatch.halt import Halt
    from netwatch.probe import Probe
    from netwatch.tonight import Tonight

PATIENCE = 8  # mute ports: a device with so many is asked no more tonight
AT_LEAST = {PortState.OPEN, PortState.CLOSED}
DICOM, SHORT = "dicom", 2.0  # seconds for an answer of a port that nobody vouched for
QUIET = {Reason.MUTE, Reason.CLOSED, Reason.TIMEOUT, Reason.PROTOCOL, Reason.LIMIT}


@dataclass(slots=True)
class Visit:
    """One device, tonight. `planned`: the ports it was to be asked; `away`: it was gone when we knocked."""

    device: Device
    egress: Egress
    tonight: Tonight
    probes: tuple[Probe, ...]
    halt: Halt
    states: States = field(default_factory=States)
    planned: PortSet = field(default_factory=PortSet)
    away: bool = False
    observations: list[Observation] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    knocked: int = 0

    @property
    def address(self) -> str:
        """Where it is tonight."""
        return self.device.address

    @property
    def is_a(self) -> Class:
        """What it may be asked."""
        return self.tonight.is_a(self.device)

    def usual(self) -> None:
        """The ports of every night, then the questions."""
        if self.halt.asked():
            return
        self.device = self.tonight.expected(self.device)
        self.egress.classed(self.address, self.is_a)
        self._knock(self.tonight.nightly(self.device.id))
        self._recognise()
        self._questions(self.states.ports(PortState.OPEN))

    def further(self) -> None:
        """Tonight's slice of the whole range, and the questions to what it finds."""
        ports = self.tonight.slice(self.device.id)
        if self.halt.asked() or self.away or not ports:
            return
        before = self.states.ports(PortState.OPEN)
        self._knock(ports)
        self._recognise()
        if self.is_a.name == MEDICAL and not self._look_back(
            before or self.states.ports(PortState.CLOSED)[:1]
        ):
            return
        if new := tuple(port for port in self.states.ports(PortState.OPEN) if port not in before):
            self._questions(new)

    def _knock(self, ports: PortSet) -> None:
        """The state of these ports."""
        self.planned |= ports
        try:
            job = self.egress.sweep(self.address, ports)
        except ScopeError as error:
            if error.message == "egress.authorisation-ended":
                self.halt.now(AUTHORISATION)
            return
        self.away = job.away and not self.states
        self.knocked += job.knocks
        self.states |= job.states

    def _recognise(self) -> None:
        """What it is, with what is known by now; its class may change with it."""
        gateway = self.tonight.is_gateway(self.device)
        open_ports = self.states.ports(PortState.OPEN)
        self.device = describe(self.device, self.observations, open_ports, gateway=gateway)
        self.egress.classed(self.address, self.is_a)

    def _questions(self, open_ports: tuple[int, ...]) -> None:
        """Every question to these ports, one after the other, between two looks where it is guarded."""
        target = Target(
            self.device.id,
            self.address,
            open_ports,
            clear=self.tonight.clear.get(self.device.id, frozenset()),
            before=self.tonight.spoken.get(self.device.id, {}),
        )
        for port in open_ports:
            word = port_list.suggested(port)
            seen = target.observed("sweep", port, word, {"state": "open"})
            self.observations.append(replace(seen, proved=False))
        wanted = [(probe, self._allowed(probe, self._by_now(target))) for probe in self.probes]
        asked = tuple(dict.fromkeys(port for _, ports in wanted for port in ports if port in open_ports))
        if not any(ports for _, ports in wanted):
            if not self.halt.asked():
                self._look_back(open_ports[:1] or self.states.ports(PortState.CLOSED)[:1])
            return
        if self.halt.asked() or not self._look_back(asked):
            for probe, ports in wanted:
                self._cover(probe.name, ports, Outcome.NOT_ASKED, self.halt.why or "")
            return
        self._rounds(target)
        spoken = heard(self.observations)  # where another question had its answer, a mute one is no news
        self.failures = [f for f in self.failures if f.reason is not Reason.MUTE or f.port not in spoken]
        self._recognise()
        self._look_back(asked)

    def _rounds(self, target: Target) -> None:
        """Probe after probe, the gentlest manner first, until nothing that was heard calls for another.

        What spoke something on an earlier night is asked that first; only then, anything.
        """
        asked: set[tuple[int, int]] = set()
        gently = sorted(self.probes, key=lambda one: (manner_order(one.manner), one.name))
        moved = True
        while moved:
            moved = False
            for number, probe in enumerate(gently):
                now = self._by_now(target, anything=bool(asked))
                ports = tuple(p for p in self._allowed(probe, now) if (number, p) not in asked)
                if ports:
                    moved = True
                    asked |= {(number, port) for port in ports}
                    self._ask(probe, now, ports)

    def _by_now(self, target: Target, *, anything: bool = False) -> Target:
        """The target with what its ports have spoken by now, and those that are free."""
        spoken = heard(self.observations)
        known = spoken.keys() if anything else spoken.keys() | target.before.keys()
        free = frozenset() if self.is_a.guarded else unknown(target.open_ports, known)
        return replace(target, spoken=spoken, free=free)

    def _allowed(self, probe: Probe, target: Target) -> tuple[int, ...]:
        """The ports a probe is for and may go to; those that its manner may not are told as spared."""
        if probe.manner == AUDIT and self.egress.profile != AUDIT:
            return ()
        wanted = self.wanted(probe, target)
        spared = tuple(port for port in wanted if not self.egress.may(self.address, port, probe.manner))
        self._spare(probe.name, spared)
        return tuple(port for port in wanted if port not in spared)

    def _spare(self, probe: str, ports: tuple[int, ...]) -> None:
        """Told once, as these ports are: what the device is forbids this question."""
        told = {port for row in self.coverage if row.probe == probe for port in row.ports}
        if new := tuple(port for port in ports if port not in told):
            self._cover(probe, new, Outcome.SPARED, self.is_a.name)

    def wanted(self, probe: Probe, target: Target) -> tuple[int, ...]:
        """The ports a probe is for; none, and a Failure, where it cannot even say that."""
        try:
            return probe.wants(target)
        except Exception as error:  # noqa: BLE001 - a broken probe never stops a scan
            self._fail(probe.name, None, Reason.BUG, where(error))
            return ()

    def _ask(self, probe: Probe, target: Target, ports: tuple[int, ...]) -> None:
        """One probe, port by port; what it did not come to is told as not asked."""
        mute = 0
        for number, port in enumerate(ports):
            if self.halt.asked() or mute >= PATIENCE:
                why = self.halt.why or f"{PATIENCE} other ports of this device stayed mute"
                self._cover(probe.name, ports[number:], Outcome.NOT_ASKED, why)
                return
            mute += self._question(probe, target, port) is Reason.MUTE

    def _question(self, probe: Probe, target: Target, port: int) -> Reason | None:
        """One question to one port, and what became of it: why it has no answer, or None."""
        reason, detail = None, ""
        hurried = port in target.free and probe.manner != DICOM
        way = self.egress.asking(probe.name, probe.manner, longest=SHORT if hurried else None)
        try:
            for seen in probe.observe(target, port, way):  # what was seen before a failure is kept
                self.observations.append(seen)
        except PortClosed:
            self._cover(probe.name, (port,), Outcome.CLOSED)
            return None
        except ProbeError as error:
            reason, detail = error.reason, error.detail
        except OtherProtocol as other:
            word = recognise(other.opening)
            transport = "tcp" if port in target.open_ports else "udp"
            self.observations.append(target.observed(probe.name, port, word, {}, transport))
            if word == UNKNOWN:
                reason, detail = Reason.PROTOCOL, "an answer that we do not recognise"
        except ScopeError as error:
            reason, detail = Reason.SCOPE, str(error)
        except Exception as error:  # noqa: BLE001 - a broken probe never stops a scan
            reason, detail = Reason.BUG, where(error)
        outcome = Outcome.ANSWERED
        over_udp = port not in target.open_ports  # which nowhere is told open
        if (over_udp and reason is Reason.MUTE) or (hurried and reason in QUIET):
            # Nobody vouched for this port: that it does not speak this either is no news.
            self._cover(probe.name, (port,), Outcome.NO_ANSWER)
            return Reason.MUTE
        if reason is not None:
            self._fail(probe.name, port, reason, detail)
            outcome = Outcome.NOT_ASKED if reason is Reason.SCOPE else Outcome.NO_ANSWER
        self._cover(probe.name, (port,), outcome)
        return reason

    def _look_back(self, ports: Iterable[int]) -> bool:
        """Does a guarded device still answer there as it did? If not, everything stops."""
        states = {port: self.states[port] for port in ports}
        before = {port: state for port, state in states.items() if state in AT_LEAST}
        if not self.is_a.guarded or not before:
            return True
        try:
            port = liveness.silent_port(self.egress, self.address, before)
        except ScopeError:  # the authorisation has just ended: not even a look
            self._cover(LIVENESS, tuple(before), Outcome.NOT_ASKED, self.halt.why or "")
            return False
        if port is None:
            self._cover(LIVENESS, tuple(before), Outcome.ANSWERED)
            return True
        self.halt.now(FELL_SILENT)
        self.egress.bar(self.address, "egress.left-alone")
        target = Target(self.device.id, self.address, tuple(before))
        self.observations.append(liveness.seen(target, port, self.egress.audit.about(self.address)))
        self._fail(LIVENESS, port, Reason.FELL_SILENT, "answered before, and not any more")
        self._cover(LIVENESS, (port,), Outcome.NO_ANSWER)
        self.device = replace(self.device, left_alone=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        return False

    def _fail(self, probe: str, port: int | None, reason: Reason, detail: str) -> None:
        failure = Failure(probe, Vantage.LAN, self.address, port, reason, detail, self.device.id)
        if failure not in self.failures:
            self.failures.append(failure)

    def _cover(self, probe: str, ports: tuple[int, ...], outcome: Outcome, detail: str = "") -> None:
        self.coverage.append(
            Coverage(probe, Vantage.LAN, self.address, self.device.id, ports, outcome, detail)
        )

    def asked(self) -> PortSet:
        """The ports of which tonight knows something."""
        return PortSet.of(port for state in PortState for port in self.states.ports(state))

    def swept(self) -> Iterable[Coverage]:
        """What the knocks covered, and what they did not come to."""

        def row(ports: tuple[int, ...], outcome: Outcome, detail: str = "") -> Coverage:
            return Coverage("sweep", Vantage.LAN, self.address, self.device.id, ports, outcome, detail)

        if self.away:
            yield row((), Outcome.TIMED_OUT, "nobody answered at this address any more")
            return
        for state in PortState:
            if ports := self.states.ports(state):
                yield row(ports, Outcome(state.value))
        if missed := tuple(self.planned - self.asked()):
            yield row(missed, Outcome.NOT_ASKED, self.halt.why or "")
        elif not self.planned:
            yield row((), Outcome.NOT_ASKED, self.halt.why or "")
