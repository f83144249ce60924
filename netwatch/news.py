"""What is told at once, what waits for the morning, and what is not worth a mail? Pure.

A change is kept until it is told or proves to be none. At once: what is newly exposed to the internet, what
newly answers strangers, a device that stopped answering. In the morning: the rest, once a day at most. What
is gone is told after so many nights; what came back before that was never told as gone, and is no news. What
comes and goes is told once, as that. Silence of a device is no news at all: it is in the report.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from netwatch.change import NEWS as ARRIVALS
from netwatch.change import Change, ChangeKind
from netwatch.model import LIVENESS, Exposure, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from netwatch.model import Finding
    from netwatch.words import Catalogue

GONE = frozenset({ChangeKind.RESOLVED, ChangeKind.REJUDGED})
NO_NEWS = frozenset({ChangeKind.UNVERIFIED, ChangeKind.MOVED})
REACHED = frozenset({Exposure.FORWARDED, Exposure.EXPOSED})
NIGHTS = 2  # on which a thing has to be gone before that is told
OFTEN = 3  # times that it came within CALM: it comes and goes
CALM = timedelta(days=14)
APART = timedelta(hours=18)  # between two digests: two scans of one day make one
Key = tuple[str, str, int, str]


class Fate(StrEnum):
    """What became of a change."""

    WAITING = "waiting"  # for the next digest
    ALERT = "alert"  # told at once
    DIGEST = "digest"  # told in a digest
    DROPPED = "dropped"  # no news after all


TOLD = frozenset({Fate.ALERT, Fate.DIGEST})


@dataclass(frozen=True, slots=True)
class Item:
    """A change and what became of it. `number`: its row, None where it is new. `at`: the night that saw it;
    `settled`: when its fate was decided."""

    change: Change
    at: datetime
    fate: Fate = Fate.WAITING
    settled: datetime | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What a night comes to. `items`: those that are new or whose fate is new. `at_once`, `digest`: what is
    told now, in this order."""

    items: tuple[Item, ...]
    at_once: tuple[Change, ...]
    digest: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Editor:
    """Decides for one site. `nights`: the moments of its complete nights, so that one can count them."""

    catalogue: Catalogue
    nights: Sequence[datetime] = ()
    gone_after: int = NIGHTS

    def night(self, kept: Iterable[Item], changes: Iterable[Change], now: datetime, *, due: bool) -> News:
        """`kept`: what was told or waits; `changes`: of tonight; `due`: is it time for a digest?"""
        piles = defaultdict[Key, list[Item]](list)
        for item in sorted(kept, key=lambda one: one.at):
            piles[self.key(item.change.finding)].append(item)
        before = {item.number: item for pile in piles.values() for item in pile}
        for change in changes:
            if change.kind not in NO_NEWS and not change.covered:
                self._add(piles[self.key(change.finding)], Item(change, now), now)
        if due:
            for pile in piles.values():
                flaps = _flaps(pile, now)
                pile[:] = [self._in_digest(item, now, flaps=flaps) for item in pile]
        items = tuple(item for pile in piles.values() for item in pile if item != before.get(item.number))
        told = sorted(items, key=self._worst_first)
        return News(
            items,
            tuple(item.change for item in told if item.fate is Fate.ALERT),
            tuple(item.change for item in told if item.fate is Fate.DIGEST),
        )

    def key(self, finding: Finding) -> Key:
        """What is the same thing: rules of one ladder replace each other."""
        on = self.catalogue.ladder(finding.rule)
        return on[0] if on else finding.rule, finding.device, finding.port, finding.transport

    def urgent(self, change: Change) -> bool:
        """Is it told at once?"""
        finding, rule = change.finding, self.catalogue[change.finding.rule]
        if change.kind not in ARRIVALS | {ChangeKind.FLAPPING}:
            return False
        reached = finding.exposure in REACHED and rule.at(finding.exposure).rank >= Severity.MEDIUM.rank
        return reached or rule.at_once or finding.probe == LIVENESS

    def _add(self, pile: list[Item], item: Item, now: datetime) -> None:
        """Tonight's change, and what it makes of those that wait."""
        change = item.change
        if change.kind in GONE:
            # What was never told need not be called back: it is told as gone, once.
            pile[:] = [self._drop(one, now) if self._waits(one, *ARRIVALS) else one for one in pile]
            pile.append(item)
            return
        if change.kind not in ARRIVALS:
            pile.append(item)
            return
        pile[:] = [self._drop(one, now) if self._waits(one) else one for one in pile]
        told = [one for one in pile if one.fate in TOLD]
        # What is not on record was told before there was one, or never: it is told.
        believed = bool(told) and told[-1].change.kind not in GONE
        worse = believed and self._weight(change) > self._weight(told[-1].change)
        ever = bool(told) and self._weight(change) > max(self._weight(one.change) for one in told)
        times = 1 + sum(one.change.kind in ARRIVALS and now - one.at <= CALM for one in pile)
        if change.finding.probe == LIVENESS or ever:
            pile.append(self._told(item, now))
        elif _flaps(pile, now):
            pile.append(self._drop(item, now))
        elif times >= OFTEN:
            pile.append(self._drop(item, now))
            pile.append(self._told(replace(item, change=replace(change, kind=ChangeKind.FLAPPING)), now))
        elif believed and not worse:
            pile.append(self._drop(item, now))
        else:
            pile.append(self._told(item, now))

    def _told(self, item: Item, now: datetime) -> Item:
        return replace(item, fate=Fate.ALERT, settled=now) if self.urgent(item.change) else item

    def _in_digest(self, item: Item, now: datetime, *, flaps: bool) -> Item:
        """The item, told tonight where it is ripe; what comes and goes is gone once it is calm."""
        nights = 1 + sum(night > item.at for night in self.nights)
        early = item.change.kind is ChangeKind.RESOLVED and (flaps or nights < self.gone_after)
        waits = item.fate is not Fate.WAITING or early
        return item if waits else replace(item, fate=Fate.DIGEST, settled=now)

    @staticmethod
    def _drop(item: Item, now: datetime) -> Item:
        return replace(item, fate=Fate.DROPPED, settled=now)

    @staticmethod
    def _waits(item: Item, *kinds: ChangeKind) -> bool:
        return item.fate is Fate.WAITING and (not kinds or item.change.kind in kinds)

    def _weight(self, change: Change) -> tuple[int, int]:
        """How bad it is, for one thing."""
        on = self.catalogue.ladder(change.finding.rule)
        return change.finding.exposure.rank, on[1] if on else 0

    def _worst_first(self, item: Item) -> tuple[int, int, str, int]:
        finding = item.change.finding
        severity = self.catalogue[finding.rule].at(finding.exposure)
        return -severity.rank, -finding.exposure.rank, finding.address, finding.port


def due(last: datetime | None, now: datetime) -> bool:
    """Is it time for a digest? `last`: when one was written."""
    return last is None or now - last >= APART


def _flaps(pile: Sequence[Item], now: datetime) -> bool:
    """Was it told as coming and going, and has it not been calm since?"""
    told = [one.at for one in pile if one.change.kind is ChangeKind.FLAPPING and one.fate in TOLD]
    moved = [*(one.at for one in pile if told and one.at >= told[-1]), now]
    return bool(told) and all(later - earlier <= CALM for earlier, later in pairwise(sorted(moved)))
