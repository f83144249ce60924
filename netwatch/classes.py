"""What is this device, and so what may it be asked? The table is data: classes.toml.

Class decides the pace, the kinds of question and whether the device is looked at again afterwards. Unknown is
treated as medical. Where it stops: it knows kinds of question (manners), not the questions.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwatch.ports import expand

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

MEDICAL, UNKNOWN, INTERNET = "medical", "unknown", "internet"
# The gentlest first. What each of them is, classes.toml says. A page comes after the greetings: to a Redis
# that nobody knows, `GET /` would be a question for a record.
MANNERS = (
    "knock",
    "dicom",
    "hear",
    "ipp",
    "greet",
    "options",
    "web",
    "upnp",
    "snmp",
    "names",
    "detect",
    "audit",
)
SEEN_DICOM = {"archive", "medical-imaging"}


@dataclass(frozen=True, slots=True)
class Class:
    """What may be asked of a device of this class. `guarded`: the slow pace. `looked_at`: whether it still
    answers is looked at afterwards. `explores`: ports of which nothing is known are tried."""

    name: str
    guarded: bool
    manners: tuple[str, ...]
    kinds: frozenset[str]
    looked_at: bool
    explores: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What makes a device one of a kind."""

    kind: str
    makers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    ports: frozenset[int] = frozenset()
    unless: frozenset[int] = frozenset()
    gateway: bool = False
    speaks: frozenset[str] = frozenset()

    def holds(
        self, vendor: str | None, open_ports: Iterable[int], spoken: Container[str], *, gateway: bool
    ) -> bool:
        """Does it hold here?"""
        name = (vendor or "").lower()
        made = any(name.startswith(maker.lower()) for maker in self.makers)
        called = any(word.lower() in name for word in self.words)
        found = set(open_ports)
        opened = bool(self.ports & found) and not self.unless & found
        said = any(word in spoken for word in self.speaks) and not self.unless & found
        return made or called or opened or said or (self.gateway and gateway)


@cache
def _data() -> tuple[Mapping[str, Class], tuple[Evidence, ...]]:
    data: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    evidence = tuple(
        Evidence(
            one["kind"],
            tuple(one.get("makers", ())),
            tuple(one.get("words", ())),
            frozenset(expand(one.get("ports", ()))),
            frozenset(expand(one.get("unless", ()))),
            one.get("gateway", False),
            frozenset(one.get("speaks", ())),
        )
        for one in data.pop("evidence")
    )
    classes = {
        name: Class(
            name,
            one["guarded"],
            tuple(one["manners"]),
            frozenset(one["kinds"]),
            one.get("looked_at", one["guarded"]),
            one.get("explores", not one["guarded"]),
        )
        for name, one in data.items()
    }
    return classes, evidence


def table() -> Mapping[str, Class]:
    """Every class by its name, the most careful first."""
    return _data()[0]


def manner_order(manner: str) -> int:
    """Where a manner stands among the others, the gentlest first: the order in which questions are asked."""
    return MANNERS.index(manner) if manner in MANNERS else len(MANNERS)


def class_of(kind: str, declared: str | None = None) -> Class:
    """The class of a kind of device; a declared one wins unless the device has answered in DICOM."""
    classes = table()
    if declared is not None and kind not in SEEN_DICOM:
        return classes[declared]
    return next((one for one in classes.values() if kind in one.kinds), classes[UNKNOWN])


def kind_of(
    vendor: str | None, open_ports: Iterable[int], spoken: Iterable[str] = (), *, gateway: bool = False
) -> str:
    """What the evidence says a device is, the strongest first; `unknown` without any."""
    ports, heard = tuple(open_ports), frozenset(spoken)
    return next((e.kind for e in _data()[1] if e.holds(vendor, ports, heard, gateway=gateway)), UNKNOWN)


def rank(kind: str) -> int:
    """How careful a kind asks us to be: evidence may raise it, and nothing lowers it."""
    order = ["medical", "medical-imaging", "archive"]
    return 1 + order.index(kind) if kind in order else 0
