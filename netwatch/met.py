"""Who was met tonight? The night's devices, each under the id it has for ever, and what was found out of it.

First what came back with another card or at another address (sameness.py), then which two are cards of one
(cards.py). Both are written down with the mark that tells it, so that a person can see and part it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwatch import sameness
from netwatch.cards import Cards
from netwatch.classes import rank
from netwatch.diff import at_internet
from netwatch.identity import card_id, virtual
from netwatch.sayings import CONTRADICTED, Saying, Sayings, What, ruled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.model import Device, Observation, Run
    from netwatch.sameness import Same


@dataclass(frozen=True, slots=True)
class Met:
    """The run, with its devices as those they are. `said`: found out tonight; `ended`: holds no more."""

    run: Run
    said: tuple[Saying, ...] = ()
    ended: tuple[Saying, ...] = ()
    ended_by: str = CONTRADICTED


def met(run: Run, devices: Iterable[Device], seen: Iterable[Observation], said: Sayings) -> Met:
    """`devices`: all that are known; `seen`: what was seen last of them."""
    known = {device.id: device for device in devices if not at_internet(device.id)}
    home = [device for device in run.devices if not at_internet(device.id)]
    shown, remembered = sameness.marks(run.observations), sameness.marks(seen)
    told = tuple(sameness.same(home, shown, known.values(), remembered, said))
    run = sameness.followed(run, told, known.values())
    ids = {one.new: one.old for one in told}
    shown = {ids.get(device, device): marks for device, marks in shown.items()}
    tonight = {device.id: device for device in run.devices if not at_internet(device.id)}
    cards = Cards(tonight, shown, frozenset(known), remembered)
    ended = tuple(cards.parted(said))
    standing = Sayings(tuple(one for one in said.said if one not in ended))
    new = (*_again(told, known, run, said), *cards.one(standing, run.started))
    now = Sayings((*standing.said, *new))
    return Met(replace(run, devices=ruled(run.devices, now)), new, ended)


def _again(told: Iterable[Same], known: Mapping[str, Device], run: Run, said: Sayings) -> Iterator[Saying]:
    """That a card is one of a device that we know; a role's card says nothing on another night."""
    cards = {device.id: device.mac for device in run.devices}
    for one in told:
        mac, old = cards.get(one.old), known.get(one.old)
        if old is None or mac is None or virtual(mac) or one.new != card_id(mac) or said.same(one.new):
            continue
        yield Saying(one.new, What.SAME, one.old, one.by, run.started, card=old.mac, address=old.address)


def as_careful(devices: Iterable[Device], said: Sayings) -> dict[str, str]:
    """The kind of the most careful card of each device that has several: one of them may know less."""
    kinds = {device.id: device.given_kind or device.kind for device in devices}
    found = {}
    for device in kinds:
        group = said.together(device) & kinds.keys()
        if len(group) > 1:
            found[device] = max((kinds[one] for one in sorted(group)), key=rank)
    return {device: kind for device, kind in found.items() if rank(kind)}


def shared(devices: Iterable[Device], seen: Iterable[Observation]) -> Iterator[Observation]:
    """What the other cards of a device tell of it, as told by itself."""
    leads = {device.id: device.part_of for device in devices if device.part_of}
    for one in seen:
        if (lead := leads.get(one.device)) is not None:
            yield replace(one, device=lead)
