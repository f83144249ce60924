"""What does a consultant's desk learn of all sites? Each as it stands, and what moved since the last letter.

Pure. What a letter told is remembered as a text; one that cannot be read makes the next letter the first.
Where it stops: a finding that no longer stands was proved gone or accepted; one that nobody could test again
stands.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from netwatch.model import Severity, Status
from netwatch.notice import DAYS, EARLY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from netwatch.document import Document
    from netwatch.errors import NetwatchError
    from netwatch.glance import Glance


@dataclass(frozen=True, slots=True)
class Row:
    """One site. `found`: what stands open there and nobody accepted, id -> severity; `hindered`: why it could
    not be scanned just now."""

    glance: Glance
    found: Mapping[str, str] = field(default_factory=dict)
    hindered: NetwatchError | None = None

    @property
    def unwatched(self) -> bool:
        """Does nobody know how it stands?"""
        return self.glance.late or self.hindered is not None


@dataclass(frozen=True, slots=True)
class Moved:
    """A site, and what moved there. `known`: an earlier letter told of it; `new`: findings that it did not
    tell, by severity; `closed`: how many it told that no longer stand; `again`: it is watched again."""

    row: Row
    known: bool
    new: Mapping[str, int]
    closed: int
    again: bool
    other: bool  # something else that the last letter told otherwise

    @property
    def quiet(self) -> bool:
        """Is it watched, with nothing open, and nothing to be said?"""
        told = self.row.unwatched or self.row.found or self.row.glance.undelivered
        return not (told or self.new or self.closed or self.again)

    @property
    def news(self) -> bool:
        """Is there anything that the last letter did not tell?"""
        return bool(not self.known or self.new or self.closed or self.again or self.other)


@dataclass(frozen=True, slots=True)
class Overview:
    """All sites, the worst first. `since`: when the last letter was written, None before the first."""

    at: datetime
    since: datetime | None
    sites: tuple[Moved, ...]
    left: bool = False  # a site that the last letter told of is no longer there

    @property
    def due(self) -> bool:
        """Is a letter worth writing: for what moved, or as a sign of life once a week?"""
        if self.since is None or self.left or any(one.news for one in self.sites):
            return bool(self.sites)
        return self.at - self.since >= timedelta(days=DAYS) - EARLY

    def count(self, severity: Severity) -> int:
        """Findings of this severity that stand open anywhere."""
        return sum(one.row.glance.open.get(str(severity), 0) for one in self.sites)


def standing(document: Document | None) -> dict[str, str]:
    """What stands open in a site's last night and nobody accepted, id -> severity."""
    return {
        one.id: str(one.severity)
        for one in (document.findings if document else ())
        if one.status is not Status.RESOLVED and one.accepted is None
    }


def overview(rows: Iterable[Row], told: str | None, since: datetime | None, at: datetime) -> Overview:
    """All sites against what the last letter told."""
    before, rows = _recalled(told), list(rows)
    if before is None:
        since, before = None, {}
    sites = sorted((_moved(row, before.get(row.glance.site)) for row in rows), key=_worst)
    return Overview(at, since, tuple(sites), bool(before.keys() - {row.glance.site for row in rows}))


def remembered(rows: Iterable[Row]) -> str:
    """What the letter of these rows tells, for the next one."""
    told = {
        row.glance.site: {
            "open": dict(row.found),
            "unwatched": row.unwatched,
            "undelivered": row.glance.undelivered,
        }
        for row in rows
    }
    return json.dumps(told, sort_keys=True)


def _recalled(told: str | None) -> dict[str, dict[str, Any]] | None:
    try:
        known = json.loads(told or "")
    except (ValueError, RecursionError):
        return None
    right = isinstance(known, dict) and all(
        isinstance(one, dict) and isinstance(one.get("open"), dict) for one in known.values()
    )
    return known if right else None


def _moved(row: Row, before: Mapping[str, Any] | None) -> Moved:
    if before is None:
        return Moved(row, known=False, new={}, closed=0, again=False, other=True)
    opened = before["open"]
    new = Counter(level for one, level in row.found.items() if one not in opened)
    worse = any(opened.get(one, level) != level for one, level in row.found.items())
    unwatched = bool(before.get("unwatched"))
    return Moved(
        row,
        known=True,
        new=dict(new),
        closed=len(opened.keys() - row.found.keys()),
        again=unwatched and not row.unwatched,
        other=worse
        or (row.unwatched and not unwatched)
        or row.glance.undelivered != before.get("undelivered"),
    )


def _worst(one: Moved) -> tuple[bool, list[int], str]:
    levels = sorted(Severity, key=lambda level: -level.rank)
    return not one.row.unwatched, [-one.row.glance.open.get(str(s), 0) for s in levels], one.row.glance.name
