"""What happens to one device in a night? Its ports, its questions, and a look back whether it is well.

Never two things at a time. A guarded device (medical, or unknown) is looked at just before the questions
(questions.py) and again after them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netwatch import liveness, slices
from netwatch import ports as port_list
from netwatch.classes import MEDICAL, table
from netwatch.errors import OutsideError, ScopeError
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
from netwatch.portset import PortSet
from netwatch.probe import ProbeError
from netwatch.questions import Questions
from netwatch.slices import Round

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.classes import Class
    from netwatch.egress import Egress
    from netwatch.halt import Halt
    from netwatch.probe import Probe
    from netwatch.tonight import Tonight

KEPT_BACK = "their silence proves nothing: the server's hoster may keep them back"
AT_LEAST = {PortState.OPEN, PortState.CLOSED}


@dataclass(slots=True)
class Visit:
    """One device, tonight. `planned`: the ports it was to be asked; `away`: it was gone when we knocked;
    `unreached`: there was no way to it from where we look; `trouble`: the server that we look from is
    gone."""

    device: Device
    egress: Egress
    tonight: Tonight
    probes: tuple[Probe, ...]
    halt: Halt
    states: States = field(default_factory=States)
    planned: PortSet = field(default_factory=PortSet)
    away: bool = False
    unreached: bool = False
    trouble: OutsideError | None = None
    observations: list[Observation] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    knocked: int = 0

    @property
    def address(self) -> str:
        """Where it is tonight."""
        return self.device.address

    @property
    def vantage(self) -> Vantage:
        """From where it is visited."""
        return self.tonight.vantage

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
        for port, name in self.tonight.leads.items():
            self.egress.classed(self.address, table()[name], port)
        self._knock(self.tonight.nightly(self.device.id))
        self.recognise()
        self._questions(self.states.ports(PortState.OPEN))

    def further(self) -> None:
        """Tonight's slice of the whole range, and the questions to what it finds."""
        ports = self.tonight.slice(self.device.id)
        if self.halt.asked() or self.away or not ports:
            return
        before = self.states.ports(PortState.OPEN)
        self._knock(ports)
        self.recognise()
        if self.is_a.name == MEDICAL and not self.look_back(
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
        except OutsideError as error:  # the door that we leave by is gone: nothing was asked
            self.trouble = error
            return
        except ProbeError as error:
            self.trouble = OutsideError("vantage.broke", error.reason)
            return
        self.away = job.away and not self.states
        self.unreached = bool(job.unreached) and not job.answered and not self.states
        self.knocked += job.knocks
        self.states |= job.states

    def recognise(self) -> None:
        """What it is, with what is known by now; its class may change with it. From outside it is an address
        on the internet, whatever answers there."""
        if self.tonight.vantage is Vantage.OUTSIDE:
            return
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
            vantage=self.vantage,
            clear=self.tonight.clear.get(self.device.id, frozenset()),
            before=self.tonight.spoken.get(self.device.id, {}),
        )
        for port in open_ports:
            word = port_list.suggested(port)
            seen = target.observed("sweep", port, word, {"state": "open"})
            self.observations.append(replace(seen, proved=False))
        questions = Questions(self)
        now = questions.by_now(target, anything=False)
        wanted = [(probe, questions.allowed(probe, now)) for probe in self.probes]
        asked = tuple(dict.fromkeys(port for _, ports in wanted for port in ports if port in open_ports))
        if not any(ports for _, ports in wanted):
            if not self.halt.asked():
                self.look_back(open_ports[:1] or self.states.ports(PortState.CLOSED)[:1])
            return
        if self.halt.asked() or not self.look_back(asked):
            for probe, ports in wanted:
                self.cover(probe.name, ports, Outcome.NOT_ASKED, self.halt.why or "")
            return
        questions.ask(target)
        self.recognise()
        self.look_back(asked)

    def look_back(self, ports: Iterable[int], *, whoever: bool = False) -> bool:
        """Does a guarded device still answer there as it did? If not, everything stops. `whoever`: also one
        that is not guarded."""
        states = {port: self.states[port] for port in ports}
        before = {port: state for port, state in states.items() if state in AT_LEAST}
        if not (whoever or self.is_a.looked_at) or not before:
            return True
        try:
            port = liveness.silent_port(self.egress, self.address, before)
        except ScopeError:  # the authorisation has just ended: not even a look
            self.cover(LIVENESS, tuple(before), Outcome.NOT_ASKED, self.halt.why or "")
            return False
        if port is None:
            self.cover(LIVENESS, tuple(before), Outcome.ANSWERED)
            return True
        self.halt.now(FELL_SILENT)
        self.egress.bar(self.address, "egress.left-alone")
        target = Target(self.device.id, self.address, tuple(before))
        self.observations.append(liveness.seen(target, port, self.egress.audit.about(self.address)))
        self.fail(LIVENESS, port, Reason.FELL_SILENT, "answered before, and not any more")
        self.cover(LIVENESS, (port,), Outcome.NO_ANSWER)
        self.device = replace(self.device, left_alone=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        return False

    def fail(self, probe: str, port: int | None, reason: Reason, detail: str) -> None:
        """A question without an answer, once."""
        failure = Failure(probe, self.vantage, self.address, port, reason, detail, self.device.id)
        if failure not in self.failures:
            self.failures.append(failure)

    def cover(self, probe: str, ports: tuple[int, ...], outcome: Outcome, detail: str = "") -> None:
        """What became of these questions."""
        self.coverage.append(
            Coverage(probe, self.vantage, self.address, self.device.id, ports, outcome, detail)
        )

    def asked(self) -> PortSet:
        """The ports of which tonight knows something."""
        return PortSet.of(port for state in PortState for port in self.states.ports(state))

    def round(self, started: datetime) -> Round:
        """How far its way through the whole range has come, tonight included."""
        device = self.device.id
        nightly = self.tonight.nightly(device)
        before = self.tonight.rounds.get(device) or Round(device, started)
        if not self.away and not nightly - self.asked():
            before = replace(before, usual=started)
        return slices.after(before, self.asked(), nightly | self.tonight.never(), started)

    def swept(self) -> Iterable[Coverage]:
        """What the knocks covered, and what they did not come to."""

        def row(ports: tuple[int, ...], outcome: Outcome, detail: str = "") -> Coverage:
            return Coverage("sweep", self.vantage, self.address, self.device.id, ports, outcome, detail)

        if self.away:
            yield row((), Outcome.TIMED_OUT, "nobody answered at this address any more")
            return
        for state in PortState:
            ports = self.states.ports(state)
            doubtful = self.tonight.kept_back & set(ports) if state is PortState.FILTERED else set()
            if sure := tuple(port for port in ports if port not in doubtful):
                yield row(sure, Outcome(state.value))
            if doubtful:
                yield row(tuple(sorted(doubtful)), Outcome.EXPLORED, KEPT_BACK)
        if missed := tuple(self.planned - self.asked()):
            yield row(missed, Outcome.NOT_ASKED, self.halt.why or "")
        elif not self.planned:
            yield row((), Outcome.NOT_ASKED, self.halt.why or "")
