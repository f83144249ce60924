"""Who says what a device is, how sure is that, and who says otherwise? A table for the consultant.

Nothing is weighed here: that was done when the device was recognised, and both sides are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.sayings import USER
from reports import aged
from reports.checks import checks
from reports.checks import evidence as listed
from reports.gaps import devices
from reports.phrase import ADDRESS, NAME, TEXT, called, clean
from reports.sheet import sheet
from reports.verdict import by_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.document import DevicePart, Document
    from reports.phrase import Phrases
    from reports.sheet import Cell, Sheet

CLAIMED = ("kind", "maker", "model", "product", "version", "system")


def evidence(say: Phrases, document: Document) -> Sheet:
    """Every device of the site, seen this time or not."""
    rows: list[tuple[Cell, ...]] = [
        (
            say.short_name(device),
            clean(device.address, ADDRESS),
            (*_claims(say, device), *others(say, device)),
            tuple(_rests_on(say, device)),
        )
        for device in sorted(devices(document), key=lambda row: by_address(row.address))
    ]
    return sheet(say, "devices", "device address claims rests-on", rows)


def sources(say: Phrases, told: object) -> str:
    """`SMB, mDNS, its network card`."""
    return ", ".join(
        say(key) if (key := f"evidence.by.{one}") in say.messages.sentences else _protocol(say, one)
        for one in clean(told, TEXT).split(", ")
    )


def confidence(say: Phrases, device: DevicePart) -> str:
    """How sure its kind is; what a person said is not the device's own word."""
    told = USER if device.profile.get("kind_by") == USER else device.profile.get("confidence")
    return say.word("evidence.confidence", str(told)) if told else ""


def _protocol(say: Phrases, name: str) -> str:
    return say.word("annex.protocols", name)


def _claims(say: Phrases, device: DevicePart) -> Iterator[tuple[str, str]]:
    """What it was recognised as, and by whose word; all its names; who made its network card."""
    profile = device.profile
    for what in CLAIMED:
        if (value := profile.get(what)) is not None:
            by = profile.get(f"{what}_by")
            word = say.word("phrase.kind", str(value)) if what == "kind" else clean(value, TEXT)
            told = say("evidence.claim", value=word, by=sources(say, by)) if by else word
            yield say(f"evidence.{what}"), told
    if "kind" not in profile:
        yield say("evidence.kind"), say.word("phrase.kind", device.kind)
    if sure := confidence(say, device):
        yield say("evidence.sure"), sure
    if names := called(device):
        yield say("evidence.names"), ", ".join(names)
    if card := " ".join(filter(None, (clean(device.mac or "", ADDRESS), clean(device.vendor or "", NAME)))):
        yield say("evidence.card"), card


def others(say: Phrases, device: DevicePart) -> Iterator[tuple[str, str]]:
    """What somebody else says instead: a value, and in brackets who."""
    for what in CLAIMED:
        told = device.profile.get(f"{what}_other")
        if not told:
            continue
        value, _, by = clean(told, 2 * TEXT).rpartition(" (")
        if what == "kind":
            value = say.word("phrase.kind", value)
        label = say("evidence.otherwise", what=say(f"evidence.{what}"))
        yield label, say("evidence.claim", value=value, by=sources(say, by.rstrip(")")))


def _rests_on(say: Phrases, device: DevicePart) -> Iterator[tuple[str, str]]:
    """Its age with the page and the day, and what CISA lists for what runs there."""
    about = {key.removeprefix("age_"): one for key, one in device.profile.items() if key.startswith("age_")}
    why = aged.unknown(say, about)
    if told := aged.sentence(say, about):
        yield say("evidence.age"), f"{told} {say('evidence.why', why=why)}" if about.get("why") else told
    else:
        yield say("evidence.age"), say("evidence.unknown", why=why)
    for one in checks(device.profile):
        yield say("evidence.check"), listed(say, one)
