"""Does the memory of applications (memcached) answer a stranger? memcached: doc/protocol.txt, "version".

One `version`, which reads nothing that is kept there. memcached knows no password unless it was built and
set up for one; then it refuses this command, or hangs up. Where it stops: its UDP port is not asked.
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

ANSWERED, REFUSED = b"VERSION ", b"CLIENT_ERROR una"  # "unauthenticated": memcached -Y
LATER = (b"SERVER_ERROR ", b"ERROR Too many o")  # out of memory; too many open connections
BEGINNINGS = (ANSWERED, REFUSED, *LATER)
LONGEST, LONGEST_VERSION = 16, 64


@dataclass(frozen=True, slots=True)
class Memcached:
    """One `version`. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "memcached"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (11211,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it was heard."""
        return doors(target, ("memcached",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, one line."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(b"version\r\n", "version")
            told = _opening(line)
            facts: Facts = {"product": "memcached", "version": None, "authentication": "password"}
            if told.startswith(ANSWERED):
                if b"\n" not in told:
                    told += line.until(b"\n", LONGEST_VERSION)
                facts |= {"version": plain.version(told, r"^VERSION (\S+)"), "authentication": "none"}
            elif told.startswith(LATER):
                facts["authentication"] = "unknown"
            elif not told.startswith(REFUSED):
                raise OtherProtocol(told)
        yield target.observed(self.name, port, "memcached", facts)
        if told.startswith(LATER):
            raise ProbeError(Reason.BUSY, "the server answers nobody for now")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Open to all, or at least in sight of the internet."""
        if seen.protocol != "memcached":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("memcached-no-password")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("memcached-reachable")


def _opening(line: Line) -> bytes:
    """The answer's first bytes: until they are one of ours, or cannot become one."""
    told = line.take(LONGEST)
    while not told.startswith(BEGINNINGS) and any(one.startswith(told) for one in BEGINNINGS):
        told += line.take(LONGEST - len(told))
    return told


PROBE: ProbeFactory = Memcached
