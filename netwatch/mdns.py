"""Which name, model and services does a device announce over multicast DNS? RFC 6762, RFC 6763, RFC 1035 4.1.

The question leaves from a port of its own and asks for unicast, so that the answers come to us and to nobody
else (RFC 6762 5.4, 6.7); one question a packet, because an answer of 512 bytes has to repeat them all
(https://github.com/avahi/avahi/issues/23). Of the texts only those of KEYS are read: where a device stands
(`note`), what somebody called it (`fn`, and the names of its services) and who is near it are not. A name is
the machine's, and may hold a person's ("PC-Dr-Martin"). Where it stops: a program may announce the model of
what it plays, so `told_by` names the service that said so. Pure.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from netwatch.model import Reason
from netwatch.plain import discreet, plain, recorded, version
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.model import Facts

    Name = tuple[str, ...]

GROUP, PORT = "224.0.0.251", 5353
A, PTR, TXT, SRV, IN, UNICAST = 1, 12, 16, 33, 1, 0x8000
ANSWER, OPCODE, RCODE = 0x8000, 0x7800, 0x000F  # of the flags of a message
HEAD, QUESTION, RECORD = 12, 4, 10  # bytes, behind the name
LONGEST_NAME, JUMP = 255, 8  # bytes, RFC 1035 2.3.4; as so many a pointer counts, so that they too are few
MOST_RECORDS, MOST_TEXTS, MOST_SERVICES = 256, 64, 24  # of a message, of a record, of a device

LOCAL = "local"
DIRECTORY: Name = ("_services", "_dns-sd", "_udp", LOCAL)  # RFC 6763 9
PRINTING = (
    "ipp",
    "pdl-datastream",
    "scanner",
    "uscan",
)  # not `printer`: in CUPS's, a queue looks as a printer
# Those whose texts tell a model, the surest first: a printer's are read before what a home network adds, and
# `device-info` last, because file servers choose in it what a Mac shall draw.
TELLING = ("qdiscover", "http", *PRINTING, "airplay", "raop", "googlecast", "hap", "device-info")
SERVICES = (*TELLING, "smb", "afpovertcp", "ssh", "workstation", "companion-link", "printer", "dicom")
# Service -> key of its text -> fact; of two keys for one fact the first. Printers:
# http://blog.loftninjas.org/2010/11/29/dns-sd-a-printer-and-a-little-luck, CUPS: scheduler/dirsvc.c; players:
# https://openairplay.github.io/airplay-spec/service_discovery.html; HAP:
# https://docs.rs/homecore-hap/latest/homecore_hap/mdns/struct.HapServiceRecord.html.
_OF_PRINTERS = dict.fromkeys(("ty", "mdl", "usb_mdl", "product"), "model")
_OF_PRINTERS |= {"mfg": "maker", "usb_mfg": "maker", "uuid": "uuid"}
_OF_PLAYERS = {"model": "model", "manufacturer": "maker", "serialnumber": "serial", "osvers": "version"}
KEYS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(PRINTING, _OF_PRINTERS),
    "airplay": _OF_PLAYERS | {"fv": "version"},
    "raop": {"am": "model"},
    "googlecast": {"md": "model"},
    "hap": {"md": "model"},
    "device-info": {"model": "model", "osxvers": "osxvers"},
    "http": {"vendor": "maker", "model": "model", "serial": "serial"},  # Synology's DSM
    "qdiscover": {"displaymodel": "model", "fwver": "version", "serialnum": "serial"},  # QNAP's
}
PICTURES = frozenset({"Xserve", "MacSamba"})  # what QNAP and Samba (vfs_fruit) have a Mac draw
SHARED = ("printers/", "classes/")  # a queue of CUPS: its model is another machine's
_TYPE = re.compile(r"_([a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?)")
_HOST = re.compile(r"\w(?:[\w.-]*\w)?")
SHAPES = {
    "uuid": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "serial": re.compile(r"(?=[0-9-]*[A-Za-z])[0-9A-Za-z-]{4,32}"),  # digits alone could be anybody's number
    "dsm": re.compile(r"\d{1,3}\.\d{1,3}-\d{1,6}", re.ASCII),  # 7.2-64570, as its releases are called
    "osxvers": re.compile(r"[1-9]\d?", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Record:
    """What a message says of `name`. `target`: of PTR and SRV; `texts`: of TXT; `address`: of A."""

    name: Name
    kind: int
    target: Name = ()
    texts: tuple[bytes, ...] = ()
    address: IPv4Address | None = None


def question(name: Name, number: int, *, unicast: bool = False) -> bytes:
    """One question for the PTR records of this name. `number`: 0 to 65,535."""
    labels = b"".join(bytes([len(label)]) + label for label in (one.encode("ascii") for one in name))
    asks = IN | (UNICAST if unicast else 0)
    return struct.pack(">6H", number, 0, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, PTR, asks)


def questions(number: int) -> Iterator[tuple[str, bytes]]:
    """(what it asks, in words of ours; the packet): the directory of services, then the telling ones."""
    for name in (DIRECTORY, *((f"_{one}", "_tcp", LOCAL) for one in SERVICES)):
        yield f"mDNS PTR {'.'.join(name)}", question(name, number, unicast=True)


def message(told: bytes) -> tuple[int, int, list[Record]]:
    """An answer's number, flags and the records that we know, MOST_RECORDS at most. ProbeError(PROTOCOL).

    One byte that does not fit, and nothing of it is believed.
    """
    try:
        number, flags, asked, *counts = struct.unpack_from(">6H", told)
        if not flags & ANSWER or flags & (OPCODE | RCODE):
            raise ProbeError(Reason.PROTOCOL, "a message that is no answer")
        at = HEAD
        for _ in range(asked):
            at = _name(told, at)[1] + QUESTION
        records: list[Record] = []
        for _ in range(min(sum(counts), MOST_RECORDS)):
            record, at = _record(told, at)
            records += [record] if record else []
    except (struct.error, IndexError):
        raise ProbeError(Reason.PROTOCOL, "a message that ends too early") from None
    return number, flags, records


def _record(told: bytes, at: int) -> tuple[Record | None, int]:
    """It, where it is of a kind that we know, and where the next begins."""
    name, at = _name(told, at)
    kind, group, _, length = struct.unpack_from(">HHIH", told, at)
    at += RECORD
    ends = at + length
    if ends > len(told):
        raise IndexError
    if group & ~UNICAST != IN:  # the same bit, of an answer, says that caches shall forget the rest
        return None, ends
    if kind in {PTR, SRV}:
        target, stops = _name(told, at + (6 if kind == SRV else 0))  # priority, weight, port
        if stops > ends:
            raise IndexError
        return Record(name, kind, target=target), ends
    if kind == A and length == 4:  # noqa: PLR2004 - an address
        return Record(name, kind, address=IPv4Address(told[at:ends])), ends
    if kind == TXT:
        return Record(name, kind, texts=tuple(_texts(told[at:ends]))), ends
    return None, ends


def _texts(told: bytes) -> Iterator[bytes]:
    """Each a length and as many bytes (RFC 1035 3.3.14)."""
    at = 0
    for _ in range(MOST_TEXTS):
        if at >= len(told):
            return
        ends = at + 1 + told[at]
        if ends > len(told):
            raise IndexError
        yield told[at + 1 : ends]
        at = ends


def _name(told: bytes, at: int) -> tuple[Name, int]:
    """Its labels, and where what follows begins. A pointer leads backwards, so that none leads round."""
    labels: list[str] = []
    ends, before, long = 0, at, 0
    while length := told[at]:
        pointer = length >> 6 == 3  # noqa: PLR2004 - RFC 1035 4.1.4
        long += JUMP if pointer else 1 + length
        if long > LONGEST_NAME or (length >> 6 and not pointer):
            raise ProbeError(Reason.PROTOCOL, "a name that is none")
        if pointer:
            ends = ends or at + 2
            at = (length & 0x3F) << 8 | told[at + 1]
            if at >= before:
                raise ProbeError(Reason.PROTOCOL, "a name that leads round")
            before = at
        else:
            labels.append(told[at + 1 : at + 1 + length].decode("utf-8", "replace"))
            at += 1 + length
    return tuple(labels), ends or at + 1


def host(name: Name) -> str | None:
    """A machine's name as it is shown, without `local`, where it has the shape of one and not of a record.

    It may hold a person's name: it is what the practice calls its own machine.
    """
    text = ".".join(name[:-1] if name[1:] and name[-1].lower() == LOCAL else name)
    return text if text == plain(text, 63) and _HOST.fullmatch(text) and not recorded(text) else None


def facts(answers: Iterable[bytes], address: str) -> Facts:
    """What the machine of this address says of itself: `name`, `services`, and from the surest of TELLING
    `model`, `maker`, `serial`, `version` with `told_by`; `uuid`; `osxvers`, a Mac's system by its number.

    Only what it has; nothing of what it says of another machine, as where it answers for one that sleeps.
    """
    records = list(_records(answers))
    own = IPv4Address(address)
    at: dict[Name, set[IPv4Address]] = {}
    for one in records:
        if one.address is not None:
            at.setdefault(_folded(one.name), set()).add(one.address)
    others = {name for name, addresses in at.items() if own not in addresses}
    elsewhere = {_folded(one.name) for one in records if one.kind == SRV and _folded(one.target) in others}
    mine = [one for one in records if _folded(one.name) not in elsewhere | others]
    found: Facts = {}
    if name := _own_name(mine, others):
        found["name"] = name
    if services := sorted({*_services(mine, elsewhere)})[:MOST_SERVICES]:
        found["services"] = ", ".join(services)
    return found | _told(mine)


def _records(answers: Iterable[bytes]) -> Iterator[Record]:
    for told in answers:
        with suppress(ProbeError):
            yield from message(told)[2]


def _folded(name: Name) -> Name:
    return tuple(label.lower() for label in name)


def _own_name(mine: Iterable[Record], others: set[Name]) -> str | None:
    """Where its services are most often said to be, and what has its address."""
    told = [one.target if one.kind == SRV else one.name for one in mine if one.kind in {SRV, A}]
    named = Counter(shown for name in told if _folded(name) not in others and (shown := host(name)))
    return min(named, key=lambda name: (-named[name], name)) if named else None


def _services(mine: Iterable[Record], elsewhere: set[Name]) -> Iterator[str]:
    """`ipp`, `sleep-proxy/udp`: as the directory and the services themselves tell them."""
    for one in mine:
        if one.kind == PTR and _folded(one.target) not in elsewhere:
            of = _folded(one.target if _folded(one.name) == DIRECTORY else one.name)
            if found := _type(of):
                yield found


def _type(name: Name) -> str | None:
    """Of `_ipp._tcp.local`: `ipp`."""
    match name:
        case (service, "_tcp" | "_udp" as way, "local") if found := _TYPE.fullmatch(service):
            return found[1] + ("/udp" if way == "_udp" else "")
    return None


def _told(mine: Iterable[Record]) -> Facts:
    """What the texts tell."""
    said: dict[str, Facts] = {}
    for one in mine:
        service = _type(_folded(one.name)[-3:]) or ""
        if one.kind == TXT and service in KEYS and (told := _of(service, _pairs(one.texts))):
            said.setdefault(service, told)
    by = next((service for service in TELLING if "model" in said.get(service, {})), None)
    found: Facts = said[by] | {"told_by": by} if by else {}
    for told in said.values():
        found = {key: told[key] for key in ("uuid", "osxvers") if key in told} | found
    return found


def _pairs(texts: Iterable[bytes]) -> dict[str, str]:
    """RFC 6763 6.4: the case of a key does not matter, and its first value counts. QNAP writes all in one."""
    pairs: dict[str, str] = {}
    for text in texts:
        whole = text.decode("utf-8", "replace")
        for part in whole.split(",") if whole.startswith("accessType=") else [whole]:
            key, there, value = part.partition("=")
            if there:
                pairs.setdefault(key.lower(), value)
    return pairs


def _of(service: str, pairs: Mapping[str, str]) -> Facts:
    """The facts of one service's text."""
    if pairs.get("rp", "").lower().startswith(SHARED) or (service == "http" and "vendor" not in pairs):
        return {}
    found: Facts = {}
    for key, fact in KEYS[service].items():
        if fact not in found and (value := _clean(fact, pairs.get(key, ""))):
            found[fact] = value
    dsm = "{}.{}-{}".format(*(pairs.get(f"version_{part}") for part in ("major", "minor", "build")))
    if service == "http" and SHAPES["dsm"].fullmatch(dsm):
        found["version"] = dsm
    if found.get("model") in PICTURES:
        del found["model"]
    return found


def _clean(fact: str, text: str) -> str | None:
    """Keys of the maker's own, so that two words side by side are a product's and no person's."""
    match fact:
        case "model" | "maker":
            value = discreet(text.strip().removeprefix("(").removesuffix(")"), 60, strict=False)
            return None if value in {None, "Unknown"} else value
        case "version":
            return version(text, r"(\S+)")
    text = text.lower() if fact == "uuid" else text
    return text if SHAPES[fact].fullmatch(text) else None
