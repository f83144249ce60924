"""What is known to stand behind the public ports, before a packet leaves from outside? Pure.

A port that leads to a device is asked what that device would be asked at home, wherever that is less than
what an unknown port of the internet is asked; one that leads to a printing port gets no byte; one that leads
to a device that is excluded, or that was left alone, is not knocked at. Where two rules take the same port,
the more careful one holds: whether the box follows it is not known. Where it stops: a forward that nobody
told, and that no key gave away on an earlier night.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwatch.classes import INTERNET, MEDICAL, UNKNOWN, table
from netwatch.judge import BOX
from netwatch.matching import PUBLIC, Told, ports, target_of
from netwatch.model import Vantage
from netwatch.ports import curated
from netwatch.portset import LAST, PortSet
from netwatch.scope import SILENT, UNTOUCHED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from netwatch.classes import Class
    from netwatch.judge import Place
    from netwatch.model import Device, Link, Observation
    from netwatch.scope import Scope
    from netwatch.tonight import Tonight

MOST = 200  # ports of one forward that are asked every night
EVERY = PortSet(((1, LAST),))
IPP, PRINTER, TCP = 631, "printer", "tcp"


@dataclass(frozen=True, slots=True)
class Way:
    """A way in. `ports`: of the internet; `address`: where it leads, at the same number plus `shift`."""

    ports: PortSet
    address: str
    shift: int = 0

    def at(self, inside: Iterable[int]) -> Iterator[int]:
        """The public ports that lead to these ports inside."""
        return (port - self.shift for port in inside if port - self.shift in self.ports)


@dataclass(frozen=True, slots=True)
class Behind:
    """`ways`: all that may be open. `usual`: the public ports that are asked every night because of them."""

    ways: tuple[Way, ...] = ()
    usual: frozenset[int] = field(default_factory=frozenset)

    @classmethod
    def of(cls, observations: Iterable[Observation], led: Mapping[Place, Link] | None = None) -> Behind:
        """From what the box and people say: forwards, and a DMZ for every port that no forward takes. `led`:
        where public ports were found to lead on earlier nights."""
        observations = tuple(observations)
        told = Told.of((seen for seen in observations if seen.vantage in BOX), {})
        forwards = [
            Way(ports(one), target_of(one), told.link(one, one.port).port - one.port)
            for one in told.forwards
            if one.transport == TCP
        ]
        taken = PortSet()
        for way in forwards:
            taken |= way.ports
        every = [Way(EVERY - taken, target_of(one)) for one in told.dmz]
        known = [
            Way(PortSet.of([port]), link.address, link.port - port if link.port else 0)
            for (device, port, transport), link in (led or {}).items()
            if device.startswith(PUBLIC) and transport == TCP and link.address and ":" not in device
        ]
        usual = {port for way in (*forwards, *known) for port in way.ports.first(MOST)}
        for way in every:
            usual |= {port for port in _open(observations, way.address) if port in way.ports}
        return cls((*forwards, *every, *known), frozenset(usual))


def _open(observations: Iterable[Observation], address: str) -> Iterator[int]:
    """The ports that were found open at an address inside."""
    for seen in observations:
        if seen.address == address and seen.vantage is Vantage.LAN and seen.transport == TCP and seen.port:
            yield seen.port


def from_outside(  # noqa: PLR0913, PLR0917 - what is known of it
    tonight: Tonight,
    addresses: Iterable[str],
    behind: Behind,
    devices: Iterable[Device],
    also: Iterable[int] = (),
    only: PortSet | None = None,
    own: Mapping[str, Device] | None = None,
) -> Tonight:
    """Tonight, for these addresses of ours on the internet. `also`: ports that others reported; `only`: the
    ports of an address that is shared; `own`: addresses that are a device's own (IPv6)."""
    own = own or {}
    at_home = _at_home(devices)
    shut = _shut(behind.ways, at_home, tonight.scope)
    silent = tonight.scope.silent_ports | SILENT
    scope = replace(
        tonight.scope,
        networks=(),
        addresses=frozenset(map(ip_address, addresses)),
        only_ports=only,
        silent_ports=tonight.scope.silent_ports | {port for way in behind.ways for port in way.at(silent)},
        excluded_ports=tonight.scope.excluded_ports | shut,
    )
    return replace(
        tonight,
        scope=scope,
        extra_ports=tuple(sorted({*tonight.extra_ports, *behind.usual, *also})),
        leads=_leads(tonight, behind.ways, at_home, shut),
        behind={address: tonight.is_a(device).name for address, device in own.items()},
        known=frozenset({*tonight.known, *tonight.rounds}),
    )


def _at_home(devices: Iterable[Device]) -> Mapping[str, list[Device]]:
    """Who was last known at each address, each device once: there may be several, of which one is off."""
    at_home = defaultdict[str, list["Device"]](list)
    for device in {device.id: device for device in devices}.values():
        at_home[device.address].append(device)
    return at_home


def untouchable(device: Device, scope: Scope) -> bool:
    """Is it not to be reached, by whichever way: excluded, or left alone since it fell silent?"""
    return (
        device.left_alone is not None or device.mac in scope.excluded_macs or _excluded(device.address, scope)
    )


def _excluded(address: str, scope: Scope) -> bool:
    try:
        return any(ip_address(address) in network for network in scope.excluded_addresses)
    except ValueError:
        return False


def _shut(ways: Iterable[Way], at_home: Mapping[str, list[Device]], scope: Scope) -> frozenset[int]:
    """The public ports that are not knocked at, because of where they lead."""
    shut = set[int]()
    for way in ways:
        known = at_home.get(way.address, ())
        if _excluded(way.address, scope) or any(untouchable(device, scope) for device in known):
            shut |= set(way.ports)
        else:
            shut |= set(way.at(scope.excluded_ports | UNTOUCHED))
    return frozenset(shut)


def _leads(
    tonight: Tonight, ways: Iterable[Way], at_home: Mapping[str, list[Device]], shut: Collection[int]
) -> dict[int, str]:
    """The class that a public port is asked as, where that is less than the internet's; the most careful."""
    found = defaultdict[str, PortSet](PortSet)
    homes = [port for port, one in curated().items() if one.usual]
    for way in ways:
        known = [tonight.is_a(device) for device in at_home.get(way.address, ())] or [table()[UNKNOWN]]
        for is_a in filter(_less, known):
            found[is_a.name] |= way.ports
        found[MEDICAL] |= PortSet.of(way.at(homes))  # nothing but DICOM, as at home
        found[PRINTER] |= PortSet.of(way.at([IPP]))  # nothing but IPP
    leads: dict[int, str] = {}
    for name in reversed(list(table())):
        leads |= dict.fromkeys(found[name], name)
    return {port: name for port, name in leads.items() if port not in shut}


def _less(is_a: Class) -> bool:
    """Is such a device asked less than a port of which nothing is known?"""
    return is_a.guarded or not set(table()[INTERNET].manners) <= set(is_a.manners)
