"""When was a finding there before? Counted when it is proved gone: however many years there are, one row of a
place is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.change import Before, ChangeKind
from netwatch.model import Status
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from sqlite_utils import Database

    from netwatch.diff import Night
    from netwatch.finding_ids import Place
    from netwatch.model import Run

INDEX = "create index findings_place on findings(site, device, port, transport, rule, first_seen)"
# `first_seen`, `last_seen`: of the last time that it was there. What was counted before from all that ended:
# a time that ended because it became worse was not repaired; one that was only retired proved nothing.
ELEVENTH = """
create table earlier (
    site integer not null references sites(id), device text not null, port integer not null,
    transport text not null, rule text not null, times integer not null, first_seen text not null,
    last_seen text not null, primary key (site, device, port, transport, rule)
) strict;
insert into earlier (site, device, port, transport, rule, times, first_seen, last_seen)
    with worse as (
        select site, started, previous, device, port from changes join runs on runs.id = run
        where kind = 'worsened' and previous <> rule
    ), gone as (
        select site, device, port, transport, rule, count(*) as times, max(id), first_seen, last_seen
        from findings where ended is not null and status = 'resolved'
        and (site, ended, rule, device, port) not in worse
        group by site, device, port, transport, rule
    )
    select site, device, port, transport, rule, times, first_seen, last_seen from gone;
drop index findings_place
"""
ONCE_MORE = """
insert into earlier (site, device, port, transport, rule, times, first_seen, last_seen)
    select site, device, port, transport, rule, 1, first_seen, last_seen from findings
    where site = ? and rule = ? and device = ? and port = ? and transport = ? and ended = ?
    on conflict do update set
    times = times + 1, first_seen = excluded.first_seen, last_seen = excluded.last_seen
"""
THERE = (
    "site = (select id from sites where slug = ?) and rule = ? and device = ? and port = ? and transport = ?"
)


def create(db: Database) -> None:
    """The index by which all that ended was counted, at first."""
    db.execute(INDEX)


def count(db: Database) -> None:
    """The table, filled from what ended, in the place of the index."""
    for statement in ELEVENTH.split(";"):
        db.execute(statement)


def proved_gone(db: Database, run: Run, night: Night) -> None:
    """What this night proved gone was there once more. After its findings were written."""
    site, now = site_number(db, run.site), stamp(run.started)
    worse = {
        (one.previous.rule, one.previous.device, one.previous.port)
        for one in night.changes
        if one.kind is ChangeKind.WORSENED and one.previous and one.previous.rule != one.finding.rule
    }
    for one, status in night.findings.items():
        if status is Status.RESOLVED and (one.rule, one.device, one.port) not in worse:
            db.execute(ONCE_MORE, [site, one.rule, one.device, one.port, one.transport, now])


def times(db: Database, site: str, place: Place) -> Before | None:
    """How often it was proved gone, and when it was there last; None where it never was."""
    row = next(db.query(f"select * from earlier where {THERE}", [site, *place]), None)  # noqa: S608 - a constant
    return Before(row["times"], row["first_seen"], row["last_seen"]) if row else None
