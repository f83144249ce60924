"""Does a person's decision to live with a finding hold for this finding today? Pure.

A decision is bound to the site, the device, the port, the transport and the rule, to the product that the
finding rests on, and to the exposure that it was given for: another rung of a ladder is another rule, and
what has come nearer to the internet is no more what was decided. It has an end, and never hides a finding.
Where it stops: a card that is parted from its device (`netwatch devices split`) takes its findings along and
no decision; they count again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from netwatch.change import NEWS, Change, ChangeKind
from netwatch.document import AcceptedPart
from netwatch.finding_ids import Place, ids
from netwatch.model import Exposure, Status
from netwatch.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from netwatch.diff import Night
    from netwatch.document import Document
    from netwatch.model import Fact, Finding

REASON, BY = 300, 60  # characters that are kept
YEARS = 2  # the longest that a decision may hold before somebody looks at it again
NOTICE = timedelta(days=14)  # so long before its end it is told that it will end


class Found(Protocol):
    """A finding, of the model or of the document."""

    @property
    def rule(self) -> str:
        """Its rule."""

    @property
    def device(self) -> str:
        """The id of its device."""

    @property
    def port(self) -> int:
        """At which port."""

    @property
    def transport(self) -> str:
        """Of which transport."""

    @property
    def exposure(self) -> Exposure:
        """What is known of the internet."""

    @property
    def about(self) -> Mapping[str, Fact]:
        """The product that it rests on."""


class State(StrEnum):
    """What has become of a decision."""

    STANDING = "standing"
    EXPIRED = "expired"
    REOPENED = "reopened"  # a person took it back
    REPLACED = "replaced"  # by another one
    MOVED = "moved"  # along with the practice's address on the internet


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word that a finding is lived with. `until`: the last day on which it holds. `ended`, `why`
    and `ended_by`: how it came to an end before that."""

    rule: str
    device: str
    port: int
    transport: str
    exposure: Exposure
    product: str
    reason: str
    by: str
    at: datetime
    until: date
    ended: datetime | None = None
    why: str = ""
    ended_by: str = ""

    @property
    def place(self) -> Place:
        """What it is bound to, on its site."""
        return self.rule, self.device, self.port, self.transport

    def state(self, today: date) -> State:
        """What has become of it."""
        if self.ended is not None and day(self.ended) <= self.until:
            return State(self.why)
        return State.STANDING if today <= self.until else State.EXPIRED

    def covers(self, found: Found) -> bool:
        """Is this the finding that it was given for, and is it no worse by now?"""
        product = str(found.about.get("product") or "")
        nearer = found.exposure.near > self.exposure.near
        return place(found) == self.place and product == self.product and not nearer


class Standing:
    """The decisions of one site that hold on one day."""

    def __init__(self, decisions: Iterable[Decision], today: date) -> None:
        """Of all that were ever made."""
        self._of = {one.place: one for one in decisions if one.state(today) is State.STANDING}

    def accepts(self, found: Found) -> Decision | None:
        """The decision that holds for this finding."""
        decision = self._of.get(place(found))
        return decision if decision is not None and decision.covers(found) else None


def place(found: Found) -> Place:
    """What makes a finding the same, on its site."""
    return found.rule, found.device, found.port, found.transport


def day(moment: datetime) -> date:
    """The day on this machine's clock."""
    return moment.astimezone().date()


def decision(found: Found, reason: str, by: str, at: datetime, until: date) -> Decision | None:
    """The decision as it is kept; None where no word of the reason or of the name can be printed."""
    why, who = plain(reason, REASON), plain(by, BY)
    if why is None or who is None:
        return None
    product = str(found.about.get("product") or "")
    return Decision(*place(found), found.exposure, product, why, who, at, until)


def latest(today: date) -> date:
    """The last day that a decision made today may name: the same day two years on."""
    first = today.replace(year=today.year + YEARS, day=1)
    return min(first + timedelta(days=today.day - 1), _next_month(first) - timedelta(days=1))


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def expired(decisions: Iterable[Decision], today: date, last_run: date | None) -> tuple[Decision, ...]:
    """Those that have run out since the run before, each once."""
    return tuple(
        one
        for one in decisions
        if one.state(today) is State.EXPIRED
        and one.ended is None
        and (last_run is None or last_run <= one.until)
    )


def soon(decisions: Iterable[Decision], today: date, last_run: date | None) -> tuple[Decision, ...]:
    """Those that will run out before long, each once; not one that was made for so short a time."""
    return tuple(
        one
        for one in decisions
        if one.state(today) is State.STANDING
        and day(one.at) < (notice := one.until - NOTICE) <= today
        and (last_run is None or last_run < notice)
    )


def weighed(night: Night, decisions: Iterable[Decision], today: date, last_run: date | None) -> Night:
    """The night with what was decided: each change knows until when its finding is accepted, and what has run
    out, or soon will, is told where the finding is still there."""
    every = tuple(decisions)
    standing = Standing(every, today)
    changes = [_marked(change, standing) for change in night.changes]
    there = {place(one): one for one, status in night.findings.items() if status is not Status.RESOLVED}
    for kind, ends in (
        (ChangeKind.EXPIRED, expired(every, today, last_run)),
        (ChangeKind.EXPIRING, soon(every, today, last_run)),
    ):
        changes += [
            Change(kind, there[one.place], until=one.until)
            for one in ends
            if one.place in there and one.covers(there[one.place])
        ]
    return replace(night, changes=tuple(changes))


def _marked(change: Change, standing: Standing) -> Change:
    if change.kind not in NEWS:
        return change
    accepted = standing.accepts(change.finding)
    return replace(change, until=accepted.until) if accepted else change


def moved(changes: Iterable[Change]) -> list[tuple[Place, Finding]]:
    """What stood at a former address of the practice, and where the same stands now."""
    return [
        (place(change.previous), change.finding)
        for change in changes
        if change.kind is ChangeKind.MOVED and change.previous is not None
    ]


def shown(document: Document, decisions: Iterable[Decision], today: date) -> Document:
    """The night as it is shown today: each finding by its short id, and by whom it is accepted."""
    standing = Standing(decisions, today)
    named = ids(document.site, map(place, document.findings))
    return replace(
        document,
        findings=tuple(
            replace(one, id=named[place(one)], accepted=_part(standing.accepts(one)))
            for one in document.findings
        ),
    )


def _part(one: Decision | None) -> AcceptedPart | None:
    at = f"{one.at:%Y-%m-%dT%H:%M:%SZ}" if one else ""
    return AcceptedPart(one.by, at, one.until.isoformat(), one.reason) if one else None
