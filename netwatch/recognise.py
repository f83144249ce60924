"""Who is this device? What its answers say of it, by rules that are data: families/*.toml, docs/products.md.

Pure: stored answers can be judged again by tomorrow's rules. A rule reads one fact of one protocol. What it
gives are claims (recognised.py weighs them), each with its source and its words. Where it stops: a product
names itself as it likes, and nothing here proves that it tells the truth; what no rule knows stays unknown.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from netwatch.model import Vantage
from netwatch.opening import NMAP
from netwatch.plain import plain
from netwatch.recognised import (
    MEDICAL,
    Claim,
    Confidence,
    Recognised,
    Software,
    kind_of,
    names_of,
    software_of,
    version_of,
    weighed,
)
from netwatch.rulebook import APPLICATION, CARD, FIRMWARE, SYSTEM, rules

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from netwatch.model import Device, Fact, Observation
    from netwatch.recognised import Rule

LONGEST = 400  # characters of a fact that a rule looks at
WORDS, SHORT = 160, 60  # characters of it that a claim keeps, and of a value
HEARD = frozenset({Vantage.LAN, Vantage.OUTSIDE, Vantage.BOX})  # what others say has no say here
# The engine's own evidence (classes.toml): a way out of the network, or open ports.
BY_PORTS = frozenset({*MEDICAL, "printer", "camera", "phone"})
CLAIMS = ("kind", "maker", "model", "product", "version")
VERSION = re.compile(r"[0-9A-Za-z][\w.+~:()/, -]*")
NAMES = {
    "mdns": ("name",),
    **dict.fromkeys(("llmnr", "dns", "snmp"), ("name",)),
    "netbios": ("netbios_name",),
    "smb": ("netbios_name", "dns_name"),
    "rdp": ("netbios_name", "dns_name"),
    "winrm": ("netbios_name", "dns_name"),
}


class Hit(NamedTuple):
    """A rule that holds: for what it was said, where, and what it gives. A tuple, which is made in a third of
    the time of a dataclass."""

    rule: Rule
    source: str
    port: int
    text: str
    confidence: Confidence
    gives: Mapping[str, str]
    version: str | None

    def claim(self, value: str) -> Claim:
        """This value, because of these words."""
        return _claim(value, self.source, self.text, self.confidence, self.port)

    def told(self, what: str) -> Claim | None:
        """`kind`, `maker`, `model` or `product`, where it gives one."""
        words = self.gives.get(what)
        return self.claim(words) if words else None


_claim = lru_cache(maxsize=16_384)(Claim)  # answers repeat, and a claim never changes


def recognise(device: Device, seen: Iterable[Observation]) -> Recognised:
    """Who the device is, as its answers have it. In any order, of any number; raises nothing.

    `seen`: what was observed of this device and of no other. Of third parties' statements nothing is read.
    """
    seen = [one for one in seen if one.vantage in HEARD]
    hits = [*_of_card(device), *_of_answers(seen)]
    present = {hit.rule.product for hit in hits if hit.source != NMAP}
    hits = [hit for hit in hits if not hit.rule.unless & present and not _says_less(hit, present)]
    kind = kind_of([*_claims(hits, "kind"), *_of_engine(device)])
    named = [(hit, claim) for hit in hits if (claim := hit.told("product")) is not None]
    product = _product(named, kind.value)
    of_it = [hit for hit in hits if product and hit.rule.product == product.value and hit.version]
    return Recognised(
        kind=kind,
        maker=weighed(_claims(hits, "maker")),
        model=weighed(_claims(hits, "model")),
        product=product,
        version=version_of(hit.claim(hit.version or "") for hit in of_it),
        system=weighed(claim for hit, claim in named if hit.rule.role != APPLICATION),
        names=names_of(_names(device, seen)),
        software=software_of(
            Software(claim.value, hit.version, claim, hit.rule.packaged, hit.rule.at_least, hit.rule.perhaps)
            for hit, claim in named
        ),
    )


def _says_less(hit: Hit, present: Collection[str | None]) -> bool:
    """Does another name exactly what this one leaves open? That it is a Windows, where its build is told."""
    return hit.version is None and any(one in present for one in hit.rule.perhaps)


def _words(told: str, most: int) -> str:
    """As `plain`, and quicker with what is printable already."""
    return " ".join(told[:most].split()) if told.isprintable() else plain(told, most) or ""


def _of_answers(seen: Iterable[Observation]) -> Iterator[Hit]:
    """Every rule that holds of these answers."""
    table = _table()
    read = [(one, fact) for one in seen for fact in one.facts if fact in table.get(one.protocol, ())]
    for one, fact in read:
        value = one.facts[fact]
        if isinstance(value, str):
            words, liked = _fitting(one.protocol, fact, value[:LONGEST])
            for rule, gives in liked:
                if not rule.also or all(_says(one.facts.get(name), like) for name, like in rule.also):
                    sure = rule.confidence if one.proved else Confidence.HINT
                    version = _version(rule, one, gives.get("version"))
                    yield Hit(rule, one.protocol, one.port, words, sure, gives, version)


def fitting(protocol: str, fact: str, text: str) -> tuple[tuple[Rule, Mapping[str, str]], ...]:
    """The rules that read this fact and like what it says, each with what it gives."""
    return _fitting(protocol, fact, text)[1] if fact in _table().get(protocol, {}) else ()


@lru_cache(maxsize=16_384)
def _fitting(protocol: str, fact: str, text: str) -> tuple[str, tuple[tuple[Rule, Mapping[str, str]], ...]]:
    """What a claim keeps of the text, and the rules that read this fact and like what it says, each with what
    it gives. One practice's printers say the same every night, so that answers repeat."""
    exact, patterns = _table()[protocol][fact]
    found = [(rule, _gives(rule, {})) for rule in exact.get(text.lower(), ())]
    for rule in patterns:
        fits = rule.like.search(text) if rule.like else None
        if fits and not (rule.never and rule.never.search(text)):
            found.append((rule, _gives(rule, fits.groupdict())))
    return _words(text, WORDS), tuple(found)


def _gives(rule: Rule, caught: Mapping[str, str | None]) -> Mapping[str, str]:
    """What is claimed: as the pattern caught it, else as the rule has it; and the version that it caught."""
    told = {name: _words(words, SHORT) for name, words in caught.items() if words}
    return {name: words for name in CLAIMS if (words := told.get(name) or getattr(rule, name, None))}


def _says(value: Fact, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.search(value[:LONGEST]) is not None


def _version(rule: Rule, seen: Observation, told: str | None) -> str | None:
    """What the pattern caught, else what the fact of this protocol holds; nothing that is no version."""
    for protocol, fact in rule.versions:
        if told is None and protocol == seen.protocol:
            value = seen.facts.get(fact)
            told = _words(value, SHORT) if isinstance(value, str) else None
    return told if told and VERSION.fullmatch(told) else None


def _of_card(device: Device) -> Iterator[Hit]:
    """What the maker of the network card hints at."""
    if device.vendor:
        text = device.vendor[:LONGEST]
        words, liked = _fitting(*CARD, text)
        for rule, gives in liked:
            yield Hit(rule, CARD[0], 0, words, Confidence.HINT, gives, None)


def _of_engine(device: Device) -> Iterator[Claim]:
    """What the engine already takes it for: by its ports, or because it is the way out."""
    if device.kind == "box":
        yield Claim("box", "gateway", "", Confidence.LIKELY)
    elif device.kind in BY_PORTS:
        yield Claim(device.kind, "ports", "", Confidence.HINT)


def _claims(hits: Iterable[Hit], what: str) -> Iterator[Claim]:
    return (hit.claim(hit.gives[what]) for hit in hits if what in hit.gives)


def _product(told: Iterable[tuple[Hit, Claim]], kind: str) -> Claim | None:
    """What makes it of this kind, else its firmware, else its system. A hint names no product."""
    named = [(hit.rule, claim) for hit, claim in told if hit.confidence is not Confidence.HINT]
    ours = [claim for rule, claim in named if rule.product and rule.role != SYSTEM and rule.kind == kind]
    firmware = [claim for rule, claim in named if rule.product and rule.role == FIRMWARE]
    return weighed(ours or firmware or [claim for rule, claim in named if rule.role == SYSTEM])


def _names(device: Device, seen: Iterable[Observation]) -> Iterator[Claim]:
    """How it is called, and by whom."""
    told: list[tuple[Fact, str, int]] = [(name, "network", 0) for name in device.names]
    told += [
        (one.facts.get(fact), one.protocol, one.port)
        for one in seen
        if one.protocol in NAMES
        for fact in NAMES[one.protocol]
    ]
    for value, source, port in told:
        if isinstance(value, str) and (name := _words(value, SHORT)):
            yield Claim(name, source, name, Confidence.LIKELY, port)


@cache
def _table() -> Mapping[str, Mapping[str, tuple[dict[str, list[Rule]], list[Rule]]]]:
    """By protocol and fact: the rules that know its whole text, by that; and those with a pattern."""
    table: dict[str, dict[str, tuple[dict[str, list[Rule]], list[Rule]]]] = {}
    for rule in rules():
        for protocol, fact in rule.reads:
            exact, patterns = table.setdefault(protocol, {}).setdefault(fact, ({}, []))
            for text in rule.equals:
                exact.setdefault(text, []).append(rule)
            if rule.like:
                patterns.append(rule)
    return table
