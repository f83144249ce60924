"""What is to be asked tonight, of whom, and how carefully? Pure; the scan does it, `netwatch plan` tells it.

A device is asked the usual ports and those that were open on it before; from its second night on also a
slice of the whole range. What it is decides the rest (classes.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from netwatch.classes import INTERNET, UNKNOWN, class_of, rank, table
from netwatch.identity import describe, trusted
from netwatch.model import Vantage
from netwatch.ports import curated
from netwatch.portset import LAST, PortSet
from netwatch.scope import UNTOUCHED, Scope
from netwatch.slices import left, slice_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from netwatch.classes import Class
    from netwatch.model import Device
    from netwatch.slices import Round


@dataclass(frozen=True, slots=True)
class Tonight:
    """What the site file asks for, and what was known before.

    `as_careful`: by device with several cards, the kind of the most careful one.

    `nights`: for the whole range, 0: never. `declared`: address or card -> class. `homes`: the usual ports of
    the probes. By device, `open_before`: the ports that were open; `clear`: those that spoke DICOM in clear;
    `spoken`: what each was heard to speak. `until`: when to leave off, and why. `vantage`: from where;
    seen from outside, `leads` says of a public port which class the device behind it has, and `behind` of an
    address that is a device's own (IPv6); `kept_back` are ports whose silence proves nothing there.
    `detect`: nmap's detection is asked for.
    """

    scope: Scope
    extra_ports: tuple[int, ...] = ()
    homes: tuple[int, ...] = ()
    nights: int = 0
    all_ports: bool = False
    gateway: str | None = None
    declared: Mapping[str, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    rounds: Mapping[str, Round] = field(default_factory=dict)
    open_before: Mapping[str, frozenset[int]] = field(default_factory=dict)
    clear: Mapping[str, frozenset[int]] = field(default_factory=dict)
    spoken: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    number: int = 0  # of this night among all: whose turn it is
    until: datetime | None = None
    why: str = ""
    vantage: Vantage = Vantage.LAN
    leads: Mapping[int, str] = field(default_factory=dict)
    behind: Mapping[str, str] = field(default_factory=dict)
    kept_back: frozenset[int] = frozenset()
    as_careful: Mapping[str, str] = field(default_factory=dict)
    detect: bool = False

    def nightly(self, device: str) -> PortSet:
        """The ports that this device is asked every night."""
        every_night = {*curated(), *self.homes, *self.extra_ports, *self.open_before.get(device, ())}
        return PortSet.of(self.scope.ports(every_night))

    def never(self) -> PortSet:
        """The ports that nobody is asked."""
        never = PortSet.of(self.scope.excluded_ports | UNTOUCHED)
        ours = self.scope.only_ports
        return never if ours is None else never | (PortSet(((1, LAST),)) - ours)

    def slice(self, device: str) -> PortSet:
        """The further ports that it is asked tonight."""
        nightly = self.nightly(device) | self.never()
        begun = self.rounds.get(device)
        done = PortSet.parse(begun.done) if begun else PortSet()
        if self.all_ports:
            return left(done, nightly)
        return slice_of(done, nightly, self.nights) if device in self.known else PortSet()

    def is_a(self, device: Device) -> Class:
        """Its class."""
        if self.vantage is Vantage.OUTSIDE:
            itself = self.behind.get(device.address)
            return replace(table()[itself], looked_at=False) if itself else table()[INTERNET]
        told = [self.declared[mark] for mark in (device.address, device.mac or "") if mark in self.declared]
        # Told two things, the more careful one: the table has it first.
        declared = min(told, key=list(table()).index, default=None)
        if declared is None and device.given_kind is not None:
            declared = class_of(device.given_kind).name
        kind = max(device.kind, self.as_careful.get(device.id, UNKNOWN), key=rank)
        return class_of(kind, declared)

    def expected(self, device: Device) -> Device:
        """The device before a packet: of what is known, what tonight may rely on."""
        if self.vantage is Vantage.OUTSIDE:
            return device
        return describe(replace(device, kind=trusted(device)), (), (), gateway=self.is_gateway(device))

    def is_gateway(self, device: Device) -> bool:
        """Is it the internet box?"""
        return self.gateway is not None and device.address == self.gateway
