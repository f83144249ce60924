"""What was ever accepted on this site, by whom, why, until when, and what became of it? In 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.deciding import Now
from netwatch.decisions import State
from reports.decided import NOON, REASON
from reports.phrase import NAME, Phrases, clean
from reports.terminal import group, table, text, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from netwatch.deciding import Listed
    from netwatch.document import Document
    from netwatch.words import Catalogue


def decisions(
    rows: Sequence[Listed], document: Document, catalogue: Catalogue, language: str
) -> RenderableType:
    """Those that hold first, then the history, the last made first."""
    say = Phrases(language)
    if not rows:
        return text(say("decisions.none"))
    devices = {one.id: one for one in document.devices}
    made = table(say, "decisions", "id", "what", "decision")
    for one in rows:
        device = devices.get(one.device)
        name = say.short_name(device) if device else ""
        what = [say.rule(catalogue, one.rule).title, where(one.address, one.port, name)]
        style = "" if one.state == State.STANDING else "dim"
        made.add_row(
            text(one.id, style),
            text("\n".join(filter(None, what)), style),
            text("\n".join(filter(None, _told(say, one))), style),
        )
    return group(made)


def _told(say: Phrases, one: Listed) -> list[str]:
    """What became of it, who decided it when, and why."""
    until = say.moments.short(one.until + NOON)
    ended = say.moments.short(one.ended) if one.ended else ""
    state = "reopened-by" if one.state == State.REOPENED and one.ended_by else one.state
    standing = one.state == State.STANDING and one.finding != Now.ACCEPTED
    return [
        say(f"decisions.state.{state}", until=until, ended=ended, who=clean(one.ended_by or "", NAME)),
        say(f"decisions.finding.{one.finding}") if standing else "",
        say("decisions.by", by=clean(one.by, NAME), at=say.moments.short(one.at)),
        clean(one.reason, REASON),
    ]
