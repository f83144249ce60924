"""How do we read a document that may be anything? Bounded, and None or nothing where it is not what it
should be.

Where it stops: what a document means is known by endoflife.py, kev.py and epss.py.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any, NoReturn

from netwatch.errors import OutsideError
from netwatch.model import Reason

MOST_VALUES = 1_000_000  # of a document: each takes some 60 bytes of memory, however short it is written
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")  # as in CISA's JSON schema of KEV


def parsed(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """What this JSON says; None where it is none, is not UTF-8, nests too deep, holds too much, or a number
    of more than 4,300 digits (Python's own limit)."""
    if sum(map(body.count, b"[{,:")) > MOST_VALUES:
        return None
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(name: str) -> NoReturn:
    """NaN and the infinities are Python's, and not JSON's (RFC 8259, 6)."""
    raise ValueError(name)


def table(told: object) -> dict[str, Any]:
    """It, where it is an object; else an empty one."""
    return told if isinstance(told, dict) else {}


def rows(told: object, key: str, most: int, who: str) -> list[dict[str, Any]]:
    """The objects of the list that stands under this key. Raises OutsideError where there is no list, where
    it is longer than `most`, or where more than half of it are no objects."""
    found = table(told).get(key)
    if not isinstance(found, list) or len(found) > most:
        raise strange(who)
    objects = [one for one in found if isinstance(one, dict)]
    if 2 * len(objects) < len(found):
        raise strange(who)
    return objects


def day(told: object) -> date | None:
    """`2026-11-30`, of this or the last century; None for whatever else was told."""
    if not isinstance(told, str) or not DAY.fullmatch(told):
        return None
    try:
        found = date.fromisoformat(told)
    except ValueError:
        return None
    return found if 1950 <= found.year <= 2199 else None  # noqa: PLR2004 - else it is a slip or a placeholder


def cve(told: object) -> str | None:
    """`CVE-2024-3094`, or None."""
    return told if isinstance(told, str) and CVE.fullmatch(told) else None


def strange(who: str) -> OutsideError:
    """The document has not the shape that it should have."""
    return OutsideError("others.not-understood", Reason.PROTOCOL, who=who)
