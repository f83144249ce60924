"""What do the devices call themselves, when everybody is asked at once? Into the night, beside the scan.

Where nobody may be asked in this way (a card is excluded, only a part of a network is ours) that is told as
excluded; what fails is a Failure. The devices' own addresses are known by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.calling import call
from netwatch.model import Coverage, Outcome, Reason, Target, Vantage

if TYPE_CHECKING:
    from collections.abc import Callable

    from netwatch.audit import Audit
    from netwatch.config import Site
    from netwatch.halt import Halt
    from netwatch.model import Run
    from netwatch.outside import Gathered
    from netwatch.tonight import Tonight
    from netwatch.words import Messages

NAMES = "names"  # in coverage and failures
PAUSE = 0.25  # seconds between two questions to everybody


@dataclass(frozen=True, slots=True)
class Naming:
    """One night's roll call. What is heard goes into `gathered`; `words` are those of coverage: English."""

    site: Site
    tonight: Tonight
    gathered: Gathered
    log: Callable[[], Audit]
    halt: Halt
    words: Messages

    def ask(self, run: Run) -> None:
        """Once, of those that were seen tonight and not left alone."""
        if self.halt.asked() or Vantage.LAN not in run.vantages:
            return
        scope, log = self.tonight.scope, self.log()
        try:
            called = call(
                scope.covered(),
                [device for device in run.devices if device.left_alone is None],
                log,
                excluded_macs=scope.excluded_macs,
                excluded_ports=scope.excluded_ports | scope.silent_ports,
                stopped=self.halt.asked,
                pause=max(PAUSE, 1 / self.site.pace.pace().guarded),
            )
        finally:
            log.close()
        at = {device.id: device.address for device in run.devices}
        for device, told in called.devices.items():
            target = Target(device, at[device], ())
            self.gathered.observations += [
                target.observed(word, 0, word, facts) for word, facts in told.items()
            ]
        for error in called.missed:
            if error.reason == Reason.SCOPE:
                where = str(error.details.get("network", ", ".join(map(str, self.site.networks))))
                why = self.words(error.message, **error.details)
                row = Coverage(NAMES, Vantage.LAN, where, None, (), Outcome.EXCLUDED, why)
                self.gathered.coverage.append(row)
            elif error.message != "calling.stopped":
                self.gathered.refused(NAMES, Vantage.LAN, error)
