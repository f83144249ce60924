"""Does an Oracle listener answer? TNS, as nmap (tns.lua) and tnsping speak it: CONNECT with COMMAND=ping.

What tnsping asks: the listener refuses by saying that it is well, perhaps with its version, and no database
hears of it. It writes one line in its log, as for every tnsping. Where it stops: newer listeners tell no
version; whether a password is asked could only be told by a login, so `authentication` stays unknown.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PING = b"(CONNECT_DATA=(COMMAND=ping))"
CONNECT, ACCEPT, REFUSE, REDIRECT, RESEND = 1, 2, 4, 5, 11
HEADER, BODY, LONGEST = 8, 58, 2048
# Where the numbers of a version are after the first: up to 12c, and since 18c (oci.h: OCI_SERVER_RELEASE_*).
OLD, NEW = ((20, 15), (12, 255), (8, 15), (0, 255)), ((16, 255), (12, 15), (4, 255), (0, 15))
NEW_FROM = 18


@dataclass(frozen=True, slots=True)
class Oracle:
    """A tnsping. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "oracle"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (1521, 1522)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it was heard."""
        return doors(target, ("oracle",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection; the packet is sent once more where the listener asks for that."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            for _ in range(2):
                line.send(_connect(PING), "TNS CONNECT, ping")
                kind, told = _packet(line)
                if kind != RESEND:
                    break
        facts: Facts = {"product": "Oracle", "version": _version(told), "authentication": "unknown"}
        yield target.observed(self.name, port, "oracle", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """On the network a database is where it belongs; on the internet it is not."""
        if seen.protocol == "oracle" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("oracle-reachable")


def _connect(data: bytes) -> bytes:
    """A CONNECT packet: version 3.12, compatible with 3.0, an SDU of 2,048, the rest as clients have it."""
    head = struct.pack(">HHBBH", BODY + len(data), 0, CONNECT, 0, 0)
    body = struct.pack(">HHHHHHHHHH", 312, 300, 0, 2048, 32_767, 0x7F08, 0, 0x0100, len(data), BODY)
    return (head + body).ljust(BODY, b"\0") + data


def _packet(line: Line) -> tuple[int, bytes]:
    """(its kind, what it holds). OtherProtocol where it is no TNS packet of a listener's."""
    told = line.take(HEADER)
    while len(told) < HEADER and not any(told[2:4]):
        told += line.take(HEADER - len(told))
    length, checksum, kind, _, another = struct.unpack(">HHBBH", told.ljust(HEADER, b"\xff"))
    if kind not in {ACCEPT, REFUSE, REDIRECT, RESEND} or checksum or another or length < HEADER:
        raise OtherProtocol(told)
    if length > LONGEST:
        raise ProbeError(Reason.PROTOCOL, "an answer of an impossible length")
    return kind, line.read(length - HEADER)


def _version(told: bytes) -> str | None:
    """VSNNUM as five numbers: 186647552 is 11.2.0.4.0."""
    found = re.search(rb"\(VSNNUM=(\d{1,10})\)", told)
    number = int(found[1]) if found else 0
    if not 0 < number < 1 << 32:
        return None
    major = number >> 24
    fields = OLD if major < NEW_FROM else NEW
    return ".".join(str(one) for one in (major, *(number >> shift & mask for shift, mask in fields)))


PROBE: ProbeFactory = Oracle
