"""Whom did the site know, and who came and went? Three tables beside the devices: how each of them stands,
where they were looked for, and what was told.

A device that was met, and that nothing is to be remembered of, has no row. Every function is called inside a
transaction of Store, or reads.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from netwatch.change import Acquaintance, ComingKind, Searched, Standing
from netwatch.document import ComingPart
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from netwatch.change import Came
    from netwatch.model import Device, Run

SIXTH = """
create table standings (
    site integer not null references sites(id), device text not null, missed integer not null, counted text,
    gone text, quiet integer not null, primary key (site, device)
) strict;
create table searched (
    site integer not null references sites(id), network text not null, means text not null,
    nights integer not null, first_night text not null, last_night text not null,
    primary key (site, network, means)
) strict;
create table comings (
    run integer not null references runs(id), kind text not null, device text not null,
    address text not null, quiet integer not null, nights integer not null, since text
) strict;
create index comings_by_run on comings(run);
"""
SITE = "site = (select id from sites where slug = ?)"


def create(db: Database) -> None:
    """The tables."""
    for statement in SIXTH.split(";"):
        if statement.strip():
            db.execute(statement)


def acquaintance(db: Database, site: str, devices: tuple[Device, ...]) -> Acquaintance:
    """Whom the site knows by now. `devices`: with what was said of them."""
    standings = db.query(f"select * from standings where {SITE}", [site])  # noqa: S608 - a constant
    searched = db.query(f"select * from searched where {SITE} order by first_night", [site])  # noqa: S608
    met = db.query(f"select id, last_seen from devices where {SITE}", [site])  # noqa: S608 - a constant
    return Acquaintance(
        devices,
        {row["id"]: datetime.fromisoformat(row["last_seen"]) for row in met},
        {row["device"]: _standing(row) for row in standings},
        tuple(
            Searched(row["network"], row["means"], row["nights"], datetime.fromisoformat(row["first_night"]))
            for row in searched
        ),
        _elsewhere(db, site),
    )


def _elsewhere(db: Database, site: str) -> frozenset[str]:
    """The cards that another site knew before this one did. Which site, nobody is told."""
    query = (
        f"select mac, {SITE} as here, min(first_seen) as first from devices "  # noqa: S608 - a constant
        "where mac is not null group by mac, here"
    )
    here, there = dict[str, str](), dict[str, str]()
    for row in db.query(query, [site]):
        (here if row["here"] else there)[row["mac"]] = row["first"]
    return frozenset(mac for mac, first in there.items() if mac not in here or first < here[mac])


def _standing(row: dict[str, Any]) -> Standing:
    return Standing(
        row["missed"],
        date.fromisoformat(row["counted"]) if row["counted"] else None,
        datetime.fromisoformat(row["gone"]) if row["gone"] else None,
        bool(row["quiet"]),
    )


def add(db: Database, number: int, night: Run, came: Came) -> None:
    """What a night makes of it. `number` is the run's row."""
    site, now = site_number(db, night.site), stamp(night.started)
    for device, standing in came.standings.items():
        db.execute("delete from standings where site = ? and device = ?", [site, device])
        if standing != Standing():
            db.execute(
                "insert into standings (site, device, missed, counted, gone, quiet) "
                "values (?, ?, ?, ?, ?, ?)",
                [
                    *(site, device, standing.missed),
                    standing.counted.isoformat() if standing.counted else None,
                    stamp(standing.gone) if standing.gone else None,
                    int(standing.quiet),
                ],
            )
    for network, means in came.searched.items():
        db.execute(
            "insert into searched (site, network, means, nights, first_night, last_night) "
            "values (?, ?, ?, 1, ?, ?) on conflict (site, network, means) do update set "
            "nights = nights + 1, last_night = excluded.last_night",
            [site, network, means, now, now],
        )
    for coming in came.comings:
        db.execute(
            "insert into comings (run, kind, device, address, quiet, nights, since) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            [
                *(number, coming.kind, coming.device.id, coming.device.address),
                *(int(coming.quiet), coming.nights, stamp(coming.since) if coming.since else None),
            ],
        )


def told(db: Database, run: int) -> Iterable[ComingPart]:
    """Who came and went in this run."""
    for row in db.query("select * from comings where run = ? order by rowid", [run]):
        yield ComingPart(
            kind=ComingKind(row["kind"]),
            device=row["device"],
            address=row["address"],
            quiet=bool(row["quiet"]),
            nights=row["nights"],
            since=row["since"],
        )
