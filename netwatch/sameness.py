"""Is what looks like a new device one that we know, with another card or at another address? Pure.

A card names a device (identity.py), but a telephone makes up a new one every week, a laptop has one in its
dock and another without, and behind a router no card is seen. What then tells is what it shows: a key that
one device alone has (SSH host key, certificate, the identifier of a printer, a camera or a UPnP device), or,
where its card is made up or unseen, the name that it alone goes by. A device of which no card is seen, and
that shows other keys than before, is another one at that address.

A mistake costs more in one way than in the other: taken for another, a device takes over its history, so
whatever contradicts, another name among it, leaves it a new one. Where it stops: two devices that share one
key, show no name, and of which each was away on the other's nights, are taken for one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from netwatch.identity import randomised, virtual
from netwatch.model import Vantage
from netwatch.sayings import Sayings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.model import Device, Observation, Run

Mark = tuple[str, str]  # kind, value
Marks = frozenset[Mark]
NEW, BEFORE = "new", "before"
NOTHING: Marks = frozenset()
NOTHING_SAID = Sayings()
KEYS = {
    "certificate": ("certificate_key",),
    "host-key": ("host_key",),
    "device-uuid": ("printer_uuid", "onvif_uuid", "uuid"),
    "serial": ("serial",),
}
LASTING = frozenset(KEYS) - {"certificate"}  # a certificate is renewed
NAMES = ("netbios_name", "dns_name", "name")
NAME = "name"
TELLING = frozenset(
    {"mdns", "llmnr", "smb", "rdp", "winrm", "netbios", "snmp"}
)  # whose `name` is a machine's
# Names that many go by.
COMMON = frozenset(
    {"localhost", "android", "iphone", "ipad", "desktop", "laptop", "printer", "unknown", "router"}
)


@dataclass(frozen=True, slots=True)
class Same:
    """`new` is `old`. `by`: the kind of mark that told it, or `before`: it was told on an earlier night, of
    the same card. Where it is `new`, it is nobody we know, and `old` is a fresh id."""

    new: str
    old: str
    by: str


def marks(seen: Iterable[Observation]) -> dict[str, Marks]:
    """What each device shows of itself that another would not, by device."""
    found = defaultdict[str, set[Mark]](set)
    for one in seen:
        if one.vantage is not Vantage.LAN:
            continue
        for kind, facts in KEYS.items():
            found[one.device] |= {(kind, value) for fact in facts if (value := _text(one.facts.get(fact)))}
        if one.protocol in TELLING:
            found[one.device] |= {(NAME, name) for fact in NAMES if (name := _name(one.facts.get(fact)))}
    return {device: frozenset(told) for device, told in found.items() if told}


def same(
    tonight: Iterable[Device],
    shown: Mapping[str, Marks],
    known: Iterable[Device],
    remembered: Mapping[str, Marks],
    said: Sayings = NOTHING_SAID,
) -> Iterator[Same]:
    """Which devices of tonight are which known ones. `shown`: marks of tonight; `remembered`: of before.

    In question are devices that nobody knew by their id, and those without a card of their own that show
    other keys than they did; only a known device that was not met tonight can be one of them. Each is matched
    once: by what was found on an earlier night, then by keys, then by names. What is at a known address and
    is nobody we know has a new id. What a person parted stays apart.
    """
    home, before = tuple(tonight), {device.id: device for device in known}
    theirs, ours = _bearers(remembered), _bearers(shown)
    others = {
        one.id
        for one in home
        if one.id in before
        and (one.mac is None or randomised(one.mac))
        and (
            contradicts(shown.get(one.id, NOTHING), remembered.get(one.id, NOTHING))
            or _belongs_elsewhere(one.id, shown, theirs)
            or _belongs_elsewhere(one.id, remembered, ours)
        )
    }
    free = {one.id: one for one in home if one.id not in before or one.id in others}
    met = {one.id for one in home} - others
    gone = {name: one for name, one in before.items() if name not in met}
    matched: dict[str, Same] = {}

    def may_be(new: str, old: str) -> bool:
        used = old in {one.old for one in matched.values()}
        clash = contradicts(shown.get(new, NOTHING), remembered.get(old, NOTHING), LASTING | {NAME})
        return old in gone and not used and not clash and not said.apart(new, old)

    for new in sorted(free.keys() - others):
        told = said.same(new)
        if told is not None and may_be(new, told.value):
            matched[new] = Same(new, told.value, BEFORE)
    for kinds in (frozenset(KEYS), frozenset({NAME})):
        for new in sorted(free.keys() - matched.keys()):
            marked = [mark for mark in shown.get(new, ()) if mark[0] in kinds and ours[mark] == {new}]
            olds = {old for mark in marked for old in theirs.get(mark, ())} - {new}
            if len(olds) != 1:
                continue
            old = olds.pop()
            if not may_be(new, old):
                continue
            if NAME in kinds and not _may_have_changed_its_card(free[new], gone[old]):
                continue
            by = min(mark[0] for mark in marked if old in theirs.get(mark, ()))
            matched[new] = Same(new, old, by)
    yield from matched.values()
    for new in sorted(others - matched.keys()):
        taken = {*before, *met, *(one.old for one in matched.values())}
        fresh = next(name for n in count(2) if (name := f"{new}-{n}") not in taken)
        yield Same(new, fresh, NEW)


def _bearers(marked: Mapping[str, Marks]) -> dict[Mark, set[str]]:
    """Who shows each mark."""
    found = defaultdict[Mark, set[str]](set)
    for device, told in marked.items():
        for mark in told:
            found[mark].add(device)
    return dict(found)


def _belongs_elsewhere(device: str, marked: Mapping[str, Marks], bearers: Mapping[Mark, set[str]]) -> bool:
    """Has it a key that others have on the other side (tonight, or before), and it has not?"""
    keys = (mark for mark in marked.get(device, NOTHING) if mark[0] in LASTING)
    return any(bearers.get(mark) and device not in bearers[mark] for mark in keys)


def followed(run: Run, told: Iterable[Same], known: Iterable[Device] = ()) -> Run:
    """The run, with each device that was known again under its own id. One that a person has to release is
    still left alone, whatever its card is by now."""
    ids = {one.new: one.old for one in told}
    if not ids:
        return run

    alone = {device.id: device.left_alone for device in known}

    def named(device: str) -> str:
        return ids.get(device, device)

    return replace(
        run,
        devices=tuple(
            replace(one, id=named(one.id), left_alone=one.left_alone or alone.get(named(one.id)))
            for one in run.devices
        ),
        observations=tuple(replace(one, device=named(one.device)) for one in run.observations),
        coverage=tuple(replace(one, device=one.device and named(one.device)) for one in run.coverage),
        failures=tuple(replace(one, device=one.device and named(one.device)) for one in run.failures),
        findings=frozenset(replace(one, device=named(one.device)) for one in run.findings),
        rounds=tuple(replace(one, device=named(one.device)) for one in run.rounds),
    )


def contradicts(new: Marks, old: Marks, kinds: frozenset[str] = LASTING) -> bool:
    """Do both show marks of one of these kinds, and none of it in common?"""
    for kind in kinds:
        mine, theirs = ({mark for mark in marks_ if mark[0] == kind} for marks_ in (new, old))
        if mine and theirs and not mine & theirs:
            return True
    return False


def _may_have_changed_its_card(new: Device, old: Device) -> bool:
    """Is one of both cards made up, a role's, or not seen? A real card that changed is another device's."""
    return any(mac is None or randomised(mac) or virtual(mac) for mac in (new.mac, old.mac))


def _text(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) and len(value.strip()) > 3 else ""  # noqa: PLR2004


def _name(value: object) -> str:
    """A machine's name without its domain; nothing where many go by it."""
    name = _text(value).partition(".")[0]
    return "" if name in COMMON or len(name) < 4 else name  # noqa: PLR2004 - `pc1` is anybody's
