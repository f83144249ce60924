"""Which holes are known to be exploited? CISA's catalogue, KEV (CC0): in one document, or in its mirror.

The shape is CISA's JSON schema, known_exploited_vulnerabilities_schema.json of
https://github.com/cisagov/kev-data. cisa.gov refuses whole networks (issue 45099 of
https://github.com/fleetdm/fleet), so that the mirror, which CISA's people copy by hand and which may lag
(issue 4 of kev-data), is asked where cisa.gov cannot be had.

Where it stops: KEV names no versions. A product that is in it is to be checked, and not therefore vulnerable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from netwatch.feeds.reading import cve, day, rows, strange, table
from netwatch.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

WHO = "CISA KEV"
URLS = (
    "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
    "https://raw.githubusercontent.com/cisagov/kev-data/develop/known_exploited_vulnerabilities.json",
)
MOST = 8_000_000  # bytes; in February 2025 it had 1,280 holes of some 900 bytes each
MOST_ENTRIES = 20_000
RANSOMWARE = "Known"  # the other word is "Unknown"
LONGEST = 120  # characters of a maker or product


@dataclass(frozen=True, slots=True)
class Known:
    """A hole that is exploited. `maker`, `product`, `name`: CISA's words. `added`: to the catalogue.
    `ransomware`: extortionists are known to use it."""

    cve: str
    maker: str
    product: str
    name: str
    added: date
    ransomware: bool


def read(told: object) -> tuple[Known, ...]:
    """The holes, in the catalogue's order. What is not understood is left out; OutsideError where it is
    half."""
    entries = rows(told, "vulnerabilities", MOST_ENTRIES, WHO)
    found: dict[str, Known] = {}
    understood = 0
    for entry in entries:
        if (known := _known(entry)) is not None:
            understood += 1
            found.setdefault(known.cve, known)
    if 2 * understood <= len(entries):
        raise strange(WHO)
    return tuple(found.values())


def released(told: object) -> datetime:
    """When this issue of the catalogue was released. Raises OutsideError where it does not say."""
    text = table(told).get("dateReleased")
    try:
        found = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise strange(WHO) from None
    if day(f"{found:%Y-%m-%d}") is None:  # far from where an offset leads out of the calendar
        raise strange(WHO)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def written(entries: Iterable[Known], at: datetime) -> dict[str, Any]:
    """The same in their shape, for `read` and `released`, with what we need and no more."""
    return {
        "dateReleased": at.isoformat(),
        "vulnerabilities": [
            {
                "cveID": one.cve,
                "vendorProject": one.maker,
                "product": one.product,
                "vulnerabilityName": one.name,
                "dateAdded": str(one.added),
                "knownRansomwareCampaignUse": RANSOMWARE if one.ransomware else "Unknown",
            }
            for one in entries
        ],
    }


def _known(entry: dict[str, Any]) -> Known | None:
    number, added = cve(entry.get("cveID")), day(entry.get("dateAdded"))
    maker, product = _text(entry.get("vendorProject")), _text(entry.get("product"))
    name = _text(entry.get("vulnerabilityName"), 2 * LONGEST)
    if number is None or added is None or maker is None or product is None:
        return None
    ransomware = entry.get("knownRansomwareCampaignUse") == RANSOMWARE
    return Known(number, maker, product, name or product, added, ransomware)


def _text(told: object, most: int = LONGEST) -> str | None:
    return plain(told, most) if isinstance(told, str) else None
