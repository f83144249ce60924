"""Does the Redis server answer a stranger without a password? redis.io/docs: RESP, PING, protected mode.

One PING, and nothing that reads, lists or changes: `+PONG` means that no password was asked. Valkey, KeyDB
and Dragonfly answer alike, so the product stays unsaid. Where it stops: what a server says while it loads
or is full leaves the question open for the night, and one that speaks nothing but TLS hangs up on us
(7.0.15, measured).
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

PROTECTED = "protected-mode"

# How an answer begins, as (authentication, security). No more of it than that is read.
ANSWERS: dict[bytes, tuple[str, str | None]] = {
    b"+PONG\r\n": ("none", None),
    b"-NOAUTH ": ("password", None),
    b"-ERR operation n": ("password", None),  # "not permitted": before Redis 2.8
    b"-DENIED ": ("none", PROTECTED),  # no password, and so the network is refused
    b"-NOPERM ": ("unknown", None),  # a user without a password, who may not even PING
    b"-LOADING ": ("unknown", None),
    b"-MASTERDOWN ": ("unknown", None),
    b"-BUSY ": ("unknown", None),
    b"-MISCONF ": ("unknown", None),  # its disk is full
    b"-ERR max number ": ("unknown", None),  # of clients reached
}
LATER = (b"-LOADING ", b"-MASTERDOWN ", b"-BUSY ", b"-MISCONF ", b"-ERR max number ")
LONGEST = max(map(len, ANSWERS))


@dataclass(frozen=True, slots=True)
class Redis:
    """One PING. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "redis"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (6379,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, where it was heard, and what is silent until spoken to."""
        return doors(target, ("redis",), self.usual, anywhere=True)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, one PING."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            try:
                line.send(b"PING\r\n", "PING")
            except ProbeError as error:
                if error.reason is not Reason.CLOSED:  # in protected mode it speaks first and hangs up
                    raise
            told = _opening(line)
        answer = next((one for one in ANSWERS if told.startswith(one)), None)
        if answer is None:
            raise OtherProtocol(told)
        authentication, security = ANSWERS[answer]
        facts: Facts = {"authentication": authentication, "security": security}
        yield target.observed(self.name, port, "redis", facts)
        if answer in LATER:
            raise ProbeError(Reason.BUSY, "the server answers nobody for now")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Open to all, open but for its own good sense, or at least in sight of the internet."""
        if seen.protocol != "redis":
            return
        open_to_all = seen.facts.get("authentication") == "none"
        if open_to_all and seen.facts.get("security") == PROTECTED:
            yield seen.finding("redis-protected-mode")
        elif open_to_all:
            yield seen.finding("redis-no-password")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("redis-reachable")


def _opening(line: Line) -> bytes:
    """The answer's first bytes: until they are one of ours, or cannot become one."""
    told = line.take(LONGEST)
    while not told.startswith(tuple(ANSWERS)) and any(one.startswith(told) for one in ANSWERS):
        told += line.take(LONGEST - len(told))
    return told


PROBE: ProbeFactory = Redis
