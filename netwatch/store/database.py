"""How is the database opened, made where it is not there, and brought up to date?

All migrations are one transaction: whoever is killed in the middle finds the old schema, whole. A file that
a newer netwatch wrote is refused before anything is written to it.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from netwatch.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlite_utils import Database

PATIENCE = 30  # seconds that we wait for another site's night to be written
AGAIN = 0.05  # seconds between two tries


def opened(path: Path) -> Database:
    """The database, up to date. Raises StoreError where a newer netwatch wrote it, and sqlite3.Error."""
    from sqlite_utils import Database  # noqa: PLC0415 - slow to import

    from netwatch.store.schema import migrations  # noqa: PLC0415

    db = Database(sqlite3.connect(path, timeout=PATIENCE))
    try:
        refuse_newer(db, path)
        # Room that old nights leave goes back to the disk. Of an empty file only; it changes no other.
        db.execute("pragma auto_vacuum = incremental")
        _to_wal(db)
        db.execute("pragma synchronous = full")
        db.execute("pragma foreign_keys = on")
        if migrations.pending(db):
            db.execute("begin immediate")  # who opens it at the same time waits, and finds it up to date
            migrations.apply(db)
            db.commit()
    except BaseException:
        db.close()
        raise
    return db


def _to_wal(db: Database) -> None:
    """Writing beside reading. Where another does the same to a new file, SQLite does not wait by itself."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(AGAIN)
        else:
            return


def refuse_newer(db: Database, path: Path) -> None:
    """Raises StoreError where it has seen a migration that we do not know. Writes nothing."""
    from netwatch.store.schema import migrations  # noqa: PLC0415 - slow to import

    ours = set(steps())
    if newer := [one.name for one in migrations.applied(db) if one.name not in ours]:
        raise StoreError("store.newer", path=path, newer=", ".join(sorted(newer)))


def unusable(path: Path, error: Exception, else_said: str) -> StoreError:
    """What is told of this error: that the file is damaged, where SQLite says so, else this sentence."""
    damaged = type(error) is sqlite3.DatabaseError  # what may pass by itself is one of its children
    return StoreError("store.spoilt" if damaged else else_said, path=path, why=error)


@contextmanager
def legible(path: Path, else_said: str) -> Iterator[None]:
    """What SQLite says against it becomes a StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise unusable(path, error, else_said) from error


def steps() -> tuple[str, ...]:
    """The names of all migrations, in the order in which they are applied."""
    from netwatch.store.schema import migrations  # noqa: PLC0415 - slow to import

    return tuple(one.name for one in migrations._migrations)  # else it takes an empty database
