"""Which devices came tonight, and which are gone? Pure: whom the site knew, a run, and what is told of it.

A new device is news only where an earlier night would have met it: the first night, a network that was not
looked in before, or not by the same means, bring devices that are new to us and to nobody else. A card at
one more address is no new device. A device is gone after so many days on which its network was looked in,
others there answered and it did not; what was not looked at is not gone. A machine that another site of the
database knew first, by a card of its own, visits: its coming is told to nobody, and nobody misses it.

Telephones make up cards. Where the site file expects them (ranges.py) a new one is told to
nobody, as long as it hides its card, opens no port but a telephone's and is not recognised as anything else;
when it does, or turns up elsewhere, it is told like any other. Where it stops: a device that is off whenever
a night looks is never met, and new on the night it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from ipaddress import IPv4Network, ip_address, ip_network
from typing import TYPE_CHECKING

from netwatch.change import Came, Coming, ComingKind, Standing
from netwatch.classes import UNKNOWN, kind_of
from netwatch.identity import lasting, randomised
from netwatch.model import Outcome, Vantage
from netwatch.opening import VAGUE
from netwatch.ranges import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from netwatch.change import Acquaintance, Searched
    from netwatch.model import Coverage, Device, Observation, Run
    from netwatch.ranges import RangeSettings

    Open = tuple[tuple[int, str, str], ...]

WHOLE, KNOCKS = "whole", "knocks"
KNOCK = "knock"  # how the coverage of a search names knocks of our own
PHONE = "phone"
LIKE_PHONES = frozenset({UNKNOWN, PHONE})
NEIGHBOURS = 24  # bits: those who answer there show that the way was open


@dataclass(frozen=True, slots=True)
class Expected:
    """What the site file says. `nights`: after which a device is gone, 0 for never; `excluded`: cards that
    are never asked, so that not to meet them says nothing."""

    ranges: Sequence[RangeSettings] = ()
    nights: int = 0
    excluded: frozenset[str] = frozenset()

    def quiet(self, device: Device, opened: Open) -> bool:
        """Is its coming no news where it is?"""
        here = next((one for one in self.ranges if one.holds(device.address)), None)
        if here is None or here.expect == ANYTHING:
            return here is not None
        hides = device.mac is not None and randomised(device.mac)
        ports = {port for port, transport, _ in opened if transport == "tcp"}
        usual = all(kind_of(None, (port,)) == PHONE for port in ports)  # the table of classes knows them
        return hides and usual and like_a_phone(device)

    def comes_and_goes(self, device: Device, standing: Standing) -> bool:
        """Is it one that nobody misses: where it was expected, or a telephone that hides its card?"""
        hides = device.mac is not None and randomised(device.mac)
        return standing.quiet or self.quiet(device, ()) or (hides and like_a_phone(device))


def like_a_phone(device: Device) -> bool:
    """Does nothing say that it is anything but a telephone?"""
    told = device.profile.get("kind")
    return device.kind in LIKE_PHONES and (told is None or told in LIKE_PHONES)


def came(run: Run, before: Acquaintance, expected: Expected) -> Came:
    """The night: what is told of it, and what is remembered. `came` of the same run again tells nothing."""
    searched = searches(run.coverage)
    known = {device.id for device in before.devices}
    asked = {row.device for row in run.coverage if row.vantage is Vantage.LAN}
    here = [one for one in run.devices if one.id in known or one.id in asked]  # no address on the internet
    met = list(_met(here, run.observations, before, searched, expected))
    missed = list(_missed(run, here, before, searched, expected))
    told = [coming for coming, _ in (*met, *missed) if coming is not None]
    standings = dict(row for _, row in (*met, *missed))
    moved = {
        device: now for device, now in standings.items() if now != before.standings.get(device, Standing())
    }
    return Came(tuple(told), moved, searched)


def searches(coverage: Iterable[Coverage]) -> dict[str, str]:
    """The networks in which devices were looked for tonight, each with the means. One that only this machine
    answered in, or that was not finished, is none."""
    rows = [row for row in coverage if row.probe == "discovery" and row.vantage is Vantage.LAN]
    failed = [ip_network(row.address) for row in rows if row.outcome is Outcome.FAILED]
    found = {}
    for row in rows:
        if row.outcome is Outcome.ANSWERED:
            network = ip_network(row.address)
            weak = KNOCK in row.detail.split(", ") or any(network.overlaps(one) for one in failed)
            found[row.address] = KNOCKS if weak else WHOLE
    return found


Told = tuple[Coming | None, tuple[str, Standing]]


def _met(
    here: Sequence[Device],
    seen: Iterable[Observation],
    before: Acquaintance,
    searched: Mapping[str, str],
    expected: Expected,
) -> Iterator[Told]:
    """Those that are here tonight, in the order of their addresses."""
    known = {device.id for device in before.devices}
    cards = {device.mac for device in (*before.devices, *here) if device.mac and device.id in known}
    opened = _open(seen)
    for device in sorted(here, key=lambda one: (ip_address(one.address), one.id)):
        ports = opened.get(device.id, ())
        standing = before.standings.get(device.id, Standing())
        quiet = expected.quiet(device, ports)
        coming = None
        if device.id not in known:
            earlier = _earlier(device.address, before.searched, searched)
            another = device.part_of is not None or (device.mac is not None and device.mac in cards)
            if earlier and not another:
                nights, first = max(one.nights for one in earlier), min(one.since for one in earlier)
                visits = not quiet and _visits(device, before)
                kind = ComingKind.ELSEWHERE if visits else ComingKind.NEW
                coming = Coming(kind, device, quiet or visits, nights, first, ports)
            now = Standing(quiet=coming is not None and quiet)
            if device.mac is not None:
                cards.add(device.mac)
        elif standing.quiet and not quiet:
            since = before.met.get(device.id)
            coming, now = Coming(ComingKind.NEW, device, since=since, open=ports), Standing()
        else:
            if standing.gone is not None:
                coming = Coming(ComingKind.BACK, device, quiet=True, since=before.met.get(device.id))
            now = Standing(quiet=standing.quiet)
        yield coming, (device.id, now)


def _missed(
    run: Run,
    here: Sequence[Device],
    before: Acquaintance,
    searched: Mapping[str, str],
    expected: Expected,
) -> Iterator[Told]:
    """Those that were looked for tonight and not met, and are not told gone yet."""
    there, today = {device.part_of or device.id for device in here}, _day(run.started)
    for device in before.devices:
        standing = before.standings.get(device.id, Standing())
        last = before.met.get(device.id)
        passed_over = device.left_alone is not None or device.mac in expected.excluded
        card = device.part_of is not None or device.id in there  # of one that is told, or here with another
        if card or passed_over or standing.gone is not None:
            continue
        if last is not None and today <= max(_day(last), standing.counted or _day(last)):
            continue  # a second look on one day is no second night
        if not _looked(device.address, here, before.searched, searched):
            continue
        now = replace(standing, missed=standing.missed + 1, counted=today)
        coming = None
        stays = not (_visits(device, before) or expected.comes_and_goes(device, standing))
        if 0 < expected.nights <= now.missed and stays:
            now = replace(now, gone=run.started)
            coming = Coming(ComingKind.GONE, device, nights=now.missed, since=last)
        yield coming, (device.id, now)


def _visits(device: Device, before: Acquaintance) -> bool:
    """Is it at home at another site of the database?"""
    return device.mac is not None and device.mac in before.elsewhere and lasting(device.mac)


def _earlier(address: str, before: Iterable[Searched], tonight: Mapping[str, str]) -> list[Searched]:
    """The earlier searches that would have met who is at this address: by tonight's means, or better."""
    means = _means(address, tonight)
    return [
        one
        for one in before
        if means is not None and _within(address, one.network) and (one.means == WHOLE or means == KNOCKS)
    ]


def _looked(
    address: str, here: Iterable[Device], before: Iterable[Searched], tonight: Mapping[str, str]
) -> bool:
    """Would it have been met tonight, were it there? Knocks miss whom a whole search met, and where nobody
    else around answered the way may have been cut."""
    means = _means(address, tonight)
    whole_before = any(one.means == WHOLE and _within(address, one.network) for one in before)
    if means is None or (means == KNOCKS and whole_before):
        return False
    around = IPv4Network((address, NEIGHBOURS), strict=False)
    return any(ip_address(one.address) in around for one in here)


def _means(address: str, searched: Mapping[str, str]) -> str | None:
    """By which means this address was looked at; None where it was not."""
    return next((means for network, means in searched.items() if _within(address, network)), None)


def _within(address: str, network: str) -> bool:
    return ip_address(address) in ip_network(network)


def _open(seen: Iterable[Observation]) -> dict[str, Open]:
    """What is open on each device, with what proved to answer there: port, transport, protocol."""
    found: dict[str, dict[tuple[int, str], str]] = {}
    for one in sorted(seen, key=lambda one: (one.proved, one.protocol not in VAGUE)):
        if one.vantage is Vantage.LAN and one.port:
            told = one.protocol if one.proved else UNKNOWN
            mine, at = found.setdefault(one.device, {}), (one.port, one.transport)
            mine[at] = mine.get(at, UNKNOWN) if told == UNKNOWN else told
    return {
        device: tuple((port, transport, word) for (port, transport), word in sorted(ports.items()))
        for device, ports in found.items()
    }


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
