"""What does a UPnP device say of itself, as far as it may be believed? UPnP Device Architecture (UDA) 2.0.

A search's answer names a description (LOCATION); the description, in XML, names the services and where each
of them is asked (controlURL). All of it is hostile: only the address that answered is ever followed, XML with
a DOCTYPE is not read, and of its words only a maker, a model, versions and a UUID are kept. The name that
somebody gave the device (friendlyName) and its serial number are not read at all. Pure.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from netwatch.model import Reason
from netwatch.plain import discreet, version
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netwatch.model import Facts

GATEWAY = "urn:schemas-upnp-org:device:InternetGatewayDevice:"
GATEWAYS = (1, 2)  # the first is what a box of either version answers to (UDA 2.0 1.3.3)
ROOT = "upnp:rootdevice"  # every device answers to it once, UDA 2.0 1.3.2
GROUP, PORT = "239.255.255.250", 1900
SERVICE = "urn:schemas-upnp-org:service:"
LONGEST = 300  # characters of a path
MOST_SERVICES = 8  # of a description
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
BARE = re.compile(r"&(?!#?\w{1,8};)")  # an ampersand that some boxes forget to escape
UUID = re.compile(r"uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f-])")
FIRMWARE = r"([\w.+~-]*\d+\.\d+[\w.+~-]*)"

SEARCH = (
    'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: {}\r\n\r\n'
)


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the device that answered: where we may go."""

    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a search. `location`: None where it leads elsewhere than to who answered."""

    gateway: int | None
    location: Place | None
    software: str | None
    uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the device. `kind`: `WANIPConnection:1`."""

    kind: str
    place: Place

    @property
    def type(self) -> str:
        """Its whole name: `urn:schemas-upnp-org:service:WANIPConnection:1`."""
        return f"{SERVICE}{self.kind}"


@dataclass(frozen=True, slots=True)
class Description:
    """What a device says it is. `elsewhere`: a service is said to be on another machine; it is left out."""

    gateway: int | None
    maker: str | None
    product: str | None
    firmware: str | None
    services: tuple[Service, ...]
    elsewhere: bool = False
    uuid: str | None = None


def search(gateway: int) -> bytes:
    """The question after an internet gateway of this version. UDA 2.0 1.3.2."""
    return SEARCH.format(f"{GATEWAY}{gateway}").encode("ascii")


def search_all() -> bytes:
    """The question after every device, once each."""
    return SEARCH.format(ROOT).encode("ascii")


def facts(answers: Iterable[bytes], address: str) -> Facts:
    """What this device's answers to that question say: `uuid`, where it has only one; `port` and `path` of a
    description of its own, of several always the same. Nothing where it answers something else."""
    replies = []
    for told in answers:
        with suppress(ProbeError):
            replies.append(reply(told, address))
    uuids = {one.uuid for one in replies if one.uuid}
    places = sorted((one.location.port, one.location.path) for one in replies if one.location)
    found: Facts = {"uuid": uuids.pop()} if len(uuids) == 1 else {}
    return found | ({"port": places[0][0], "path": places[0][1]} if places else {})


def reply(told: bytes, address: str) -> Reply:
    """What an answer to a search says. UDA 2.0 1.3.3. ProbeError(PROTOCOL) where it is none."""
    head, *lines = told.decode("latin-1").split("\r\n")
    if not re.match(r"HTTP/1\.[01] 200(?!\d)", head):
        raise ProbeError(Reason.PROTOCOL, "an answer that is not SSDP")
    named = (line.partition(":") for line in lines)
    said = {name.strip().lower(): value.strip() for name, _, value in named}
    if "location" not in said:
        raise ProbeError(Reason.PROTOCOL, "an answer to a search without a LOCATION")
    return Reply(
        _gateway(said.get("st", "")),
        place(said["location"], address),
        _software(said),
        _uuid(said.get("usn", "")),
    )


def place(url: str, address: str) -> Place | None:
    """Where this address leads, if to a page of `address` over HTTP, in clear; else None."""
    try:
        parts = urlsplit(url)
        port = parts.port or 80
        ours = ip_address(parts.hostname or "") == ip_address(address)
    except ValueError:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    plain = len(path) <= LONGEST and path.startswith("/") and all("!" <= c <= "~" for c in path)
    if parts.scheme != "http" or not ours or "@" in parts.netloc or not plain:
        return None
    return Place(port, path)


def description(told: bytes, address: str, at: Place, wanted: Iterable[str]) -> Description:
    """A device's description, with those of its services that are `wanted`. UDA 2.0 2.3.

    ProbeError(PROTOCOL) where it is no XML that we read.
    """
    root = xml(told)
    device = _first(root, "device")
    known = frozenset(f"{SERVICE}{kind}" for kind in wanted)
    base = f"http://{address}:{at.port}{at.path}"
    said = _text(root, "URLBase")
    if place(said, address):
        base = said
    services: dict[Service, None] = {}
    elsewhere = False
    for one in root.iter():
        if _local(one) != "service" or (kind := _text(one, "serviceType")) not in known:
            continue
        where = place(_joined(base, _text(one, "controlURL")), address)
        if where is None:
            elsewhere = True
        elif len(services) < MOST_SERVICES:
            services[Service(kind.removeprefix(SERVICE), where)] = None
    return Description(
        gateway=_gateway(_text(device, "deviceType")),
        maker=discreet(_text(device, "manufacturer"), 40),
        product=discreet(_text(device, "modelName"), 60),
        firmware=next(
            (
                found
                for name in ("modelDescription", "modelNumber")
                if (found := version(_text(device, name), FIRMWARE))
            ),
            None,
        ),
        services=tuple(services),
        elsewhere=elsewhere,
        uuid=_uuid(_text(device, "UDN")),
    )


def xml(told: bytes) -> Any:  # noqa: ANN401 - an Element: defusedxml ships no types
    """The root of this XML. ProbeError(PROTOCOL) where it has a DOCTYPE, or is none."""
    from defusedxml import DefusedXmlException  # noqa: PLC0415 - slow to import
    from defusedxml.ElementTree import ParseError, fromstring  # noqa: PLC0415

    text = BARE.sub("&amp;", CONTROLS.sub("", told.decode("utf-8", "replace"))).strip("\ufeff \t\r\n")
    try:
        # As text: the encoding that it says it has is not asked for.
        return fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise ProbeError(Reason.PROTOCOL, "no XML that we read") from None


def values(parent: Any) -> dict[str, str]:  # noqa: ANN401
    """The texts of an element's children by their names, without their prefixes."""
    return {_local(one): (one.text or "").strip() for one in parent}


def elements(root: Any, name: str) -> list[Any]:  # noqa: ANN401
    """All elements of this name, whatever their prefix."""
    return [one for one in root.iter() if _local(one) == name]


def number(text: str, most: int) -> int | None:
    """A number from 0 to `most`, or None."""
    return int(text) if re.fullmatch(r"\d{1,10}", text, re.ASCII) and int(text) <= most else None


def _first(root: Any, name: str) -> Any:  # noqa: ANN401
    return next(iter(elements(root, name)), None)


def _text(parent: Any, name: str) -> str:  # noqa: ANN401
    """The text of the child of this name, or nothing."""
    return "" if parent is None else values(parent).get(name, "")


def _local(element: Any) -> str:  # noqa: ANN401
    """`{namespace}name`, without the namespace."""
    return str(element.tag).rpartition("}")[2]


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url) if url else ""
    except ValueError:
        return ""


def _gateway(told: str) -> int | None:
    """Which version of an internet gateway this type names, or None."""
    number = told.removeprefix(GATEWAY)
    return int(number) if told != number and re.fullmatch(r"[1-9]", number) else None


def _uuid(told: str) -> str | None:
    """`uuid:...::upnp:rootdevice`; nothing where it is of another shape, or nobody chose it."""
    found = UUID.match(told.strip().lower())
    return found[1] if found and len(set(found[1])) > 3 else None  # noqa: PLR2004 - not 0000-...-0001


def _software(said: Mapping[str, str]) -> str | None:
    """The library that answers, where it is one that many boxes have."""
    for name, word in (("MiniUPnPd", "MiniUPnPd"), ("Portable SDK for UPnP devices", "libupnp")):
        if found := version(said.get("server", ""), rf"{name} ?/(\S+)"):
            return f"{word} {found}"
    return None
