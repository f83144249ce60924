"""Was this finding there before, and proved gone since? Then it is told as being back. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netwatch.change import NEWS, ChangeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from netwatch.change import Before, Change
    from netwatch.diff import Night
    from netwatch.model import Finding


def returned(night: Night, known: Container[Finding], before: Callable[[Finding], Before | None]) -> Night:
    """The night; what is new in it and was there before knows when. `known`: what stood until tonight."""

    def back(change: Change) -> Change:
        was = before(change.finding) if change.kind in NEWS and change.finding not in known else None
        if was is None:
            return change
        asked = change.kind is ChangeKind.NEWLY_CHECKED  # and answered otherwise: it was proved gone
        return replace(change, kind=ChangeKind.APPEARED if asked else change.kind, before=was)

    return replace(night, changes=tuple(map(back, night.changes)))
