"""Which hosts are there, and which of their TCP ports are open?

nmap through python-nmap, with arguments that egress wrote; its raw XML is read by nmapxml.py. Where
nmap is missing, dies, is killed or prints rubbish, what it finished is kept, the loss is recorded as a
Failure, and a plain connect sweep of our own takes over: slower, and without the silent hosts that only
ARP finds. This module and scan.py are where that happens; nobody else knows that nmap exists.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch import nmapxml
from netwatch.errors import ScopeError
from netwatch.kernel import end_nmap, may_send_raw, neighbours, on_link
from netwatch.model import Coverage, Failure, Outcome, PortState, Reason, Vantage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from ipaddress import IPv4Network

    from netwatch.egress import Egress

    Across = Callable[[Callable[[str], object], Iterable[str]], Iterable[object]]

OURSELVES = "localhost-response"  # nmap's word for an address of this machine
TOGETHER = 256  # addresses looked for in one nmap run: progress and loss come in that grain


@dataclass(frozen=True, slots=True)
class Found:
    """A host that is there."""

    address: str
    mac: str | None


@dataclass(frozen=True, slots=True)
class Swept:
    """What one host's ports did. `timed_out`: nmap gave up on it, nothing is known."""

    found: Found
    states: dict[int, PortState]
    timed_out: bool = False

    def ports(self, state: PortState) -> tuple[int, ...]:
        """The ports in that state, in order."""
        return tuple(sorted(port for port, seen in self.states.items() if seen is state))


@dataclass(slots=True)
class Sweep:
    """One sweep of the site. `failures` and `coverage` fill up as it goes."""

    egress: Egress
    across: Across
    nmap: str | None = field(default_factory=lambda: shutil.which("nmap"))
    failures: list[Failure] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)

    @property
    def raw(self) -> bool:
        """May nmap send ARP and half-open connections here?"""
        return self.nmap is not None and may_send_raw(Path(self.nmap))

    def hosts(self, progress: Callable[[int, int], None]) -> tuple[Found, ...]:
        """Every host of the scope that answers, by ARP where nmap may, else by TCP.

        `progress(done, total)` counts addresses. Raises ScopeError where excluded cards cannot be told
        apart because no ARP can be sent.
        """
        scope = self.egress.scope
        if scope.excluded_macs and not self.raw:
            raise ScopeError("sweep.cards-need-arp")
        if self.nmap is None:
            why = "nmap is not installed: a plain connect sweep took over"
            self._failed("discovery", Reason.NMAP_MISSING, why, scope.covered())
        total = sum(network.num_addresses for network in scope.targets())
        found: dict[str, Found] = {}
        ways: set[str] = set()
        done = 0
        for block in blocks(scope.targets()):
            progress(done, total)
            hosts, how = self._look_for(block)
            found |= {host.address: host for host in hosts}
            ways |= how
            done += sum(network.num_addresses for network in block)
        progress(total, total)
        alone = not found or (ways == {OURSELVES} and not all(n.is_loopback for n in scope.networks))
        if alone:
            why = "nobody but this machine answered: is it connected?"
            self.failures.append(Failure("discovery", Vantage.LAN, "", None, Reason.TIMEOUT, why))
        told = ", ".join(sorted(ways)) or "nobody answered"
        outcome = Outcome.NO_ANSWER if alone else Outcome.ANSWERED
        for network in scope.covered():
            if scope.excluded_macs and not on_link(network):
                ended = (Outcome.NOT_ASKED, "cards are excluded, and no ARP reaches this network")
            else:
                ended = (outcome, told)
            self.coverage.append(Coverage("discovery", Vantage.LAN, str(network), None, (), *ended))
        cards = neighbours()
        known = [Found(host.address, host.mac or cards.get(host.address)) for host in found.values()]
        return tuple(host for host in sorted(known, key=_in_order) if self._allowed(host))

    def ports(self, hosts: Iterable[Found], ports: Iterable[int]) -> Iterator[tuple[Swept, ...]]:
        """The state of these ports on these hosts, a handful of hosts at a time."""
        asked = self.egress.scope.ports(ports)
        if not asked:
            return
        for chunk in handfuls(hosts, self.egress.pace.hosts):
            swept = self._by_nmap(chunk, asked)
            left = [host for host in chunk if host.address not in swept]
            if left:
                swept |= self._by_connect(left, asked)
            for result in swept.values():
                self.coverage += list(_covered(result))
            yield tuple(swept.values())

    def _look_for(self, block: tuple[IPv4Network, ...]) -> tuple[list[Found], set[str]]:
        """The hosts of a few networks, and how they were looked for."""
        if self.nmap is not None:
            targets, options = self.egress.nmap_hosts(block, raw=self.raw)
            reading = self._run(targets, None, options, ())
            hosts = [Found(host.address, host.mac) for host in reading.hosts if host.up]
            if reading.finished:
                how = {host.reason for host in reading.hosts if host.up}
                if not self.raw:  # a host that drops every packet still answered the kernel's ARP
                    hosts += self._silent(block, {host.address for host in hosts})
                return hosts, how
            why = "nmap did not finish looking for hosts: a connect sweep took over"
            self._failed("discovery", Reason.NMAP_FAILED, why, block)
        if self.egress.scope.excluded_macs:
            return [], set()  # without ARP, a card is known only after it was spoken to
        addresses = [str(address) for network in block for address in network]
        answered = self.across(self.egress.answers, addresses)
        live = [Found(address, None) for address, here in zip(addresses, answered, strict=True) if here]
        return [*live, *self._silent(block, {host.address for host in live})], {"connect"}

    def _silent(self, block: tuple[IPv4Network, ...], known: set[str]) -> list[Found]:
        """Hosts of these networks that only the kernel's ARP table knows."""
        from ipaddress import IPv4Address  # noqa: PLC0415

        return [
            Found(address, mac)
            for address, mac in neighbours().items()
            if address not in known and any(IPv4Address(address) in network for network in block)
        ]

    def _allowed(self, host: Found) -> bool:
        """Is its card outside the exclusions? One that could not be read is not asked either."""
        macs = self.egress.scope.excluded_macs
        if not macs or (host.mac is not None and host.mac not in macs):
            return True
        self.egress.bar(host.address)
        why = "its card is excluded" if host.mac else "cards are excluded and its card could not be read"
        self.coverage.append(
            Coverage("sweep", Vantage.LAN, host.address, None, (), Outcome.EXCLUDED, why),
        )
        return False

    def _by_nmap(self, chunk: Iterable[Found], asked: tuple[int, ...]) -> dict[str, Swept]:
        """What nmap finished."""
        if self.nmap is None:
            return {}
        hosts = {host.address: host for host in chunk}
        targets, ports, options = self.egress.nmap_ports(hosts, asked, raw=self.raw)
        reading = self._run(targets, ports, options, asked)
        finished = {
            seen.address: Swept(hosts[seen.address], seen.ports, seen.timed_out or not seen.up)
            for seen in reading.hosts
            if seen.address in hosts and (seen.ports or seen.timed_out or not seen.up)
        }
        if not reading.finished:
            why = "nmap did not finish its port sweep: a connect sweep took over"
            self._failed("sweep", Reason.NMAP_FAILED, why, hosts.keys() - finished.keys())
        return finished

    def _by_connect(self, hosts: list[Found], asked: tuple[int, ...]) -> dict[str, Swept]:
        """Our own knocks: one at a time to a host, the hosts side by side."""

        def knock(address: str) -> dict[int, PortState]:
            return self.egress.knock_all(address, asked)

        by_address = {host.address: host for host in hosts}
        states = self.across(knock, by_address)
        return {
            address: Swept(by_address[address], dict(seen), timed_out=not seen)  # type: ignore[call-overload]
            for address, seen in zip(by_address, states, strict=True)
        }

    def _run(self, targets: str, ports: str | None, options: str, asked: tuple[int, ...]) -> nmapxml.Reading:
        """One nmap through python-nmap, a new one each time: a used one still holds the run before."""
        import nmap  # noqa: PLC0415 - only where it is used

        if not targets:
            return nmapxml.Reading((), finished=True)
        try:
            scanner = nmap.PortScanner(nmap_search_path=(self.nmap,))
        except nmap.PortScannerError:
            return nmapxml.Reading((), finished=False)
        try:
            # On odd output python-nmap raises whatever its parser met; we read the raw ourselves.
            with suppress(Exception):
                scanner.scan(targets, ports, options, timeout=2 * self.egress.pace.host_timeout)
        except BaseException:
            end_nmap()
            raise
        raw = scanner.get_nmap_last_output()
        return nmapxml.read(raw, asked) if isinstance(raw, bytes) else nmapxml.Reading((), finished=False)

    def _failed(self, probe: str, reason: Reason, detail: str, lost: Iterable[object]) -> None:
        """The nmap run failed us: say so once, and what of it was lost, whoever does it now."""
        failure = Failure("sweep", Vantage.LAN, "", None, reason, detail)
        if failure not in self.failures:
            self.failures.append(failure)
        rows = sorted(str(one) for one in lost)
        self.coverage += [
            Coverage(probe, Vantage.LAN, row, None, (), Outcome.FAILED, "by nmap") for row in rows
        ]


def _covered(swept: Swept) -> Iterable[Coverage]:
    """One row per state: what was asked and answered, and what was silent."""
    address = swept.found.address
    if swept.timed_out:
        yield Coverage("sweep", Vantage.LAN, address, None, (), Outcome.TIMED_OUT, "no port is known")
        return
    for state in PortState:
        if ports := swept.ports(state):
            yield Coverage("sweep", Vantage.LAN, address, None, ports, Outcome(state.value))


def _in_order(host: Found) -> tuple[int, ...]:
    return tuple(int(part) for part in host.address.split("."))


def blocks(networks: Iterable[IPv4Network]) -> Iterator[tuple[IPv4Network, ...]]:
    """The networks in handfuls of at most TOGETHER addresses; one that is larger is cut."""
    handful: list[IPv4Network] = []
    room = TOGETHER
    for network in networks:
        pieces = network.subnets(new_prefix=24) if network.num_addresses > TOGETHER else (network,)
        for piece in pieces:
            if piece.num_addresses > room:
                yield tuple(handful)
                handful, room = [], TOGETHER
            handful.append(piece)
            room -= piece.num_addresses
    if handful:
        yield tuple(handful)


def handfuls(hosts: Iterable[Found], size: int) -> Iterator[tuple[Found, ...]]:
    """The hosts, so many at a time."""
    rest = iter(hosts)
    while chunk := tuple(islice(rest, size)):
        yield chunk
