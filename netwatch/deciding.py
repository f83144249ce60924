"""What may a person decide, about which finding, and what was decided so far? Pure.

A decision has a reason, a name and an end: without them it is refused, with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from netwatch.decisions import REASON, State, decision, latest, place
from netwatch.errors import NetwatchError
from netwatch.finding_ids import ids, meant
from netwatch.model import Exposure, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from netwatch.decisions import Decision
    from netwatch.document import DevicePart, Document, FindingPart

LISTING = "netwatch/decisions-1"


class Now(StrEnum):
    """Where the finding stands that a decision is about."""

    ACCEPTED = "accepted"
    COUNTED = "counted"  # it is there, and no decision covers it
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Listed:
    """A decision, as it is listed. `finding`: where what it is about stands today. Days as
    YYYY-MM-DD, moments in UTC."""

    id: str
    state: State
    finding: Now
    rule: str
    device: str
    address: str
    port: int
    transport: str
    exposure: Exposure
    product: str | None
    reason: str
    by: str
    at: str
    until: str
    ended: str | None
    ended_by: str | None


def chosen(document: Document, wanted: str) -> FindingPart:
    """The finding that is meant by the first characters of its id. Raises NetwatchError."""
    standing = {place(one): one for one in document.findings if one.status is not Status.RESOLVED}
    return standing[_one(document.site, wanted, tuple(standing), "decisions.no-such-finding")]


def standing(site: str, wanted: str, decisions: Iterable[Decision]) -> Decision:
    """The decision that is to be taken back. Raises NetwatchError."""
    known = {one.place: one for one in decisions if one.ended is None}
    return known[_one(site, wanted, tuple(known), "decisions.no-such-decision")]


def _one(
    site: str, wanted: str, places: Sequence[tuple[str, str, int, str]], none: str
) -> tuple[str, str, int, str]:
    found = meant(site, wanted, places)
    if not found:
        raise NetwatchError(none, id=wanted, site=site)
    if len(found) > 1:
        which = ", ".join(sorted(ids(site, found).values()))
        raise NetwatchError("decisions.several", id=wanted, which=which)
    return found[0]


def decided(found: FindingPart, reason: str, by: str, now: datetime, until: date) -> Decision:
    """The decision to live with it. Raises NetwatchError without a reason, a name, or an end that can be."""
    today, last = now.astimezone().date(), latest(now.astimezone().date())
    if until < today:
        raise NetwatchError("decisions.past", until=until)
    if until > last:
        raise NetwatchError("decisions.too-long", until=until, latest=last)
    made = decision(found, reason, by, now, until)
    if made is None:
        raise NetwatchError("decisions.no-reason")
    return made


def cut(decision: Decision, reason: str) -> bool:
    """Was the reason longer than what is kept?"""
    return len(" ".join(reason.split())) > REASON >= len(decision.reason)


def listed(document: Document, decisions: Iterable[Decision], today: date) -> list[Listed]:
    """All that were ever made: those that hold first, then the last made first."""
    devices = {one.id: one for one in document.devices}
    there = {place(one): one for one in document.findings if one.status is not Status.RESOLVED}
    every = tuple(decisions)
    named = ids(document.site, {*there, *(one.place for one in every)})
    rows = list(reversed(every))
    rows.sort(key=lambda one: one.at, reverse=True)
    rows.sort(key=lambda one: one.state(today) is not State.STANDING)
    return [
        Listed(
            id=named[one.place],
            state=one.state(today),
            finding=_now(there.get(one.place)),
            rule=one.rule,
            device=one.device,
            address=_address(devices.get(one.device)),
            port=one.port,
            transport=one.transport,
            exposure=one.exposure,
            product=one.product or None,
            reason=one.reason,
            by=one.by,
            at=_stamp(one.at),
            until=one.until.isoformat(),
            ended=_stamp(one.ended) if one.ended else None,
            ended_by=one.ended_by or None,
        )
        for one in rows
    ]


def _now(found: FindingPart | None) -> Now:
    if found is None:
        return Now.GONE
    return Now.ACCEPTED if found.accepted else Now.COUNTED


def _address(device: DevicePart | None) -> str:
    return device.address if device else ""


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
