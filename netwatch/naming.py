"""What do the devices call themselves, when all are asked at once, and what does their resolver call them?

Into the night, beside the scan. Where nobody may be asked in this way (a card is excluded, only a part of a
network is ours, no resolver is the practice's own) that is told as excluded; what fails is a Failure. The
devices' own addresses are known by then.

A telephone is called after who carries it, and where visitors' telephones are expected (ranges.py) that may
be a patient: of what hides its card there, no name is asked of the resolver, and none is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from netwatch.calling import SSDP, call, recorded
from netwatch.describing import UPNP, described, manner
from netwatch.egress import Egress
from netwatch.errors import NetwatchError, OutsideError, ScopeError
from netwatch.identity import randomised
from netwatch.model import NAMES, Coverage, Failure, Outcome, Reason, Target, Vantage
from netwatch.probe import ProbeError
from netwatch.ranges import PHONES
from netwatch.resolving import DNS, MANNER, resolve, resolvers
from netwatch.ssdp import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netwatch.audit import Audit
    from netwatch.config import Site
    from netwatch.halt import Halt
    from netwatch.model import Facts, Run
    from netwatch.outside import Gathered
    from netwatch.tonight import Tonight
    from netwatch.words import Messages

PAGE = "upnp_page"  # who told it: the answer to everybody is another fact
PAUSE = 0.25  # seconds between two questions to everybody


@dataclass(frozen=True, slots=True)
class Naming:
    """One night's roll call. What is heard goes into `gathered`; `words` are those of coverage: English."""

    site: Site
    tonight: Tonight
    gathered: Gathered
    log: Callable[[], Audit]
    halt: Halt
    words: Messages

    def ask(self, run: Run) -> None:
        """Once, of those that were seen tonight and not left alone."""
        if self.halt.asked() or Vantage.LAN not in run.vantages:
            return
        self._call(run)
        if not self.halt.asked():
            self._resolve(run)

    def _call(self, run: Run) -> None:
        """Everybody at once."""
        scope, log = self.tonight.scope, self.log()
        try:
            called = call(
                scope.covered(),
                [device for device in run.devices if device.left_alone is None],
                log,
                excluded_macs=scope.excluded_macs,
                excluded_ports=scope.excluded_ports | scope.silent_ports,
                stopped=self.halt.asked,
                pause=max(PAUSE, 1 / self.site.pace.pace().guarded),
            )
        finally:
            log.close()
        visitors = self._visitors(run)
        for device, told in called.devices.items():
            left_out = {"path", "name"} if device in visitors else {"path"}
            said = {
                word: {key: value for key, value in facts.items() if key not in left_out}
                for word, facts in told.items()
            }
            self._heard(run, device, {word: facts for word, facts in said.items() if facts})
        self._describe(run, {device: told[SSDP] for device, told in called.devices.items() if SSDP in told})
        for error in called.missed:
            if error.reason == Reason.SCOPE:
                self._excluded(error)
            elif error.message != "calling.stopped":
                self.gathered.refused(NAMES, Vantage.LAN, error)

    def _describe(self, run: Run, told: Mapping[str, Facts]) -> None:
        """The page of each that answered SSDP, where its class allows; not of who has told it already."""
        known = {one.id: one for one in run.devices}
        read = {one.device for one in run.observations if one.protocol == UPNP}
        egress = Egress(self.tonight.scope, self.site.pace.pace(), self.log(), self.halt.asked)
        try:
            for device, facts in told.items():
                port, path, address = facts.get("port"), facts.get("path"), known[device].address
                if device in read or not isinstance(port, int) or not isinstance(path, str):
                    continue
                is_a = self.tonight.is_a(known[device])
                asked_as = manner(is_a)
                egress.classed(address, is_a)
                if self.halt.asked() or not egress.may(address, port, asked_as):
                    continue
                try:
                    found = described(egress.asking(SSDP, asked_as), address, Place(port, path))
                except ScopeError:  # an excluded port: noted in the audit log
                    continue
                except ProbeError as error:
                    failed = Failure(NAMES, Vantage.LAN, address, port, error.reason, error.detail, device)
                    self.gathered.failures.append(failed)
                    continue
                if found:
                    self.gathered.observations.append(
                        Target(device, address, ()).observed(PAGE, 0, UPNP, found)
                    )
        finally:
            egress.close()

    def _resolve(self, run: Run) -> None:
        """The practice's own resolver, where it has one. Nothing is missed where none answers."""
        scope = self.tonight.scope
        mine = resolvers(scope, self.tonight.gateway)
        if not mine:
            self._excluded(OutsideError("resolving.elsewhere", Reason.SCOPE))
            return
        by_id = {one.id: one for one in run.devices if one.mac not in scope.excluded_macs}
        covered = {one.id for one in by_id.values() if self._in(one.address)}
        covered -= self._visitors(run)
        known = {at: one for at, one in recorded(run.devices)[0].items() if one in covered}
        egress = Egress(scope, self.site.pace.pace(), self.log(), self.halt.asked)
        try:
            asked = [address for address in mine if address in known]
            for address in asked:
                egress.classed(address, self.tonight.is_a(by_id[known[address]]))
            told = resolve(egress.asking(DNS, MANNER), asked, known)
        finally:
            egress.close()
        for device, name in told.names.items():
            self._heard(run, device, {DNS: {"name": name}})
        if not told.asked:
            for error in told.missed:
                self._excluded(error)

    def _visitors(self, run: Run) -> set[str]:
        """Who may be a visitor's telephone: where those are expected, and without a card of its own."""
        phones = [one for one in self.site.ranges if one.expect == PHONES]
        return {
            device.id
            for device in run.devices
            if (device.mac is None or randomised(device.mac))
            and any(one.holds(device.address) for one in phones)
        }

    def _in(self, address: str) -> bool:
        """Is it in the site's networks, and not excluded?"""
        return ":" not in address and any(
            IPv4Address(address) in network for network in self.tonight.scope.covered()
        )

    def _heard(self, run: Run, device: str, told: Mapping[str, Facts]) -> None:
        """What was told of this device, by protocol."""
        at = {one.id: one.address for one in run.devices}
        target = Target(device, at[device], ())
        self.gathered.observations += [target.observed(word, 0, word, facts) for word, facts in told.items()]

    def _excluded(self, error: NetwatchError) -> None:
        """Somebody was not to be asked."""
        where = str(error.details.get("network", ", ".join(map(str, self.site.networks))))
        why = self.words(error.message, **error.details)
        self.gathered.coverage.append(Coverage(NAMES, Vantage.LAN, where, None, (), Outcome.EXCLUDED, why))
