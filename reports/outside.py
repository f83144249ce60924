"""What does the internet see of the practice? The section that page and terminal share.

A verdict in a sentence, each public port with what is proved of it and by whom, what the box and others say,
and what is not known. It says only what was proved, and never that all is well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.model import Exposure, Vantage
from reports.annex import protocol
from reports.doors import BOX, doors
from reports.folding import at_internet
from reports.phrase import ADDRESS, NAME, clean
from reports.said import Said
from reports.unasked import unknown
from reports.way import arrow, led, number, public

if TYPE_CHECKING:
    from netwatch.document import Document, ServicePart, StatementPart
    from netwatch.words import Catalogue
    from reports.doors import Door
    from reports.phrase import Phrases
    from reports.unasked import Unknown


@dataclass(frozen=True, slots=True)
class Row:
    """A public port, as it is read. `address`: where there are several; `short`: where it leads, for a narrow
    column; `titles`: of what stands there."""

    address: str
    port: str
    answers: str
    leads: str
    short: str
    verdict: Exposure
    proof: tuple[str, ...]
    since: str
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The practice as the internet sees it, as it is read."""

    verdict: tuple[str, ...]
    rows: tuple[Row, ...]
    box: tuple[tuple[str, tuple[str, ...]], ...]
    others: tuple[str, ...]
    unknown: tuple[Unknown, ...]


def section(say: Phrases, document: Document, catalogue: Catalogue) -> Section:
    """All of it. Times are those of this machine's clock."""
    known = doors(document)
    view = _View(say, document, catalogue, known)
    return Section(
        verdict=tuple(view.verdict()),
        rows=tuple(view.row(one) for one in known),
        box=tuple(view.said.box()),
        others=tuple(view.said.others()),
        unknown=unknown(say, document),
    )


class _View:
    """The parts of the section, in words."""

    def __init__(
        self, say: Phrases, document: Document, catalogue: Catalogue, known: tuple[Door, ...]
    ) -> None:
        self.say = say
        self.document = document
        self.catalogue = catalogue
        self.known = known
        self.said = Said(say, document, known)
        self.devices = {one.id: one for one in document.devices if not at_internet(one.id)}

    def verdict(self) -> list[str]:
        """What answers, or that nothing did, or that nobody asked; then what is only said."""
        say = self.say
        answers = [one for one in self.known if one.exposure == Exposure.EXPOSED]
        told = [self._answered(answers) if answers else self._silent()]
        for name, tried in (("unverified", True), ("untried", False)):
            if before := sum(one.unverified and one.tried is tried for one in answers):
                told.append(say.count(f"outside.verdict.{name}", before))
        forwarded = sum(one.exposure == Exposure.FORWARDED for one in self.known)
        if forwarded:
            told.append(say.count(f"outside.verdict.forwarded{'-more' if answers else ''}", forwarded))
        told += [say("outside.verdict.dmz", name=name) for name in self._dmz()]
        reported = sum(one.exposure == Exposure.REPORTED for one in self.known)
        if reported:
            told.append(say.count(f"outside.verdict.reported{'-more' if answers else ''}", reported))
        return told

    def _answered(self, answers: list[Door]) -> str:
        """How many, and where the worst of them leads."""
        worst, say = answers[0], self.say
        where = self._address(worst)
        port = number(say, worst.port, worst.transport)
        place = (
            public(say, where, worst.port, worst.transport) if where else say("outside.way.port", port=port)
        )
        link = worst.link
        if link is not None:
            known = self.devices.get(link.device)
            name = say.name(known) if known else clean(link.address, NAME)
            what = say("outside.verdict.worst", place=place, name=name)
        else:
            what = say("outside.verdict.worst-unknown", place=place)
        return say.count("outside.verdict.exposed", len(answers), worst=what)

    def _silent(self) -> str:
        """Nothing answered where somebody asked; or nobody asked."""
        rows = [one for one in self.document.public if one.asked and one.ports]
        if not rows:
            return self.say("outside.verdict.not-asked")
        when = self.say.moments.date(max(one.asked or "" for one in rows))
        return self.say.count("outside.verdict.silent", sum(one.ports for one in rows), when=when)

    def _dmz(self) -> list[str]:
        """The devices that the box sends everything to, each once."""
        told = [
            str(one.facts["to_address"])
            for one in self.document.statements
            if one.about == "dmz"
            and one.vantage in BOX
            and one.facts.get("enabled") is not False
            and isinstance(one.facts.get("to_address"), str)
        ]
        return list(dict.fromkeys(self.said.device(address) for address in told))

    def row(self, door: Door) -> Row:
        """One public port."""
        since = self.say.moments.date(door.since)
        return Row(
            address=self._address(door),
            port=number(self.say, door.port, door.transport),
            answers=self._answers(door),
            leads="" if door.shut else led(self.say, door.link, self.devices),
            short=arrow(self.say, door.link, self.devices),
            verdict=door.exposure,
            proof=tuple(self._proof(door)),
            since=since,
            titles=tuple(self.say.rule(self.catalogue, one.rule, one.title).title for one in door.findings),
        )

    def _address(self, door: Door) -> str:
        """Its address, where the practice has several on the internet."""
        return clean(door.address, ADDRESS) if len({one.address for one in self.known}) > 1 else ""

    def _answers(self, door: Door) -> str:
        """The protocol and the product, where we saw one."""
        if door.service is None:
            return self.say("outside.answers.nothing")
        spoken = protocol(self.say, door.service)
        product = clean(door.service.facts.get("product") or "", NAME)
        if not product:
            return spoken
        return self.say("outside.answers.with-product", protocol=spoken, product=product)

    def _proof(self, door: Door) -> list[str]:
        """Who says it, the surest first, each with its date."""
        told: list[str] = []
        if door.exposure == Exposure.EXPOSED:
            seen = [one.last_seen for one in door.findings if one.vantage == Vantage.OUTSIDE]
            seen += [door.service.last_seen] if door.service else []
            when = self.say.moments.date(max(seen, default=door.since))
            how = "" if not door.unverified else "-before" if door.tried else "-untried"
            what = "open" if door.service is not None and _guessed(door.service) else "exposed"
            told.append(self.say(f"outside.proof.{what}{how}", when=when))
        for one in door.forwards:
            told.append(self._by_box(one, also=bool(told)))
        for one in door.reports:
            told.append(self._by_others(one, door, also=bool(told)))
        return list(dict.fromkeys(told))

    def _by_box(self, one: StatementPart, *, also: bool) -> str:
        key = "declared" if one.vantage == Vantage.DECLARED else "box"
        return self.say(
            f"outside.proof.also-{key}" if also else f"outside.proof.forwarded-{key}",
            by=clean(one.facts.get("by") or self.said.who(one), NAME),
            who=self.said.who(one),
            when=self.say.moments.date(one.said_at),
        )

    def _by_others(self, one: StatementPart, door: Door, *, also: bool) -> str:
        """Their word, and what our own knock made of it tonight, where there was one."""
        ours = "shut" if door.shut else "silent" if door.tried else "reported"
        key = "also-reported" if also else ours
        undated = "-undated" if one.facts.get("dated") is False else ""
        when = self.say.moments.date(one.said_at)
        return self.say(f"outside.proof.{key}{undated}", who=self.said.who(one), when=when)


def _guessed(service: ServicePart) -> bool:
    """Did the port open, and nothing more?"""
    return service.facts.get("protocol_from") == "port"
