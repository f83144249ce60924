"""How does the command line speak? Tables on stdout, everything else on stderr, in the user's language.

Progress is drawn only where somebody watches; a cron job's mail stays short. NO_COLOR is honoured.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import sys
import tomllib
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netwatch.errors import BusyError, HoursError, NetwatchError
from netwatch.exits import Exit
from netwatch.model import Outcome, Severity, Status
from netwatch.words import LANGUAGES, Messages, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netwatch.arrival import Delivery
    from netwatch.document import Document
    from netwatch.scan import Progress

COLUMNS = 80
NARROWEST = 40  # columns in which our tables still fit
SOME = 12  # addresses in one line
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
CODES = {BusyError: Exit.BUSY, HoursError: Exit.CLOSED}  # errors with an exit code of their own
UNKNOWN = "unknown"  # the class of devices of which nothing is known


def told(command: Callable[..., None]) -> Callable[..., None]:
    """Turn a NetwatchError, and a stdout that takes no more, into a sentence and an exit code: the one place
    where that happens. A reader who hung up is told nothing: click ends quietly there."""

    @functools.wraps(command)
    def inner(**given: Any) -> None:  # noqa: ANN401 - whatever click passes
        for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a letter shows another
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        language = given.get("lang") or spoken(given.get("site"))
        try:
            try:
                command(**given)
            finally:
                sys.stdout.flush()
        except NetwatchError as error:
            from netwatch.problem import sentence  # noqa: PLC0415 - pydantic is slow to import

            click.secho(sentence(error, messages(language)), err=True, fg="red")
            sys.exit(CODES.get(type(error), Exit.ERROR))
        except KeyboardInterrupt:
            click.echo(messages(language)("cli.interrupted"), err=True)
            sys.exit(Exit.ERROR)
        except OSError as error:
            if error.errno not in FULL or error.filename is not None:
                raise
            click.secho(messages(language)("cli.cannot-print"), err=True, fg="red")
            os.dup2(
                os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
            )  # Python's own end does not try again
            sys.exit(Exit.ERROR)

    return inner


def spoken(site: str | None) -> str:
    """The language a site file asks for, even one with errors in it; English otherwise."""
    try:
        language = tomllib.loads(Path(site or "").read_text(encoding="utf-8")).get("language")
    except (OSError, ValueError, RecursionError):
        return "en"
    return language if language in LANGUAGES else "en"


def say(text: str, colour: str | None = None) -> None:
    """A line for a person, on stderr: stdout belongs to the result."""
    click.secho(text, err=True, fg=colour)


def show(renderable: object) -> None:
    """A table on stdout, as wide as COLUMNS says, else as the terminal; 80 columns where there is none."""
    from rich.console import Console  # noqa: PLC0415 - slow to import

    Console(width=_width(), soft_wrap=False, highlight=False).print(renderable)


def _width() -> int | None:
    """How wide a table may be; None: as wide as the terminal."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked[:6]):
        return max(NARROWEST, int(asked[:6]))
    return None if sys.stdout.isatty() else COLUMNS


@contextmanager
def watched(words: Messages, *, quiet: bool) -> Iterator[Progress]:
    """A progress bar on stderr that says what is happening, where a person watches."""
    if quiet or not sys.stderr.isatty():
        yield lambda _stage, _done, _total, _what: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description:<26}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def moved(stage: str, done: int, total: int, what: str) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(words(f"cli.stage-{stage}"), total=total, what=what)
            bar.update(tasks[stage], completed=done, total=total, what=what)

        yield moved


def tell_gaps(document: Document, language: str) -> None:
    """What hindered the scan, and what to do about it."""
    words = messages(language)
    # The sentences are about the search for devices: an nmap that fails to guess leaves it whole.
    for reason in sorted({failure.reason for failure in document.failures if failure.probe != "detect"}):
        if f"cli.gap-{reason}" in words.sentences:
            say(words(f"cli.gap-{reason}"), "yellow")
    spared = {
        row.address for row in document.coverage if row.outcome is Outcome.SPARED and row.detail == UNKNOWN
    }
    if spared:
        some = sorted(spared, key=lambda address: tuple(map(int, address.split("."))))
        more = ", …" if len(some) > SOME else ""
        key = "cli.spared-one" if len(some) == 1 else "cli.spared-many"
        say(words(key, count=len(some), addresses=", ".join(some[:SOME]) + more), "yellow")


def tell_troubles(troubles: Iterable[NetwatchError], language: str) -> None:
    """Who outside could not be asked, and what to do about it; each sentence once."""
    words = messages(language)
    for sentence in dict.fromkeys(words(one.message, **one.details) for one in troubles):
        say(sentence, "yellow")


def logged(log: Path, *, raw: bool) -> Iterator[str]:
    """The lines of an audit log: as they are, or for a person. Raises StoreError."""
    from netwatch import audit  # noqa: PLC0415

    for entry in audit.read(log):
        if raw:
            yield json.dumps(entry)
            continue
        rest = {key: value for key, value in entry.items() if key not in {"at", "question", "to"}}
        told = "  ".join(f"{key}={_shown(value)}" for key, value in rest.items() if value)
        at, question, to = (str(entry.get(key, "")) for key in ("at", "question", "to"))
        yield f"{at[:19]}Z  {question:<9}  {to:<15}  {told}"


def _shown(value: object) -> str:
    """One value of a log line."""
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def tell_delivery(delivery: Delivery, language: str) -> None:
    """Whether the alerts arrived; if not, that they are kept, and which of them somebody must look after."""
    words = messages(language)
    if delivery.sent:
        say(words("cli.mail-sent", count=delivery.sent), "green")
    if delivery.waiting:
        why = words.reason(delivery.error.message, delivery.error.details) if delivery.error else ""
        say(words("cli.mail-waiting", count=delivery.waiting, why=why), "red")
    for one in delivery.lost[:SOME]:
        told = {"to": one.letter.recipient or "-", "since": one.created.astimezone().date()}
        say(words(f"cli.mail-lost-{one.state}", number=one.number, **told), "red")


def verdict(document: Document, fail_on: str | None, *, untold: bool = False) -> Exit:
    """The exit code of a scan. A finding that is unverified counts: silence is not repair. One that a person
    decided to live with does not. `untold`: somebody must be told that an alert has not arrived."""
    standing = [f for f in document.findings if f.status is not Status.RESOLVED and f.accepted is None]
    if fail_on and any(f.severity.rank >= Severity(fail_on).rank for f in standing):
        return Exit.FINDINGS
    if untold:
        return Exit.UNTOLD
    return Exit.CLEAN if document.run.complete else Exit.INCOMPLETE
