"""Which rules hold, of what was seen? Each probe judges its own; one that breaks on it stops nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from netwatch import liveness
from netwatch.errors import where
from netwatch.model import LIVENESS, Failure, Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.model import Coverage, Finding, Observation
    from netwatch.probe import Probe


def filed(seen: Observation) -> Observation:
    """What is about no port (a DMZ, a list) has its word in the transport's place: one question may tell
    several such things."""
    return seen if seen.port else replace(seen, transport=seen.protocol)


@dataclass(slots=True)
class Judging:
    """What the probes make of observations. A probe that breaks leaves a Failure, and no answer."""

    probes: tuple[Probe, ...]
    failures: list[Failure]
    coverage: list[Coverage]
    _known: dict[str, Probe] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The probes by their names."""
        self._known = {probe.name: probe for probe in self.probes}

    def findings(self, observations: Iterable[Observation]) -> frozenset[Finding]:
        """All rules that hold."""
        return frozenset(finding for seen in observations for finding in self._judged(seen))

    def _judged(self, seen: Observation) -> tuple[Finding, ...]:
        if seen.probe == LIVENESS:
            return tuple(liveness.judge(seen))
        probe = self._known.get(seen.probe)
        if probe is None:
            return ()
        try:
            return tuple(probe.judge(seen))
        except Exception as error:  # noqa: BLE001 - a broken probe never stops a scan
            self.failures.append(
                Failure(
                    probe.name, seen.vantage, seen.address, seen.port, Reason.BUG, where(error), seen.device
                )
            )
            about = (probe.name, seen.address, (seen.port,))
            self.coverage[:] = [
                replace(row, outcome=Outcome.NO_ANSWER)
                if (row.probe, row.address, row.ports) == about
                else row
                for row in self.coverage
            ]
            return ()
