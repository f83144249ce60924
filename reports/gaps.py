"""What was asked and not answered, and what was not asked at all? One list for page and table.

Silence proves nothing, so nothing here is ever told as good news. What the site file excludes and ports
that speak something else are told too, but do not make a night incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.model import Outcome, Reason
from reports.moment import parse

if TYPE_CHECKING:
    from netwatch.document import DevicePart, Document

# Outcomes of coverage that leave a question open, in the order a reader should meet them.
_SILENT = (Outcome.TIMED_OUT, Outcome.NO_ANSWER, Outcome.FAILED, Outcome.NOT_ASKED)
_TOLD = (Outcome.LEFT_ALONE, *_SILENT, Outcome.FILTERED, Outcome.SPARED, Outcome.EXCLUDED)
_HARMLESS = (Reason.MUTE,)


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that stayed open for one reason. `kind` is the end of a sentence's id: `reason.timeout`,
    `outcome.filtered`. `places` are addresses with a port or None."""

    kind: str
    places: tuple[tuple[str, int | None], ...]


def gaps(document: Document) -> tuple[Gap, ...]:
    """Every open question, grouped by reason; hosts first, then single questions."""
    told = _failed(document)
    found: dict[str, dict[tuple[str, int | None], None]] = {f"outcome.{outcome}": {} for outcome in _TOLD}
    for row in document.coverage:
        if row.outcome not in _TOLD or (row.outcome in _SILENT and (row.probe, row.address) in told):
            continue
        found[f"outcome.{row.outcome}"][row.address, None] = None
    for failure in document.failures:
        found.setdefault(f"reason.{failure.reason}", {})[failure.address, failure.port] = None
    return tuple(Gap(kind, tuple(places)) for kind, places in found.items() if places)


def points(document: Document) -> int:
    """How many questions the night owes: one per failure, one per host and probe that stayed silent."""
    failures = {
        (row.probe, row.address, row.port) for row in document.failures if row.reason not in _HARMLESS
    }
    told = _failed(document)
    silent = {
        (row.probe, row.address)
        for row in document.coverage
        if row.outcome in _SILENT and (row.probe, row.address) not in told
    }
    return len(failures) + len(silent)


def vanished(document: Document) -> tuple[DevicePart, ...]:
    """Devices that are known and were not seen in this run."""
    started = parse(document.run.started)
    return tuple(device for device in document.devices if parse(device.last_seen) < started)


def _failed(document: Document) -> set[tuple[str, str]]:
    """Probe and address of what a failure already tells."""
    return {(row.probe, row.address) for row in document.failures}
