"""What does the line in a crontab say? crontab(5). Pure.

cron forgets what it missed while the machine was off. So the line looks in every hour, and
`netwatch loop --once` knows whether a night is due: once, in its hours, a missed one once. Where none is, it
looks after the post.
"""

from __future__ import annotations

import re
import shlex
from datetime import time
from itertools import pairwise
from typing import TYPE_CHECKING

from netwatch.errors import ConfigError

if TYPE_CHECKING:
    from netwatch.schedule import Job

LONGEST = 990  # characters of a line: Vixie cron reads 1000
BEGINS = "# netwatch {slug}: written by `netwatch schedule install`, taken away by `netwatch schedule remove`"
ENDS = "# netwatch {slug}: end"


def block(job: Job) -> str:
    """The lines of one site. Raises ConfigError where they would be longer than cron reads."""
    words = (*job.command("loop"), "--once", "--at", f"{job.at:%H:%M}")
    line = f"{job.at.minute} * * * * {escaped(words)} >/dev/null"
    if len(line.encode()) > LONGEST:
        raise ConfigError("schedule.long-line", longest=LONGEST)
    return "\n".join([BEGINS.format(slug=job.slug), line, ENDS.format(slug=job.slug), ""])


def escaped(words: tuple[str, ...]) -> str:
    r"""The words as the shell reads them, through cron, which cuts at each `%` but `\%`.

    The two quotes before it keep a backslash of the word's own from being taken for that one.
    """
    return shlex.join(words).replace("%", "''\\%")


def without(table: str, slug: str) -> str:
    """A crontab less the lines of this site. A block without its end is one line."""
    kept: list[str] = []
    lines = table.splitlines(keepends=True)
    while lines:
        line = lines.pop(0)
        if line.strip() != BEGINS.format(slug=slug):
            kept.append(line)
            continue
        ends = [number for number, later in enumerate(lines[:2]) if later.strip() == ENDS.format(slug=slug)]
        del lines[: ends[0] + 1 if ends else 1]
    return "".join(kept)


def holds(table: str, slug: str) -> bool:
    """Is this site in the crontab?"""
    return without(table, slug) != table


def at(table: str, slug: str) -> time | None:
    """At which hour its night is to start, as its line in the crontab says; None without one."""
    lines = table.splitlines()
    begins = BEGINS.format(slug=slug)
    here = [later for line, later in pairwise(lines) if line.strip() == begins]
    found = re.search(r" --at (\d\d):(\d\d) >/dev/null$", here[0].strip()) if here else None
    try:
        return time(int(found[1]), int(found[2])) if found else None
    except ValueError:
        return None


def added(table: str, job: Job) -> str:
    """The crontab with this site's lines, once, at its end; everything else stays as it was."""
    rest = without(table, job.slug)
    return f"{rest}{'' if not rest or rest.endswith(chr(10)) else chr(10)}{block(job)}"
