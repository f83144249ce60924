"""Does the screen-sharing server ask for a password? RFC 6143 7.1.

The server says its version, we say 3.8, it lists the ways it would let us in, and we leave without choosing
one: choosing "none" would open the doctor's screen. Where it stops: 16 (Tight) and 19 (VeNCrypt) hide
further ways behind another question, so what they ask for is unknown.
"""

from __future__ import annotations

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

GREETING = 12  # bytes: "RFB 003.008\n"
REFUSED, NONE, HIDING = 0, 1, {16, 19}
MOST_TYPES = 255

# RFC 6143 7.2 and IANA's registry of RFB security types.
TYPES = {
    1: "none",
    2: "vnc-password",
    5: "rsa-aes",
    6: "rsa-aes-unencrypted",
    16: "tight",
    18: "tls",
    19: "vencrypt",
    30: "apple",
}


@dataclass(frozen=True, slots=True)
class Vnc:
    """The greeting, and the list of security types. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "vnc"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (5900, 5901, 5902, 5903)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it greeted us. 5800 is its web page: another question."""
        return tuple(port for port in doors(target, ("vnc",), self.usual) if port != 5800)  # noqa: PLR2004

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, one try a night: some servers count visitors who leave, and shut them out."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            greeting = line.take(GREETING)
            if not b"RFB ".startswith(greeting[:4]):
                raise OtherProtocol(greeting)
            greeting += line.read(GREETING - len(greeting))
            if not greeting.startswith(b"RFB "):
                raise OtherProtocol(greeting)
            told = greeting[4:]
            facts: Facts = {"version": _version(told), "security": None, "authentication": "unknown"}
            try:
                line.send(b"RFB 003.008\n", "RFB version")
                facts |= _judged(_types(line, told))
            except ProbeError as error:
                # It greeted us: that it is VNC is proved, whatever became of the rest.
                yield target.observed(self.name, port, "vnc", facts)
                raise error from None
        yield target.observed(self.name, port, "vnc", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A screen without a password is the worst; one behind a VNC password is weak; any from outside."""
        if seen.protocol != "vnc":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("vnc-no-password")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("vnc-reachable")


def _version(told: bytes) -> str | None:
    """The version of a greeting, such as `3.8`."""
    major, dot, minor = told[:3], told[3:4], told[4:7]
    if dot != b"." or not (major + minor).isdigit() or told[7:] != b"\n":
        return None
    return f"{int(major)}.{int(minor)}"


def _types(line: Line, told: bytes) -> frozenset[int]:
    """The security types offered. RFC 6143 7.1.2; a server of 3.3 decides alone, in four bytes."""
    if told.startswith(b"003.003"):
        types = frozenset({int.from_bytes(line.read(4), "big")})
    else:
        types = frozenset(line.read(min(line.read(1)[0], MOST_TYPES)) or b"\0")
    if types == {REFUSED}:  # a reason follows, which may say anything: it is not read
        raise ProbeError(Reason.BUSY, "the server offers no way in for now")
    return types - {REFUSED}


def _judged(types: frozenset[int]) -> Facts:
    """`security`: the types in the field's words; `authentication`: none, password or unknown."""
    words = [TYPES.get(one, str(one)) for one in sorted(types)]
    if NONE in types:
        asked = "none"
    elif not types or types & HIDING:
        asked = "unknown"
    else:
        asked = "password"
    return {"security": ", ".join(words)[:80] or None, "authentication": asked}


PROBE: ProbeFactory = Vnc
