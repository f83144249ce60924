"""What is told at once, what waits for the morning, and what is not worth a mail? Pure.

A change is kept until it is told or proves to be none. At once: what is newly exposed to the internet, what
newly answers strangers, a device that stopped answering. In the morning: the rest, once a day at most. What
is gone, or no more so near to the internet, is told after so many nights; what came back before that was
never told as gone, and is no news. What comes and goes is told once, as that. Silence of a device is no news
at all: it is in the report.
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
from netwatch.model import LIVENESS, Exposure, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from netwatch.model import Finding
    from netwatch.words import Catalogue

GONE = frozenset({ChangeKind.RESOLVED, ChangeKind.REJUDGED})
NO_NEWS = frozenset({ChangeKind.UNVERIFIED, ChangeKind.MOVED})
REACHED = frozenset({Exposure.FORWARDED, Exposure.EXPOSED})
# What is told later though nobody is to be told of a night: it is not over with that night.
ENDS = frozenset({ChangeKind.EXPIRED, ChangeKind.EXPIRING})
LASTING = ENDS | GONE | {ChangeKind.FLAPPING}
BETTER = GONE | {ChangeKind.IMPROVED}
NIGHTS = 2  # on which a thing has to be gone before that is told
OFTEN = 3  # times that it came within CALM: it comes and goes
CALM = timedelta(days=14)
APART = timedelta(hours=18)  # between two nights, and two digests: two scans of one day make one
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
    `settled`: when its fate was decided; of what comes and goes, when it last did."""

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

    def night(
        self,
        kept: Iterable[Item],
        changes: Iterable[Change],
        now: datetime,
        *,
        due: bool,
        mute: bool = False,
    ) -> News:
        """`kept`: what was told or waits; `changes`: of tonight; `due`: is it time for a digest? `mute`:
        nobody is to be told of tonight, neither now nor later; what waited before waits on."""
        piles = defaultdict[Key, list[Item]](list)
        for item in sorted(kept, key=lambda one: one.number or 0):  # a clock may have been wrong
            piles[self.key(item.change.finding)].append(item)
        before = {item.number: item for pile in piles.values() for item in pile}
        for change in changes:
            if change.kind not in NO_NEWS and not change.covered:
                self._add(piles[self.key(change.finding)], Item(change, now), now)
        for pile in piles.values() if mute else ():
            pile[:] = self._unsaid(pile, before, now)
        # Where a letter goes anyway, what waits for the morning goes with it.
        due = due or any(
            one.fate is Fate.ALERT and one.settled == now for pile in piles.values() for one in pile
        )
        if due and not mute:
            for pile in piles.values():
                flaps = _flaps(pile, now)
                pile[:] = [self._in_digest(item, now, flaps=flaps) for item in pile]
        items = tuple(item for pile in piles.values() for item in pile if item != before.get(item.number))
        now_told = [
            item for item in items if item.number is None or item.fate is not before[item.number].fate
        ]
        told = [] if mute else sorted(now_told, key=self._worst_first)
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
        change, flaps = item.change, _flaps(pile, now)
        if flaps:
            pile[:] = [replace(one, settled=now) if _to_and_fro(one) else one for one in pile]
        told = [one for one in pile if one.fate in TOLD]
        # What is not on record was told before there was one, or never: it is told.
        believed = bool(told) and told[-1].change.kind not in GONE
        if change.kind in GONE:
            # What was never told need not be called back: it is told as gone, once.
            pile[:] = [self._drop(one, now) if self._waits(one, *ARRIVALS) else one for one in pile]
            news = believed or not told or any(map(self._waits, pile))
            pile.append(item if news else self._drop(item, now))
            return
        if change.kind is ChangeKind.IMPROVED:
            pile[:] = [self._drop(one, now) if self._waits(one, change.kind) else one for one in pile]
        if _fell(change) and not (believed and self._worse(told[-1].change, change)):
            return  # that it was so near was never told
        if change.kind not in ARRIVALS:
            pile.append(item)
            return
        pile[:] = [self._drop(one, now) if self._overtaken(one) else one for one in pile]
        worse = believed and self._worse(change, told[-1].change)
        # What was told long ago, or as gone since, makes nothing of today less grave.
        since = max((one.at for one in told if flaps and _to_and_fro(one)), default=now - CALM)
        lately = [one.change for one in told[_gone(told) :] if one.at >= since]
        ever = bool(lately) and all(self._worse(change, one) for one in lately)
        times = 1 + _returns([*pile, item], now)
        if change.finding.probe == LIVENESS or ever:
            pile.append(self._told(item, now))
        elif flaps and believed:
            pile += self._known(item, told[-1], now)
        elif times >= OFTEN:
            pile.append(self._drop(item, now))
            pile.append(self._told(replace(item, change=replace(change, kind=ChangeKind.FLAPPING)), now))
        elif believed and not worse:
            pile += self._known(item, told[-1], now)
        else:
            pile.append(self._told(item, now))

    def _known(self, item: Item, told: Item, now: datetime) -> Iterator[Item]:
        """It was never told as gone. Where it was told as worse than it is, that is told in time."""
        yield self._drop(item, now)
        if self._worse(told.change, item.change):
            milder = replace(item.change, kind=ChangeKind.IMPROVED, previous=told.change.finding)
            yield replace(item, change=milder)

    def _told(self, item: Item, now: datetime) -> Item:
        return replace(item, fate=Fate.ALERT, settled=now) if self.urgent(item.change) else item

    def _in_digest(self, item: Item, now: datetime, *, flaps: bool) -> Item:
        """The item, told tonight where it is ripe; what comes and goes is gone once it is calm."""
        nights = 1 + _apart(item.at, sorted(night for night in self.nights if night <= now))
        change = item.change
        slow = change.kind is ChangeKind.RESOLVED or _fell(change)
        young = slow and nights < self.gone_after and item.at <= now
        early = young or (flaps and change.kind in BETTER)
        waits = item.fate is not Fate.WAITING or early
        return item if waits else replace(item, fate=Fate.DIGEST, settled=now)

    def _unsaid(self, pile: Sequence[Item], before: Mapping[int | None, Item], now: datetime) -> list[Item]:
        """The pile after a night of which nobody is told. What waited and is overtaken waits on, as it is
        by now."""
        owed = any(
            one.fate is Fate.DROPPED and self._waits(before[one.number], *ARRIVALS)
            for one in pile
            if one.number in before
        )

        def unsaid(one: Item) -> Item:
            if one.number is not None or one.fate is Fate.DROPPED:
                return one
            if owed or one.change.kind in LASTING:
                return replace(one, fate=Fate.WAITING, settled=None)
            return replace(one, fate=Fate.DIGEST, settled=now)

        return list(map(unsaid, pile))

    def _overtaken(self, item: Item) -> bool:
        """Does it wait, and is it said better by what came tonight? The end of a decision is not."""
        return self._waits(item) and item.change.kind not in ENDS

    @staticmethod
    def _drop(item: Item, now: datetime) -> Item:
        return replace(item, fate=Fate.DROPPED, settled=now)

    @staticmethod
    def _waits(item: Item, *kinds: ChangeKind) -> bool:
        return item.fate is Fate.WAITING and (not kinds or item.change.kind in kinds)

    def _worse(self, change: Change, than: Change) -> bool:
        """Is it nearer to the internet, or higher on its ladder?"""
        rungs = [self.catalogue.ladder(one.finding.rule) for one in (change, than)]
        higher, lower = (on[1] if on else 0 for on in rungs)
        return higher > lower or change.finding.exposure.near > than.finding.exposure.near

    def _worst_first(self, item: Item) -> tuple[int, int, str, int]:
        finding = item.change.finding
        severity = self.catalogue[finding.rule].at(finding.exposure)
        return -severity.rank, -finding.exposure.rank, finding.address, finding.port


def due(last: datetime | None, now: datetime) -> bool:
    """Is it time for a digest? `last`: when one was written. A clock that was wrong keeps nothing back."""
    return last is None or abs(now - last) >= APART


def receded(before: Iterable[Finding], now: Mapping[Finding, Status]) -> Iterator[Change]:
    """What stands, and is no more so near to the internet. `before`: what was known until tonight."""
    stood = {finding: finding for finding in before if finding.exposure in REACHED}
    for finding, status in now.items():
        old = None if status is Status.RESOLVED else stood.get(finding)
        if old is not None and finding.exposure.near < old.exposure.near:
            yield Change(ChangeKind.IMPROVED, finding, old)


def _gone(told: Sequence[Item]) -> int:
    """How many were told up to the last time that it was told as gone?"""
    return max((at for at, one in enumerate(told, 1) if one.change.kind in GONE), default=0)


def _fell(change: Change) -> bool:
    """Is it the same finding, further from the internet?"""
    same = change.previous is not None and change.previous.rule == change.finding.rule
    return change.kind is ChangeKind.IMPROVED and same


def _apart(since: datetime, nights: Iterable[datetime]) -> int:
    """How many nights came after that moment? Two scans of one day are one."""
    number = 0
    for night in nights:
        if night - since >= APART:
            number, since = number + 1, night
    return number


def _returns(pile: Sequence[Item], now: datetime) -> int:
    """How often it was better and then was not, of late. To grow worse and worse is no coming and going."""
    moved = [one for one in pile if one.change.kind in BETTER | ARRIVALS and abs(now - one.at) <= CALM]
    return sum(a.change.kind in BETTER and b.change.kind in ARRIVALS for a, b in pairwise(moved))


def _to_and_fro(item: Item) -> bool:
    """Was it told as coming and going?"""
    return item.change.kind is ChangeKind.FLAPPING and item.fate in TOLD


def _flaps(pile: Sequence[Item], now: datetime) -> bool:
    """Was it told as coming and going, and has it not been calm since?"""
    told = [one.settled or one.at for one in pile if _to_and_fro(one)]
    moved = [*told[-1:], *(one.at for one in pile if told and one.at >= told[-1]), now]
    return bool(told) and all(later - earlier <= CALM for earlier, later in pairwise(sorted(moved)))
