"""What was known before tonight? Rows become dataclasses here."""

from __future__ import annotations

import json
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from netwatch.diff import SAID, Picture
from netwatch.model import Device, Exposure, Finding, Link, Observation, Status, Vantage
from netwatch.opening import VAGUE
from netwatch.portset import PortSet
from netwatch.slices import Round

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database


DESK = "desk."  # begins what is no site, but whom all sites are told of; no slug of a site has a point
NOW = "site = (select id from sites where slug = ?) and ended is null"
OF_SITE = "where site = (select id from sites where slug = :site) and"
# The findings that hold and those that were proved gone then. Two questions, for with an `or` SQLite goes
# through all that ever ended.
STANDS = " union all ".join(
    f"select id from findings {OF_SITE} ended {when}"  # noqa: S608
    for when in ("is null", "= :started and status = 'resolved'")
)
# The addresses on the internet that are ours, or of which something is told still.
INTERNET = "{0} >= 'p-' and {0} < 'p.'"
PRESENT = " union ".join(
    (
        f"select 'p-' || address from addresses {OF_SITE} ended is null",  # noqa: S608
        f"select device from services {OF_SITE} ended is null and {INTERNET.format('device')}",  # noqa: S608
        f"select device from findings where id in ({STANDS})",  # noqa: S608
    )
)
HOME = " union all ".join(f"select * from devices {OF_SITE} id {where}" for where in ("< 'p-'", ">= 'p.'"))  # noqa: S608


def devices(db: Database, site: str) -> tuple[Device, ...]:
    """Every device of the site, the last seen last; no address on the internet."""
    rows = sorted(_told(db.query(HOME, {"site": site})), key=lambda row: row["last_seen"])
    return tuple(
        Device(**{k: v for k, v in row.items() if k not in {"site", "first_seen", "last_seen"}})
        for row in rows
    )


def device_rows(db: Database, site: str, started: str) -> list[dict[str, Any]]:
    """Every device of the site, and its addresses on the internet, in the order of addresses. `started`: of
    the night that is told. Former addresses of which nothing is told are left out: where it changes every
    day, they would be thousands."""
    present = f"select * from devices {OF_SITE} {INTERNET.format('id')} and id in ({PRESENT})"  # noqa: S608
    return _told(db.query(f"{HOME} union all {present}", {"site": site, "started": started}))


def _told(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    known = [
        row | {"names": tuple(json.loads(row["names"])), "profile": json.loads(row["profile"])}
        for row in rows
    ]
    return sorted(known, key=lambda row: in_order(row["address"]))


def in_order(address: str) -> tuple[int, int]:
    """By family, then by number."""
    parsed = ip_address(address)
    return parsed.version, int(parsed)


def slugs(db: Database) -> tuple[str, ...]:
    """Of all sites, and of no desk."""
    known = (str(row["slug"]) for row in db.query("select slug from sites order by slug"))
    return tuple(slug for slug in known if not slug.startswith(DESK))


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
            link=link(row),
            about=json.loads(row["about"]),
        ): Status(row["status"])
        for row in db.query(f"select * from findings where {NOW}", [site])  # noqa: S608 - a constant
    }
    asked = db.query("select * from asked where site = (select id from sites where slug = ?)", [site])
    services = list(db.query(f"select * from services where {NOW}", [site]))  # noqa: S608
    known = next(db.query("select networks from sites where slug = ?", [site]), {"networks": "[]"})
    every = db.query("select id from devices where site = (select id from sites where slug = ?)", [site])
    return Picture(
        findings=findings,
        devices=frozenset(row["id"] for row in every),
        asked={(row["device"], row["probe"]): PortSet.parse(row["ports"]) for row in asked},
        facts={(row["device"], row["probe"], row["port"]): json.loads(row["facts"]) for row in services},
        networks=tuple(json.loads(known["networks"])),
        spoken={(row["device"], row["probe"], row["port"]): row["protocol"] for row in services},
        listed=frozenset((row["device"], row["probe"]) for row in services if row["vantage"] in SAID),
    )


def link(row: dict[str, Any]) -> Link | None:
    """Where it leads, as far as that is known."""
    known = row["link_device"]
    return Link(known, row["link_address"], row["link_port"], row["link_by"]) if known else None


def known(db: Database, site: str) -> tuple[Observation, ...]:
    """What was seen last of everything that is not proved gone."""
    rows = db.query(f"select * from services where {NOW} order by id", [site])  # noqa: S608 - a constant
    return tuple(
        Observation(
            probe=row["probe"],
            vantage=Vantage(row["vantage"]),
            device=row["device"],
            address=row["address"],
            port=row["port"],
            protocol=row["protocol"],
            facts=json.loads(row["facts"]),
            seen_at=_when(row),
            transport=row["transport"],
            proved=bool(row["proved"]),
        )
        for row in rows
    )


def _when(row: dict[str, Any]) -> datetime:
    """When it was seen last; what others say has their own date."""
    stated = json.loads(row["facts"]).get("stated_at")
    return datetime.fromisoformat(stated if isinstance(stated, str) else row["last_seen"])


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
    heard = "proved = 1 and transport = 'tcp' and protocol not in ('unknown', 'nmap')"
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
