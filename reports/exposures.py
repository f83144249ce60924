"""What stood open to the internet, and when? The log as a table in 80 columns, as JSON and as CSV.

It is written for the controller's register. So it says as plainly what netwatch does not know: who came in,
and what was before it first looked. It never says that something is a breach.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from netwatch.exposures import MOVED
from netwatch.judge import Row
from netwatch.matching import AT_BOX, PUBLIC
from netwatch.model import Exposure, Vantage
from reports import spreadsheet
from reports.phrase import ADDRESS, NAME, TEXT, Phrases, clean
from reports.terminal import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from rich.console import Group, RenderableType

    from netwatch.exposures import Logged, Step
    from netwatch.model import Link

VERSION = "netwatch-exposures/1"
STYLES = {Exposure.EXPOSED: "bold red", Exposure.FORWARDED: "yellow", Exposure.REPORTED: "cyan"}
UNKNOWN = ("who", "before", "breach")
UNTOLD = {"", "forward", "dmz", "unknown"}  # protocols that say no more than the verdict does
COLUMNS = (
    *("id", "public", "port", "transport", "verdict", "row", "worst", "vantage", "by", "protocol"),
    *("inside_device", "inside_address", "inside_port", "matched_by", "patients", "studies"),
    *("first_seen", "last_seen", "ended", "ended_by", "told_at", "told_to", "if_a_breach_at_the_latest"),
    "digest",
)  # of the CSV
WIDTH = 23  # an IPv4 address, a colon and a port, and a little more


def exposures(site_name: str, log: Iterable[Logged], language: str) -> RenderableType:
    """Every exposure, those that stand first; and what is not known of them."""
    say = Phrases(language)
    rows = sorted(log, key=lambda row: (row.ended is not None, row.first_seen, row.place))
    title = text(say("exposures.title", site=clean(site_name, TEXT)), "bold")
    unknown = [text(say(f"exposures.unknown.{one}")) for one in UNKNOWN]
    if not rows:
        return _group(title, text(say("exposures.none")), *unknown[:2])
    return _group(title, text(""), _table(say, rows), text(""), *unknown)


def _table(say: Phrases, rows: Iterable[Logged]) -> RenderableType:
    from rich import box  # noqa: PLC0415 - slow to import

    from reports.drawing import Sheet  # noqa: PLC0415 - as above

    table = Sheet(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, show_lines=True)
    for head in ("where", "what", "when"):
        table.add_column(text(say(f"exposures.head.{head}")), overflow="fold", min_width=WIDTH)
    for row in rows:
        style = "dim" if row.ended else STYLES.get(row.last.verdict, "")
        table.add_row(
            text("\n".join(_where(say, row))),
            text("\n".join(_what(say, row)), style),
            text("\n".join(_when(say, row))),
        )
    return table


def _where(say: Phrases, row: Logged) -> Iterator[str]:
    """The way in, and where it leads."""
    yield _door(say, row)
    link = next((step.link for step in reversed(row.steps) if step.link), None)
    if link is None:
        yield say("exposures.leads.unknown")
        return
    address = clean(link.address, ADDRESS)
    yield say(
        "exposures.leads.port" if link.port else "exposures.leads.device", address=address, port=link.port
    )
    yield say.word("exposures.by", link.by)


def _door(say: Phrases, row: Logged) -> str:
    device, port, transport = row.place
    host = say("exposures.box") if device.startswith(AT_BOX) else clean(device.removeprefix(PUBLIC), ADDRESS)
    if not port:
        return say("exposures.everything", host=host)
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return shown if transport == "tcp" else f"{shown} ({clean(transport, TEXT).upper()})"


def _what(say: Phrases, row: Logged) -> Iterator[str]:
    """The verdict in a sentence, how it came to it, and what the server counts."""
    over = row.ended is not None and row.ended_by != MOVED
    yield say(f"exposures.over.{row.worst}") if over else say(f"exposures.row.{row.last.row}")
    for step in row.steps:
        if step.row == Row.UNANSWERED:  # its proof is that of the step before
            continue
        told = [say.word("annex.protocols", step.protocol)] if step.protocol not in UNTOLD else []
        told += [say("table.fact", label=label, value=value) for label, value in say.facts(step.facts)]
        who = _who(say, step)
        which = "exposures.proof" if told else "exposures.proof-bare"
        day = say.moments.short(step.seen_at)
        yield say(which, who=f"{who[0].upper()}{who[1:]}", when=day, what=", ".join(told))
    for count in ("patients", "studies"):
        number = getattr(row, count)
        if number is not None:
            yield say.count(f"exposures.{count}", number)


def _who(say: Phrases, step: Step) -> str:
    """From where it was seen, or who says so: of what a person declared, that person."""
    by = ""
    if step.vantage is Vantage.DECLARED:
        with suppress(ValueError, LookupError, TypeError):  # an evidence without a name
            by = clean(json.loads(step.evidence)[0]["facts"]["by"], NAME)
    return say("exposures.declared", by=by) if by else say(f"phrase.vantage.{step.vantage}")


def _when(say: Phrases, row: Logged) -> Iterator[str]:
    """First, last, ended; who was told, and the 72 hours from there."""
    yield say("exposures.first", when=say.moments.short(row.first_seen))
    yield say("exposures.last", when=say.moments.short(row.last_seen))
    if row.ended is None:
        yield say("exposures.stands")
    elif row.ended_by == MOVED:
        yield say("exposures.moved", when=say.moments.short(row.ended))
    else:
        who = say.word("exposures.ended-by", row.ended_by or "")
        yield say("exposures.ended", when=say.moments.short(row.ended), who=who)
    if row.told_at is None or row.by_then is None:
        yield say("exposures.not-told")
        return
    yield say("exposures.told", when=say.moments.full(row.told_at), who=", ".join(row.told_to))
    yield say("exposures.by-then", when=say.moments.full(row.by_then))


def to_json(site: str, log: Iterable[Logged]) -> str:
    """The whole log for a machine: times in UTC, every step with its evidence and digest."""
    rows = [_row(row) | {"steps": [_step(step) for step in row.steps]} for row in log]
    return json.dumps({"schema": VERSION, "site": site, "exposures": rows}, ensure_ascii=False, indent=2)


def to_csv(log: Iterable[Logged]) -> str:
    """A line of heads, then one an exposure."""
    return spreadsheet.to_csv(COLUMNS, (_row(row) | {"digest": row.last.digest} for row in log))


def _row(row: Logged) -> dict[str, Any]:
    device, port, transport = row.place
    link = next((step.link for step in reversed(row.steps) if step.link), None)
    return {
        "id": row.id,
        "public": "box" if device.startswith(AT_BOX) else device.removeprefix(PUBLIC),
        "port": port,
        "transport": transport,
        "verdict": row.last.verdict.value,
        "row": row.last.row.value,
        "worst": row.worst.value,
        "vantage": row.last.vantage.value,
        "by": row.last.by,
        "protocol": row.last.protocol,
        **_leads(link),
        "patients": row.patients,
        "studies": row.studies,
        "first_seen": _stamp(row.first_seen),
        "last_seen": _stamp(row.last_seen),
        "ended": _stamp(row.ended),
        "ended_by": row.ended_by,
        "told_at": _stamp(row.told_at),
        "told_to": " ".join(row.told_to),
        "if_a_breach_at_the_latest": _stamp(row.by_then),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "at": _stamp(step.at),
        "verdict": step.verdict.value,
        "row": step.row.value,
        "vantage": step.vantage.value,
        "by": step.by,
        "seen_at": _stamp(step.seen_at),
        "protocol": step.protocol,
        "facts": step.facts,
        **_leads(step.link),
        "evidence": step.evidence,
        "sha256": step.digest,
    }


def _leads(link: Link | None) -> dict[str, Any]:
    told = (link.device, link.address, link.port or None, link.by) if link else (None,) * 4
    return dict(zip(("inside_device", "inside_address", "inside_port", "matched_by"), told, strict=True))


def _stamp(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _group(*parts: RenderableType) -> Group:
    """One below the other."""
    from rich.console import Group  # noqa: PLC0415 - slow to import

    return Group(*parts)
