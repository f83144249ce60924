"""When is a letter tried again, and when is it given up? Pure.

A letter waits as long again as it has waited already, at least five minutes and at most twenty hours: tries
come after 5, 10, 20, 40 minutes, 1, 3, 5, 11, 21 hours, then with every night. One that the server refuses
for good is tried with the nights only: servers are mended, and say 550 by mistake. RFC 5321 4.5.4.1 asks for
at least four or five days; we give fourteen. Where it stops: nothing is deleted; a given-up letter is told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

LEAST = timedelta(minutes=5)
MOST = timedelta(hours=20)  # less than a day: a machine that is awake at night only tries every night
LAST = timedelta(days=14)
FEWEST = 10  # tries before a letter is given up: a machine that was off for a month has tried only once
LATE = timedelta(days=1)


def next_try(first: datetime, now: datetime, *, refused: bool = False) -> datetime:
    """When the next try is due. `first`: when the first one was."""
    return now + (MOST if refused else min(max(now - first, LEAST), MOST))


def given_up(first: datetime, now: datetime, tries: int) -> bool:
    """Has it been tried long and often enough?"""
    return now - first >= LAST and tries >= FEWEST


def due(planned: datetime | None, now: datetime) -> bool:
    """Is it time? Also where the plan lies further ahead than any of ours: the clock was wrong then."""
    return planned is None or planned <= now or planned > now + MOST


def late(created: datetime, now: datetime) -> bool:
    """Has a letter waited so long that somebody must be told?"""
    return now - created >= LATE
