"""Which devices are there? The list that a consultant hands over, for a spreadsheet: one line a device.

Made for a spreadsheet that is opened with a double click, in the language of the site: a French one parts
columns at the semicolon and takes 22,80 for a number and 10-12 for a day, so that nothing here looks like
either. For a machine there is the JSON. What is not known is empty, but for the age, which says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.document import port_list
from reports import aged, gaps
from reports.checks import checks
from reports.checks import evidence as listed
from reports.devices import about, age, opened
from reports.evidence import confidence, others, sources
from reports.gaps import devices
from reports.phrase import ADDRESS, NAME, TEXT, Phrases, called, clean
from reports.spreadsheet import to_csv
from reports.verdict import by_address

if TYPE_CHECKING:
    from netwatch.document import DevicePart, Document

COLUMNS = (
    *("name", "other-names", "kind", "sure", "by", "maker", "model", "software"),
    *("age", "age-detail", "age-page", "age-read", "check", "check-list"),
    *("address", "card", "card-maker", "services", "ports", "first", "last", "alone", "otherwise", "id"),
)


def csv(document: Document, language: str) -> bytes:
    """The devices in the order of their addresses; the practice's addresses on the internet are none. UTF-8
    with the mark that spreadsheets know it by."""
    say = Phrases(language)
    heads = {column: say(f"inventory.{column}") for column in COLUMNS}
    known = sorted(devices(document), key=lambda one: by_address(one.address))
    rows = ({heads[key]: cell for key, cell in _row(say, document, one).items()} for one in known)
    return to_csv(tuple(heads.values()), rows, say("inventory.separator")).encode("utf-8-sig")


def _row(say: Phrases, document: Document, device: DevicePart) -> dict[str, str]:
    told, profile = about(document, device), device.profile
    word, detail = age(say, told)
    services, more = gaps.services(document, device), gaps.beside(document, device)
    software, version = aged.software(told), clean(device.version or "", NAME)
    return {
        "name": next(iter(called(device)), ""),
        "other-names": ", ".join(called(device)[1:]),
        "kind": say.word("phrase.kind", str(profile.get("kind") or device.kind)),
        "sure": confidence(say, device),
        "by": sources(say, profile["kind_by"]) if profile.get("kind_by") else "",
        "maker": clean(device.maker or "", NAME),
        "model": clean(device.model or "", NAME),
        "software": software or (say("devices.version", version=version) if version else ""),
        "age": word,
        "age-detail": detail,
        "age-page": clean(told.get("source") or "", 2 * TEXT),
        "age-read": _day(told.get("checked"), say("inventory.old") if told.get("stale") is True else ""),
        "check": " ".join(listed(say, one) for one in checks(profile)),
        "check-list": _day(
            profile.get("check_list"), say("inventory.old") if profile.get("check_stale") is True else ""
        ),
        "address": ", ".join(clean(one.address, ADDRESS) for one in (device, *more)),
        "card": ", ".join(clean(one.mac, ADDRESS) for one in (device, *more) if one.mac),
        "card-maker": clean(device.vendor or "", NAME),
        "services": ", ".join(opened(say, services)),
        "ports": _ports(tuple({one.port for one in services})),
        "first": say.moments.sortable(device.first_seen),
        "last": say.moments.sortable(device.last_seen),
        "alone": say.moments.sortable(device.left_alone) if device.left_alone else "",
        "otherwise": "; ".join(f"{label}: {value}" for label, value in others(say, device)),
        "id": device.id,
    }


def _day(day: object, old: str) -> str:
    """`2026-11-01`, and that it is long ago."""
    return f"{clean(day or '', NAME)} {old}".strip()


def _ports(ports: tuple[int, ...]) -> str:
    """`22, 104` and then `105` behind a long dash: neither a number nor a day."""
    return port_list(ports).replace(",", ", ").replace("-", "\u2013")
