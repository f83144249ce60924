"""What is known of each public port of the practice: what answered, what the box and others say? Pure.

A door is a port at an address of the practice on the internet. Where only the box speaks of it, its address
is the practice's only one of IPv4, else nothing. Where it stops: what stands behind a door and what is proved
of it was decided before (netwatch/matching.py, netwatch/judge.py); here it is only put together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from netwatch.document import LinkPart
from netwatch.model import Exposure, Outcome, Status, Vantage
from netwatch.portset import PortSet
from reports.folding import INTERNET, at_internet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.document import CoveragePart, Document, FindingPart, ServicePart, StatementPart
    from netwatch.model import Coverage

BOX = (Vantage.BOX, Vantage.DECLARED)
OTHERS = (Vantage.SHODAN, Vantage.INTERNETDB)
REPORTED = "reported-open"  # the rule of what others report
LISTS = {"forward", "dmz", "listing", "wan", "upnp", "ipv6-firewall", "ipv6"}
KNOCKED = {Outcome.OPEN, Outcome.CLOSED, Outcome.FILTERED}
Where = tuple[str, int, str]  # address, port, transport
_Part = TypeVar("_Part", "FindingPart", "StatementPart")


@dataclass(frozen=True, slots=True)
class Door:
    """A public port. `findings`: those that stand there, worst first; `service`: what answered us, tonight or
    before; `forwards`: the box's and people's words, `reports`: others'; `link`: what it leads to; `shut`:
    others report it, and a live look from outside refuted them; `tried`: it was knocked at tonight."""

    address: str
    port: int
    transport: str
    exposure: Exposure
    findings: tuple[FindingPart, ...]
    service: ServicePart | None
    forwards: tuple[StatementPart, ...]
    reports: tuple[StatementPart, ...]
    link: LinkPart | None
    shut: bool = False
    tried: bool = True

    @property
    def unverified(self) -> bool:
        """Did it answer before, and not tonight? Whether it was asked tonight, `tried` tells."""
        return bool(self.findings) and all(one.status != Status.OPEN for one in self.findings)

    @property
    def since(self) -> str:
        """The earliest of what is known of it: ours, the box's, or others' own date."""
        ours = [one.first_seen for one in self.findings]
        ours += [self.service.first_seen] if self.service else []
        if ours:
            return min(ours)
        told = [one.first_seen for one in self.forwards] or [one.said_at for one in self.reports]
        return min(told)


def knocked(coverage: Iterable[Coverage | CoveragePart]) -> set[str]:
    """The addresses at which ports were knocked at from outside. That it was wanted is not enough."""
    return {
        row.address
        for row in coverage
        if row.vantage == Vantage.OUTSIDE and row.probe == "sweep" and row.outcome in KNOCKED
    }


def doors(document: Document) -> tuple[Door, ...]:
    """Every public port of which something is known, worst first."""
    found = _Found(document)
    places = {*found.services, *found.findings, *found.reports, *found.alone()}
    made = [found.door(where) for where in places]
    return tuple(sorted((one for one in made if one is not None), key=_worst_first))


def answered(document: Document) -> set[tuple[int, str]]:
    """The ports of addresses of IPv4, each with its transport, at which something answered us from outside,
    tonight or before, and was not found shut since."""
    return {
        (door.port, door.transport)
        for door in doors(document)
        if door.service is not None and ":" not in door.address
    }


def ways(document: Document) -> dict[tuple[str, int, str], list[Door]]:
    """By (device, port, transport) inside: the doors that lead there, and at which something answered us."""
    led: dict[tuple[str, int, str], list[Door]] = {}
    for door in doors(document):
        if door.link is not None and door.link.device and door.exposure == Exposure.EXPOSED:
            led.setdefault((door.link.device, door.link.port, door.transport), []).append(door)
    return led


def _worst_first(door: Door) -> tuple[object, ...]:
    severity = max((one.severity.rank for one in door.findings), default=-1)
    return -door.exposure.rank, -severity, ":" in door.address, door.address, door.port, door.transport


class _Found:
    """What a document holds of public ports, by address, port and transport."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.at_home = {one.address: one.id for one in document.devices if not at_internet(one.id)}
        outside = [one for one in document.services if one.vantage == Vantage.OUTSIDE]
        self.services = {_where(one): one for one in outside}
        self.findings = _grouped(
            one for one in document.findings if at_internet(one.device) and one.status != Status.RESOLVED
        )
        told = [one for one in document.statements if one.port and one.about not in LISTS]
        self.reports = _grouped(one for one in told if one.vantage in OTHERS)
        self.forwards = [
            one
            for one in document.statements
            if one.about == "forward" and one.vantage in BOX and one.facts.get("enabled") is not False
        ]
        self.tried = _tried(document)
        own = [one.address for one in document.public if ":" not in one.address]
        self.only = own[0] if len(own) == 1 else ""

    def alone(self) -> Iterator[Where]:
        """The forwards at whose ports nothing else is known; of a range, its first port."""
        known = {(port, transport) for address, port, transport in self._known() if ":" not in address}
        for one in self.forwards:
            if not any(self._takes(one, *where) for where in known):
                yield self.only, one.port, one.transport

    def _known(self) -> set[Where]:
        return {*self.services, *self.findings, *self.reports}

    @staticmethod
    def _takes(forward: StatementPart, port: int, transport: str) -> bool:
        return forward.transport == transport and port in ports(forward)

    def door(self, where: Where) -> Door | None:
        """All that is known of this one."""
        address, port, transport = where
        findings = sorted(self.findings.get(where, ()), key=lambda one: -one.severity.rank)
        forwards = tuple(
            one for one in self.forwards if ":" not in address and self._takes(one, port, transport)
        )
        reports = tuple(self.reports.get(where, ()))
        service = self.services.get(where)
        ours = [one for one in findings if one.rule != REPORTED]
        exposure = max((one.exposure for one in findings), key=lambda one: one.rank, default=None)
        if service is not None:
            exposure = Exposure.EXPOSED
        elif exposure is None:
            exposure = Exposure.FORWARDED if forwards else Exposure.INSIDE_ONLY
        link = next((one.link for one in (*ours, *findings) if one.link is not None), None)
        return Door(
            address=address,
            port=port,
            transport=transport,
            exposure=exposure,
            findings=tuple(findings),
            service=service,
            forwards=forwards,
            reports=reports,
            link=link or self._led(forwards, port),
            shut=service is None and not findings and not forwards and bool(reports),
            tried=port in self.tried.get(address, ()),
        )

    def _led(self, forwards: tuple[StatementPart, ...], port: int) -> LinkPart | None:
        for one in forwards:
            to, first = one.facts.get("to_address"), one.facts.get("to_port")
            if isinstance(to, str):
                inside = first + port - one.port if isinstance(first, int) else port
                return LinkPart(self.at_home.get(to, ""), to, inside, "mapping")
        return None


def _tried(document: Document) -> dict[str, PortSet]:
    """The ports that were knocked at tonight from outside, by address."""
    tried: dict[str, PortSet] = {}
    for row in document.coverage:
        if row.vantage == Vantage.OUTSIDE and row.probe == "sweep" and row.outcome in KNOCKED:
            tried[row.address] = tried.get(row.address, PortSet()) | PortSet.parse(row.ports)
    return tried


def ports(forward: StatementPart) -> PortSet:
    """The public ports that it takes."""
    told = forward.facts.get("ports")
    try:
        return PortSet.parse(told) if isinstance(told, str) else PortSet.of([forward.port])
    except ValueError:
        return PortSet.of([forward.port])


def _where(one: FindingPart | ServicePart | StatementPart) -> Where:
    return one.device.removeprefix(INTERNET), one.port, one.transport


def _grouped(parts: Iterable[_Part]) -> dict[Where, list[_Part]]:
    found: dict[Where, list[_Part]] = {}
    for one in parts:
        found.setdefault(_where(one), []).append(one)
    return found
