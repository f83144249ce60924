"""What a person decided to live with, as rows. Every function that writes is called inside a transaction.

Nothing is rubbed out: what holds no more has an end, why, and who ended it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from netwatch.again import returned
from netwatch.decisions import Decision, State, day, moved, place, weighed
from netwatch.model import Exposure
from netwatch.store.again import times
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from collections.abc import Container

    from sqlite_utils import Database

    from netwatch.diff import Night
    from netwatch.finding_ids import Place
    from netwatch.model import Finding, Run

TABLE = """
create table decisions (
    id integer primary key, site integer not null references sites(id), rule text not null,
    device text not null, port integer not null, transport text not null, exposure text not null,
    product text not null, reason text not null, decided_by text not null, at text not null,
    until text not null, ended text, ended_why text not null default '', ended_by text not null default ''
) strict
"""
NOW = (
    "create unique index decisions_now on decisions(site, rule, device, port, transport) where ended is null"
)
HERE = "where site = ? and rule = ? and device = ? and port = ? and transport = ? and ended is null"


def create(db: Database) -> None:
    """The table."""
    db.execute(TABLE)
    db.execute(NOW)


def told(db: Database, site: str) -> tuple[Decision, ...]:
    """All that were ever made, the first made first."""
    rows = db.query(
        "select * from decisions where site = (select id from sites where slug = ?) order by id", [site]
    )
    return tuple(
        Decision(
            row["rule"],
            row["device"],
            row["port"],
            row["transport"],
            Exposure(row["exposure"]),
            row["product"],
            row["reason"],
            row["decided_by"],
            datetime.fromisoformat(row["at"]),
            date.fromisoformat(row["until"]),
            datetime.fromisoformat(row["ended"]) if row["ended"] else None,
            row["ended_why"],
            row["ended_by"],
        )
        for row in rows
    )


def add(db: Database, site: str, one: Decision) -> None:
    """Keep this decision, in the place of the one before."""
    end(db, site, one.place, State.REPLACED, one.by, one.at)
    db.execute(
        "insert into decisions (site, rule, device, port, transport, exposure, product, reason, decided_by, "
        "at, until) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            site_number(db, site),
            *one.place,
            one.exposure,
            one.product,
            one.reason,
            one.by,
            stamp(one.at),
            one.until.isoformat(),
        ],
    )


def end(db: Database, site: str, where: Place, why: State, by: str, now: datetime) -> None:  # noqa: PLR0913, PLR0917 - a row's end
    """The one that stands there holds no more."""
    db.execute(
        f"update decisions set ended = ?, ended_why = ?, ended_by = ? {HERE}",  # noqa: S608 - a constant
        [stamp(now), why, by, site_number(db, site), *where],
    )


def follow(db: Database, run: Run, night: Night) -> None:
    """What was decided of a public port goes along when the practice's address on the internet changes."""
    number, now = site_number(db, run.site), stamp(run.started)
    for old, finding in moved(night.changes):
        there = [number, finding.rule, finding.device, finding.port, finding.transport]
        if next(db.query(f"select 1 from decisions {HERE}", there), None):  # noqa: S608 - a constant
            continue
        db.execute(
            "insert into decisions (site, rule, device, port, transport, exposure, product, reason, "  # noqa: S608
            "decided_by, at, until) select site, rule, ?, port, transport, exposure, product, reason, "
            f"decided_by, at, until from decisions {HERE}",
            [finding.device, number, *old],
        )
        db.execute(
            f"update decisions set ended = ?, ended_why = ? {HERE}",  # noqa: S608 - a constant
            [now, State.MOVED, number, *old],
        )


def recalled(db: Database, run: Run, night: Night, known: Container[Finding]) -> Night:
    """What moved, with what is known of it: that it was there before; until when a person lives with it; and
    whose time has run out since the run before. `known`: what stood until tonight."""
    back = returned(night, known, lambda one: times(db, run.site, place(one)))
    last = last_run(db, run.site)
    return weighed(back, told(db, run.site), day(run.started), day(last) if last else None)


def last_run(db: Database, site: str) -> datetime | None:
    """When the last run of this site began, or None before the first."""
    query = (
        "select started from runs where site = (select id from sites where slug = ?) order by id desc limit 1"
    )
    row = next(db.query(query, [site]), None)
    return datetime.fromisoformat(row["started"]) if row else None
