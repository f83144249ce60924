"""Does a telephone, or a telephone exchange, answer over UDP? RFC 3261 11, RFC 3581.

One datagram: OPTIONS, which asks what can be done, rings nowhere and signs nobody in. No user is named. Where
it stops: whether strangers may call through it cannot be known without trying to; silence proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.model import Reason, Vantage
from netwatch.plain import plain
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.egress import Way
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory

PORT = 5060
ASKS = {401, 407}  # RFC 3261 21.4.2, 21.4.8
SIP_DOORS = {5060, 5061}
WINDOWS = {135, 139, 445, 3389}  # a workstation or a file server: a program's telephone has no open door

# "Yealink SIP-T46S 66.84.0.15", "kamailio (5.6.3 (x86_64/linux))": a name, and a version where one follows.
# What comes after it, such as a card's address or a serial number, is left out.
AGENT = r"([A-Za-z0-9][\w /.+-]{0,38}?)(?:[ /_(-]+v?(\d+(?:\.\d+)+[\w.~-]*)|[ ,;(]+[0-9A-Fa-f]{12}\b|[,;(]|$)"


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
        question = _question(f"{target.address}:{port}")
        told = egress.ask(target.address, port, question, "OPTIONS", patience=self.timeout)
        status = re.match(rb"SIP/2\.0 (\d{3})\b", told)
        if status is None:
            raise ProbeError(Reason.PROTOCOL, "no status line that SIP allows")
        head = told.partition(b"\r\n\r\n")[0]
        yield target.observed(self.name, port, "sip", _facts(int(status[1]), head), transport="udp")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Telephones talk to each other on the practice's network; the internet has no business with them."""
        if seen.protocol == "sip" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("sip_udp-reachable")


def _question(where: str) -> bytes:
    """OPTIONS for the server itself. Nobody is called `netwatch.invalid` (RFC 2606); `rport`: answer where
    this came from."""
    told = (
        f"OPTIONS sip:{where} SIP/2.0",
        f"Via: SIP/2.0/UDP netwatch.invalid;rport;branch=z9hG4bK{token_hex(8)}",
        "Max-Forwards: 70",
        f"To: <sip:{where}>",
        f"From: <sip:netwatch.invalid>;tag={token_hex(4)}",
        f"Call-ID: {token_hex(8)}",
        "CSeq: 1 OPTIONS",
        "Accept: application/sdp",
        "Content-Length: 0",
    )
    return "\r\n".join((*told, "", "")).encode("ascii")


def _facts(status: int, head: bytes) -> Facts:
    """`authentication`: `password` where even this question wants one, else unknown."""
    agent = re.search(rb"\r\n(?:Server|User-Agent)[ \t]*:([^\r\n]*)", head, re.IGNORECASE)
    named = re.match(AGENT, plain(agent[1]) or "") if agent else None
    return {
        "product": named[1].strip() if named else None,
        "version": named[2][:40] if named and named[2] else None,
        "authentication": "password" if status in ASKS else "unknown",
    }


PROBE: ProbeFactory = SipUdp
