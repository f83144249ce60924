"""Where is the log of exposures kept? Two tables that only grow: `exposures`, and the steps of each.

A row is opened, its last date moves, it is closed; the triggers (KEEPS) refuse anything else, so that no
mistake of ours and no pruning of the scan history takes a line out of a register. Every function is called
inside a transaction of Store, or reads.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from netwatch.exposures import Logged, Step
from netwatch.judge import Row
from netwatch.model import Exposure, Link, Vantage
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from sqlite_utils import Database

    from netwatch.exposures import Added

FOURTH_EXPOSURES = """
create table exposures (
    id integer primary key, site integer not null references sites(id), device text not null,
    port integer not null, transport text not null, patients integer, studies integer,
    first_seen text not null, last_seen text not null, ended text, ended_by text
) strict;
create unique index exposures_now on exposures(site, device, port, transport) where ended is null;
create table exposure_steps (
    id integer primary key, exposure integer not null references exposures(id), at text not null,
    row text not null, vantage text not null, by text not null, seen_at text not null,
    protocol text not null, facts text not null, evidence text not null, digest text not null,
    link_device text, link_address text, link_port integer, link_by text
) strict;
create index exposure_steps_by_exposure on exposure_steps(exposure, id);
"""
REFUSE = "begin select raise(abort, 'the log of exposures only grows'); end"
SETTLED = """old.ended is not null or new.site <> old.site or new.device <> old.device or new.port <> old.port
or new.transport <> old.transport or new.first_seen <> old.first_seen or new.last_seen < old.last_seen"""
# One statement each: they hold semicolons.
KEEPS = (
    f"create trigger exposures_kept before delete on exposures {REFUSE}",
    f"create trigger exposures_settled before update on exposures when {SETTLED} {REFUSE}",
    f"create trigger exposure_steps_kept before delete on exposure_steps {REFUSE}",
    f"create trigger exposure_steps_settled before update on exposure_steps {REFUSE}",
)
SITE = "site = (select id from sites where slug = ?)"
OPENED = (
    "insert into exposures (site, device, port, transport, patients, studies, first_seen, last_seen) "
    "values (?, ?, ?, ?, ?, ?, ?, ?) returning id"
)
# What was seen from outside through this way in, before tonight: it is not there any more.
GONE = (
    "update services set ended = :at where site = :site and vantage = 'outside' and ended is null "
    "and last_seen < :at and exists (select 1 from exposures where id = :id and site = :site "
    "and exposures.port = services.port and exposures.transport = services.transport "
    "and (exposures.device = services.device or "
    "(exposures.device like '@%' and services.device like 'p-%' and services.device not like '%:%')))"
)
STEPPED = (
    "insert into exposure_steps (exposure, at, row, vantage, by, seen_at, protocol, facts, evidence, digest, "
    "link_device, link_address, link_port, link_by) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def create(db: Database) -> None:
    """The tables, and what keeps them."""
    for statement in (*FOURTH_EXPOSURES.split(";"), *KEEPS):
        if statement.strip():
            db.execute(statement)


def add(db: Database, site: str, added: Added) -> None:
    """What a night adds. What ends is written first: the same way in may open again in the same night.

    What is proved shut ends as a service too, also where a silence proved it: else it would be remembered as
    reached, with nothing that says it was shut since.
    """
    number = site_number(db, site)
    for row in added.closed:
        db.execute(
            "update exposures set ended = ?, ended_by = ? where id = ? and site = ?",
            [stamp(row.at), row.by, row.id, number],
        )
        db.execute(GONE, {"at": stamp(row.at), "site": number, "id": row.id})
    for one in added.carried:
        db.execute(
            "update exposures set last_seen = max(last_seen, coalesce(?, last_seen)), "
            "patients = coalesce(?, patients), studies = coalesce(?, studies) where id = ? and site = ?",
            [stamp(one.last_seen) if one.last_seen else None, one.patients, one.studies, one.id, number],
        )
        if one.step is not None:
            _step(db, one.id, one.step)
            if one.step.verdict is not Exposure.EXPOSED:
                db.execute(GONE, {"at": stamp(one.step.at), "site": number, "id": one.id})
    for opened in added.opened:
        told = [opened.patients, opened.studies, stamp(opened.first_seen), stamp(opened.last_seen)]
        key = db.execute(OPENED, [number, *opened.place, *told]).fetchone()[0]
        for step in opened.steps:
            _step(db, int(key), step)


def _step(db: Database, exposure: int, step: Step) -> None:
    link = step.link
    led = [link.device, link.address, link.port, link.by] if link else [None] * 4
    told = [step.row, step.vantage, step.by, stamp(step.seen_at), step.protocol]
    facts = json.dumps(step.facts, sort_keys=True, ensure_ascii=False)
    db.execute(STEPPED, [exposure, stamp(step.at), *told, facts, step.evidence, step.digest, *led])


def log(db: Database, site: str, *, only_open: bool = False) -> tuple[Logged, ...]:
    """Every exposure of the site, the first first; those that stand, where only they are wanted."""
    where = f"where {SITE}{' and ended is null' if only_open else ''}"
    rows = list(db.query(f"select * from exposures {where} order by first_seen, id", [site]))  # noqa: S608
    steps: dict[int, list[Step]] = {row["id"]: [] for row in rows}
    for row in db.query(
        f"select exposure_steps.* from exposure_steps join exposures on exposures.id = exposure {where} "  # noqa: S608
        "order by exposure_steps.id",
        [site],
    ):
        steps[row["exposure"]].append(_stepped(row))
    return tuple(_logged(row, tuple(steps[row["id"]])) for row in rows)


def told(db: Database, site: str, rows: tuple[Logged, ...]) -> tuple[Logged, ...]:
    """The rows, each with the first alert of the night that opened it, or of a later step: when the mail
    server took it, and who it was written to.

    The letter is that of a run whose night began when a step was made; nothing where no letter was sent.
    """
    sent = list(
        db.query(
            "select started, sent, recipient from outbox join runs on runs.id = outbox.run "
            "where outbox.site = (select id from sites where slug = ?) and state = 'sent' "
            "and sent is not null and recipient <> '' order by sent, outbox.id",
            [site],
        )
    )
    return tuple(_first_told(row, sent) for row in rows)


def _first_told(row: Logged, sent: list[dict[str, Any]]) -> Logged:
    nights = {stamp(step.at) for step in row.steps}
    mine = [letter for letter in sent if letter["started"] in nights]
    if not mine:
        return row
    first = mine[0]
    names = tuple(dict.fromkeys(one["recipient"] for one in mine if one["started"] == first["started"]))
    return replace(row, told_at=datetime.fromisoformat(first["sent"]), told_to=names)


def _logged(row: dict[str, Any], steps: tuple[Step, ...]) -> Logged:

    return Logged(
        place=(row["device"], row["port"], row["transport"]),
        first_seen=datetime.fromisoformat(row["first_seen"]),
        last_seen=datetime.fromisoformat(row["last_seen"]),
        steps=steps,
        patients=row["patients"],
        studies=row["studies"],
        ended=datetime.fromisoformat(row["ended"]) if row["ended"] else None,
        ended_by=row["ended_by"],
        id=row["id"],
    )


def _stepped(row: dict[str, Any]) -> Step:
    led = row["link_address"]
    return Step(
        at=datetime.fromisoformat(row["at"]),
        row=Row(row["row"]),
        vantage=Vantage(row["vantage"]),
        by=row["by"],
        seen_at=datetime.fromisoformat(row["seen_at"]),
        protocol=row["protocol"],
        facts=json.loads(row["facts"]),
        evidence=row["evidence"],
        digest=row["digest"],
        link=Link(row["link_device"], led, row["link_port"], row["link_by"]) if led is not None else None,
    )
