"""How are the feeds renewed, each for itself, without losing what is there? Ask, understand, compare, keep.

What cannot be had or understood changes nothing, and neither does an older issue of KEV: the mirror may lag.
Where it stops: who may be told to wait for how long, and where redirects may lead, is fetching.py's.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from netwatch.errors import OutsideError
from netwatch.feeds import endoflife, epss, kev
from netwatch.feeds.fetching import PATIENCE, Manner, Wanted, fetch
from netwatch.feeds.kept import SKEW, Kept, find, keep
from netwatch.feeds.loading import ENDOFLIFE, EPSS, KEV, entries
from netwatch.feeds.reading import parsed
from netwatch.model import Reason
from netwatch.others import utc, written
from netwatch.others.deadline import PAUSE, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from netwatch.feeds.fetching import Answer
    from netwatch.feeds.kev import Known

VARIABLE = "NETWATCH_FEEDS_URL"  # of the environment: a mirror of all three, see Urls.at


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the feeds are. `kev`: the next one is asked where one cannot be had."""

    endoflife: str = endoflife.URL
    kev: tuple[str, ...] = kev.URLS
    epss: str = epss.URL

    @classmethod
    def at(cls, base: str) -> Self:
        """A mirror, or the server of a test: base/endoflife.json, base/kev.json and base/epss?cve=..."""
        base = base.rstrip("/")
        return cls(f"{base}/endoflife.json", (f"{base}/kev.json",), f"{base}/epss")


URLS = Urls()


class State(StrEnum):
    """How the fetching of a feed ended."""

    FRESH = "fresh"  # there is news
    UNCHANGED = "unchanged"  # what was kept is still what they say
    FAILED = "failed"  # what was kept is kept


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one feed. `at`: when what is kept now was last told to us; None where nothing is kept.
    `entries`: how many of them are kept. `why` it failed: the id of a sentence, and what fills it in."""

    name: str  # one of loading.FEEDS
    state: State
    at: datetime | None
    entries: int
    why: str | None = None
    details: Mapping[str, object] = field(default_factory=dict, hash=False)


def update(  # noqa: PLR0913 - what a command has to say
    folder: Path,
    wanted: Iterable[str],
    *,
    known: Callable[[Known], bool] = lambda _: True,
    urls: Urls | None = None,
    progress: Callable[[str, int], None] = lambda _feed, _bytes: None,
    stopped: Callable[[], bool] = lambda: False,
    now: Callable[[], datetime] = utc,
    patience: float = PATIENCE,
    pause: float = PAUSE,
) -> tuple[Fetched, ...]:
    """Fetch the three feeds, in the order of loading.FEEDS. No trouble of a feed or of the disk is raised.

    `wanted`: slugs of endoflife.date, of all products that netwatch knows. `known`: is this entry of KEV
    about one of them? EPSS is then asked about it. Neither may depend on what a practice has. `urls`: by
    default what the variable NETWATCH_FEEDS_URL says, and else URLS. `progress`, `patience`, `pause`: as in
    fetching.Manner.
    """
    run = _Run(folder, urls or _urls(), Manner(stopped, now, progress, patience, pause))
    slugs = tuple(sorted(set(wanted)))
    return (
        run.refresh(ENDOFLIFE, lambda kept: run.endoflife(slugs, kept)),
        run.refresh(KEV, run.kev),
        run.refresh(EPSS, lambda _: run.epss(known)),
    )


def _urls() -> Urls:
    base = os.environ.get(VARIABLE)
    return Urls.at(base) if base else URLS


@dataclass(frozen=True, slots=True)
class _Run:
    """One update."""

    folder: Path
    urls: Urls
    manner: Manner

    def refresh(self, feed: str, ask: Callable[[Kept | None], Kept]) -> Fetched:
        """Ask, keep, and say how it went. `ask` is given what is kept, and gives what is to be kept now."""
        kept = self.usable(feed)
        try:
            new = ask(kept)
            keep(self.folder, feed, new)
        except OutsideError as error:
            return _failed(feed, kept, error.message, error.details)
        except OSError as error:
            return _failed(feed, kept, "feeds.cannot-write", {"path": self.folder, "why": error.strerror})
        same = kept is not None and kept.told == new.told
        state = State.UNCHANGED if same else State.FRESH
        return Fetched(feed, state, new.fetched, _count(feed, new))

    def usable(self, feed: str) -> Kept | None:
        """What is kept of a feed, if its entries can be read."""
        kept = find(self.folder, feed, self.manner.now())
        return kept if kept is not None and entries(feed, kept) is not None else None

    def endoflife(self, slugs: tuple[str, ...], kept: Kept | None) -> Kept:
        """The cycles of these products. Other products than last time: what is kept is no answer any more."""
        asked = hashlib.sha256("\n".join(slugs).encode("utf-8", "replace")).hexdigest()
        wanted = Wanted(ENDOFLIFE, endoflife.WHO, self.urls.endoflife, endoflife.MOST)
        answer = fetch(_conditional(wanted, kept, asked), self.manner)
        now = self.manner.now()
        if answer is None and kept is not None:
            return replace(kept, fetched=now)
        told = endoflife.written(endoflife.read(_document(answer), now.date(), slugs))
        return _new(told, now, wanted.url, asked, answer)

    def kev(self, kept: Kept | None) -> Kept:
        """The catalogue, from the first address where it can be had."""
        *others, last = self.urls.kev
        for url in others:
            with suppress(OutsideError):
                return self.kev_at(url, kept)
        return self.kev_at(last, kept)

    def kev_at(self, url: str, kept: Kept | None) -> Kept:
        """The catalogue, as it is there. One that is older than what is kept, or not yet released, is
        refused."""
        wanted = Wanted(KEV, kev.WHO, url, kev.MOST)
        answer = fetch(_conditional(wanted, kept, ""), self.manner)
        now = self.manner.now()
        if answer is None and kept is not None:
            return replace(kept, fetched=now)
        document = _document(answer)
        holes, released = kev.read(document), kev.released(document)
        if released > now + SKEW:
            raise OutsideError("feeds.future", Reason.PROTOCOL, who=kev.WHO, date=written(released))
        if kept is not None and released < kev.released(kept.told):
            raise OutsideError("feeds.older", Reason.PROTOCOL, who=kev.WHO, date=written(released))
        return _new(kev.written(holes, released), now, url, "", answer)

    def epss(self, known: Callable[[Known], bool]) -> Kept:
        """The chances of the holes that KEV lists for products that netwatch knows: all of them, or none."""
        kept = self.usable(KEV)
        if kept is None:
            raise OutsideError("feeds.no-kev", Reason.UNFINISHED, who=epss.WHO)
        holes = [one.cve for one in kev.read(kept.told) if known(one)]
        turns = Turns(epss.WHO, self.manner.pause, self.manner.stopped)
        chances: dict[str, float] = {}
        for batch in epss.queries(holes):
            turns.wait()
            wanted = Wanted(EPSS, epss.WHO, f"{self.urls.epss}?{epss.query(batch)}", epss.MOST)
            chances |= epss.read(_document(fetch(wanted, self.manner)), batch)
        return _new(epss.written(chances), self.manner.now(), self.urls.epss, "", None)


def _conditional(wanted: Wanted, kept: Kept | None, asked: str) -> Wanted:
    """With the validators of what is kept, where it is an answer to the same question."""
    if kept is None or (kept.url, kept.asked) != (wanted.url, asked):
        return wanted
    return replace(wanted, etag=kept.etag, modified=kept.modified)


def _document(answer: Answer | None) -> object:
    return None if answer is None else parsed(answer.body)


def _new(told: object, now: datetime, url: str, asked: str, answer: Answer | None) -> Kept:
    marks = (None, None) if answer is None else (answer.etag, answer.modified)
    return Kept(told, now, url, asked, *marks)


def _count(feed: str, kept: Kept | None) -> int:
    return 0 if kept is None else len(entries(feed, kept) or ())


def _failed(feed: str, kept: Kept | None, why: str, details: Mapping[str, object]) -> Fetched:
    at = None if kept is None else kept.fetched
    return Fetched(feed, State.FAILED, at, _count(feed, kept), why, details)
