"""What was said of a device that its answers do not say: how it is called, what it is, which are one. Pure.

A person's word holds for ever, until that person takes it back. That a device came back with another card
(sameness.py), or has two (cards.py), is said by netwatch, with the mark that tells it; a person may part them
again, and then they stay apart. Nothing is rubbed out: what holds no more has an end, and who ended it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from netwatch.identity import card_id
from netwatch.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from netwatch.document import DevicePart
    from netwatch.model import Device

USER = "user"
CONTRADICTED = "contradicted"  # it showed another key
LONGEST = 60  # characters of a name that a person gives


class What(StrEnum):
    """What is said. `value` is then a name, a kind, or the other device's id."""

    NAME = "name"
    KIND = "kind"
    SAME = "same"  # this one is a card of the other
    APART = "apart"  # these two are not one, whatever they show


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing said of one device. `by`: `user`, or the kind of mark that tells it. `card`, `address`: what
    the other had before this one was taken for it, where it has no row of its own."""

    device: str
    what: What
    value: str
    by: str
    at: datetime
    ended: datetime | None = None
    ended_by: str = ""
    card: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Sayings:
    """What holds now."""

    said: tuple[Saying, ...] = ()
    _of: dict[str, Saying] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """By the device that is a card of another."""
        object.__setattr__(self, "_of", {one.device: one for one in self.said if one.what is What.SAME})

    def name(self, device: str) -> str | None:
        """What a person calls it."""
        return self._word(device, What.NAME)

    def kind(self, device: str) -> str | None:
        """What a person says it is."""
        return self._word(device, What.KIND)

    def _word(self, device: str, what: What) -> str | None:
        """Said of it, or of another of its cards."""
        of = {one.device: one.value for one in self.said if one.what is what}
        whose = (device, self.lead(device), *sorted(self.together(device)))
        return next((of[one] for one in whose if one in of), None)

    def same(self, device: str) -> Saying | None:
        """That it is a card of another, and who says so."""
        return self._of.get(device)

    def lead(self, device: str) -> str:
        """The id under which all cards of this device are one; its own where it stands alone."""
        met = {device}
        while (said := self._of.get(device)) is not None and said.value not in met:
            device = said.value
            met.add(device)
        return device

    def together(self, device: str) -> frozenset[str]:
        """All ids of what it is a card of, itself among them."""
        return self._groups.get(self.lead(device), frozenset({device}))

    @cached_property
    def _groups(self) -> Mapping[str, frozenset[str]]:
        groups = defaultdict[str, set[str]](set)
        for one in {*self._of, *(said.value for said in self._of.values())}:
            groups[self.lead(one)].add(one)
        return {lead: frozenset(ids) for lead, ids in groups.items()}

    def apart(self, one: str, other: str) -> bool:
        """Has a person said that these two are not one?"""
        mine, theirs = self.together(one), self.together(other)
        return any(
            said.what is What.APART
            and (
                (said.device in mine and said.value in theirs)
                or (said.device in theirs and said.value in mine)
            )
            for said in self.said
        )


def ruled(devices: Iterable[Device], said: Sayings) -> tuple[Device, ...]:
    """The devices with what was said of them. Where one card of a device is left alone, so are the others."""
    known = tuple(devices)
    alone = {said.lead(device.id): device.left_alone for device in known if device.left_alone}
    return tuple(
        replace(
            device,
            given=said.name(device.id),
            given_kind=said.kind(device.id),
            part_of=lead if (lead := said.lead(device.id)) != device.id else None,
            left_alone=device.left_alone or alone.get(lead),
        )
        for device in known
    )


def shown(part: DevicePart, said: Sayings) -> DevicePart:
    """As a report shows it: a person's word first, and beside it what its answers say."""
    lead, name, kind = said.lead(part.id), said.name(part.id), said.kind(part.id)
    names = tuple(dict.fromkeys((name, *part.names))) if name else part.names
    profile = dict(part.profile)
    if kind:
        heard = profile.get("kind") or part.kind
        by = profile.get("kind_by")
        profile |= {"kind": kind, "kind_by": USER, "confidence": "certain"}
        profile["kind_other"] = f"{heard} ({by})" if heard != kind and by else None
        profile = {key: value for key, value in profile.items() if value is not None}
    return replace(part, names=names, profile=profile, given=name, part_of=lead if lead != part.id else None)


def called(name: str) -> str:
    """A name that a person gives, as it is kept: one line of what can be printed; empty where nothing is."""
    return plain(name, LONGEST) or ""


def chosen(wanted: str, devices: Iterable[Device | DevicePart], said: Sayings) -> tuple[str, ...]:
    """Ids of the devices that a person may mean: by id, card, address, or a name, given or heard."""
    text = wanted.strip().lower()
    known = tuple(devices)
    if not text:
        return ()
    mac = card_id(text.replace("-", ":"))
    exact = {one.id for one in known if text in {one.id, one.address, one.mac} or one.id == mac}
    exact |= {one.device for one in said.said if one.what is What.SAME and one.device in {text, mac}}
    if exact:
        return tuple(sorted(exact))
    by_name = {
        said.lead(one.id) for one in known if text in {n.lower() for n in (one.given or "", *one.names)}
    }
    return tuple(sorted(by_name))
