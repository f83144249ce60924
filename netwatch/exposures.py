"""What stood open to the internet, since when, until when, by what proof? The log, and what a night adds.

It is for the controller's register (RGPD art. 33(5)) and, if need be, a notification. It only grows: a row
is opened, carried on, and closed; what is open again is a new row. Each step (reported, forwarded, exposed,
leading to another device) is kept beside it, with the evidence and its digest. Where it stops: it holds
exposures and no breach; who used a way in, and what was before netwatch looked, it does not know.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from netwatch.judge import BOX, EXPOSURE, Explained, Place, Row, Says, Statement, explained
from netwatch.matching import AT_BOX, PUBLIC, everything, place, ports
from netwatch.model import Exposure, Vantage
from netwatch.statements import door

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from netwatch.model import Fact, Facts, Link, Observation

WITHIN = timedelta(hours=72)  # RGPD art. 33(1), from when the controller is aware
MOVED = "moved"  # ended because the address is the practice's no more, and nothing is proved
# What decides or describes an exposure; the evidence holds the other facts too.
DECISIVE = (
    *("query", "store", "association", "reject", "authentication", "page", "login", "session", "guest"),
    *("share_opens", "open_to_all", "nla", "smb1", "security", "bind", "product", "version", "to_address"),
    *("to_port", "permanent", "tls", "state"),
)
FORWARDS = {"forward", "dmz"}
COUNTED = ("patients", "studies")
# What was reached, by the row that stands; a silence since then does not undo it.
LIVE = {Row.ANSWERED: Says.ANSWERED, Row.OPEN: Says.OPEN, Row.UNANSWERED: Says.ANSWERED}


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the verdict's table as it came to hold, and what proved it.

    `at`: the night. `seen_at`: the date of the statement, which is theirs where it is a third party's. `by`:
    the question or the source. `facts`: the decisive ones; `evidence`: all of it, as canonical JSON;
    `digest`: its SHA-256. `link`: what it leads to.
    """

    at: datetime
    row: Row
    vantage: Vantage
    by: str
    seen_at: datetime
    protocol: str
    facts: Facts
    evidence: str
    digest: str
    link: Link | None = None

    @property
    def verdict(self) -> Exposure:
        """How exposed it was from then on."""
        return EXPOSURE[self.row]


@dataclass(frozen=True, slots=True)
class Logged:
    """One exposure. `place`: `p-ADDRESS`, or `@` and the box where only it told; public port (0: the DMZ).

    `patients`, `studies`: the most that the server ever counted to strangers. `last_seen`: the last night
    that something said so. `ended`: the night that proved it shut, and `ended_by` from where (or `moved`).
    `told_at`, `told_to`: the first mail about it, which the outbox knows.
    """

    place: Place
    first_seen: datetime
    last_seen: datetime
    steps: tuple[Step, ...]
    patients: int | None = None
    studies: int | None = None
    ended: datetime | None = None
    ended_by: str | None = None
    id: int | None = None
    told_at: datetime | None = None
    told_to: tuple[str, ...] = ()

    @property
    def last(self) -> Step:
        """Where it stands, or stood."""
        return self.steps[-1]

    @property
    def worst(self) -> Exposure:
        """The most that was ever proved."""
        return max((step.verdict for step in self.steps), key=lambda one: one.rank)

    @property
    def by_then(self) -> datetime | None:
        """If this is a breach, and the mail made the controller aware: 72 hours later."""
        return self.told_at + WITHIN if self.told_at else None


@dataclass(frozen=True, slots=True)
class Carried:
    """An open row goes on: seen tonight, or one step further, or both. `id`: the row's."""

    id: int
    last_seen: datetime | None = None
    step: Step | None = None
    patients: int | None = None
    studies: int | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """An open row ends."""

    id: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Added:
    """What a night adds to the log. A quiet one: dates of rows that are there, and no row."""

    opened: tuple[Logged, ...] = ()
    carried: tuple[Carried, ...] = ()
    closed: tuple[Closed, ...] = ()


def remembered(log: Iterable[Logged]) -> dict[Place, tuple[Statement, ...]]:
    """What the open rows say of their public ports, for `statements(earlier=)`: what was reached, and the
    first silence since. What boxes and others said has its own memory: their last list."""
    said: dict[Place, tuple[Statement, ...]] = {}
    for row in log:
        if row.ended is None and row.last.row in LIVE:
            reached = Statement(Vantage.OUTSIDE, LIVE[row.last.row], row.last_seen, door(row.place))
            silent = Statement(Vantage.OUTSIDE, Says.SILENT, row.last.at, door(row.place))
            said[row.place] = (reached, silent) if row.last.row is Row.UNANSWERED else (reached,)
    return said


def led(log: Iterable[Logged]) -> dict[Place, Link]:
    """Where the open rows lead, as it was last known: a forward that was removed tells it no more."""
    return {row.place: row.last.link for row in log if row.ended is None and row.last.link is not None}


def night(  # noqa: PLR0913, PLR0917 - what a night knows
    log: Iterable[Logged],
    said: Mapping[Place, Iterable[Statement]],
    tonight: Iterable[Observation],
    links: Mapping[Place, Link],
    now: datetime,
    retired: Collection[str] = (),
) -> Added:
    """What this night adds. `log`: the rows that are open; `said`: from `statements`; `tonight`: what was
    seen and told tonight; `now`: when the night began; `retired`: addresses that are ours no more."""
    return _Night(tuple(row for row in log if row.ended is None), tuple(tonight), links, now).added(
        said, retired
    )


@dataclass(frozen=True)
class _Night:
    """One night, and the rows that were open before it."""

    log: tuple[Logged, ...]
    tonight: tuple[Observation, ...]
    links: Mapping[Place, Link]
    now: datetime

    def added(self, said: Mapping[Place, Iterable[Statement]], retired: Collection[str]) -> Added:
        opened: list[Logged] = []
        carried: list[Carried] = []
        closed = [Closed(_id(row), self.now, MOVED) for row in self.log if row.place[0] in retired]
        met = {one.id for one in closed}
        for where in sorted(one for one in said if _is_public(one, said)):
            told, row = explained(said[where]), self.row(where, met)
            if row is not None:
                met.add(_id(row))
            proof = self.evidence(where, told)
            if told.exposure.rank < Exposure.REPORTED.rank:
                closed += self.ends(row, told) if row is not None else ()
            elif row is not None:
                carried.append(self.goes_on(row, where, told, proof))
            elif proof:
                step = self.step(where, told, proof, None)
                opened.append(Logged(where, self.now, self.now, (step,), *self.counted(where, step.link)))
        for row in self.log:
            closed += self.ends(row, Explained(Row.NOT_CHECKED)) if row.id not in met else ()
        moving = tuple(one for one in carried if any((one.last_seen, one.step, one.patients, one.studies)))
        return Added(tuple(opened), moving, tuple(closed))

    def row(self, where: Place, met: Collection[int | None]) -> Logged | None:
        """The open row of this public port. One that only the box spoke of is the same once its address is
        known, and the other way round."""
        free = [row for row in self.log if row.id not in met and row.place[1:] == where[1:]]
        exact = [row for row in free if row.place[0] == where[0]]
        v4 = [row for row in free if ":" not in row.place[0] + where[0]]
        other = [row for row in v4 if row.place[0].startswith(AT_BOX) != where[0].startswith(AT_BOX)]
        return next(iter(exact or other), None)

    def goes_on(self, row: Logged, where: Place, told: Explained, proof: Sequence[Observation]) -> Carried:
        """Seen again, or not; and a step, where another row of the table holds or it leads elsewhere."""
        step = self.step(where, told, proof, row.last.link)
        counts = [
            new if new is not None and new > (old or 0) else None
            for new, old in zip(self.counted(where, step.link), (row.patients, row.studies), strict=True)
        ]
        same = (step.row, step.link) == (row.last.row, row.last.link)
        proved = bool(proof) or step.row is Row.UNANSWERED
        return Carried(_id(row), self.now if proof else None, step if proved and not same else None, *counts)

    def ends(self, row: Logged, told: Explained) -> Iterator[Closed]:
        """Where something proves it shut, or whoever said that the box forwards says that it does no more."""
        if told.ended is not None:
            yield Closed(_id(row), self.now, told.ended.vantage.value)
        elif row.last.verdict is Exposure.FORWARDED and any(
            self._withdrawn(row, one) for one in self.tonight
        ):
            yield Closed(_id(row), self.now, row.last.vantage.value)

    @staticmethod
    def _withdrawn(row: Logged, one: Observation) -> bool:
        """A whole list without it (or it would be told tonight), or the thing itself, switched off."""
        off = one.protocol in FORWARDS and one.facts.get("enabled") is False
        itself = off and one.port == row.place[1] and (not one.port or one.transport == row.place[2])
        whole = one.protocol == "listing" and one.facts.get("listing") == "whole" and bool(row.place[1])
        return one.probe == row.last.by and (itself or whole)

    def evidence(self, where: Place, told: Explained) -> tuple[Observation, ...]:
        """What was seen or told tonight that makes this row, the most telling first."""
        if told.by is None:
            return ()
        seen = [one for one in self.tonight if one.vantage is told.by.vantage and _is_about(one, where)]
        seen.sort(key=lambda one: (not one.proved, one.protocol == "unknown", -len(one.facts), one.probe))
        return tuple(seen)

    def step(self, where: Place, told: Explained, proof: Sequence[Observation], before: Link | None) -> Step:
        """This row of the table, with its proof. Of a silence, the proof is that it was asked."""
        at_box = (link for key, link in self.links.items() if key[0][:1] == AT_BOX and key[1:] == where[1:])
        link = self.links.get(where) or before or next(at_box, None)
        first = proof[0] if proof and told.row is not Row.UNANSWERED else None  # a silence shows nothing
        evidence = canonical(proof) if first else json.dumps({"asked": list(where), "answer": "none"})
        return Step(
            at=self.now,
            row=told.row,
            vantage=first.vantage if first else Vantage.OUTSIDE,
            by=first.probe if first else "sweep",
            seen_at=first.seen_at if first else self.now,
            protocol=first.protocol if first else "",
            facts={key: first.facts[key] for key in DECISIVE if key in first.facts} if first else {},
            evidence=evidence,
            digest=sha256(evidence.encode()).hexdigest(),
            link=link,
        )

    def counted(self, where: Place, link: Link | None) -> tuple[int | None, int | None]:
        """How many patients and studies the server counts to strangers: here, or on the device behind."""
        device = link.device if link is not None and link.device else where[0]
        told = [one.facts for one in self.tonight if place(one) == where or one.device == device]
        patients, studies = (
            [n for facts in told if (n := _number(facts.get(key))) is not None] for key in COUNTED
        )
        return max(patients, default=None), max(studies, default=None)


def _id(row: Logged) -> int:
    return row.id if row.id is not None else 0


def _number(value: Fact) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _is_public(where: Place, said: Mapping[Place, object]) -> bool:
    """A port of the practice on the internet; the box's own side only where no address has the same."""
    if where[0].startswith(AT_BOX):
        return not any(
            one[0].startswith(PUBLIC) and ":" not in one[0] and one[1:] == where[1:] for one in said
        )
    return where[0].startswith(PUBLIC)


def _is_about(one: Observation, where: Place) -> bool:
    """Is this public port what was seen, or what the box speaks of?"""
    if one.vantage not in BOX:
        return place(one) == where
    if one.protocol not in FORWARDS or one.facts.get("enabled") is False:
        return False
    return where[1] == 0 if everything(one) else one.transport == where[2] and where[1] in ports(one)


def canonical(seen: Iterable[Observation]) -> str:
    """Observations as one text that is the same for the same evidence: JSON, sorted keys, no spaces."""
    rows = [{**asdict(one), "vantage": one.vantage.value, "seen_at": one.seen_at.isoformat()} for one in seen]
    return json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
