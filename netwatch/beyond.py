"""What is known beyond the practice's own network tonight? The box, our address, the outside, and others.

After the sweep inside, and in this order: what the box says or a person declared; which address on the
internet is ours; the same questions from outside; what others report. Each of them may fail alone: it is a
Failure then, and the night goes on. Whatever is not asked is told as not asked.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from netwatch import box as boxes
from netwatch import ipv6, ours, whereabouts
from netwatch.behind import Behind, from_outside
from netwatch.box import declared, memory
from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.errors import ConfigError, OutsideError
from netwatch.judge import OTHERS
from netwatch.model import Device, Reason, Target, Vantage
from netwatch.others import internetdb, shodan
from netwatch.outlet import Here
from netwatch.outside import STAGE, Gathered, at, look
from netwatch.probe import ProbeError
from netwatch.scan import complete, together
from netwatch.tunnel import Tunnel
from netwatch.vantage import outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netwatch.audit import Audit
    from netwatch.config import Site
    from netwatch.halt import Halt
    from netwatch.model import Observation, Run
    from netwatch.outlet import Outlet
    from netwatch.probe import Probe
    from netwatch.store import Store
    from netwatch.tonight import Tonight

FRESH = timedelta(hours=36)  # so long the address of an earlier night may still be taken for ours
NOWHERE = "0.0.0.0"  # noqa: S104 - the box of whose address nothing is known
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
            box = self._box_of(run)
            self._declared(box)
            if not self.here:
                self._box(box)
            self._ipv6(run)
            with self._vantage() as outlet:
                self._whereabouts(run, outlet)
                self._outside(run, outlet)
            self._others()
        return self._joined(run)

    def _box_of(self, run: Run) -> Device:
        """The internet box, seen from inside."""
        address = self.tonight.gateway or NOWHERE
        known = (*run.devices, *self.store.devices(self.site.slug))
        found = next((device for device in known if device.address == address), None)
        return found or Device(id=f"a-{address}", address=address, kind="box")

    def _declared(self, box: Device) -> None:
        """What a person said that the box's pages show."""
        try:
            said = declared.parse(self.store.declaration(self.site.slug))
        except ConfigError as damaged:
            error = OutsideError(damaged.message, Reason.PROTOCOL, **damaged.details)
            self.gathered.refused(Vantage.DECLARED, Vantage.DECLARED, error)
            return
        if said is not None:
            self.gathered.devices.append(box)
            self.gathered.add(declared.observations(said, Target(box.id, box.address, ())), ())
            self.looked.add(Vantage.DECLARED)

    def _box(self, box: Device) -> None:
        """What its own interface says to its owner."""
        settings = self.site.box
        if settings is None or self.halt.asked():
            return
        self.looked.add(Vantage.BOX)
        if box.address == NOWHERE:
            self.gathered.refused(settings.kind, Vantage.BOX, OutsideError("box.no-gateway", Reason.SCOPE))
            return
        egress = Egress(self.tonight.scope, self.site.pace.pace(), self.log(), self.halt.asked)
        egress.classed(box.address, table()["box"])
        way = egress.asking(settings.kind, boxes.MANNER)
        folder = memory.folder(self.store.folder, self.site.slug)
        try:
            self.gathered.add(*boxes.read(settings, way, Target(box.id, box.address, ()), folder))
        finally:
            egress.close()
        self.gathered.devices.append(box)

    def _ipv6(self, run: Run) -> None:
        """Which devices have an address of their own on the internet."""
        networks = self.site.ipv6_networks
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
            try:
                tunnel = stack.enter_context(Tunnel(settings, self.halt.asked))
            except OutsideError as error:
                self.gathered.refused(STAGE, Vantage.OUTSIDE, error)
                yield None
            except ProbeError:  # stopped while we connected
                yield None
            else:
                yield tunnel

    def _whereabouts(self, run: Run, outlet: Outlet | None) -> None:
        """Which addresses on the internet are ours; who told it is remembered."""
        found = ours.decide(
            self.site.public_addresses,
            tuple(self._told(run, outlet)),
            self.site.ipv6_networks,
            self.site.public_ports,
        )
        self.public = {str(one.address): ", ".join(one.sources) for one in found.addresses}
        if self._asks_somebody():
            for refusal in found.refused:
                self.gathered.refused("address", Vantage.OUTSIDE, refusal.error())

    def _asks_somebody(self) -> bool:
        """Is anybody to be asked about our address?"""
        site = self.site
        return bool(self.here or site.vantage.outside or site.shodan or site.internetdb)

    def _told(self, run: Run, outlet: Outlet | None) -> Iterator[ours.Told]:
        """Who tells an address tonight."""
        settings = self.site.address
        if settings.box:
            yield from by_box((*run.observations, *self.gathered.observations))
        if self.here:
            yield from by_memory(self.store.told_addresses(self.site.slug))
        now = datetime.now(UTC)
        if settings.name and not self.halt.asked():
            for address in self._try("address", whereabouts.ask_name, settings.name) or ():
                yield ours.Told(ours.NAME, address, now)
        if settings.echo and not self.here and not self.halt.asked():
            address = self._try("address", whereabouts.ask_echo, settings.echo)
            if address is not None:
                yield ours.Told(whereabouts.source(settings.echo), address, now)
        if isinstance(outlet, Tunnel):
            yield from read(ours.VANTAGE, outlet.seen_from(), now)

    def _try(self, who: str, ask: Callable[..., Any], *arguments: Any, **more: Any) -> Any:  # noqa: ANN401
        """The answer, or None and a Failure."""
        log = self.log()
        try:
            return ask(*arguments, log, **more)
        except OutsideError as error:
            self.gathered.refused(who, Vantage.OUTSIDE, error)
            return None
        finally:
            log.close()

    def _outside(self, run: Run, outlet: Outlet | None) -> None:
        """The same questions from outside, where somebody proves that we stand there."""
        if outlet is None and self.site.vantage.outside is None:
            return
        addresses = [*self.public, *(address for address in self.own if address not in self.public)]
        self.looked.add(Vantage.OUTSIDE)
        if outlet is None or self.halt.asked() or not self._proved(outlet):
            self.gathered.not_asked(STAGE, Vantage.OUTSIDE, addresses, self.halt.why or "")
            return
        for family in (V4, V6):
            mine = [address for address in addresses if ip_address(address).version == family]
            if not mine:
                continue
            tonight = from_outside(
                self.tonight,
                mine,
                Behind.of((*run.observations, *self.gathered.observations)),
                (*self.store.devices(self.site.slug), *run.devices),
                self._reported(),
                self.site.public_ports if family == V4 else None,
                self.own,
            )
            egress = Egress(tonight.scope, self.site.pace.pace(), self.log(), self.halt.asked, outlet=outlet)
            try:
                look(self.gathered, mine, egress, self.probes, tonight, self.halt, self.progress, run.started)
            finally:
                egress.close()

    def _reported(self) -> set[int]:
        """Ports that others reported on earlier nights."""
        known = self.store.known(self.site.slug)
        return {seen.port for seen in known if seen.vantage in OTHERS and seen.port}

    def _proved(self, outlet: Outlet) -> bool:
        """Does it stand outside? Else nothing is concluded, and nothing asked."""
        echo = self.site.address.echo
        told = self._try("address", whereabouts.ask_echo, echo, through=outlet) if echo else None
        networks = (*self.site.networks, *self.site.ipv6_networks)
        known = tuple(map(ip_address, self.public))
        try:
            if isinstance(outlet, Tunnel):
                outside(outlet.peer, outlet.seen_from(), str(told) if told else None, known, networks)
                return True
            if told is not None:
                outside(str(told), None, str(told), known, networks)
                return True
            self.gathered.refused(STAGE, Vantage.OUTSIDE, OutsideError("outside.no-echo", Reason.UNPROVED))
        except OutsideError as error:
            self.gathered.refused(STAGE, Vantage.OUTSIDE, error)
        return False

    def _others(self) -> None:
        """What Shodan and InternetDB say of our addresses."""
        site, log, only = self.site, self.log(), self.site.public_ports
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


def by_box(observations: Iterable[Observation]) -> Iterator[ours.Told]:
    """What the box says that its address is."""
    for seen in observations:
        if seen.protocol == "wan":
            yield from read(ours.BOX, seen.facts.get("address"), seen.seen_at, str(seen.facts.get("via")))


def by_memory(told: Iterable[tuple[str, str, datetime]]) -> Iterator[ours.Told]:
    """What was told inside last night, by whoever told it then."""
    for address, sources, when in told:
        if datetime.now(UTC) - when <= FRESH:
            for source in sources.split(", "):
                yield from read(source, address, when)


def read(source: str, text: object, when: datetime, via: str = "") -> Iterator[ours.Told]:
    """What somebody wrote, where it is an address."""
    told = ours.told(source, text, when, via) if isinstance(text, str) else None
    if told is not None:
        yield told


def stored(seen: Observation) -> Observation:
    """As it is kept. What is about no port (a DMZ, a list) has its word in the transport's place: one
    question may tell several. What others say keeps their date, and loses ours, which changes every night."""
    facts = {key: value for key, value in seen.facts.items() if key != "fetched_at"}
    if seen.vantage in STATED:
        facts["stated_at"] = f"{seen.seen_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    transport = seen.transport if seen.port else seen.protocol
    return replace(seen, facts=facts, transport=transport)
