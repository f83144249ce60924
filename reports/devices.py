"""Which devices are there, in words that a doctor knows? One row a device, in families, for page and table.

What is not known is told as unknown, and a device that was not seen this time says so. Its age is the worst
of what is known to run there: what it was recognised as, and what a finding rests on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.model import Status
from reports import aged, gaps
from reports.checks import checks, sentence
from reports.checks import short as short_check
from reports.gaps import devices, vanished
from reports.phrase import ADDRESS, NAME, TEXT, called, clean, upper_first
from reports.verdict import by_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netwatch.document import DevicePart, Document, ServicePart
    from netwatch.model import Fact
    from reports.phrase import Phrases

# The kinds of a family, in the order in which a practice would name them; `unknown` has all the others.
FAMILIES = {
    "care": ("archive", "interface-engine", "medical-imaging", "medical", "imaging", "pacs", "modality"),
    "computers": ("computer", "workstation", "server", "nas"),
    "office": ("printer", "phone", "camera", "tv", "iot"),
    "network": ("box", "router", "switch", "access-point"),
    "unknown": (),
}
WORST = ("unsafe", "ended", "ending", "supported", "unknown")  # of several, the first is told
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Row:
    """A device as it is read. `state`: one of WORST; `age`: its word, `detail`: since or until when, or why
    it is unknown; `read`: on which day that was read. `services`: what stands open, in words. `first`,
    `last`: when it was seen; `seen`: was it this time? `checks`: what is to be checked, in short. `cards`:
    addresses and cards that it has besides."""

    name: str
    kind: str
    made: str
    software: str
    state: str
    age: str
    detail: str
    read: str
    address: str
    mac: str
    first: str
    last: str
    seen: bool
    services: tuple[str, ...]
    ports: tuple[int, ...]
    checks: tuple[str, ...]
    cards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """Devices of one family, in the order of their addresses."""

    title: str
    rows: tuple[Row, ...]


def families(say: Phrases, document: Document) -> tuple[Family, ...]:
    """Every device of the site, seen this time or not; families that have none are left out."""
    known = sorted(devices(document), key=lambda one: by_address(one.address))
    absent = {one.id for one in vanished(document)}
    made = [(_family(one), _row(say, document, one, seen=one.id not in absent)) for one in known]
    found = (
        Family(say(f"devices.family.{name}"), tuple(row for family, row in made if family == name))
        for name in FAMILIES
    )
    return tuple(family for family in found if family.rows)


def tally(say: Phrases, rows: Iterable[Row]) -> str:
    """How many there are, how many were seen, and how many of each age."""
    rows = tuple(rows)
    states, seen = Counter(row.state for row in rows), sum(row.seen for row in rows)
    ages = ", ".join(say.count(f"devices.tally.{state}", states[state]) for state in WORST if states[state])
    return say.count("devices.count", len(rows), seen=say.count("devices.seen", seen), ages=ages)


def to_check(say: Phrases, document: Document) -> list[tuple[str, tuple[str, ...]]]:
    """Each device with what everybody is told to check there, whole."""
    known = sorted(devices(document), key=lambda one: by_address(one.address))
    told = ((one, checks(one.profile, everybody=True)) for one in known)
    return [
        (
            f"{say.short_name(one)}, {clean(one.address, ADDRESS)}",
            tuple(sentence(say, each) for each in found),
        )
        for one, found in told
        if found
    ]


def kind(say: Phrases, device: DevicePart) -> str:
    """What it was recognised as, else what the engine takes it for."""
    return say.word("phrase.kind", _kind(device))


def about(document: Document, device: DevicePart) -> Mapping[str, Fact]:
    """What its age rests on: the worst of what it was recognised as and of what its findings name."""
    own = {key.removeprefix("age_"): one for key, one in device.profile.items() if key.startswith("age_")}
    found = [
        one.about
        for one in document.findings
        if one.device == device.id and one.about and one.status != Status.RESOLVED
    ]
    return min((own, *found), key=lambda told: WORST.index(state(told)))


def state(told: Mapping[str, Fact]) -> str:
    """One of WORST, whatever was stored."""
    word = told.get("state")
    return word if isinstance(word, str) and word in WORST else UNKNOWN


def age(say: Phrases, told: Mapping[str, Fact]) -> tuple[str, str]:
    """Its word, and since or until when that is; of what is unknown, why."""
    word = state(told)
    if word == UNKNOWN:
        return say("devices.age.unknown"), aged.unknown(say, told)
    until, safe = say.moments.short_day(told.get("until")), clean(told.get("last_safe") or "", NAME)
    detail = say(f"devices.detail.{word}", until=until, safe=safe) if until or word == "unsafe" else ""
    return say(f"devices.age.{word}"), detail


def opened(say: Phrases, services: Iterable[ServicePart]) -> tuple[str, ...]:
    """What stands open, each thing once; ports that nobody recognised are counted."""
    told = dict[str, bool]()
    unknown = 0
    for one in sorted(services, key=lambda row: row.port):
        if one.protocol == UNKNOWN:
            unknown += 1
            continue
        key = f"devices.service.{one.protocol}"
        known = key in say.messages.sentences
        word = say(key) if known else say.word("annex.protocols", one.protocol, NAME)
        told[word] = told.get(word, False) or one.facts.get("protocol_from") != "port"
    words = (word if proved else say("annex.guessed-short", protocol=word) for word, proved in told.items())
    return (*words, *((say.count("devices.other-ports", unknown),) if unknown else ()))


def _kind(device: DevicePart) -> str:
    return str(device.profile.get("kind") or device.kind)


def _family(device: DevicePart) -> str:
    return next((name for name, kinds in FAMILIES.items() if _kind(device) in kinds), UNKNOWN)


def _told_kind(say: Phrases, device: DevicePart) -> str:
    """What stands below the name: its kind, or which of the two is not known. Without either, nothing."""
    known = _kind(device) != UNKNOWN
    if not called(device):
        return say("devices.no-name") if known else ""
    return kind(say, device) if known else say("devices.no-kind")


def _row(say: Phrases, document: Document, device: DevicePart, *, seen: bool) -> Row:
    told = about(document, device)
    word, detail = age(say, told)
    services, more = gaps.services(document, device), gaps.beside(document, device)
    version = clean(device.version or "", NAME)
    return Row(
        name=say.short_name(device) if called(device) else upper_first(say.short_name(device)),
        kind=_told_kind(say, device),
        made=clean(" ".join(filter(None, (device.maker or device.vendor, device.model))), TEXT),
        software=aged.software(told) or (say("devices.version", version=version) if version else ""),
        state=state(told),
        age=word,
        detail=detail,
        read=aged.read(say, told).strip("()"),
        address=clean(device.address, ADDRESS),
        mac=clean(device.mac or "", ADDRESS),
        first=say.moments.short(device.first_seen),
        last=say.moments.short(device.last_seen),
        seen=seen,
        services=opened(say, services),
        ports=tuple(sorted({one.port for one in services})),
        cards=tuple(" ".join(clean(told or "", ADDRESS) for told in (one.address, one.mac)) for one in more),
        checks=tuple(short_check(say, one) for one in checks(device.profile, everybody=True)),
    )
