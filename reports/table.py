"""What does the consultant see in a terminal? The same night as the page, in 80 columns.

No colour stands alone: the severity, and how much is proved, are written as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netwatch.change import ChangeKind
from netwatch.model import Exposure, Status, Vantage
from reports import aged, comings, gaps
from reports.annex import protocol
from reports.dated import pages
from reports.decided import accepted_short, again_short, label
from reports.devices_table import devices
from reports.doors import BOX, answered, knocked, ways
from reports.folding import at_internet, folded, folded_changes
from reports.gaps import vanished
from reports.outside import section
from reports.outside_table import outside, statements
from reports.phrase import NAME, TEXT, Phrases, clean, lower_first
from reports.terminal import STYLES, group, table, text, where
from reports.untold import untold
from reports.verdict import answer, asides, by_address, freshness, in_order, ordered
from reports.way import arrow, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from netwatch.document import DevicePart, Document, FindingPart
    from netwatch.words import Catalogue
    from reports.doors import Door

__all__ = ["changes", "devices", "findings", "outside", "services", "summary"]

# What a reader looks for first: it stands in the place of "seen".
_NEWS = {ChangeKind.APPEARED, ChangeKind.WORSENED, ChangeKind.EXPIRED}
# What a row says by being there, and what a device is known again by: long, and nothing to look at. The
# annex has them all.
_ASIDE = {
    *("protocol_from", "state"),
    *("certificate_key", "favicon", "favicon_mmh3", "host_key", "onvif_uuid", "printer_uuid"),
}


def summary(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:
    """How fresh, the answer in a sentence, the findings, the internet side, and what was not looked at."""
    say = Phrases(language)
    absent = len(vanished(document))
    lines = [*_counts(say, document, absent), *asides(say, document)]
    lines += comings.summary(say, document)
    if absent:
        lines.append(say.count("table.absent", absent))
    parts: list[RenderableType] = [
        text(clean(site_name, TEXT), "bold"),
        text(freshness(say, document), "" if document.run.complete else "yellow"),
        *(text(line, "bold red") for line in [untold(say, document)] if line),
        text(""),
        text(answer(say, document, catalogue), "bold"),
    ]
    if document.findings:
        parts += [text(""), findings(site_name, document, catalogue, language)]
    else:
        lines += _from_outside(say, document)
    said = statements(say, section(say, document, catalogue))
    return group(*parts, text(""), *(text(line) for line in lines), *said)


def findings(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:  # noqa: ARG001 - all tables are called alike
    """Every finding of the run, worst first; what is seen from both sides is told once, as from outside."""
    say = Phrases(language)
    if not document.findings:
        return text(say("table.no-findings"))
    devices = {device.id: device for device in document.devices}
    led = ways(document)
    made = table(say, "table", "severity", "what", "where", "since", "status")
    for finding in ordered(folded(document.findings)):
        resolved = finding.status == Status.RESOLVED
        title = say.rule(catalogue, finding.rule, finding.title).title
        severity = say(f"phrase.severity.{finding.severity}")
        made.add_row(
            text(
                "\n".join(filter(None, (severity, finding.id))),
                "dim" if resolved else STYLES[finding.severity],
            ),
            text("\n".join(filter(None, (title, aged.short(say, finding.about), *_known(say, finding))))),
            text(_place(say, finding, devices)),
            text(say.moments.short(finding.first_seen)),
            text("\n".join(_standing(say, document, finding, led))),
        )
    ids = [say("table.ids")] if any(one.id for one in document.findings) else []
    below = (*ids, *_from_outside(say, document), *pages(say, replace(document, devices=())))
    return group(made, *(text(line) for line in below))


def changes(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:  # noqa: ARG001 - all tables are called alike
    """What moved since the run before, bad news first; devices that came and went before that."""
    say = Phrases(language)
    moved = [_comings(say, document), text("")] if document.comings else []
    if not document.changes:
        return group(*moved) if moved else text(say("table.no-changes"))
    devices = {device.id: device for device in document.devices}
    placed = {(one.rule, one.device, one.port): one for one in document.findings}
    made = table(say, "table", "change", "severity", "what", "where")
    for change in in_order(folded_changes(document)):
        finding = placed.get((change.rule, change.device, change.port))
        name = say.short_name(devices[change.device]) if change.device in devices else ""
        made.add_row(
            text(label(say, change)),
            text(say(f"phrase.severity.{change.severity}"), STYLES[change.severity]),
            text(say.rule(catalogue, change.rule, change.title).title),
            text(_place(say, finding, devices) if finding else where(change.address, change.port, name)),
        )
    return group(*moved, made)


def _comings(say: Phrases, document: Document) -> RenderableType:
    """The devices that came and went."""
    made = table(say, "comings", "kind", "what", "explain")
    for one in comings.lines(say, document):
        told = (one.word, "\n".join(filter(None, (one.what, one.name, one.address))), one.explain)
        made.add_row(*map(text, told))
    return made


def services(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:  # noqa: ARG001 - all tables are called alike
    """Every open port and what it said; one that was reached from the internet says so."""
    say = Phrases(language)
    if not document.services:
        return text(say("table.no-services"))
    names = {device.id: say.short_name(device) for device in document.devices}
    made = table(say, "table", "where", "protocol", "facts")
    for row in sorted(document.services, key=lambda row: (by_address(row.address), row.port)):
        facts = {key: value for key, value in row.facts.items() if key not in _ASIDE}
        spoken = protocol(say, row)
        outside_ = row.vantage == Vantage.OUTSIDE
        name = say("table.from-internet") if outside_ else names.get(row.device, "")
        made.add_row(
            text(where(row.address, row.port, name), "bold red" if outside_ else ""),
            text(spoken if row.transport == "tcp" else f"{spoken} ({clean(row.transport, NAME).upper()})"),
            text("\n".join(say("table.fact", label=name, value=value) for name, value in say.facts(facts))),
        )
    return made


def _counts(say: Phrases, document: Document, absent: int) -> list[str]:
    """How many devices and services were seen at home, where anybody looked, and ports from outside."""
    told = []
    if Vantage.LAN in document.run.vantages:
        inside = sum(row.vantage == Vantage.LAN for row in document.services)
        seen = len(gaps.devices(document)) - absent
        told.append(
            say(
                "table.counts",
                devices=say.count("table.devices", seen),
                services=say.count("table.services", inside),
            )
        )
    started = document.run.started
    open_outside = sum(
        row.vantage == Vantage.OUTSIDE and row.last_seen >= started for row in document.services
    )
    if open_outside:
        told.append(say.count("table.outside", open_outside))
    return told


def _known(say: Phrases, finding: FindingPart) -> tuple[str, str]:
    """That it was there before; by whom it is accepted, until when and why."""
    return again_short(say, finding.before), accepted_short(say, finding.accepted)


def _place(say: Phrases, finding: FindingPart, devices: Mapping[str, DevicePart]) -> str:
    """Where it is; of a public port, where it leads."""
    if at_internet(finding.device):
        return where(
            finding.address, finding.port, arrow(say, finding.link, devices) or _unknown(say, finding)
        )
    name = say.short_name(devices[finding.device]) if finding.device in devices else ""
    if finding.vantage in BOX:
        port = say("table.public-port", port=number(say, finding.port, finding.transport))
        return "\n".join(
            filter(None, (port if finding.port else "", name, arrow(say, finding.link, devices)))
        )
    return where(finding.address, finding.port, name)


def _unknown(say: Phrases, finding: FindingPart) -> str:
    """That it is not known where it leads, where something answered."""
    return say("table.leads-unknown") if finding.vantage == Vantage.OUTSIDE else ""


def _standing(
    say: Phrases,
    document: Document,
    finding: FindingPart,
    led: Mapping[tuple[str, int, str], list[Door]],
) -> list[str]:
    """Where a finding stands, and its exposure unless one line below the table says it for all."""
    told = [say(f"phrase.status-short.{finding.status}")]
    place = (finding.rule, finding.device, finding.port)
    moved = [c for c in document.changes if (c.rule, c.device, c.port) == place and c.kind in _NEWS]
    if moved:
        told = [lower_first(label(say, moved[0]))]
    if finding.accepted is not None:
        told.append(say("table.accepted"))
    if finding.exposure != Exposure.NOT_CHECKED or knocked(document.coverage):
        answers = finding.vantage in BOX and (finding.port, finding.transport) in answered(document)
        told.append(say(f"phrase.exposure-short.{'forward-answers' if answers else finding.exposure}"))
    if finding.vantage == Vantage.LAN:
        told += [
            say("table.way", port=number(say, one.port, one.transport))
            for one in led.get((finding.device, finding.port, finding.transport), ())
        ]
    return told


def _from_outside(say: Phrases, document: Document) -> list[str]:
    """A line for a night that never left the practice."""
    return [] if knocked(document.coverage) else [say("table.public")]
