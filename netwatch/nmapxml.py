"""What did nmap really say? Reads nmap's own XML, because python-nmap drops what matters most to us.

Kept here and lost there: how a host was found, and a run that did not finish. A cut stream gives every host
that was finished before the cut. Format: nmap.dtd, XML output version 1.05.

Of a port it keeps the words of nmap's own tables that matched (product, version, CPE), of a system the best
guess. What a device answered is never read: no banner, no fingerprint, no name of a host or a share.

Where it stops: extrainfo, hostname and servicefp hold a device's own words, and scripts are not run. Into
some products and versions nmap copies what the device said: what is written as a person's name is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from netwatch.plain import discreet, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OTHER = re.compile(rb"""encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)  # could hide an entity
MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
CPE = re.compile(r"cpe:/[aho]:[\w.:~%!*+-]{1,90}")
PERSON = re.compile(r"\b[^\W\d_a-z][^\W\d_A-Z]+[\W_]+[^\W\d_a-z][^\W\d_A-Z]+\b")  # Forename Surname
MOST = 64 * 1024 * 1024  # bytes of XML we take from one nmap run
MOST_SERVICES, MOST_CPES = 16, 4  # of one host, and of one service
PROBED = "probed"  # it answered; else nmap only looked the number up


@dataclass(frozen=True, slots=True)
class Service:
    """What nmap makes of the answers of one TCP port. `cpe`: names of the Common Platform Enumeration."""

    port: int
    name: str
    product: str | None = None
    version: str | None = None
    cpe: str | None = None


@dataclass(frozen=True, slots=True)
class System:
    """nmap's best guess at an operating system. `accuracy`: percent, of its own fingerprints."""

    name: str
    accuracy: int
    device: str | None = None
    cpe: str | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """One `<host>`. `reason`: nmap's word for how it was found, such as `arp-response`. `late`: nmap gave it
    up because its time was over."""

    address: str
    mac: str | None
    up: bool
    reason: str
    late: bool = False
    services: tuple[Service, ...] = ()
    system: System | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read. `finished`: nmap said that it ended well."""

    hosts: tuple[Host, ...]
    finished: bool


def read(raw: bytes) -> Reading:
    """Read what there is, up to the first byte that is no nmap XML. Never raises."""
    if len(raw) > MOST or b"<!ENTITY" in raw or b"\0" in raw or OTHER.search(raw[:200]):
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
            late=element.get("timedout") == "true",
            services=tuple(_services(element))[:MOST_SERVICES],
            system=_system(element),
        )
    ]


def _services(host: Element) -> Iterator[Service]:
    """The open TCP ports that nmap recognised by an answer."""
    for port in host.findall("ports/port"):
        service, state = port.find("service"), port.find("state")
        if service is None or state is None or state.get("state") != "open":
            continue
        number = _number(port.get("portid"), 65_535)
        if port.get("protocol") != "tcp" or number is None or service.get("method") != PROBED:
            continue
        name = discreet(service.get("name", ""), 30)
        if name:
            yield Service(
                number,
                name,
                _product(service.get("product", "")),
                discreet(service.get("version", ""), 40),
                _cpe(service.findall("cpe")),
            )


def _product(told: str) -> str | None:
    """The words of nmap's table, such as `Dropbear sshd`, unless two are written as a person's name."""
    return discreet(told, 60, strict=PERSON.search(told) is not None)


def _system(host: Element) -> System | None:
    """The first, which is the surest; None where there is none."""
    match = host.find("os/osmatch")
    if match is None:
        return None
    name, accuracy = plain(match.get("name", ""), 80), _number(match.get("accuracy"), 100)
    device = next((plain(one.get("type", ""), 40) for one in match.findall("osclass")), None)
    return System(name, accuracy, device, _cpe(match.findall("osclass/cpe"))) if name and accuracy else None


def _cpe(elements: Iterable[Element]) -> str | None:
    """Those that have the shape of one, in a row."""
    told = dict.fromkeys((one.text or "").strip() for one in elements)
    return " ".join([name for name in told if CPE.fullmatch(name)][:MOST_CPES]) or None


def _number(text: str | None, most: int) -> int | None:
    """From 1 to `most`, in ASCII digits."""
    known = text is not None and re.fullmatch(r"[0-9]{1,5}", text)
    return int(text or 0) if known and 1 <= int(text or 0) <= most else None
