"""What can be typed about several sites? `netwatch sites`: where each stands, in a row, or in one letter."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netwatch.composition import desk_writer, open_store, rules
from netwatch.console import say, show, spoken, tell_delivery, told
from netwatch.exits import Exit
from netwatch.switches import as_text_or_json, data, lang
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.desk import Desk
    from netwatch.errors import NetwatchError
    from netwatch.store import Store

SCHEMA = "netwatch/sites-1"


@click.command()
@as_text_or_json
@click.option(
    "--mail",
    "desk",
    type=click.Path(path_type=Path),
    help="Also write one letter over all sites, where anything moved, to whom this desk file names.",
)
@lang
@data
@told
def sites(form: str, desk: Path | None, lang: str | None, data: Path | None) -> None:
    """List every site of this machine: its last complete night, what stands open, what changed."""
    from netwatch.desk import load  # noqa: PLC0415 - slow to import
    from netwatch.desk_letter import rows  # noqa: PLC0415

    language, now = lang or spoken(None), datetime.now(UTC)
    named = load(desk) if desk is not None else None
    with open_store(data) as store:
        known = [row.glance for row in rows(store, rules(), language, now)]
        if form == "json":
            told_as = {"schema": SCHEMA, "sites": [asdict(row) for row in known]}
            click.echo(json.dumps(told_as, indent=2, ensure_ascii=False))
        else:
            from reports import sites as tables  # noqa: PLC0415 - slow to import

            show(tables.table_of(known, language))
        if named is not None and desk is not None and tell_desk(store, named, desk, {}, lang):
            sys.exit(Exit.UNTOLD)


def tell_desk(
    store: Store, desk: Desk, path: Path, hindered: Mapping[str, NetwatchError], lang: str | None
) -> bool:
    """Write the letter over all sites, and send what waits. Is one lost, so that somebody must see to it?"""
    from netwatch.desk_letter import rows, tell  # noqa: PLC0415 - slow to import

    language = lang or desk.language
    seen = list(rows(store, rules(), desk.language, datetime.now(UTC), hindered))
    written, delivery = tell(store, desk, path, seen, desk_writer(desk))
    if written or sys.stderr.isatty():  # a timer need not say that nothing moved
        say(messages(language)("desk.written" if written else "desk.unchanged"))
    tell_delivery(delivery, language)
    return bool(delivery.lost)
