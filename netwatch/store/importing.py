"""What is a file of export.py worth, and how does it come in? As hostile input, whole or not at all.

It is read into a database of its own, in memory: line by line, each value checked (columns.py), with the
schema that the file names; its sum must be right. That database is brought up to date like any other, then
read by the same code that reads ours (proving.py). Only what stood all this is copied, in one transaction,
under new row numbers. A site of which something is known here already is refused: two histories are not made
one.

Where it stops: whoever wrote the file says what the devices are and what was found, as whoever writes the
site file does. No letter of it is sent; what waits to be told there is told here, in the next digest. No
address in it is taken for the practice's own of today.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from netwatch.errors import StoreError
from netwatch.store import columns
from netwatch.store.database import steps
from netwatch.store.export import FORMAT, PARTS
from netwatch.store.proving import proved
from netwatch.store.writing import stamp, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from sqlite_utils import Database

    from netwatch.store import Store
    from netwatch.store.proving import Draw
    from netwatch.words import Catalogue

LARGEST, LONGEST_LINE = 200_000_000, 32_000_000  # bytes
SLUG = re.compile(r"[a-z0-9-]{1,60}")
AGE = timedelta(days=1)  # an address on the internet that is told of elsewhere is at least so old


@dataclass(frozen=True, slots=True)
class Brought:
    """What came in. `first`, `last`: when the first and the last of its nights began, or None without any."""

    slug: str
    name: str
    nights: int
    first: str | None
    last: str | None


def bring(store: Store, source: Path, catalogue: Catalogue, draw: Draw) -> Brought:
    """Take in the site of this file. `draw` shows its last night as a report does, and raises what it likes
    where that does not go. Raises StoreError, and then nothing has changed."""
    from sqlite_utils import Database  # noqa: PLC0415 - slow to import

    aside = Database(memory=True)
    try:
        slug = _read(aside, source)
        _prove(aside, slug, catalogue, draw, source)
        with store.lock(slug), store._writing() as db:
            try:
                return _copy(aside, db, slug)
            except sqlite3.IntegrityError as error:  # a night, or a letter, of the same name
                raise StoreError("store.import-twice", path=source) from error
    finally:
        aside.close()


def _read(aside: Database, source: Path) -> str:
    """Fill the database aside from the file; the site's short name."""
    try:
        here = source.stat()
        if not stat.S_ISREG(here.st_mode):  # a pipe would have us wait
            raise StoreError("store.import-not-ours", path=source)
        if here.st_size > LARGEST:
            raise StoreError("store.import-too-big", path=source)
        with source.open("rb") as file:
            return _fill(aside, source, _numbered(file, source))
    except FileNotFoundError as error:
        raise StoreError("store.import-missing", path=source) from error
    except (OSError, ValueError) as error:
        raise StoreError("store.import-unreadable", path=source, why=error) from error


def _numbered(file: BinaryIO, source: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise _damaged(source, number)
        yield number, line


def _fill(aside: Database, source: Path, lines: Iterator[tuple[int, bytes]]) -> str:
    digest, counts = hashlib.sha256(), dict.fromkeys(PARTS, 0)
    slug = _begin(aside, source, next(lines, (1, b""))[1], digest)
    known = {table: aside[table].columns_dict for table in aside.table_names()}
    for number, line in lines:
        told = _told(line)
        if isinstance(told, dict):
            there = {table: count for table, count in counts.items() if count}
            if told.get("rows") != there or told.get("sha256") != digest.hexdigest() or next(lines, None):
                raise _damaged(source, number)
            return slug
        digest.update(line)
        try:
            table, row = told
            fits = table in PARTS and table in known and columns.fit(table, row, known[table])
        except (AttributeError, TypeError, ValueError):
            fits = False
        if not fits or not _insert(aside, table, row):
            raise _damaged(source, number)
        counts[table] += 1
    raise _damaged(source, None)  # it has no end


def _begin(aside: Database, source: Path, line: bytes, digest: Any) -> str:  # noqa: ANN401 - hashlib has no name for it
    """Give the database aside the schema that the file names."""
    from netwatch.store.schema import migrations  # noqa: PLC0415 - slow to import

    head, ours = _told(line), steps()
    if not isinstance(head, dict) or not str(head.get("format")).startswith("netwatch-site/"):
        raise StoreError("store.import-not-ours", path=source)
    schema, slug = head.get("schema"), head.get("site")
    theirs = schema if isinstance(schema, list) else []
    if head["format"] != FORMAT or not all(one in ours for one in theirs):
        raise StoreError("store.import-newer", path=source)
    if not theirs or theirs != list(ours[: len(theirs)]) or not SLUG.fullmatch(str(slug)):
        raise _damaged(source, 1)
    digest.update(line)
    migrations.apply(aside, stop_before=ours[len(theirs) :][:1])
    aside.execute("pragma foreign_keys = on")
    aside.begin()
    return str(slug)


def _told(line: bytes) -> Any:  # noqa: ANN401 - whatever stands there
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _insert(aside: Database, table: str, row: dict[str, Any]) -> bool:
    names = ", ".join(row)  # each is one of the table's own columns
    try:
        aside.execute(
            f"insert into {table} ({names}) values ({', '.join('?' * len(row))})",  # noqa: S608
            list(row.values()),
        )
    except sqlite3.Error:
        return False
    return True


def _prove(aside: Database, slug: str, catalogue: Catalogue, draw: Draw, source: Path) -> None:
    """Bring it up to date and read it all as ours is read. Raises StoreError where that does not go."""
    from netwatch.store.schema import migrations  # noqa: PLC0415 - slow to import

    try:
        aside.commit()
        migrations.apply(aside)
        fits = proved(aside, slug, catalogue, draw)
    except Exception as error:  # whatever a row that nobody wrote makes of code that trusts its rows
        raise _damaged(source, None) from error
    if not fits:
        raise _damaged(source, None)


def _copy(aside: Database, db: Database, slug: str) -> Brought:
    """Give each row a number of ours, and what refers to it the same."""
    _refuse_known(db, slug)
    aside.execute("update sites set file = null")
    aside.execute("update outbox set why = '{}', next_try = null")  # they were sent: it says nothing more
    aside.execute(
        "update addresses set last_seen = min(last_seen, :then), first_seen = min(first_seen, :then)",
        {"then": stamp(datetime.now(UTC) - AGE)},
    )
    numbers: dict[str, dict[object, int]] = {}
    for table in PARTS:
        mine, refers = numbers.setdefault(table, {}), _refers(aside, table)
        for row in aside.query(f"select rowid as here, * from {table} order by rowid"):  # noqa: S608 - a constant
            here = row.pop("here")
            if table != "devices":  # whose id is its own, everywhere
                row.pop("id", None)
            for name, other in refers.items():
                row[name] = row[name] and numbers[other][row[name]]
            mine[here] = _place(db, table, row)
    [site] = aside.query("select name from sites")
    [run] = aside.query("select count(*) as nights, min(started) as first, max(started) as last from runs")
    return Brought(slug, site["name"], **run)


def _refers(aside: Database, table: str) -> dict[str, str]:
    """Which columns hold the number of a row, each with the table that it is in."""
    keys = [row[2:5] for row in aside.execute(f"pragma foreign_key_list({table})").fetchall()]
    found = {mine: other for other, mine, theirs in keys if theirs == "id" and other != "devices"}
    sites = {"site": "sites"} if "site" in {column.name for column in aside[table].columns} else {}
    return found | sites


def _place(db: Database, table: str, row: dict[str, Any]) -> int:
    """Insert it; the number under which it is here."""
    if table == "texts":
        return text(db, row["body"])
    names = ", ".join(row)
    told = f"insert into {table} ({names}) values ({', '.join('?' * len(row))})"  # noqa: S608 - our own columns
    if table == "sites":
        told += " on conflict (slug) do update set networks = excluded.networks, digested = excluded.digested"
    return int(db.execute(f"{told} returning rowid", list(row.values())).fetchone()[0])


def _refuse_known(db: Database, slug: str) -> None:
    """Raises StoreError where anything is known of the site but its name."""
    here = next(db.query("select id from sites where slug = ?", [slug]), None)
    if here is None:
        return
    for table, where in PARTS.items():
        if table not in {"sites", "texts"} and next(
            db.query(f"select 1 from {table} where {where} limit 1", {"site": here["id"]}),  # noqa: S608
            None,
        ):
            nights = next(db.query("select count(*) as n from runs where site = ?", [here["id"]]))["n"]
            raise StoreError("store.import-known", site=slug, nights=nights)


def _damaged(source: Path, line: int | None) -> StoreError:
    if line is None:
        return StoreError("store.import-damaged", path=source)
    return StoreError("store.import-damaged-line", path=source, line=line)
