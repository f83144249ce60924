"""Which device is this? By its network card's MAC, else by its address, and we say which.

A device's id is opaque and never changes once given: `m-` and a MAC, or `a-` and an address, whichever
was first known. Where it stops: this is before the first question. Whether a card that is new belongs to a
device that we know, sameness.py finds out by what it shows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import chain, count
from typing import TYPE_CHECKING

from netwatch.classes import UNKNOWN, kind_of, rank
from netwatch.model import Device

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netwatch.model import Observation

Host = tuple[str, str | None]  # address, card

# VRRP (RFC 9568 7.3) and CARP, then HSRP and GLBP.
VIRTUAL = ("00:00:5e:00:01", "00:00:5e:00:02", "00:00:0c:07:ac", "00:00:0c:9f:f", "00:07:b4:00")

# Makers whose cards are, or may be, those of virtual machines (PCS: VirtualBox's).
# Hyper-V makes Microsoft's out of its host's address, so that two practices may well have the same one:
# https://docs.microsoft.com/en-us/archive/blogs/jhoward/
#     hyper-v-mac-address-allocation-and-apparent-network-issues-mac-collisions-can-cause
OF_COPIES = frozenset(
    {
        *("VMware, Inc.", "Xensource, Inc.", "Parallels, Inc.", "Proxmox Server Solutions GmbH"),
        *("PCS Systemtechnik GmbH", "Microsoft Corporation"),
    }
)


def identify(hosts: Iterable[Host], known: Iterable[Device]) -> dict[str, Device]:
    """The device at each (address, MAC), by address. Known devices keep their id; each id is given once.

    A MAC that answers at several addresses (a router's proxy ARP, a virtual address) is one device at the
    address where it was known, or the lowest, and a device of its own at each of the others. A device that
    is named after a card has it, whichever card it had last. A role's card at the address of a device whose
    own card is not seen tonight says nothing: that device took the role (RFC 9568 8.1.2, the address owner).
    """
    known = tuple(known)
    by_mac = _by_mac(known)
    by_id = {device.id: device for device in known}
    by_address = {device.address: device for device in known}
    hosts = sorted(_own_cards(set(hosts), known), key=lambda host: tuple(map(int, host[0].split("."))))
    first = _first_addresses(hosts, by_mac)
    taken: dict[str, Device] = {}
    ids: set[str] = set()
    # Those whose card names them first, those without a card last: an address may not claim a device whose
    # card has just moved elsewhere.
    for address, mac in sorted(hosts, key=lambda host: (host[1] is None, card_id(host[1]) not in by_id)):
        wanted = f"a-{address}"
        if mac is not None and first[mac] == address:
            wanted = card_id(mac)
            device = by_id.get(wanted) or _by_card(mac, address, by_mac, by_address)
        elif mac is not None:
            another = f"{card_id(mac)}-{address}"
            device = by_id.get(another, Device(id=another, address=address))
        else:
            device = by_address.get(address, Device(id=wanted, address=address))
        if device.id in ids:
            device = Device(id=_unused(wanted, ids | by_id.keys()), address=address)
        ids.add(device.id)
        taken[address] = replace(
            device, address=address, mac=mac or device.mac, vendor=vendor(mac or device.mac)
        )
    return taken


def _own_cards(hosts: Iterable[Host], known: Iterable[Device]) -> list[Host]:
    """The hosts; where a role's card stands for the one device that is known there, without it."""
    hosts, known = tuple(hosts), tuple(known)
    seen = {mac for _, mac in hosts}
    here = Counter(device.address for device in known)
    away = {one.address for one in known if one.mac and not virtual(one.mac) and one.mac not in seen}
    takes = {address for address in away if here[address] == 1}
    return [
        (address, None if mac is not None and virtual(mac) and address in takes else mac)
        for address, mac in hosts
    ]


def _by_mac(known: Iterable[Device]) -> dict[str, Device]:
    """The device that a card stands for: the one named after it, else the first that had it."""
    by_mac: dict[str, Device] = {}
    for device in known:
        if device.mac and (device.mac not in by_mac or device.id == card_id(device.mac)):
            by_mac[device.mac] = device
    return by_mac


def _unused(wanted: str, used: set[str]) -> str:
    """The id, or the id with the first number that nobody has."""
    return next(name for name in chain([wanted], (f"{wanted}-{n}" for n in count(2))) if name not in used)


def _first_addresses(hosts: list[Host], by_mac: Mapping[str, Device]) -> dict[str, str]:
    """For each MAC, the address at which it is itself: where it was known, else the lowest."""
    first: dict[str, str] = {}
    for address, mac in hosts:
        if mac is not None and (mac not in first or (mac in by_mac and by_mac[mac].address == address)):
            first[mac] = address
    return first


def _by_card(
    mac: str, address: str, by_mac: Mapping[str, Device], by_address: Mapping[str, Device]
) -> Device:
    """The device with this card; else the one known at this address without any card; else a new one."""
    if mac in by_mac:
        return by_mac[mac]
    here = by_address.get(address)
    if here is not None and here.mac is None:
        return here
    return Device(id=card_id(mac), address=address)


def card_id(mac: str | None) -> str:
    """The id of a device that is named after this card."""
    return f"m-{(mac or '').replace(':', '').lower()}"


def cards(devices: Iterable[Device]) -> tuple[tuple[str, ...], ...]:
    """The addresses of each device that has several cards tonight."""
    cards: dict[str, list[str]] = {}
    for device in devices:
        cards.setdefault(device.part_of or device.id, []).append(device.address)
    return tuple(tuple(addresses) for addresses in cards.values() if len(addresses) > 1)


def vendor(mac: str | None) -> str | None:
    """The maker of the network card, by pymanuf's copy of the IEEE registry; None for one that is made up or
    belongs to a role."""
    if mac is None or randomised(mac) or virtual(mac):
        return None
    name = _lookup(mac)
    return "".join(c for c in name if c.isprintable())[:60] if name and name != "unknown" else None


@cache
def _lookup(mac: str) -> str | None:
    from pymanuf import lookup  # noqa: PLC0415 - loads the whole registry

    try:
        return str(lookup(mac))
    except ValueError:
        return None


def randomised(mac: str) -> bool:
    """A locally administered MAC: randomised or virtual, it names no maker (IEEE 802, bit 0x02)."""
    try:
        return bool(int(mac[:2], 16) & 2)
    except ValueError:
        return False


def virtual(mac: str) -> bool:
    """Is this the card of a role, such as "the gateway", that moves from one router to another?"""
    return mac.lower().startswith(VIRTUAL)


def lasting(mac: str) -> bool:
    """Is it a card by which one machine is known wherever it goes: of a maker, neither made up nor a role's
    nor that of a virtual machine, which is copied with it? Doubt is a no."""
    maker = vendor(mac)
    return maker is not None and maker not in OF_COPIES


def describe(
    device: Device, seen: Iterable[Observation], open_ports: Iterable[int], *, gateway: bool = False
) -> Device:
    """The device with what tonight's answers say of its kind. Evidence raises, its absence lowers nothing."""
    seen = tuple(seen)
    facts = [o.facts for o in seen if o.protocol == "dicom" and o.facts.get("association")]
    if facts:
        archive = any(f.get("query") in {"answered", "refused", "leaked", "unknown"} for f in facts)
        maker = next((str(f["maker"]) for f in facts if f.get("maker")), device.maker)
        return replace(device, kind="archive" if archive else "medical-imaging", maker=maker)
    told = kind_of(device.vendor, open_ports, {o.protocol for o in seen if o.proved}, gateway=gateway)
    if trusted(device) == UNKNOWN or rank(told) > rank(device.kind):
        return replace(device, kind=told)
    return device


def trusted(device: Device) -> str:
    """The kind it was, as far as we may rely on it: without a card, it may be another device by now."""
    return device.kind if device.mac or rank(device.kind) else UNKNOWN
