"""Which TCP ports are asked every night, and why? Data, in ports.toml, readable by a consultant.

Where it stops: a list of numbers. What answers on a port is only known by speaking to it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the list. `settled`: nothing else is looked for there. `usual`: DICOM is at home there."""

    number: int
    protocol: str
    reason: str
    settled: bool = False
    usual: bool = False


def expand(texts: Iterable[str]) -> list[int]:
    """`["104", "2761-2762"]` as `[104, 2761, 2762]`."""
    numbers: list[int] = []
    for text in texts:
        first, _, last = text.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


@cache
def curated() -> Mapping[int, Port]:
    """The list, by number."""
    data = tomllib.loads((Path(__file__).parent / "ports.toml").read_text(encoding="utf-8"))
    return {
        number: Port(
            number,
            group["protocol"],
            group["reason"],
            settled=group.get("settled", False),
            usual=group.get("usual", False),
        )
        for group in data["group"]
        for number in expand(group["ports"])
    }


def suggested(number: int) -> str:
    """The protocol that this number suggests, or `unknown`."""
    known = curated().get(number)
    return known.protocol if known else UNKNOWN
