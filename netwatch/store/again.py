"""When was a finding there before? The ended rows of its place become one noun."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from netwatch.again import worse
from netwatch.change import Before
from netwatch.model import Status

if TYPE_CHECKING:
    from sqlite_utils import Database

    from netwatch.diff import Ladder
    from netwatch.finding_ids import Place

INDEX = "create index findings_place on findings(site, device, port, transport, rule, first_seen)"
SITE = "(select id from sites where slug = :site)"
THERE = "device = :device and port = :port and transport = :transport"
# A time that ended because it became worse was not repaired; one that was only retired proved nothing.
GONE = f"""
    select count(*) as times, max(id), first_seen, last_seen from findings as gone
    where site = {SITE} and {THERE} and rule = :rule and ended is not null and status = :resolved
    and not exists (
        select 1 from findings as next where next.site = gone.site and next.device = gone.device
        and next.port = gone.port and next.transport = gone.transport
        and next.rule in (select value from json_each(:worse)) and next.first_seen = gone.ended
    )
"""  # noqa: S608 - constants


def create(db: Database) -> None:
    """The index that finds them, however many years there are."""
    db.execute(INDEX)


def times(db: Database, site: str, place: Place, ladder: Ladder) -> Before | None:
    """How often it was proved gone, and when it was there last; None where it is new."""
    rule, device, port, transport = place
    here = {"site": site, "device": device, "port": port, "transport": transport, "rule": rule}
    rules = db.query(f"select distinct rule from findings where site = {SITE} and {THERE}", here)  # noqa: S608
    rungs = json.dumps(worse(rule, [row["rule"] for row in rules], ladder))
    row = next(db.query(GONE, here | {"worse": rungs, "resolved": Status.RESOLVED}))
    return Before(row["times"], row["first_seen"], row["last_seen"]) if row["times"] else None
