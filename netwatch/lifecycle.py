"""How old is a product: does its maker still mend this version, and until when? The table is lifecycle.toml.

Pure, and offline. A maker counts in cycles (DSM 7.2, Windows build 19045); a version belongs to the longest
cycle that begins it. Three verdicts are never mixed: support ended on a day (a fact of the table), older than
the last safe version (a page says that a hole below it is critical or exploited), and unknown.

Where it stops: what is not in the table is unknown, and never up to date. A distribution mends a package
without a new number, so that upstream's end says nothing of it. One Windows build is several editions: an end
is told where it is the end of them all. docs/lifecycle.md says what each word means.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwatch.versions import compare, is_version, surely_earlier, tokens, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STALE = timedelta(days=45)  # what was checked longer ago is told with a warning
SOON = timedelta(days=180)  # an end so near is worth a plan
SAME = ("cycle", "edition", "extended", "last_safe", "safe_source", "source", "checked")  # of Cycle and Age
BUILD = 10_000  # a Windows version that begins so high is a build without its 10.0


class State(StrEnum):
    """What the table says of a version."""

    SUPPORTED = "supported"
    ENDING = "ending"  # supported, and not for longer than SOON
    ENDED = "ended"  # its maker mends it no more, whatever the edition
    UNSAFE = "unsafe"  # older than the last safe version; `until` says whether support ended as well
    UNKNOWN = "unknown"


class Why(StrEnum):
    """Why it is unknown."""

    NO_PRODUCT = "no-product"  # not in the table
    NO_VERSION = "no-version"  # none was told, or none that can be read
    NOT_LISTED = "not-listed"  # no cycle of the table holds it
    NEWER = "newer"  # above every cycle of the table
    NO_DATE = "no-date"  # the cycle is known, and its end is not
    PACKAGED = "packaged"  # a distribution's package: the distribution's own end counts
    PERHAPS_PACKAGED = "perhaps-packaged"  # a product that distributions carry, and nothing says who built it
    EDITION = "edition"  # ended for the ordinary edition, and not for one that lasts longer


@dataclass(frozen=True, slots=True)
class Product:
    """`of`: the products whose cycles it has (a Windows may be a client or a server). `feed`: its name at
    endoflife.date, where that counts as we do. `repackaged`: distributions carry it. `builds`: its versions
    may be written without the 10.0 before the build."""

    slug: str
    name: str
    maker: str
    aliases: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    feed: str | None = None
    repackaged: bool = False
    builds: bool = False

    @property
    def names(self) -> frozenset[str]:
        """All that it is called, in lower case."""
        return frozenset(map(str.casefold, (self.slug, self.name, *self.aliases)))


@dataclass(frozen=True, slots=True)
class Cycle:
    """`eol`: the last day on which it is mended for nothing; True and False where only that is known, None
    where nothing is. `extended`: until when it is mended for those who pay. `checked`: when the source was
    read. Of several editions of a cycle the first is the ordinary one, and no other ends before it."""

    product: str
    cycle: str
    eol: date | bool | None
    source: str
    checked: date
    edition: str = ""
    extended: date | None = None
    last_safe: str | None = None
    safe_source: str | None = None

    def ended(self, today: date) -> bool:
        """Is it over? Its last day is not."""
        return self.eol < today if isinstance(self.eol, date) else self.eol is True


@dataclass(frozen=True, slots=True)
class Age:
    """A verdict. `until`: the last day of support, past or to come. `otherwise`: where `why` is `edition` or
    `perhaps-packaged`, what it is if it is the ordinary edition, or the maker's own build. `stale`: the
    source was read longer than STALE ago."""

    state: State
    why: Why | None = None
    otherwise: State | None = None
    product: str = ""
    cycle: str | None = None
    edition: str = ""
    until: date | None = None
    extended: date | None = None
    last_safe: str | None = None
    safe_source: str | None = None
    source: str | None = None
    checked: date | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The products by slug, and their cycles in the order of the file."""

    products: Mapping[str, Product]
    cycles: Mapping[str, tuple[Cycle, ...]]

    @classmethod
    def load(cls) -> Table:
        """The table that is shipped. Raises ValueError naming the entry that is wrong."""
        return parsed(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

    @classmethod
    def of(cls, products: Iterable[Product], cycles: Iterable[Cycle]) -> Table:
        """A table of these."""
        known = {one.slug: one for one in products}
        told = tuple(cycles)
        return cls(known, {slug: tuple(one for one in told if one.product == slug) for slug in known})

    @property
    def feeds(self) -> tuple[str, ...]:
        """The names at endoflife.date of all that can be refreshed; the same for every practice."""
        return tuple(sorted(one.feed for one in self.products.values() if one.feed))

    def named(self, text: str) -> Product | None:
        """The product of this slug, name or alias, in whatever case."""
        wanted = text.casefold().strip()
        return next((one for one in self.products.values() if wanted in one.names), None)

    def judge(
        self,
        product: str,
        version: str | None,
        today: date,
        *,
        packaged: bool = False,
        upstream: bool = False,
    ) -> Age:
        """How old this version is. `product`: a slug or an alias. `packaged`: it is known to be a package of
        a distribution. `upstream`: it is known to be the maker's own build, such as on Windows."""
        if (known := self.named(product)) is None:
            return Age(State.UNKNOWN, Why.NO_PRODUCT)
        if version is None or not tokens(version):
            return Age(State.UNKNOWN, Why.NO_VERSION, product=known.slug)
        if packaged:
            return Age(State.UNKNOWN, Why.PACKAGED, product=known.slug)
        said = _with_10_0(version) if known.builds else version
        mine = [one for slug in (*known.of, known.slug) for one in self.cycles.get(slug, ())]
        found = _holding(said, mine)
        if not found:
            newer = bool(mine) and all(compare(said, one.cycle) == 1 for one in mine)
            return Age(State.UNKNOWN, Why.NEWER if newer else Why.NOT_LISTED, product=known.slug)
        age = replace(_aged(found, said, today), product=known.slug)
        if known.repackaged and not upstream:
            otherwise = None if age.state is State.UNKNOWN else age.state
            return replace(age, state=State.UNKNOWN, why=Why.PERHAPS_PACKAGED, otherwise=otherwise)
        return age

    def with_feed(self, cycles: Iterable[Cycle]) -> Table:
        """The table with the end that a newer source tells of each cycle, and with the cycles that we lack.

        `cycles`: their `product` is a name of `feeds`. What only we know (the last safe version) stays; a
        source that does not know the end, or that is not newer, changes nothing.
        """
        slugs = {one.feed: one.slug for one in self.products.values() if one.feed}
        known = {slug: {tokens(one.cycle): one for one in self.cycles[slug]} for slug in slugs.values()}
        for told in cycles:
            slug, key = slugs.get(told.product), tokens(told.cycle)
            if slug is None or told.eol is None or not key:
                continue
            mine = known[slug].setdefault(key, replace(told, product=slug, edition=""))
            if told.checked > mine.checked:
                known[slug][key] = replace(mine, eol=told.eol, source=told.source, checked=told.checked)
        fresh = {slug: tuple(one.values()) for slug, one in known.items()}
        return Table(self.products, {**self.cycles, **fresh})


def parsed(text: str) -> Table:
    """A table written as lifecycle.toml is. Raises ValueError naming the entry that is wrong."""
    data = tomllib.loads(text)
    _refuse("the file", [f"{key}: nobody reads this" for key in data.keys() - {"product", "cycle"}])
    cycles = [_cycle(told) for told in data.get("cycle", ())]
    table = Table.of([_product(slug, told) for slug, told in data.get("product", {}).items()], cycles)
    for product in table.products.values():
        _refuse(f"[product.{product.slug}]", _odd_product(product, table))
    for at, one in enumerate(cycles):
        above = [other for other in cycles[:at] if other.product == one.product]
        orphan = [] if one.product in table.products else ["product: not in the table"]
        _refuse(f"[[cycle]] {one.product} {one.cycle}", orphan + _odd_cycle(one, above))
    return table


def _holding(version: str, cycles: Sequence[Cycle]) -> list[Cycle]:
    """The longest cycle that begins this version: its editions, the ordinary one first."""
    held = [one for one in cycles if within(version, one.cycle)]
    longest = max((len(tokens(one.cycle)) for one in held), default=0)
    return [one for one in held if len(tokens(one.cycle)) == longest]


def _aged(editions: Sequence[Cycle], version: str, today: date) -> Age:
    """The verdict on one cycle. An end that is told is true of every edition, and so is support."""
    ordinary, state, why, otherwise = editions[0], State.SUPPORTED, None, None
    if all(one.ended(today) for one in editions):
        state = State.ENDED
        ordinary = max(editions, key=lambda one: one.eol if isinstance(one.eol, date) else date.min)
    elif ordinary.ended(today):
        state, why, otherwise = State.UNKNOWN, Why.EDITION, State.ENDED
    elif ordinary.eol is None:
        state, why = State.UNKNOWN, Why.NO_DATE
    elif isinstance(ordinary.eol, date) and ordinary.eol - today <= SOON:
        state = State.ENDING
    if ordinary.last_safe and surely_earlier(version, ordinary.last_safe):
        state, why, otherwise = State.UNSAFE, None, None
    told = {key: getattr(ordinary, key) for key in SAME}
    until = ordinary.eol if isinstance(ordinary.eol, date) else None
    return Age(state, why, otherwise, until=until, stale=today - ordinary.checked > STALE, **told)


def _with_10_0(version: str) -> str:
    """19045.4780 as Windows itself writes it."""
    first = tokens(version)[0]
    return f"10.0.{version}" if isinstance(first, int) and first >= BUILD else version


def _product(slug: str, told: Mapping[str, Any]) -> Product:
    """One [product.slug]."""
    wanted = {"name": str, "maker": str, "aliases": list, "of": list, "feed": str, "repackaged": bool}
    _refuse(f"[product.{slug}]", _odd(told, {**wanted, "builds": bool}, {"name", "maker"}))
    lists = {key: tuple(map(str, told.get(key, ()))) for key in ("aliases", "of")}
    return Product(slug, **{**told, **lists})


def _cycle(told: Mapping[str, Any]) -> Cycle:
    """One [[cycle]]. `eol = "unknown"` is None."""
    wanted = {**dict.fromkeys(("product", *SAME), str), "eol": (date, bool, str)}
    wanted |= {"checked": date, "extended": date}
    odd = _odd(told, wanted, {"product", "cycle", "eol", "source", "checked"})
    if not odd and (told["eol"] is True or (isinstance(told["eol"], str) and told["eol"] != "unknown")):
        odd.append('eol: a date, false or "unknown"')
    _refuse(f"[[cycle]] {told.get('product')} {told.get('cycle')}", odd)
    return Cycle(**{**told, "eol": None if told["eol"] == "unknown" else told["eol"]})


def _odd(told: Mapping[str, Any], wanted: Mapping[str, Any], needed: set[str]) -> list[str]:
    """What is wrong with the keys and the kinds of their values. A moment is not a date."""
    odd = [f"{key}: nobody reads this" for key in told if key not in wanted]
    odd += [f"{key}: missing" for key in sorted(needed - told.keys())]
    return odd + [
        f"{key}: not what it should be"
        for key, value in told.items()
        if key in wanted
        and (not isinstance(value, wanted[key]) or isinstance(value, datetime) or value == "")
    ]


def _odd_product(one: Product, table: Table) -> list[str]:
    """What is wrong with a product beside the others."""
    odd = [f"of: {slug} is not in the table" for slug in one.of if slug not in table.products]
    odd += [f"{name} is another product" for name in sorted(one.names) if table.named(name) is not one]
    if one.feed and any(cycle.edition for cycle in table.cycles[one.slug]):
        odd.append("feed: editions cannot be refreshed")
    return odd


def _odd_cycle(one: Cycle, before: Sequence[Cycle]) -> list[str]:
    """What is wrong with a cycle. `before`: the product's cycles above it."""
    same = [other for other in before if tokens(other.cycle) == tokens(one.cycle)]
    odd = [f"{key}: no version" for key in ("cycle", "last_safe") if not is_version(getattr(one, key) or "0")]
    if not all(told.startswith("https://") for told in (one.source, one.safe_source or one.source)):
        odd.append("source or safe_source: no https address")
    if (one.last_safe is None) != (one.safe_source is None):
        odd.append("last_safe and safe_source: one without the other")
    if any(other.edition == one.edition for other in same):
        odd.append("edition: twice")
    if same and isinstance(same[0].eol, date) and isinstance(one.eol, date) and one.eol < same[0].eol:
        odd.append("eol: before the ordinary edition's, which comes first")
    return odd


def _refuse(place: str, odd: Sequence[str]) -> None:
    if odd:
        reason = f"lifecycle.toml: {place}: {'; '.join(odd)}"
        raise ValueError(reason)
