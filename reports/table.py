"""What does the consultant see in a terminal? The same night as the page, in 80 columns.

Every text becomes a rich Text, so that no device name is ever read as markup, and no colour stands alone:
the severity is written as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.document import port_list
from netwatch.model import ChangeKind, Exposure, Severity, Status, Vantage
from reports.annex import protocol
from reports.gaps import vanished
from reports.phrase import ADDRESS, NAME, TEXT, Phrases, clean, lower_first
from reports.verdict import answer, asides, by_address, freshness, in_order, ordered

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table
    from rich.text import Text

    from netwatch.document import Document, FindingPart
    from netwatch.words import Catalogue

STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


# What a reader looks for first: it stands in the place of "seen".
_NEWS = {ChangeKind.APPEARED, ChangeKind.WORSENED}
# What a row says by being there, and what a device is known again by: long, and nothing to look at. The
# annex has them all.
_ASIDE = {
    *("protocol_from", "state"),
    *("certificate_key", "favicon", "favicon_mmh3", "host_key", "onvif_uuid", "printer_uuid"),
}
_WIDTHS = {"where": 21, "address": 17, "protocol": 13}  # IPv4 and port; MAC; what leaves room for facts


def summary(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:
    """How fresh, the answer in a sentence, the findings, and what was not looked at."""
    say = Phrases(language)
    seen = len(document.devices) - len(vanished(document))
    lines = [
        say(
            "table.counts",
            devices=say.count("table.devices", seen),
            services=say.count("table.services", len(document.services)),
        ),
        *asides(say, document),
    ]
    absent = len(document.devices) - seen
    if absent:
        lines.append(say.count("table.absent", absent))
    parts: list[RenderableType] = [
        _text(clean(site_name, TEXT), "bold"),
        _text(freshness(say, document), "" if document.run.complete else "yellow"),
        _text(""),
        _text(answer(say, document, catalogue), "bold"),
    ]
    if document.findings:
        parts += [_text(""), findings(site_name, document, catalogue, language)]
    else:
        lines += _from_outside(say, document)
    return _group(*parts, _text(""), *(_text(line) for line in lines))


def findings(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:  # noqa: ARG001 - all tables are called alike
    """Every finding of the run, worst first."""
    say = Phrases(language)
    if not document.findings:
        return _text(say("table.no-findings"))
    names = {device.id: say.short_name(device) for device in document.devices}
    table = _table(say, "severity", "what", "where", "since", "status")
    for finding in ordered(document.findings):
        resolved = finding.status == Status.RESOLVED
        table.add_row(
            _text(
                say(f"phrase.severity.{finding.severity}"), "dim" if resolved else STYLES[finding.severity]
            ),
            _text(say.rule(catalogue, finding.rule, finding.title).title),
            _text(_where(finding.address, finding.port, names.get(finding.device, ""))),
            _text(say.moments.short(finding.first_seen)),
            _text("\n".join(_standing(say, document, finding))),
        )
    return _group(table, *(_text(line) for line in _from_outside(say, document)))


def devices(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:  # noqa: ARG001 - all tables are called alike
    """Every device of the site; one that was not seen says so."""
    say = Phrases(language)
    if not document.devices:
        return _text(say("table.no-devices"))
    absent = {device.id for device in vanished(document)}
    table = _table(say, "device", "address", "maker", "services", "last")
    for device in sorted(document.devices, key=lambda row: by_address(row.address)):
        maker = " ".join(filter(None, (device.maker or device.vendor, device.model)))
        ports = tuple({row.port for row in document.services if row.device == device.id})
        last = say.moments.short(device.last_seen)
        table.add_row(
            _text(say.short_name(device)),
            _text(f"{clean(device.address, ADDRESS)}\n{clean(device.mac or '', ADDRESS)}"),
            _text(clean(maker, TEXT)),
            _text(port_list(ports).replace(",", ", ")),
            _text(f"{last}\n{say('table.not-seen')}" if device.id in absent else last),
        )
    return table


def changes(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:  # noqa: ARG001 - all tables are called alike
    """What moved since the run before, bad news first."""
    say = Phrases(language)
    if not document.changes:
        return _text(say("table.no-changes"))
    names = {device.id: say.short_name(device) for device in document.devices}
    table = _table(say, "change", "severity", "what", "where")
    for change in in_order(document.changes):
        table.add_row(
            _text(say(f"phrase.change.{change.kind}")),
            _text(say(f"phrase.severity.{change.severity}"), STYLES[change.severity]),
            _text(say.rule(catalogue, change.rule, change.title).title),
            _text(_where(change.address, change.port, names.get(change.device, ""))),
        )
    return table


def services(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:  # noqa: ARG001 - all tables are called alike
    """Every open port and what it said."""
    say = Phrases(language)
    if not document.services:
        return _text(say("table.no-services"))
    names = {device.id: say.short_name(device) for device in document.devices}
    table = _table(say, "where", "protocol", "facts")
    for row in sorted(document.services, key=lambda row: (by_address(row.address), row.port)):
        facts = {key: value for key, value in row.facts.items() if key not in _ASIDE}
        spoken = protocol(say, row)
        table.add_row(
            _text(_where(row.address, row.port, names.get(row.device, ""))),
            _text(spoken if row.transport == "tcp" else f"{spoken} ({clean(row.transport, NAME).upper()})"),
            _text("\n".join(say("table.fact", label=name, value=value) for name, value in say.facts(facts))),
        )
    return table


def _standing(say: Phrases, document: Document, finding: FindingPart) -> list[str]:
    """Where a finding stands, and its exposure unless one line below the table says it for all."""
    told = [say(f"phrase.status-short.{finding.status}")]
    place = (finding.rule, finding.device, finding.port)
    moved = [c.kind for c in document.changes if (c.rule, c.device, c.port) == place and c.kind in _NEWS]
    if moved:
        told = [lower_first(say(f"phrase.change.{moved[0]}"))]
    if finding.exposure != Exposure.NOT_CHECKED or Vantage.OUTSIDE in document.run.vantages:
        told.append(say(f"phrase.exposure-short.{finding.exposure}"))
    return told


def _from_outside(say: Phrases, document: Document) -> list[str]:
    """A line for a night that never left the practice."""
    return [] if Vantage.OUTSIDE in document.run.vantages else [say("table.public")]


def _where(address: str, port: int, name: str) -> str:
    """Address and port as a consultant writes them, and the device's name below."""
    host = clean(address, ADDRESS)
    return f"[{host}]:{port}\n{name}" if ":" in host else f"{host}:{port}\n{name}"


def _text(text: str, style: str = "") -> Text:
    """A text that is never read as markup; long words fold, so that no line grows beyond the terminal."""
    from rich.text import Text  # noqa: PLC0415 - slow to import

    return Text(text, style=style, overflow="fold")


def _table(say: Phrases, *heads: str) -> Table:
    """An empty table with these columns."""
    from rich import box  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for head in heads:
        whole = head in {"severity", "since", "last"}
        table.add_column(
            _text(say(f"table.head.{head}")), overflow="fold", no_wrap=whole, width=_WIDTHS.get(head)
        )
    return table


def _group(*parts: RenderableType) -> Group:
    """One below the other."""
    from rich.console import Group  # noqa: PLC0415 - slow to import

    return Group(*parts)
