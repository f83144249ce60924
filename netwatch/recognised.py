"""What is said of a device, by whom, and what holds of it? The nouns, and how claims are weighed. Pure.

Every claim keeps its source and its words. Two sources that agree outrank one of the same confidence; those
that disagree are kept beside the one that holds, so that a report can show both. Evidence of a medical device
is never outvoted. Where it stops: it weighs what rules made of the answers (recognise.py), and reads none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from netwatch.opening import NMAP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

UNKNOWN = "unknown"
ANY_PORT = 65_536  # behind every port: what was told over none
MARKS = re.compile(r"[\W_]+")  # what stands between the parts of a name
# The most careful first: of those that weigh the same, the first is told. `medical`: by its network card or
# its ports, and no more is known of it.
MEDICAL = ("archive", "interface-engine", "medical-imaging", "medical")
KINDS = (
    *MEDICAL,
    "box",
    "nas",
    "printer",
    "camera",
    "phone",
    "access-point",
    "switch",
    "server",
    "workstation",
    "tv",
    "iot",
)


class Confidence(StrEnum):
    """How sure a rule is, the surest first."""

    CERTAIN = "certain"  # the product names itself
    LIKELY = "likely"  # a mark that others could bear
    HINT = "hint"  # the maker of a network card, a port: never outranks the two above

    @property
    def weight(self) -> int:
        """3, 2 or 1."""
        return _WEIGHT[self]


_WEIGHT = {Confidence.CERTAIN: 3, Confidence.LIKELY: 2, Confidence.HINT: 1}


@dataclass(frozen=True, slots=True)
class Claim:
    """One value, who says it (the word of a protocol, such as `ipp`) and in which words.

    `port`: where that was heard, 0 where there is none. `also`: further sources that say the same. `others`:
    of each other value that is claimed, its best claim.
    """

    value: str
    source: str
    text: str
    confidence: Confidence
    port: int = 0
    also: tuple[str, ...] = ()
    others: tuple[Claim, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Everybody who says so."""
        return (self.source, *self.also)


@dataclass(frozen=True, slots=True)
class Software:
    """A product with a life of its own that runs there: firmware, system or application. `product`: its slug,
    which lifecycle.toml shares.

    `packaged`: the version is in other hands, such as a distribution's, which mend without a new number.
    `at_least`: newer ones say the same number. `perhaps`: slugs of what says the same version without being
    that product. Of all three, upstream's end of life alone proves nothing.
    """

    product: str
    version: str | None
    claim: Claim
    packaged: bool = False
    at_least: bool = False
    perhaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who a device is. `kind` is `unknown` without evidence; the others are None without any.

    `product`: the slug of what the device is for; `version` is of that product and of no other; `system`: the
    slug of its operating system, or of the firmware that it has instead. `software`: all that was recognised.
    """

    kind: Claim
    maker: Claim | None = None
    model: Claim | None = None
    product: Claim | None = None
    version: Claim | None = None
    system: Claim | None = None
    names: tuple[Claim, ...] = ()
    software: tuple[Software, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a product. `equals` (lower case) or `like`: what the fact says; `never`: what it must not;
    `also`: what other facts of the same answer must say; `versions`: the facts that hold its version."""

    reads: tuple[tuple[str, str], ...]
    equals: tuple[str, ...] = ()
    like: re.Pattern[str] | None = None
    never: re.Pattern[str] | None = None
    also: tuple[tuple[str, re.Pattern[str]], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    product: str | None = None
    role: str = "firmware"
    kind: str | None = None
    maker: str | None = None
    model: str | None = None
    confidence: Confidence = Confidence.CERTAIN
    packaged: bool = False
    at_least: bool = False
    perhaps: tuple[str, ...] = ()
    unless: frozenset[str] = frozenset()


NOTHING = Claim(UNKNOWN, "", "", Confidence.HINT)


def weighed(claims: Iterable[Claim]) -> Claim | None:
    """The value that holds, with who else says so and what others say instead; whatever their order."""
    ranked = _ranked(_by_value(claims, _same))
    return _told(ranked) if ranked else None


def kind_of(claims: Iterable[Claim]) -> Claim:
    """As `weighed`, but a medical kind stands before any other, however sure the other is."""
    ranked = sorted(
        _ranked(_by_value(claims, str)),
        key=lambda one: (one.value not in MEDICAL, -_score(one), -len(one.also), _care(one.value)),
    )
    return _told(ranked) if ranked else NOTHING


def version_of(claims: Iterable[Claim]) -> Claim | None:
    """As `weighed`; 7.2 agrees with 7.2.1, which tells more."""
    told = tuple(claims)
    longest_first = sorted({one.value for one in told}, key=lambda value: (-len(value), value))

    def whole(value: str) -> str:
        return next(longer for longer in longest_first if _begins(longer, value))

    ranked = _ranked(_by_value(told, whole))
    return _told(ranked) if ranked else None


def software_of(heard: Iterable[Software]) -> tuple[Software, ...]:
    """Each product and version once, the surest first; a version says more than none."""
    best: dict[tuple[str, str | None], Software] = {}
    for one in heard:
        known = best.get((one.product, one.version))
        if known is None or _surest(one) < _surest(known):
            best[one.product, one.version] = one
    told = {one.product for one in best.values() if one.version}
    kept = [one for one in best.values() if one.version or one.product not in told]
    return tuple(sorted(kept, key=_surest))


def names_of(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Each name once, in order; `printer.local` is `printer`."""
    groups: dict[str, list[Claim]] = {}
    for claim in claims:
        key = claim.value.lower().removesuffix(".").removesuffix(".local")
        groups.setdefault(key, []).append(claim)
    told = []
    for key in sorted(groups):
        if len(groups[key]) == 1:
            told += groups[key]
            continue
        first = min(groups[key], key=lambda one: (len(one.value), one.value, one.source, one.port))
        also = tuple(sorted({one.source for one in groups[key]} - {first.source}))
        told.append(_with(first, also=also))
    return tuple(told)


def _surest(one: Software) -> tuple[int, str, str, int, str, bool, bool]:
    told = one.claim
    careful = (not one.packaged, not one.at_least)  # of two readings of one version, the careful one
    return (
        -told.confidence.weight,
        one.product,
        one.version or "",
        told.port or ANY_PORT,
        f"{told.source} {told.text}",
        *careful,
    )


def _begins(longer: str, shorter: str) -> bool:
    """Is the shorter one a beginning of the longer, up to where a part of it ends?"""
    rest = longer[len(shorter) :]
    return longer.startswith(shorter) and not re.match(r"[0-9A-Za-z]", rest)


@lru_cache(maxsize=4096)
def _same(value: str) -> str:
    """What two ways of writing one thing have in common: `HL-L2350DW series` is `HL-L2350DW`."""
    return MARKS.sub("", value.lower().removesuffix(" series")) or value


def _by_value(claims: Iterable[Claim], same: Callable[[str], str]) -> Iterable[list[Claim]]:
    """The claims of each value."""
    found: dict[str, list[Claim]] = {}
    for claim in claims:
        found.setdefault(same(claim.value), []).append(claim)
    return found.values()


def _order(claim: Claim) -> tuple[int, bool, int, str, int, str, str]:
    weight, guessed = -_WEIGHT[claim.confidence], claim.source == NMAP
    return (weight, guessed, -len(claim.value), claim.value, claim.port, claim.source, claim.text)


def _ranked(groups: Iterable[Sequence[Claim]]) -> list[Claim]:
    """One claim for each value, the one that holds first."""
    merged = [several[0] if len(several) == 1 else _voiced(several) for several in groups]
    if len(merged) > 1:
        merged.sort(key=lambda one: (-_score(one), -len(one.also), _order(one)))
    return merged


def _voiced(several: Sequence[Claim]) -> Claim:
    """The best of them, with the others who say so. Hints are heard where there is nothing else."""
    best = min(several, key=_order)
    also = {one.source for one in several if one.confidence is not Confidence.HINT} - {best.source}
    if not also and best.confidence is Confidence.HINT:
        also = {one.source for one in several} - {best.source}
    return _with(best, also=tuple(sorted(also))) if also else best


def _told(ranked: Sequence[Claim]) -> Claim:
    """The first, with the rest beside it."""
    return _with(ranked[0], others=tuple(ranked[1:])) if len(ranked) > 1 else ranked[0]


def _with(one: Claim, also: tuple[str, ...] = (), others: tuple[Claim, ...] = ()) -> Claim:
    """As dataclasses.replace, which takes four times as long."""
    return Claim(
        one.value, one.source, one.text, one.confidence, one.port, also or one.also, others or one.others
    )


def _score(claim: Claim) -> int:
    """Its confidence; one step more where another source, which is no mere hint, agrees. nmap reads
    the same answers: it is half a step below who says it himself, and no second voice."""
    hint = claim.confidence is Confidence.HINT
    agreed = claim.source != NMAP and any(one != NMAP for one in claim.also)
    return 2 * claim.confidence.weight + (3 if agreed and not hint else 0) - (claim.source == NMAP)


def _care(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)
