"""Which instances does the SQL Server Browser name to a stranger? MC-SQLR 2.2.2 (CLNT_UCAST_EX), 2.2.5.

One byte over UDP, answered with the instances, their versions and their TCP ports. The computer's own name
is not kept. Where it stops: the versions are those of the last service pack, and of SQL Server 2000 the
first one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch import plain
from netwatch.model import Reason, Vantage
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from netwatch.model import Fact, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORT = 1434
ASK, ANSWER = b"\x03", 0x05
HEADER = 3
NEIGHBOURS = frozenset({135, 445, 1433})  # one of them is open on a computer that runs SQL Server
MOST = 8  # instances that are told
HIGHEST = 65_535


@dataclass(frozen=True, slots=True)
class MssqlBrowser:
    """One datagram. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "mssql_browser"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = ()
    timeout: Annotated[float, Ge(0.5), Le(60)] = 3.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """1434 over UDP, of a device that shows a sign of Windows or of SQL Server."""
        return (PORT,) if NEIGHBOURS & set(target.open_ports) else ()

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One datagram each way."""
        told = egress.ask(target.address, port, ASK, "CLNT_UCAST_EX", patience=self.timeout)
        size = int.from_bytes(told[1:HEADER], "little")
        text = told[HEADER : HEADER + size].decode("latin-1")
        if told[:1] != bytes((ANSWER,)) or not text.startswith("ServerName;"):
            raise ProbeError(Reason.PROTOCOL, "an answer that is no list of instances")
        yield target.observed(self.name, port, "mssql-browser", _facts(_instances(text)), transport="udp")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """On the network it shows clients the way; on the internet it shows everybody."""
        if seen.protocol == "mssql-browser" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("mssql_browser-reachable")


def _instances(text: str) -> Sequence[Mapping[str, str]]:
    """`name;value;name;value;;` for each instance."""
    words = [one.split(";") for one in text.split(";;") if one.strip(";\0")]
    return [dict(zip(one[::2], one[1::2], strict=False)) for one in words[:MOST]]


def _facts(instances: Sequence[Mapping[str, str]]) -> Mapping[str, Fact]:
    """Their names where they could not be a person's, their versions, their ports."""
    names = [plain.discreet(one.get("InstanceName", ""), 16) for one in instances]
    versions = [plain.version(one.get("Version", ""), r"^([0-9.]{1,16})$") for one in instances]
    ports = [_port(one.get("tcp", "")) for one in instances]
    return {
        "instances": _told(names),
        "version": _told(versions),
        "instance_ports": _told(ports),
    }


def _port(told: str) -> str | None:
    """A port, in our own writing of it."""
    number = int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0  # noqa: PLR2004 - 65535
    return str(number) if 0 < number <= HIGHEST else None


def _told(words: Iterable[str | None]) -> str | None:
    """Each once, in their order."""
    return ", ".join(dict.fromkeys(word for word in words if word)) or None


PROBE: ProbeFactory = MssqlBrowser
