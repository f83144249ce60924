"""When is a site scanned and its post looked after, as which user, with what? What schedulers are told. Pure.

Four can be told: systemd's timers, cron, the Task Scheduler of Windows, and a loop of our own for containers.
`installing.py` is the only one that writes, and `loop.py` the only one that waits.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from netwatch.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import PurePath

    from netwatch.window import Window

SYSTEMD, CRON, WINDOWS, LOOP = KINDS = ("systemd", "cron", "windows", "loop")
USUAL = time(22, 30)  # the practice is closed, and the machine mostly still on
SPREAD = 30  # minutes: not every practice asks the same mail server in the same minute
HOUR = 60  # minutes
ANY_DAY = date(2000, 1, 3)
UNFIT = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, no character at all, ends of lines and paragraphs


@dataclass(frozen=True, slots=True)
class Job:
    """One site's night. Paths are absolute. `spread`: minutes of chance after `at`; `user`: who scans;
    `credentials`: the names under which the site file expects secrets from systemd."""

    slug: str
    name: str
    program: PurePath
    site: PurePath
    data: PurePath
    at: time
    spread: int
    user: str
    credentials: tuple[str, ...] = ()

    @property
    def tended(self) -> int:
        """The minute of each hour at which its post is looked after: half way between the last moment at
        which a night begins and the next at which one may."""
        return (self.at.minute + (HOUR + self.spread) // 2) % HOUR

    def command(self, *words: str) -> tuple[str, ...]:
        """The words of a command about this site."""
        return (str(self.program), *words, str(self.site), "--data", str(self.data))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an installation is: files to write, then commands to run."""

    files: tuple[tuple[PurePath, str], ...]
    commands: tuple[tuple[str, ...], ...]


def hour(window: Window | None, at: time | None) -> tuple[time, int]:
    """(when to start, minutes of chance after it). Left open, the window's beginning, else half past ten.

    Raises ConfigError for an hour at which the site file lets nothing be sent.
    """
    if window is None:
        return at or USUAL, SPREAD
    start = datetime.combine(ANY_DAY, at or window.start)
    closes = window.closes(start)
    if closes is None:
        raise ConfigError("schedule.outside-window", at=f"{start:%H:%M}", window=window)
    left = int((closes - start) / timedelta(minutes=1))
    return start.time(), min(SPREAD, left // 4)


def fitting(path: PurePath) -> PurePath:
    """This path, which a line of a scheduler can hold. Raises ConfigError for line ends and the like."""
    if not in_a_line(str(path)):
        raise ConfigError("schedule.unfit-path", path=ascii(str(path)))
    return path


def in_a_line(text: str) -> bool:
    """Has it no line end, no control character, and nothing that is not Unicode?"""
    return not any(unicodedata.category(letter) in UNFIT for letter in text)


def one_line(text: str) -> str:
    """The same text in a line: what does not fit into one is a space."""
    return " ".join("".join(letter if in_a_line(letter) else " " for letter in text).split())
