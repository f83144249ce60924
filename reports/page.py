"""What does the practice read in the morning? The answer for the doctor, the facts for the consultant.

The page is self-contained: no script, no font, image or address that a browser would fetch. It never says
more than the night proved: silence is told as silence, and a night without findings only says what was asked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch.model import ChangeKind, Severity, Status, Vantage
from reports.annex import sheets
from reports.gaps import gaps, vanished
from reports.moment import parse
from reports.phrase import ADDRESS, TEXT, Phrases, clean, lower_first, steps
from reports.verdict import answer, asides, freshness, in_order, ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jinja2 import Template

    from netwatch.document import ChangePart, Document, FindingPart
    from netwatch.words import Catalogue

PACE = ("packets", "guarded", "overall", "pause")
SHOWN = 6  # places named in a paragraph; the annex names them all


@dataclass(frozen=True, slots=True)
class Card:
    """A finding as it is read. `advise`: there is something left to do. `same_as`: number and place of the
    card that holds the same advice."""

    number: int
    severity: Severity
    status: Status
    title: str
    device: str
    place: str
    since: str
    exposure: str
    risk: str
    remedy: tuple[str, ...]
    references: str
    advise: bool
    same_as: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A change as it is read."""

    kind: ChangeKind
    severity: Severity
    title: str
    where: str
    previous: str


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that was not checked, as it is read: a title, plain words, the first few places."""

    title: str
    plain: str
    places: tuple[str, ...]
    more: str


def render(
    site_name: str,
    document: Document,
    catalogue: Catalogue,
    language: str,
    public_addresses: Sequence[str] = (),
) -> str:
    """The page as HTML. Times are those of this machine's clock."""
    say = Phrases(language, fine=True)
    view = View(say, document, catalogue)
    cards = view.cards()
    told = Counter(card.severity for card in cards if card.status == Status.OPEN)
    return _template().render(
        say=say,
        document=document,
        site=clean(site_name, TEXT),
        fresh=freshness(say, document),
        answer=answer(say, document, catalogue),
        asides=asides(say, document),
        cards=cards,
        tally=[(severity, told[severity]) for severity in reversed(Severity) if severity in told],
        moved=view.moved(),
        holes=view.holes(public_addresses),
        seen_from=seen_from(say, document),
        pace=pace(say, document),
        override=override(say, document),
        audit=say("page.annex.audit" if document.run.audit else "page.annex.no-audit"),
        tables=sheets(say, document),
    )


def seen_from(say: Phrases, document: Document) -> str:
    """From where, when to when, and in which clock."""
    run = document.run
    return say(
        "page.annex.seen-from",
        vantages=", ".join(say(f"phrase.vantage.{vantage}") for vantage in run.vantages),
        run=clean(run.id, TEXT),
        started=say.moments.full(run.started),
        finished=say.moments.full(run.finished),
        zone=say.moments.zone(run.finished),
    )


def pace(say: Phrases, document: Document) -> str:
    """How fast it was, where the run tells."""
    kept = {key: say.number(document.run.pace[key]) for key in PACE if key in document.run.pace}
    return say("page.annex.pace", **kept) if len(kept) == len(PACE) else ""


def override(say: Phrases, document: Document) -> str:
    """Who answers for a pace above netwatch's own, where somebody does."""
    told = document.run.pace
    if "override_by" not in told:
        return ""
    by, reason = (clean(str(told.get(key, "")), TEXT) for key in ("override_by", "override_reason"))
    return say("page.annex.override", by=by, reason=reason)


class View:
    """The parts of the page, in words."""

    def __init__(self, say: Phrases, document: Document, catalogue: Catalogue) -> None:
        """Everything that the sentences are made of."""
        self.say = say
        self.document = document
        self.catalogue = catalogue
        self.devices = {device.id: device for device in document.devices}
        self.located_devices = {device.address: device for device in document.devices}

    def device(self, device: str | None, address: str = "") -> str:
        """What to call the device of a row; a row without one is called by its address."""
        known = self.devices.get(device or "")
        return self.say.name(known) if known else clean(address, ADDRESS) or self.say.name(None)

    def cards(self) -> list[Card]:
        """One card per finding; the advice of a rule is given once and referred to afterwards."""
        advised: dict[str, tuple[int, str]] = {}
        cards = []
        for number, finding in enumerate(ordered(self.document.findings), start=1):
            words = self.say.rule(self.catalogue, finding.rule, finding.title)
            place = self.say.place(finding.address, finding.port)
            references = self.catalogue[finding.rule].references
            cards.append(
                Card(
                    number=number,
                    severity=finding.severity,
                    status=finding.status,
                    title=words.title,
                    device=self.device(finding.device),
                    place=place,
                    since=self.since(finding),
                    exposure=self.say(f"phrase.exposure.{finding.exposure}"),
                    risk=words.risk,
                    remedy=tuple(steps(words.remedy)),
                    references=" · ".join(self.say.word("page.reference", name) for name in references),
                    advise=finding.status != Status.RESOLVED,
                    same_as=advised.get(finding.rule),
                )
            )
            advised.setdefault(finding.rule, (number, place))
        return cards

    def since(self, finding: FindingPart) -> str:
        """Since when we have seen it, which may be later than when it began."""
        run = self.document.run
        if parse(finding.first_seen) >= parse(run.started):
            return self.say("page.card.first-time")
        moments = self.say.moments
        first = moments.date(finding.first_seen)
        if finding.status != Status.OPEN:
            return self.say("page.card.between", first=first, last=moments.date(finding.last_seen))
        since = moments.since(finding.first_seen, run.finished)
        return self.say("page.card.since-date", since=since, date=first)

    def moved(self) -> list[Moved]:
        """What changed, bad news first."""
        return [
            Moved(
                kind=change.kind,
                severity=change.severity,
                title=self.say.rule(self.catalogue, change.rule, change.title).title,
                where=f"{self.device(change.device)}, {self.say.place(change.address, change.port)}",
                previous=self.previous(change),
            )
            for change in in_order(self.document.changes)
        ]

    def previous(self, change: ChangePart) -> str:
        """The rung it came from, unless it is the same one."""
        if change.previous is None or change.previous == change.rule:
            return ""
        title = self.say.rule(self.catalogue, change.previous).title
        return self.say("page.changes.previous", title=lower_first(title))

    def holes(self, public_addresses: Sequence[str]) -> list[Hole]:
        """What was not checked: absent devices, then each reason, then the internet side."""
        holes = list(self._absent())
        for gap in gaps(self.document):
            places = [self.located(address, port) for address, port in gap.places if address]
            holes.append(self._hole(gap.kind, self.say(f"page.gaps.plain.{gap.kind}"), places))
        if self.document.rounds:
            behind = min(one.ports for one in self.document.rounds)
            plain = self.say.count("page.gaps.range", behind)
            holes.append(Hole(self.say("page.gaps.range-title"), plain, (), ""))
        holes.append(Hole(self.say("page.gaps.public-title"), self._public(public_addresses), (), ""))
        return holes

    def located(self, address: str, port: int | None) -> str:
        """An address and port, with the name of the device that was last seen there."""
        place = self.say.place(address, port)
        device = self.located_devices.get(address)
        return f"{self.say.short_name(device)}, {place}" if device else place

    def _absent(self) -> Iterable[Hole]:
        """Devices we know and did not see, and what was found on them before."""
        absent = [device for device in vanished(self.document) if device.left_alone is None]
        if not absent:
            return
        ids = {device.id for device in absent}
        owed = sum(f.device in ids and f.status == Status.UNVERIFIED for f in self.document.findings)
        plain = self.say.count("page.gaps.vanished", len(absent))
        if owed:
            plain = f"{plain} {self.say.count('page.gaps.vanished-findings', owed)}"
        yield self._hole(
            "vanished", plain, [f"{self.say.name(d)}, {clean(d.address, ADDRESS)}" for d in absent]
        )

    def _hole(self, kind: str, plain: str, places: list[str]) -> Hole:
        """Name the first places and count the others."""
        others = len(places) - SHOWN
        more = self.say.count("page.gaps.and-more", others) if others > 0 else ""
        return Hole(self.say(f"page.gaps.title.{kind}"), plain, tuple(places[:SHOWN]), more)

    def _public(self, addresses: Sequence[str]) -> str:
        """What is known from the internet side, which is nothing unless we stood there."""
        if Vantage.OUTSIDE in self.document.run.vantages:
            return self.say("page.gaps.public-done")
        if not addresses:
            return self.say("page.gaps.public-none")
        named = ", ".join(clean(address, ADDRESS) for address in addresses)
        return self.say.count("page.gaps.public", len(addresses), addresses=named)


def _template() -> Template:
    """The page's template, escaping everything that fills it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - slow to import

    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
