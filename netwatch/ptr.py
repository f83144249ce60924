"""Which name does a resolver know for this address? DNS PTR, RFC 1035 3.5: what DHCP was told, as a rule.

Asked without recursion at first (RD is 0, RFC 1035 4.1.1): what the resolver knows itself is wanted, and
nobody else need be asked. dnsmasq 2.90 tells the names of its leases so; what it does not know it may pass on
all the same. A resolver may refuse such a question. A name that is made of the address, or that any device
could have, tells nothing. Where it stops: a lease or a hosts file may be older than the device that is
there now, so that the name is shown and proves nothing. Pure.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from netwatch.mdns import ANSWER, HEAD, PTR, RCODE, host, message
from netwatch.mdns import question as one_question
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from ipaddress import IPv4Address

PORT = 53
RECURSE, REFUSED = 0x0100, 5
# What boxes put behind the names of a home; a domain that somebody chose stays.
HOME = re.compile(
    r"\.(?:lan|home|box|local|localdomain|internal|intranet|home\.arpa|fritz\.box|localdomain\.local)\.?$",
    re.IGNORECASE,
)
# What any device could be called.
NOBODY = re.compile(
    r"(?:unknown|none|null|localhost|unassigned|reserved|android|iphone|ipad|espressif|device|host|client|"
    r"dhcp|dyn(?:amic)?|pool|ip|lan|unknown[-_]?[0-9a-f]{12}|[0-9a-f]{2}(?:[:_-]?[0-9a-f]{2}){5})"
    r"[-_.]?\d{0,3}",
    re.IGNORECASE,
)


def question(address: IPv4Address, number: int, *, recursive: bool = False) -> bytes:
    """The question after the name of this address. `number`: 0 to 65,535."""
    asked = one_question(_asked(address), number)
    return asked[:2] + struct.pack(">H", RECURSE if recursive else 0) + asked[4:]


def refused(told: bytes, number: int) -> bool:
    """Is this the answer that such a question is not answered? RFC 1035 4.1.1, RCODE 5."""
    answers_to, flags = struct.unpack(">2H", told[:4]) if len(told) >= HEAD else (None, 0)
    return answers_to == number and bool(flags & ANSWER) and flags & RCODE == REFUSED


def name(told: bytes, address: IPv4Address, number: int) -> str | None:
    """The name in an answer to question `number` about this address; None where it tells none."""
    try:
        answers_to, _, records = message(told)
    except ProbeError:
        return None
    if answers_to != number:
        return None
    named = (
        _shown(one.target, address)
        for one in records
        if one.kind == PTR and tuple(label.lower() for label in one.name) == _asked(address)
    )
    return next(filter(None, named), None)


def _shown(target: tuple[str, ...], address: IPv4Address) -> str | None:
    """It, without the ending that all names of a home have, where it is one of a machine."""
    shown = host(target)
    short = HOME.sub("", shown) if shown else ""
    first = short.partition(".")[0]
    return None if not first or NOBODY.fullmatch(first) or _made_of(short, address) else short


def _made_of(shown: str, address: IPv4Address) -> bool:
    """Is it the address in other words: `192-168-1-5`, `ip5.1.168.192`, `dhcp-001-005`, `c0a80105`?"""
    parts = tuple(address.packed)
    numbers = tuple(int(one[:9]) for one in re.findall(r"\d+", shown))
    ways = (parts, parts[::-1], parts[2:], parts[2:][::-1])
    runs = {numbers[at : at + len(way)] == way for way in ways for at in range(len(numbers))}
    return True in runs or address.packed.hex() in shown.lower()


def _asked(address: IPv4Address) -> tuple[str, ...]:
    """`20.1.168.192.in-addr.arpa` (RFC 1035 3.5)."""
    return tuple(address.reverse_pointer.split("."))
