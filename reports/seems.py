"""What does a device seem to be, in a few words, and on whose word? A mere hint is told as one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netwatch.identity import randomised, virtual
from netwatch.sayings import USER
from reports.phrase import NAME, clean

if TYPE_CHECKING:
    from netwatch.document import DevicePart
    from netwatch.model import Device
    from reports.phrase import Phrases

HINT, UNKNOWN = "hint", "unknown"
# What a company's name says of its legal form.
FORM = re.compile(
    r"(?i)(,|\s)\s*(inc(orporated)?|corp(oration)?|co|ltd|limited|llc|gmbh|ag|s\.?a\.?|b\.?v|sas)\b\.?,?.*$"
)


def what(say: Phrases, device: Device | DevicePart | None) -> str:
    """`Brother HL-L2350DW printer`; with a question mark where only a hint says so."""
    if device is None:
        return say("comings.what.unknown")
    kind, sure = _kind(device)
    maker = _maker(device)
    if kind == UNKNOWN:
        key = "role" if shared(device) else "hidden" if hides(device) else "card" if maker else "unknown"
        return say(f"comings.what.{key}", maker=maker)
    word = say.word("phrase.kind", kind)
    told = say("comings.what.known", kind=word, maker=maker) if maker else word
    return say("comings.what.perhaps", what=told) if sure == HINT else told


def _kind(device: Device | DevicePart) -> tuple[str, str]:
    """What it seems to be, and how sure that is; the engine's own evidence (ports, card) is a hint."""
    told = device.profile.get("kind")
    if isinstance(told, str) and told != UNKNOWN:
        return told, str(device.profile.get("confidence") or HINT)
    return device.kind, HINT


def _maker(device: Device | DevicePart) -> str:
    """Who made it, and which one it is, each once."""
    maker, model = device.maker or FORM.sub("", device.vendor or ""), device.model or ""
    told = model if model.lower().startswith(maker.lower()) else f"{maker} {model}"
    return clean(told, NAME)


def called(say: Phrases, device: Device | DevicePart | None) -> str:
    """Its name, where it has one, and what it is."""
    name = clean(device.names[0], NAME) if device and device.names else ""
    return ", ".join(filter(None, (name, what(say, device))))


def evidence(say: Phrases, device: Device | DevicePart) -> str:
    """What it seems to be, how sure, and on whose word."""
    kind, sure = _kind(device)
    if kind == UNKNOWN:
        return say("comings.sure.role" if shared(device) else "comings.sure.unknown")
    if device.profile.get("kind_by") == USER:
        return say("comings.sure.user", kind=say.word("phrase.kind", kind))
    by = str(device.profile.get("kind_by") or "engine").split(", ")
    told = [
        say.word("comings.by" if f"comings.by.{one}" in say.messages.sentences else "annex.protocols", one)
        for one in by
    ]
    sure = sure if f"comings.sure.{sure}" in say.messages.sentences else HINT
    return say(f"comings.sure.{sure}", kind=say.word("phrase.kind", kind), by=", ".join(dict.fromkeys(told)))


def hides(device: Device | DevicePart) -> bool:
    """Is its card made up?"""
    return device.mac is not None and randomised(device.mac)


def shared(device: Device | DevicePart) -> bool:
    """Is its card that of a role, which routers hand to each other?"""
    return device.mac is not None and virtual(device.mac)
