"""What does the MySQL or MariaDB server say of itself unasked? MySQL: Protocol::HandshakeV10, ERR_Packet.

The server speaks first; we hear its version and whether it offers TLS, and leave. Whether a password is
asked could only be told by a login, so `authentication` stays unknown.

We leave in the middle of a handshake, and no word ends one politely (COM_QUIT comes after a login). A server
that finds a name for our address counts that against it: after `max_connect_errors` (100) of them in a row
it refuses this address, and no other (error 1129); where it finds no name, or does not look for one, it
counts nothing (MariaDB 10.11, measured). So one connection a night: a machine that uses the database starts
again at zero with each success, and one that does not would lose, after a hundred nights, nothing but this
answer. Each leaves a line in the server's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch import plain
from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

GREETS, REFUSES = b"\x00\x00\x0a", b"\x00\x00\xff"  # a length below 65,536, the first packet, what it is
HEADER, START, OPENING = 4, 5, 16  # bytes: length and number; with what it is; what others are known by
LONGEST = 1024
CLIENT_SSL = 0x0800
BUSY = {1040, 1203}  # too many connections
REFUSALS = {1129: "host-blocked", 1130: "host-refused"}
# MariaDB says 5.5.5 before its own version, for the sake of old replicas.
VERSION = r"^(?:5\.5\.5-)?(\d+\.\d+\.\d+)"


@dataclass(frozen=True, slots=True)
class Mysql:
    """What it says before it is spoken to. `timeout`: seconds for it."""

    name: ClassVar[str] = "mysql"
    manner: ClassVar[str] = "hear"
    usual: ClassVar[tuple[int, ...]] = (3306, 3307)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it was heard: elsewhere its greeting gives it away to others."""
        return doors(target, ("mysql",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, and not a byte of ours."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            told, packet = _packet(line)
        code = int.from_bytes(packet[1:3], "little") if told == REFUSES else 0
        facts = _refused(packet, code) if told == REFUSES else _greeting(packet)
        yield target.observed(self.name, port, "mysql", facts | {"authentication": "unknown"})
        if code in BUSY:
            raise ProbeError(Reason.BUSY, "the server has no connection left for now")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """On the network a database is where it belongs; on the internet it is not."""
        if seen.protocol == "mysql" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("mysql-reachable")


def _packet(line: Line) -> tuple[bytes, bytes]:
    """(how it begins, what it holds). OtherProtocol where it begins otherwise."""
    told = line.take(OPENING)
    while len(told) < START and (GREETS.startswith(told[2:]) or REFUSES.startswith(told[2:])):
        told += line.take(OPENING - len(told))
    mark = told[2:START]
    if mark not in {GREETS, REFUSES}:
        raise OtherProtocol(told)
    length = int.from_bytes(told[:2], "little")
    if not 1 <= length <= LONGEST:
        raise ProbeError(Reason.PROTOCOL, "a greeting of an impossible length")
    packet = told[HEADER : HEADER + length]
    return mark, packet + line.read(length - len(packet))


def _greeting(packet: bytes) -> Facts:
    """Protocol::HandshakeV10: 0x0a, the version up to a zero, 13 bytes, what it can do."""
    version, _, rest = packet[1:].partition(b"\0")
    can = int.from_bytes(rest[13:15], "little") if len(rest) >= 15 else None  # noqa: PLR2004 - as above
    return {
        "product": "MariaDB" if b"MariaDB" in version or version.startswith(b"5.5.5-1") else "MySQL",
        "version": plain.version(version, VERSION),
        "tls": None if can is None else bool(can & CLIENT_SSL),
        "security": None,
    }


def _refused(packet: bytes, code: int) -> Facts:
    """ERR_Packet: 0xff, the error, a text of which only the product's name is looked for."""
    product = "MariaDB" if b"mariadb" in packet.lower() else "MySQL" if b"MySQL server" in packet else None
    return {"product": product, "version": None, "tls": None, "security": REFUSALS.get(code)}


PROBE: ProbeFactory = Mysql
