"""Which name does the machine at this address give itself? LLMNR, RFC 4795: Windows, and Linux's resolved.

The standard asks for an address's name over TCP (2.4); Windows has no TCP there, and is asked by multicast
(MS-LLMNRP, https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-llmnrp). Where it stops: a name
is believed of the address that it came from, and of no other. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.mdns import PTR, host, message
from netwatch.mdns import question as one_question
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from ipaddress import IPv4Address

GROUP, PORT = "224.0.0.252", 5355
TENTATIVE = 0x0100  # 2.1.1: its sender does not know yet whether the name is its own


def question(address: IPv4Address, number: int) -> bytes:
    """The question after the name of this address."""
    return one_question(_asked(address), number)


def name(told: bytes, address: IPv4Address, number: int) -> str | None:
    """The name in an answer of this address to question `number`; None where it is none."""
    try:
        answers_to, flags, records = message(told)
    except ProbeError:
        return None
    if answers_to != number or flags & TENTATIVE:
        return None
    asked = _asked(address)
    named = (
        host(one.target)
        for one in records
        if one.kind == PTR and tuple(label.lower() for label in one.name) == asked
    )
    return next(filter(None, named), None)


def _asked(address: IPv4Address) -> tuple[str, ...]:
    """`20.1.168.192.in-addr.arpa` (RFC 1035 3.5)."""
    return tuple(address.reverse_pointer.split("."))
