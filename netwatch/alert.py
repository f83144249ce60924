"""Does this night deserve a mail? Pure; what is news is decided in news.py, how it arrives is arrival.py's.

One letter a night at most: what is told at once, and with it what was due for the morning, so that nobody
gets two. A finding that was there last night, an answer that did not come, and a telephone where telephones
are expected wake nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.change import NEWS, ChangeKind, ComingKind
from netwatch.post import Alert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.change import Coming
    from netwatch.model import Run
    from netwatch.news import News

WAKING = frozenset({ComingKind.NEW, ComingKind.GONE})
LEADING = NEWS | {ChangeKind.FLAPPING}


def wakes(comings: Iterable[Coming]) -> bool:
    """Is one of these devices news? One that is back, or expected, is not."""
    return any(one.kind in WAKING and not one.quiet for one in comings)


def alert(run: Run, news: News, comings: Iterable[Coming] = ()) -> Alert | None:
    """The letter of this night, or None. What was found leads it; where nothing was, devices do."""
    told, changes = tuple(comings), (*news.at_once, *news.digest)
    if not changes and not wakes(told):
        return None
    found = any(change.kind in LEADING for change in changes)
    return Alert(run.site, run.id, changes, told, urgent=found or not wakes(told))
