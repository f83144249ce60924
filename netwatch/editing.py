"""What of this night is told now, and what waits? The store's memory goes in, and news.py decides.

A night of which nobody is to be told (`--no-alert`) settles what it saw itself, and nothing else: what waited
before it waits on, and what it saw gone, coming and going, or at its end is told by a later night.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.alert import wakes
from netwatch.model import Vantage
from netwatch.news import Editor, Fate, due, receded

if TYPE_CHECKING:
    from netwatch.change import Came
    from netwatch.diff import Night
    from netwatch.model import Run
    from netwatch.news import News
    from netwatch.store import Store
    from netwatch.words import Catalogue


def newsroom(  # noqa: PLR0913, PLR0917 - what news are made of
    run: Run,
    store: Store,
    catalogue: Catalogue,
    moved: Night,
    came: Came,
    gone_after: int,
    *,
    mute: bool = False,
) -> News:
    """The news of a night that is not recorded yet. `mute`: nobody is told of it."""
    changes = (*moved.changes, *receded(store.picture(run.site).findings, moved.findings))
    kept = store.newsroom.kept(run.site, changes)
    oldest = min((item.at for item in kept if item.fate is Fate.WAITING), default=run.started)
    night = run.complete and (Vantage.LAN in run.vantages or not store.notices.inside(run.site))
    nights = (*store.newsroom.nights(run.site, oldest), *([run.started] * night))
    editor = Editor(catalogue, nights, gone_after)
    ripe = due(store.newsroom.digested(run.site), run.started) or wakes(came.comings)
    return editor.night(kept, changes, run.started, due=ripe, mute=mute)
