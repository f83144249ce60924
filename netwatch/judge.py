"""What do all vantages together say of a service: is it exposed, and what proves it? Pure.

`verdict` and the table of docs/verdict.md are the same thing, row by row; a test reads the page. A word
counts only from whoever can know it: the outside proves, the box and a person say, others report with a date.
Where it stops: it is given statements, and does not find out which inside service stands behind which public
port (matching.py); it never concludes from the absence of a statement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from netwatch.model import Exposure, Vantage

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Sequence

    from netwatch.model import Finding, Observation

Place = tuple[
    str, int, str
]  # device, port, transport; of the internet side, the device is "p-" and an address

NIGHT = timedelta(hours=12)  # what is closer together is of one night
UNDATED = timedelta(days=7)  # InternetDB tells no date and is written weekly: so old it may be


class Says(StrEnum):
    """What somebody says of a service. From the network itself: answered, open, closed, silent (away)."""

    ANSWERED = "answered"  # a live question, in a protocol that we know
    OPEN = "open"  # the port takes connections, and nothing was recognised
    CLOSED = "closed"  # the port said so itself
    SILENT = "silent"  # asked twice, and nothing came
    FORWARDED = "forwarded"  # the box lists a forward that leads here
    DMZ = "dmz"  # the box sends here whatever it has no other rule for
    REPORTED = "reported"  # others say that they saw it


REACHED = {Says.ANSWERED, Says.OPEN}
LIVE = REACHED | {Says.CLOSED, Says.SILENT}
TOLD = {Says.FORWARDED, Says.DMZ}
# Who can know what. A word from anybody else is no word.
KNOWS = {
    Vantage.LAN: LIVE,
    Vantage.OUTSIDE: LIVE,
    Vantage.BOX: TOLD,
    Vantage.DECLARED: TOLD,
    Vantage.SHODAN: {Says.REPORTED},
    Vantage.INTERNETDB: {Says.REPORTED},
}


@dataclass(frozen=True, slots=True)
class Statement:
    """Somebody's word on a service, and its date: theirs where it is a third party's. `door`: the way in from
    the internet that it is about, such as `203.0.113.7:11112/tcp`; nothing where it is about them all."""

    vantage: Vantage
    says: Says
    at: datetime
    door: str = ""


class Row(StrEnum):
    """The rows of the table of docs/verdict.md, the first that holds first."""

    ANSWERED = "answered"
    OPEN = "open"
    UNANSWERED = "unanswered"  # reached before, silent since, and nothing shows that the way is shut
    DMZ = "dmz"
    FORWARDED = "forwarded"
    FORWARDED_BUT_SILENT = "forwarded-but-silent"
    FORWARDED_BUT_CLOSED = "forwarded-but-closed"
    REPORTED = "reported"
    REPORTED_BUT_SILENT = "reported-but-silent"
    REPORTED_BUT_CLOSED = "reported-but-closed"
    SILENT = "silent"
    SHUT = "shut"  # silent, and something shows that the way is shut
    CLOSED = "closed"
    NOT_CHECKED = "not-checked"


EXPOSURE = {
    **dict.fromkeys((Row.ANSWERED, Row.OPEN, Row.UNANSWERED), Exposure.EXPOSED),
    **dict.fromkeys((Row.DMZ, Row.FORWARDED), Exposure.FORWARDED),
    **dict.fromkeys((Row.FORWARDED_BUT_SILENT, Row.FORWARDED_BUT_CLOSED), Exposure.FORWARDED),
    **dict.fromkeys((Row.REPORTED, Row.REPORTED_BUT_SILENT), Exposure.REPORTED),
    **dict.fromkeys((Row.REPORTED_BUT_CLOSED, Row.SILENT, Row.SHUT, Row.CLOSED), Exposure.INSIDE_ONLY),
    Row.NOT_CHECKED: Exposure.NOT_CHECKED,
}


@dataclass(frozen=True, slots=True)
class Explained:
    """Which row held. `by`: the statement that made it, the newest; None where nobody said anything. `ended`:
    the statement that proved the way shut, where one did and nothing was reached since."""

    row: Row
    by: Statement | None = None
    ended: Statement | None = None

    @property
    def exposure(self) -> Exposure:
        """The row's verdict."""
        return EXPOSURE[self.row]


def verdict(statements: Iterable[Statement]) -> Exposure:
    """Exposed > forwarded > reported > inside-only > not-checked. In any order, of anything."""
    return explained(statements).exposure


def explained(statements: Iterable[Statement]) -> Explained:
    """The verdict, and why: the worst row of all doors. A statement about no door is about each of them."""
    return min(
        map(_door, _doors(statements)), key=lambda told: (list(Row).index(told.row), _newest_first(told))
    )


def shut(statements: Iterable[Statement]) -> bool:
    """Is every door proved shut since something was last reached through it?

    A closed port proves it. A silence does only where (a) the service that it leads to answered on the
    practice's network in the same night, so that the way is shut and not the server off; or (b) it was silent
    in two nights, and the device was not away in either. Never where nobody asked.
    """
    return all(_ended(heard, after=_reached(heard)) for heard in _doors(statements))


def _doors(statements: Iterable[Statement]) -> list[list[Statement]]:
    """What was heard of each door, from whoever can know it; at least one list."""
    heard = {one for one in statements if one.says in KNOWS[one.vantage]}
    doors = {one.door for one in heard if one.door} or {""}
    return [[one for one in heard if one.door in {"", door}] for door in doors]


def _reached(heard: Iterable[Statement]) -> datetime | None:
    """When something was last reached through this door."""
    return max((one.at for one in heard if _live(one) and one.says in REACHED), default=None)


def _live(one: Statement) -> bool:
    return one.vantage is Vantage.OUTSIDE


def _newest_first(told: Explained) -> tuple[float, str]:
    at = told.by.at.timestamp() if told.by else 0.0
    return -at, repr(told.by)


def _latest(statements: Iterable[Statement]) -> Statement:
    return max(statements, key=lambda one: (one.at, repr(one)))


def _door(heard: Sequence[Statement]) -> Explained:
    """The first row that holds for one door."""
    live = [one for one in heard if _live(one)]
    reached = [one for one in live if one.says in REACHED]
    silent = [one for one in live if one.says is Says.SILENT]
    told = [one for one in heard if one.says in TOLD]
    last = _reached(heard)
    ended = _ended(heard, after=last)
    if last is not None and ended is None:
        best = _best(reached)
        since = any(one.at > last for one in silent)
        return Explained(Row.UNANSWERED if since else Row(best.says.value), best)
    if told:
        return Explained(_told_row(told, ended, silent), _latest(told), ended)
    reports = [one for one in heard if one.says is Says.REPORTED]
    standing = [one for one in reports if _ended(heard, after=_as_of(one)) is None]
    if standing:
        unseen = any(one.at > _as_of(_latest(standing)) for one in silent)
        return Explained(Row.REPORTED_BUT_SILENT if unseen else Row.REPORTED, _latest(standing), ended)
    if reports:
        return Explained(Row.REPORTED_BUT_CLOSED, _latest(reports), ended)
    if ended is not None:
        return Explained(Row.CLOSED if ended.says is Says.CLOSED else Row.SHUT, ended, ended)
    return Explained(Row.SILENT, _latest(silent)) if silent else Explained(Row.NOT_CHECKED)


def _best(reached: Iterable[Statement]) -> Statement:
    """The newest; of one night, what answered tells more than what is merely open."""
    newest = _latest(reached)
    same = [one for one in reached if newest.at - one.at < NIGHT]
    return max(same, key=lambda one: (one.says is Says.ANSWERED, one.at, repr(one)))


def _told_row(told: Iterable[Statement], ended: Statement | None, silent: Collection[Statement]) -> Row:
    if any(one.says is Says.DMZ for one in told):
        return Row.DMZ
    if ended is not None and ended.says is Says.CLOSED:
        return Row.FORWARDED_BUT_CLOSED
    return Row.FORWARDED_BUT_SILENT if silent else Row.FORWARDED


def _as_of(report: Statement) -> datetime:
    """The date of a third party's statement; one without any may be a week old."""
    return report.at - UNDATED if report.vantage is Vantage.INTERNETDB else report.at


def _ended(heard: Sequence[Statement], *, after: datetime | None) -> Statement | None:
    """The last statement that proves the way shut, later than `after`; see `shut`."""
    live = [one for one in heard if _live(one) and (after is None or one.at > after)]
    silences = [one for one in live if one.says is Says.SILENT]
    inside = [one for one in heard if one.vantage is Vantage.LAN]

    def at_home(one: Statement, says: Collection[Says]) -> bool:
        return any(seen.says in says and abs(one.at - seen.at) < NIGHT for seen in inside)

    there = [one for one in silences if not at_home(one, {Says.SILENT})]
    proofs = [one for one in live if one.says is Says.CLOSED]
    proofs += [one for one in silences if at_home(one, REACHED)]
    proofs += [one for one in there if any(one.at - earlier.at >= NIGHT for earlier in there)]
    return _latest(proofs) if proofs else None


BOX = {Vantage.BOX, Vantage.DECLARED}
OTHERS = {Vantage.SHODAN, Vantage.INTERNETDB}
SURER = (Vantage.BOX, Vantage.DECLARED, Vantage.SHODAN, Vantage.INTERNETDB)
ITS_OWN_RULES = "upnp"  # probes/upnp.py judges what the box tells over UPnP


def findings(
    observations: Iterable[Observation],
    judged: Iterable[Finding] = (),
    refuted: Container[Place] = frozenset(),
) -> Iterator[Finding]:
    """The engine's rules, on what no probe judges; each with its exposure.

    `judged`: the probes' findings. A port that is open to the internet, at which none of them stands, is one
    of ours. `refuted`: the places where a live question found closed what was reported (REPORTED_BUT_CLOSED).
    """
    observations = sorted(
        observations,
        key=lambda seen: (SURER.index(seen.vantage) if seen.vantage in SURER else 0, seen.probe),
    )
    ours = {
        finding: None
        for seen in observations
        for finding in (*_of_the_box(seen), *_of_others(seen))
        if finding.exposure is not Exposure.REPORTED or _place(seen) not in refuted
    }
    yield from ours
    taken = {(one.device, one.port, one.transport) for one in judged}
    yield from _unnamed([seen for seen in observations if _place(seen) not in taken])


def _place(seen: Observation) -> Place:
    return seen.device, seen.port, seen.transport


def _of_the_box(seen: Observation) -> Iterator[Finding]:
    """What a box, or the person who read its pages, says that it does."""
    if seen.vantage not in BOX or (seen.probe == ITS_OWN_RULES and seen.protocol != "ipv6-firewall"):
        return
    enabled = seen.facts.get("enabled")
    if seen.protocol == "forward" and enabled is not False:
        yield replace(seen.finding("box-forward"), exposure=Exposure.FORWARDED)
    elif seen.protocol == "dmz" and enabled is not False and seen.facts.get("to_address"):
        yield replace(seen.finding("box-dmz"), exposure=Exposure.FORWARDED)
    elif seen.protocol == "ipv6-firewall" and enabled is False:
        yield seen.finding("box-ipv6-open")
    elif seen.protocol == "upnp" and enabled is True:
        yield seen.finding("box-upnp")


def _of_others(seen: Observation) -> Iterator[Finding]:
    """A port that others say is open."""
    if seen.vantage in OTHERS and seen.port and seen.protocol != "listing":
        yield replace(seen.finding("reported-open"), exposure=Exposure.REPORTED)


def _unnamed(observations: Iterable[Observation]) -> Iterator[Finding]:
    """Ports that are open to the internet and that no probe's rule speaks of."""
    live = [seen for seen in observations if seen.vantage is Vantage.OUTSIDE and seen.port]
    imaging = {_place(seen) for seen in live if seen.protocol == "dicom" and "association" in seen.facts}
    for place in sorted({_place(seen) for seen in live}):
        best = max(
            (seen for seen in live if _place(seen) == place), key=lambda seen: (seen.proved, seen.probe)
        )
        rule = "imaging-reachable" if place in imaging else "port-reachable"
        yield replace(best.finding(rule), probe="sweep", exposure=Exposure.EXPOSED)
