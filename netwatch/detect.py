"""What does nmap make of computers and boxes? `-sV --version-light` and `-O`, where the site file asks.

After everything else, one device at a time and one port at a time, with arguments that egress wrote. Only of
devices whose class has the manner `detect`, at ports that were open tonight and take a stranger's question
without harm: no imaging, no laboratory's messages, no database, nothing that prints, no login. A device is
looked at before and after; one that falls silent stops everything, as a guarded one does. What nmap says is
its guess: recognise.py ranks it below what a device says itself.

Where it stops: nmap fails or hangs, and it is a Failure; of what it reads, nmapxml.py keeps nmap's own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from netwatch.doors import heard
from netwatch.egress import DETECT
from netwatch.errors import ScopeError
from netwatch.halt import AUTHORISATION
from netwatch.model import Failure, Outcome, PortState, Reason, Target, Vantage
from netwatch.nmapargs import LONGEST, SCRIPTS
from netwatch.opening import NMAP
from netwatch.ports import suggested
from netwatch.sweep import Sweep, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from netwatch.egress import Egress
    from netwatch.halt import Halt
    from netwatch.model import Device, Facts
    from netwatch.nmapxml import Host, Service, System
    from netwatch.tonight import Tonight
    from netwatch.visit import Visit

STAGE = "detect"
MARGIN = 15.0  # seconds after which an nmap that does not keep its own time is killed
EACH = 7  # seconds of a usual port: nmap waits six for a server that speaks first
GUESS = 8  # seconds of -O, and of starting nmap
MOST = 16  # ports of a device
# What speaks one of these is not asked: patients' data, orders, paper, machines, and where a line is a login.
NEVER = frozenset({
    "dicom", "hl7", "modbus", "printer", "ipp", "jetdirect", "lpd", "mssql", "mssql-browser", "oracle",
    "mysql", "postgresql", "firebird", "hfsql", "redis", "mongodb", "memcached", "couchdb", "4d",
    "elasticsearch", "iscsi", "s3", "docker", "telnet", "rsh", "remote-control",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Detection:
    """One night's detection. `visits` keep what it brings."""

    sweep: Sweep
    tonight: Tonight
    visits: Iterable[Visit]
    halt: Halt

    def run(self, progress: Callable[[str, int, int, str], None]) -> None:
        """Every device in turn; what the class forbids is told as spared."""
        work = [visit for visit in self.visits if visit.states.ports(PortState.OPEN) and not visit.away]
        if not self.sweep.raw:
            reason = Reason.NMAP_FAILED if self.sweep.nmap else Reason.NMAP_MISSING
            why = "nmap is not installed, or may not send packets of its own here"
            self.sweep.failures.append(Failure(DETECT, Vantage.LAN, "", None, reason, why))
        with TemporaryDirectory(prefix="netwatch-") as name:
            folder = Path(name)
            (folder / SCRIPTS).parent.mkdir()
            (folder / SCRIPTS).touch()
            for number, visit in enumerate(work):
                progress(STAGE, number, len(work), visit.address)
                self._visit(visit, folder)
        progress(STAGE, len(work), len(work), "")

    def _visit(self, visit: Visit, folder: Path) -> None:
        found = visit.states.ports(PortState.OPEN)
        if DETECT not in visit.is_a.manners:
            visit.cover(DETECT, found, Outcome.SPARED, visit.is_a.name)
            return
        ports = suitable(self.tonight, visit.egress, visit.device, found, heard(visit.observations))
        if not ports:
            return
        if self.halt.asked():
            visit.cover(DETECT, ports, Outcome.NOT_ASKED, self.halt.why or "")
            return
        if not self.sweep.raw:
            visit.cover(DETECT, ports, Outcome.FAILED, "by nmap")
            return
        ports = tuple(self._still_open(visit, ports))
        for number, port in enumerate(ports):
            if self.halt.asked():
                visit.cover(DETECT, ports[number:], Outcome.NOT_ASKED, self.halt.why or "")
                break
            self._version(visit, port, folder)
        closed = closed_port(visit)
        if ports and closed is not None and not self.halt.asked():
            self._system(visit, ports[0], closed, folder)
        if ports:
            visit.look_back(ports, whoever=True)

    def _still_open(self, visit: Visit, ports: Iterable[int]) -> Iterator[int]:
        """Hours may lie between the sweep and this: who was switched off meanwhile did not fall silent."""
        for port in ports:
            try:
                state = visit.egress.knock(visit.address, port, DETECT)
            except ScopeError:
                return
            if state is PortState.OPEN:
                yield port
            else:
                visit.cover(DETECT, (port,), Outcome.NOT_ASKED, self.halt.why or "it is not open any more")

    def _version(self, visit: Visit, port: int, folder: Path) -> None:
        host = self._ask(visit, port, None, folder)
        if host is None:
            return
        told = next((one for one in host.services if one.port == port), None)
        if told is not None:
            self._keep(visit, port, of_service(told))
        visit.cover(DETECT, (port,), Outcome.ANSWERED if told else Outcome.EXPLORED)

    def _system(self, visit: Visit, port: int, closed: int, folder: Path) -> None:
        host = self._ask(visit, port, closed, folder)
        if host is not None and host.system is not None:
            self._keep(visit, 0, of_system(host.system))

    def _ask(self, visit: Visit, port: int, closed: int | None, folder: Path) -> Host | None:
        """What nmap says of it; None, and why, where it says nothing."""
        try:
            with visit.egress.nmap_asks(visit.address, port, folder, closed=closed) as (target, options):
                reading = run(str(self.sweep.nmap), target, options, LONGEST + MARGIN)
        except ScopeError as error:
            if error.message == "egress.authorisation-ended":
                self.halt.now(AUTHORISATION)
            if closed is None:
                visit.cover(DETECT, (port,), Outcome.NOT_ASKED, self.halt.why or "")
            return None
        host = next((one for one in reading.hosts if one.address == visit.address), None)
        if reading.finished and host is not None and not host.late:
            return host
        late = host is not None and host.late
        why = "nmap did not end in time" if late else "nmap died, was killed, or printed rubbish"
        visit.fail(DETECT, port, Reason.TIMEOUT if late else Reason.NMAP_FAILED, why)
        if closed is None:
            visit.cover(DETECT, (port,), Outcome.NO_ANSWER)
        return None

    def _keep(self, visit: Visit, port: int, facts: Facts) -> None:
        target = Target(visit.device.id, visit.address, visit.states.ports(PortState.OPEN))
        visit.observations.append(target.observed(DETECT, port, NMAP, facts))


def suitable(
    tonight: Tonight, egress: Egress, device: Device, found: Iterable[int], heard: Mapping[int, str]
) -> tuple[int, ...]:
    """Those of its open ports that may be asked: by egress, and by what they speak or their number suggests.
    `heard`: what they spoke tonight."""
    spoken = {**tonight.spoken.get(device.id, {}), **heard}
    clear = tonight.clear.get(device.id, frozenset())
    asked = (
        port
        for port in found
        if port not in clear
        and egress.may(device.address, port, DETECT)
        and not {spoken.get(port, ""), suggested(port)} & NEVER
    )
    return tuple(asked)[:MOST]


def closed_port(visit: Visit) -> int | None:
    """The first port that was closed tonight and may be asked."""
    return next(
        (
            port
            for port in visit.states.ports(PortState.CLOSED)
            if visit.egress.may(visit.address, port, DETECT) and suggested(port) not in NEVER
        ),
        None,
    )


def of_service(told: Service) -> Facts:
    """What nmap makes of a port, as facts; named after it, so that nobody takes them for the device's own."""
    facts: Facts = {
        "nmap_service": told.name,
        "nmap_product": told.product,
        "nmap_version": told.version,
        "nmap_cpe": told.cpe,
    }
    return {key: value for key, value in facts.items() if value}


def of_system(told: System) -> Facts:
    """What nmap guesses of the system, as facts."""
    facts: Facts = {
        "nmap_system": told.name,
        "nmap_accuracy": told.accuracy,
        "nmap_device": told.device,
        "nmap_cpe": told.cpe,
    }
    return {key: value for key, value in facts.items() if value}
