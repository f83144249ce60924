"""What would a scan do, to whom, and how long would it take? The same rules as the scan's; nothing is sent.

It counts with what is known of the site by now. Where it stops: devices that nobody has seen yet are told
as "each device more", and what a device answers can make its questions longer or shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from netwatch.classes import table
from netwatch.config import require_audit
from netwatch.egress import AUDIT
from netwatch.errors import ScopeError
from netwatch.identity import vendor
from netwatch.model import Device, Target
from netwatch.nightly import bounds, covering, scope_of
from netwatch.pace import WINDOW
from netwatch.plan_detect import DetectPlan, detecting
from netwatch.plan_outside import BeyondPlan, beyond
from netwatch.portset import PortSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.config import Site
    from netwatch.pace import Pace
    from netwatch.probe import Probe
    from netwatch.store import Store
    from netwatch.tonight import Tonight

LOOKING = 2.0  # seconds for 256 addresses
QUESTION = 20  # packets of one question, with its looks before and after
ASSUMED = 2  # open ports of a device that nobody has seen yet


@dataclass(frozen=True, slots=True)
class ClassRow:
    """What devices of a class may be asked, and how fast. `questions`: the probes whose manner it takes."""

    name: str
    packets: int
    guarded: bool
    manners: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device tonight. `usual`, `further`: how many ports; `left_alone`: since when it is not touched."""

    address: str
    name: str
    vendor: str | None
    kind: str
    is_a: str
    usual: int
    further: int
    packets: int
    questions: tuple[str, ...]
    seconds: int
    left_alone: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A scan that did not happen. `refused`: the id of the sentence that says why none would be made now.

    `covered`: the networks less what is excluded. `fits`: would it end before the window closes? `more`: what
    each device adds that nobody has seen yet; `beyond`: what is asked outside the network. `detect`: nmap's
    part, where it is asked for. `seconds`: of all; `packets`: inside, without what nmap sends to guess.
    """

    site: str
    networks: tuple[str, ...]
    covered: tuple[str, ...]
    addresses: int
    excluded: tuple[str, ...]
    authorised_by: str | None
    authorised_until: str | None
    refused: str | None
    window: str | None
    fits: bool
    pace: dict[str, int | float]
    override: str | None
    classes: tuple[ClassRow, ...]
    devices: tuple[DeviceRow, ...]
    more: DeviceRow
    beyond: BeyondPlan
    seconds: int
    packets: int
    detect: DetectPlan | None = None


def plan(  # noqa: PLR0913 - as nightly.night
    site: Site,
    store: Store,
    probes: tuple[Probe, ...],
    now: datetime,
    *,
    all_ports: bool = False,
    audit: bool = False,
) -> Plan:
    """The plan of a scan that would start now. Raises ScopeError for an audit that is not authorised."""
    if audit:
        require_audit(site)
    else:
        probes = tuple(probe for probe in probes if probe.manner != AUDIT)
    scope = bounds(site, date.max)
    night = covering(site, store, probes, scope, all_ports=all_ports)
    pace = site.pace.pace()
    rows = tuple(
        _device(night, pace, probes, device) for device in _expected(night, store.devices(site.slug))
    )
    stranger = _device(night, pace, probes, Device("", "0.0.0.0"))  # noqa: S104 - an address that is none
    seconds, packets = _total(scope.targets(), rows, pace)
    outside = beyond(site, store, night, pace)
    detect = detecting(night, _expected(night, store.devices(site.slug)))
    seconds += outside.seconds + (detect.seconds if detect else 0)
    allowed = site.authorisation
    return Plan(
        site=site.name,
        networks=tuple(map(str, site.networks)),
        covered=tuple(map(str, scope.covered())),
        addresses=sum(network.num_addresses for network in scope.targets()),
        excluded=(
            *map(str, site.exclude.addresses),
            *sorted(site.exclude.macs),
            *filter(None, [str(PortSet.of(site.exclude.ports))]),
        ),
        authorised_by=allowed.by if allowed else None,
        authorised_until=str(allowed.until) if allowed else None,
        refused=_refused(site, now),
        window=str(site.window) if site.window else None,
        fits=_fits(site, now, seconds),
        pace={
            key: getattr(pace, key) for key in ("packets", "guarded", "overall", "pause", "seconds", "limit")
        },
        override=f"{site.pace.override.by} ({site.pace.override.reason})" if site.pace.override else None,
        classes=tuple(_class(name, pace, probes) for name in table()),
        devices=rows,
        more=stranger,
        beyond=outside,
        seconds=seconds,
        packets=packets,
        detect=detect,
    )


def _expected(night: Tonight, devices: Iterable[Device]) -> Iterable[Device]:
    """Those that a scan would go to, in order."""
    known = (night.expected(device) for device in devices if _within(night, device))
    return sorted(known, key=lambda d: tuple(map(int, d.address.split("."))))


def _within(night: Tonight, device: Device) -> bool:
    """Is it in the networks, and not excluded?"""
    try:
        night.scope.require(device.address)
    except ScopeError:
        return False
    return device.mac not in night.scope.excluded_macs


def _refused(site: Site, now: datetime) -> str | None:
    try:
        scope_of(site, now.date())
    except ScopeError as error:
        return error.message
    shut = site.window is not None and site.window.closes(now.replace(tzinfo=None)) is None
    return "config.window-closed" if shut else None


def _fits(site: Site, now: datetime, seconds: int) -> bool:
    """Would a scan that starts as the window opens, or now, end before it closes?"""
    if site.window is None:
        return True
    clock = now.replace(tzinfo=None)
    starts = clock if site.window.closes(clock) else site.window.opens(clock)
    closes = site.window.closes(starts)
    return closes is not None and starts + timedelta(seconds=seconds) <= closes


def _class(name: str, pace: Pace, probes: tuple[Probe, ...]) -> ClassRow:
    is_a = table()[name]
    return ClassRow(
        name,
        pace.guarded if is_a.guarded else pace.packets,
        is_a.guarded,
        is_a.manners,
        tuple(probe.name for probe in probes if probe.manner in is_a.manners),
    )


def _device(night: Tonight, pace: Pace, probes: tuple[Probe, ...], device: Device) -> DeviceRow:
    is_a = night.is_a(device)
    rate = pace.guarded if is_a.guarded else pace.packets
    usual, further = len(night.nightly(device.id)), len(night.slice(device.id))
    open_before = tuple(sorted(night.open_before.get(device.id, ())))
    target = Target(device.id, device.address, open_before, before=night.spoken.get(device.id, {}))
    asked = [p for p in probes if p.manner in is_a.manners]
    talks = sum(len(p.wants(target)) for p in asked) if device.id in night.known else ASSUMED
    packets = usual + further + talks * QUESTION
    return DeviceRow(
        address=device.address,
        name=device.called or "",
        vendor=device.maker or device.vendor or vendor(device.mac),
        kind=device.kind,
        is_a=is_a.name,
        usual=usual,
        further=further,
        packets=packets,
        questions=tuple(probe.name for probe in asked),
        seconds=round(packets * WINDOW / max(1, rate - 1) + talks * pace.pause),
        left_alone=device.left_alone,
    )


def _total(targets: Iterable[object], rows: Iterable[DeviceRow], pace: Pace) -> tuple[int, int]:
    """(seconds, packets): the slowest device, or all packets at the pace of all, whichever is longer."""
    addresses = sum(getattr(network, "num_addresses", 0) for network in targets)
    touched = [row for row in rows if row.left_alone is None]
    packets = 2 * addresses + sum(row.packets for row in touched)
    slowest = max((row.seconds for row in touched), default=0)
    return round(LOOKING * addresses / 256 + max(slowest, packets / pace.overall)), packets
