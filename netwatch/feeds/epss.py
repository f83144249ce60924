"""How likely is a hole to be exploited within thirty days? EPSS, asked for some holes at a time.

The shape and the limit of 2,000 characters are read at https://api.first.org/epss, where an answer also names
its own limit of 100 holes. Numbers are strings there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from netwatch.feeds.reading import cve, rows, strange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

WHO = "EPSS (FIRST)"
URL = "https://api.first.org/data/v1/epss"
MOST = 500_000  # bytes of one answer
LONGEST = 2_000  # characters of a query
AT_ONCE = 100  # holes in one answer
MOST_ASKED = 3_000  # holes altogether, and so thirty requests
MOST_KEPT = 20_000
CHANCE = re.compile(r"0(?:\.[0-9]{1,20})?|1(?:\.0{1,20})?")


def queries(wanted: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """These holes, once each and in their order, as many at a time as may be asked for at once."""
    batch: list[str] = []
    for one in list(dict.fromkeys(filter(cve, wanted)))[:MOST_ASKED]:
        if len(batch) == AT_ONCE or len(query((*batch, one))) > LONGEST:
            yield tuple(batch)
            batch = []
        batch.append(one)
    if batch:
        yield tuple(batch)


def query(batch: Iterable[str]) -> str:
    """The part of the address that names them."""
    return f"cve={','.join(batch)}"


def read(told: object, asked: Collection[str] | None = None) -> dict[str, float]:
    """The chance of each hole, from 0 to 1, of those that were asked for. OutsideError where half of what was
    told is not understood."""
    entries = rows(told, "data", MOST_KEPT, WHO)
    found = {}
    for entry in entries:
        number, chance = cve(entry.get("cve")), entry.get("epss")
        if number and isinstance(chance, str) and CHANCE.fullmatch(chance):
            found[number] = float(chance)
    if entries and 2 * len(found) <= len(entries):
        raise strange(WHO)
    return found if asked is None else {one: chance for one, chance in found.items() if one in asked}


def written(chances: Mapping[str, float]) -> dict[str, Any]:
    """The same in their shape, for `read`."""
    return {"data": [{"cve": one, "epss": f"{chance:.9f}"} for one, chance in sorted(chances.items())]}
