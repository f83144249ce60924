"""What would a scan ask beyond the network: of our public address, of the box, of others? Nothing is sent.

It counts with the addresses and forwards of earlier nights. Where it stops: an address that is learnt only
tonight is asked as many ports as one that is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwatch import exposures
from netwatch.behind import Behind, from_outside
from netwatch.located import ports_of_ours
from netwatch.outside import at
from netwatch.pace import WINDOW
from netwatch.sshwire import Knocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.config import Site
    from netwatch.pace import Pace
    from netwatch.store import Store
    from netwatch.tonight import Tonight

LEARNT = "0.0.0.0"  # noqa: S104 - an address that is not known by now


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One address of ours on the internet. `address`: empty where it is learnt tonight. `usual`, `further`:
    how many ports of it are asked; `seconds`: at most, where no port answers."""

    address: str
    usual: int
    further: int
    seconds: int


@dataclass(frozen=True, slots=True)
class BeyondPlan:
    """`through`: the server that our connections leave from; without one, nothing is asked from outside.

    `box`: the kind of box whose own interface is read. `asked`: who else is asked, and sees our address.
    """

    through: str | None
    addresses: tuple[AddressRow, ...]
    box: str | None
    asked: tuple[str, ...]

    @property
    def seconds(self) -> int:
        """At most."""
        return sum(row.seconds for row in self.addresses)


def beyond(site: Site, store: Store, night: Tonight, pace: Pace) -> BeyondPlan:
    """The part of a scan that goes beyond the network. `night`: the part inside."""
    server = site.vantage.outside
    return BeyondPlan(
        through=server.ssh if server else None,
        addresses=tuple(_addresses(site, store, night, pace)) if server else (),
        box=site.box.kind if site.box else None,
        asked=tuple(_asked(site)),
    )


def _addresses(site: Site, store: Store, night: Tonight, pace: Pace) -> Iterator[AddressRow]:
    known = [str(one) for one in site.public_addresses] or store.public_addresses(site.slug)
    seen, devices = store.known(site.slug), tuple(store.devices(site.slug))
    behind = Behind.of(seen, exposures.led(store.exposures(site.slug, only_open=True)))
    for address in known or (LEARNT,):
        only = ports_of_ours(site, seen) if ip_address(address).version == 4 else None  # noqa: PLR2004 - IPv4
        tonight = from_outside(night, [address], behind, devices, (), only)
        usual, further = len(tonight.nightly(at(address).id)), len(tonight.slice(at(address).id))
        packets = (usual + further) * (1 + Knocks.repeats)
        yield AddressRow(
            address="" if address == LEARNT else address,
            usual=usual,
            further=further,
            seconds=round(packets * WINDOW / max(1, pace.guarded - 1)),
        )


def _asked(site: Site) -> Iterator[str]:
    """Names of those who are asked, none of which is in the practice."""
    if site.address.name:
        yield f"DNS ({site.address.name})"
    if site.address.echo:
        yield site.address.echo
    if site.shodan is not None:
        yield "Shodan"
    if site.internetdb is not None:
        yield "InternetDB"
