"""Until when is each version supported? endoflife.date, API v1: all its products in one document.

One request for everything (/products/full; in March 2023 696 kB, packed 82 kB, says its issue 2530): nobody
learns from it which products are wanted. The shape is read in the site's own generator,
_plugins/generate-api-v1.rb and product-data-enricher.rb of https://github.com/endoflife-date/endoflife.date.
The day in `eolFrom` is still supported there. Paid or later extensions (`eoesFrom`) are not read.

Where it stops: which of our products a slug is, and which cycle a version belongs to, is lifecycle.py's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from netwatch.errors import OutsideError
from netwatch.feeds.reading import day, rows, strange, table
from netwatch.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

WHO = "endoflife.date"
URL = "https://endoflife.date/api/v1/products/full"
PAGE = "https://endoflife.date/"
MOST = 8_000_000  # bytes
MOST_PRODUCTS, MOST_CYCLES, MOST_ALIASES = 5_000, 500, 50
SLUG = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}")
OLD = timedelta(days=31)
LONGEST = 60  # characters of a cycle's name or a version


@dataclass(frozen=True, slots=True)
class Cycle:
    """A line of versions of one product. `product`: the slug that was wanted. `eol`: the last day of
    support; True: it has ended; False: it has not; None: nobody knows. `latest`: its newest version.
    `source`: the page that says so. `checked`: when it was last told to us."""

    product: str
    cycle: str
    eol: date | bool | None
    latest: str | None
    source: str
    checked: date


def read(told: object, checked: date, wanted: Iterable[str] | None = None) -> tuple[Cycle, ...]:
    """The cycles of the wanted products, or of all. A slug may also be one of a product's aliases: that is
    how the site renames. What is not understood is left out; OutsideError where nothing of what was wanted
    is there."""
    products = rows(told, "result", MOST_PRODUCTS, WHO)
    chosen = _chosen(products, wanted)
    cycles = tuple(cycle for slug, product in chosen for cycle in _cycles(slug, product, checked))
    if wanted is not None and not cycles:
        raise strange(WHO)
    return cycles


def _chosen(products: list[dict[str, Any]], wanted: Iterable[str] | None) -> list[tuple[str, dict[str, Any]]]:
    """The wanted products, each with the slug that it was wanted by; all by their own."""
    known: dict[str, dict[str, Any]] = {}
    for product in products:
        known.setdefault(_slug(product.get("name")), product)
    for product in products:
        for alias in _aliases(product):
            known.setdefault(alias, product)
    slugs = [_slug(one.get("name")) for one in products] if wanted is None else sorted(set(wanted))
    return [(slug, known[slug]) for slug in dict.fromkeys(slugs) if slug and slug in known]


def written(cycles: Iterable[Cycle]) -> dict[str, Any]:
    """The same in their shape, for `read`, with what we need and no more."""
    products: dict[str, list[dict[str, Any]]] = {}
    for one in cycles:
        release: dict[str, Any] = {"name": one.cycle, "latest": {"name": one.latest}}
        release |= {"isEol": one.eol} if isinstance(one.eol, bool) else {}
        release |= {"eolFrom": str(one.eol)} if one.eol and one.eol is not True else {}
        products.setdefault(one.product, []).append(release)
    return {"result": [{"name": name, "releases": releases} for name, releases in products.items()]}


def _cycles(slug: str, product: dict[str, Any], checked: date) -> Iterator[Cycle]:
    seen = set()
    try:
        releases = rows(product, "releases", MOST_CYCLES, WHO)
    except OutsideError:
        return
    for release in releases:
        cycle = _text(release.get("name"))
        if cycle is None or cycle in seen:
            continue
        seen.add(cycle)
        latest = _text(table(release.get("latest")).get("name"))
        yield Cycle(slug, cycle, _eol(release, checked), latest, PAGE + slug, checked)


def _eol(release: dict[str, Any], checked: date) -> date | bool | None:
    """The date counts. None where it is no date, or where the two contradict each other: a page may be some
    days old, and no more."""
    ended, since = release.get("isEol"), release.get("eolFrom")
    if since is None:
        return ended if isinstance(ended, bool) else None
    found = day(since)
    if found is None or (ended is True and found > checked) or (ended is False and found < checked - OLD):
        return None
    return found


def _slug(told: object) -> str:
    return told if isinstance(told, str) and SLUG.fullmatch(told) else ""


def _aliases(product: dict[str, Any]) -> list[str]:
    told = product.get("aliases")
    return list(filter(None, map(_slug, told[:MOST_ALIASES]))) if isinstance(told, list) else []


def _text(told: object) -> str | None:
    return plain(told, LONGEST) if isinstance(told, str) else None
