"""Which exploited holes does CISA list for what runs there? To be checked, never a finding. Pure.

CISA's catalogue (KEV) names products and no versions: that a product stands in it says nothing of the one
that runs here. So it is a line of the inventory, with the day of the list that it rests on. EPSS, the chance
that a hole is exploited within thirty days (https://api.first.org/epss), stands beside it and raises nothing.

Where it stops: what a distribution mends without a new number, what nobody vouches for and what a network
card alone hints at is left out. A system that fetches its mends itself has holes in the list every month:
that is told to the consultant, and not to the doctor. docs/lifecycle.md says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwatch.aging import UPSTREAM, hole_of, only_that, upstream
from netwatch.diff import at_internet
from netwatch.feeds.loading import KEV

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netwatch.aging import Whose
    from netwatch.feeds import Feeds, Known
    from netwatch.lifecycle import Product, Table
    from netwatch.model import Device, Fact, Facts, Run
    from netwatch.recognised import Recognised, Software

AUTOMATIC = UPSTREAM | {"macos"}  # they fetch their mends themselves where nobody forbids it
MOST = 5  # products of one device
Holes = Mapping[str, tuple["Known", ...]]  # by the slug of our table


@dataclass(frozen=True, slots=True)
class ToCheck:
    """What CISA lists for a product. `newest`: the hole that came into the list last. `ransomware`: how many
    of them extortionists are known to use. `chance`: the highest of them all, or None where none is known."""

    product: Product
    holes: int
    newest: Known
    ransomware: int
    chance: float | None
    for_consultant: bool


def told(run: Run, profiles: Mapping[Whose, Recognised], table: Table, data: Feeds) -> Run:
    """The run, with what is to be checked in its devices' profiles. Without a list nothing is added: that
    none was at hand is then told by what is missing."""
    if KEV not in data.dated:
        return run
    holes = by_product(data.kev, table)
    rests_on: Facts = {
        "check_list": data.dated[KEV].date().isoformat(),
        "check_stale": data.stale(KEV, run.finished),
    }

    def with_holes(device: Device) -> Device:
        profile = profiles.get((device.id, 0))
        if profile is None or at_internet(device.id):
            return device
        found = to_check(profile, table, holes, data.epss)
        return replace(device, profile={**device.profile, **rests_on, **dict(_flat(found))})

    return replace(run, devices=tuple(map(with_holes, run.devices)))


def by_product(listed: Iterable[Known], table: Table) -> Holes:
    """The holes of each product that the table knows, by the names that CISA uses."""
    found = defaultdict[str, list["Known"]](list)
    for hole in listed:
        if (product := hole_of(hole, table)) is not None:
            found[product.slug].append(hole)
    return {slug: tuple(holes) for slug, holes in found.items()}


def to_check(
    profile: Recognised, table: Table, holes: Holes, chances: Mapping[str, float]
) -> tuple[ToCheck, ...]:
    """What is to be checked there: first what everybody is told, then what extortionists use."""
    products = {product.slug: product for one in profile.software if (product := _sure(one, profile, table))}
    found = [
        _of(product, listed, chances)
        for product in products.values()
        if (listed := [hole for slug in _called(product, table) for hole in holes.get(slug, ())])
    ]
    found.sort(key=lambda one: (one.for_consultant, -one.ransomware, -one.holes, one.product.slug))
    return tuple(found[:MOST])


def _of(product: Product, listed: Sequence[Known], chances: Mapping[str, float]) -> ToCheck:
    return ToCheck(
        product,
        len(listed),
        max(listed, key=lambda hole: (hole.added, hole.cve)),
        sum(hole.ransomware for hole in listed),
        max((chances[hole.cve] for hole in listed if hole.cve in chances), default=None),
        product.slug in AUTOMATIC,
    )


def _sure(one: Software, profile: Recognised, table: Table) -> Product | None:
    """The product, where it is that and no other, and in its maker's own hands. No version is asked for."""
    product = table.named(one.product)
    if product is None or one.packaged or not only_that(one, table):
        return None
    return None if product.repackaged and not upstream(one, profile) else product


def _called(product: Product, table: Table) -> Iterator[str]:
    """Under which products of ours CISA may list it: a Windows may be a client or a server."""
    yield product.slug
    yield from product.of
    yield from (other.slug for other in table.products.values() if product.slug in other.of)


def _flat(found: Iterable[ToCheck]) -> Iterator[tuple[str, Fact]]:
    """As facts of a profile. A chance is told in whole percents."""
    for number, one in enumerate(found, start=1):
        told: Facts = {
            "product": one.product.name,
            "holes": one.holes,
            "newest": one.newest.cve,
            "added": one.newest.added.isoformat(),
            "ransomware": one.ransomware,
            "chance": None if one.chance is None else round(100 * one.chance),
            "for": "consultant" if one.for_consultant else "everybody",
        }
        yield from ((f"check_{number:02}_{key}", value) for key, value in told.items())
