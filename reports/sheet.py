"""What is a table of the annex? Heads and rows, which the page draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.phrase import Phrases

# A cell is a text, or labels with their values.
Cell = str | tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. The first cell of a row names it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def sheet(say: Phrases, name: str, heads: str, rows: list[tuple[Cell, ...]]) -> Sheet:
    """A table whose heads are named by the ends of their sentences' ids."""
    return Sheet(say(f"annex.{name}"), tuple(say(f"annex.{head}") for head in heads.split()), tuple(rows))
