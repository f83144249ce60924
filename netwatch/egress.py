"""May this packet leave, and when? The only way out of netwatch.

Scope, authorisation, excluded addresses, cards and ports, ports that must never receive a byte, what a
device's class may be asked, one connection at a time to a device, the pause between two, packets a second,
bytes and seconds: all of it is enforced here, so that a probe cannot be unsafe. nmap sends packets of its own
to find hosts and, where the site file asks for it, to guess at versions: its whole argument list is made
here, from parsed addresses and constants (nmapargs.py).

What leaves, and what is refused, is written to the audit log. The limits are netwatch's own.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from netwatch import nmapargs
from netwatch.audit import Audit
from netwatch.classes import UNKNOWN, table
from netwatch.connection import Connection
from netwatch.datagram import Datagram
from netwatch.errors import ScopeError
from netwatch.kernel import by_arp, link_within, on_link
from netwatch.knock import PATIENCE
from netwatch.knocking import Job, Knocking
from netwatch.model import LIVENESS
from netwatch.outlet import Here
from netwatch.pace import Meters, Pace
from netwatch.ports import curated
from netwatch.portset import PortSet
from netwatch.scope import Scope, less
from netwatch.way import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from netwatch.classes import Class
    from netwatch.model import PortState
    from netwatch.outlet import Outlet
    from netwatch.pace import Gate

IPP = 631
FREEBOX = 5678  # where a Freebox has UPnP, and ConQuest its image server; only a box may be asked for UPnP
SSDP, UPNP = 1900, "upnp"  # the only question that may go to a multicast group: SSDP's
AUDIT, DETECT = "audit", "detect"
MUCH = 100  # packets: more than nmap sends to one device in a second, as it is told to
LONG = 3.0  # seconds for a knock that asks whether a device is well

# Hosts that no ARP can reach are looked for with TCP packets to these, one after the other.
KNOCK = (22, 80, 104, 135, 139, 443, 445, 3389, 4242, 8080, 11112)


class Egress:
    """The way out. Safe to share between threads."""

    def __init__(  # noqa: PLR0913 - what bounds everything that leaves
        self,
        scope: Scope,
        pace: Pace | None = None,
        audit: Audit | None = None,
        stop: Callable[[], bool] = lambda: False,
        *,
        profile: str = "",
        outlet: Outlet | None = None,
    ) -> None:
        """`scope`: what may be reached. `pace`: how fast. `stop`: says when knocking must leave off.
        `outlet`: through which door it leaves; else this machine's own.
        `profile`: `audit` where questions of that manner may be asked; only the site's authorisation says so.
        """
        self.scope = scope
        self.pace = pace or Pace()
        self.audit = audit or Audit()
        self.stopped = stop
        self.profile = profile
        self._meters = Meters(self.pace)
        self.outlet = outlet or Here()
        self._knocking = Knocking(self._meters, stop, self.outlet.wire)
        self._classes: dict[str, Class] = {}
        self._port_classes: dict[tuple[str, int], Class] = {}

    def close(self) -> None:
        """Nothing leaves any more."""
        self._knocking.close()
        self.audit.close()

    @property
    def way(self) -> str:
        """How ports are knocked at: `half-open` or `connect`."""
        return self._knocking.way

    def classed(self, address: str, is_a: Class, port: int | None = None) -> None:
        """From now on this device is asked what its class may be asked, at its class's pace. `port`: only
        there; another device stands behind it."""
        if port is not None:
            self._port_classes[address, port] = is_a
            return
        self._classes[address] = is_a
        self._meters.hurry(address, guarded=is_a.guarded)

    def one_device(self, addresses: tuple[str, ...]) -> None:
        """These are cards of one device: one connection at a time, the most careful card's pace, one bar."""
        self._meters.one(addresses)

    def bar(self, address: str, why: str = "egress.excluded-card") -> None:
        """Never reach this address again in this run; `why` is the id of the refusal's sentence."""
        self._meters.gate(address).barred = why

    def unbar(self, address: str) -> None:
        """Another device is there than we thought."""
        self._meters.gate(address).barred = ""

    def asking(self, question: str, manner: str, *, longest: float | None = None) -> Way:
        """The way out for one question. `longest`: seconds for an answer, however long it would wait."""
        return Way(self, question, manner, longest)

    def sweep(
        self, address: str, ports: Iterable[int], *, first_answer: bool = False, question: str = "sweep"
    ) -> Job:
        """Knock at these ports of one device, without a byte. Raises ScopeError.

        `first_answer`: only to learn whether anybody is there. `question`: on whose behalf, for the log.
        Whether a device is well is asked with more patience, and even after a stop.
        """
        well = question == LIVENESS
        with self._noted(question, address, None):
            target = str(self.scope.require(address))
            gate = self._admitted(target)
        asked = self.scope.ports(ports)
        started = time.monotonic()
        job = Job(target, gate, list(reversed(asked)), first_answer, LONG if well else PATIENCE, well)
        if len(asked) > 1:  # so that also a scan that was killed leaves word of it
            self.audit.write(question, target, way=self.way, ports=str(PortSet.of(asked)), begins=True)
        with gate.lock:
            self._knocking.ask(job)
        if job.knocks:
            seconds = round(time.monotonic() - started, 1)
            what = {"ports": str(PortSet.of(asked)), "knocks": job.knocks, "seconds": seconds}
            self.audit.write(question, target, way=self.way, **what, stopped=job.stopped)
        return job

    def knock(self, address: str, port: int, question: str = "sweep") -> PortState | None:
        """One port, twice where it stays silent. None: nobody is there, or it was not asked."""
        return self.sweep(address, (port,), question=question).states[port]

    def answers(self, address: str) -> bool:
        """Is anybody at this address? Knocks at a few usual ports until one answers, open or closed."""
        if self._meters.gate(address).barred:
            return False
        return self.sweep(address, KNOCK, first_answer=True, question="discovery").answered

    def talk(self, address: str, port: int, patience: float | None, question: str, manner: str) -> Connection:
        """Ready to connect. Raises ScopeError where this question may not go there."""
        with self._noted(question, address, port):
            target = str(self.scope.require(address, port))
            gate = self._admitted(target)
            self._allowed(target, port, manner)
        return Connection(
            self._meters,
            self.pace,
            self.audit,
            gate,
            target,
            port,
            patience or self.pace.patience,
            question,
            self.stopped,
            self.outlet.dial,
        )

    def ask(  # noqa: PLR0913, PLR0917 - as `talk`
        self,
        address: str,
        port: int,
        data: bytes,
        what: str,
        patience: float | None,
        question: str,
        manner: str,
        *,
        any_port: bool = False,
        to_group: bool = False,
    ) -> bytes:
        """One question over UDP. Raises ScopeError where it may not go there, and as Datagram.ask."""
        with self._noted(question, address, port):
            target = str(self.scope.require(address, port))
            gate = self._admitted(target)
            self._allowed(target, port, manner)
            if not self.outlet.udp:
                raise ScopeError("egress.no-udp")
            if to_group and (
                port != SSDP or manner != UPNP or ":" in target or not on_link(IPv4Network(target))
            ):
                raise ScopeError("ssdp.not-attached", address=target)
            if to_group and not (self.scope.whole(target) and link_within(target, self.scope.networks)):
                raise ScopeError("ssdp.excluded", address=target)
        one = Datagram(
            self._meters,
            self.pace,
            self.audit,
            gate,
            target,
            port,
            patience or self.pace.patience,
            question,
            self.stopped,
        )
        return one.ask(data, what, any_port=any_port, to_group=to_group)

    def may(self, address: str, port: int, manner: str) -> bool:
        """May a question of this manner go there? Nothing is sent, and nothing is noted."""
        try:
            self._allowed(address, port, manner)
        except ScopeError:
            return False
        return True

    def _allowed(self, address: str, port: int, manner: str) -> None:
        """Port guards first, they hold for every class; then what the class may be asked."""
        if self.scope.silent(port):
            raise ScopeError("egress.silent-port", port=port)
        if port == IPP and manner != "ipp":
            raise ScopeError("egress.ipp-port", port=port)
        usual = curated().get(port)
        if usual is not None and usual.usual and manner != "dicom" and (port, manner) != (FREEBOX, UPNP):
            raise ScopeError("egress.dicom-port", port=port)
        if manner == AUDIT and self.profile != AUDIT:
            raise ScopeError("egress.no-audit")
        is_a = self._port_classes.get((address, port)) or self._classes.get(address) or table()[UNKNOWN]
        if manner not in is_a.manners and not (manner == "dicom" and usual is not None and usual.usual):
            raise ScopeError("egress.class", address=address, name=is_a.name, manner=manner)

    def _admitted(self, target: str) -> Gate:
        gate = self._meters.gate(target)
        if gate.barred:
            raise ScopeError(gate.barred, address=target)
        return gate

    @contextmanager
    def _noted(self, question: str, address: str, port: int | None) -> Iterator[None]:
        """Every refusal is written down with its reason."""
        try:
            yield
        except ScopeError as error:
            self.audit.write(question, str(address)[:60], port=port, refused=error.message)
            raise

    @contextmanager
    def nmap(self, targets: str, options: str) -> Iterator[None]:
        """While nmap looks for hosts, it has half of what we may send."""
        self.audit.write("discovery", targets, way="nmap", options=options)
        with self._meters.lent(self.pace.overall // 2):
            yield

    def found(self, address: str, *, by_arp: bool) -> None:
        """What nmap has just sent to this device counts, as much as it may have been."""
        gate = self._meters.gate(address)
        self._meters.count(gate, min(2, gate.meter.most) if by_arp else gate.meter.most)

    def nmap_hosts(self, networks: Iterable[IPv4Network]) -> tuple[str, str]:
        """(targets, options) that find the hosts of these networks, less what is excluded. With excluded
        cards only ARP is asked: a card is known before anything else is sent to it."""
        inside = [n for n in networks if any(n.subnet_of(allowed) for allowed in self.scope.targets())]
        if barred := [IPv4Network(address) for address in self._meters.barred()]:
            # ARP may still say who is there now; where nmap would send more than that, they get nothing.
            near = [n for n in inside if on_link(n)]
            inside = [*near, *less([n for n in inside if n not in near], barred)]
        knocks = self.scope.ports(KNOCK)
        only_arp = bool(self.scope.excluded_macs) or not knocks
        options = nmapargs.hosts(knocks, self.pace, only_arp=only_arp, by_arp=all(map(by_arp, inside)))
        return " ".join(map(str, inside)), options

    @contextmanager
    def nmap_asks(
        self, address: str, port: int, folder: Path, *, closed: int | None = None
    ) -> Iterator[tuple[str, str]]:
        """While inside, nmap may ask this device with what is given, (target, options), and nobody else may.

        For what answers at an open port; with a `closed` one, for the operating system. `folder`: see
        nmapargs.py. Raises ScopeError.
        """
        with self._noted(DETECT, address, port):
            target = str(self.scope.require(address, port))
            gate = self._admitted(target)
            self._allowed(target, port, DETECT)
            if closed is None:
                options = nmapargs.version(port, self.pace, folder)
            else:
                self._allowed(str(self.scope.require(address, closed)), closed, DETECT)
                self.scope.require_all(nmapargs.ITS_CHOICE)
                options = nmapargs.system(port, closed, self.pace, folder)
        with gate.lock:
            most = min(gate.meter.most, MUCH)
            self._meters.room(gate, most)
            self.audit.write(DETECT, target, port=port, way="nmap", sent=[f"nmap {options}"])
            with self._meters.lent(most):
                yield target, options
            self._meters.count(gate, most)
