"""What can be typed about a finding that a person lives with? To accept it, and to take that back."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from netwatch.composition import is_file, open_store, rules, spoken_of, stored
from netwatch.console import say, show, told
from netwatch.errors import StoreError
from netwatch.switches import as_text_or_json, data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.store import Store

finding_argument = click.argument("finding")


@click.command()
@site_argument
@finding_argument
@click.option("--reason", required=True, help="Why it is lived with; no word about a patient.")
@click.option("--by", required=True, help='Who decides, such as "Dr Martin".')
@click.option(
    "--until",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day on which that holds, as 2027-06-30; two years at most.",
)
@lang
@data
@told
def accept(
    site: str, finding: str, reason: str, by: str, until: datetime, lang: str | None, data: Path | None
) -> None:
    """Live with a finding until a day, for a reason. It stays in every report, and is not counted.

    FINDING is its id, as `netwatch findings` shows it, or how that begins. The decision is about this rule at
    this port of this device, no more exposed than today: anything else counts and is mailed as ever.
    """
    from netwatch.deciding import chosen, cut, decided  # noqa: PLC0415 - slow to import
    from reports.terminal import where  # noqa: PLC0415

    with _opened(site, lang, data) as (store, slug, language):
        words = messages(language)
        with store.lock(slug):
            found = chosen(stored(store, slug, rules(), language), finding)
            made = decided(found, reason, by, _now(), until.date())
            store.decide(slug, made)
    click.echo(
        words(
            "decisions.accepted",
            id=found.id,
            title=found.title,
            where=where(found.address, found.port),
            until=made.until,
            by=made.by,
        )
    )
    if cut(made, reason):
        say(words("decisions.cut", reason=made.reason), "yellow")


@click.command()
@site_argument
@finding_argument
@click.option("--by", default="", help="Who decides.")
@lang
@data
@told
def reopen(site: str, finding: str, by: str, lang: str | None, data: Path | None) -> None:
    """Take back the decision to live with a finding: it counts again. What was decided stays on record.

    FINDING is its id, as `netwatch decisions` shows it, or how that begins.
    """
    from netwatch.deciding import standing  # noqa: PLC0415 - slow to import
    from netwatch.decisions import BY  # noqa: PLC0415
    from netwatch.plain import plain  # noqa: PLC0415

    with _opened(site, lang, data) as (store, slug, language), store.lock(slug):
        one = standing(slug, finding, store.decisions(slug))
        store.reopen(slug, one, plain(by, BY) or "", _now())
    title = rules()[one.rule].words[language].title
    click.echo(messages(language)("decisions.reopened", id=finding, title=title))


@click.command()
@site_argument
@as_text_or_json
@lang
@data
@told
def decisions(site: str, form: str, lang: str | None, data: Path | None) -> None:
    """List what was ever accepted: by whom, why, until when, and what became of it."""
    import json  # noqa: PLC0415

    from netwatch.deciding import LISTING, listed  # noqa: PLC0415 - slow to import

    with _opened(site, lang, data) as (store, slug, language):
        document = stored(store, slug, rules(), language)
        rows = listed(document, store.decisions(slug), datetime.now().astimezone().date())
    if form == "json":
        whole = {"schema": LISTING, "site": slug, "decisions": [asdict(one) for one in rows]}
        click.echo(json.dumps(whole, ensure_ascii=False, indent=2))
        return
    from reports import decisions as tables  # noqa: PLC0415 - slow to import

    show(tables.decisions(rows, document, rules(), language))


@contextmanager
def _opened(site: str, lang: str | None, data: Path | None) -> Iterator[tuple[Store, str, str]]:
    """(store, short name, language) of a site that was scanned here. Raises StoreError."""
    slug, language = spoken_of(site, lang, data)
    with open_store(data) as store:
        known = store.site(slug)
        if known is None:
            raise StoreError("store.unknown-site", site=slug, known=", ".join(store.sites()) or "-")
        yield store, slug, language if lang or is_file(site) else known[1]


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
