"""Which rules tell who a device is? They are data, families/*.toml; docs/products.md says how one is written.

A wrong one stops the start, with its file and product named. Where it stops: what a rule makes of an answer,
recognise.py knows.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwatch.opening import NMAP
from netwatch.recognised import KINDS, Confidence, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).with_name("families")
CARD = ("mac", "vendor")  # the maker of the network card, as if it were a fact; it hints at a kind
NMAPS = (Confidence.LIKELY, Confidence.HINT)
FIRMWARE, SYSTEM, APPLICATION = ROLES = ("firmware", "system", "application")
GIVES = frozenset(
    {"kind", "maker", "model", "confidence", "never", "packaged", "at_least", "perhaps", "unless"}
)
OF_PRODUCT = GIVES | {"slug", "role", "source", "rules"}
OF_RULE = GIVES | {"read", "is", "like", "with", "version"}


def rules(folder: Path = FOLDER) -> tuple[Rule, ...]:
    """Every rule of the folder. ValueError, which names file and product, where one is not as it must be."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        for at, product in enumerate(tomllib.loads(path.read_text(encoding="utf-8"))["product"], 1):
            where = f"{path.name}, {product.get('slug') or f'product {at}'}"
            try:
                found += [_rule(product, one) for one in product["rules"]]
            except (AttributeError, KeyError, TypeError, ValueError, re.error) as error:
                why = f"{where}: {error}"
                raise ValueError(why) from error
    return tuple(found)


def _rule(product: dict[str, Any], one: dict[str, Any]) -> Rule:
    strange = (set(product) - OF_PRODUCT) | (set(one) - OF_RULE)
    said = {key: value for key, value in product.items() if key in GIVES} | one
    reads = tuple(_fact(name) for name in _several(one["read"]))
    role, kind = product.get("role", FIRMWARE), said.get("kind")
    gives = {"maker", "model", "slug"} & {*said, *product}
    checks = (
        (strange, f"keys that no rule has: {sorted(strange)}"),
        (("is" in one) == ("like" in one), "either `is` or `like`"),
        (not product.get("source"), "no source"),
        (role not in ROLES, f"role {role}"),
        (kind is not None and kind not in KINDS, f"kind {kind}"),
        (CARD in reads and (gives or not kind), "a network card hints at a kind, and at nothing else"),
        (
            _nmaps(reads) and said.get("confidence") not in NMAPS,
            "what nmap makes of an answer is never certain",
        ),
        (_nmaps(reads) and kind and said.get("confidence") != "hint", "nmap hints at a kind, and no more"),
    )
    for wrong, why in checks:
        if wrong:
            raise ValueError(why)
    return Rule(
        reads=reads,
        equals=tuple(text.lower() for text in _several(one.get("is", ()))),
        like=_pattern(one.get("like")),
        never=_pattern(said.get("never")),
        also=tuple((name, re.compile(text, re.IGNORECASE)) for name, text in one.get("with", {}).items()),
        versions=tuple(_fact(name) for name in _several(one.get("version", ()))),
        product=product.get("slug"),
        role=role,
        kind=kind,
        maker=said.get("maker"),
        model=said.get("model"),
        confidence=Confidence.HINT if CARD in reads else Confidence(said.get("confidence", "certain")),
        packaged=said.get("packaged", False),
        at_least=said.get("at_least", False),
        perhaps=_several(said.get("perhaps", ())),
        unless=frozenset(_several(said.get("unless", ()))),
    )


def _nmaps(reads: Iterable[tuple[str, str]]) -> bool:
    return any(protocol == NMAP for protocol, _ in reads)


def _several(told: str | Iterable[str]) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) else tuple(told)


def _fact(name: str) -> tuple[str, str]:
    """`ipp.version` as protocol and fact."""
    protocol, dot, fact = name.partition(".")
    if not (protocol and dot and fact):
        why = f"{name} is no protocol and fact"
        raise ValueError(why)
    return protocol, fact


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return re.compile(text, re.IGNORECASE) if text else None
