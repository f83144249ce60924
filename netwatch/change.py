"""What moved between two nights? The nouns of the comparison; diff.py makes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from netwatch.model import Finding


class ChangeKind(StrEnum):
    """What moved between two runs."""

    APPEARED = "appeared"  # was asked before and was not so
    WORSENED = "worsened"  # a higher rung of the same ladder, or more exposed
    NEWLY_CHECKED = "newly-checked"  # was never asked before: news to us, perhaps not new
    IMPROVED = "improved"  # a lower rung, proved
    RESOLVED = "resolved"  # proved gone
    UNVERIFIED = "unverified"  # no answer tonight: still there for all we know
    MOVED = "moved"  # the same, at the practice's new address on the internet: no news
    EXPIRED = "expired"  # what was accepted counts again from now on: the decision has run out
    EXPIRING = "expiring"  # it soon will


# What was not there, or not so bad, or not known.
NEWS = frozenset({ChangeKind.APPEARED, ChangeKind.WORSENED, ChangeKind.NEWLY_CHECKED})


@dataclass(frozen=True, slots=True)
class Before:
    """A finding that was proved gone is back. `times`: how often it was there before; `first_seen` and
    `last_seen`: the last of those times, UTC."""

    times: int
    first_seen: str
    last_seen: str


@dataclass(frozen=True, slots=True)
class Change:
    """What moved. `previous` is the rung it came from when it worsened or improved. `before`: it is back.
    `until`: a person decided to live with it until then (decisions.py)."""

    kind: ChangeKind
    finding: Finding
    previous: Finding | None = None
    before: Before | None = None
    until: date | None = None

    @property
    def covered(self) -> bool:
        """Nearer to the internet than last night, and no nearer than what a person decided to live with."""
        same = self.previous is not None and self.previous.rule == self.finding.rule
        return self.kind is ChangeKind.WORSENED and self.until is not None and same
