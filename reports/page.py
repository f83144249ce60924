"""What does the practice read in the morning? The answer for the doctor, the facts for the consultant.

The page is self-contained: no script, no font, image or address that a browser would fetch. It never says
more than the night proved: silence is told as silence, and a night without findings only says what was asked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch.change import ChangeKind
from netwatch.model import Severity, Status, Vantage
from reports.aged import sentence
from reports.annex import override, pace, seen_from, sheets
from reports.doors import BOX, answered, ways
from reports.folding import at_internet, folded, folded_changes
from reports.gaps import gaps, vanished
from reports.moment import parse
from reports.outside import section
from reports.phrase import ADDRESS, TEXT, Phrases, clean, lower_first, steps
from reports.verdict import answer, asides, freshness, in_order, ordered
from reports.way import leads, number, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jinja2 import Template

    from netwatch.document import ChangePart, Document, FindingPart
    from netwatch.words import Catalogue

SHOWN = 6  # places named in a paragraph; the annex names them all


@dataclass(frozen=True, slots=True)
class Card:
    """A finding as it is read. `leads`: what stands behind a public port, or which of them lead here;
    `about`: the product that it rests on.
    `advise`: there is something left to do. `same_as`: number and place of the card with the same advice."""

    number: int
    severity: Severity
    status: Status
    title: str
    device: str
    place: str
    leads: str
    about: str
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
    explain: str


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
        outside=section(say, document, catalogue),
        public=", ".join(clean(address, ADDRESS) for address in view.public(public_addresses)),
        moved=view.moved(),
        holes=view.holes(),
        seen_from=seen_from(say, document),
        pace=pace(say, document),
        override=override(say, document),
        audit=say("page.annex.audit" if document.run.audit else "page.annex.no-audit"),
        tables=sheets(say, document),
    )


class View:
    """The parts of the page, in words."""

    def __init__(self, say: Phrases, document: Document, catalogue: Catalogue) -> None:
        """Everything that the sentences are made of."""
        self.say = say
        self.document = document
        self.catalogue = catalogue
        self.devices = {device.id: device for device in document.devices}
        self.located_devices = {device.address: device for device in document.devices}
        self.ways = ways(document)
        self.answered = answered(document)

    def device(self, device: str | None, address: str = "") -> str:
        """What to call the device of a row; a row without one is called by its address."""
        known = self.devices.get(device or "")
        return self.say.name(known) if known else clean(address, ADDRESS) or self.say.name(None)

    def cards(self) -> list[Card]:
        """One card per finding; the advice of a rule is given once and referred to afterwards."""
        advised: dict[str, tuple[int, str]] = {}
        cards = []
        for order, finding in enumerate(ordered(folded(self.document.findings)), start=1):
            words = self.say.rule(self.catalogue, finding.rule, finding.title)
            where = place(self.say, finding)
            references = self.catalogue[finding.rule].references
            cards.append(
                Card(
                    number=order,
                    severity=finding.severity,
                    status=finding.status,
                    title=words.title,
                    device=self.behind(finding),
                    place=where,
                    leads=self.leads(finding),
                    about=sentence(self.say, finding.about),
                    since=self.since(finding),
                    exposure=self.exposure(finding),
                    risk=words.risk,
                    remedy=tuple(steps(words.remedy)),
                    references=" · ".join(self.say.word("page.reference", name) for name in references),
                    advise=finding.status != Status.RESOLVED,
                    same_as=advised.get(finding.rule),
                )
            )
            advised.setdefault(finding.rule, (order, where))
        return cards

    def behind(self, finding: FindingPart) -> str:
        """The device that a finding is about: behind a public port, the one that it leads to."""
        link = finding.link
        if at_internet(finding.device):
            return self.say.name(self.devices[link.device]) if link and link.device in self.devices else ""
        return self.device(finding.device)

    def leads(self, finding: FindingPart) -> str:
        """Where a public port leads; of a service inside, through which public ports it was reached."""
        if finding.vantage != Vantage.LAN:
            return leads(self.say, finding, self.devices)
        known = self.ways.get((finding.device, finding.port, finding.transport), ())
        return " ".join(
            self.say("page.card.way", port=number(self.say, one.port, one.transport), address=one.address)
            for one in known
        )

    def exposure(self, finding: FindingPart) -> str:
        """What is known of the internet. Of a forward at whose port something answered us, that it did."""
        if finding.vantage in BOX and (finding.port, finding.transport) in self.answered:
            return self.say("phrase.exposure.forward-answers")
        return self.say(f"phrase.exposure.{finding.exposure}")

    def public(self, given: Sequence[str]) -> list[str]:
        """The practice's addresses on the internet: what a night found, else what the settings say."""
        return [one.address for one in self.document.public] or list(given)

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
                where=self.where(change),
                previous=self.previous(change),
                explain=self.explain(change),
            )
            for change in in_order(folded_changes(self.document))
        ]

    def where(self, change: ChangePart) -> str:
        """The device and the place; of a public port, where it leads, too."""
        for finding in self.document.findings:
            if (finding.rule, finding.device, finding.port) == (change.rule, change.device, change.port):
                told = place(self.say, finding)
                return ", ".join(filter(None, (self.behind(finding), told)))
        told = self.say.place(change.address, change.port)
        return f"{self.device(change.device)}, {told}"

    def explain(self, change: ChangePart) -> str:
        """What this kind of change means; from where it was tested again."""
        outside = at_internet(change.device) and change.kind == ChangeKind.RESOLVED
        return self.say(f"page.changes.explain.{change.kind}{'-outside' if outside else ''}")

    def previous(self, change: ChangePart) -> str:
        """The rung it came from, unless it is the same one."""
        if change.previous is None or change.previous == change.rule:
            return ""
        title = self.say.rule(self.catalogue, change.previous).title
        return self.say("page.changes.previous", title=lower_first(title))

    def holes(self) -> list[Hole]:
        """What was not checked: absent devices, then each reason, then the rest of the range."""
        holes = list(self._absent())
        for gap in gaps(self.document):
            places = [self.located(address, port) for address, port in gap.places if address]
            holes.append(self._hole(gap.kind, self.say(f"page.gaps.plain.{gap.kind}"), places))
        inside = [one.ports for one in self.document.rounds if not at_internet(one.device)]
        if inside:
            plain = self.say.count("page.gaps.range", min(inside))
            holes.append(Hole(self.say("page.gaps.range-title"), plain, (), ""))
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


@cache
def _template() -> Template:
    """The page's template, escaping everything that fills it; compiled once."""
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
