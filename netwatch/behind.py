"""What is known to stand behind the public ports, before a packet leaves from outside? Pure.

A port that leads to a guarded device is asked as that device would be; one that leads to a printing port gets
no byte; one that leads to a server that we know is asked what that server speaks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwatch.classes import UNKNOWN, table
from netwatch.judge import BOX
from netwatch.matching import Told, ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netwatch.model import Device, Observation
    from netwatch.portset import PortSet
    from netwatch.tonight import Tonight

MOST = 200  # ports of one forward that are asked every night


@dataclass(frozen=True, slots=True)
class Behind:
    """By public port, the address and port that it leads to."""

    leads: Mapping[int, tuple[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> Behind:
        """What the box and people say: forwards, and a DMZ for each port that is open on its host."""
        observations = tuple(observations)
        told = Told.of((seen for seen in observations if seen.vantage in BOX), {})
        found = {}
        for one in told.forwards:
            for port in ports(one).first(MOST):
                found[port] = (str(one.facts["to_address"]), told.link(one, port).port)
        for one in told.dmz:
            address = str(one.facts["to_address"])
            for seen in observations:
                if seen.address == address and seen.transport == "tcp" and seen.port:
                    found.setdefault(seen.port, (address, seen.port))
        return cls(found)


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
    at_home = {device.address: device for device in devices}
    leads = {}
    for port, (address, _) in behind.leads.items():
        is_a = tonight.is_a(at_home[address]) if address in at_home else table()[UNKNOWN]
        if is_a.guarded:
            leads[port] = is_a.name
    prints = {port for port, (_, to) in behind.leads.items() if tonight.scope.silent(to)}
    scope = replace(
        tonight.scope,
        networks=(),
        addresses=frozenset(map(ip_address, addresses)),
        only_ports=only,
        silent_ports=tonight.scope.silent_ports | prints,
    )
    return replace(
        tonight,
        scope=scope,
        extra_ports=tuple(sorted({*tonight.extra_ports, *behind.leads, *also})),
        leads=leads,
        behind={address: tonight.is_a(device).name for address, device in own.items()},
        known=frozenset({*tonight.known, *tonight.rounds}),
    )
