"""What did nmap really say? Reads nmap's own XML, because python-nmap drops what matters most to us.

Kept here and lost there: how a host was found, and a run that did not finish. A cut stream gives every host
that was finished before the cut. Format: nmap.dtd, XML output version 1.05.

Where it stops: hosts and their addresses; no port, service, script or OS element is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
MOST = 64 * 1024 * 1024  # bytes of XML we take from one nmap run


@dataclass(frozen=True, slots=True)
class Host:
    """One `<host>`. `reason`: nmap's word for how it was found, such as `arp-response`."""

    address: str
    mac: str | None
    up: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read. `finished`: nmap said that it ended well."""

    hosts: tuple[Host, ...]
    finished: bool


def read(raw: bytes) -> Reading:
    """Read what there is, up to the first byte that is no nmap XML. Never raises."""
    if len(raw) > MOST or b"<!ENTITY" in raw:
        return Reading((), finished=False)
    parser: XMLPullParser[Any] = XMLPullParser(["end"])
    hosts: list[Host] = []
    finished = False
    try:
        parser.feed(raw)
        for event in parser.read_events():
            element: Any = event[-1]
            if element.tag == "host":
                hosts += _host(element)
            elif element.tag == "finished":
                finished = element.get("exit") == "success"
        parser.close()
    except (ParseError, ValueError):
        finished = False  # a cut stream: the hosts that were finished before the cut are kept
    return Reading(tuple(hosts), finished)


def _host(element: Element) -> list[Host]:
    """The host, or nothing where it has no IPv4 address."""
    addresses = {a.get("addrtype"): a.get("addr", "") for a in element.findall("address")}
    status = element.find("status")
    if "ipv4" not in addresses or status is None:
        return []
    mac = addresses.get("mac", "").lower()
    return [
        Host(
            address=str(addresses["ipv4"]),
            mac=mac if MAC.fullmatch(mac) else None,
            up=status.get("state") == "up",
            reason=status.get("reason", "")[:40],
        )
    ]
