"""What is known beyond the practice's own network tonight? The box, our address, the outside, and others.

After the sweep inside, and in this order: what the box says or a person declared; which address on the
internet is ours; the same questions from outside; what others report. Each of them may fail alone: it is a
Failure then, and the night goes on. Whatever is not asked is told as not asked.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwatch import exposures, ipv6
from netwatch.ask_box import AskBox
from netwatch.behind import Behind, from_outside, untouchable
from netwatch.egress import Egress
from netwatch.errors import OutsideError
from netwatch.internet import KEPT_BACK
from netwatch.judge import BOX, OTHERS
from netwatch.judging import filed
from netwatch.knocking import States
from netwatch.located import Locating, ports_of_ours
from netwatch.matching import links
from netwatch.model import PortState, Target, Vantage
from netwatch.naming import Naming
from netwatch.others import internetdb, shodan
from netwatch.outlet import Here
from netwatch.outside import STAGE, Gathered, at, look
from netwatch.placing import own
from netwatch.probe import ProbeError
from netwatch.scan import complete, together
from netwatch.tunnel import Tunnel
from netwatch.visit import Visit
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from ipaddress import IPv6Network

    from netwatch.audit import Audit
    from netwatch.config import Site
    from netwatch.halt import Halt
    from netwatch.model import Device, Observation, Run
    from netwatch.outlet import Outlet
    from netwatch.probe import Probe
    from netwatch.store import Store
    from netwatch.tonight import Tonight

V4, V6 = 4, 6
IPV6 = "ipv6"
STATED = {Vantage.DECLARED, Vantage.SHODAN, Vantage.INTERNETDB}  # their date is not ours


@dataclass(slots=True)
class Beyond:
    """One night's look beyond the network. `here`: this machine itself stands outside."""

    site: Site
    store: Store
    probes: tuple[Probe, ...]
    tonight: Tonight
    log: Callable[[], Audit]
    halt: Halt
    progress: Callable[[str, int, int, str], None]
    here: bool = False
    gathered: Gathered = field(default_factory=Gathered)
    public: dict[str, str] = field(default_factory=dict)
    own: dict[str, Device] = field(default_factory=dict)
    looked: set[Vantage] = field(default_factory=set)

    def add_to(self, run: Run) -> Run:
        """The run, with what was learnt beyond it."""
        with self.halt.at(self.tonight.until, self.tonight.why):
            self._ask_box(run)
            self._ipv6(run)
            if not self.here:
                Naming(self.site, self.tonight, self.gathered, self.log, self.halt, messages("en")).ask(run)
            with self._vantage() as outlet:
                said = (*run.observations, *self.gathered.observations)
                self.public = self._locating().addresses(said, outlet)
                self._outside(run, outlet)
            self._look_back(run)
            self._others()
        return self._joined(run)

    def _ask_box(self, run: Run) -> None:
        """What a person declared, then what the box says itself."""
        ask = AskBox(self.site, self.store, self.tonight, self.gathered, self.log, self.halt)
        box = ask.device(run)
        if ask.declared(box):
            self.looked.add(Vantage.DECLARED)
        if not self.here and ask.itself(box):
            self.looked.add(Vantage.BOX)

    def _ipv6(self, run: Run) -> None:
        """Which devices have an address of their own on the internet; from elsewhere, as was known last."""
        networks, scope = self.site.ipv6_networks, self.tonight.scope
        if self.here and networks:
            devices = {one.id: one for one in self.store.devices(self.site.slug)}
            for address, device in own(self.store.known(self.site.slug)).items():
                if device in devices and not untouchable(devices[device], scope) and _in(address, networks):
                    self.own[address] = devices[device]
        if not networks or self.here or self.halt.asked():
            return
        log = self.log()
        try:
            heard = ipv6.of_devices(networks, run.devices, log, excluded_macs=self.site.exclude.macs)
        except OutsideError as error:
            self.gathered.refused(IPV6, Vantage.LAN, error)
            return
        finally:
            log.close()
        if heard.missed is not None:
            self.gathered.refused(IPV6, Vantage.LAN, heard.missed)
        known = {device.id: device for device in run.devices}
        for device, addresses in heard.devices.items():
            target = Target(device, known[device].address, ())
            self.gathered.observations.append(
                target.observed(IPV6, 0, IPV6, {"addresses": ", ".join(addresses)})
            )
            if not untouchable(known[device], scope):
                self.own |= dict.fromkeys(addresses, known[device])

    @contextmanager
    def _vantage(self) -> Iterator[Outlet | None]:
        """The door through which we look from outside; None where there is none, or it is shut."""
        settings = self.site.vantage.outside
        if self.here:
            yield Here(connects=True)
            return
        if settings is None or self.halt.asked():
            yield None
            return
        with ExitStack() as stack:
            log = stack.enter_context(closing(self.log()))
            try:
                tunnel = stack.enter_context(Tunnel(settings, self.halt.asked, log))
            except OutsideError as error:
                self.gathered.refused(STAGE, Vantage.OUTSIDE, error)
                yield None
            except ProbeError:  # stopped while we connected
                yield None
            else:
                yield tunnel

    def _locating(self) -> Locating:
        told = self.store.told_addresses(self.site.slug)
        return Locating(self.site, told, self.gathered, self.halt.asked, self.log)

    def _outside(self, run: Run, outlet: Outlet | None) -> None:
        """The same questions from outside, where somebody proves that we stand there."""
        server = self.site.vantage.outside
        if outlet is None and server is None:
            return
        addresses = [*self.public, *(address for address in self.own if address not in self.public)]
        known = (*self.store.known(self.site.slug), *run.observations, *self.gathered.observations)
        led = exposures.led(self.store.exposures(self.site.slug, only_open=True))
        self.looked.add(Vantage.OUTSIDE)
        if outlet is None or self.halt.asked() or not self._locating().outside(outlet, self.public):
            self.gathered.not_asked(STAGE, Vantage.OUTSIDE, addresses, self.halt.why or "")
            return
        for family in (V4, V6):
            mine = [address for address in addresses if ip_address(address).version == family]
            if not mine:
                continue
            tonight = from_outside(
                self.tonight,
                mine,
                Behind.of(known, led) if family == V4 else Behind(),
                (*self.store.devices(self.site.slug), *run.devices),
                self._reported(),
                ports_of_ours(self.site, known) if family == V4 else None,
                self.own,
            )
            tonight = replace(tonight, kept_back=server.kept_back if server else KEPT_BACK)
            egress = Egress(tonight.scope, self.site.pace.pace(), self.log(), self.halt.asked, outlet=outlet)
            try:
                look(self.gathered, mine, egress, self.probes, tonight, self.halt, self.progress, run.started)
            finally:
                egress.close()
        # A laptop whose line broke meanwhile heard nothing, and that is no silence of the practice's.
        if self.here and (self.halt.asked() or not self._locating().outside(outlet, self.public)):
            self.gathered.doubt(addresses, "unproved")

    def _look_back(self, run: Run) -> None:
        """Do the guarded devices behind public ports that answered still answer inside, as they did?"""
        if self.here or not any(seen.vantage is Vantage.OUTSIDE for seen in self.gathered.observations):
            return
        seen = (*run.observations, *self.gathered.observations)
        at_home = {device.address: device.id for device in run.devices}
        behind = {
            link.device for link in links(seen, (one for one in seen if one.vantage in BOX), at_home).values()
        }
        for device in run.devices:
            if device.id in behind and self.tonight.is_a(device).looked_at:
                self._still_well(device, run)

    def _still_well(self, device: Device, run: Run) -> None:
        """One of them: the port that was open, at its own pace."""
        ports = sorted({s.port for s in run.observations if s.device == device.id and s.probe == "sweep"})
        egress = Egress(self.tonight.scope, self.site.pace.pace(), self.log(), self.halt.asked)
        visit = Visit(device, egress, self.tonight, (), self.halt)
        visit.states = States((port, PortState.OPEN) for port in ports)
        egress.classed(device.address, visit.is_a)
        try:
            visit.look_back(ports)
        finally:
            egress.close()
        self.gathered.add(visit.observations, visit.failures)
        self.gathered.coverage += visit.coverage
        self.gathered.devices.append(visit.device)

    def _reported(self) -> set[int]:
        """Ports that others reported on earlier nights."""
        known = self.store.known(self.site.slug)
        return {
            seen.port for seen in known if seen.vantage in OTHERS and seen.transport == "tcp" and seen.port
        }

    def _others(self) -> None:
        """What Shodan and InternetDB say of our addresses."""
        site, log = self.site, self.log()
        only = ports_of_ours(site, (*self.store.known(site.slug), *self.gathered.observations))
        stop = self.halt.asked
        try:
            if site.shodan is not None and not stop():
                told = shodan.ask(site.shodan, self.public, audit=log, stopped=stop, only=only)
                self.gathered.add(*told)
                self.looked.add(Vantage.SHODAN)
            if site.internetdb is not None and not stop():
                told = internetdb.ask(site.internetdb, self.public, audit=log, stopped=stop, only=only)
                self.gathered.add(*told)
                self.looked.add(Vantage.INTERNETDB)
        finally:
            log.close()
        self.gathered.observations[:] = [seen for seen in self.gathered.observations if self._of_us(seen)]

    def _of_us(self, seen: Observation) -> bool:
        """Not what others saw at an address before it became ours: that was somebody else's."""
        if seen.vantage not in OTHERS:
            return True
        began = self.store.address_began(self.site.slug, seen.address)
        return began is None or seen.seen_at >= began

    def _joined(self, run: Run) -> Run:
        """The run, with all of it."""
        seen = self.gathered
        known = {device.id: device for device in (*run.devices, *seen.devices)}
        spoken_of = {one.device for one in seen.observations}
        for address in self.public:
            if at(address).id in spoken_of:
                known.setdefault(at(address).id, at(address))
        observations = tuple(map(stored, (*run.observations, *seen.observations)))
        failures = tuple(dict.fromkeys((*run.failures, *seen.failures)))
        coverage = together((*run.coverage, *seen.coverage))
        boxes_too = {Vantage.BOX} if Vantage.LAN in run.vantages else set()
        return replace(
            run,
            finished=datetime.now(UTC).replace(microsecond=0),
            complete=complete(failures, coverage),
            vantages=tuple(one for one in Vantage if one in {*run.vantages, *self.looked, *boxes_too}),
            devices=tuple(known.values()),
            observations=observations,
            failures=failures,
            coverage=coverage,
            rounds=(*run.rounds, *seen.rounds),
            stopped=run.stopped or self.halt.why,
            public=self.public,
        )


def _in(address: str, networks: Iterable[IPv6Network]) -> bool:
    return any(ip_address(address) in network for network in networks)


def stored(seen: Observation) -> Observation:
    """As it is kept. What others say keeps their date, where they tell one, and loses ours, which changes
    every night."""
    facts = {key: value for key, value in seen.facts.items() if key != "fetched_at"}
    if seen.vantage in STATED and facts.get("dated") is not False:
        facts["stated_at"] = f"{seen.seen_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return replace(filed(seen), facts=facts)
