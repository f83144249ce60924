"""Which areas does the backup server name to a stranger? rsync(1), rsyncd.conf(5), clientserver.c.

It greets, we greet, and we ask for its list. Its areas (modules) are counted and not named: one may bear a
person's name. None is ever chosen: choosing one may start a command there, and is what would tell whether it
asks for a password. So that stays unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.plain import version
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

MARK, GREETING = b"@RSYNCD:", 200  # how it begins, and the bytes of a greeting
OURS = b"@RSYNCD: 31.0\n#list\n"  # 31 since 2013; the greetings of 32 also name digests, for passwords
LONGEST = 16_384  # bytes of a list: what comes after is not read
OVER, REFUSED = re.compile(rb"^@RSYNCD: EXIT", re.MULTILINE), re.compile(rb"^@ERROR.*\n", re.MULTILINE)
DENIED = re.compile(rb"^@ERROR: access denied", re.MULTILINE)  # any other may be for tonight
NO_GOODBYE = re.compile(r"(?:\d|1\d|2[0-4])(?:\.|$)")  # older than 25: it hangs up where others say EXIT
MODULE = re.compile(rb"^[^\t\r\n]{15,}\t.*\n", re.MULTILINE)  # "%-15s\t%s\n"; a welcome has no such tab


@dataclass(frozen=True, slots=True)
class Rsync:
    """The greetings, and a list that is only counted. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "rsync"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (873,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it greeted us: it speaks first."""
        return doors(target, ("rsync",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection."""
        facts: Facts = {"protocol_version": None, "modules": None, "authentication": "unknown"}
        with egress.connect(target.address, port, patience=self.timeout) as line:
            mark = line.read(len(MARK))
            if mark != MARK:
                raise OtherProtocol(mark)
            try:
                facts["protocol_version"] = version(line.until(b"\n", GREETING), r"^(\d+(?:\.\d+)?)(?: |$)")
                line.send(OURS, "rsync version, #list")
                facts["modules"] = _modules(
                    line, hangs_up=NO_GOODBYE.match(str(facts["protocol_version"])) is not None
                )
            except ProbeError as error:
                yield target.observed(self.name, port, "rsync", facts)
                raise error from None
        yield target.observed(self.name, port, "rsync", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A list for whoever asks is worth knowing; that anybody on the internet may ask is much worse."""
        if seen.protocol != "rsync":
            return
        if seen.facts.get("modules"):
            yield seen.finding("rsync-modules-listed")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("rsync-reachable")


def _modules(line: Line, *, hangs_up: bool) -> int:
    """How many it lists to us. A list that goes on and on is counted as far as we read. Raises ProbeError
    where it is cut, and where the server refuses for another reason than who we are."""
    told = bytearray()
    while len(told) < LONGEST and not OVER.search(told) and not REFUSED.search(told):
        try:
            told += line.take(1024)
        except ProbeError as error:
            if error.reason is not Reason.CLOSED or not told or not hangs_up:
                raise
            break
    if REFUSED.search(told) and not DENIED.search(told):
        raise ProbeError(Reason.BUSY, "the server says that it cannot tell")
    return len(MODULE.findall(told))


PROBE: ProbeFactory = Rsync
