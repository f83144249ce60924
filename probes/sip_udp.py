"""Does a telephone, or a telephone exchange, answer over UDP? RFC 3261 11, RFC 3581.

One datagram: OPTIONS, which asks what can be done, rings nowhere and signs nobody in. No user is named. Where
it stops: whether strangers may call through it cannot be known without trying to; silence proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch import sip
from netwatch.model import Vantage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORT = 5060
SIP_DOORS = {5060, 5061}
WINDOWS = {135, 139, 445, 3389}  # a workstation or a file server: a program's telephone has no open door


@dataclass(frozen=True, slots=True)
class SipUdp:
    """One OPTIONS over UDP. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "sip_udp"
    manner: ClassVar[str] = "options"
    usual: ClassVar[tuple[int, ...]] = ()
    timeout: Annotated[float, Ge(0.5), Le(60)] = 3.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Whatever is open, but for what is plainly a computer of the office and never spoke SIP."""
        open_ports = set(target.open_ports)
        heard = "sip" in {*target.spoken.values(), *target.before.values()} or open_ports & SIP_DOORS
        return (PORT,) if heard or not open_ports & WINDOWS else ()

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One datagram, and one back."""
        question = sip.question(f"{target.address}:{port}", "udp")
        told = egress.ask(target.address, port, question, "OPTIONS", patience=self.timeout)
        yield target.observed(self.name, port, "sip", sip.facts(told), transport="udp")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Telephones talk to each other on the practice's network; the internet has no business with them."""
        if seen.protocol == "sip" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("sip_udp-reachable")


PROBE: ProbeFactory = SipUdp
