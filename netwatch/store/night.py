"""What does the last night look like? Its rows become the one Document that every report is a view of."""

from __future__ import annotations

import json
from dataclasses import astuple
from itertools import groupby
from typing import TYPE_CHECKING, Any

from netwatch.change import NEWS
from netwatch.diff import UNTOLD
from netwatch.document import (
    AddressPart,
    ChangePart,
    CoveragePart,
    DevicePart,
    Document,
    FailurePart,
    FindingPart,
    LinkPart,
    RoundPart,
    RunPart,
    ServicePart,
    StatementPart,
    UndeliveredPart,
)
from netwatch.model import Exposure, Status, Vantage
from netwatch.opening import NMAP, UNKNOWN, VAGUE
from netwatch.portset import PortSet
from netwatch.sayings import Sayings, shown
from netwatch.store import comings
from netwatch.store.again import times
from netwatch.store.reading import NOW, STANDS, device_rows, link, rounds
from netwatch.store.sayings import told
from netwatch.store.writing import stamp
from netwatch.store.years import looked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from netwatch.change import Before
    from netwatch.words import Catalogue

PLACE = ("rule", "device", "port", "transport")


def document(db: Database, site: str, catalogue: Catalogue, language: str) -> Document | None:
    """The last run of the site, or None."""
    run = next(
        db.query(
            "select runs.*, texts.body from runs join texts on texts.id = runs.coverage "
            "where site = (select id from sites where slug = ?) order by runs.id desc limit 1",
            [site],
        ),
        None,
    )
    if run is None:
        return None
    exposures, said = _exposures(db, site, run["started"]), Sayings(told(db, site))
    changes = list(db.query("select * from changes where run = ? order by rowid", [run["id"]]))
    findings = _findings(db, site, run["started"], changes, catalogue, language)
    back = {(f.rule, f.device, f.port): f.before for f in findings if f.first_seen == run["started"]}
    return Document(
        schema="netwatch/1",
        site=site,
        run=RunPart(
            run["uid"],
            run["started"],
            run["finished"],
            bool(run["complete"]),
            tuple(json.loads(run["vantages"])),
            stopped=run["stopped"],
            pace=json.loads(run["pace"]),
            audit=bool(run["audit"]),
        ),
        devices=tuple(
            shown(DevicePart(**{k: v for k, v in row.items() if k != "site"}), said)
            for row in device_rows(db, site, run["started"])
        ),
        services=tuple(_services(db, site)),
        findings=tuple(findings),
        changes=tuple(_change(row, exposures, back, catalogue, language) for row in changes),
        failures=tuple(_failures(db, run["id"])),
        coverage=tuple(
            CoveragePart(probe, vantage, device, address, ports, outcome, detail)
            for probe, vantage, device, address, ports, outcome, detail in json.loads(run["body"])
        ),
        rounds=tuple(
            RoundPart(one.device, stamp(one.began), len(PortSet.parse(one.done)))
            for one in rounds(db, site).values()
        ),
        public=tuple(_public(db, site)),
        statements=tuple(_statements(db, site)),
        looked=looked(db, site),
        comings=tuple(comings.told(db, run["id"])),
        undelivered=tuple(_undelivered(db, site)),
    )


def _public(db: Database, site: str) -> Iterable[AddressPart]:
    """The practice's addresses on the internet, and how far they were asked from outside."""
    rows = db.query(
        "select addresses.*, asked, port_states from addresses left join asked_outside on "
        "asked_outside.site = addresses.site and device = 'p-' || address "
        "where addresses.site = (select id from sites where slug = ?) and ended is null "
        "order by addresses.id",
        [site],
    )
    for row in rows:
        ports = sum(len(PortSet.parse(told[-1])) for told in json.loads(row["port_states"] or "[]"))
        yield AddressPart(
            row["address"], row["source"], row["first_seen"], row["last_seen"], row["asked"], ports
        )


def _undelivered(db: Database, site: str) -> Iterable[UndeliveredPart]:
    """The alerts that have not arrived."""
    rows = db.query(
        "select recipient, state, created, tries, next_try from outbox "
        "where site = (select id from sites where slug = ?) and state <> 'sent' and state <> 'dropped' "
        "order by id",
        [site],
    )
    return (UndeliveredPart(**row) for row in rows)


def _services(db: Database, site: str) -> Iterable[ServicePart]:
    """Open ports, each with what every probe learnt of it, last answers first proved."""
    order = "order by device, port, transport, vantage, probe = 'sweep' desc, proved"
    where = f"where vantage in ('lan', 'outside') and port > 0 and {NOW} {order}"
    rows = db.query(f"select * from services {where}", [site])  # noqa: S608
    for _, group in groupby(rows, key=lambda r: (r["device"], r["port"], r["transport"], r["vantage"])):
        seen = list(group)
        told = [row for row in seen if row["proved"] and row["protocol"] not in {UNKNOWN, NMAP}]
        told.sort(key=lambda row: (row["protocol"] not in VAGUE, row["last_seen"]))
        word = told[-1] if told else seen[0]
        facts: dict[str, Any] = {"protocol_from": "answer" if told else "port"}
        for row in sorted(seen, key=lambda row: (row["protocol"] == word["protocol"], row["probe"])):
            facts |= {k: v for k, v in json.loads(row["facts"]).items() if v not in UNTOLD or k not in facts}
        yield ServicePart(
            device=word["device"],
            address=seen[0]["address"],
            port=word["port"],
            transport=word["transport"],
            protocol=word["protocol"],
            vantage=Vantage(word["vantage"]),
            facts=facts,
            first_seen=min(row["first_seen"] for row in seen),
            last_seen=max(row["last_seen"] for row in seen),
        )


def _statements(db: Database, site: str) -> Iterable[StatementPart]:
    """What others say: the box, a person, Shodan, InternetDB."""
    order = "order by vantage, probe, port, protocol"
    where = f"where (vantage not in ('lan', 'outside') or port = 0) and {NOW} {order}"
    for row in db.query(f"select * from services {where}", [site]):  # noqa: S608
        facts = json.loads(row["facts"])
        said_at = facts.pop("stated_at", None) or row["last_seen"]
        yield StatementPart(
            who=row["probe"],
            vantage=Vantage(row["vantage"]),
            about=row["protocol"],
            device=row["device"],
            address=row["address"],
            port=row["port"],
            transport=row["transport"] if row["port"] else "",
            facts=facts,
            said_at=said_at,
            first_seen=row["first_seen"],
        )


def _findings(  # noqa: PLR0913, PLR0917 - what a finding is told with
    db: Database, site: str, started: str, changes: list[dict[str, Any]], catalogue: Catalogue, language: str
) -> list[FindingPart]:
    """What holds or is unverified, and what tonight proved gone; worst first."""
    replaced = {
        (row["previous"], row["device"], row["port"]) for row in changes if row["previous"] != row["rule"]
    }
    rows = db.query(f"select * from findings where id in ({STANDS})", {"site": site, "started": started})  # noqa: S608
    parts = [
        FindingPart(
            rule=row["rule"],
            severity=catalogue[row["rule"]].at(Exposure(row["exposure"])),
            device=row["device"],
            address=row["address"],
            port=row["port"],
            exposure=Exposure(row["exposure"]),
            status=Status(row["status"]),
            title=catalogue[row["rule"]].words[language].title,
            first_seen=row["first_seen"],
            last_seen=row["last_seen"],
            transport=row["transport"],
            vantage=Vantage(row["vantage"]),
            link=LinkPart(*astuple(led)) if (led := link(row)) else None,
            about=json.loads(row["about"]),
            before=None if row["ended"] else times(db, site, tuple(row[key] for key in PLACE)),
        )
        for row in rows
        if row["ended"] is None or (row["rule"], row["device"], row["port"]) not in replaced
    ]
    return sorted(parts, key=lambda part: (-part.severity.rank, part.address, part.port, part.rule))


def _exposures(db: Database, site: str, started: str) -> dict[tuple[str, str, int], Exposure]:
    """How exposed each finding is that holds, or was that ended tonight: a change is about one of them."""
    rows = db.query(
        f"select rule, device, port, exposure from findings where id in ({STANDS}) order by id",  # noqa: S608
        {"site": site, "started": started},
    )
    return {(row["rule"], row["device"], row["port"]): Exposure(row["exposure"]) for row in rows}


def _change(
    row: dict[str, Any],
    exposures: dict[tuple[str, str, int], Exposure],
    back: dict[tuple[str, str, int], Before | None],
    catalogue: Catalogue,
    language: str,
) -> ChangePart:
    rule = catalogue[row["rule"]]
    exposure = exposures.get((row["rule"], row["device"], row["port"]), Exposure.NOT_CHECKED)
    return ChangePart(
        kind=row["kind"],
        rule=row["rule"],
        severity=rule.at(exposure),
        device=row["device"],
        address=row["address"],
        port=row["port"],
        title=rule.words[language].title,
        previous=row["previous"],
        before=back.get((row["rule"], row["device"], row["port"])) if row["kind"] in NEWS else None,
    )


def _failures(db: Database, run: int) -> Iterable[FailurePart]:
    rows = db.query("select * from failures where run = ? order by rowid", [run])
    return (FailurePart(**{k: v for k, v in row.items() if k != "run"}) for row in rows)
