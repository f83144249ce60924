"""What can be typed where no scheduler is at home? `netwatch loop`: the nights of a container, or of cron."""

from __future__ import annotations

import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netwatch.composition import folder
from netwatch.console import spoken, told
from netwatch.exits import Exit
from netwatch.schedule.whose import program
from netwatch.switches import at_hour, data, lang
from netwatch.words import messages

if TYPE_CHECKING:
    from netwatch.words import Messages


@click.command()
@click.argument("where", type=click.Path(path_type=Path))
@at_hour
@click.option("--once", is_flag=True, help="Do what is due now, and end: for cron.")
@click.option("--check", is_flag=True, help="Only say how the loop is that works there: for a health check.")
@lang
@data
@told
def loop(  # noqa: PLR0913, PLR0917 - click hands over a command's options one by one
    where: Path,
    at: datetime | None,
    once: bool,  # noqa: FBT001
    check: bool,  # noqa: FBT001
    lang: str | None,
    data: Path | None,
) -> None:
    """Do the nights of WHERE, a folder of site files or one of them, until stopped. For containers.

    One scan a night for each site file, one after the other, in the hours of its window; a missed night once.
    """
    from netwatch.doctor import RELEASED  # noqa: PLC0415 - slow to import
    from netwatch.schedule import loop as looping  # noqa: PLC0415

    first = min(where.glob("*.toml"), default=None) if where.is_dir() else where
    words = messages(lang or spoken(str(first) if first else None))
    if check:
        _tell_health(looping.health(folder(data), datetime.now()), words)  # noqa: DTZ005 - this machine's clock
    made = looping.Loop(where, folder(data), program(), words, _tell)
    made.at, made.not_before = at.time() if at else None, RELEASED
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, made.stop)
    if once:
        sys.exit(Exit.ERROR if made.look(once=True) else Exit.CLEAN)
    made.run()


def _tell(line: str, trouble: bool) -> None:  # noqa: FBT001 - what a Loop hands over
    """A night on stdout, a trouble on stderr; at once, whoever reads it."""
    click.echo(line, err=trouble)


def _tell_health(troubles: tuple[str, ...] | None, words: Messages) -> None:
    """How the loop is, and end."""
    if troubles is None:
        click.echo(words("schedule.no-loop"))
    for line in troubles or ():
        click.echo(line)
    if troubles == ():
        click.echo(words("schedule.healthy"))
    sys.exit(Exit.CLEAN if troubles == () else Exit.ERROR)
