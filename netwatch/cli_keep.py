"""What can be typed for the years? To copy the database, to move a site to another machine, to forget.

`netwatch backup`, `netwatch export`, `netwatch import`, `netwatch prune`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netwatch.composition import folder, open_store, read_site, rules, spoken_of
from netwatch.console import say, told
from netwatch.errors import StoreError
from netwatch.switches import data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from netwatch.document import Document
    from netwatch.store import Store

file_argument = click.argument("file", type=click.Path(path_type=Path))
force = click.option("--force", is_flag=True, help="Replace a file of this name.")


def _existing(given: Path | None) -> Store:
    """The database; none is made where there is none. Raises StoreError."""
    from netwatch.store import FILE  # noqa: PLC0415 - slow to import

    if not (folder(given) / FILE).is_file():
        raise StoreError("store.no-database", path=folder(given) / FILE)
    return open_store(given)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@force
@lang
@data
@told
def backup(file: Path | None, force: bool, lang: str | None, data: Path | None) -> None:
    """Copy the whole database to FILE, also while a scan runs; else to netwatch-DATE.db here.

    The copy is read through before it gets its name. docs/years.md says how to put it back.
    """
    from netwatch.store import backup as copying  # noqa: PLC0415 - slow to import

    words = messages(lang or "en")
    target = file or Path(f"netwatch-{datetime.now().astimezone():%Y-%m-%d}.db")
    with _existing(data) as store:
        copied = copying.backup(store, target, force=force)
    nights, sites = words.count("keep.nights", copied.nights), words.count("keep.sites", copied.sites)
    click.echo(target.resolve())
    say(words("keep.backed-up", size=words.size(copied.size), sites=sites, nights=nights))


@click.command()
@site_argument
@file_argument
@force
@lang
@data
@told
def export(site: str, file: Path, force: bool, lang: str | None, data: Path | None) -> None:
    """Write the history of one site to FILE, for `netwatch import` on another machine.

    The site file itself is not in it, nor a secret, nor the audit logs; take the site file along by hand.
    Letters that wait stay here and leave from here.
    """
    from netwatch.store.export import export as write  # noqa: PLC0415 - slow to import

    slug, language = spoken_of(site, lang, data)
    words = messages(language)
    with _existing(data) as store:
        nights, waiting = write(store, slug, file, force=force)
    click.echo(file.resolve())
    say(
        words(
            "keep.exported", nights=words.count("keep.nights", nights), size=words.size(file.stat().st_size)
        )
    )
    if waiting:
        say(words.count("keep.letters-stay", waiting), "yellow")


@click.command("import")
@file_argument
@lang
@data
@told
def bring(file: Path, lang: str | None, data: Path | None) -> None:
    """Take in the history of a site that `netwatch export` wrote, whole or not at all.

    Refused where something is known of this site here already. Then scan with its site file as before.
    """
    from netwatch.store.importing import bring as take  # noqa: PLC0415 - slow to import

    words = messages(lang or "en")
    with open_store(data) as store:
        came = take(store, file, rules(), _draw)
    nights = words.count("keep.nights", came.nights)
    click.echo(words("keep.imported", site=came.slug, name=came.name, nights=nights))
    if came.first and came.last:
        first, last = (datetime.fromisoformat(moment).date() for moment in (came.first, came.last))
        click.echo(words("keep.from-to", first=first, last=last))
    say(words("keep.one-machine"), "yellow")


def _draw(name: str, document: Document, language: str) -> None:
    """Show a night as every report does, for nobody."""
    from reports import page, table  # noqa: PLC0415 - slow to import

    page.render(name, document, rules(), language, ())
    for part in ("findings", "services", "devices", "changes", "outside", "summary"):
        getattr(table, part)(name, document, rules(), language)


@click.command()
@site_argument
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@lang
@data
@told
def prune(site: str, dry_run: bool, lang: str | None, data: Path | None) -> None:
    """Forget now what is older than [keep] of the site file says, and give the room back to the disk.

    Each night does a part of it by itself. The log of exposures, what was decided, and when each device and
    finding was first and last seen are never forgotten.
    """
    from netwatch import keeping  # noqa: PLC0415 - slow to import
    from netwatch.store.retention import compact  # noqa: PLC0415

    practice = read_site(site)
    words, now = messages(lang or practice.language), datetime.now(UTC)
    with _existing(data) as store:
        if store.site(practice.slug) is None:
            raise StoreError("store.unknown-site", site=practice.slug, known=", ".join(store.sites()) or "-")
        with store.lock(practice.slug):
            gone, logs = (keeping.due if dry_run else keeping.everything)(store, practice, now)
            before, after = (0, 0) if dry_run else compact(store)
    click.echo(words("keep.older", day=keeping.limit(practice, now).date()))
    kinds = {"nights": gone.nights, "letters": gone.letters, "answers": gone.answers, "news": gone.news}
    kinds["logs"] = logs
    for kind, count in kinds.items():
        click.echo(f"  {words.count(f'keep.{kind}', count)}")
    if dry_run:
        click.echo(words("keep.dry-run"))
    else:
        click.echo(words("keep.pruned", before=words.size(before), after=words.size(after)))
