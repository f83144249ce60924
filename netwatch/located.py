"""Who tells tonight which address is ours, and do we look from outside? Everybody is asked who may know.

What their words are worth is decided in ours.py and vantage.py; here they are collected, and whoever does not
answer is a Failure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from netwatch import ours, whereabouts
from netwatch.errors import OutsideError
from netwatch.model import Reason, Vantage
from netwatch.outlet import Here
from netwatch.portset import PortSet
from netwatch.tunnel import Tunnel
from netwatch.vantage import outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netwatch.audit import Audit
    from netwatch.config import Site
    from netwatch.model import Observation
    from netwatch.outlet import Outlet
    from netwatch.outside import Gathered

FRESH = timedelta(hours=4)  # so long what was told inside may be believed by a laptop outside
WHO = "address"  # in failures


@dataclass(frozen=True, slots=True)
class Locating:
    """One night's. `remembered`: our addresses of earlier nights, each with who told it, and when."""

    site: Site
    remembered: tuple[tuple[str, str, datetime], ...]
    gathered: Gathered
    stopped: Callable[[], bool]
    log: Callable[[], Audit]

    def addresses(self, said: Iterable[Observation], outlet: Outlet | None) -> dict[str, str]:
        """Our addresses on the internet, each with who tells it. `said`: what the box says."""
        site = self.site
        told = tuple(self._told(said, outlet))
        found = ours.decide(site.public_addresses, told, site.ipv6_networks, site.public_ports)
        if outlet is not None or site.vantage.outside or site.shodan or site.internetdb:
            for refusal in found.refused:
                address = str(refusal.address or "")
                self.gathered.refused(WHO, Vantage.OUTSIDE, refusal.error(), address)
        return {str(one.address): ", ".join(one.sources) for one in found.addresses}

    def _told(self, said: Iterable[Observation], outlet: Outlet | None) -> Iterator[ours.Told]:
        settings, now = self.site.address, datetime.now(UTC)
        if settings.box:
            yield from by_box(said)
        if isinstance(outlet, Here):
            yield from by_memory(self.remembered, now)
        if settings.name and not self.stopped():
            for address in self._try(whereabouts.ask_name, settings.name) or ():
                yield ours.Told(ours.NAME, address, now)
        if settings.echo and not isinstance(outlet, Here) and not self.stopped():
            address = self._try(whereabouts.ask_echo, settings.echo)
            if address is not None:
                yield ours.Told(whereabouts.source(settings.echo), address, now)
        if isinstance(outlet, Tunnel):
            yield from read(ours.VANTAGE, outlet.seen_from(), now)

    def outside(self, outlet: Outlet, known: Iterable[str]) -> bool:
        """Does it stand outside? Else nothing is concluded, and nothing asked. `known`: our addresses."""
        echo, networks = self.site.address.echo, (*self.site.networks, *self.site.ipv6_networks)
        told = self._try(whereabouts.ask_echo, echo, through=outlet) if echo else None
        shown = str(told) if told else None
        try:
            if isinstance(outlet, Tunnel):
                outside(outlet.peer, outlet.seen_from(), shown, known, networks)
            else:
                if isinstance(outlet, Here) and shown:
                    self._not_at_home(outlet, known)
                outside(None, None, shown, known, networks)
        except OutsideError as error:
            self.gathered.refused("outside", Vantage.OUTSIDE, error)
            return False
        return True

    def _not_at_home(self, outlet: Here, known: Iterable[str]) -> None:
        """On the practice's own wifi an echo that tells a new address of it would prove us outside."""
        for address in known:
            source = outlet.source(address)
            if source and any(ip_address(source) in network for network in self.site.networks):
                raise OutsideError("outside.same-network", Reason.UNPROVED, address=source)

    def _try(self, ask: Callable[..., Any], *arguments: Any, **more: Any) -> Any:  # noqa: ANN401
        """The answer, or None and a Failure."""
        log = self.log()
        try:
            return ask(*arguments, log, **more)
        except OutsideError as error:
            self.gathered.refused(WHO, Vantage.OUTSIDE, error)
            return None
        finally:
            log.close()


def by_box(observations: Iterable[Observation]) -> Iterator[ours.Told]:
    """What the box says that its address is."""
    for seen in observations:
        if seen.protocol == "wan":
            shared = seen.facts.get("cgnat") is True and not isinstance(seen.facts.get("ports"), str)
            for told in read(ours.BOX, seen.facts.get("address"), seen.seen_at, str(seen.facts.get("via"))):
                yield replace(told, shared=shared)


def ports_of_ours(site: Site, observations: Iterable[Observation]) -> PortSet | None:
    """Where the practice shares its address with neighbours, its own ports: as the site file has them, else
    as the box told last (the fewest, where it told several); None where nobody says that it is shared."""
    if site.public_ports is not None:
        return site.public_ports
    newest: dict[tuple[str, ...], Observation] = {}
    for seen in sorted(observations, key=lambda seen: seen.seen_at):
        if seen.protocol == "wan" and seen.vantage is Vantage.BOX:
            newest[seen.probe, seen.device] = seen
    told = [_ports(seen.facts.get("ports")) for seen in newest.values()]
    return min((ports for ports in told if ports), key=len, default=None)


def _ports(text: object) -> PortSet:
    try:
        return PortSet.parse(text) if isinstance(text, str) else PortSet()
    except ValueError:
        return PortSet()


def by_memory(told: Iterable[tuple[str, str, datetime]], now: datetime) -> Iterator[ours.Told]:
    """What was told inside a little while ago, by whoever told it then."""
    for address, sources, when in told:
        if timedelta() <= now - when <= FRESH:
            for source in sources.split(", "):
                if source != ours.SITE:  # the file is read anew: what it said then counts no more
                    yield from read(source, address, when)


def read(source: str, text: object, when: datetime, via: str = "") -> Iterator[ours.Told]:
    """What somebody wrote, where it is an address."""
    told = ours.told(source, text, when, via) if isinstance(text, str) else None
    if told is not None:
        yield told
