"""Which devices of tonight are one that has two network cards? Pure.

A printer on the cable and on the Wi-Fi, a laptop in its dock that kept its Wi-Fi on, a router with the
address of a role (VRRP, CARP): each card answers for itself, and both show the same. Machines that were
copied show the same keys too, and so do cheap ones that left a factory with one key for all: two cards are
one only where two kinds of mark agree, one of them a name, a serial number or an identifier, and nothing
contradicts.
Where it stops: three that show the same are told as three; findings stay with the card where they were found.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.identity import randomised, virtual
from netwatch.sameness import KEYS, NAME, NOTHING, contradicts
from netwatch.sayings import USER, Saying, Sayings, What

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from netwatch.model import Device
    from netwatch.sameness import Mark, Marks

ITS_OWN = frozenset({"device-uuid", "serial", NAME})
ALL = frozenset({*KEYS, NAME})
ENOUGH = 2  # kinds of mark


@dataclass(frozen=True, slots=True)
class Cards:
    """The devices of tonight and what each shows; `remembered`: what those showed that were known before."""

    devices: Mapping[str, Device]
    shown: Mapping[str, Marks]
    known: frozenset[str]
    remembered: Mapping[str, Marks]

    def one(self, said: Sayings, now: datetime) -> Iterator[Saying]:
        """What is newly said: this one is a card of that one."""
        for pair, agreed in sorted(self._pairs().items()):
            lead, card = sorted(pair, key=self._standing)
            if said.lead(lead) == said.lead(card) or said.apart(lead, card) or said.same(card):
                continue
            if self._are_one(lead, card, frozenset(kind for kind, _ in agreed)):
                told = Saying(card, What.SAME, said.lead(lead), min(kind for kind, _ in agreed), now)
                said = Sayings((*said.said, told))
                yield told

    def parted(self, said: Sayings) -> Iterator[Saying]:
        """What netwatch said before and holds no more: a card shows another key than its device."""
        for one in said.said:
            if one.what is not What.SAME or one.by == USER or one.device not in self.devices:
                continue
            mine = self.shown.get(one.device, NOTHING)
            theirs = self.shown.get(one.value) or self.remembered.get(one.value, NOTHING)
            if contradicts(mine, theirs):
                yield one

    def _pairs(self) -> Mapping[tuple[str, str], set[Mark]]:
        """The marks that two devices of tonight show, and no third one."""
        bearers = defaultdict[tuple[str, str], set[str]](set)
        for device, marks in self.shown.items():
            for mark in marks:
                bearers[mark].add(device)
        found = defaultdict[tuple[str, str], set[tuple[str, str]]](set)
        for mark, devices in bearers.items():
            if len(devices) == 2 and devices <= self.devices.keys():  # noqa: PLR2004 - a pair
                one, other = sorted(devices)
                found[one, other].add(mark)
        return found

    def _are_one(self, lead: str, card: str, kinds: frozenset[str]) -> bool:
        role = virtual(self.devices[card].mac or "")  # its card is always somebody's
        enough = kinds & KEYS.keys() and (role or (len(kinds) >= ENOUGH and kinds & ITS_OWN))
        return bool(enough) and not contradicts(self.shown[lead], self.shown[card], ALL)

    def _standing(self, device: str) -> tuple[bool, bool, bool, str]:
        """Which of two is the device, and which its other card: what was known before, with a card of its
        own."""
        mac = self.devices[device].mac or ""
        return device not in self.known, virtual(mac), randomised(mac), device
