"""What was said of devices, as rows. Every function that writes is called inside a transaction.

Nothing is rubbed out: what holds no more has an end. One exception: a telephone that makes up a card every
night would leave a row a night, and of those only the last one is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from netwatch.identity import randomised
from netwatch.sayings import USER, Saying, What
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

TABLE = """
create table sayings (
    id integer primary key, site integer not null references sites(id), device text not null,
    what text not null, value text not null, said_by text not null, at text not null, ended text,
    ended_by text not null default '', card text, address text
) strict
"""
NOW = "create unique index sayings_now on sayings(site, device, what, value) where ended is null"
# Tables whose rows have an interval, and those that remember what a device was asked.
INTERVALS, ASKED = ("services", "findings"), ("asked", "rounds")


def create(db: Database) -> None:
    """The table."""
    db.execute(TABLE)
    db.execute(NOW)


def told(db: Database, site: str, *, ended: bool = False) -> tuple[Saying, ...]:
    """What holds, the first said first; with what has ended as well, where that is asked for."""
    where = "" if ended else "and ended is null"
    rows = db.query(
        f"select * from sayings where site = (select id from sites where slug = ?) {where} order by id",  # noqa: S608
        [site],
    )
    return tuple(
        Saying(
            row["device"],
            What(row["what"]),
            row["value"],
            row["said_by"],
            datetime.fromisoformat(row["at"]),
            datetime.fromisoformat(row["ended"]) if row["ended"] else None,
            row["ended_by"],
            row["card"],
            row["address"],
        )
        for row in rows
    )


def add(db: Database, site: str, said: Iterable[Saying]) -> None:
    """Say this; said again, it changes nothing."""
    number = site_number(db, site)
    for one in said:
        if one.what is What.SAME and one.by != USER and _made_up(one.device):
            _forget_made_up(db, number, one)
        db.execute(
            "insert into sayings (site, device, what, value, said_by, at, card, address) "
            "values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
            [number, one.device, one.what, one.value, one.by, stamp(one.at), one.card, one.address],
        )


def end(db: Database, site: str, said: Iterable[Saying], by: str, now: datetime) -> None:
    """This holds no more."""
    number = site_number(db, site)
    for one in said:
        db.execute(
            "update sayings set ended = ?, ended_by = ? "
            "where site = ? and device = ? and what = ? and value = ? and ended is null",
            [stamp(now), by, number, one.device, one.what, one.value],
        )


def part(db: Database, site: str, one: Saying) -> None:
    """Give a card that was taken for another device a row of its own, with all that was seen since then."""
    number = site_number(db, site)
    here = {"site": number, "new": one.device, "old": one.value, "at": stamp(one.at)}
    if next(db.query("select 1 from devices where site = :site and id = :new", here), None):
        return
    columns = [row[1] for row in db.execute("pragma table_info(devices)").fetchall()]
    told = ", ".join(
        {"id": ":new", "first_seen": "max(first_seen, :at)"}.get(column, column) for column in columns
    )
    db.execute(
        f"insert into devices ({', '.join(columns)}) select {told} from devices "  # noqa: S608 - our columns
        "where site = :site and id = :old",
        here,
    )
    for table in INTERVALS:
        db.execute(
            f"update {table} set device = :new "  # noqa: S608 - a constant
            "where site = :site and device = :old and first_seen >= :at",
            here,
        )
    for table in ASKED:
        names = [row[1] for row in db.execute(f"pragma table_info({table})").fetchall()]
        copied = ", ".join(":new" if name == "device" else name for name in names)
        db.execute(
            f"insert or ignore into {table} ({', '.join(names)}) select {copied} from {table} "  # noqa: S608
            "where site = :site and device = :old",
            here,
        )
    db.execute(
        "update devices set mac = :card, address = coalesce(:address, address) "
        "where site = :site and id = :old",
        here | {"card": one.card, "address": one.address},
    )


def _made_up(device: str) -> bool:
    return device.startswith("m-") and randomised(device.removeprefix("m-"))


def _forget_made_up(db: Database, number: int, one: Saying) -> None:
    rows = db.query(
        "select id, device from sayings where site = ? and what = ? and value = ? and said_by <> ? "
        "and device <> ? and ended is null",
        [number, What.SAME, one.value, USER, one.device],
    )
    for row in [row for row in rows if _made_up(row["device"])]:
        db.execute("delete from sayings where id = ?", [row["id"]])
