"""What was asked and not answered, and what was not asked at all? One list for page and table.

Silence proves nothing, so nothing here is ever told as good news. What the site file excludes and ports
that speak something else are told too, but do not make a night incomplete.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwatch.model import Outcome, Reason, Vantage
from reports.folding import at_internet
from reports.moment import parse

if TYPE_CHECKING:
    from netwatch.document import DevicePart, Document, FailurePart, ServicePart

# Outcomes of coverage that leave a question open, in the order a reader should meet them.
_SILENT = (Outcome.TIMED_OUT, Outcome.NO_ANSWER, Outcome.FAILED, Outcome.NOT_ASKED)
_TOLD = (Outcome.LEFT_ALONE, *_SILENT, Outcome.FILTERED, Outcome.SPARED, Outcome.EXCLUDED)
_HARMLESS = (Reason.MUTE,)
# From outside: boxes drop in silence, and not every question is for an address; the look itself.
_USUAL = (Outcome.FILTERED, Outcome.SPARED)
_NAMES = "names"
_STAGES = ("outside", "address")


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
        if row.probe == _NAMES:  # nothing of a device is unknown but how it is called
            continue
        if row.vantage == Vantage.OUTSIDE and (row.outcome in _USUAL or row.probe in _STAGES):
            continue
        found[f"outcome.{row.outcome}"][row.address, None] = None
    for failure in document.failures:
        if elsewhere(failure):
            continue
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


def elsewhere(failure: FailurePart) -> bool:
    """Is it told with the practice as the internet sees it? What concerns the look, the box, others."""
    if failure.vantage not in {Vantage.LAN, Vantage.OUTSIDE}:
        return True
    return failure.vantage == Vantage.OUTSIDE and failure.port is None


def devices(document: Document) -> tuple[DevicePart, ...]:
    """The devices of the site, one with several cards once, where it was seen last; an address of the
    practice on the internet is none."""
    return tuple(
        _once(device, cards(document, device))
        for device in document.devices
        if not at_internet(device.id) and device.part_of is None
    )


def cards(document: Document, device: DevicePart) -> tuple[DevicePart, ...]:
    """All cards of the device, each as it is."""
    return tuple(one for one in document.devices if device.id in {one.id, one.part_of})


def services(document: Document, device: DevicePart) -> tuple[ServicePart, ...]:
    """What stands open on the device, on any of its cards."""
    its = {one.id for one in cards(document, device)}
    return tuple(one for one in document.services if one.device in its)


def beside(document: Document, device: DevicePart) -> tuple[DevicePart, ...]:
    """Its cards besides the one that it is shown with."""
    return tuple(one for one in cards(document, device) if one.address != device.address)


def _once(device: DevicePart, its: tuple[DevicePart, ...]) -> DevicePart:
    if len(its) == 1:
        return device
    newest = max(its, key=lambda one: parse(one.last_seen))
    first = min(its, key=lambda one: parse(one.first_seen)).first_seen
    return replace(
        device, address=newest.address, mac=newest.mac, first_seen=first, last_seen=newest.last_seen
    )


def vanished(document: Document) -> tuple[DevicePart, ...]:
    """Devices that are known and were not seen in this run; none where nobody looked at the network."""
    if Vantage.LAN not in document.run.vantages:
        return ()
    started = parse(document.run.started)
    return tuple(device for device in devices(document) if parse(device.last_seen) < started)


def _failed(document: Document) -> set[tuple[str, str]]:
    """Probe and address of what a failure already tells."""
    return {(row.probe, row.address) for row in document.failures}
