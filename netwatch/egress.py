"""May this packet leave, and when? The only way out of netwatch.

Scope, authorisation, excluded addresses, cards and ports, ports that must never receive a byte, one
connection at a time to a device, the pause between two, bytes and seconds: all of it is enforced here,
so that a probe cannot be unsafe. nmap sends packets of its own: its whole argument list is written
here, from parsed addresses and constants, and from nothing else.

The limits are netwatch's own; no authority has published any. Where it stops: the pace of nmap is what
its options bound (`--scan-delay` per host, `--max-rate` for the run).
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv4Network, collapse_addresses
from typing import TYPE_CHECKING

from netwatch.errors import ScopeError
from netwatch.line import Line
from netwatch.model import PortState, Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A byte sent here is a printed page, or an order in an interface engine. Their state may be learnt
# (connect and close); nothing is ever sent. Port 9999 printed about a hundred pages on one model
# (nmap issue 3174), so it is not even knocked at.
PRINTING = frozenset({515, *range(9100, 9108), 9999})
HL7 = frozenset({2575, 6661})
UNTOUCHED = frozenset({9999})

# Hosts that no ARP can reach are looked for with one TCP packet to each of these.
KNOCK = (22, 80, 104, 135, 139, 443, 445, 3389, 4242, 8080, 11112)


@dataclass(frozen=True, slots=True)
class Pace:
    """netwatch's limits. `packets`: to one device, per second. `hosts`: side by side in one nmap run."""

    packets: int = 40
    overall: int = 1000
    hosts: int = 25
    pause: float = 0.2  # seconds between two connections to one device
    patience: float = 5.0  # seconds for one answer
    seconds: float = 30.0  # for one question
    limit: int = 262_144  # bytes received in one question
    host_timeout: int = 600  # seconds nmap spends on one host


@dataclass(frozen=True, slots=True)
class Scope:
    """What the site's authorisation covers. `until` is the last day it does."""

    networks: tuple[IPv4Network, ...]
    until: date
    excluded_addresses: tuple[IPv4Network, ...] = ()
    excluded_macs: frozenset[str] = frozenset()
    excluded_ports: frozenset[int] = frozenset()

    def require(self, address: str, port: int | None = None) -> IPv4Address:
        """The parsed address, or ScopeError naming what is outside."""
        try:
            parsed = IPv4Address(address)
        except ValueError:
            raise ScopeError("egress.not-an-address", address=repr(address)[:60]) from None
        if datetime.now(UTC).astimezone().date() > self.until:
            raise ScopeError("egress.authorisation-ended", until=self.until)
        if not any(parsed in network for network in self.networks):
            raise ScopeError("egress.outside-networks", address=parsed)
        if any(parsed in edge for edge in self._edges()):
            raise ScopeError("egress.broadcast", address=parsed)
        if any(parsed in network for network in self.excluded_addresses):
            raise ScopeError("egress.excluded-address", address=parsed)
        if port is not None and port in self.excluded_ports | UNTOUCHED:
            raise ScopeError("egress.excluded-port", port=port)
        return parsed

    def covered(self) -> tuple[IPv4Network, ...]:
        """The networks less what is excluded."""
        return _less(self.networks, self.excluded_addresses)

    def targets(self) -> tuple[IPv4Network, ...]:
        """What is covered, less the network and broadcast addresses: no host has them."""
        return _less(self.covered(), self._edges())

    def _edges(self) -> list[IPv4Network]:
        """Network and broadcast addresses."""
        return [IPv4Network(a) for n in self.networks if n.prefixlen < 31 for a in (n[0], n[-1])]  # noqa: PLR2004

    def ports(self, ports: Iterable[int]) -> tuple[int, ...]:
        """Those of them that may be knocked at, in order."""
        return tuple(sorted(set(ports) - self.excluded_ports - UNTOUCHED))


def _less(networks: Iterable[IPv4Network], holes: Iterable[IPv4Network]) -> tuple[IPv4Network, ...]:
    left = list(networks)
    for hole in holes:
        left = [piece for network in left for piece in _without(network, hole)]
    return tuple(collapse_addresses(left))


def _without(network: IPv4Network, hole: IPv4Network) -> Iterable[IPv4Network]:
    if not network.overlaps(hole):
        return (network,)
    return () if network.subnet_of(hole) else network.address_exclude(hole)


@dataclass(slots=True)
class Gate:
    """One device's door: one at a time, and a pause between two."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    free_at: float = 0.0


class Egress:
    """The way out. Safe to share between threads."""

    def __init__(self, scope: Scope, pace: Pace | None = None) -> None:
        """`scope` says what may be reached, `pace` how fast."""
        self.scope = scope
        self.pace = pace or Pace()
        self._gates: dict[str, Gate] = {}
        self._guard = threading.Lock()
        self._next = 0.0
        self._barred: set[str] = set()

    def bar(self, address: str) -> None:
        """Never reach this address again in this run: its card is excluded."""
        self._barred.add(address)

    @contextmanager
    def connect(self, address: str, port: int, *, patience: float | None = None) -> Iterator[Line]:
        """One connection, alone on its device.

        Raises ScopeError where it may not leave, ProbeError where nobody takes it.
        """
        if port in PRINTING | HL7:
            raise ScopeError("egress.silent-port", port=port)
        with self._alone(address, port, self.pace.pause) as target:
            patience = patience or self.pace.patience
            line = Line(
                _dial(target, port, patience),
                patience=patience,
                seconds=self.pace.seconds,
                limit=self.pace.limit,
            )
            try:
                yield line
            finally:
                line.close()

    def knock(self, address: str, port: int, *, seconds: float = 1.0) -> PortState | None:
        """Connect and close, without a byte. None: nobody is at this address (no route, no ARP answer)."""
        with self._alone(address, port, 3 / self.pace.packets) as target:  # SYN, ACK, FIN
            try:
                _dial(target, port, seconds).close()
            except ProbeError as error:
                if error.reason is Reason.REFUSED:
                    return PortState.CLOSED
                return None if error.detail == "unreachable" else PortState.FILTERED
            return PortState.OPEN

    @contextmanager
    def _alone(self, address: str, port: int, pause: float) -> Iterator[str]:
        """Wait for this device's turn and for ours; yield the checked address."""
        target = str(self.scope.require(address, port))
        if target in self._barred:
            raise ScopeError("egress.excluded-card", address=target)
        with self._guard:
            gate = self._gates.setdefault(target, Gate())
        with gate.lock:
            time.sleep(max(0.0, gate.free_at - time.monotonic()))
            with self._guard:
                wait = self._next - time.monotonic()
                self._next = max(self._next, time.monotonic()) + 1 / self.pace.overall
            time.sleep(max(0.0, wait))
            try:
                yield target
            finally:
                gate.free_at = time.monotonic() + pause

    def answers(self, address: str) -> bool:
        """Is anybody at this address? Knocks at a few usual ports until one answers, open or closed."""
        for port in self.scope.ports(KNOCK):
            state = self.knock(address, port)
            if state is None:
                return False
            if state is not PortState.FILTERED:
                return True
        return False

    def knock_all(self, address: str, ports: Iterable[int]) -> dict[int, PortState]:
        """The state of each port; empty where nobody is at this address any more."""
        states: dict[int, PortState] = {}
        for port in ports:
            state = self.knock(address, port)
            if state is None:
                return {}
            states[port] = state
        return states

    def nmap_hosts(self, networks: Iterable[IPv4Network], *, raw: bool) -> tuple[str, str]:
        """(targets, options) that find the hosts of these networks, less what is excluded.

        With excluded cards only ARP is asked: a card is known before anything else is sent to it.
        """
        inside = [n for n in networks if any(n.subnet_of(allowed) for allowed in self.scope.targets())]
        knocks = self.scope.ports(KNOCK)
        only_arp = self.scope.excluded_macs or not knocks
        ways = "-PR" if only_arp else f"-PS{','.join(map(str, knocks))}"
        options = ["-n", "-sn", ways, *self._nmap_rate()]
        options.append("--privileged" if raw else "--unprivileged")
        return " ".join(map(str, inside)), " ".join(options)

    def nmap_ports(
        self, addresses: Iterable[str], ports: Iterable[int], *, raw: bool
    ) -> tuple[str, str, str]:
        """(targets, ports, options) that learn the state of these TCP ports on these hosts."""
        hosts = [str(self.scope.require(a)) for a in addresses if a not in self._barred]
        asked = "T:" + ",".join(str(int(port)) for port in self.scope.ports(ports))
        options = [
            "-n",
            "-Pn",
            *(["-sS", "--privileged"] if raw else ["-sT", "--unprivileged"]),
            # A knock at an open port is two packets of ours: SYN and RST.
            *("--scan-delay", f"{2000 // self.pace.packets}ms"),
            *("--max-scan-delay", f"{4000 // self.pace.packets}ms"),
            *("--max-hostgroup", str(self.pace.hosts)),
            *("--host-timeout", f"{self.pace.host_timeout}s"),
            *self._nmap_rate(),
        ]
        return " ".join(hosts), asked, " ".join(options)

    def _nmap_rate(self) -> list[str]:
        return ["--max-rate", str(self.pace.overall), "--max-retries", "1"]


def _dial(address: str, port: int, seconds: float) -> socket.socket:
    try:
        return socket.create_connection((address, port), timeout=seconds)
    except TimeoutError as error:
        raise ProbeError(Reason.TIMEOUT, "no connection in time") from error
    except ConnectionRefusedError as error:
        raise ProbeError(Reason.REFUSED, "the port is closed") from error
    except OSError as error:
        away = error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}
        raise ProbeError(Reason.TIMEOUT, "unreachable" if away else "no connection") from error
