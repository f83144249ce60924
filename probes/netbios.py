"""What name does the machine give itself on a Windows network, and in which workgroup? RFC 1002 4.2.17.

One datagram to 137, a node status request. Where it stops: of the names in the answer only the machine's and
the workgroup's are kept. Others (suffix 03) can be the name of whoever is logged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.model import Reason, Vantage
from netwatch.plain import hostname
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORT = 137
SHARING = {139, 445}

OURS = b"\x4e\x57"  # the number of our question, which is: "*", NBSTAT, IN
QUESTION = OURS + b"\0\0\0\x01" + bytes(6) + b"\x20CK" + b"A" * 30 + b"\0" + b"\0\x21\0\x01"
NAMES = 56  # where an answer counts its names: header 12, name 34, type, class, life and length 10
ROW, NAME = 18, 15  # bytes
WORKSTATION, SERVER = 0x00, 0x20  # suffixes
GROUP = 0x8000


@dataclass(frozen=True, slots=True)
class Netbios:
    """One node status request. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "netbios"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = ()
    timeout: Annotated[float, Ge(0.5), Le(60)] = 3.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where there is Windows file sharing."""
        return (PORT,) if SHARING & set(target.open_ports) else ()

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """Ask once; silence is usual, newer Windows often has it turned off."""
        told = egress.ask(target.address, port, QUESTION, "NetBIOS node status", patience=self.timeout)
        if told[:2] != OURS or len(told) <= NAMES or told[NAMES - 10 : NAMES - 8] != b"\0\x21":
            raise ProbeError(Reason.PROTOCOL, "an answer that is no node status")
        yield target.observed(self.name, port, "netbios", _names(told), transport="udp")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Names are a fact; that the internet may ask for them is not right."""
        if seen.protocol == "netbios" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("netbios-reachable")


def _names(told: bytes) -> Facts:
    """`netbios_name` and `workgroup`."""
    facts: Facts = {"netbios_name": None, "workgroup": None}
    for number in range(told[NAMES]):
        row = told[NAMES + 1 + number * ROW :][:ROW]
        if len(row) < ROW:
            break
        group = int.from_bytes(row[NAME + 1 :], "big") & GROUP
        if group and row[NAME] == WORKSTATION:
            facts["workgroup"] = facts["workgroup"] or _name(row)
        elif not group and row[NAME] in {WORKSTATION, SERVER}:
            facts["netbios_name"] = facts["netbios_name"] or _name(row)
    return facts


def _name(row: bytes) -> str | None:
    """In the code page of western Windows, as far as anybody can know."""
    return hostname(row[:NAME].decode("cp850"))


PROBE: ProbeFactory = Netbios
