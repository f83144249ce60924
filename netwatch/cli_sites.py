"""What can be typed about several sites? `netwatch sites`: where each stands, in a row."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from netwatch.composition import open_store, rules
from netwatch.console import show, spoken, told
from netwatch.glance import glance
from netwatch.switches import as_text_or_json, data, lang

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "netwatch/sites-1"


@click.command()
@as_text_or_json
@lang
@data
@told
def sites(form: str, lang: str | None, data: Path | None) -> None:
    """List every site of this machine: its last complete night, what stands open, what changed."""
    language, now, catalogue = lang or spoken(None), datetime.now(UTC), rules()
    rows = []
    with open_store(data) as store:
        for slug in store.sites():
            known, watch = store.site(slug), store.notices.watch(slug)
            document = store.document(slug, catalogue, language)
            rows.append(glance(slug, known[0] if known else slug, watch, document, now))
    if form == "json":
        told_as = {"schema": SCHEMA, "sites": [asdict(row) for row in rows]}
        click.echo(json.dumps(told_as, indent=2, ensure_ascii=False))
        return
    from reports import sites as tables  # noqa: PLC0415 - slow to import

    show(tables.table_of(rows, language))
