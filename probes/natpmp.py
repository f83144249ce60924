"""Does the box let devices open its ports by NAT-PMP, and what is its address on the internet? RFC 6886.

Two bytes ask for the external address, the only question of this protocol that changes nothing (3.2). Which
ports are open cannot be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.errors import ScopeError
from netwatch.model import Reason, Vantage
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORT = 5351
QUESTION = b"\0\0"  # version 0, opcode 0: the external address
ANSWER = 0x80  # set in the opcode of an answer
SHORT, WHOLE = 8, 12  # bytes: an error may leave the address out
# RFC 6886 3.5; and whether devices may open ports, where that follows from it.
RESULTS: dict[int, tuple[str, bool | None]] = {
    0: ("success", True),
    1: ("unsupported-version", False),
    2: ("refused", False),  # the box knows how, and it is turned off
    3: ("network-failure", True),
    4: ("out-of-resources", True),
    5: ("unsupported-opcode", None),
}


@dataclass(frozen=True, slots=True)
class Natpmp:
    """One datagram. `timeout`: seconds for its answer."""

    name: ClassVar[str] = "natpmp"
    manner: ClassVar[str] = "upnp"
    usual: ClassVar[tuple[int, ...]] = ()
    timeout: Annotated[float, Ge(0.5), Le(60)] = 2.0

    def wants(self, target: Target) -> tuple[int, ...]:  # noqa: ARG002 - UDP: whatever is open
        """Port 5351. Only a box may be asked a question of this manner."""
        return (PORT,)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """That it answers, and what address it says it has."""
        try:
            told = egress.ask(
                target.address, port, QUESTION, "NAT-PMP external address request", patience=self.timeout
            )
        except ScopeError as refused:
            raise ProbeError(Reason.SCOPE, str(refused)) from None
        facts, address = _read(told)
        yield target.observed(self.name, port, "nat-pmp", facts, transport="udp")
        if address is not None:
            seen = target.observed(self.name, 0, "wan", {"address": address, "via": "nat-pmp"})
            yield replace(seen, vantage=Vantage.BOX)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Any device may open a port."""
        if seen.protocol == "nat-pmp" and seen.facts.get("enabled") is True:
            yield seen.finding("natpmp-on")


def _read(told: bytes) -> tuple[Facts, str | None]:
    """(facts, the address on the internet, or None). RFC 6886 3.2. ProbeError where it is no such answer."""
    version, opcode, result = told[:1], told[1:2], int.from_bytes(told[2:4], "big")
    whole = len(told) == WHOLE or (len(told) == SHORT and result)
    if version != b"\0" or opcode != bytes([ANSWER]) or not whole or result not in RESULTS:
        raise ProbeError(Reason.PROTOCOL, "an answer that is not NAT-PMP")
    word, on = RESULTS[result]
    address = IPv4Address(told[8:WHOLE]) if word == "success" else IPv4Address(0)
    nobody = address.is_unspecified or address.is_multicast or address.is_loopback
    return {"enabled": on, "result": word}, None if nobody else str(address)


PROBE: ProbeFactory = Natpmp
