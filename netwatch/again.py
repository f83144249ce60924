"""Was this finding there before, and proved gone since? Then it is told as being back. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netwatch.change import NEWS, Before, ChangeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from netwatch.change import Change
    from netwatch.diff import Ladder, Night
    from netwatch.model import Finding

    Times = Sequence[tuple[str, str, str]]  # first seen, last seen, proved gone


def returned(night: Night, known: Container[Finding], before: Callable[[Finding], Before | None]) -> Night:
    """The night; what is new in it and was there before knows when. `known`: what stood until tonight."""

    def back(change: Change) -> Change:
        was = before(change.finding) if change.kind in NEWS and change.finding not in known else None
        if was is None:
            return change
        asked = change.kind is ChangeKind.NEWLY_CHECKED  # and answered otherwise: it was proved gone
        return replace(change, kind=ChangeKind.APPEARED if asked else change.kind, before=was)

    return replace(night, changes=tuple(map(back, night.changes)))


def before(rule: str, times: Times, others: Sequence[tuple[str, str]], ladder: Ladder) -> Before | None:
    """What is told of the earlier times of a rule at one place. `others`: rules that began there, and when:
    a time that ended because it became worse was not repaired."""
    rung = ladder(rule)
    worse = {
        began
        for other, began in others
        if rung and (on := ladder(other)) and on[0] == rung[0] and on[1] > rung[1]
    }
    gone = [one for one in times if one[2] not in worse]
    return Before(len(gone), gone[-1][0], gone[-1][1]) if gone else None
