"""Does a camera answer on the network? RFC 2326 10.1, RFC 7826 13.1.

One OPTIONS for the server as a whole: a list of words comes back, and no picture is asked for or described.
Where it stops: most cameras answer OPTIONS to anybody and want a password for the picture only. Whether they
do could be learnt by asking for a description of the picture, which we do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.plain import model, plain, version
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

QUESTION = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: netwatch\r\n\r\n"
LONGEST = 4096  # bytes of an answer's head
UNAUTHORIZED = 401

# "Hipcam RealServer/V1.0": a name, and a version where one follows.
SERVER = r"([A-Za-z0-9][\w .-]{0,38}?)(?:[ /_-]+[vV]?(\d+(?:\.\d+)+)|[,;/(]|$)"


@dataclass(frozen=True, slots=True)
class Rtsp:
    """One OPTIONS. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "rtsp"
    manner: ClassVar[str] = "options"
    usual: ClassVar[tuple[int, ...]] = (554, 8554)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, where it was heard, and wherever nothing else was: it is often moved."""
        return doors(target, ("rtsp",), self.usual, anywhere=True)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(QUESTION, "OPTIONS")
            opening = line.read(4)
            if opening != b"RTSP":
                raise OtherProtocol(opening)
            head = opening + line.until(b"\r\n\r\n", LONGEST)
        status = re.match(rb"RTSP/\d\.\d (\d{3})\b", head)
        if status is None:
            raise ProbeError(Reason.PROTOCOL, "no status line that RTSP allows")
        yield target.observed(self.name, port, "rtsp", _facts(int(status[1]), head))

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A camera on the practice's network is there to be reached; from the internet it is not."""
        if seen.protocol == "rtsp" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("rtsp-reachable")


def _facts(status: int, head: bytes) -> Facts:
    """`authentication`: `password` where even this question wants one, else unknown."""
    server = re.search(rb"\r\nServer:([^\r\n]*)", head, re.IGNORECASE)
    named = re.match(SERVER, plain(server[1]) or "") if server else None
    return {
        "product": model(named[1]) if named else None,
        "version": version(named[2], r"(.+)") if named and named[2] else None,
        "authentication": "password" if status == UNAUTHORIZED else "unknown",
    }


PROBE: ProbeFactory = Rtsp
