"""What may be forgotten, and what never? The detail of old nights goes, a bounded part of it at a time.

Goes: the row of an old run with its failures, its changes and a text that no other run needs; a letter that
was sent long ago, whether a night caused it or not; what a port answered before its answer changed; a change
that proved to be no news. Stays for ever: the log of exposures; when each device and finding was first and
last seen; what was said, decided and told; every letter that is not known to have arrived. Of the letter that
told of an exposure stays whom it was written to, when and under which subject; its text, which names devices
and addresses, goes. The last run stays, and the last complete one.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from netwatch.errors import StoreError
from netwatch.store.writing import site_number, stamp, text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlite_utils import Database

    from netwatch.store import Store

NIGHTLY = 200  # rows of each kind in one go
ROOM = 1000  # pages given back to the disk in one go

# How each table is dealt with: a test compares this with the tables that there are.
GOES = ("runs", "failures", "changes", "comings", "texts", "outbox", "services", "news")
STAYS = (
    *("sites", "devices", "findings", "asked", "rounds", "addresses", "asked_outside", "declarations"),
    *("exposures", "exposure_steps", "sayings", "looked"),
    *("standings", "searched", "notices", "decisions", "earlier"),
)

# It told of an exposure: see exposures.told.
PROOF = (
    "exists (select 1 from runs join exposure_steps on at = started "
    "join exposures on exposures.id = exposure where runs.id = outbox.run and exposures.site = outbox.site)"
)
OLD_LETTERS = (
    "from outbox where site = :site and state = 'sent' and sent < :before "
    f"and (text <> '' or html <> '' or not {PROOF})"
)
NOTHING = "[]"  # the coverage of a run of which only the letters are left
TOLD = "exists (select 1 from outbox where outbox.run = runs.id)"
BARE = (
    "coverage = coalesce((select id from texts where digest = :nothing), 0) "
    "and not exists (select 1 from failures where run = runs.id) "
    "and not exists (select 1 from changes where run = runs.id) "
    "and not exists (select 1 from comings where run = runs.id)"
)
LAST = "select max(id) from runs where site = :site"
COMPLETE = "select id from runs where site = :site and complete = 1 order by id desc limit 1"
OLD_RUNS = (
    f"from runs where site = :site and finished < :before and id < ({LAST}) "
    f"and id <> coalesce(({COMPLETE}), 0) and not ({TOLD} and {BARE})"
)
OLD_ANSWERS = "from services where site = :site and ended < :before"
# What was told stays: by it is known what its reader believes.
OLD_NEWS = "from news where site = :site and fate = 'dropped' and settled < :before"


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much went, or would go."""

    nights: int = 0
    letters: int = 0
    answers: int = 0
    news: int = 0

    def __add__(self, other: Pruned) -> Pruned:
        """Both together."""
        return Pruned(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def due(store: Store, slug: str, before: datetime) -> Pruned:
    """What would go."""
    if store.site(slug) is None:
        return Pruned()
    db = store._db
    old = _old(db, slug, before)
    kinds = (OLD_RUNS, OLD_LETTERS, OLD_ANSWERS, OLD_NEWS)
    return Pruned(*(next(db.query(f"select count(*) as many {what}", old))["many"] for what in kinds))


def prune(store: Store, slug: str, before: datetime, most: int = NIGHTLY) -> Pruned:
    """Forget what ended before then, at most so many rows of each kind. Raises StoreError."""
    if store.site(slug) is None:
        return Pruned()
    store._db.execute("pragma secure_delete = on")  # what is forgotten is not left in the file
    with store._writing() as db:
        old = _old(db, slug, before) | {"most": most}
        letters = _letters(db, old)  # first: a run whose letters are gone may go
        gone = Pruned(
            _runs(db, old), letters, _some(db, "services", OLD_ANSWERS, old), _some(db, "news", OLD_NEWS, old)
        )
    # A script, for sqlite3 takes one step of this pragma, and each step gives back one page.
    store._db.conn.executescript(f"pragma incremental_vacuum({ROOM})")
    return gone


def compact(store: Store) -> tuple[int, int]:
    """Write the whole file anew, without free room; (bytes before, bytes after). Raises StoreError."""
    db = store._db
    try:
        before = size(store)
        db.execute("pragma auto_vacuum = incremental")  # holds from this vacuum on
        db.execute("vacuum")
    except sqlite3.Error as error:
        raise StoreError("store.cannot-write", path=store.path, why=error) from error
    return before, size(store)


def size(store: Store) -> int:
    """How large the database is, in bytes."""
    pages, page = (
        next(store._db.query(f"select {what} as n from pragma_{what}"))["n"]  # noqa: S608
        for what in ("page_count", "page_size")
    )
    return int(pages * page)


def _old(db: Database, slug: str, before: datetime) -> dict[str, Any]:
    nothing = hashlib.sha256(NOTHING.encode()).hexdigest()
    return {"site": site_number(db, slug), "before": stamp(before), "nothing": nothing}


def _letters(db: Database, old: dict[str, Any]) -> int:
    rows = list(db.query(f"select id, {PROOF} as proof {OLD_LETTERS} order by id limit :most", old))
    for row in rows:
        if row["proof"]:
            db.execute("update outbox set text = '', html = '' where id = ?", [row["id"]])
        else:
            db.execute("delete from outbox where id = ?", [row["id"]])
    return len(rows)


def _runs(db: Database, old: dict[str, Any]) -> int:
    rows = list(db.query(f"select id, coverage, {TOLD} as told {OLD_RUNS} order by id limit :most", old))
    if not rows:
        return 0
    nothing = text(db, NOTHING)
    for row in rows:
        db.execute("delete from failures where run = ?", [row["id"]])
        db.execute("delete from changes where run = ?", [row["id"]])
        db.execute("delete from comings where run = ?", [row["id"]])
        if row["told"]:
            db.execute("update runs set coverage = ? where id = ?", [nothing, row["id"]])
        else:
            db.execute("delete from runs where id = ?", [row["id"]])
    db.execute(
        "delete from texts where id in (select value from json_each(?)) and id <> ? "
        "and not exists (select 1 from runs where coverage = texts.id)",
        [json.dumps([row["coverage"] for row in rows]), nothing],
    )
    return len(rows)


def _some(db: Database, table: str, old_ones: str, old: dict[str, Any]) -> int:
    return db.execute(
        f"delete from {table} where id in (select id {old_ones} limit :most)",  # noqa: S608 - constants
        {"site": old["site"], "before": old["before"], "most": old["most"]},
    ).rowcount
