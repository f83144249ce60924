"""What does the consultant need to check our work? The facts of a night as plain tables.

Nothing is interpreted and nothing is left out, except facts without a value. What was only guessed from a
port number says so.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from netwatch.model import Reason
from reports.doors import doors
from reports.evidence import evidence
from reports.phrase import ADDRESS, NAME, TEXT, Phrases, clean
from reports.said import read
from reports.sheet import sheet
from reports.verdict import by_address
from reports.way import FORWARDS

if TYPE_CHECKING:
    from netwatch.document import Document, ServicePart
    from reports.doors import Door
    from reports.sheet import Cell, Sheet

SINCE = "since "  # and a moment: how long a device is left alone
PACE = ("packets", "guarded", "overall", "pause")


def sheets(say: Phrases, document: Document) -> tuple[Sheet, ...]:
    """Devices, services, what was asked, what was not answered; where there are any, the practice's addresses
    on the internet, what leads where and what others say."""
    names = {device.id: say.short_name(device) for device in document.devices}
    internet = (_addresses(say, document), _links(say, document, names), _statements(say, document, names))
    return (
        evidence(say, document),
        _services(say, document, names),
        *(sheet for sheet in internet if sheet.rows),
        _coverage(say, document, names),
        _failures(say, document, names),
    )


def seen_from(say: Phrases, document: Document) -> str:
    """From where, when to when, and in which clock."""
    run = document.run
    return say(
        "page.annex.seen-from",
        vantages=", ".join(say(f"phrase.vantage.{vantage}") for vantage in run.vantages),
        run=clean(run.id, TEXT),
        started=say.moments.full(run.started),
        finished=say.moments.full(run.finished),
        zone=say.moments.zone(run.finished),
    )


def pace(say: Phrases, document: Document) -> str:
    """How fast it was, where the run tells."""
    kept = {key: say.number(document.run.pace[key]) for key in PACE if key in document.run.pace}
    return say("page.annex.pace", **kept) if len(kept) == len(PACE) else ""


def override(say: Phrases, document: Document) -> str:
    """Who answers for a pace above netwatch's own, where somebody does."""
    told = document.run.pace
    if "override_by" not in told:
        return ""
    by, reason = (clean(str(told.get(key, "")), TEXT) for key in ("override_by", "override_reason"))
    return say("page.annex.override", by=by, reason=reason)


def protocol(say: Phrases, service: ServicePart) -> str:
    """The protocol, told as a guess where only the port number suggests it."""
    word = say.word("annex.protocols", service.protocol)
    if service.facts.get("protocol_from") == "port":
        return say("annex.guessed", protocol=word)
    return word


def _services(say: Phrases, document: Document, names: dict[str, str]) -> Sheet:
    """Every open port, and what it said."""
    rows: list[tuple[Cell, ...]] = [
        (
            names.get(service.device, clean(service.address, ADDRESS)),
            clean(service.address, ADDRESS),
            f"{service.port}/{clean(service.transport, NAME)}",
            protocol(say, service),
            say(f"phrase.vantage.{service.vantage}"),
            tuple(say.facts(service.facts)),
            say.moments.short(service.first_seen),
            say.moments.short(service.last_seen),
        )
        for service in sorted(document.services, key=lambda row: (by_address(row.address), row.port))
    ]
    return sheet(say, "services", "device address port protocol vantage facts first-seen last-seen", rows)


def _addresses(say: Phrases, document: Document) -> Sheet:
    """The practice's addresses on the internet: on whose word, and how far each was asked from outside."""
    moments = say.moments
    rows: list[tuple[Cell, ...]] = [
        (
            clean(one.address, ADDRESS),
            ", ".join(say.word("annex.sources", source) for source in one.source.split(", ")),
            moments.short(one.first_seen),
            moments.short(one.last_seen),
            moments.short(one.asked) if one.asked else say("annex.never"),
            str(one.ports),
        )
        for one in document.public
    ]
    return sheet(say, "addresses", "address source first-seen last-seen asked asked-ports", rows)


def _links(say: Phrases, document: Document, names: dict[str, str]) -> Sheet:
    """Which inside service each public port leads to, by what mark, and how much is proved."""
    rows: list[tuple[Cell, ...]] = [
        (
            f"{clean(door.address, ADDRESS)} {door.port}/{clean(door.transport, NAME)}".strip(),
            names.get(door.link.device, "") if door.link else "",
            say.place(door.link.address, door.link.port or None) if door.link else "",
            _known_by(say, door),
            say(f"phrase.exposure-short.{door.exposure}"),
            ", ".join(clean(one.rule, NAME) for one in door.findings),
        )
        for door in doors(document)
    ]
    return sheet(say, "links", "public-port device inside by exposure rules", rows)


def _known_by(say: Phrases, door: Door) -> str:
    """By what mark it is known where a port leads; where the box or a person says so, who and when."""
    if door.link is None:
        return ""
    told = [read(say, one) for one in door.forwards] if door.link.by in FORWARDS else []
    return ", ".join(dict.fromkeys(told)) or say.word("outside.by", door.link.by)


def _statements(say: Phrases, document: Document, names: dict[str, str]) -> Sheet:
    """What the box, a person and third parties say, each of its own date."""
    rows: list[tuple[Cell, ...]] = [
        (
            say.word("outside.who", one.who),
            say(f"phrase.vantage.{one.vantage}"),
            say.word("annex.protocols", one.about),
            names.get(one.device, ""),
            clean(one.address, ADDRESS),
            f"{one.port}/{clean(one.transport, NAME)}" if one.port else "",
            tuple(say.facts(one.facts)),
            say.moments.short(one.said_at),
            say.moments.short(one.first_seen),
        )
        for one in document.statements
    ]
    return sheet(say, "statements", "who vantage about device address port facts said-at first-seen", rows)


def _coverage(say: Phrases, document: Document, names: dict[str, str]) -> Sheet:
    """What was asked of each device, and how it ended, port by port."""
    asked: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for row in sorted(document.coverage, key=lambda row: (by_address(row.address), row.probe)):
        name = names.get(row.device or "", clean(row.address, ADDRESS))
        key = (
            name,
            clean(row.address, ADDRESS),
            say.word("annex.question", row.probe),
            say(f"phrase.vantage.{row.vantage}"),
        )
        ports, detail = clean(row.ports).replace(",", ", "), _detail(say, row.detail)
        told = say("annex.told", ports=ports, detail=detail) if ports and detail else ports or detail
        asked.setdefault(key, []).append((say(f"phrase.outcome.{row.outcome}"), told))
    rows: list[tuple[Cell, ...]] = [(*key, tuple(outcomes)) for key, outcomes in asked.items()]
    return sheet(say, "coverage", "device address probe vantage ports", rows)


def _detail(say: Phrases, detail: str) -> str:
    """Why it ended so, or how it was looked for: a class, one of our words or sentences, several words."""
    if detail.startswith(SINCE):
        with suppress(ValueError):
            return say("annex.since", when=say.moments.date(detail.removeprefix(SINCE)))
    known = say.messages.sentences
    parts = [detail] if f"annex.why.{detail}" in known else detail.split(", ")
    topic = {part: "annex.why" if f"annex.why.{part}" in known else "phrase.kind" for part in parts}
    return ", ".join(say.word(topic[part], part) for part in parts)


def _failures(say: Phrases, document: Document, names: dict[str, str]) -> Sheet:
    """Every question without an answer, with its reason as we recorded it."""
    rows: list[tuple[Cell, ...]] = [
        (
            names.get(row.device or "", clean(row.address, ADDRESS)) or say("annex.whole-site"),
            clean(row.address, ADDRESS),
            "" if row.port is None else str(row.port),
            say.word("annex.question", row.probe),
            say(f"phrase.vantage.{row.vantage}"),
            say(f"phrase.reason.{Reason(row.reason)}"),
            clean(row.detail, 2 * TEXT),
        )
        for row in sorted(document.failures, key=lambda row: (by_address(row.address), row.port or 0))
    ]
    return sheet(say, "failures", "device address port probe vantage reason detail", rows)
