"""What can be typed about what was sent? `netwatch outbox SITE` shows it; a letter can be dropped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from netwatch.composition import open_store, spoken_of
from netwatch.console import told
from netwatch.errors import NetwatchError, StoreError
from netwatch.post import State
from netwatch.refusal import clean
from netwatch.switches import LIST, Listing, as_text_or_json, data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from pathlib import Path

LATELY = 10  # letters that ended


@click.group(cls=Listing)
def outbox() -> None:
    """Show which alerts have not arrived, why, and when they are tried again; and what arrived lately.

    `netwatch outbox SITE` is `netwatch outbox list SITE`.
    """


@outbox.command(LIST)
@site_argument
@as_text_or_json
@lang
@data
@told
def list_outbox(site: str, form: str, lang: str | None, data: Path | None) -> None:
    """Show which alerts have not arrived, why, and when they are tried again; and what arrived lately."""
    from reports import outbox as listing  # noqa: PLC0415 - slow to import

    slug, language = spoken_of(site, lang, data)
    with open_store(data) as store:
        if store.site(slug) is None:
            raise StoreError("store.unknown-site", site=slug, known=", ".join(store.sites()) or "-")
        left, ended = store.outbox.unarrived(slug), store.outbox.ended(slug, LATELY)
    if form == "json":
        click.echo(listing.to_json(slug, left, ended, language))
    else:
        click.echo(listing.text(left, ended, language, datetime.now(UTC)))


@outbox.command("drop")
@site_argument
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why it shall not be sent any more; it is kept.")
@lang
@data
@told
def drop(site: str, number: int, reason: str, lang: str | None, data: Path | None) -> None:
    """Send an alert no more; NUMBER is the one that `netwatch outbox` shows. It stays on record."""
    slug, language = spoken_of(site, lang, data)
    note = clean(reason)
    with open_store(data) as store, store.lock(slug):
        found = store.outbox.find(slug, number)
        if found is None:
            raise NetwatchError("cli.no-such-letter", number=number)
        if found.state is State.SENT:
            raise NetwatchError("cli.letter-sent", number=number)
        if found.state is State.DROPPED:
            raise NetwatchError("cli.letter-dropped", number=number)
        if not note:
            raise NetwatchError("cli.letter-no-reason")
        store.outbox.drop(found.letter, note)
    click.echo(messages(language)("cli.letter-drop-done", number=number, to=found.letter.recipient or "-"))
