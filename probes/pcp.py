"""Does the box let devices open its ports by PCP? RFC 6887.

One ANNOUNCE (14.1), which asks whether the box has forgotten anything and changes nothing. Which ports are
open cannot be asked, nor what the box's address is on the internet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.errors import ScopeError
from netwatch.model import Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORT = 5351
VERSION, ANNOUNCE, ANSWER = 2, 0, 0x80
HEAD, LONGEST = 24, 1100  # bytes
UNKNOWN_VERSION = 1
NAT_PMP = bytes([0, ANSWER, 0, UNKNOWN_VERSION])  # what a server of NAT-PMP says to it
# Whoever asks says from which address (8.1). We leave it open: that the box finds it wrong answers us, too.
NOBODY = bytes(10) + b"\xff\xff" + bytes(4)
QUESTION = bytes([VERSION, ANNOUNCE]) + bytes(2) + bytes(4) + NOBODY
# RFC 6887 7.4; and whether devices may open ports, where that follows from it.
RESULTS: dict[int, tuple[str, bool | None]] = {
    0: ("success", True),
    UNKNOWN_VERSION: ("unsupported-version", None),
    2: ("not-authorised", None),
    3: ("malformed-request", True),
    4: ("unsupported-opcode", True),
    5: ("unsupported-option", True),
    6: ("malformed-option", True),
    7: ("network-failure", True),
    8: ("no-resources", True),
    9: ("unsupported-protocol", True),
    10: ("over-quota", True),
    11: ("no-external-address", True),
    12: ("address-mismatch", True),
    13: ("excessive-peers", True),
}


@dataclass(frozen=True, slots=True)
class Pcp:
    """One datagram. `timeout`: seconds for its answer."""

    name: ClassVar[str] = "pcp"
    manner: ClassVar[str] = "upnp"
    usual: ClassVar[tuple[int, ...]] = ()
    timeout: Annotated[float, Ge(0.5), Le(60)] = 2.0

    def wants(self, target: Target) -> tuple[int, ...]:  # noqa: ARG002 - UDP: whatever is open
        """Port 5351. Only a box may be asked a question of this manner."""
        return (PORT,)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """That it answers, whatever it answers."""
        try:
            told = egress.ask(target.address, port, QUESTION, "PCP ANNOUNCE", patience=self.timeout)
        except ScopeError as refused:
            raise ProbeError(Reason.SCOPE, str(refused)) from None
        yield target.observed(self.name, port, "pcp", _facts(told), transport="udp")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Any device may open a port."""
        if seen.protocol == "pcp" and seen.facts.get("enabled") is True:
            yield seen.finding("pcp-on")


def _facts(told: bytes) -> Facts:
    """What the head of an answer says (7.2). Of a server of NAT-PMP alone, that it is one (RFC 6886 3.5)."""
    version, opcode, result = told[:1], told[1:2], told[3:4]
    if told[:4] == NAT_PMP:
        return {"enabled": False, "result": RESULTS[UNKNOWN_VERSION][0]}
    whole = HEAD <= len(told) <= LONGEST and len(told) % 4 == 0
    ours = version == bytes([VERSION]) or (version > b"\0" and result == bytes([UNKNOWN_VERSION]))
    if not (whole and ours and opcode == bytes([ANSWER]) and result[0] in RESULTS):
        raise ProbeError(Reason.PROTOCOL, "an answer that is not PCP")
    word, on = RESULTS[result[0]]
    return {"enabled": on, "result": word}


PROBE: ProbeFactory = Pcp
