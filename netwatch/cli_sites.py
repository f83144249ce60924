"""What can be typed about several sites? `netwatch sites`: where each stands, in a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from netwatch.composition import open_store, rules
from netwatch.console import show, spoken, told
from netwatch.model import Severity, Status
from netwatch.switches import as_text_or_json, data, lang

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.store import Store

SCHEMA = "netwatch/sites-1"
LATE = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Row:
    """A site at a glance. Moments are UTC. `open`: findings that stand and that nobody accepted, by severity;
    `changes`: what moved in the last night; `late`: no complete night for a day and two hours."""

    site: str
    name: str
    last: str | None
    complete: str | None
    late: bool
    open: dict[str, int]
    unverified: int
    accepted: int
    changes: int
    devices: int
    undelivered: int


@click.command()
@as_text_or_json
@lang
@data
@told
def sites(form: str, lang: str | None, data: Path | None) -> None:
    """List every site of this machine: its last complete night, what stands open, what changed."""
    language = lang or spoken(None)
    with open_store(data) as store:
        rows = list(_rows(store, language, datetime.now(UTC)))
    if form == "json":
        told_as = {"schema": SCHEMA, "sites": [asdict(row) for row in rows]}
        click.echo(json.dumps(told_as, indent=2, ensure_ascii=False))
        return
    from reports import sites as tables  # noqa: PLC0415 - slow to import

    show(tables.table_of(rows, language))


def _rows(store: Store, language: str, now: datetime) -> Iterator[Row]:
    catalogue = rules()
    for slug in store.sites():
        known, document = store.site(slug), store.document(slug, catalogue, language)
        watch = store.notices.watch(slug)
        findings, devices = (document.findings, document.devices) if document else ((), ())
        standing = [one for one in findings if one.status is not Status.RESOLVED]
        counted = [one for one in standing if one.accepted is None]
        home = [one for one in devices if one.kind != "internet" and one.part_of is None]
        yield Row(
            site=slug,
            name=known[0] if known else slug,
            last=_utc(watch.ran),
            complete=_utc(watch.complete),
            late=watch.complete is None or now - watch.complete > LATE,
            open={str(s): n for s in Severity if (n := sum(one.severity is s for one in counted))},
            unverified=sum(one.status is Status.UNVERIFIED for one in counted),
            accepted=len(standing) - len(counted),
            changes=len(document.changes) + len(document.comings) if document else 0,
            devices=len(home),
            undelivered=len(document.undelivered) if document else 0,
        )


def _utc(moment: datetime | None) -> str | None:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else None
