"""Does a file server without passwords answer here? RFC 1350.

We ask for a file whose name is made up on the spot, so that there is nothing to send: the error that comes
back proves what answers. Should data come all the same, it is not looked at. TFTP has no password at all: who
knows a name gets the file, or may even write it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.model import Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORT = 69
READ, DATA, ERROR = 1, 3, 5
NOT_FOUND, ERRORS = 1, range(9)  # RFC 1350 5, RFC 2347


@dataclass(frozen=True, slots=True)
class Tftp:
    """One read request for a file that cannot exist. `timeout`: seconds to wait for the answer."""

    name: ClassVar[str] = "tftp"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = ()
    timeout: Annotated[float, Ge(0.5), Le(60)] = 3.0

    def wants(self, target: Target) -> tuple[int, ...]:  # noqa: ARG002 - UDP: whatever is open
        """Port 69, where it is at home."""
        return (PORT,)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One datagram; the answer comes from a port of its own (RFC 1350 4)."""
        asked = READ.to_bytes(2, "big") + f"netwatch-{secrets.token_hex(8)}".encode() + b"\0octet\0"
        told = egress.ask(
            target.address, port, asked, "TFTP read request", patience=self.timeout, any_port=True
        )
        yield target.observed(self.name, port, "tftp", _facts(told), transport="udp")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """No server of this kind asks who is there."""
        if seen.protocol == "tftp":
            yield seen.finding("tftp-open")


def _facts(told: bytes) -> Facts:
    """`none` where it went to look for the file; one that says no before that may know whom it serves."""
    kind, code = int.from_bytes(told[:2], "big"), int.from_bytes(told[2:4], "big")
    if len(told) < 4 or not (kind == DATA or (kind == ERROR and code in ERRORS)):  # noqa: PLR2004 - its head
        raise ProbeError(Reason.PROTOCOL, "an answer that is not TFTP")
    return {"authentication": "none" if kind == DATA or code == NOT_FOUND else "unknown"}


PROBE: ProbeFactory = Tftp
