"""What does the consultant need to check our work? The facts of a night as plain tables.

Nothing is interpreted and nothing is left out, except facts without a value. What was only guessed from a
port number says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.model import Reason
from reports.phrase import ADDRESS, NAME, TEXT, Phrases, clean
from reports.verdict import by_address

if TYPE_CHECKING:
    from netwatch.document import Document, ServicePart

# A cell is a text, or labels with their values.
Cell = str | tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. The first cell of a row names it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def sheets(say: Phrases, document: Document) -> tuple[Sheet, ...]:
    """Devices, services, what was asked, what was not answered."""
    names = {device.id: say.short_name(device) for device in document.devices}
    return (
        _devices(say, document),
        _services(say, document, names),
        _coverage(say, document, names),
        _failures(say, document, names),
    )


def protocol(say: Phrases, service: ServicePart) -> str:
    """The protocol, told as a guess where only the port number suggests it."""
    word = say.word("annex.protocols", service.protocol)
    if service.facts.get("protocol_from") == "port":
        return say("annex.guessed", protocol=word)
    return word


def _sheet(say: Phrases, name: str, heads: str, rows: list[tuple[Cell, ...]]) -> Sheet:
    """A table whose heads are named by the ends of their sentences' ids."""
    return Sheet(say(f"annex.{name}"), tuple(say(f"annex.{head}") for head in heads.split()), tuple(rows))


def _devices(say: Phrases, document: Document) -> Sheet:
    """Every device of the site, seen this time or not."""
    rows: list[tuple[Cell, ...]] = [
        (
            say.short_name(device),
            clean(device.address, ADDRESS),
            clean(device.mac or "", NAME),
            say.word("phrase.kind", device.kind),
            clean(
                " ".join(filter(None, (device.maker or device.vendor, device.model, device.version))), TEXT
            ),
            say.moments.short(device.first_seen),
            say.moments.short(device.last_seen),
        )
        for device in sorted(document.devices, key=lambda row: by_address(row.address))
    ]
    return _sheet(say, "devices", "device address mac kind made-by first-seen last-seen", rows)


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
    return _sheet(say, "services", "device address port protocol vantage facts first-seen last-seen", rows)


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
        told = " ".join(filter(None, (clean(row.ports).replace(",", ", "), clean(row.detail, TEXT))))
        asked.setdefault(key, []).append((say(f"phrase.outcome.{row.outcome}"), told))
    rows: list[tuple[Cell, ...]] = [(*key, tuple(outcomes)) for key, outcomes in asked.items()]
    return _sheet(say, "coverage", "device address probe vantage ports", rows)


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
    return _sheet(say, "failures", "device address port probe vantage reason detail", rows)
