"""Does the Windows directory of remote procedures answer? C706 12.6.4, MS-RPCE 2.2.2.

Port 135 is where a Windows machine says on which ports its services listen. We bind to that directory (the
endpoint mapper) and leave: no procedure is called, nothing is listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

# Version 5.0, bind, first and last fragment, little-endian, 72 bytes, no login, call 1; then fragments of
# 4280 bytes both ways, a new group; one context: the endpoint mapper 3.0, in NDR 2.0.
HEAD = bytes.fromhex("05000b03 10000000 4800 0000 01000000")
MAPPER = bytes.fromhex("0883afe11f5dc91191a408002b14a0fa 03000000")
NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860 02000000")
BIND = HEAD + bytes.fromhex("b810 b810 00000000 01000000 0000 0100") + MAPPER + NDR
HEADER = 16  # bytes
ANSWERS = {12: "accepted", 13: "refused"}  # bind_ack, bind_nak


@dataclass(frozen=True, slots=True)
class Msrpc:
    """One bind. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "msrpc"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (135,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home: what is bound to elsewhere is some service, and no directory."""
        return doors(target, ("msrpc",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """Of the answer only the header is read: it says whether we are bound."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(BIND, "DCE/RPC bind to the endpoint mapper")
            told = line.read(5)
            if told[:2] != b"\x05\0":
                raise OtherProtocol(told)
            told += line.read(HEADER - len(told))
        if told[2] not in ANSWERS:
            raise ProbeError(Reason.PROTOCOL, "an answer that is not a bind's")
        yield target.observed(self.name, port, "msrpc", {"bind": ANSWERS[told[2]]})

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """On the practice's network every Windows has it; on the internet it has no business."""
        if seen.protocol == "msrpc" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("msrpc-reachable")


PROBE: ProbeFactory = Msrpc
