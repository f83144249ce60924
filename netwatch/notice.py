"""What is told of the watching itself? That a week was quiet, that no night was complete, that none ran.

Silence may only be trusted where somebody would have broken it. Pure: what is known of the nights goes in,
and what is to be told comes out, each once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netwatch.model import Severity

DAYS = 7
EARLY = timedelta(hours=6)  # a night begins a little sooner than the one a week ago


class NoticeKind(StrEnum):
    """What it is about."""

    WEEK = "week"
    OVERDUE = "overdue"  # no complete night for too long
    FAILED = "failed"  # a scan that could not run at all


@dataclass(frozen=True, slots=True)
class Week:
    """The past seven days. `nights`: days with a complete night; `ran`: days on which a scan ran at all;
    `devices`: known, `seen`: in the last night; `standing`: findings that stand, by severity; `unverified`:
    those of them that nobody could test again; `letters`: alerts and digests sent to anybody; `outside`: when
    it was last looked from the internet; `untold`: new things of which nobody was to be told; `accepted`:
    what is lived with until a day, counted nowhere else here."""

    nights: int
    ran: int
    devices: int
    seen: int
    standing: Mapping[Severity, int] = field(default_factory=dict)
    unverified: int = 0
    letters: int = 0
    outside: datetime | None = None
    untold: int = 0
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to be told. `since`: the last complete night, or None where there was none. `ran`: when a
    scan last ran; `why` it ended early (a word of halt.py), or could not run (the id of a sentence, filled in
    by `details`)."""

    kind: NoticeKind
    site: str
    at: datetime
    week: Week | None = None
    since: datetime | None = None
    ran: datetime | None = None
    why: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of a site's nights. `began`: the first one; `ran`, `complete`: the last one, and the last
    complete one; `stopped`: why the last one ended early. `told`: when each kind of notice was last told, as
    far as it still holds."""

    began: datetime | None = None
    ran: datetime | None = None
    complete: datetime | None = None
    stopped: str | None = None
    told: Mapping[str, datetime] = field(default_factory=dict)


def due(watch: Watch, now: datetime, *, weekly: bool, overdue: timedelta | None) -> Iterator[NoticeKind]:
    """Which notices it is time for. `overdue`: after how long without a complete night; None: never."""
    if watch.began is None:
        return
    # What lies ahead was written by a clock that was wrong: it proves nothing, and keeps nothing back.
    last = watch.told.get(NoticeKind.WEEK, watch.began)
    if weekly and abs(now - last) >= timedelta(days=DAYS) - EARLY:
        yield NoticeKind.WEEK
    late = overdue is not None and abs(now - (watch.complete or watch.began)) > overdue
    if late and NoticeKind.OVERDUE not in watch.told:
        yield NoticeKind.OVERDUE
