"""Does a telephone, or a telephone exchange, answer over TCP? RFC 3261 11.

One OPTIONS: it asks what can be done, rings nowhere and signs nobody in. No user is named. Where it stops:
whether strangers may call through it cannot be known without trying to; telephones answer mostly over UDP,
which sip_udp.py asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.plain import plain
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.egress import Way
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory

LONGEST = 4096  # bytes of an answer's head
ASKS = {401, 407}  # RFC 3261 21.4.2, 21.4.8

# "Yealink SIP-T46S 66.84.0.15", "kamailio (5.6.3 (x86_64/linux))": a name, and a version where one follows.
# What comes after it, such as a card's address or a serial number, is left out.
AGENT = r"([A-Za-z0-9][\w /.+-]{0,38}?)(?:[ /_(-]+v?(\d+(?:\.\d+)+[\w.~-]*)|[ ,;(]+[0-9A-Fa-f]{12}\b|[,;(]|$)"


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
            line.send(_question(f"{target.address}:{port}"), "OPTIONS")
            opening = line.read(4)
            if opening != b"SIP/":
                raise OtherProtocol(opening)
            head = opening + line.until(b"\r\n\r\n", LONGEST)
        status = re.match(rb"SIP/2\.0 (\d{3})\b", head)
        if status is None:
            raise ProbeError(Reason.PROTOCOL, "no status line that SIP allows")
        yield target.observed(self.name, port, "sip", _facts(int(status[1]), head))

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Telephones talk to each other on the practice's network; the internet has no business with them."""
        if seen.protocol == "sip" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("sip-reachable")


def _question(where: str) -> bytes:
    """OPTIONS for the server itself. Nobody is called `netwatch.invalid` (RFC 2606): no answer goes there."""
    told = (
        f"OPTIONS sip:{where};transport=tcp SIP/2.0",
        f"Via: SIP/2.0/TCP netwatch.invalid;rport;branch=z9hG4bK{token_hex(8)}",
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


PROBE: ProbeFactory = Sip
