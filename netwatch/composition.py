"""What belongs to what? The composition root: with cli.py, the only file that knows probes and reports.

It opens what a command needs and hands each part the others. Heavy imports wait inside the functions, so
that `netwatch --help` answers at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch.errors import ConfigError, NetwatchError, StoreError
from netwatch.model import LIVENESS, Vantage
from netwatch.notice import NoticeKind
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from netwatch.config import Site
    from netwatch.desk import Desk
    from netwatch.document import Document
    from netwatch.exposures import Logged
    from netwatch.model import Observation, Run
    from netwatch.notice import Notice
    from netwatch.overview import Overview
    from netwatch.plan import Plan
    from netwatch.post import Alert, Content, Reader
    from netwatch.probe import Probe
    from netwatch.store import Store

RULES = Path(__file__).with_name("rules.toml")


def write(path: Path, text: str) -> None:
    """Write a file for the user. Raises NetwatchError."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NetwatchError("cli.cannot-write", path=path, why=error.strerror) from error


def folder(given: Path | None) -> Path:
    """Where the database lives."""
    from platformdirs import user_data_path  # noqa: PLC0415

    return given or user_data_path("netwatch", appauthor=False)


def open_store(given: Path | None) -> Store:
    """The database."""
    from netwatch.store import Store  # noqa: PLC0415 - slow to import

    return Store(folder(given))


def read_site(path: str) -> Site:
    """The site file."""
    from netwatch.config import load  # noqa: PLC0415 - slow to import

    return load(Path(path))


def claim(store: Store, site: Site, path: Path) -> None:
    """This site file's history is its own. Raises StoreError where another file bears the same short name.

    A file that was moved takes its history along: the old one is no longer there, or another site's.
    """
    known = store.file(site.slug)
    if known and Path(known) != path.resolve():
        try:
            rival = read_site(known).slug == site.slug
        except ConfigError:
            rival = False
        if rival:
            raise StoreError("store.two-files", site=site.slug, other=known, path=path)
    store.remember(site.slug, site.name, site.language, str(path.resolve()))


def check_site(path: Path, text: str) -> None:
    """Is this the text of a right site file? Raises ConfigError, before `path` is written."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    with TemporaryDirectory(prefix="netwatch-") as folder:
        draft = Path(folder, path.name)
        write(draft, text)
        try:
            read_site(str(draft))
        except ConfigError as error:
            error.details["path"] = path  # the one the user knows
            raise


def rules() -> Catalogue:
    """The words of every probe's findings, and of the engine's own."""
    import probes  # noqa: PLC0415

    return Catalogue((*probes.words(), RULES))


def configured(site: Site) -> tuple[Probe, ...]:
    """Every probe with the site's options. Raises ConfigError."""
    import probes  # noqa: PLC0415
    from netwatch.options import configure  # noqa: PLC0415

    return configure(probes.load(), site.probes)


def from_internet(seen: Observation) -> bool:
    """Did a port of an IPv4 address of ours answer from outside?"""
    return seen.vantage is Vantage.OUTSIDE and seen.port > 0 and ":" not in seen.address


def composer(site: Site, store: Store, catalogue: Catalogue) -> Callable[[Alert, Run, Reader], Content]:
    """Writes this site's alerts for each kind of reader."""

    def compose(alert: Alert, run: Run, reader: Reader) -> Content:
        from netwatch.liveness import told  # noqa: PLC0415 - slow to import
        from reports import mail  # noqa: PLC0415
        from reports.doors import knocked  # noqa: PLC0415

        devices = {device.id: device for device in (*store.devices(site.slug), *run.devices)}
        public = [*dict.fromkeys((*map(str, site.public_addresses), *run.public))]
        return mail.compose(
            site.name,
            alert,
            devices,
            catalogue,
            reader,
            run.complete,
            run.finished,
            public,
            {seen.device: told(seen) for seen in run.observations if seen.probe == LIVENESS},
            asked_outside=bool(knocked(run.coverage)),
            answered={(seen.port, seen.transport) for seen in run.observations if from_internet(seen)},
        )

    return compose


def notifier(site: Site) -> Callable[[Notice, Reader], Content]:
    """Writes what is told of the watching itself."""

    def write(notice: Notice, reader: Reader) -> Content:
        from netwatch.words import messages  # noqa: PLC0415
        from reports import notices  # noqa: PLC0415 - slow to import

        words = messages(reader.language)
        known = notice.kind is NoticeKind.FAILED and notice.why in words.sentences
        return notices.compose(
            site.name, notice, reader, words(notice.why, **notice.details) if known else ""
        )

    return write


def desk_writer(desk: Desk) -> Callable[[Overview, Reader], Content]:
    """Writes a desk's letter for each kind of reader."""

    def write(seen: Overview, reader: Reader) -> Content:
        from netwatch.problem import sentence  # noqa: PLC0415 - slow to import
        from netwatch.words import messages  # noqa: PLC0415
        from reports import desk as letter  # noqa: PLC0415

        words = messages(reader.language)
        why = {
            one.row.glance.site: sentence(one.row.hindered, words)
            for one in seen.sites
            if one.row.hindered is not None
        }
        return letter.compose(desk.name, seen, reader, why)

    return write


def is_file(site: str) -> bool:
    """Was a site file named, and not a short name?"""
    return os.sep in site or site.endswith(".toml") or Path(site).is_file()


def slug_of(site: str, lang: str | None) -> tuple[str, str]:
    """(short name, language) of a site file, or of a short name."""
    if not is_file(site):
        return site, lang or "en"
    practice = read_site(site)
    return practice.slug, lang or practice.language


def spoken_of(site: str, lang: str | None, data: Path | None) -> tuple[str, str]:
    """(short name, language) as `slug_of`; of a short name, the language that its site file had."""
    slug, language = slug_of(site, lang)
    if lang or is_file(site):
        return slug, language
    with open_store(data) as store:
        known = store.site(slug)
    return slug, known[1] if known else language


def audit_of(site: str, data: Path | None, run: str | None) -> Path:
    """The audit log of a run, or of the last one. Raises StoreError."""
    from netwatch import audit  # noqa: PLC0415

    slug, _ = slug_of(site, None)
    where = folder(data)
    return audit.folder(where, slug) / f"{Path(run).name}.jsonl" if run else audit.newest(where, slug)


def planned_for(
    site: str, data: Path | None, lang: str | None, *, all_ports: bool, audit: bool
) -> tuple[Plan, str]:
    """(what a scan of this site file would do, language). Sends nothing."""
    from datetime import datetime  # noqa: PLC0415

    from netwatch.plan import plan  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    with open_store(data) as store:
        now = datetime.now().astimezone()
        made = plan(practice, store, configured(practice), now, all_ports=all_ports, audit=audit)
    return made, lang or practice.language


def protocol(name: str, language: str) -> str:
    """The word for a protocol, as the reports have it."""
    from reports.phrase import Phrases  # noqa: PLC0415 - slow to import

    return Phrases(language).word("annex.protocols", name)


def kind_of(kind: str, language: str) -> str:
    """The word for a kind of device, as the reports have it."""
    from reports.phrase import Phrases  # noqa: PLC0415 - slow to import

    return Phrases(language).word("phrase.kind", kind)


def draw_plan(plan: Plan, language: str) -> object:
    """The plan as tables."""
    from reports.plan import table  # noqa: PLC0415 - slow to import

    return table(plan, language)


def as_json(plan: Plan) -> str:
    """The plan for a machine."""
    import json  # noqa: PLC0415
    from dataclasses import asdict  # noqa: PLC0415

    return json.dumps({"schema": "netwatch/plan-1"} | asdict(plan), ensure_ascii=False, indent=2)


def last_night(site: str, data: Path | None, lang: str | None) -> tuple[str, Document, str, tuple[str, ...]]:
    """(name, last night, language, public addresses) of a site file or of a short name."""
    slug, spoken = site, ""
    public: tuple[str, ...] = ()
    if is_file(site):
        practice = read_site(site)
        slug, spoken = practice.slug, practice.language
        public = tuple(str(address) for address in practice.public_addresses)
    with open_store(data) as store:
        known = store.site(slug)
        if known is None:
            raise StoreError("store.unknown-site", site=slug, known=", ".join(store.sites()) or "-")
        name, language = known[0], lang or spoken or known[1]
        return name, stored(store, slug, rules(), language), language, public


def stored(store: Store, slug: str, catalogue: Catalogue, language: str) -> Document:
    """The last night of a site. Raises StoreError before the first."""
    document = store.document(slug, catalogue, language)
    if document is None:
        raise StoreError("store.no-run", site=slug)
    return document


def drawn(part: str, name: str, document: Document, catalogue: Catalogue, language: str) -> object:
    """One of the tables of reports/table.py, by its name."""
    from reports import table  # noqa: PLC0415 - slow to import

    return getattr(table, part)(name, document, catalogue, language)


def exposures_of(site: str, data: Path | None, lang: str | None) -> tuple[str, tuple[Logged, ...], str]:
    """(name, the log of exposures, language) of a site file or of a short name. Raises StoreError."""
    slug, language = spoken_of(site, lang, data)
    with open_store(data) as store:
        known = store.site(slug)
        if known is None:
            raise StoreError("store.unknown-site", site=slug, known=", ".join(store.sites()) or "-")
        return known[0], store.exposures(slug), language
