"""What do the box and others say of the practice's ports, in words? Each with its date, and who says it.

A statement is nobody's proof: the sentences say who said it and when, and what we saw of it ourselves. Where
a list is empty or cut short, nothing is concluded from what it does not name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Exposure, Vantage
from reports.doors import BOX, OTHERS
from reports.phrase import ADDRESS, NAME, TEXT, clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.document import DevicePart, Document, StatementPart
    from reports.doors import Door
    from reports.phrase import Phrases


def read(say: Phrases, one: StatementPart) -> str:
    """Who said it, and when; of what was declared, by whom."""
    who, when = say.word("outside.who", one.who), say.moments.date(one.said_at)
    if one.vantage == Vantage.DECLARED:
        return say("outside.said.declared", when=when, by=clean(one.facts.get("by") or who, NAME))
    return say("outside.said.read", who=who, when=when)


class Said:
    """The statements of a document, in words."""

    def __init__(self, say: Phrases, document: Document, known: tuple[Door, ...]) -> None:
        """`known`: the public ports, as doors.py puts them together."""
        self.say = say
        self.document = document
        self.doors = {(one.address, one.port, one.transport): one for one in known}
        self.devices = {one.address: one for one in document.devices}

    def box(self) -> list[tuple[str, tuple[str, ...]]]:
        """What the box says, or the person who read its pages: who and when, and line by line what."""
        told: dict[str, dict[str, None]] = {}
        for one in self.document.statements:
            if one.vantage in BOX:
                told.setdefault(read(self.say, one), {}).update(dict.fromkeys(self._of_the_box(one)))
        for service in self.document.services:
            if service.protocol == "upnp" and service.vantage == Vantage.LAN and service.facts.get("enabled"):
                when = self.say.moments.date(service.last_seen)
                who = self.say("outside.said.read", who=self.say.word("outside.who", "upnp"), when=when)
                told.setdefault(who, {})[self.say("outside.said.upnp-on")] = None
        return [(who, tuple(lines)) for who, lines in told.items() if lines]

    def others(self) -> list[str]:
        """What third parties say of each port, and what we saw of it."""
        told = [one for one in self.document.statements if one.vantage in OTHERS]
        lines = [self._reported(one) for one in told if one.port]
        return [*lines, *(line for one in told if one.about == "listing" for line in self._list(one))]

    def who(self, one: StatementPart) -> str:
        """Who says it."""
        return self.say.word("outside.who", one.who)

    def _of_the_box(self, one: StatementPart) -> Iterator[str]:
        """One statement, without its source."""
        on = one.facts.get("enabled")
        if one.about == "forward":
            yield self._forward(one)
        elif one.about == "dmz":
            to = one.facts.get("to_address")
            if on is not False and isinstance(to, str):
                yield self.say("outside.said.dmz-on", to=self.device(to))
            elif on is False:
                yield self.say("outside.said.dmz-off")
        elif one.about in {"upnp", "ipv6-firewall"} and isinstance(on, bool):
            what = "ipv6" if one.about == "ipv6-firewall" else "upnp"
            yield self.say(f"outside.said.{what}-{'on' if on else 'off'}")
        elif one.about == "wan":
            yield from self._wan(one)
        elif one.about == "listing":
            yield from self._listing(one)

    def _wan(self, one: StatementPart) -> Iterator[str]:
        address, ports = one.facts.get("address"), one.facts.get("ports")
        if isinstance(address, str) and address:
            key = "wan-ports" if isinstance(ports, str) else "wan"
            yield self.say(f"outside.said.{key}", address=clean(address, ADDRESS), ports=clean(ports, NAME))

    def _listing(self, one: StatementPart) -> Iterator[str]:
        told = one.facts.get("listing")
        if told == "empty":
            yield self.say("outside.said.listing-empty")
        elif told == "whole" and one.facts.get("count") == 0:
            yield self.say("outside.said.listing-none")
        elif told == "cut":
            yield self.say("outside.said.listing-cut")

    def _forward(self, one: StatementPart) -> str:
        facts = one.facts
        to = self.device(str(facts.get("to_address") or "?"), facts.get("to_port"))
        port = str(one.port) if one.transport == "tcp" else self.say("outside.way.udp", port=one.port)
        if isinstance(facts.get("ports"), str):
            told = clean(facts["ports"], NAME)
            told = told if one.transport == "tcp" else self.say("outside.way.udp", port=told)
            what = self.say("outside.said.forward-range", ports=told, to=to)
        else:
            kind = "forward-off" if facts.get("enabled") is False else "forward"
            what = self.say(f"outside.said.{kind}", port=port, to=to)
        if facts.get("source"):
            what = self.say("outside.said.forward-source", what=what, source=clean(facts["source"], ADDRESS))
        if facts.get("comment"):
            kind = "forward-asked" if one.who == "upnp" else "forward-comment"
            what = self.say(f"outside.said.{kind}", what=what, comment=clean(facts["comment"], NAME))
        return what

    def device(self, address: str, port: object = None) -> str:
        """`PACS (192.168.1.20, port 11112)`."""
        known: DevicePart | None = self.devices.get(address)
        where = self.say.place(address, port if isinstance(port, int) and port else None)
        if known is None:
            return where
        return self.say("outside.said.device", name=self.say.short_name(known), address=where)

    def _reported(self, one: StatementPart) -> str:
        """A port that somebody else saw."""
        dated = one.facts.get("dated") is not False
        product = clean(one.facts.get("product") or "", TEXT)
        port = str(one.port) if one.transport == "tcp" else self.say("outside.way.udp", port=one.port)
        return self.say(
            "outside.told.seen" if dated else "outside.told.seen-undated",
            who=self.who(one),
            port=self.say("outside.told.product", port=port, product=product) if product else port,
            when=self.say.moments.date(one.said_at),
            state=self.say(f"outside.told.state.{self._state(one)}"),
        )

    def _state(self, one: StatementPart) -> str:
        """What we saw of it ourselves."""
        door = self.doors.get((one.address, one.port, one.transport))
        if door is None or door.shut:
            return "shut" if door is not None else "open"
        if door.service is not None:
            return "confirmed"
        return "forwarded" if door.exposure == Exposure.FORWARDED else "open"

    def _list(self, one: StatementPart) -> Iterator[str]:
        """How much they told, where it was little or too much, and what was a neighbour's."""
        told = one.facts.get("listing")
        when, address = self.say.moments.date(one.said_at), clean(one.address, ADDRESS)
        if told in {"empty", "cut"}:
            yield self.say(f"outside.told.{told}", who=self.who(one), when=when, address=address)
        neighbours = one.facts.get("neighbours")
        if isinstance(neighbours, int) and neighbours > 0:
            yield self.say.count("outside.told.neighbours", neighbours)
