"""What can be typed about the data on versions and holes? `netwatch feeds update`, `netwatch feeds show`.

Nothing of a practice is sent: the same is asked on every machine. A scan never needs it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from netwatch.composition import folder
from netwatch.console import say, spoken, told
from netwatch.exits import Exit
from netwatch.others import utc
from netwatch.switches import data, lang
from netwatch.words import messages

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.feeds import Fetched
    from netwatch.words import Messages

KILO = 1000
STYLES = {"fresh": "green", "unchanged": None, "failed": "red"}


@click.group()
def feeds() -> None:
    """Renew what is known of versions and of holes; a scan works without."""


@feeds.command("update")
@lang
@data
@told
def feeds_update(lang: str | None, data: Path | None) -> None:
    """Fetch the dates of endoflife.date, CISA's list of exploited holes and their chances (EPSS)."""
    from netwatch.aging import known  # noqa: PLC0415 - slow to import
    from netwatch.feeds import update  # noqa: PLC0415
    from netwatch.lifecycle import Table  # noqa: PLC0415
    from netwatch.nightly import FEEDS  # noqa: PLC0415

    words, table, size = messages(lang or spoken(None)), Table.load(), 0

    def progress(feed: str, count: int) -> None:
        nonlocal size
        if sys.stderr.isatty() and count // (100 * KILO) != size:
            size = count // (100 * KILO)
            say(words("feeds.progress", who=words(f"feeds.who.{feed}"), size=count // KILO))

    fetched = update(
        folder(data) / FEEDS, table.feeds, known=lambda one: known(one, table), progress=progress
    )
    for one in fetched:
        _tell(words, one)
    sys.exit(Exit.INCOMPLETE if any(one.why for one in fetched) else Exit.CLEAN)


@feeds.command("show")
@lang
@data
@told
def feeds_show(lang: str | None, data: Path | None) -> None:
    """Show what is kept, from when, and whether it is too old to be leaned on."""
    from netwatch.feeds import FEEDS, load  # noqa: PLC0415 - slow to import
    from netwatch.nightly import FEEDS as KEPT  # noqa: PLC0415

    words, now = messages(lang or spoken(None)), utc()
    kept = load(folder(data) / KEPT, now)
    for feed in FEEDS:
        who = words(f"feeds.who.{feed}")
        if feed not in kept.dated:
            say(words("feeds.never", who=who), "yellow")
            continue
        stale = kept.stale(feed, now)
        line = words(
            "feeds.kept", who=who, when=f"{kept.dated[feed]:%Y-%m-%d}", entries=len(_part(kept, feed))
        )
        click.echo(click.style(line, fg="yellow" if stale else None))
        if stale:
            say(words("feeds.stale", who=who), "yellow")


def _part(kept: object, feed: str) -> tuple[object, ...]:
    """What is kept of one feed."""
    return tuple(getattr(kept, {"endoflife": "cycles"}.get(feed, feed)))


def _tell(words: Messages, one: Fetched) -> None:
    """What became of one feed, in a line."""
    who = words(f"feeds.who.{one.name}")
    if one.why is None:
        line = words(f"feeds.{one.state}", who=who, entries=one.entries)
        click.echo(click.style(line, fg=STYLES[one.state]))
        return
    say(words("feeds.failed", who=who, why=words(one.why, **one.details)), "red")
    kept = "feeds.still" if one.at else "feeds.never"
    say(words(kept, who=who, when=f"{one.at:%Y-%m-%d}" if one.at else "", entries=one.entries))
