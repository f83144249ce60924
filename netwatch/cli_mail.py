"""What can be typed about mail? `netwatch mail test`, `netwatch mail flush`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from netwatch.composition import open_store, read_site
from netwatch.console import say, tell_delivery, told
from netwatch.exits import Exit
from netwatch.switches import data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def mail() -> None:
    """Try the mail settings, or hand over what waits."""


@mail.command("test")
@site_argument
@lang
@told
def mail_test(site: str, lang: str | None) -> None:
    """Send a test mail to every recipient of the site."""
    from netwatch.alert import try_out  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    words = messages(lang or practice.language)
    failed = False
    for recipient, error in try_out(
        practice, words("cli.test-subject", site=practice.name), words("cli.test-text", site=practice.name)
    ):
        if error is None:
            click.echo(words("cli.test-sent", recipient=recipient))
        else:
            failed = True
            say(words(error.message, **error.details), "red")
    sys.exit(Exit.ERROR if failed else Exit.CLEAN)


@mail.command("flush")
@site_argument
@lang
@data
@told
def mail_flush(site: str, lang: str | None, data: Path | None) -> None:
    """Hand over now the alerts that a mail server did not take earlier."""
    from netwatch.alert import deliver  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    with open_store(data) as store, store.lock(practice.slug):
        delivery = deliver(store, practice)
    tell_delivery(delivery, lang or practice.language)
    sys.exit(Exit.ERROR if delivery.waiting else Exit.CLEAN)
