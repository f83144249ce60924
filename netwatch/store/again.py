"""When was a finding there before? The ended rows of its place become one noun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.again import before
from netwatch.model import Status

if TYPE_CHECKING:
    from sqlite_utils import Database

    from netwatch.change import Before
    from netwatch.diff import Ladder
    from netwatch.finding_ids import Place

INDEX = "create index findings_place on findings(site, device, port)"


def create(db: Database) -> None:
    """The index that finds them, however many years there are."""
    db.execute(INDEX)


def times(db: Database, site: str, place: Place, ladder: Ladder) -> Before | None:
    """How often it was proved gone, and when it was there last; None where it is new."""
    rule, device, port, transport = place
    rows = list(
        db.query(
            "select rule, first_seen, last_seen, ended, status from findings "
            "where site = (select id from sites where slug = ?) and device = ? and port = ? "
            "and transport = ? order by id",
            [site, device, port, transport],
        )
    )
    gone = [
        (row["first_seen"], row["last_seen"], row["ended"])
        for row in rows
        if row["rule"] == rule and row["ended"] and row["status"] == Status.RESOLVED
    ]
    others = [(row["rule"], row["first_seen"]) for row in rows if row["rule"] != rule]
    return before(rule, gone, others, ladder)
