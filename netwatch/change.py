"""What moved between two nights? The nouns of the comparison; diff.py makes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwatch.model import Finding


class ChangeKind(StrEnum):
    """What moved between two runs."""

    APPEARED = "appeared"  # was asked before and was not so
    WORSENED = "worsened"  # a higher rung of the same ladder, or more exposed
    NEWLY_CHECKED = "newly-checked"  # was never asked before: news to us, perhaps not new
    IMPROVED = "improved"  # a lower rung, proved
    RESOLVED = "resolved"  # proved gone
    UNVERIFIED = "unverified"  # no answer tonight: still there for all we know
    FLAPPING = "flapping"  # it comes and goes: said once
    MOVED = "moved"  # the same, at the practice's new address on the internet: no news


@dataclass(frozen=True, slots=True)
class Change:
    """What moved. `previous` is the rung it came from when it worsened or improved."""

    kind: ChangeKind
    finding: Finding
    previous: Finding | None = None
