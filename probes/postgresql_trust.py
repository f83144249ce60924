"""Does PostgreSQL let people in without a password? PostgreSQL manual, Message Flow: Start-up.

We introduce ourselves as a role that cannot exist (random), over TLS where it is offered. A server that
asks for nothing says so (AuthenticationOk) before it finds that there is no such role: no session is ever
opened. With the method `trust` this leaves a line in the server's log, and it comes close to a login: in an
audit only.

Where it stops: the rules of pg_hba.conf may differ by role, database and address. What we hear is what they
say to an unknown role from our address.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
PROTOCOL_3 = 0x0003_0000
LONGEST = 2000  # bytes of a message

# Authentication request codes, as (authentication, security).
WAYS: dict[int, tuple[str, str | None]] = {
    0: ("none", "trust"),
    2: ("unknown", "kerberos"),
    3: ("password", "cleartext"),
    5: ("password", "md5"),
    7: ("unknown", "gss"),
    9: ("unknown", "sspi"),
    10: ("password", "scram"),
}
REFUSED = b"28000"  # invalid_authorization_specification: no rule lets this address in


@dataclass(frozen=True, slots=True)
class PostgresqlTrust:
    """A start-up in the name of nobody. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "postgresql_trust"
    manner: ClassVar[str] = "audit"
    usual: ClassVar[tuple[int, ...]] = (5432, 5433)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it was heard."""
        return doors(target, ("postgresql",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection; nothing is said after the server has said what it asks for."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(SSL_REQUEST, "SSLRequest")
            letter = line.take(1)
            if letter not in {b"S", b"N"}:
                raise OtherProtocol(letter)
            if letter == b"S":
                line.start_tls()
            line.send(
                _start_up(f"netwatch_{secrets.token_hex(8)}"), "StartupMessage, a role that cannot exist"
            )
            kind, told = _message(line)
        facts: Facts = {"authentication": "unknown", "security": None}
        if kind == b"R":
            asked, how = WAYS.get(int.from_bytes(told[:4], "big"), ("unknown", None))
            facts = {"authentication": asked, "security": how}
        elif _code(told) == REFUSED:
            facts["security"] = "host-refused"
        yield target.observed(self.name, port, "postgresql", facts)
        if facts["security"] is None:
            raise ProbeError(Reason.BUSY, "the server takes nobody for now, or asks for what we do not know")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Only what was said in so many words."""
        if seen.protocol == "postgresql" and seen.facts.get("authentication") == "none":
            yield seen.finding("postgresql_trust-no-password")


def _start_up(role: str) -> bytes:
    """StartupMessage: length, 3.0, `user`, the role. The database would be of the same name."""
    words = PROTOCOL_3.to_bytes(4, "big") + b"user\0" + role.encode() + b"\0\0"
    return (4 + len(words)).to_bytes(4, "big") + words


def _message(line: Line) -> tuple[bytes, bytes]:
    """An authentication request (R) or an error (E), without its header."""
    kind = line.read(1)
    if kind not in {b"R", b"E"}:
        raise OtherProtocol(kind)
    length = int.from_bytes(line.read(4), "big") - 4
    if not 4 <= length <= LONGEST:  # noqa: PLR2004 - a code, or a field and its end
        raise ProbeError(Reason.PROTOCOL, "a message of an impossible length")
    return kind, line.read(length)  # all of it: what is left lying makes the server note a reset


def _code(fields: bytes) -> bytes:
    """The SQLSTATE of an ErrorResponse; its texts are not looked at."""
    return next((one[1:6] for one in fields.split(b"\0") if one[:1] == b"C"), b"")


PROBE: ProbeFactory = PostgresqlTrust
