"""How many patients does an open Orthanc count? Its REST API (book.orthanc-server.com): /system, /statistics.

The first page says that it is Orthanc and which; the second counts patients, studies, series and instances.
Numbers are all we take, and no list of anything is asked for: who is told how many there are without a
password could read who they are. Where it stops: a proxy that shows Orthanc under another path is not found.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Vantage
from netwatch.plain import version
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.web import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way
    from netwatch.web import Page

OK, UNAUTHORISED, REFUSALS = 200, 401, {401, 403}
LONGEST = 4096  # bytes of a page
REALM = 'realm="Orthanc Secure Area"'
COUNTS = ("patients", "studies", "series", "instances")
MOST = 1_000_000_000  # of anything: more is no count


@dataclass(frozen=True, slots=True)
class Orthanc:
    """Two pages. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "orthanc"
    manner: ClassVar[str] = "web"
    usual: ClassVar[tuple[int, ...]] = (8042, 8043)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, unless something else than a page was heard there, and where it was met."""
        met = doors(target, ("orthanc",), self.usual)
        home = [port for port in self.usual if target.spoken.get(port) in {"http", "tls"}]
        return tuple(port for port in target.open_ports if port in met or port in home)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection for each page, and one more where it wants TLS."""
        told, facts = page(egress, target.address, port, "/system", most=LONGEST, patience=self.timeout)
        number = _number(told)
        asks = told.status == UNAUTHORISED and REALM in told.header("www-authenticate")
        if number is None and not asks:
            raise told.trouble or OtherProtocol(b"HTTP/")
        facts |= {
            "product": "Orthanc",
            "version": version(number or "", r"^(\d[\w.+-]*)"),
            "authentication": "password" if asks else "unknown",
        }
        trouble: ProbeError | OtherProtocol | None = None
        if not asks:
            try:
                counted, _ = page(
                    egress,
                    target.address,
                    port,
                    "/statistics",
                    most=LONGEST,
                    patience=self.timeout,
                    tls=facts["tls"] is True,
                )
            except (ProbeError, OtherProtocol) as error:
                trouble = error
            else:
                facts |= _counted(counted)
                trouble = counted.trouble if facts["authentication"] == "unknown" else None
        yield target.observed(self.name, port, "orthanc", facts)
        if trouble:
            raise trouble

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """One that counts its patients for anybody; from outside, any."""
        if seen.protocol != "orthanc":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("orthanc-open")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("orthanc-reachable")


def _number(told: Page) -> str | None:
    """Its version, where this is Orthanc's own page about itself; None where it is anything else."""
    answer = _object(told)
    numbers = (answer.get("ApiVersion"), answer.get("DatabaseVersion"))
    number = answer.get("Version")
    is_orthanc = all(isinstance(one, int) for one in numbers) and "DicomAet" in answer
    return number if is_orthanc and isinstance(number, str) else None


def _counted(told: Page) -> Facts:
    """The four numbers, and whether they are told to anybody (none) or not (password)."""
    if told.status in REFUSALS:
        return {"authentication": "password"}
    answer = _object(told)
    facts: Facts = {what: _count(answer.get(f"Count{what.capitalize()}")) for what in COUNTS}
    return facts | {"authentication": "none"} if facts["patients"] is not None else {}


def _count(number: object) -> int | None:
    """A number that counts something."""
    known = isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MOST
    return number if known else None  # type: ignore[return-value]


def _object(told: Page) -> dict[str, Any]:
    """An answer in JSON, or nothing."""
    try:
        answer = json.loads(told.body) if told.status == OK else None
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


PROBE: ProbeFactory = Orthanc
