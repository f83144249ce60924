"""What has been said of each service, inside and as the internet sees it? For judge.verdict; pure.

An inside service has the words of the public ports that lead to it. Where none is known to, a knock at the
same number from outside counts, but only where it was put at every address of the practice, and no public
service that nobody could match speaks the same: that could be it, moved. Where it stops: a port that was not
asked has no word, and so no verdict.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwatch.judge import OTHERS, REACHED, Place, Says, Statement
from netwatch.matching import AT_BOX, PUBLIC, Told, place, ports, services
from netwatch.model import LIVENESS, Outcome, Vantage
from netwatch.opening import UNKNOWN
from netwatch.portset import PortSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.matching import Service
    from netwatch.model import Coverage, Link, Observation

SWEEP, DISCOVERY, TCP = "sweep", "discovery", "tcp"
KNOCKED = {Outcome.OPEN: Says.OPEN, Outcome.CLOSED: Says.CLOSED, Outcome.FILTERED: Says.SILENT}
LISTS = {"forward", "dmz", "listing", "wan", "upnp", "ipv6-firewall"}  # no services
Words = dict[Place, list[Statement]]


def statements(  # noqa: PLR0913, PLR0917 - what a verdict is made of
    observations: Iterable[Observation],
    coverage: Iterable[Coverage],
    links: Mapping[Place, Link],
    devices: Mapping[str, str],
    now: datetime,
    earlier: Mapping[Place, Iterable[Statement]] | None = None,
    ours: Iterable[str] = (),
) -> dict[Place, tuple[Statement, ...]]:
    """Of each service, what was said. Its place: a device and its port; `p-ADDRESS` and a public port; or `@`
    and the box's device, and a public port that it forwards (port 0: its DMZ).

    `observations`: what was seen last, from every vantage; `coverage`: what was asked, tonight's and, dated
    in `detail`, earlier rows of the outside; `devices`: which device has this address; `now`: when tonight's
    questions were put; `earlier`: what the exposure log remembers of public ports; `ours`: the practice's
    addresses on the internet, also those that may be and that nobody dared to ask.
    """
    observations = tuple(observations)
    told, public_side = Told.of(observations, devices), frozenset(f"{PUBLIC}{one}" for one in ours)
    known = Known(observations, Asked.of(coverage, now), links, devices, told, now, public_side)
    public = known.public(earlier or {})
    lan, away = known.on_the_lan(), known.away()
    inside = known.inside_words(public)
    for where, link in links.items():
        if where in public:
            public[where].extend(lan.get((link.device, link.port, where[2]), ()))
            public[where].extend(away.get(link.device, ()))
    for where, words in inside.items():
        words.extend(lan.get(where, ()))
        words.extend(away.get(where[0], ()))
    return {where: tuple(dict.fromkeys(words)) for where, words in (public | inside).items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was knocked at. `outside`: of each public device, (ports, word, when); `home`: of each device of
    the practice, the ports found closed. `there`: devices that were there, or that nobody was to look for;
    `looked`: was the practice's network looked at tonight?"""

    outside: Mapping[str, list[tuple[PortSet, Says, datetime]]]
    home: Mapping[str, PortSet]
    there: frozenset[str]
    looked: bool

    @classmethod
    def of(cls, coverage: Iterable[Coverage], now: datetime) -> Asked:
        """From the rows of a night, and those that are remembered."""
        outside = defaultdict[str, list[tuple[PortSet, Says, datetime]]](list)
        home: dict[str, PortSet] = {}
        there, looked = set[str](), False
        for row in coverage:
            if (
                row.vantage is Vantage.OUTSIDE
                and row.device
                and row.probe == SWEEP
                and row.outcome in KNOCKED
            ):
                outside[row.device].append(
                    (PortSet.of(row.ports), KNOCKED[row.outcome], _moment(row.detail, now))
                )
            if row.vantage is not Vantage.LAN:
                continue
            looked |= row.probe == DISCOVERY and row.outcome is Outcome.ANSWERED
            if row.device and row.outcome is not Outcome.TIMED_OUT:
                there.add(row.device)
            if row.device and row.probe == SWEEP and row.outcome is Outcome.CLOSED:
                home[row.device] = home.get(row.device, PortSet()) | PortSet.of(row.ports)
        return cls(outside, home, frozenset(there), looked)

    def words(self, device: str, port: int, transport: str) -> list[Statement]:
        """What came of the knocks at this public port."""
        rows = self.outside.get(device, ()) if transport == TCP else ()
        return [
            Statement(Vantage.OUTSIDE, says, at, door((device, port, transport)))
            for ports, says, at in rows
            if port in ports
        ]


@dataclass(frozen=True)
class Known:
    """All that a night knows, and what of it is about which service."""

    observations: tuple[Observation, ...]
    asked: Asked
    links: Mapping[Place, Link]
    devices: Mapping[str, str]
    told: Told
    now: datetime
    ours: frozenset[str] = frozenset()

    @cached_property
    def inside(self) -> Mapping[Place, Service]:
        """What was seen on the practice's network."""
        return services(self.observations, Vantage.LAN)

    @cached_property
    def outside(self) -> Mapping[Place, Service]:
        """What was seen from the internet."""
        return services(self.observations, Vantage.OUTSIDE)

    def public(self, earlier: Mapping[Place, Iterable[Statement]]) -> Words:
        """The words on each public port, and on each port that the box lists."""
        said: Words = defaultdict(list)
        for where, words in earlier.items():
            said[where] += words
        for seen in self.observations:
            if seen.port and seen.protocol not in LISTS and seen.vantage in {Vantage.OUTSIDE, *OTHERS}:
                said[place(seen)].append(Statement(seen.vantage, _says(seen), dated(seen), door(place(seen))))
        for where, word in self._forwarded(set(said)):
            said[where].append(word)
        for where, link in self.links.items():
            if link.by == "dmz" and where in said:
                said[where] += self._dmz(link.device)
        for where, words in said.items():
            words.extend(self.asked.words(*where))
        return dict(said)

    def _forwarded(self, seen: set[Place]) -> Iterator[tuple[Place, Statement]]:
        """What the box lists: at the box, and at each address of IPv4 of the practice. Of a range, its first
        port and those at which something is known, inside or outside."""
        addresses = sorted({one for one in self._addresses(seen) if ":" not in one})
        for one in self.told.forwards:
            taken, to = ports(one), self.told.link(one, one.port)
            homes = {port + one.port - to.port for device, port, _ in self.inside if device == to.device}
            found = {port for device, port, _ in seen if device.startswith(PUBLIC)}
            for port in sorted({one.port} | {port for port in homes | found if port in taken}):
                word = Statement(one.vantage, Says.FORWARDED, dated(one))
                for device in (f"{AT_BOX}{one.device}", *addresses):
                    yield (device, port, one.transport), word
        for one in self.told.dmz:
            yield (f"{AT_BOX}{one.device}", 0, TCP), Statement(one.vantage, Says.DMZ, dated(one))

    def _addresses(self, seen: Iterable[Place]) -> set[str]:
        """The practice's addresses on the internet, as devices."""
        spoken_of = {device for device, _, _ in seen if device.startswith(PUBLIC)}
        return spoken_of | set(self.asked.outside) | self.ours

    def _dmz(self, device: str) -> list[Statement]:
        one = self.told.hosts.get(device)
        return [Statement(one.vantage, Says.DMZ, dated(one))] if one is not None else []

    def on_the_lan(self) -> Words:
        """What each inside service did at home."""
        said: Words = defaultdict(list)
        for seen in self.observations:
            if seen.vantage is Vantage.LAN and seen.port and seen.probe != LIVENESS:
                said[place(seen)].append(Statement(Vantage.LAN, _says(seen), dated(seen)))
        for device, port, transport in self.inside:
            if transport == TCP and port in self.asked.home.get(device, ()):
                said[device, port, transport].append(Statement(Vantage.LAN, Says.CLOSED, self.now))
        return said

    def away(self) -> Mapping[str, list[Statement]]:
        """Devices that did not react at home tonight, where somebody looked."""
        if not self.asked.looked:
            return {}
        known = {device for device, _, _ in self.inside} | {link.device for link in self.links.values()}
        word = Statement(Vantage.LAN, Says.SILENT, self.now)
        return {device: [word] for device in known - self.asked.there if device}

    def inside_words(self, public: Words) -> Words:
        """Of each inside service, and of each that the box leads to, what is said of the ways to it."""
        said: Words = {where: [] for where in self.inside}
        for where, link in self.links.items():
            behind = (link.device, link.port, where[2])
            if link.device and link.port:
                said.setdefault(behind, []).extend(public.get(where, ()))
        for one in self.told.forwards:
            for port in ports(one) if len(ports(one)) == 1 else self._led(one):
                link = self.told.link(one, port)
                if link.device:
                    word = Statement(one.vantage, Says.FORWARDED, dated(one))
                    said.setdefault((link.device, link.port, one.transport), []).append(word)
        for where, words in said.items():
            words.extend(self._dmz(where[0]))
            if not any(one.vantage is Vantage.OUTSIDE for one in words):
                words.extend(self._same_number(where, public))
        return said

    def _led(self, forward: Observation) -> Iterator[int]:
        """The public ports of a range that lead to something that was seen at home."""
        to = self.told.link(forward, forward.port)
        for device, port, transport in self.inside:
            public = port + forward.port - to.port
            if device == to.device and transport == forward.transport and public in ports(forward):
                yield public

    def _same_number(self, where: Place, public: Words) -> list[Statement]:
        """Closed or silent at this number, at every address that could lead here; else nothing."""
        device, port, transport = where
        own = {f"{PUBLIC}{address}" for address in self._global(device)}
        nat = {one for one in self._addresses(public) if ":" not in one}
        words = []
        for address in own | nat:
            here = [*public.get((address, port, transport), ()), *self.asked.words(address, port, transport)]
            live = [one for one in here if one.vantage is Vantage.OUTSIDE]
            if not live or any(one.says in REACHED for one in live):
                return []
            words += live
        return [] if self._perhaps_moved(where, public) else words

    def _global(self, device: str) -> Iterator[str]:
        """The addresses of IPv6 at which the whole internet may try this device."""
        for address, whose in self.devices.items():
            if whose == device and ":" in address and ip_address(address).is_global:
                yield address

    def _perhaps_moved(self, where: Place, public: Words) -> bool:
        """Is there a public service that nobody could match, and that speaks the same?"""
        mine = self.inside.get(where)
        for there, service in self.outside.items():
            link = self.links.get(there)
            unmatched = link is None or not link.device or (not link.port and link.device == where[0])
            reached = any(one.says in REACHED and one.vantage is Vantage.OUTSIDE for one in public[there])
            if unmatched and reached and (mine is None or _could_be(service, mine)):
                return True
        return False


def _could_be(public: Service, mine: Service) -> bool:
    """Do both speak the same? Where nothing was recognised outside, every question was put there in vain:
    it is no service that answers one of them. Behind bare TLS may be anything."""
    if not public.protocols or not mine.protocols:
        return public.protocols == mine.protocols
    return public.protocols == {"tls"} or bool(public.protocols & mine.protocols)


def _says(seen: Observation) -> Says:
    """The word of an observation."""
    if seen.vantage in OTHERS:
        return Says.REPORTED
    vague = seen.probe == SWEEP or not seen.proved or seen.protocol == UNKNOWN
    return Says.OPEN if vague else Says.ANSWERED


def dated(seen: Observation) -> datetime:
    """Its date: theirs, where somebody else stated it and the store kept that."""
    return _moment(seen.facts.get("stated_at"), seen.seen_at)


def _moment(text: object, otherwise: datetime) -> datetime:
    """UTC where no zone is told; `otherwise` where it is no date."""
    try:
        told = datetime.fromisoformat(text) if isinstance(text, str) else otherwise
    except ValueError:
        return otherwise
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def door(where: Place) -> str:
    """A public port as one word: `203.0.113.7:11112/tcp`, `[2001:db8::7]:443/tcp`."""
    device, port, transport = where
    host = device.removeprefix(PUBLIC)
    return f"[{host}]:{port}/{transport}" if ":" in host else f"{host}:{port}/{transport}"
