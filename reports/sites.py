"""How do all sites of a machine stand, at a glance, in 80 columns? The worst first.

A site that was not watched last night says so before anything else: what stands open there is old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Severity
from reports.phrase import NAME, Phrases, clean
from reports.terminal import group, table, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from netwatch.glance import Glance


def table_of(rows: Iterable[Glance], language: str) -> RenderableType:
    """One row a site."""
    say, known = Phrases(language), sorted(rows, key=_worst)
    if not known:
        return text(say("sites.none"))
    made = table(say, "sites", "site", "night", "open", "changes")
    for one in known:
        made.add_row(
            text(f"{clean(one.name, NAME)}\n{clean(one.site, NAME)}"),
            text("\n".join(_night(say, one)), "red" if one.late else ""),
            text("\n".join(_open(say, one))),
            text("\n".join(_changes(say, one))),
        )
    late = sum(one.late for one in known)
    return group(made, text(say.count("sites.count", len(known), late=say.count("sites.late", late))))


def _worst(one: Glance) -> tuple[bool, list[int], str]:
    counts = [-one.open.get(str(level), 0) for level in sorted(Severity, key=lambda s: -s.rank)]
    return not one.late, counts, one.name


def _night(say: Phrases, one: Glance) -> list[str]:
    if one.complete is None:
        return [say("sites.never")]
    return [say.moments.short(one.complete), *([say("sites.overdue")] if one.late else [])]


def _open(say: Phrases, one: Glance) -> list[str]:
    told = [
        say("sites.severity", severity=say(f"phrase.severity.{level}"), count=count)
        for level in sorted(Severity, key=lambda s: -s.rank)
        if (count := one.open.get(str(level), 0))
    ]
    if one.unverified:
        told.append(say.count("sites.unverified", one.unverified))
    if one.accepted:
        told.append(say.count("sites.accepted", one.accepted))
    if not told:
        told = [say("sites.nothing") if one.complete else ""]
    return told


def _changes(say: Phrases, one: Glance) -> list[str]:
    lines = [say.count("sites.changes", one.changes), say.count("sites.devices", one.devices)]
    if one.undelivered:
        lines.append(say.count("sites.undelivered", one.undelivered))
    return lines
