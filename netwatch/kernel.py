"""What does this machine's kernel know and allow? Its ARP table, our rights, our children. Linux's /proc.

Where it stops: elsewhere than on Linux nothing is known, and the answers say so.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, collapse_addresses
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CAP_NET_RAW = 13
TABLES, CARDS = Path("/proc/net"), Path("/sys/class/net")
ETHERNET = "1"  # ARPHRD_ETHER of linux/if_arp.h; wireless cards say so, too
UP, VIA_GATEWAY = 0x1, 0x2  # linux/route.h


def end_nmap() -> None:
    """End our nmap: we are being stopped, and python-nmap keeps its child to itself (Linux)."""
    for children in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text(encoding="ascii").split():
                if Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() == "nmap":
                    os.kill(int(child), signal.SIGTERM)


def neighbours() -> dict[str, str]:
    """Address -> MAC, from the kernel's ARP table (Linux: /proc/net/arp); empty elsewhere."""
    try:
        lines = Path("/proc/net/arp").read_text(encoding="ascii").splitlines()[1:]
    except (OSError, ValueError):
        return {}
    rows = [line.split() for line in lines]
    return {
        row[0]: row[3].lower()
        for row in rows
        if len(row) >= 4 and int(row[2], 16) & 2 and row[3] != "00:00:00:00:00:00"  # noqa: PLR2004
    }


def may_send_raw(nmap: Path) -> bool:
    """May this nmap, started by us, send packets of its own making?

    As root or with an ambient CAP_NET_RAW (capabilities(7)), or because the file carries it.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        held = {
            name: int(value, 16)
            for name, _, value in (line.partition(":") for line in status.splitlines())
            if name in {"CapEff", "CapAmb"}
        }
        if held["CapAmb" if os.geteuid() else "CapEff"] >> CAP_NET_RAW & 1:
            return True
        granted: bytes = os.getxattr(nmap.resolve(), "security.capability")
        return bool(struct.unpack_from("<I", granted, 4)[0] >> CAP_NET_RAW & 1)
    except (OSError, ValueError, KeyError, struct.error, AttributeError):
        return hasattr(os, "geteuid") and not Path("/proc").exists() and os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class Route:
    """A line of /proc/net/route."""

    card: str
    network: IPv4Network
    gateway: IPv4Address | None
    metric: int


def on_link(network: IPv4Network, tables: Path = TABLES) -> bool:
    """Does ARP reach all of this network from here? Unknown kernels are believed to."""
    try:
        near = [route.network for route in routes(tables) if route.gateway is None]
    except OSError:
        return True
    return network.is_loopback or any(network.subnet_of(own) for own in near)


def link_within(address: str, networks: Iterable[IPv4Network], tables: Path = TABLES) -> bool:
    """Lies all of the link that this address is on within these networks? Unknown kernels are believed to."""
    try:
        near = [
            route.network for route in routes(tables) if route.gateway is None and route.network.prefixlen
        ]
    except OSError:
        return True
    ours = tuple(collapse_addresses(networks))
    here = [link for link in near if IPv4Address(address) in link]
    return all(any(link.subnet_of(one) for one in ours) for link in here)


def by_arp(network: IPv4Network, tables: Path = TABLES, cards: Path = CARDS) -> bool:
    """Is all of this network behind cards of ours that speak ARP, so that nothing else finds its hosts?"""
    try:
        near = [route for route in routes(tables) if route.gateway is None]
        own = [route.card for route in near if network.subnet_of(route.network)]
        return bool(own) and all((cards / card / "type").read_text().strip() == ETHERNET for card in own)
    except OSError:
        return False


def table(path: Path) -> list[str]:
    """A table's lines. Raises OSError."""
    return path.read_text(encoding="ascii", errors="replace").splitlines()


def routes(tables: Path = TABLES) -> Iterator[Route]:
    """The routes that are up; a line of another form is passed over. Raises OSError."""
    for line in table(tables / "route"):
        try:
            card, target, gateway, flags, _, _, metric, mask, *_ = line.split()
            if int(flags, 16) & UP:
                network = IPv4Network((_address(target), str(_address(mask))))
                via = _address(gateway) if int(flags, 16) & VIA_GATEWAY else None
                yield Route(card, network, via, int(metric))
        except (ValueError, OverflowError):
            continue


def _address(hexadecimal: str) -> IPv4Address:
    """The kernel prints the number as its processor holds it."""
    return IPv4Address(int(hexadecimal, 16).to_bytes(4, sys.byteorder))
