"""What was known, and what does the last night look like? Rows become dataclasses here."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from netwatch.diff import UNTOLD, Picture
from netwatch.document import (
    ChangePart,
    CoveragePart,
    DevicePart,
    Document,
    FailurePart,
    FindingPart,
    RoundPart,
    RunPart,
    ServicePart,
)
from netwatch.model import Device, Exposure, Finding, Round, Status, Vantage
from netwatch.opening import VAGUE
from netwatch.portset import PortSet
from netwatch.store.writing import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database

    from netwatch.words import Catalogue

NOW = "site = (select id from sites where slug = ?) and ended is null"


def devices(db: Database, site: str) -> tuple[Device, ...]:
    """Every device of the site, the last seen last."""
    rows = sorted(_device_rows(db, site), key=lambda row: row["last_seen"])
    return tuple(
        Device(**{k: v for k, v in row.items() if k not in {"site", "first_seen", "last_seen"}})
        for row in rows
    )


def _device_rows(db: Database, site: str) -> list[dict[str, Any]]:
    rows = db.query("select * from devices where site = (select id from sites where slug = ?)", [site])
    known = [row | {"names": tuple(json.loads(row["names"]))} for row in rows]
    return sorted(known, key=lambda row: tuple(int(part) for part in row["address"].split(".")))


def picture(db: Database, site: str) -> Picture:
    """What was known before tonight."""
    findings = {
        Finding(
            rule=row["rule"],
            device=row["device"],
            port=row["port"],
            transport=row["transport"],
            probe=row["probe"],
            address=row["address"],
            vantage=Vantage(row["vantage"]),
            exposure=Exposure(row["exposure"]),
        ): Status(row["status"])
        for row in db.query(f"select * from findings where {NOW}", [site])  # noqa: S608 - a constant
    }
    asked = db.query("select * from asked where site = (select id from sites where slug = ?)", [site])
    services = list(db.query(f"select * from services where {NOW}", [site]))  # noqa: S608
    known = next(db.query("select networks from sites where slug = ?", [site]), {"networks": "[]"})
    return Picture(
        findings=findings,
        devices=frozenset(device.id for device in devices(db, site)),
        asked={(row["device"], row["probe"]): PortSet.parse(row["ports"]) for row in asked},
        facts={(row["device"], row["probe"], row["port"]): json.loads(row["facts"]) for row in services},
        networks=tuple(json.loads(known["networks"])),
        spoken={(row["device"], row["probe"], row["port"]): row["protocol"] for row in services},
    )


def rounds(db: Database, site: str) -> dict[str, Round]:
    """How far each device's way through the whole range of ports has come."""
    rows = db.query(
        "select * from rounds where site = (select id from sites where slug = ?) order by device", [site]
    )
    return {
        row["device"]: Round(
            row["device"],
            datetime.fromisoformat(row["began"]),
            row["done"],
            datetime.fromisoformat(row["usual"]) if row["usual"] else None,
        )
        for row in rows
    }


def open_ports(db: Database, site: str) -> dict[str, frozenset[int]]:
    """The ports that were open when last asked, by device."""
    return _by_device(db.query(f"select device, port from services where probe = 'sweep' and {NOW}", [site]))  # noqa: S608


def clear_ports(db: Database, site: str) -> dict[str, frozenset[int]]:
    """The ports that spoke DICOM in clear when last asked, by device."""
    spoke = "protocol = 'dicom' and json_extract(facts, '$.tls') = 0 and facts like '%\"association\"%'"
    return _by_device(db.query(f"select device, port from services where {spoke} and {NOW}", [site]))  # noqa: S608


def spoken(db: Database, site: str) -> dict[str, dict[int, str]]:
    """What each TCP port was last heard to speak, by device."""
    heard = "proved = 1 and transport = 'tcp' and protocol <> 'unknown'"
    found: dict[str, dict[int, str]] = {}
    for row in db.query(
        f"select device, port, protocol from services where {heard} and {NOW} order by last_seen, id",  # noqa: S608
        [site],
    ):
        mine = found.setdefault(row["device"], {})
        if row["protocol"] not in VAGUE or row["port"] not in mine:
            mine[row["port"]] = row["protocol"]
    return found


def _by_device(rows: Iterable[dict[str, Any]]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for row in rows:
        found.setdefault(row["device"], set()).add(row["port"])
    return {device: frozenset(ports) for device, ports in found.items()}


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
    exposures = _exposures(db, site)
    changes = list(db.query("select * from changes where run = ? order by rowid", [run["id"]]))
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
            DevicePart(**{k: v for k, v in row.items() if k != "site"}) for row in _device_rows(db, site)
        ),
        services=tuple(_services(db, site)),
        findings=tuple(_findings(db, site, run["started"], changes, catalogue, language)),
        changes=tuple(_change(row, exposures, catalogue, language) for row in changes),
        failures=tuple(_failures(db, run["id"])),
        coverage=tuple(
            CoveragePart(probe, vantage, device, address, ports, outcome, detail)
            for probe, vantage, device, address, ports, outcome, detail in json.loads(run["body"])
        ),
        rounds=tuple(
            RoundPart(one.device, stamp(one.began), len(PortSet.parse(one.done)))
            for one in rounds(db, site).values()
        ),
    )


def _services(db: Database, site: str) -> Iterable[ServicePart]:
    """Open ports, each with what every probe learnt of it, last answers first proved."""
    where = f"where {NOW} order by device, port, transport, vantage, probe = 'sweep' desc, proved"
    rows = db.query(f"select * from services {where}", [site])  # noqa: S608
    for _, group in groupby(rows, key=lambda r: (r["device"], r["port"], r["transport"], r["vantage"])):
        seen = list(group)
        told = [row for row in seen if row["proved"] and row["protocol"] != "unknown"]
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


def _findings(  # noqa: PLR0913, PLR0917 - what a finding is told with
    db: Database, site: str, started: str, changes: list[dict[str, Any]], catalogue: Catalogue, language: str
) -> Iterable[FindingPart]:
    """What holds or is unverified, and what tonight proved gone; worst first."""
    replaced = {
        (row["previous"], row["device"], row["port"]) for row in changes if row["previous"] != row["rule"]
    }
    rows = db.query(
        "select * from findings where site = (select id from sites where slug = ?) "
        "and (ended is null or ended = ?)",
        [site, started],
    )
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
        )
        for row in rows
        if row["ended"] is None or (row["rule"], row["device"], row["port"]) not in replaced
    ]
    return sorted(parts, key=lambda part: (-part.severity.rank, part.address, part.port, part.rule))


def _exposures(db: Database, site: str) -> dict[tuple[str, str, int], Exposure]:
    """How exposed each finding was when it was last seen."""
    rows = db.query(
        "select rule, device, port, exposure from findings "
        "where site = (select id from sites where slug = ?) order by id",
        [site],
    )
    return {(row["rule"], row["device"], row["port"]): Exposure(row["exposure"]) for row in rows}


def _change(
    row: dict[str, Any],
    exposures: dict[tuple[str, str, int], Exposure],
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
    )


def _failures(db: Database, run: int) -> Iterable[FailurePart]:
    rows = db.query("select * from failures where run = ? order by rowid", [run])
    return (FailurePart(**{k: v for k, v in row.items() if k != "run"}) for row in rows)
