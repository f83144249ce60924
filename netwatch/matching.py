"""Which inside service answers behind a public port, and what has been said of each? Pure.

A key that answered from outside and is shown by one device alone inside (certificate, host key, a maker's
identifier) says which device it is, whatever the box lists: the box says, the key proves. Then come the
box's own words, then softer marks, and only where one device has them. Where it stops: a reverse proxy is
taken for what it shows, and a key that two devices share says nothing of which it is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from netwatch.judge import BOX, OTHERS, Place
from netwatch.model import LIVENESS, Link, Vantage
from netwatch.opening import UNKNOWN, VAGUE
from netwatch.portset import PortSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.model import Fact, Observation

PUBLIC = "p-"  # how the id of an address on the internet begins
AT_BOX = "@"  # before the device of a box: its public side, where only the box speaks of it
LISTED = timedelta(minutes=5)  # a list of forwards is read within this time
# Who is believed before whom, where two lists of the same box disagree: its own page before UPnP's list.
SURER = (Vantage.BOX, Vantage.DECLARED)
# Marks that are a key, or as unique as one; the fact that holds them.
KEYS = {
    "certificate": ("certificate_key",),
    "host-key": ("host_key",),
    "device-uuid": ("printer_uuid", "onvif_uuid"),
}
# Marks of a name or of a program: they tell where only one device has them, and never against the box.
SOFT = ("smb-name", "dicom", "page")
# Of those that tell a program: the facts that it takes, and those in which two servers of one program differ.
SOFTWARE = (
    ("dicom", ("implementation_class_uid", "implementation_version"), ("association", "query", "store")),
    ("page", ("favicon", "product"), ()),
)
Mark = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Service:
    """What was seen at one place, all questions together. `marks`: (kind, value)."""

    place: Place
    address: str
    protocols: frozenset[str]
    marks: frozenset[Mark]

    @property
    def device(self) -> str:
        """Whose it is."""
        return self.place[0]

    @property
    def port(self) -> int:
        """Its port."""
        return self.place[1]

    def like(self, other: Service) -> bool:
        """Do both speak the same, as far as is known?"""
        mine, theirs = self.protocols - VAGUE, other.protocols - VAGUE
        return not mine or not theirs or bool(mine & theirs)


def marks(facts: Mapping[str, Fact]) -> Iterator[Mark]:
    """What a service is known again by: (kind, value)."""

    def told(*keys: str) -> tuple[str, ...]:
        return tuple(value for key in keys if isinstance(value := facts.get(key), str) and value)

    for kind, keys in KEYS.items():
        yield from ((kind, value) for value in told(*keys))
    yield from (("smb-name", name.lower()) for name in told("dns_name", "netbios_name"))
    for kind, needed, more in SOFTWARE:
        if len(told(*needed)) == len(needed):
            yield kind, " ".join((*told(*needed), *(f"{key}={facts.get(key)}" for key in more)))


def services(observations: Iterable[Observation], *vantages: Vantage) -> dict[Place, Service]:
    """What was seen from these vantages, by place."""
    seen = defaultdict[Place, list["Observation"]](list)
    for one in observations:
        if one.vantage in vantages and one.port and one.probe != LIVENESS:
            seen[place(one)].append(one)
    return {
        where: Service(
            where,
            told[-1].address,
            frozenset(one.protocol for one in told if one.proved) - {UNKNOWN},
            frozenset(mark for one in told for mark in marks(one.facts)),
        )
        for where, told in seen.items()
    }


def place(seen: Observation) -> Place:
    """Where this was seen."""
    return seen.device, seen.port, seen.transport


def links(
    observations: Iterable[Observation], forwards: Iterable[Observation], devices: Mapping[str, str]
) -> dict[Place, Link]:
    """What each public port leads to, where something tells it.

    `forwards`: what the box or a person says (forward, dmz); `devices`: which device has this address, of
    IPv6 too. A link's port is 0 where the device is certain and which of its services is not; its device is
    nothing where the box names an address at which we know nobody.
    """
    observations = tuple(observations)
    inside = services(observations, Vantage.LAN)
    outside = services(observations, Vantage.OUTSIDE)
    told = Told.of(forwards, devices)
    reported = services(observations, *OTHERS)
    bare = {where: Service(where, one.address, frozenset(), frozenset()) for where, one in reported.items()}
    found, known = {}, _mapped(outside.values(), told)
    for where, service in (bare | outside).items():
        link = _own(service, inside, devices) or _link(service, inside, told, known)
        if where[0].startswith(PUBLIC) and link is not None:
            found[where] = link
    return told.at_the_box() | found


def _own(service: Service, inside: Mapping[Place, Service], devices: Mapping[str, str]) -> Link | None:
    """IPv6 without translation: the address on the internet is a device's own."""
    device = devices.get(service.address) if ":" in service.address else None
    if device is None:
        return None
    at_home = next((one.address for one in inside.values() if one.device == device), service.address)
    return Link(device, at_home, service.port, "address")


def _mapped(outside: Iterable[Service], told: Told) -> Mapping[Mark, set[str]]:
    """The addresses at home to which the box leads what shows a mark outside: it need not be open to us."""
    found = defaultdict[Mark, set[str]](set)
    for service in outside:
        link = told.leads(service.place) if ":" not in service.address else None
        for mark in service.marks if link is not None else ():
            found[mark].add(link.address if link is not None else "")
    return found


def _link(
    service: Service, inside: Mapping[Place, Service], told: Told, known: Mapping[Mark, set[str]]
) -> Link | None:
    """A key first, then the box, then a softer mark, then the DMZ."""
    mapped = told.leads(service.place) if ":" not in service.address else None
    for kind in (*KEYS, *SOFT):
        if mapped is not None and kind in SOFT:
            return mapped
        marked = _marked(service, kind, inside, mapped)
        if marked is not None and kind in SOFT and _elsewhere(service, kind, known, marked.address):
            return told.caught(service, inside)
        if marked is not None:  # the box knows the port best, where both mean the same device
            return mapped if mapped is not None and mapped.device == marked.device else marked
    return mapped or told.caught(service, inside)


def _elsewhere(service: Service, kind: str, known: Mapping[Mark, set[str]], address: str) -> bool:
    """Is the same soft mark known of another device?"""
    return any(known.get(mark, set()) - {address} for mark in service.marks if mark[0] == kind)


def _marked(service: Service, kind: str, inside: Mapping[Place, Service], mapped: Link | None) -> Link | None:
    """The inside service with the same mark, where there is no doubt which."""
    mine = {mark for mark in service.marks if mark[0] == kind}
    same = [one for one in inside.values() if one.marks & mine]
    if len({one.device for one in same}) > 1:
        if mapped is not None or kind in SOFT:
            return None
        same = [one for one in same if one.place[1:] == service.place[1:]]
        if len(same) != 1:
            return None
    if not same:
        return None
    # One device. Which of its services?
    likely = [one for one in same if one.place[2] == service.place[2] and one.like(service)]
    likely = [one for one in likely if one.protocols & service.protocols] or likely
    exact = [one for one in likely if one.port == service.port] or likely
    port = exact[0].port if len(exact) == 1 else 0
    return Link(same[0].device, same[0].address, port, kind)


@dataclass(frozen=True)
class Told:
    """What the box and people say that it forwards: the surest first. `devices`: by address. What a later
    whole list of the same source has no more is not among them."""

    forwards: tuple[Observation, ...]
    dmz: tuple[Observation, ...]
    devices: Mapping[str, str]

    @classmethod
    def of(cls, observations: Iterable[Observation], devices: Mapping[str, str]) -> Told:
        """Those that are on; of what one source says of one port, the newest."""
        newest: dict[tuple[object, ...], Observation] = {}
        listed: dict[tuple[str, str], Observation] = {}
        for one in sorted(observations, key=lambda one: one.seen_at):
            if one.vantage in BOX and one.protocol in {"forward", "dmz"}:
                newest[one.vantage, one.probe, one.protocol, *place(one)] = one
            elif one.protocol == "listing" and one.facts.get("listing") == "whole":
                listed[one.probe, one.device] = one
        for key, one in list(newest.items()):
            whole = listed.get((one.probe, one.device))
            if one.protocol == "forward" and whole is not None and whole.seen_at - one.seen_at > LISTED:
                del newest[key]
        on = [one for one in newest.values() if one.facts.get("enabled") is not False and target_of(one)]
        on.sort(key=lambda one: (SURER.index(one.vantage), one.probe == "upnp", -one.seen_at.timestamp()))
        some, every = [one for one in on if not everything(one)], [one for one in on if everything(one)]
        return cls(tuple(some), tuple(every), devices)

    def link(self, forward: Observation, port: int) -> Link:
        """Where this one leads what comes in at this port."""
        address = target_of(forward)
        by = "dmz" if everything(forward) else "mapping"
        to = port if by == "dmz" else _to_port(forward) + port - forward.port
        return Link(self.devices.get(address, ""), address, to, by)

    def at_the_box(self) -> dict[Place, Link]:
        """Where the first port of each forward leads, and the DMZ (port 0), by the box's own public side."""
        every = [(one, one.port) for one in reversed(self.forwards)] + [(one, 0) for one in self.dmz]
        return {
            (f"{AT_BOX}{one.device}", port, one.transport if port else "tcp"): self.link(one, port)
            for one, port in every
        }

    def leads(self, where: Place) -> Link | None:
        """Where the surest of them leads this public port."""
        _, port, transport = where
        fits = (one for one in self.forwards if one.transport == transport and port in ports(one))
        return next((self.link(one, port) for one in fits), None)

    def caught(self, service: Service, inside: Mapping[Place, Service]) -> Link | None:
        """What no forward takes goes to the DMZ, where the same port is open there and speaks the same."""
        for one in self.dmz:
            link = self.link(one, service.port)
            there = inside.get((link.device, link.port, service.place[2]))
            if there is not None and there.like(service) and ":" not in service.address:
                return link
        return None

    @cached_property
    def hosts(self) -> dict[str, Observation]:
        """The devices that the box sends everything to."""
        known = ((self.devices.get(target_of(one), ""), one) for one in reversed(self.dmz))
        return {device: one for device, one in known if device}


def everything(told: Observation) -> bool:
    """Is this a DMZ? Over UPnP it is a forward of port 0."""
    return told.protocol == "dmz" or not told.port


def target_of(forward: Observation) -> str:
    """The address in the practice that it leads to, or nothing."""
    to = forward.facts.get("to_address")
    return to if isinstance(to, str) else ""


def _to_port(forward: Observation) -> int:
    to = forward.facts.get("to_port")
    return to if isinstance(to, int) and not isinstance(to, bool) and to else forward.port


def ports(forward: Observation) -> PortSet:
    """The public ports that a forward takes."""
    told = forward.facts.get("ports")
    try:
        known = PortSet.parse(told) if isinstance(told, str) else PortSet()
    except ValueError:
        known = PortSet()
    return known if forward.port in known else PortSet.of([forward.port]) if forward.port else PortSet()
