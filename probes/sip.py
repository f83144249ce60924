"""Does a telephone, or a telephone exchange, answer over TCP? RFC 3261 11.

One OPTIONS: it asks what can be done, rings nowhere and signs nobody in. No user is named. Where it stops:
whether strangers may call through it cannot be known without trying to; telephones answer mostly over UDP,
which sip_udp.py asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch import sip
from netwatch.doors import doors
from netwatch.model import Vantage
from netwatch.probe import OtherProtocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

LONGEST = 4096  # bytes of an answer's head


@dataclass(frozen=True, slots=True)
class Sip:
    """One OPTIONS over TCP. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "sip"
    manner: ClassVar[str] = "options"
    usual: ClassVar[tuple[int, ...]] = (5060,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it was heard."""
        return doors(target, ("sip",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(sip.question(f"{target.address}:{port}", "tcp"), "OPTIONS")
            opening = line.read(4)
            if opening != b"SIP/":
                raise OtherProtocol(opening)
            head = opening + line.until(b"\r\n\r\n", LONGEST)
        yield target.observed(self.name, port, "sip", sip.facts(head))

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Telephones talk to each other on the practice's network; the internet has no business with them."""
        if seen.protocol == "sip" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("sip-reachable")


PROBE: ProbeFactory = Sip
