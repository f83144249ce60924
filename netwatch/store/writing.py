"""How does a run become rows? Every function is called inside the transaction of Store.record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from netwatch.diff import LISTING, WHOLE
from netwatch.document import port_list
from netwatch.model import LIVENESS, Outcome, Status
from netwatch.portset import PortSet
from netwatch.store import years

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlite_utils import Database

    from netwatch.diff import Night
    from netwatch.model import Coverage, Finding, Observation, Run


SEEN = ", address = :address, last_seen = :now"
GONE = ", ended = :now"
HERE = (
    "where site = :site and rule = :rule and device = :device and port = :port "
    "and transport = :transport and ended is null"
)


def stamp(moment: datetime) -> str:
    """UTC, seconds, a final Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def site(db: Database, slug: str, name: str, language: str, file: str | None) -> None:
    """The site's row; a file that is not told leaves the one that is known."""
    db.execute(
        "insert into sites (slug, name, language, file) values (?, ?, ?, ?) "
        "on conflict (slug) do update set name = excluded.name, language = excluded.language, "
        "file = coalesce(excluded.file, file)",
        [slug, name, language, file],
    )


def site_number(db: Database, slug: str) -> int:
    """The site's row number."""
    return int(next(db.query("select id from sites where slug = ?", [slug]))["id"])


def run(db: Database, night: Run) -> int:
    """The run, its coverage (once per distinct text) and its failures; the run's row number."""
    number = site_number(db, night.site)
    row = db.execute(
        "insert into runs (uid, site, started, finished, complete, vantages, coverage, stopped, pace, audit) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning id",
        [
            night.id,
            number,
            stamp(night.started),
            stamp(night.finished),
            int(night.complete),
            json.dumps(night.vantages),
            text(db, json.dumps([_coverage_row(row) for row in night.coverage], separators=(",", ":"))),
            night.stopped,
            json.dumps(night.pace, sort_keys=True),
            int(night.audit),
        ],
    ).fetchone()[0]
    for failure in night.failures:
        db.execute(
            "insert into failures (run, probe, vantage, device, address, port, reason, detail) "
            "values (:run, :probe, :vantage, :device, :address, :port, :reason, :detail)",
            {"run": row} | asdict(failure),
        )
    _networks(db, number, night)
    years.note(db, number, night.vantages, stamp(night.finished))
    return int(row)


def _coverage_row(row: Coverage) -> list[object]:
    ports = port_list(row.ports)
    return [row.probe, row.vantage, row.device, row.address, ports, row.outcome, row.detail]


def text(db: Database, body: str) -> int:
    """The number of a text, which is kept once."""
    digest = hashlib.sha256(body.encode()).hexdigest()
    db.execute("insert or ignore into texts (digest, body) values (?, ?)", [digest, body])
    return int(next(db.query("select id from texts where digest = ?", [digest]))["id"])


def _networks(db: Database, number: int, night: Run) -> None:
    """Add tonight's networks to those ever looked at."""
    known = json.loads(next(db.query("select networks from sites where id = ?", [number]))["networks"])
    looked = {
        row.address for row in night.coverage if row.probe == "discovery" and row.outcome is Outcome.ANSWERED
    }
    if looked - set(known):
        every = json.dumps(sorted(looked | set(known)))
        db.execute("update sites set networks = ? where id = ?", [every, number])


def devices(db: Database, night: Run) -> None:
    """Tonight's devices, seen again or for the first time."""
    number = site_number(db, night.site)
    for device in night.devices:
        db.execute(
            "insert into devices (site, id, address, mac, vendor, names, kind, maker, model, version, "
            "left_alone, profile, first_seen, last_seen) "
            "values (:site, :id, :address, :mac, :vendor, :names, :kind, :maker, :model, :version, "
            ":left_alone, :profile, :now, :now) "
            "on conflict (site, id) do update set "
            "address = :address, mac = :mac, vendor = :vendor, names = :names, kind = :kind, "
            "maker = :maker, model = :model, version = :version, left_alone = :left_alone, "
            "profile = :profile, last_seen = :now",
            asdict(device)
            | {
                "site": number,
                "names": json.dumps(device.names),
                "profile": json.dumps(device.profile, sort_keys=True, ensure_ascii=False),
                "now": stamp(night.started),
            },
        )


def rounds(db: Database, night: Run) -> None:
    """How far each device's way through the whole range of ports has come."""
    number = site_number(db, night.site)
    for one in night.rounds:
        usual = stamp(one.usual) if one.usual else None
        db.execute(
            "insert into rounds (site, device, began, done, usual) values (?, ?, ?, ?, ?) "
            "on conflict (site, device) do update set "
            "began = excluded.began, done = excluded.done, usual = excluded.usual",
            [number, one.device, stamp(one.began), one.done, usual],
        )


def release(db: Database, slug: str, device: str) -> None:
    """A person has decided: this device is looked at again."""
    where = "where id = ? and site = (select id from sites where slug = ?)"
    db.execute(f"update devices set left_alone = null {where}", [device, slug])  # noqa: S608 - a constant


def services(db: Database, night: Run) -> None:
    """Each observation carries its interval on, or ends it and begins another; closed ports end theirs, and
    a whole list of forwards those that it has no more."""
    number, now = site_number(db, night.site), stamp(night.started)
    for seen in night.observations:
        if seen.probe == LIVENESS:
            continue  # it says what a device no longer is
        _carry(db, number, now, seen)
    for seen in night.observations:
        if seen.protocol == LISTING and seen.facts.get(LISTING) == WHOLE:
            db.execute(
                "update services set ended = ? where site = ? and device = ? and vantage = ? and probe = ? "
                "and protocol = 'forward' and ended is null and last_seen < ?",
                [now, number, seen.device, seen.vantage, seen.probe, now],
            )
    for row in night.coverage:
        if row.outcome is Outcome.CLOSED and row.device is not None:
            whose = ("tcp", "") if row.probe == "sweep" else ("udp", row.probe)
            db.execute(
                "update services set ended = ? where site = ? and device = ? and vantage = ? "
                "and transport = ? and (? in ('', probe)) and ended is null "
                "and port in (select value from json_each(?))",
                [now, number, row.device, row.vantage, *whose, json.dumps(row.ports)],
            )
        if row.device is not None and row.ports and _remembered(row):
            _ask(db, number, row)


def _carry(db: Database, number: int, now: str, seen: Observation) -> None:
    key = [number, seen.device, seen.port, seen.transport, seen.vantage, seen.probe]
    facts = json.dumps(seen.facts, sort_keys=True, ensure_ascii=False)
    same = (
        "update services set last_seen = ?, address = ? where site = ? and device = ? and port = ? "
        "and transport = ? and vantage = ? and probe = ? and ended is null "
        "and facts = ? and protocol = ? and proved = ?"
    )
    known = [facts, seen.protocol, int(seen.proved)]
    if db.execute(same, [now, seen.address, *key, *known]).rowcount:
        return
    db.execute(
        "update services set ended = ? where site = ? and device = ? and port = ? and transport = ? "
        "and vantage = ? and probe = ? and ended is null",
        [now, *key],
    )
    db.execute(
        "insert into services (site, device, port, transport, vantage, probe, facts, protocol, proved, "
        "address, first_seen, last_seen) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [*key, *known, seen.address, now, now],
    )


def _remembered(row: Coverage) -> bool:
    """Answers that count as "was asked before": see diff.Picture.asked."""
    settled = (
        {Outcome.CLOSED, Outcome.FILTERED} if row.probe == "sweep" else {Outcome.ANSWERED, Outcome.CLOSED}
    )
    return row.outcome in settled


def _ask(db: Database, number: int, row: Coverage) -> None:
    """Remember which ports were asked; nothing is written on a night that asked nothing new."""
    key = [number, row.device, row.probe]
    known = next(
        db.query("select ports from asked where site = ? and device = ? and probe = ?", key), {"ports": ""}
    )
    ports = str(PortSet.of(row.ports) | PortSet.parse(known["ports"]))
    if ports != known["ports"]:
        db.execute(
            "insert or replace into asked (site, device, probe, ports) values (?, ?, ?, ?)", [*key, ports]
        )


def findings(db: Database, night: Run, after: Night) -> None:
    """Each finding's interval: carried on, ended where it was proved gone, begun where it is new. One that
    nobody looked at tonight keeps its date; how exposed it is may be known better by now."""
    number, now = site_number(db, night.site), stamp(night.started)
    for finding, status in after.findings.items():
        about = json.dumps(finding.about, sort_keys=True, ensure_ascii=False)
        key = (
            asdict(finding) | {"site": number, "status": status, "now": now, "about": about} | _link(finding)
        )
        seen = finding in night.findings and status is Status.OPEN
        updated = db.execute(
            "update findings set status = :status, exposure = :exposure, about = :about, "  # noqa: S608
            "link_device = :link_device, "
            "link_address = :link_address, link_port = :link_port, link_by = :link_by"
            f"{SEEN if seen else ''}{GONE if status is Status.RESOLVED else ''} {HERE}",
            key,
        )
        if seen and not updated.rowcount:
            db.execute(
                "insert into findings (site, rule, device, address, port, transport, probe, vantage, "
                "exposure, status, about, link_device, link_address, link_port, link_by, first_seen, "
                "last_seen) "
                "values (:site, :rule, :device, :address, :port, :transport, :probe, :vantage, :exposure, "
                ":status, :about, :link_device, :link_address, :link_port, :link_by, :now, :now)",
                key,
            )


def retire(db: Database, night: Run, devices: Iterable[str]) -> None:
    """Addresses on the internet that are the practice's no more: what was seen there is history."""
    number, now = site_number(db, night.site), stamp(night.started)
    for device in devices:
        for table in ("findings", "services"):
            db.execute(
                f"update {table} set ended = ? "  # noqa: S608
                "where site = ? and device = ? and ended is null and last_seen < ?",
                [now, number, device, now],
            )


def _link(finding: Finding) -> dict[str, str | int | None]:
    link = finding.link
    told = (link.device, link.address, link.port, link.by) if link else (None,) * 4
    return dict(zip(("link_device", "link_address", "link_port", "link_by"), told, strict=True))


def changes(db: Database, number: int, night: Night) -> None:
    """What moved, for `netwatch diff`."""
    for change in night.changes:
        finding = change.finding
        db.execute(
            "insert into changes (run, kind, rule, device, address, port, previous) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            [
                number,
                change.kind,
                finding.rule,
                finding.device,
                finding.address,
                finding.port,
                change.previous.rule if change.previous else None,
            ],
        )
