"""Which devices came and went, in words: for the mail, the page and the tables.

A new device is told with what it seems to be, whose word that is and how sure it is; that a card is made up,
and what that means; and, where netwatch has not looked for long, that it may only have been off. Of one that
is gone nothing is told as repaired.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.change import ComingKind
from reports.phrase import ADDRESS, FACT, NAME, clean
from reports.seems import UNKNOWN, called, evidence, hides, what
from reports.verdict import by_address

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from netwatch.change import Coming
    from netwatch.document import ComingPart, DevicePart, Document
    from netwatch.model import Device
    from reports.phrase import Phrases

SUBJECT = 150
SITE = 32  # characters of the site's name in a subject
TITLE = 20  # characters of what it is that a subject always keeps
WHOLE = 8  # new devices told one by one in a mail; of more, one line each
LINES = 40  # of those
YOUNG = 7  # nights: who has been looking for fewer has not met everybody
MOST_PORTS = 20  # that a sentence names


@dataclass(frozen=True, slots=True)
class Arrival:
    """A new device as a mail tells it. `facts`: labels and values. `notes`: what to bear in mind."""

    title: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class News:
    """The devices of a mail. `more`: new ones beyond the first few, a line each. `young`: that netwatch has
    not looked for long. `advice`: what to do about the new ones; `then`: about those that are gone."""

    arrivals: tuple[Arrival, ...]
    more: tuple[str, ...]
    gone: tuple[str, ...]
    advice: tuple[str, ...]
    then: tuple[str, ...]
    young: str


@dataclass(frozen=True, slots=True)
class Line:
    """One coming as page and tables tell it."""

    kind: ComingKind
    quiet: bool
    word: str
    what: str
    name: str
    address: str
    explain: str


def subject(say: Phrases, site_name: str, comings: Sequence[Coming]) -> str:
    """Site, how many, which: on one line of at most 150 characters."""
    new, gone = _told(comings, ComingKind.NEW), _told(comings, ComingKind.GONE)
    lead, key = (new, "new") if new else (gone, "gone")
    if not lead:
        return clean(site_name, NAME)
    names = ", ".join(called(say, one.device) for one in lead)
    address, nights = clean(lead[0].device.address, ADDRESS), lead[0].nights
    end = others(say, gone) if new else ""

    def told(names: str) -> str:
        site = clean(site_name, SITE)
        return say.count(
            f"comings.subject.{key}", len(lead), site=site, what=names, address=address, nights=nights
        )

    room = SUBJECT - len(told("")) - len(end)
    return clean(told(clean(names, max(TITLE, room))) + end, SUBJECT)


def others(say: Phrases, comings: Sequence[Coming]) -> str:
    """What a subject adds that is about something else: `; a new device`. The new ones, else those gone."""
    for kind in (ComingKind.NEW, ComingKind.GONE):
        if number := len(_told(comings, kind)):
            return say.count(f"comings.others.{kind}", number)
    return ""


def intro(say: Phrases, comings: Sequence[Coming]) -> str:
    """The first sentence of a mail that is about devices."""
    new, gone = _told(comings, ComingKind.NEW), _told(comings, ComingKind.GONE)
    if new:
        return say.count("comings.intro.new", len(new))
    return say.count("comings.intro.gone", len(gone), nights=gone[0].nights if gone else 0)


def news(say: Phrases, comings: Sequence[Coming], found_at: datetime) -> News:
    """The devices of a mail, each told; what is to be done, once."""
    new, gone = _told(comings, ComingKind.NEW), _told(comings, ComingKind.GONE)
    rest = new[WHOLE:]
    more = [_place(say, one) for one in rest[:LINES]]
    if len(rest) > LINES:
        more.append(say("comings.mail.more", number=len(rest) - LINES))
    advice = ["unknown", "yours", "medical", *(["range"] if any(hides(one.device) for one in new) else [])]
    return News(
        tuple(_arrival(say, one, found_at) for one in new[:WHOLE]),
        tuple(more),
        tuple(_gone(say, one) for one in gone),
        tuple(say(f"comings.advice.{key}") for key in advice),
        tuple(say(f"comings.advice.{key}") for key in ("gone", "gone-patients")),
        _young(say, new),
    )


def also(say: Phrases, comings: Sequence[Coming]) -> list[str]:
    """What is a line in a mail and never its reason: who is back, who visits, and who was expected."""
    expected = [one for one in comings if one.kind is ComingKind.NEW and one.quiet]
    back = [
        say(
            f"comings.also.{kind}",
            what=called(say, one.device),
            address=clean(one.device.address, ADDRESS),
        )
        for kind in (ComingKind.BACK, ComingKind.ELSEWHERE)
        for one in comings
        if one.kind is kind
    ]
    return back + ([say.count("comings.expected", len(expected))] if expected else [])


def _told(comings: Sequence[Coming], kind: ComingKind) -> list[Coming]:
    """Those of this kind that are told, in the order of their addresses."""
    found = [one for one in comings if one.kind is kind and not one.quiet]
    return sorted(found, key=lambda one: by_address(one.device.address))


def _place(say: Phrases, one: Coming) -> str:
    return say("comings.mail.place", what=called(say, one.device), address=clean(one.device.address, ADDRESS))


def _gone(say: Phrases, one: Coming) -> str:
    last = say.moments.date(one.since) if one.since else ""
    return say("comings.mail.gone-line", place=_place(say, one), last=last, nights=one.nights)


def _young(say: Phrases, new: Sequence[Coming]) -> str:
    """That who was off in the few nights so far looks new."""
    few = [one for one in new if 0 < one.nights < YOUNG and one.since is not None]
    if not few:
        return ""
    oldest = max(few, key=lambda one: one.nights)
    return say.count("comings.note.young", oldest.nights, since=say.moments.date(oldest.since or ""))


def _arrival(say: Phrases, one: Coming, found_at: datetime) -> Arrival:
    """All that is known of it."""
    device = one.device
    facts = {
        "is": evidence(say, device),
        "name": ", ".join(clean(name, NAME) for name in device.names[:3]),
        "address": clean(device.address, ADDRESS),
        "card": _card(say, device),
        "open": _open(say, one.open),
        "first": say.moments.full(found_at),
    }
    notes = [say("comings.note.hides")] if hides(device) else []
    if one.since is not None and not one.nights:
        notes.append(say("comings.note.quiet-before", since=say.moments.date(one.since)))
    if device.mac is None:
        notes.append(say("comings.note.no-card"))
    return Arrival(
        _upper_first(what(say, device)),
        tuple((say(f"comings.fact.{key}"), told) for key, told in facts.items() if told),
        tuple(notes),
    )


def _upper_first(words: str) -> str:
    return words[:1].upper() + words[1:]


def _card(say: Phrases, device: Device | DevicePart) -> str:
    if device.mac is None:
        return ""
    mac = clean(device.mac, ADDRESS)
    if hides(device):
        return say("comings.card.hidden", mac=mac)
    return say("comings.card.made", mac=mac, maker=clean(device.vendor, NAME)) if device.vendor else mac


def _open(say: Phrases, opened: Sequence[tuple[int, str, str]]) -> str:
    """`80 (HTTP), 9100`: a port of which nothing is proved stands alone."""
    told = []
    for port, transport, word in opened[:MOST_PORTS]:
        names = [] if word == UNKNOWN else [say.word("annex.protocols", word, NAME)]
        names += [] if transport == "tcp" else [clean(transport, NAME).upper()]
        told.append(f"{port} ({', '.join(names)})" if names else str(port))
    if len(opened) > MOST_PORTS:
        told.append("…")
    return clean(", ".join(told), 2 * FACT) or say("comings.mail.nothing-open")


def lines(say: Phrases, document: Document) -> list[Line]:
    """Who came and went in this night, bad news first; those that were expected last."""
    devices = {device.id: device for device in document.devices}
    order = (ComingKind.NEW, ComingKind.GONE, ComingKind.BACK, ComingKind.ELSEWHERE)
    told = sorted(
        document.comings, key=lambda one: (one.quiet, order.index(one.kind), by_address(one.address))
    )
    return [_line(say, one, devices.get(one.device)) for one in told]


def _line(say: Phrases, one: ComingPart, device: DevicePart | None) -> Line:
    since = say.moments.date(one.since) if one.since else ""
    expected = one.quiet and one.kind == ComingKind.NEW
    key = f"{one.kind.value}-expected" if expected else one.kind.value
    sure = ""
    if device is not None and one.kind == ComingKind.NEW and not expected:
        sure = say("comings.mail.fact", label=say("comings.fact.is"), value=evidence(say, device))
    explain = say(f"comings.explain.{key}", since=since, nights=one.nights)
    names = device.names[:1] if device else ()
    return Line(
        one.kind,
        one.quiet,
        say(f"comings.kind.{key}"),
        what(say, device),
        "".join(clean(name, NAME) for name in names),
        clean(one.address, ADDRESS),
        " ".join(filter(None, (explain, sure))),
    )


def summary(say: Phrases, document: Document) -> list[str]:
    """A line for each that is told, the first few; and how many were expected."""
    told = [one for one in lines(say, document) if one.kind != ComingKind.BACK and not one.quiet]
    rest = len(told) - WHOLE
    quiet = sum(one.quiet and one.kind == ComingKind.NEW for one in document.comings)
    return [
        *(say("comings.summary", word=one.word, what=one.what, address=one.address) for one in told[:WHOLE]),
        *([say.count("comings.summary-more", rest)] if rest > 0 else []),
        *([say.count("comings.expected", quiet)] if quiet else []),
    ]
