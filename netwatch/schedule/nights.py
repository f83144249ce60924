"""Is a night due, of a site that is scanned once a night? Pure but for the small file that remembers it.

A night has the name of the day on which it was to start. Only the last one is ever due: a machine that slept
five nights scans once. Moments are wall-clock times without a zone: once a day is once a day when the clocks
change, too. A clock that was wrong for a while neither costs a night for ever nor makes two of one.

Where it stops: a night that was begun is not begun again, whatever became of it; the next one sees the rest.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from netwatch.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import time
    from pathlib import Path

    from netwatch.window import Window

SOON = timedelta(hours=6)  # a missed night so shortly before the next one is that one
LATE = timedelta(hours=6)  # after which a night that was due and has not begun is a trouble
FOLDER = "nights"
LARGEST = 10_000  # bytes of such a file
# A scan that ended so was a night; BUSY: another scan did it.
GOOD = frozenset({Exit.CLEAN, Exit.FINDINGS, Exit.INCOMPLETE, Exit.BUSY})


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of a site: since when it is in our care, its last night, how that ended, why."""

    since: datetime
    night: date | None = None
    code: int | None = None
    why: str = ""


def last(at: time, now: datetime) -> datetime:
    """When the last night was to start."""
    today = datetime.combine(now, at)
    return today if today <= now else today - timedelta(days=1)


def due(at: time, window: Window | None, kept: Kept, now: datetime) -> date | None:
    """The night that is to be done now, or None."""
    wanted = last(at, now)
    if _begun(kept, wanted, now) or (window is not None and window.closes(now) is None):
        return None
    return None if wanted + timedelta(days=1) - now < SOON else wanted.date()


def late(at: time, kept: Kept, now: datetime) -> bool:
    """Should the last night have begun hours ago, and has not?"""
    wanted = last(at, now)
    return not _begun(kept, wanted, now) and now - wanted > LATE


def _begun(kept: Kept, wanted: datetime, now: datetime) -> bool:
    """Was this night begun, or was it before our time? A night of the future is a clock's mistake."""
    if kept.night is None or kept.night > now.date():
        return wanted <= min(kept.since, now)
    return kept.night >= wanted.date()


def following(at: time, now: datetime) -> datetime:
    """When the next night is to start."""
    return last(at, now) + timedelta(days=1)


def recall(folder: Path, slug: str, now: datetime) -> Kept:
    """What is remembered of a site; where nothing usable is, it is new and looked after from now on."""
    told = read(folder / f"{slug}.json")
    try:
        night, code = told["night"], told["code"]
        return Kept(
            since=min(datetime.fromisoformat(told["since"]).replace(tzinfo=None), now),
            night=None if night is None else date.fromisoformat(night),
            code=None if code is None else int(code),
            why=str(told["why"]),
        )
    except (KeyError, ValueError, TypeError, OverflowError):
        return Kept(now)


def remember(folder: Path, slug: str, kept: Kept) -> None:
    """Keep it. Raises OSError."""
    write(folder / f"{slug}.json", asdict(kept), surely=True)


def read(path: Path) -> Mapping[str, Any]:
    """A small JSON object; empty where there is none that can be read."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def write(path: Path, told: Mapping[str, object], *, surely: bool = False) -> None:
    """Whole or not at all; `surely`, even where the power fails right after. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(told, default=str, ensure_ascii=False))
        if surely:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)
