"""Is there a remote shell that takes its passwords in clear? RFC 854, RFC 855.

Nothing is sent, and nothing answered: a telnet server opens by asking what the other side can do (IAC), and
without that a login prompt gives it away. What it says is looked at and forgotten: a prompt may hold
anybody's name. Where it stops: a silent port may be anything, and stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason
from netwatch.opening import UNKNOWN, recognise
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

IAC = 0xFF
COMMANDS = range(0xF0, 0xFF)  # SE to DONT: what may follow it in an opening
MOST = 1024  # bytes of a welcome in which we look for the prompt
PROMPT = re.compile(
    rb"(?:log ?in|user ?name|user|password|passcode|identifiant|utilisateur|mot de passe)\s*[:>]\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Telnet:
    """What comes unasked. `timeout`: seconds to wait for it."""

    name: ClassVar[str] = "telnet"
    manner: ClassVar[str] = "hear"
    usual: ClassVar[tuple[int, ...]] = (23,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it was heard."""
        return doors(target, ("telnet",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, and not a byte from us."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            heard = line.listen(self.timeout)
            if not heard:
                raise ProbeError(Reason.MUTE, "silent: it may be anything")
            facts: Facts = {"authentication": "unknown"}
            if not _negotiates(heard):
                if recognise(heard) != UNKNOWN or not _prompts(line):
                    raise OtherProtocol(heard)
                facts["authentication"] = "password"
        yield target.observed(self.name, port, "telnet", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Whatever is typed there can be read on the way."""
        if seen.protocol == "telnet":
            yield seen.finding("telnet-login-in-clear")


def _negotiates(heard: bytes) -> bool:
    return len(heard) > 1 and heard[0] == IAC and heard[1] in COMMANDS


def _prompts(line: Line) -> bool:
    """Does what it says end with a question for a name or a password?"""
    told = b""
    try:
        while len(told) < MOST:
            told += line.take(MOST - len(told))
            if PROMPT.search(told[-64:]):
                return True
    except ProbeError as error:
        if error.reason is Reason.UNFINISHED:
            raise
    return False


PROBE: ProbeFactory = Telnet
