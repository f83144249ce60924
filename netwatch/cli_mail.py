"""What can be typed about mail? `netwatch mail test`, `netwatch mail flush`."""

from __future__ import annotations

import sys
from html import escape
from typing import TYPE_CHECKING

import click

from netwatch.composition import open_store, read_site
from netwatch.console import say, tell_delivery, told
from netwatch.errors import BusyError
from netwatch.exits import Exit
from netwatch.post import Content
from netwatch.switches import data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.post import Reader


@click.group()
def mail() -> None:
    """Try the mail settings, or hand over what waits."""


@mail.command("test")
@site_argument
@lang
@told
def mail_test(site: str, lang: str | None) -> None:
    """Send a test to every recipient and every channel of the site, in the language of each."""
    from netwatch.arrival import unrecorded  # noqa: PLC0415 - slow to import
    from netwatch.problem import sentence  # noqa: PLC0415

    practice = read_site(site)
    words = messages(lang or practice.language)

    def write(reader: Reader) -> Content:
        theirs = messages(reader.language)
        text = theirs("cli.test-text", site=practice.name)
        return Content(theirs("cli.test-subject", site=practice.name), text, f"<p>{escape(text)}</p>", text)

    failed = False
    for recipient, error in unrecorded(practice, write):
        if error is None:
            click.echo(words("cli.test-sent", recipient=recipient))
        else:
            failed = True
            say(sentence(error, words), "red")
    sys.exit(Exit.ERROR if failed else Exit.CLEAN)


@mail.command("flush")
@site_argument
@click.option("--due", is_flag=True, help="Only what is due by now, and quietly: for a timer.")
@lang
@data
@told
def mail_flush(site: str, due: bool, lang: str | None, data: Path | None) -> None:  # noqa: FBT001
    """Hand over now the alerts that have not arrived: all, or those whose next try is due."""
    from netwatch.arrival import deliver  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    try:
        with open_store(data) as store, store.lock(practice.slug):
            delivery = deliver(store, practice, everything=not due)
    except BusyError:
        if due:
            sys.exit(Exit.CLEAN)  # a scan is at work, and delivers when it ends
        raise
    if due and not delivery.tried:
        sys.exit(Exit.CLEAN)
    tell_delivery(delivery, lang or practice.language)
    if due:
        sys.exit(Exit.UNTOLD if delivery.lost else Exit.CLEAN)
    sys.exit(Exit.ERROR if delivery.waiting else Exit.CLEAN)
