"""By which cards is this machine itself known in the networks that it scans? Linux's tables.

nmap and the ARP table tell everybody's card but our own. Without it, the machine that scans would be another
device at each address that it gets, and at each site that it visits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netwatch.connection import source
from netwatch.kernel import CARDS, TABLES, routes

if TYPE_CHECKING:
    from collections.abc import Collection
    from ipaddress import IPv4Network
    from pathlib import Path

CARD = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.ASCII)
NONE = "00:00:00:00:00:00"  # the loopback's


def own_cards(
    networks: Collection[IPv4Network], tables: Path = TABLES, cards: Path = CARDS
) -> dict[str, str]:
    """Our addresses in these networks, each with the MAC of its card. No packet is sent."""
    found = {}
    try:
        near = [route for route in routes(tables) if route.gateway is None and route.network.prefixlen]
    except OSError:
        return {}
    for route in near:
        if not any(route.network.overlaps(one) for one in networks):
            continue
        try:
            mac = (cards / route.card / "address").read_text(encoding="ascii").strip().lower()
        except (OSError, ValueError):
            continue
        address = source(str(next(route.network.hosts(), route.network[0])))
        if address is not None and CARD.fullmatch(mac) and mac != NONE:
            found[address] = mac
    return found
