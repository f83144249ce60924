"""Which questions is a device asked, in which order, and when is it enough?

The gentlest manner first, one thing after the other. Whatever a probe raises ends here: a ProbeError is a
Failure, a ScopeError is a question that was not asked, anything else is `Failure(BUG)` and the scan goes on.
Where it stops: it knows nothing of knocks, and nothing of looks back (visit.py).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import TYPE_CHECKING

from netwatch.classes import manner_order
from netwatch.doors import heard, turn, unknown
from netwatch.egress import AUDIT
from netwatch.errors import OutsideError, ScopeError, where
from netwatch.model import Outcome, Reason
from netwatch.opening import UNKNOWN, recognise
from netwatch.probe import OtherProtocol, PortClosed, ProbeError

if TYPE_CHECKING:
    from netwatch.model import Target
    from netwatch.probe import Probe
    from netwatch.visit import Visit

PATIENCE = 8  # mute ports: a device with so many is asked no more tonight
MUTE = f"{PATIENCE} other ports of this device stayed mute"
BUDGET = 900.0  # seconds for all questions to one device
DICOM, SHORT = "dicom", 2.0  # seconds for an answer of a port that nobody vouched for
SLOW = {Reason.MUTE, Reason.TIMEOUT}
QUIET = {Reason.MUTE, Reason.CLOSED, Reason.TIMEOUT, Reason.PROTOCOL, Reason.LIMIT}


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of one visit, which keeps what they bring. `ends`: when they have taken long enough."""

    visit: Visit
    ends: float = field(default_factory=lambda: time.monotonic() + BUDGET)

    def ask(self, target: Target) -> None:
        """All of them."""
        self.rounds(target)
        self._forget_detours(target)

    def rounds(self, target: Target) -> None:
        """Probe after probe, the gentlest manner first, until nothing that was heard calls for another.

        In the first round, what spoke something on an earlier night is asked that alone; then, anything. What
        the device turns out to be holds for the very next question.
        """
        asked: set[tuple[int, int]] = set()
        gently = sorted(self.visit.probes, key=lambda one: (manner_order(one.manner), one.name))
        for anything in chain([False], repeat(object=True)):
            before = len(asked)
            for number, probe in enumerate(gently):
                now = self.by_now(target, anything=anything)
                ports = tuple(p for p in self.allowed(probe, now) if (number, p) not in asked)
                asked |= {(number, port) for port in ports}
                self._ask(probe, now, ports)
                if ports:
                    self.visit.recognise()
            if anything and len(asked) == before:
                return

    def by_now(self, target: Target, *, anything: bool) -> Target:
        """The target with what its ports have spoken by now, and those that are free."""
        spoken = heard(self.visit.observations)
        earlier = {} if anything else target.before
        silent = {
            port for row in self.visit.coverage if row.outcome is Outcome.NO_ANSWER for port in row.ports
        }
        free = unknown(target.open_ports, spoken.keys() | earlier.keys(), silent if anything else ())
        known = self.visit.tonight.leads.keys()
        return replace(
            target,
            spoken=spoken,
            before=earlier,
            free=frozenset(free) - known if self.visit.is_a.explores else frozenset(),
        )

    def _forget_detours(self, target: Target) -> None:
        """Where another question had its answer, one that was not meant for such a port is no news."""
        now = self.by_now(target, anything=True)
        meant = {
            probe.name: frozenset(() if probe.manner == DICOM else self.wanted(probe, now))
            for probe in self.visit.probes
        }
        told = {
            (seen.probe, seen.port)
            for seen in self.visit.observations
            if seen.protocol == now.spoken.get(seen.port)
        }
        self.visit.failures = [
            f
            for f in self.visit.failures
            if f.reason not in QUIET
            or f.port not in now.spoken
            or f.port in meant.get(f.probe, ())
            or (f.probe, f.port) in told
        ]

    def allowed(self, probe: Probe, target: Target) -> tuple[int, ...]:
        """The ports a probe is for and may go to; those that its manner may not are told as spared."""
        if probe.manner == AUDIT and self.visit.egress.profile != AUDIT:
            return ()
        udp = self.visit.egress.outlet.udp
        wanted = tuple(port for port in self.wanted(probe, target) if udp or port in target.open_ports)
        spared = tuple(
            port for port in wanted if not self.visit.egress.may(self.visit.address, port, probe.manner)
        )
        self._spare(probe.name, spared)
        return tuple(port for port in wanted if port not in spared)

    def _spare(self, probe: str, ports: tuple[int, ...]) -> None:
        """Told once, as these ports are: what the device is forbids this question."""
        told = {port for row in self.visit.coverage if row.probe == probe for port in row.ports}
        if new := tuple(port for port in ports if port not in told):
            self.visit.cover(probe, new, Outcome.SPARED, self.visit.is_a.name)

    def wanted(self, probe: Probe, target: Target) -> tuple[int, ...]:
        """The ports a probe is for; none, and a Failure, where it cannot even say that."""
        try:
            return probe.wants(target)
        except Exception as error:  # noqa: BLE001 - a broken probe never stops a scan
            self.visit.fail(probe.name, None, Reason.BUG, where(error))
            return ()

    def _ask(self, probe: Probe, target: Target, ports: tuple[int, ...]) -> None:
        """One probe, port by port, those that somebody vouches for first; what it did not come to is told as
        not asked. Free ports were promised to nobody: after some slow ones, the others wait a night.
        """
        free = frozenset[int]() if probe.manner == DICOM else target.free
        owed = [port for port in ports if port not in free]
        ports = (*owed, *turn([port for port in ports if port in free], self.visit.tonight.number))
        mute = 0
        for number, port in enumerate(ports):
            mute = mute if number != len(owed) else 0
            if why := self._over() or ("" if mute < PATIENCE or port in free else MUTE):
                self.visit.cover(probe.name, ports[number:], Outcome.NOT_ASKED, why)
                return
            if mute >= PATIENCE:
                return
            slow = self._question(probe, target, port) is Reason.MUTE
            mute += slow and (port in free or probe.manner == DICOM)

    def _over(self) -> str:
        """Why nothing more is asked of this device tonight, or nothing."""
        if self.visit.halt.asked():
            return self.visit.halt.why or ""
        over = time.monotonic() > self.ends
        return f"the {round(BUDGET)} seconds for the questions to one device were over" if over else ""

    def _question(self, probe: Probe, target: Target, port: int) -> Reason | None:
        """One question to one port, and what became of it: why it has no answer, or None."""
        reason, detail = None, ""
        hurried = port in target.free and probe.manner != DICOM
        way = self.visit.egress.asking(probe.name, probe.manner, longest=SHORT if hurried else None)
        try:
            for seen in probe.observe(target, port, way):  # what was seen before a failure is kept
                self.visit.observations.append(seen)
        except PortClosed:
            self.visit.cover(probe.name, (port,), Outcome.CLOSED)
            return None
        except ProbeError as error:
            reason, detail = error.reason, error.detail
        except OtherProtocol as other:
            word = recognise(other.opening)
            transport = "tcp" if port in target.open_ports else "udp"
            self.visit.observations.append(target.observed(probe.name, port, word, {}, transport))
            if word == UNKNOWN:
                reason, detail = Reason.PROTOCOL, "an answer that we do not recognise"
        except (ScopeError, OutsideError) as error:  # not by the egress, nor by the server that carries it
            reason, detail = Reason(getattr(error, "reason", Reason.SCOPE)), str(error)
        except Exception as error:  # noqa: BLE001 - a broken probe never stops a scan
            reason, detail = Reason.BUG, where(error)
        outcome = Outcome.ANSWERED
        over_udp = port not in target.open_ports  # which nowhere is told open
        if (over_udp and reason is Reason.MUTE) or (hurried and reason in QUIET):
            # Nobody vouched for this port: that it does not speak this either is no news.
            self.visit.cover(probe.name, (port,), Outcome.EXPLORED)
            return Reason.MUTE if reason in SLOW else None
        if reason is not None:
            self.visit.fail(probe.name, port, reason, detail)
            outcome = Outcome.NOT_ASKED if reason is Reason.SCOPE else Outcome.NO_ANSWER
        self.visit.cover(probe.name, (port,), outcome)
        return reason
