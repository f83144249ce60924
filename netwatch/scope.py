"""What may be touched at all? The site's authorisation: networks, last day, exclusions, ports never used.

Pure but for today's date. Where it stops: it says whether, not how fast (pace.py) nor with which question
(classes.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, collapse_addresses, ip_address
from typing import TYPE_CHECKING

from netwatch.errors import ScopeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.portset import PortSet

# A byte sent here is a printed page, an order in an interface engine, or a motor that moves. Their state may
# be learnt; nothing is ever sent. Port 9999 printed about a hundred pages on one model (nmap issue 3174): not
# even knocked at.
PRINTING = frozenset({515, *range(9100, 9108), 9999})
HL7 = frozenset({2575, 6661})
MACHINES = frozenset({502, 47808})  # Modbus, BACnet: what a byte does there, only the machine knows
SILENT = PRINTING | HL7 | MACHINES
UNTOUCHED = frozenset({9999})


@dataclass(frozen=True, slots=True)
class Scope:
    """What the site's authorisation covers. `until` is the last day it does.

    `addresses`: single ones on the internet, which are the practice's; `only_ports`: where it shares one with
    neighbours, its own ports.
    """

    networks: tuple[IPv4Network, ...]
    until: date
    excluded_addresses: tuple[IPv4Network, ...] = ()
    excluded_macs: frozenset[str] = frozenset()
    excluded_ports: frozenset[int] = frozenset()
    silent_ports: frozenset[int] = frozenset()  # declared: as those of SILENT
    addresses: frozenset[IPv4Address | IPv6Address] = frozenset()
    only_ports: PortSet | None = None

    def require(self, address: str, port: int | None = None) -> IPv4Address | IPv6Address:
        """The parsed address, or ScopeError naming what is outside."""
        try:
            parsed = ip_address(address)
        except ValueError:
            raise ScopeError("egress.not-an-address", address=repr(address)[:60]) from None
        if datetime.now(UTC).astimezone().date() > self.until:
            raise ScopeError("egress.authorisation-ended", until=self.until)
        if parsed not in self.addresses and not any(parsed in network for network in self.networks):
            raise ScopeError("egress.outside-networks", address=parsed)
        if any(parsed in edge for edge in self._edges()):
            raise ScopeError("egress.broadcast", address=parsed)
        if any(parsed in network for network in self.excluded_addresses):
            raise ScopeError("egress.excluded-address", address=parsed)
        if port is not None and port in self.excluded_ports | UNTOUCHED:
            raise ScopeError("egress.excluded-port", port=port)
        if port is not None and self.only_ports is not None and port not in self.only_ports:
            raise ScopeError("egress.neighbours-port", port=port)
        return parsed

    def require_all(self, ports: range) -> None:
        """ScopeError unless each of them may be sent something: who sends will pick one by itself."""
        closed = self.excluded_ports | UNTOUCHED
        kept = [
            port
            for port in ports
            if port in closed
            or self.silent(port)
            or (self.only_ports is not None and port not in self.only_ports)
        ]
        if kept:
            raise ScopeError("egress.excluded-port", port=kept[0])

    def silent(self, port: int) -> bool:
        """Does a byte sent to this port print a page, or book an order?"""
        return port in SILENT or port in self.silent_ports

    def whole(self, address: str) -> bool:
        """Is nothing excluded in the network of this address, so that all of it may hear a question?"""
        here = [network for network in self.networks if ip_address(address) in network]
        holes = any(hole.overlaps(network) for hole in self.excluded_addresses for network in here)
        return not (holes or self.excluded_macs)

    def covered(self) -> tuple[IPv4Network, ...]:
        """The networks less what is excluded."""
        return less(self.networks, self.excluded_addresses)

    def targets(self) -> tuple[IPv4Network, ...]:
        """What is covered, less the network and broadcast addresses: no host has them."""
        return less(self.covered(), self._edges())

    def _edges(self) -> list[IPv4Network]:
        """Network and broadcast addresses."""
        return [IPv4Network(a) for n in self.networks if n.prefixlen < 31 for a in (n[0], n[-1])]  # noqa: PLR2004

    def ports(self, ports: Iterable[int]) -> tuple[int, ...]:
        """Those of them that may be knocked at, in order."""
        asked = sorted(set(ports) - self.excluded_ports - UNTOUCHED)
        return tuple(p for p in asked if self.only_ports is None or p in self.only_ports)


def less(networks: Iterable[IPv4Network], holes: Iterable[IPv4Network]) -> tuple[IPv4Network, ...]:
    """These networks without those."""
    left = list(networks)
    for hole in holes:
        left = [piece for network in left for piece in _without(network, hole)]
    return tuple(collapse_addresses(left))


def _without(network: IPv4Network, hole: IPv4Network) -> Iterable[IPv4Network]:
    if not network.overlaps(hole):
        return (network,)
    return () if network.subnet_of(hole) else network.address_exclude(hole)
