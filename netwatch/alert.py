"""Which changes deserve a mail at once? Pure; how it arrives is arrival.py's.

At once: what appeared or worsened, and what was seen for the first time because it was never checked,
from medium up; a device that is new, or gone. A finding that was there last night, an answer that did not
come, and a telephone where telephones are expected wake nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.change import ChangeKind, ComingKind
from netwatch.model import Severity
from netwatch.post import Alert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.change import Coming
    from netwatch.diff import Night
    from netwatch.model import Finding, Run
    from netwatch.words import Catalogue

ARRIVALS = {ComingKind.NEW, ComingKind.GONE}
NEWS = {ChangeKind.APPEARED, ChangeKind.WORSENED, ChangeKind.NEWLY_CHECKED}


def alert(run: Run, night: Night, catalogue: Catalogue, comings: Iterable[Coming] = ()) -> Alert | None:
    """The alert of this run, or None. It holds all that moved: the worst says why it was sent. Devices that
    came and went share the letter; one that is back, or expected, is a line in it and never its reason."""
    urgent = [
        change
        for change in night.changes
        if change.kind in NEWS and severity(change.finding, catalogue).rank >= Severity.MEDIUM.rank
    ]
    told = tuple(comings)
    wakes = [one for one in told if one.kind in ARRIVALS and not one.quiet]
    return Alert(run.site, run.id, night.changes, told, urgent=bool(urgent)) if urgent or wakes else None


def severity(finding: Finding, catalogue: Catalogue) -> Severity:
    """How bad it is where it is."""
    return catalogue[finding.rule].at(finding.exposure)
