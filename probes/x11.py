"""Is the screen open to whoever comes? X Window System Protocol, section 8, Connection Setup.

We say hello without authorisation, read the first bytes of the answer and leave at once: no window is looked
at, no key is heard. Where it stops: a server that turns us away may let others in by their address or name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.plain import discreet
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

# Little-endian, protocol 11.0, no authorisation: neither a name nor data.
HELLO = b"l\0" + (11).to_bytes(2, "little") + bytes(8)
MAJOR = 11
FAILED, SUCCESS, AUTHENTICATE = 0, 1, 2
FIXED = 32  # bytes before the name of the maker
LONGEST = 40  # characters of that name
RELEASES = range(10_000_000, 20_000_000)
SCREENS = range(6000, 6064)  # a port for each display


@dataclass(frozen=True, slots=True)
class X11:
    """One connection setup without authorisation. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "x11"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (6000, 6001, 6002)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Display 0 is at 6000, and so on."""
        return doors(target, ("x11",), SCREENS)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, closed as soon as the server has said yes or no."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(HELLO, "X11 connection setup")
            answer = line.read(8)
            facts: Facts = {"authentication": _verdict(answer), "product": None, "version": None}
            try:
                if answer[0] == SUCCESS:
                    facts |= _maker(line)
                elif answer[0] == FAILED:
                    facts["authentication"] = "unknown"
                    facts["authentication"] = _refused(line, answer[1])
            except ProbeError as error:
                yield target.observed(self.name, port, "x11", facts)
                raise error from None
        yield target.observed(self.name, port, "x11", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """An open screen is the worst; from the internet, any is a finding."""
        if seen.protocol != "x11":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("x11-open")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("x11-reachable")


def _verdict(answer: bytes) -> str:
    """Status, a byte, then the version where it said yes or no. OtherProtocol where that is not X11."""
    status, major = answer[0], int.from_bytes(answer[2:4], "little")
    if status == AUTHENTICATE or (status == FAILED and major == MAJOR):
        return "password"
    if status == SUCCESS and major == MAJOR:
        return "none"
    raise OtherProtocol(answer)


def _maker(line: Line) -> Facts:
    """Who made the server, and its release: `The X.Org Foundation`, 12101007 for 21.1.7."""
    told = line.read(FIXED)
    release, size = int.from_bytes(told[:4], "little"), int.from_bytes(told[16:18], "little")
    maker = line.read(min(size, LONGEST))
    return {"product": discreet(maker, LONGEST), "version": _release(release) if b"X.Org" in maker else None}


def _release(number: int) -> str | None:
    """X.Org counts 1.20.11 as 12011000 and, since then, 21.1.7 as 12101007."""
    if number not in RELEASES:
        return None
    major, minor, patch = number // 100_000 - 100, number // 1000 % 100, number % 1000
    if major > 20:  # noqa: PLR2004 - the year of the release took the place of 1.20
        return f"{major}.{minor}.{patch}"
    return f"1.{major}.{minor}"


def _refused(line: Line, size: int) -> str:
    """It wants a permission; ProbeError where it only wants a place. Its reason is forgotten."""
    if b"aximum" in line.read(size):  # Maximum number of clients reached
        raise ProbeError(Reason.BUSY, "the server has no place left")
    return "password"


PROBE: ProbeFactory = X11
