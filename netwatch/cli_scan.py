"""What can be typed to do a night? `netwatch scan SITE`, or `netwatch scan --all` for every site known here.

One site that fails stops no other; the exit code is that of the worst.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netwatch.cli_hindered import cannot, pinged, tell, unopened
from netwatch.cli_sites import tell_desk
from netwatch.composition import (
    claim,
    composer,
    configured,
    drawn,
    notifier,
    open_store,
    read_site,
    rules,
    stored,
)
from netwatch.console import (
    say,
    show,
    spoken,
    tell_delivery,
    tell_gaps,
    tell_troubles,
    told,
    verdict,
    watched,
)
from netwatch.errors import BusyError, HoursError, NetwatchError, ScopeError, StoreError
from netwatch.exits import Exit
from netwatch.halt import STOPPED
from netwatch.model import Severity
from netwatch.switches import all_ports, as_text_or_json, audit, data, lang
from netwatch.words import messages

if TYPE_CHECKING:
    from netwatch.config import Site
    from netwatch.desk import Desk
    from netwatch.document import Document
    from netwatch.nightly import Ended
    from netwatch.store import Store

# The worst first.
WORST = (Exit.ERROR, Exit.FINDINGS, Exit.UNTOLD, Exit.INCOMPLETE, Exit.CLEAN)


@click.command()
@click.argument("site", required=False)
@click.option("--all", "every", is_flag=True, help="Every site that was scanned here before, one by one.")
@click.option(
    "--desk",
    type=click.Path(path_type=Path),
    help="With --all: then one letter over all sites, where anything moved, to whom this desk file names.",
)
@as_text_or_json
@click.option("--no-alert", is_flag=True, help="Mail nobody, neither now nor later, about this run.")
@all_ports
@audit
@click.option(
    "--from",
    "vantage",
    type=click.Choice(["inside", "outside"]),
    default="inside",
    help="Where this machine stands: outside, for a laptop on a telephone's connection.",
)
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    help="Exit with 3 from this severity up.",
)
@lang
@data
@told
def scan(
    site: str | None,
    every: bool,
    desk: Path | None,
    form: str,
    no_alert: bool,
    all_ports: bool,
    audit: bool,
    vantage: str,
    fail_on: str | None,
    lang: str | None,
    data: Path | None,
) -> None:
    """Do one night: sweep, ask, judge, store, compare, alert."""
    if every is (site is not None):
        raise click.UsageError(messages(lang or spoken(None))("cli.site-or-all"))
    if desk is not None and not every:
        raise click.UsageError(messages(lang or spoken(None))("desk.needs-all"))
    named = _desk(desk)
    signal.signal(signal.SIGTERM, _stop)
    how = {"all_ports": all_ports, "audit": audit, "outside": vantage == "outside"}
    with _opened(site, data, lang, alert=not no_alert) as store:
        if site is not None:
            document, code = _night(store, site, form, lang, fail_on, alert=not no_alert, how=how)
            _print(form, [document])
            sys.exit(code)
        documents, codes, hindered = [], [Exit.CLEAN], dict[str, NetwatchError]()
        for slug in store.sites():
            say(messages(lang or "en")("cli.site-begins", site=slug))
            try:
                path = _file(store, slug)
                document, code = _night(store, path, form, lang, fail_on, alert=not no_alert, how=how)
                documents.append(document)
            except NetwatchError as error:
                code, hindered[slug] = Exit.ERROR, error
                tell(error, lang or "en", slug)
            codes.append(code)
            if documents and documents[-1].run.stopped == STOPPED:
                break  # Ctrl-C and SIGTERM mean all of it
        if named is not None and desk is not None and not no_alert:
            codes.append(_told_desk(store, named, desk, hindered, lang))
        _print(form, documents, several=True)
    sys.exit(min(codes, key=WORST.index))


def _opened(site: str | None, data: Path | None, lang: str | None, *, alert: bool) -> Store:
    """The database. Where it cannot be used, those whom the site file names are told."""
    try:
        return open_store(data)
    except StoreError as error:
        if site is not None and alert:
            unopened(site, error, lang)
        raise


def _desk(path: Path | None) -> Desk | None:
    """The desk file, read before the first scan so that a mistake in it costs no night's letter."""
    from netwatch.desk import load  # noqa: PLC0415 - slow to import

    return None if path is None else load(path)


def _told_desk(
    store: Store, desk: Desk, path: Path, hindered: dict[str, NetwatchError], lang: str | None
) -> Exit:
    """The letter over all sites, and how that ended."""
    try:
        return Exit.UNTOLD if tell_desk(store, desk, path, hindered, lang) else Exit.CLEAN
    except NetwatchError as error:
        tell(error, lang or desk.language)
        return Exit.ERROR


def _file(store: Store, slug: str) -> str:
    """The site file of a site. Raises NetwatchError."""
    file = store.file(slug)
    if file is None:
        raise NetwatchError("cli.no-site-file", site=slug)
    return file


def _night(
    store: Store,
    path: str,
    form: str,
    lang: str | None,
    fail_on: str | None,
    *,
    alert: bool,
    how: dict[str, bool],
) -> tuple[Document, Exit]:
    """One site: its night, what is told of it here, and how it ended."""
    from netwatch.nightly import night  # noqa: PLC0415 - slow to import

    practice = read_site(path)
    language, catalogue = lang or practice.language, rules()
    compose = composer(practice, store, catalogue) if alert else None
    try:
        claim(store, practice, Path(path))
        with watched(messages(language), quiet=form == "json") as progress:
            ended = night(practice, store, configured(practice), catalogue, progress, compose, **how)
    except ScopeError as error:
        # Outside the hours a timer may start it by mistake: what is missing then is told as such.
        if alert and not how["audit"] and not isinstance(error, HoursError):
            cannot(store, practice, error, language)
        raise
    except StoreError as error:
        if alert and not isinstance(error, BusyError):
            cannot(store, practice, error, language)
        raise
    document = stored(store, practice.slug, catalogue, language)
    if form != "json":
        show(drawn("summary", practice.name, document, catalogue, language))
    tell_gaps(document, language)
    tell_troubles(ended.troubles, language)
    lost = _told(store, practice, ended, document, language) if alert else False
    return document, verdict(document, fail_on, untold=lost)


def _told(store: Store, practice: Site, ended: Ended, document: Document, language: str) -> bool:
    """What is told of the watching, after a night. Has anything not arrived that somebody must see to?"""
    from netwatch.tending import tend  # noqa: PLC0415 - slow to import

    tell_delivery(ended.delivery, language)
    try:
        with store.lock(practice.slug):
            kinds, delivery = tend(store, practice, notifier(practice), document)
        if kinds:
            tell_delivery(delivery, language)
    except StoreError as error:  # another netwatch is at it
        tell(error, language)
        delivery = ended.delivery
    if store.notices.counts(practice.slug):
        pinged(practice, language, complete=document.run.complete)
    return bool(delivery.lost)


def _print(form: str, documents: list[Document], *, several: bool = False) -> None:
    if form != "json":
        return
    told_as = [document.to_json() for document in documents]
    click.echo("[" + ",\n".join(told_as) + "]" if several else told_as[0])


def _stop(_signal: int, _frame: object) -> None:
    """SIGTERM ends a scan as Ctrl-C does: what was seen is kept."""
    raise KeyboardInterrupt
