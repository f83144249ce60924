"""What can be typed between the nights? `netwatch tend`, which a timer runs by day."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from netwatch.composition import notifier, open_store, read_site, rules
from netwatch.console import tell_delivery, told
from netwatch.errors import BusyError
from netwatch.exits import Exit
from netwatch.switches import data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@site_argument
@lang
@data
@told
def tend(site: str, lang: str | None, data: Path | None) -> None:
    """Send what waits; say by mail that no complete night has run for a day, or that a week was quiet.

    Asks no device anything. `schedule install` has it run every hour, so that a missed night is told in the
    morning. Where nobody watches and nothing is due, it says nothing.
    """
    from netwatch.tending import tend as tended  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    language, watched = lang or practice.language, sys.stdout.isatty()
    words = messages(language)
    try:
        with open_store(data) as store, store.lock(practice.slug):
            document = store.document(practice.slug, rules(), practice.language)
            kinds, delivery = tended(store, practice, notifier(practice), document)
    except BusyError:
        if watched:
            raise
        sys.exit(Exit.BUSY)  # a night is at work, and ends with this; a timer need not say so
    for kind in kinds:
        click.echo(words(f"tend.{kind}"))
    if watched and not kinds and not delivery.tried:
        click.echo(words("tend.nothing"))
    if watched or delivery.tried or delivery.lost:
        tell_delivery(delivery, language)
    sys.exit(Exit.UNTOLD if delivery.lost else Exit.CLEAN)
