"""Which of the ports outside the usual list are looked at tonight? The whole range, a slice a night. Pure.

The usual ports are asked every night; the rest in slices over the nights that follow a device's first, so
that after so many nights (14) each of the 65,535 was asked once, at no one's expense. What a device missed,
because it was off or the window closed, is where it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwatch.portset import EVERY, PortSet

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Round:
    """One device's way through the ports that are not asked every night. `done`: such as `1-4000,5104`.
    `usual`: when its nightly ports were last all asked."""

    device: str
    began: datetime
    done: str = ""
    usual: datetime | None = None


def left(done: PortSet, nightly: PortSet) -> PortSet:
    """What this round still owes; nothing when it is complete. `nightly`: asked every night, or never."""
    return EVERY - nightly - done


def slice_of(done: PortSet, nightly: PortSet, nights: int) -> PortSet:
    """Tonight's slice of a device: the next of those it owes. `nights`: for the whole range, the first
    night with its usual ports among them; 0: no slices."""
    if nights <= 0:
        return PortSet()
    whole = len(EVERY - nightly)
    size = -(-whole // max(1, nights - 1))
    return left(done, nightly).first(size)


def after(before: Round, asked: PortSet, nightly: PortSet, now: datetime) -> Round:
    """The round once tonight's ports were asked; a complete one makes room for the next."""
    done = PortSet.parse(before.done) | (asked - nightly)
    if not left(done, nightly):
        return replace(before, began=now, done="")
    return replace(before, done=str(done))
