"""Which hosts are there?

nmap through python-nmap, with arguments that egress wrote; its raw XML is read by nmapxml.py. Where
nmap is missing, dies, is killed or prints rubbish, what it finished is kept, the loss is recorded as a
Failure, and knocks of our own take over: slower, and without the silent hosts that only ARP finds.
Nobody else knows that nmap exists. Where it stops: the ports of a host are knocked at by knocking.py.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch import nmapxml
from netwatch.errors import ScopeError
from netwatch.kernel import end_nmap, may_send_raw, neighbours, on_link
from netwatch.model import Coverage, Failure, Outcome, Reason, Vantage
from netwatch.oneself import own_cards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from ipaddress import IPv4Network

    from netwatch.egress import Egress

    Across = Callable[[Callable[[str], object], Iterable[str]], Iterable[object]]

OURSELVES = "localhost-response"  # nmap's word for an address of this machine
BY_ARP = "arp-response"
LONGEST = 1200  # seconds for one nmap run
TOGETHER = 256  # addresses looked for in one nmap run: progress and loss come in that grain


@dataclass(frozen=True, slots=True)
class Found:
    """A host that is there."""

    address: str
    mac: str | None


@dataclass(slots=True)
class Sweep:
    """One sweep of the site. `failures` and `coverage` fill up as it goes.

    Without the right to send ARP, nmap would leave its connections to the kernel, which knocks again and
    again: our own knocks do that better.
    """

    egress: Egress
    across: Across
    nmap: str | None = field(default_factory=lambda: shutil.which("nmap"))
    stopped: Callable[[], bool] = lambda: False
    failures: list[Failure] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)

    @property
    def raw(self) -> bool:
        """May nmap send ARP and half-open connections here?"""
        return self.nmap is not None and may_send_raw(Path(self.nmap))

    def hosts(self, progress: Callable[[int, int], None]) -> tuple[Found, ...]:
        """Every host of the scope that answers, by ARP where nmap may, else by our own knocks.

        `progress(done, total)` counts addresses. Raises ScopeError where excluded cards cannot be told
        apart because no ARP can be sent.
        """
        scope = self.egress.scope
        if scope.excluded_macs and not self.raw:
            raise ScopeError("sweep.cards-need-arp")
        if self.nmap is None:
            why = "nmap is not installed: a search of our own took over"
            self._failed("discovery", Reason.NMAP_MISSING, why, scope.covered())
        total = sum(network.num_addresses for network in scope.targets())
        found: dict[str, Found] = {}
        ways: set[str] = set()
        done = 0
        for block in blocks(scope.targets()):
            if self.stopped():
                return ()
            progress(done, total)
            hosts, how = self._look_for(block)
            found |= {host.address: host for host in hosts}
            ways |= how
            done += sum(network.num_addresses for network in block)
        if self.stopped():
            return ()
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
        cards = neighbours() | own_cards(tuple(scope.targets()))
        known = [Found(host.address, host.mac or cards.get(host.address)) for host in found.values()]
        for host in known:
            self.egress.found(host.address, by_arp=ways <= {OURSELVES, BY_ARP})
        return tuple(host for host in sorted(known, key=_in_order) if self._allowed(host))

    def _look_for(self, block: tuple[IPv4Network, ...]) -> tuple[list[Found], set[str]]:
        """The hosts of a few networks, and how they were looked for."""
        if self.raw:
            reading = self._run(*self.egress.nmap_hosts(block))
            hosts = [Found(host.address, host.mac) for host in reading.hosts if host.up]
            if reading.finished:
                return hosts, {host.reason for host in reading.hosts if host.up}
            why = "nmap did not finish looking for hosts: a search of our own took over"
            self._failed("discovery", Reason.NMAP_FAILED, why, block)
        if self.egress.scope.excluded_macs:
            return [], set()  # without ARP, a card is known only after it was spoken to
        addresses = [str(address) for network in block for address in network]
        answered = self.across(self.egress.answers, addresses)
        live = [Found(address, None) for address, here in zip(addresses, answered, strict=True) if here]
        return [*live, *self._silent(block, {host.address for host in live})], {"knock"}

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

    def _run(self, targets: str, options: str) -> nmapxml.Reading:
        """One search for hosts."""
        if not targets:
            return nmapxml.Reading((), finished=True)
        with self.egress.nmap(targets, options):
            return run(str(self.nmap), targets, options, LONGEST)

    def _failed(self, probe: str, reason: Reason, detail: str, lost: Iterable[object]) -> None:
        """The nmap run failed us: say so once, and what of it was lost, whoever does it now."""
        failure = Failure("sweep", Vantage.LAN, "", None, reason, detail)
        if failure not in self.failures:
            self.failures.append(failure)
        rows = sorted(str(one) for one in lost)
        self.coverage += [
            Coverage(probe, Vantage.LAN, row, None, (), Outcome.FAILED, "by nmap") for row in rows
        ]


def run(path: str, targets: str, options: str, longest: float) -> nmapxml.Reading:
    """One nmap through python-nmap, a new one each time: a used one still holds the run before. Killed after
    `longest` seconds; of its output, what could be read."""
    import nmap  # noqa: PLC0415 - only where it is used

    try:
        scanner = nmap.PortScanner(nmap_search_path=(path,))
    except nmap.PortScannerError:
        return nmapxml.Reading((), finished=False)
    try:
        # On odd output python-nmap raises whatever its parser met; we read the raw ourselves.
        with suppress(Exception):
            scanner.scan(targets, None, options, timeout=longest)
    except BaseException:
        end_nmap()
        raise
    raw = scanner.get_nmap_last_output()
    return nmapxml.read(raw) if isinstance(raw, bytes) else nmapxml.Reading((), finished=False)


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
