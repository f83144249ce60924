"""Does the Apple file server take guests? AFP: FPGetSrvrInfo, through DSIGetStatus (Apple, AFP Reference).

Whoever asks is told what the server is and in which ways one may log in (UAMs). "No User Authent" among them
is the guest's. Nobody logs in, no folder is seen; the server's name, which may be a person's, is passed over.
Where it stops: which folders a guest gets.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.plain import version
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

# A DSI header: flags (0 a question, 1 an answer), command, number, error, length of what follows, reserved.
HEADER = struct.Struct(">BBHiII")
GET_STATUS, NUMBER = 3, 1
LONGEST = 4096  # bytes of an answer: what lies behind (icons, addresses) is not read

GUEST = b"no user authent"
WAYS = {
    GUEST: "guest",
    b"cleartxt passwrd": "clear-text-password",
    b"randnum exchange": "random-number",
    b"2-way randnum exchange": "two-way-random-number",
    b"dhcast128": "dhx",
    b"dhx2": "dhx2",
    b"client krb v2": "kerberos",
    b"recon1": "reconnect",
}


@dataclass(frozen=True, slots=True)
class Afp:
    """One question, for what the server says of itself. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "afp"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (548,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home."""
        return doors(target, ("afp",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(HEADER.pack(0, GET_STATUS, NUMBER, 0, 0, 0), "DSIGetStatus")
            opening = line.read(4)
            if opening != HEADER.pack(1, GET_STATUS, NUMBER, 0, 0, 0)[:4]:
                raise OtherProtocol(opening + line.take(12))
            _, _, _, failed, size, _ = HEADER.unpack(opening + line.read(12))
            try:
                if failed:
                    raise ProbeError(Reason.BUSY, "the server says that it cannot tell")  # noqa: TRY301 - as the others
                facts = _facts(line.read(min(size, LONGEST)))
            except ProbeError as error:
                yield target.observed(self.name, port, "afp", {"authentication": "unknown"})
                raise error from None
        yield target.observed(self.name, port, "afp", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A server that takes guests; from outside, any."""
        if seen.protocol != "afp":
            return
        if seen.facts.get("guest") == "allowed":
            yield seen.finding("afp-guest")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("afp-reachable")


def _facts(told: bytes) -> Facts:
    """FPGetSrvrInfo: offsets of the machine's kind, of the versions and of the ways in, two bytes each."""
    machine, _, ways = struct.unpack(">HHH", _slice(told, 0, 6))
    offered = _names(told, ways)
    guest = GUEST in offered
    facts: Facts = {
        "authentication": "none" if guest else "password" if offered else "unknown",
        "guest": "allowed" if guest else "refused" if offered else None,
        "security": ", ".join(sorted(WAYS[one] for one in offered if one in WAYS)) or None,
    }
    return facts | _product(_name(told, machine))


def _product(machine: bytes) -> Facts:
    """`Netatalk3.1.12`, or a model of Apple's such as `Macmini6,2`."""
    if re.match(rb"(?i)netatalk", machine):
        return {"product": "Netatalk", "version": version(machine, r"(?i)^netatalk *(\d[\w.-]*)")}
    known = re.fullmatch(
        rb"[A-Za-z]{2,20}\d{1,3},\d{1,3}|Macintosh|Xserve|RackMac|TimeCapsule|AirPort", machine
    )
    return {"product": known[0].decode("ascii") if known else None}


def _names(told: bytes, at: int) -> set[bytes]:
    """A list of names, in lower case: their number, then each."""
    found = set()
    for _ in range(_slice(told, at, 1)[0]):
        at += 1
        name = _name(told, at)
        found.add(name.lower())
        at += len(name)
    return found


def _name(told: bytes, at: int) -> bytes:
    """A name behind its length."""
    return _slice(told, at + 1, _slice(told, at, 1)[0])


def _slice(told: bytes, at: int, size: int) -> bytes:
    """These bytes. Raises ProbeError where the answer has them not."""
    if at + size > len(told):
        raise ProbeError(Reason.PROTOCOL, "an answer that points beyond its end")
    return told[at : at + size]


PROBE: ProbeFactory = Afp
