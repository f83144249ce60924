"""Who is on this link over IPv6? One ICMPv6 echo to all nodes, and the kernel's own table. Linux.

RFC 4291 2.7.1 (ff02::1), RFC 4443 4 (echo), RFC 4861 (neighbours), rtnetlink(7). Whoever hears the echo
answers from an address of its own, and the frame of its answer names its card. No address of an IPv6 network
can be guessed: one packet that all hear takes the place of two to the power of 64. Where it stops: Windows
does not answer it by itself; of several addresses a device answers from one.
"""

from __future__ import annotations

import secrets
import select
import socket  # noqa: TID251 - one packet a network and night, which Egress's sockets cannot send
import struct
import sys
import time
from ipaddress import IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALL_NODES, ITS_CARD = IPv6Address("ff02::1"), bytes.fromhex("333300000001")  # RFC 2464 7
IPV6, ICMPV6, ECHO, REPLY = 0x86DD, 58, 128, 129
HEAD, LONGEST = 40, 128  # bytes of an IPv6 header; as much of a frame as we look at
MOST = 4096  # answers; frames of others are passed over until the time is up
ROUTE, GET, NEW, DONE, DUMP = 0, 30, 28, 3, 0x301  # linux/netlink.h, linux/rtnetlink.h
DESTINATION, CARD, CACHE = 1, 2, 3  # NDA_* of linux/neighbour.h
THERE = 0x02 | 0x04 | 0x08 | 0x10  # REACHABLE, STALE, DELAY, PROBE: somebody has answered
TICKS = 100  # USER_HZ: times in the kernel's table are hundredths of a second
TENTATIVE, DEPRECATED, FAILED = 0x40, 0x20, 0x08  # linux/if_addr.h
TABLE = Path("/proc/net/if_inet6")
MAC = 6


def own(table: Path = TABLE) -> Iterator[tuple[str, IPv6Address]]:
    """(card, address) of this machine, those that may be used. Nothing without IPv6, or Linux."""
    try:
        lines = table.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        try:
            digits, _, _, _, flags, card = line.split()
            if not int(flags, 16) & (TENTATIVE | DEPRECATED | FAILED):
                yield card, IPv6Address(bytes.fromhex(digits))
        except ValueError:
            continue


def call(card: str, source: IPv6Address, seconds: float) -> dict[IPv6Address, str]:
    """Address -> MAC of who answers one echo from `source`, in that time.

    Raises PermissionError without CAP_NET_RAW, OSError where the card cannot send.
    """
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as sock:
        sock.setblocking(False)  # noqa: FBT003 - socket's own
        sock.bind((card, IPV6))
        mark = secrets.token_bytes(12)
        sock.sendto(echo(source, mark), (card, IPV6, 0, 0, ITS_CARD))
        ends, answers = time.monotonic() + seconds, dict[IPv6Address, str]()
        while (left := ends - time.monotonic()) > 0 and len(answers) < MOST:
            if select.select([sock], [], [], left)[0]:
                packet, (*_, hardware) = sock.recvfrom(LONGEST)
                sender = answered(packet, source, mark)
                if sender is not None and len(hardware) == MAC:
                    answers.setdefault(sender, hardware.hex(":"))
        return answers


def echo(source: IPv6Address, mark: bytes) -> bytes:
    """The packet: it crosses no router (hop limit 1). `mark`: 12 bytes, by which its answers are known."""
    return _packet(ECHO, source, ALL_NODES, mark, hops=1)


def answered(packet: bytes, source: IPv6Address, mark: bytes) -> IPv6Address | None:
    """Who answers that echo with this packet; None where it is anything else."""
    if len(packet) < HEAD + 4 + len(mark):
        return None
    sender = IPv6Address(packet[8:24])
    if sender.is_multicast or sender.is_unspecified:
        return None
    expected = _packet(REPLY, sender, source, mark, hops=packet[7])
    flow = packet[:4]  # traffic class and flow label are the sender's own
    return sender if packet[4 : len(expected)] == expected[4:] and flow[0] >> 4 == 6 else None  # noqa: PLR2004


def _packet(kind: int, sender: IPv6Address, receiver: IPv6Address, mark: bytes, *, hops: int) -> bytes:
    """IPv6, and ICMPv6 with its checksum (RFC 8200 8.1). `mark`: identifier, number and data."""
    body = struct.pack(">BBH", kind, 0, 0) + mark
    ends = sender.packed + receiver.packed
    total = sum(
        struct.unpack(
            f">{(len(ends) + 8 + len(body)) // 2}H", ends + struct.pack(">II", len(body), ICMPV6) + body
        )
    )
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    body = body[:2] + struct.pack(">H", ~total & 0xFFFF) + body[4:]
    return struct.pack(">IHBB", 6 << 28, len(body), ICMPV6, hops) + ends + body


def neighbours(within: float, seconds: float = 2.0) -> dict[IPv6Address, str]:
    """Address -> MAC of those whom this machine has heard `within` so many seconds. Nothing but on Linux."""
    if not hasattr(socket, "AF_NETLINK"):
        return {}
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE) as sock:
            sock.settimeout(seconds)
            sock.send(struct.pack("=IHHII", 28, GET, DUMP, 1, 0) + struct.pack("=B11x", socket.AF_INET6))
            found: dict[IPv6Address, str] = {}
            while len(found) < MOST:
                told = sock.recv(65_536)
                found |= entries(told, within)
                if _ended(told):
                    break
            return found
    except OSError:
        return {}


def entries(told: bytes, within: float) -> dict[IPv6Address, str]:
    """Those of a piece of the kernel's table."""
    found: dict[IPv6Address, str] = {}
    for kind, body in _messages(told):
        if kind != NEW or len(body) < 12:  # noqa: PLR2004 - struct ndmsg
            continue
        parts = _attributes(body[12:])
        state = int.from_bytes(body[8:10], sys.byteorder)
        ago = int.from_bytes(parts.get(CACHE, b"")[:4], sys.byteorder) / TICKS
        address, card = parts.get(DESTINATION, b""), parts.get(CARD, b"")
        if state & THERE and ago <= within and (len(address), len(card)) == (16, MAC):
            found[IPv6Address(address)] = card.hex(":")
    return found


def _ended(told: bytes) -> bool:
    return not told or any(kind != NEW for kind, _ in _messages(told))  # done, or an error


def _messages(told: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, body) of each message, 4 bytes aligned."""
    at = 0
    while at + 16 <= len(told):
        length, kind = struct.unpack_from("=IH", told, at)
        if length < 16 or at + length > len(told):  # noqa: PLR2004 - struct nlmsghdr
            return
        yield kind, told[at + 16 : at + length]
        at += (length + 3) & ~3


def _attributes(told: bytes) -> Mapping[int, bytes]:
    """By their type."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(told):
        length, kind = struct.unpack_from("=HH", told, at)
        if length < 4:  # noqa: PLR2004 - struct rtattr
            break
        found[kind] = told[at + 4 : at + length]
        at += (length + 3) & ~3
    return found
