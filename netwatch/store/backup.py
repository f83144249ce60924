"""Is there a second copy of all that we know? The whole database in one file, taken while scans go on.

By SQLite's online backup: the copy is the database as it was at one moment, with no half of a night in it.
It is read through before it gets its name: a copy that nobody could restore is worth less than none.
To restore it is to put it in the place of the database (docs/years.md).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.errors import StoreError
from netwatch.store.whole import whole

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.store import Store


@dataclass(frozen=True, slots=True)
class Copied:
    """What the copy holds. `size`: bytes."""

    path: Path
    size: int
    sites: int
    nights: int


def backup(store: Store, target: Path, *, force: bool = False) -> Copied:
    """Copy the database to this file. Raises StoreError."""
    if target.exists() and target.samefile(store.path):
        raise StoreError("store.file-is-database", path=target)
    with whole(target, force=force) as draft:
        try:
            with closing(sqlite3.connect(draft)) as copy:
                store._db.conn.backup(
                    copy
                )  # all pages in one step: scans may write meanwhile, we do not see it
                copy.execute("pragma journal_mode = delete")  # one file, and not three
                found = [row[0] for row in copy.execute("pragma integrity_check(1)")]
                strays = copy.execute("pragma foreign_key_check").fetchone()
                if found != ["ok"] or strays is not None:
                    raise StoreError("store.damaged", path=store.path, why=found[0])
                sites, nights = (
                    copy.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608 - constants
                    for table in ("sites", "runs")
                )
        except sqlite3.Error as error:
            raise StoreError("store.file-not-written", path=target, why=error) from error
        size = draft.stat().st_size
    return Copied(target, size, int(sites), int(nights))
