"""Which global IPv6 addresses do the practice's devices have? Only where the site file has ipv6_networks.

With a global address a device is reachable from the internet without any forward of the box. One echo that
all hear, for each of these networks in which this machine has an address, and what its kernel knows besides
(rollcall.py); a device is known by its card (MAC). Privacy addresses (RFC 8981) come and go: what is listed
was heard tonight. Where it stops: who does not answer is not thereby without an address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch import rollcall
from netwatch.errors import OutsideError
from netwatch.model import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from ipaddress import IPv6Address, IPv6Network

    from netwatch.audit import Audit
    from netwatch.model import Device

    Found = dict[IPv6Address, str]

QUESTION, EVERYBODY = "ipv6", "ff02::1"  # in the audit log
SECONDS = 3.0  # for answers to one echo
TONIGHT = 3600.0  # seconds: whom the kernel has heard in that time
MOST_NETWORKS, MOST_ADDRESSES = 8, 16  # that are asked; that one device has


@dataclass(frozen=True, slots=True)
class Heard:
    """Device id -> its addresses, in order. `strangers`: cards that answered and are no known device's.

    `missed`: why others may not have been asked, or None.
    """

    devices: Mapping[str, tuple[str, ...]]
    strangers: int = 0
    missed: OutsideError | None = None


def of_devices(  # noqa: PLR0913 - what a roll call is made of
    networks: Iterable[IPv6Network],
    devices: Iterable[Device],
    audit: Audit,
    *,
    excluded_macs: frozenset[str] = frozenset(),
    seconds: float = SECONDS,
    own: Callable[[], Iterable[tuple[str, IPv6Address]]] = rollcall.own,
    call: Callable[[str, IPv6Address, float], Found] = rollcall.call,
    known: Callable[[float], Found] = rollcall.neighbours,
) -> Heard:
    """The addresses of these devices in these networks. Where cards are excluded, nobody is asked.

    Raises OutsideError where this machine has no address in any of the networks.
    """
    networks = tuple(networks)
    here = list(own())
    mine = {address for _, address in here}
    from_where = [next(((card, a) for card, a in here if a in network), None) for network in networks]
    asked = [one for one in from_where if one is not None][:MOST_NETWORKS]
    if not asked:
        told = ", ".join(map(str, networks))
        raise OutsideError("address.ipv6-elsewhere", Reason.UNPROVED, networks=told)
    found: Found = {}
    missed = None if not excluded_macs else OutsideError("address.ipv6-excluded", Reason.SCOPE)
    for card, source in asked if not missed else ():
        try:
            answers = call(card, source, seconds)
        except OSError as error:
            missed = _missed(error)
            break
        ended = f"{len(answers)} answers"
        audit.write(QUESTION, EVERYBODY, card=card, source=str(source), sent=["ICMPv6 echo"], ended=ended)
        found = answers | found
    found = known(TONIGHT) | found
    inside = {
        address: mac
        for address, mac in found.items()
        if address not in mine
        and mac not in excluded_macs
        and any(address in network for network in networks)
    }
    return _matched(inside, devices, missed)


def _missed(error: OSError) -> OutsideError:
    if isinstance(error, PermissionError):
        return OutsideError("address.ipv6-no-right", Reason.CREDENTIALS)
    return OutsideError("address.ipv6-failed", Reason.PROTOCOL, why=error.strerror or type(error).__name__)


def _matched(found: Found, devices: Iterable[Device], missed: OutsideError | None) -> Heard:
    """By card: where several devices share one, it is the one that is named after it."""
    by_mac: dict[str, str] = {}
    for device in sorted(devices, key=lambda one: one.id):
        if device.mac and (device.mac not in by_mac or device.id == f"m-{device.mac.replace(':', '')}"):
            by_mac[device.mac] = device.id
    told: dict[str, list[IPv6Address]] = {}
    for address, mac in sorted(found.items()):
        if mac in by_mac:
            told.setdefault(by_mac[mac], []).append(address)
    strangers = {mac for mac in found.values() if mac not in by_mac}
    shown = {device: tuple(map(str, told[device][:MOST_ADDRESSES])) for device in sorted(told)}
    return Heard(shown, len(strangers), missed)
