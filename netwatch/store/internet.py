"""What is remembered of the outside? The practice's addresses, what was asked there, what was declared."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netwatch.model import Coverage, Outcome, Vantage
from netwatch.portset import PortSet
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlite_utils import Database

    from netwatch.model import Run

OUTCOMES = (Outcome.OPEN, Outcome.CLOSED, Outcome.FILTERED)


def addresses(db: Database, site: str) -> tuple[tuple[str, str, datetime], ...]:
    """The practice's addresses on the internet, as far as they are known by now: each with who told it last,
    and when."""
    rows = db.query(
        "select address, source, last_seen from addresses where site = (select id from sites where slug = ?) "
        "and ended is null order by id",
        [site],
    )
    return tuple((row["address"], row["source"], datetime.fromisoformat(row["last_seen"])) for row in rows)


def began(db: Database, site: str, address: str) -> datetime | None:
    """Since when this address has been ours in the place of another; None where it was the first we knew."""
    rows = list(
        db.query(
            "select address, first_seen, ended from addresses "
            "where site = (select id from sites where slug = ?) order by id",
            [site],
        )
    )
    same = [row for row in rows if (":" in row["address"]) == (":" in address)]
    mine = next((row for row in same if row["address"] == address and row["ended"] is None), None)
    if mine is None:
        return datetime.now(UTC) if same else None
    others = any(row["first_seen"] < mine["first_seen"] and row["ended"] for row in same)
    return datetime.fromisoformat(mine["first_seen"]) if others else None


def remember(db: Database, night: Run, told: Mapping[str, str]) -> None:
    """Tonight's addresses, each with who told it; those of the same family that are not among them end."""
    number, now = site_number(db, night.site), stamp(night.started)
    for address, source in told.items():
        known = db.execute(
            "update addresses set last_seen = ?, source = ? where site = ? and address = ? and ended is null",
            [now, source, number, address],
        )
        if not known.rowcount:
            db.execute(
                "insert into addresses (site, address, source, first_seen, last_seen) values (?, ?, ?, ?, ?)",
                [number, address, source, now, now],
            )
    for former, _, _ in addresses(db, night.site):
        family = [address for address in told if (":" in address) == (":" in former)]
        if family and former not in family:
            db.execute(
                "update addresses set ended = ? where site = ? and address = ? and ended is null",
                [now, number, former],
            )


def asked(db: Database, night: Run) -> None:
    """How each port last ended that was knocked at from outside, and when."""
    number, now = site_number(db, night.site), stamp(night.started)
    devices = {row.device for row in _outside(night.coverage)}
    for device in sorted(device for device in devices if device):
        states = _states(db, number, device)
        for row in _outside(night.coverage):
            if row.device == device:
                ports = PortSet.of(row.ports)
                states = {key: known - ports for key, known in states.items()}
                states[row.outcome, now] = states.get((row.outcome, now), PortSet()) | ports
        told = [[outcome, when, str(ports)] for (outcome, when), ports in sorted(states.items()) if ports]
        db.execute(
            "insert or replace into asked_outside (site, device, port_states, asked) values (?, ?, ?, ?)",
            [number, device, json.dumps(told), now],
        )


def asked_before(db: Database, site: str) -> tuple[Coverage, ...]:
    """What was knocked at from outside on earlier nights, and how it last ended; `detail` is when."""
    rows = db.query("select * from asked_outside where site = (select id from sites where slug = ?)", [site])
    return tuple(
        Coverage("sweep", Vantage.OUTSIDE, row["device"][2:], row["device"], tuple(ports), outcome, when)
        for row in rows
        for (outcome, when), ports in _states(db, row["site"], row["device"]).items()
    )


def _outside(coverage: Iterable[Coverage]) -> Iterable[Coverage]:
    return (
        row
        for row in coverage
        if row.vantage is Vantage.OUTSIDE and row.probe == "sweep" and row.outcome in OUTCOMES
    )


def _states(db: Database, number: int, device: str) -> dict[tuple[Outcome, str], PortSet]:
    """The ports by how they ended, and when that was."""
    row = next(
        db.query("select port_states from asked_outside where site = ? and device = ?", [number, device]),
        {"port_states": "[]"},
    )
    known = json.loads(row["port_states"])
    return {(Outcome(outcome), when): PortSet.parse(ports) for outcome, when, ports in known}


def declare(db: Database, slug: str, text: str, now: datetime) -> None:
    """What a person says that the box shows; what was said before stays."""
    db.execute(
        "insert into declarations (site, made, body) values (?, ?, ?)",
        [site_number(db, slug), stamp(now), text],
    )


def declaration(db: Database, slug: str) -> str | None:
    """What was said last, or None."""
    row = next(
        db.query(
            "select body from declarations where site = (select id from sites where slug = ?) "
            "order by id desc limit 1",
            [slug],
        ),
        None,
    )
    return str(row["body"]) if row else None
