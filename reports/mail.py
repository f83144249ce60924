"""What does an alert say to a doctor who reads only the subject, and what to one who opens it?

The subject alone tells the site, what, and where, in at most 150 characters on one line. The text part
wraps at 72 columns; the HTML part is simple tables with inline style and fetches nothing. A doctor is told
what it is, on which device, where, and what to do; a consultant also what a specialist can use (detail.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.change import ChangeKind
from netwatch.model import LIVENESS, Exposure, Severity
from netwatch.post import Content, Reader, Role
from reports import comings
from reports.decided import known
from reports.detail import Detail
from reports.doors import BOX
from reports.folding import at_internet, place, twins
from reports.phrase import NAME, Phrases, clean, lower_first, steps
from reports.templating import template
from reports.way import subject
from reports.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import datetime

    from netwatch.change import Change
    from netwatch.model import Device, Finding
    from netwatch.post import Alert
    from netwatch.words import Catalogue

SUBJECT = 150
SITE = 32  # characters of the site's name in a subject
TITLE = 20  # characters of a title that a subject always keeps

_TRIED_OUTSIDE = (Exposure.EXPOSED, Exposure.INSIDE_ONLY)
_FOUND = (ChangeKind.APPEARED, ChangeKind.WORSENED)
_OVER = (ChangeKind.RESOLVED, ChangeKind.IMPROVED)
_QUIET = (
    *(ChangeKind.FLAPPING, ChangeKind.EXPIRED, ChangeKind.EXPIRING, ChangeKind.UNVERIFIED),
    *(ChangeKind.IMPROVED, ChangeKind.RESOLVED, ChangeKind.REJUDGED, ChangeKind.MOVED),
)
_FEW = 3  # small things that are told in full where nothing is worse
_LINES = 40  # of what is told in a line


@dataclass(frozen=True, slots=True)
class Item:
    """Something to act on, as it is read. `leads`: what stands behind a public port. `about`: the product
    that it rests on. `urgent`: anybody on
    the internet can reach it. `same_as` is the number of the item with the same advice."""

    number: int
    severity: Severity
    title: str
    device: str
    place: str
    leads: str
    about: str
    before: str
    exposure: str
    urgent: bool
    risk: str
    remedy: tuple[str, ...]
    sent: tuple[str, ...]
    same_as: int | None


@dataclass(frozen=True, slots=True)
class Section:
    """Items that became known in the same way."""

    title: str
    explain: str
    items: tuple[Item, ...]


def compose(  # noqa: PLR0913, PLR0917 - what a mail is made of
    site_name: str,
    alert: Alert,
    devices: Mapping[str, Device],
    catalogue: Catalogue,
    reader: Reader,
    complete: bool,  # noqa: FBT001 - a fact of the run, given with the others
    found_at: datetime,
    public_addresses: Sequence[str] = (),
    sent: Mapping[str, Sequence[str]] | None = None,
    *,
    asked_outside: bool = False,
    answered: Container[tuple[int, str]] = frozenset(),
) -> Content:
    """The mail of one alert. `found_at` is the moment of the check; `complete` is that of the run.

    `sent`: what a device that fell silent had been sent, line by line, by device. `asked_outside`: was
    anything knocked at from the internet in this run (doors.knocked)? `answered`: the public ports that
    answered then (port and transport).
    """
    parts = {}
    for kind in ("txt", "html"):
        say = Phrases(reader.language, fine=True)
        writer = Writer(say, devices, catalogue, sent, answered, full=reader.role is Role.CONSULTANT)
        parts[kind] = template(f"mail.{kind}").render(
            say=writer.say,
            greeting=writer.say(
                "mail.greeting", when=writer.say.moments.full(found_at), site=clean(site_name, NAME)
            ),
            complete=complete,
            intro=writer.intro(alert),
            sections=writer.sections(alert),
            also=[*writer.also(alert), *comings.also(writer.say, alert.comings)],
            news=comings.news(writer.say, alert.comings, found_at),
            urgent=alert.urgent,
            public="" if asked_outside else writer.public(alert, public_addresses),
        )
    plain = Writer(Phrases(reader.language), devices, catalogue)
    brief = f"{plain.intro(alert)} {plain.say('mail.short')}"
    return Content(plain.subject(site_name, alert), wrapped(parts["txt"]), parts["html"], brief)


class Writer:
    """The parts of a mail, in words. `full`: with what only a specialist can use (detail.py)."""

    def __init__(  # noqa: PLR0913 - what the sentences are made of
        self,
        say: Phrases,
        devices: Mapping[str, Device],
        catalogue: Catalogue,
        sent: Mapping[str, Sequence[str]] | None = None,
        answered: Container[tuple[int, str]] = frozenset(),
        *,
        full: bool = False,
    ) -> None:
        """Everything that the sentences are made of."""
        self.detail = Detail(say, devices, full=full)
        self.say = say
        self.answered = answered
        self.sent = sent or {}
        self.devices = devices
        self.catalogue = catalogue

    def subject(self, site_name: str, alert: Alert) -> str:
        """Site, the worst news, where it is, and how many others. The title gives way when it is too long."""
        if not alert.urgent:
            return comings.subject(self.say, site_name, alert.comings)
        news = self.to_act_on(alert) or self.ordered(alert, *_QUIET)
        if not news:
            return clean(site_name, NAME)
        lead = news[0]
        kind = lead.kind if lead.kind in _QUIET else "found"
        title = lower_first(self.say.rule(self.catalogue, lead.finding.rule).title)
        parts = {
            "site": clean(site_name, SITE),
            "where": subject(self.say, lead.finding, self.devices, stands=lead.kind not in _OVER),
        }
        others = self.say.messages(f"mail.subject.others.{_plural(len(news) - 1)}", number=len(news) - 1)
        others += comings.others(self.say, alert.comings)
        frame = self.say.messages(f"mail.subject.{kind}", title="", others=others, **parts)
        title = clean(title, max(TITLE, SUBJECT - len(frame)))
        return clean(self.say.messages(f"mail.subject.{kind}", title=title, others=others, **parts), SUBJECT)

    def intro(self, alert: Alert) -> str:
        """How much there is to act on."""
        if not alert.urgent:
            return comings.intro(self.say, alert.comings)
        number = len(self.to_act_on(alert))
        return self.say.count("mail.intro.found", number) if number else self.say("mail.intro.quiet")

    def to_act_on(self, alert: Alert) -> list[Change]:
        """What appeared or worsened, then what was never checked before, what comes and goes, what is no
        longer accepted; that of
        them first in which the worst is. What is told of a public port is not told again of the service
        behind it."""
        found, first = self.ordered(alert, *_FOUND), self.ordered(alert, ChangeKind.NEWLY_CHECKED)
        stands = [
            [one for one in self.ordered(alert, kind) if not self._small(one)]
            for kind in (ChangeKind.FLAPPING, ChangeKind.EXPIRED)
        ]
        piles = [pile for pile in (found, first, *stands) if pile]
        piles.sort(key=lambda pile: self._weight(pile[0]), reverse=True)
        told = self.once([one for pile in piles for one in pile])
        return [one for one in told if not self._small(one)] or told[:_FEW]

    def _small(self, change: Change) -> bool:
        return self.severity(change.finding).rank < Severity.MEDIUM.rank

    def _weight(self, change: Change) -> tuple[int, int]:
        return self.severity(change.finding).rank, change.finding.exposure.rank

    @staticmethod
    def once(changes: list[Change]) -> list[Change]:
        """The changes without those that a public port's tells as well."""
        seen = twins(change.finding for change in changes)
        return [change for change in changes if place(change.finding) not in seen]

    def ordered(self, alert: Alert, *kinds: ChangeKind) -> list[Change]:
        """The changes of these kinds, worst first."""
        return sorted(
            (change for change in alert.changes if change.kind in kinds),
            key=lambda c: (
                -self.severity(c.finding).rank,
                -c.finding.exposure.rank,
                c.finding.rule,
                c.finding.address,
                c.finding.port,
            ),
        )

    def severity(self, finding: Finding) -> Severity:
        """What the catalogue says."""
        return self.catalogue[finding.rule].at(finding.exposure)

    def sections(self, alert: Alert) -> list[Section]:
        """What to act on, with the advice of a rule given once."""
        advised: dict[str, int] = {}
        items = [
            (change.kind, self.item(change, number, advised))
            for number, change in enumerate(self.to_act_on(alert), start=1)
        ]
        new = tuple(item for kind, item in items if kind in _FOUND)
        again = tuple(item for kind, item in items if kind is ChangeKind.FLAPPING)
        expired = tuple(item for kind, item in items if kind is ChangeKind.EXPIRED)
        first = tuple(item for kind, item in items if kind is ChangeKind.NEWLY_CHECKED)
        sections = (
            Section(self.say("mail.section.found"), "", new),
            Section(
                self.say("mail.section.newly-checked"), self.say("mail.section.newly-checked-explain"), first
            ),
            Section(self.say("mail.section.flapping"), self.say("mail.section.flapping-explain"), again),
            Section(self.say("mail.section.expired"), self.say("mail.section.expired-explain"), expired),
        )
        return sorted((one for one in sections if one.items), key=lambda one: one.items[0].number)

    def item(self, change: Change, number: int, advised: dict[str, int]) -> Item:
        """One change; `advised` remembers where each rule's advice stands."""
        finding = change.finding
        words = self.say.rule(self.catalogue, finding.rule)
        same_as = advised.get(finding.rule)
        advised.setdefault(finding.rule, number)
        told_by_us = finding.probe == LIVENESS
        return Item(
            number=number,
            severity=self.severity(finding),
            title=words.title,
            device=self.device(finding),
            place=self.detail.place(finding),
            leads=self.detail.leads(finding),
            about=self.detail.about(finding),
            before=known(self.say, self.catalogue, change),
            exposure="" if told_by_us else self.exposure(finding),
            urgent=finding.exposure == Exposure.EXPOSED,
            risk=words.risk,
            remedy=tuple(steps(words.remedy)),
            sent=tuple(clean(line) for line in self.sent.get(finding.device, ())) if told_by_us else (),
            same_as=same_as,
        )

    def exposure(self, finding: Finding) -> str:
        """What is known of the internet. Of a forward at whose port something answered us, that it did."""
        if finding.vantage in BOX and (finding.port, finding.transport) in self.answered:
            return self.say("phrase.exposure.forward-answers")
        return self.say(f"phrase.exposure.{finding.exposure}")

    def device(self, finding: Finding) -> str:
        """What it is about: behind a public port, the device that it leads to, where that is known."""
        link = finding.link
        behind = link.device if at_internet(finding.device) and link is not None else ""
        return self.say.name(self.devices.get(behind) or self.devices.get(finding.device))

    def also(self, alert: Alert) -> list[str]:
        """What is small, comes and goes, could not be tested again, improved or is gone: one line each."""
        whole, kinds = self.to_act_on(alert), (*_FOUND, ChangeKind.NEWLY_CHECKED, *_QUIET)
        every = self.once([one for kind in kinds for one in self.ordered(alert, kind)])
        told = [one for one in every if one not in whole]
        lines = [
            self.say(
                f"mail.also.{change.kind}",
                title=lower_first(self.say.rule(self.catalogue, change.finding.rule).title),
                where=self.detail.where(change.finding, self.device(change.finding)),
                until=change.until,
            )
            for change in told[:_LINES]
        ]
        return lines + ([self.say.count("mail.also.more", more)] if (more := len(told) - _LINES) > 0 else [])

    def public(self, alert: Alert, addresses: Sequence[str]) -> str:
        """What is not known of the practice's own addresses, unless this alert comes from outside."""
        if any(change.finding.exposure in _TRIED_OUTSIDE for change in alert.changes):
            return ""
        return self.detail.addresses(addresses)


def _plural(number: int) -> str:
    """The end of a counted sentence's id."""
    return {0: "none", 1: "one"}.get(number, "many")
