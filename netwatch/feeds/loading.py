"""What do the feeds that are kept say, and how old is it? Read without the network, and without trouble."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from netwatch.errors import OutsideError
from netwatch.feeds import endoflife, epss, kev
from netwatch.feeds.kept import SKEW, find

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from netwatch.feeds.endoflife import Cycle
    from netwatch.feeds.kept import Kept
    from netwatch.feeds.kev import Known

ENDOFLIFE, KEV, EPSS = FEEDS = ("endoflife", "kev", "epss")
STALE = timedelta(days=45)


@dataclass(frozen=True, slots=True)
class Feeds:
    """What is kept, ready for use. `epss`: the chance, from 0 to 1, by CVE. `dated`: when each feed was
    last told to us; one that cannot be used is not in it, and its part is empty."""

    cycles: tuple[Cycle, ...] = ()
    kev: tuple[Known, ...] = ()
    epss: Mapping[str, float] = field(default_factory=dict, hash=False)
    dated: Mapping[str, datetime] = field(default_factory=dict, hash=False)

    def stale(self, feed: str, now: datetime) -> bool:
        """Is it too old to be leaned on without a word? So is what is not there, or is dated in the
        future."""
        at = self.dated.get(feed)
        return at is None or not -SKEW <= now - at <= STALE


def load(folder: Path, now: datetime) -> Feeds:
    """What is kept in this folder. Damaged or missing files give an empty part; never raises."""
    parts, dated = dict[str, Any](), {}
    for feed in FEEDS:
        kept = find(folder, feed, now)
        found = None if kept is None else entries(feed, kept)
        if kept is not None and found is not None:
            parts[feed], dated[feed] = found, kept.fetched
    return Feeds(
        parts.get(ENDOFLIFE, ()),
        parts.get(KEV, ()),
        MappingProxyType(parts.get(EPSS, {})),
        MappingProxyType(dated),
    )


def entries(feed: str, kept: Kept) -> Any:  # noqa: ANN401 - each feed has its own
    """The cycles, holes or chances of what is kept; None where it cannot be used."""
    try:
        if feed == ENDOFLIFE:
            return endoflife.read(kept.told, kept.fetched.date())
        return kev.read(kept.told) if feed == KEV else epss.read(kept.told)
    except OutsideError:
        return None
