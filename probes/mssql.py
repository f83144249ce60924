"""Which SQL Server answers, and does it want encryption? MS-TDS 2.2.6.5 (PRELOGIN), 2.2.3.1 (packet header).

The first message of every client, without a name of ours: the server tells its version, and whether a
session would be encrypted. Whether a password is asked could only be told by a login, so `authentication`
stays unknown. Where it stops: a server that speaks nothing but TDS 8.0 (TLS first) does not answer this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

VERSION, ENCRYPTION, END = 0, 1, 0xFF
OPTION = 5  # bytes: which it is, where it is, how long it is
# A PRELOGIN message whole in one packet: version 0, encryption "can be off", and no more.
PRELOGIN = bytes.fromhex("12 01 001a 0000 01 00  00 000b 0006  01 0011 0001  ff  000000000000  00")
ANSWER, WHOLE = 4, 1
HEADER, LONGEST = 8, 512
BUILD = 4  # bytes of a version, up to the build and with it

# MS-TDS 2.2.6.5, the server's answer to "can be off".
WISHES = {b"\0": "offered", b"\1": "required", b"\2": "none", b"\3": "required"}
# By the numbers that a version begins with: nmap's mssql.lua (to 2022), Microsoft's lists of builds (2025).
RELEASES = {
    (8, 0): "2000",
    (9, 0): "2005",
    (10, 0): "2008",
    (10, 50): "2008 R2",
    (11, 0): "2012",
    (12, 0): "2014",
    (13, 0): "2016",
    (14, 0): "2017",
    (15, 0): "2019",
    (16, 0): "2022",
    (17, 0): "2025",
}


@dataclass(frozen=True, slots=True)
class Mssql:
    """One PRELOGIN. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "mssql"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (1433,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, where it was heard, and what is silent until spoken to: instances move."""
        return doors(target, ("mssql",), self.usual, anywhere=True)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, one packet each way."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(PRELOGIN, "PRELOGIN")
            options = _options(_answer(line))
        release, version = _version(options.get(VERSION, b""))
        facts: Facts = {
            "product": f"SQL Server {release}" if release else "SQL Server",
            "version": version,
            "encryption": WISHES.get(options.get(ENCRYPTION, b"")),
            "authentication": "unknown",
        }
        yield target.observed(self.name, port, "mssql", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """On the network a database is where it belongs; on the internet it is not."""
        if seen.protocol == "mssql" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("mssql-reachable")


def _answer(line: Line) -> bytes:
    """What the packet holds. OtherProtocol where it is none, or holds no options."""
    told = line.take(HEADER)
    while len(told) < HEADER and bytes((ANSWER, WHOLE)).startswith(told[:2]):
        told += line.take(HEADER - len(told))
    length = int.from_bytes(told[2:4], "big") - HEADER
    if told[:2] != bytes((ANSWER, WHOLE)) or not OPTION < length <= LONGEST:
        raise OtherProtocol(told)
    held = line.read(length)
    if held[:1] != b"\0":  # the version comes first (2.2.6.5)
        raise ProbeError(Reason.PROTOCOL, "an answer without a version")
    return held


def _options(held: bytes) -> Mapping[int, bytes]:
    """Its options by number: each is where its row says, or it is not there."""
    found: dict[int, bytes] = {}
    for at in range(0, len(held) - OPTION + 1, OPTION):
        row = held[at : at + OPTION]
        if row[0] == END:
            break
        first, size = int.from_bytes(row[1:3], "big"), int.from_bytes(row[3:5], "big")
        found[row[0]] = held[first : first + size]
    return found


def _version(told: bytes) -> tuple[str | None, str | None]:
    """(release, version): major, minor and build are one byte, one byte and two; the rest is of no use."""
    if len(told) < BUILD:
        return None, None
    major, minor, build = told[0], told[1], int.from_bytes(told[2:BUILD], "big")
    return RELEASES.get((major, minor)), f"{major}.{minor}.{build}"


PROBE: ProbeFactory = Mssql
