"""What moved between two nights? The nouns of the comparisons: diff.py makes the changes of findings, and
comings.py those of devices."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from netwatch.model import Device, Finding


class ChangeKind(StrEnum):
    """What moved between two runs."""

    APPEARED = "appeared"  # was asked before and was not so
    WORSENED = "worsened"  # a higher rung of the same ladder, or more exposed
    NEWLY_CHECKED = "newly-checked"  # was never asked before: news to us, perhaps not new
    IMPROVED = "improved"  # a lower rung, proved
    RESOLVED = "resolved"  # proved gone
    REJUDGED = "rejudged"  # the same answer, in which we see no trouble any more: no repair
    UNVERIFIED = "unverified"  # no answer tonight: still there for all we know
    FLAPPING = "flapping"  # it comes and goes: said once
    MOVED = "moved"  # the same, at the practice's new address on the internet: no news
    EXPIRED = "expired"  # what was accepted counts again from now on: the decision has run out
    EXPIRING = "expiring"  # it soon will


# What was not there, or not so bad, or not known.
NEWS = frozenset({ChangeKind.APPEARED, ChangeKind.WORSENED, ChangeKind.NEWLY_CHECKED})


@dataclass(frozen=True, slots=True)
class Before:
    """A finding that was proved gone is back. `times`: how often it was there before; `first_seen` and
    `last_seen`: the last of those times, UTC."""

    times: int
    first_seen: str
    last_seen: str


@dataclass(frozen=True, slots=True)
class Change:
    """What moved. `previous` is the rung it came from when it worsened or improved. `before`: it is back.
    `until`: a person decided to live with it until then (decisions.py)."""

    kind: ChangeKind
    finding: Finding
    previous: Finding | None = None
    before: Before | None = None
    until: date | None = None

    @property
    def covered(self) -> bool:
        """Nearer to the internet than last night, and no nearer than what a person decided to live with."""
        same = self.previous is not None and self.previous.rule == self.finding.rule
        return self.kind is ChangeKind.WORSENED and self.until is not None and same


@dataclass(frozen=True, slots=True)
class Outside:
    """What all vantages together say (placing.py). `retired`: addresses on the internet that are not the
    practice's any more. `placed`: a finding, as exposed as it is by now. `shut`: is the way to it proved
    shut?"""

    retired: frozenset[str] = frozenset()
    placed: Callable[[Finding], Finding] = lambda finding: finding
    shut: Callable[[Finding], bool] = lambda _: False


class ComingKind(StrEnum):
    """How a device came or went."""

    NEW = "new"  # never met before, where an earlier night would have met it
    ELSEWHERE = "elsewhere"  # as new here, and known from another site before: a machine that visits
    BACK = "back"  # was told gone, and is here again
    GONE = "gone"  # not met in so many nights that looked for it


@dataclass(frozen=True, slots=True)
class Coming:
    """A device that came or went. `quiet`: it is expected where it is, and nobody is mailed. `nights`: of a
    new one, how many earlier nights had looked where it is; of one that is gone, how many missed it.
    `since`: the first of these, or when it was last met. `open`: its ports, with transport and protocol."""

    kind: ComingKind
    device: Device
    quiet: bool = False
    nights: int = 0
    since: datetime | None = None
    open: tuple[tuple[int, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a device, besides itself. `missed`: nights that looked for it in vain since it
    was last met; `counted`: the day of the last of these. `gone`: when it was told gone. `quiet`: it came
    where it is expected, and was never told."""

    missed: int = 0
    counted: date | None = None
    gone: datetime | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Searched:
    """A network in which devices were looked for. `means`: `whole`, or `knocks`, which miss the silent ones.
    `nights`: in how many; `since`: the first of them."""

    network: str
    means: str
    nights: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Whom the site knew before tonight: its devices, when each was last met and how it stands, by id, and
    where they were looked for. `elsewhere`: cards that another site of the database knew before this one."""

    devices: tuple[Device, ...] = ()
    met: Mapping[str, datetime] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    searched: tuple[Searched, ...] = ()
    elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Came:
    """What a night makes of it: what is told, and what is remembered from now on. `searched`: tonight's
    networks, each with the means."""

    comings: tuple[Coming, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)
    searched: Mapping[str, str] = field(default_factory=dict)
