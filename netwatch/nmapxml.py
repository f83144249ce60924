"""What did nmap really say? Reads nmap's own XML, because python-nmap drops what matters most to us.

Kept here and lost there: hosts that hit their time limit (they look like clean hosts), closed and
filtered ports folded into `extraports`, and a run that did not finish. A cut stream gives every host
that was finished before the cut. Format: nmap.dtd, XML output version 1.05.

Where it stops: hosts, addresses and TCP port states; no service, script or OS element is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from netwatch.model import PortState

MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
MOST = 64 * 1024 * 1024  # bytes of XML we take from one nmap run


@dataclass(frozen=True, slots=True)
class Host:
    """One `<host>`. `timed_out`: nmap gave up on it, so that no port list means nothing."""

    address: str
    mac: str | None
    up: bool
    timed_out: bool
    reason: str
    ports: dict[int, PortState]


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read. `finished`: nmap said that it ended well."""

    hosts: tuple[Host, ...]
    finished: bool


def read(raw: bytes, asked: tuple[int, ...] = ()) -> Reading:
    """Read what there is, up to the first byte that is no nmap XML. Never raises.

    `asked`: the ports of this run, for those that nmap folds away as "all the others".
    """
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
                hosts += _host(element, asked)
            elif element.tag == "finished":
                finished = element.get("exit") == "success"
        parser.close()
    except (ParseError, ValueError):
        finished = False  # a cut stream: the hosts that were finished before the cut are kept
    return Reading(tuple(hosts), finished)


def _host(element: Element, asked: tuple[int, ...]) -> list[Host]:
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
            timed_out=element.get("timedout") == "true",
            reason=status.get("reason", "")[:40],
            ports=_ports(element, asked),
        )
    ]


def _ports(element: Element, asked: tuple[int, ...]) -> dict[int, PortState]:
    """Every asked port that nmap vouches for, by its state."""
    states: dict[int, PortState] = {}
    for port in element.findall("ports/port"):
        state, number = port.find("state"), port.get("portid", "")
        if port.get("protocol") == "tcp" and number.isdigit() and state is not None:
            states[int(number)] = _state(state.get("state", ""))
    folded = element.findall("ports/extraports")
    for group in folded:
        state_word = _state(group.get("state", ""))
        named = [n for reason in group.findall("extrareasons") for n in _numbers(reason.get("ports", ""))]
        # An nmap that does not name them: unambiguous only where there is one group.
        left = named or (asked if len(folded) == 1 else ())
        states |= {number: state_word for number in left if number in asked and number not in states}
    return states


def _state(word: str) -> PortState:
    """What nmap calls `open|filtered` and the like proves nothing: filtered."""
    return PortState(word) if word in {"open", "closed"} else PortState.FILTERED


def _numbers(text: str) -> list[int]:
    """`22,80-82` as numbers; nmap writes its port lists so."""
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            numbers += range(int(first), min(int(last or first), 65_535) + 1)
    return numbers
