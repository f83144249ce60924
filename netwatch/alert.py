"""Which changes deserve a mail at once? Pure; how it arrives is arrival.py's.

At once: what appeared or worsened, and what was seen for the first time because it was never checked,
from medium up. A finding that was there last night, and an answer that did not come, wake nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.change import ChangeKind
from netwatch.model import Severity
from netwatch.post import Alert

if TYPE_CHECKING:
    from netwatch.diff import Night
    from netwatch.model import Finding, Run
    from netwatch.words import Catalogue

NEWS = {ChangeKind.APPEARED, ChangeKind.WORSENED, ChangeKind.NEWLY_CHECKED}


def alert(run: Run, night: Night, catalogue: Catalogue) -> Alert | None:
    """The alert of this run, or None. It holds all that moved: the worst says why it was sent."""
    urgent = [
        change
        for change in night.changes
        if change.kind in NEWS and severity(change.finding, catalogue).rank >= Severity.MEDIUM.rank
    ]
    return Alert(run.site, run.id, night.changes) if urgent else None


def severity(finding: Finding, catalogue: Catalogue) -> Severity:
    """How bad it is where it is."""
    return catalogue[finding.rule].at(finding.exposure)
