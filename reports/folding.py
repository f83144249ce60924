"""Which findings say the same thing, seen from two sides? They are told once. Pure.

A finding on the practice's network and one of the same rule at a public port that leads there are one
trouble: the public one is told, and names the device inside. Where it stops: two public ports that lead to
one service are two ways in, and stay two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from netwatch.model import Status, Vantage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netwatch.document import ChangePart, Document, FindingPart
    from netwatch.model import Exposure

INTERNET = "p-"  # how the id of an address of the practice on the internet begins
Place = tuple[str, str, int, str]  # rule, device, port, transport


class Leads(Protocol):
    """A link: what answers behind a public port."""

    @property
    def device(self) -> str:
        """Its id, or nothing where the box names an address at which nobody is known."""

    @property
    def address(self) -> str:
        """Where it is."""

    @property
    def port(self) -> int:
        """Its port, 0 where the device is certain and the service is not."""

    @property
    def by(self) -> str:
        """What tells us."""


class Found(Protocol):
    """A finding, of the model or of the document."""

    @property
    def rule(self) -> str:
        """Its rule."""

    @property
    def device(self) -> str:
        """The id of its device."""

    @property
    def address(self) -> str:
        """Where it was seen."""

    @property
    def port(self) -> int:
        """At which port."""

    @property
    def transport(self) -> str:
        """Of which transport."""

    @property
    def vantage(self) -> Vantage:
        """From where."""

    @property
    def exposure(self) -> Exposure:
        """What is known of the internet."""

    @property
    def link(self) -> Leads | None:
        """What it leads to."""


def at_internet(device: str) -> bool:
    """Is this the id of an address of the practice on the internet?"""
    return device.startswith(INTERNET)


def twins(findings: Iterable[Found]) -> dict[Place, Found]:
    """By the place of a finding inside: the one of the same rule at the public port that leads there."""
    found: dict[Place, Found] = {}
    for one in findings:
        if at_internet(one.device) and one.link is not None and one.link.device:
            found.setdefault((one.rule, one.link.device, one.link.port, one.transport), one)
    return found


def place(found: Found) -> Place:
    """What makes it the same."""
    return found.rule, found.device, found.port, found.transport


def folded(findings: Sequence[FindingPart]) -> list[FindingPart]:
    """The findings without those that a public one of the same standing tells as well. One that is accepted
    never stands for one that is not."""
    ways = [(status, accepted) for status in Status for accepted in (True, False)]
    seen = {way: twins(one for one in findings if _standing(one) == way) for way in ways}
    return [one for one in findings if place(one) not in seen[_standing(one)]]


def _standing(one: FindingPart) -> tuple[Status, bool]:
    return Status(one.status), one.accepted is not None


def folded_changes(document: Document) -> list[ChangePart]:
    """The changes without those inside that happened in the same way at the public port that leads there."""
    kinds = {(one.rule, one.device, one.port): one.kind for one in document.changes}
    pairs: dict[tuple[str, str, int], set[tuple[str, str, int]]] = {}
    for one in document.findings:
        if at_internet(one.device) and one.link is not None:
            inside = (one.rule, one.link.device, one.link.port)
            pairs.setdefault(inside, set()).add((one.rule, one.device, one.port))
    return [
        change
        for change in document.changes
        if not any(
            kinds.get(public) == change.kind
            for public in pairs.get((change.rule, change.device, change.port), ())
        )
    ]
