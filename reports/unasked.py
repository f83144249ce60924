"""What is not known of the practice as the internet sees it, why, and what to do about it? In plain words.

Never asked, refused because nothing proved whose the address is, shared with strangers, only TCP, a slice of
the range so far, a box that nobody read: none of it is good news, and none is told as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from netwatch.model import Outcome, Vantage
from netwatch.portset import LAST
from reports.doors import BOX, OTHERS, knocked
from reports.phrase import ADDRESS, NAME, clean
from reports.retold import retold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.document import Document, FailurePart, StatementPart
    from reports.phrase import Phrases

UDP = {"mssql_browser", "netbios", "sip_udp", "snmp", "tftp"}  # questions over UDP that an address may be put
NAT = {"address.cgnat": "cgnat", "address.double-nat": "double-nat", "address.box-none": "box-none"}
CGNAT = (ip_network("100.64.0.0/10"), ip_network("192.0.0.0/24"))
LISTED = 4  # addresses named in a sentence


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that is not known, as it is read. `remedy`: what to do, or nothing."""

    title: str
    plain: str
    remedy: str = ""


def unknown(say: Phrases, document: Document) -> tuple[Unknown, ...]:
    """What is not known, what matters most first."""
    return tuple(dict.fromkeys(_Gaps(say, document).all()))


class _Gaps:
    """The gaps of one night."""

    def __init__(self, say: Phrases, document: Document) -> None:
        self.say = say
        self.document = document
        self.tonight = knocked(document.coverage)
        self.ever = bool(self.tonight) or any(one.asked for one in document.public)

    def all(self) -> Iterator[Unknown]:
        """In the order of a reader's questions: the look itself, the box, others, IPv6."""
        failed = list(self._refused())
        yield from failed
        if not self.ever and not failed:
            if not self.document.public:
                yield self._gap("no-address")
            yield self._gap("never")
        yield from self._addresses()
        yield from self._shared({one.title for one in failed})
        yield from self._udp()
        yield from self._box()
        yield from self._failed(BOX, "box-failed")
        yield from self._failed(OTHERS, "others-failed")
        yield self._ipv6()

    def _gap(self, name: str, plain: str = "", **details: object) -> Unknown:
        key = f"outside.gap.{name}"
        remedy = self.say(f"{key}.remedy")
        return Unknown(
            self.say(f"{key}.title", **details), plain or self.say(f"{key}.plain", **details), remedy
        )

    def _sentence(self, failure: FailurePart) -> tuple[str, str]:
        """(its id, its words); its reason alone where it is no sentence of ours."""
        told = retold(self.say, failure.detail)
        if told is None:
            return "", self.say("outside.reason", reason=self.say(f"phrase.reason.{failure.reason}"))
        return told.name, told.text

    def _refused(self) -> Iterator[Unknown]:
        """Why nobody was asked: whose the address is, or where we stand, is not proved."""
        for row in self.document.failures:
            if row.vantage == Vantage.OUTSIDE and row.port is None:
                name, text = self._sentence(row)
                if row.address:
                    text = self.say("outside.about", address=clean(row.address, ADDRESS), text=text)
                if name == "address.unknown":
                    yield self._gap("no-address")
                else:
                    yield self._gap(NAT.get(name, "refused"), text)

    def _addresses(self) -> Iterator[Unknown]:
        """How far each address was asked."""
        for one in self.document.public:
            address = clean(one.address, ADDRESS)
            if one.asked and one.address not in self.tonight:
                when = self.say.moments.date(one.asked)
                yield self._gap("not-tonight", address=address, when=when)
            if one.asked and one.ports < LAST:
                plain = self.say.count("outside.gap.slices.plain", one.ports, address=address)
                yield self._gap("slices", plain)

    def _shared(self, told: set[str]) -> Iterator[Unknown]:
        """Addresses that others use, too: as the box says."""
        for one in self.document.statements:
            if one.about != "wan":
                continue
            if isinstance(one.facts.get("ports"), str):
                yield self._gap("shared", ports=clean(one.facts["ports"], NAME))
            elif self.say("outside.gap.cgnat.title") not in told and _cgnat(one):
                yield self._gap("cgnat", self.say("outside.gap.cgnat.plain"))

    def _udp(self) -> Iterator[Unknown]:
        """UDP, where the door we looked through carries none."""
        put = any(
            row.vantage == Vantage.OUTSIDE
            and row.probe in UDP
            and row.outcome in {Outcome.ANSWERED, Outcome.CLOSED, Outcome.NO_ANSWER, Outcome.EXPLORED}
            for row in self.document.coverage
        )
        if self.tonight and not put:
            yield self._gap("udp")

    def _box(self) -> Iterator[Unknown]:
        """What the box forwards: not told, or only what programs asked it for."""
        told = [
            one
            for one in self.document.statements
            if one.vantage in BOX and one.about in {"forward", "dmz", "listing"}
        ]
        sources = {one.who for one in told}
        if not sources:
            yield self._gap("box")
        elif sources == {"upnp"}:
            yield self._gap("upnp-only")

    def _failed(self, vantages: tuple[Vantage, ...], name: str) -> Iterator[Unknown]:
        """Somebody who was to be asked, and told nothing."""
        for row in self.document.failures:
            if row.vantage in vantages and row.probe != "upnp":
                who = self.say.word("outside.who", row.probe)
                yield self._gap(name, self._sentence(row)[1], who=who)

    def _ipv6(self) -> Unknown:
        """Devices with addresses of their own, and the wall in front of them."""
        own = [
            address
            for one in self.document.statements
            if one.about == "ipv6"
            for address in str(one.facts.get("addresses") or "").split(", ")
            if address
        ]
        wall = next((one for one in self.document.statements if one.about == "ipv6-firewall"), None)
        if not own:
            plain = self.say("outside.gap.ipv6.plain.none")
        else:
            named = ", ".join(clean(one, ADDRESS) for one in own[:LISTED]) + ("…" if own[LISTED:] else "")
            kind = "asked" if set(own) <= self.tonight else "unasked"
            devices = len({one.device for one in self.document.statements if one.about == "ipv6"})
            plain = self.say.count(f"outside.gap.ipv6.plain.{kind}", devices, addresses=named)
        on = wall.facts.get("enabled") if wall else None
        state = "unknown" if not isinstance(on, bool) else "on" if on else "off"
        who = self.say.word("outside.who", wall.who) if wall else ""
        text = f"{plain} {self.say(f'outside.gap.ipv6.wall.{state}', who=who)}"
        remedy = self.say("outside.gap.ipv6.remedy") if state == "unknown" else ""
        return Unknown(self.say("outside.gap.ipv6.title"), text, remedy)


def _cgnat(wan: StatementPart) -> bool:
    """Does the box say that it stands behind the provider's own translation?"""
    try:
        address = ip_address(str(wan.facts.get("address")))
    except ValueError:
        return wan.facts.get("cgnat") is True
    return wan.facts.get("cgnat") is True or any(address in network for network in CGNAT)
