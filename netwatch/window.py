"""At which hours may a scan send? `22:00-06:00`, by this machine's clock. Pure.

Moments are wall-clock times without a zone: six o'clock is six o'clock in the night of the clock change, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

WRITTEN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` until `end`, over midnight where the end is the earlier one."""

    start: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Window:
        """`22:00-06:00`. Raises ValueError, also where it never opens."""
        found = WRITTEN.fullmatch(text.strip())
        if found is None:
            raise ValueError(text)
        first, second, third, fourth = map(int, found.groups())
        window = cls(time(first, second), time(third, fourth))
        if window.start == window.end:
            raise ValueError(text)
        return window

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def closes(self, now: datetime) -> datetime | None:
        """When the window closes that `now` lies in; None outside of it."""
        for day in (now - timedelta(days=1), now):
            opens = datetime.combine(day, self.start)
            closes = datetime.combine(day, self.end)
            if closes <= opens:
                closes += timedelta(days=1)
            if opens <= now < closes:
                return closes
        return None

    def opens(self, now: datetime) -> datetime:
        """When it opens next, if it is closed now."""
        opens = datetime.combine(now, self.start)
        return opens if opens > now else opens + timedelta(days=1)
