"""How does the history of one site go to another machine? As lines of JSON, one for each row.

The first line says what the file is (`netwatch-site/1`), which migrations its database had seen, and of which
site; then come `["table", {"column": value}]`, in an order in which each row comes after those it refers to;
the last line has how many there are of each, and the SHA-256 of all lines before it. Left out: letters that
are not known to have arrived (they leave from here, and from nowhere else), where the site file lies on this
machine, the site file itself, secrets (the database has none), the audit logs, and what is remembered of a
box's password. Where it stops: one table after the other, in one reading transaction.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import netwatch
from netwatch.errors import StoreError
from netwatch.store.database import steps
from netwatch.store.whole import whole
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database

    from netwatch.store import Store

FORMAT = "netwatch-site/1"
OF_SITE = "site = :site"
OF_RUN = "run in (select id from runs where site = :site)"
# Which rows of each table are a site's; what another refers to comes before it. A test compares this with the
# tables that there are.
PARTS = {
    "sites": "id = :site",
    "texts": "id in (select coverage from runs where site = :site)",
    "runs": OF_SITE,
    "failures": OF_RUN,
    "changes": OF_RUN,
    "looked": OF_SITE,
    "devices": OF_SITE,
    "services": OF_SITE,
    "findings": OF_SITE,
    "asked": OF_SITE,
    "rounds": OF_SITE,
    "outbox": "site = :site and state = 'sent'",
    "addresses": OF_SITE,
    "asked_outside": OF_SITE,
    "declarations": OF_SITE,
    "exposures": OF_SITE,
    "exposure_steps": "exposure in (select id from exposures where site = :site)",
    "sayings": OF_SITE,
    "standings": OF_SITE,
    "searched": OF_SITE,
    "comings": OF_RUN,
    "news": OF_SITE,
    "notices": OF_SITE,
    "decisions": OF_SITE,
    "earlier": OF_SITE,
}
STAYS_HERE = {("sites", "file"): None}  # columns that say nothing elsewhere


def export(store: Store, slug: str, target: Path, *, force: bool = False) -> tuple[int, int]:
    """Write the site's history to this file; (nights in it, letters that stay). Raises StoreError."""
    if store.site(slug) is None:
        raise StoreError("store.unknown-site", site=slug, known=", ".join(store.sites()) or "-")
    digest, counts = hashlib.sha256(), Counter[str]()
    try:
        with whole(target, force=force) as draft, store._db.atomic(), draft.open("wb") as file:
            number = site_number(store._db, slug)
            head = {"format": FORMAT, "netwatch": netwatch.__version__, "site": slug, "made": _now()}
            for line in _lines(store._db, number, head | {"schema": steps()}, counts):
                digest.update(line)
                file.write(line)
            file.write(_line({"rows": counts, "sha256": digest.hexdigest()}))
    except sqlite3.Error as error:
        raise StoreError("store.cannot-open", path=store.path, why=error) from error
    return counts["runs"], len(store.outbox.unarrived(slug))


def _lines(db: Database, number: int, head: dict[str, object], counts: Counter[str]) -> Iterator[bytes]:
    yield _line(head)
    for table, where in PARTS.items():
        for row in db.query(f"select * from {table} where {where} order by rowid", {"site": number}):  # noqa: S608
            counts[table] += 1
            yield _line([table, {name: STAYS_HERE.get((table, name), value) for name, value in row.items()}])


def _line(what: object) -> bytes:
    return json.dumps(what, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _now() -> str:
    return stamp(datetime.now(UTC))
