"""What is the answer of the night, in one sentence, and in which order are its findings told?

Shared by page and table, so that both give the same answer. A night without findings says what was asked
and that nothing was found there: never that all is well.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwatch.change import ChangeKind
from netwatch.model import Outcome, Status, Vantage
from reports.decided import count
from reports.doors import knocked
from reports.folding import folded
from reports.gaps import devices, points, vanished
from reports.phrase import lower_first
from reports.way import subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.document import ChangePart, Document, FindingPart
    from netwatch.words import Catalogue
    from reports.phrase import Phrases

_STATUS_ORDER = (Status.OPEN, Status.UNVERIFIED, Status.RESOLVED)
_CHANGE_ORDER = (
    ChangeKind.APPEARED,
    ChangeKind.WORSENED,
    ChangeKind.NEWLY_CHECKED,
    ChangeKind.FLAPPING,
    ChangeKind.EXPIRED,
    ChangeKind.EXPIRING,
    ChangeKind.UNVERIFIED,
    ChangeKind.MOVED,
    ChangeKind.IMPROVED,
    ChangeKind.RESOLVED,
    ChangeKind.REJUDGED,
)
_ANSWERED = (Outcome.OPEN, Outcome.CLOSED)


def ordered(findings: Iterable[FindingPart]) -> list[FindingPart]:
    """Open ones first, then by severity, exposure and rule, so that the same advice stays together; what is
    accepted stands at the end of its severity."""
    return sorted(
        findings,
        key=lambda f: (
            _STATUS_ORDER.index(f.status),
            -f.severity.rank,
            f.accepted is not None,
            -f.exposure.rank,
            f.rule,
            by_address(f.address),
            f.port,
        ),
    )


def by_address(address: str) -> tuple[int, int, str]:
    """A sort key: 192.168.1.9 before 192.168.1.20, and what is no address last."""
    try:
        ip = ip_address(address)
    except ValueError:
        return (9, 0, address)
    return (ip.version, int(ip), "")


def in_order(changes: Iterable[ChangePart]) -> list[ChangePart]:
    """Bad news first, then by severity."""
    return sorted(
        changes,
        key=lambda c: (_CHANGE_ORDER.index(c.kind), -c.severity.rank, c.rule, by_address(c.address), c.port),
    )


def freshness(say: Phrases, document: Document) -> str:
    """The first line: when, and whether everything that was to be asked has an answer."""
    when = say.moments.full(document.run.finished)
    if document.run.complete:
        return say("verdict.fresh.complete", when=when)
    owed = points(document)
    return (
        say.count("verdict.fresh.points", owed, when=when)
        if owed
        else say("verdict.fresh.incomplete", when=when)
    )


def answer(say: Phrases, document: Document, catalogue: Catalogue) -> str:
    """What is wrong, in one sentence; where nothing is, what was looked at and no word more. What is accepted
    is told apart, and is never nothing."""
    known = [one for one in ordered(folded(document.findings)) if one.status != Status.RESOLVED]
    standing = [one for one in known if one.status == Status.OPEN]
    found = [one for one in standing if one.accepted is None]
    alone = bool(standing) and not found
    told = say("verdict.answer.nothing-else") if alone else _answer(say, document, catalogue, found)
    number = count(known)
    return f"{told} {say.count('verdict.answer.accepted', number)}" if number else told


def _answer(say: Phrases, document: Document, catalogue: Catalogue, found: list[FindingPart]) -> str:
    if found:
        worst, known = found[0], {device.id: device for device in document.devices}
        title = lower_first(say.rule(catalogue, worst.rule, worst.title).title)
        return say.count("verdict.answer.found", len(found), title=title, where=subject(say, worst, known))
    inside = Vantage.LAN in document.run.vantages
    seen = len(devices(document)) - len(vanished(document))
    if inside and seen == 0:
        return say("verdict.answer.nobody")
    if not inside and not knocked(document.coverage):
        return say("verdict.answer.nothing-tried")
    if any(finding.status == Status.UNVERIFIED for finding in document.findings):
        return say("verdict.answer.unverified-only")
    if not inside:
        return say("verdict.answer.nothing-outside")
    asked = sum(ports_of(row.ports) for row in document.coverage if row.outcome in _ANSWERED)
    return say.count(
        "verdict.answer.nothing",
        seen,
        ports=say.count("verdict.answer.ports", asked),
        services=say.count("verdict.answer.services", len(document.services)),
    )


def asides(say: Phrases, document: Document) -> list[str]:
    """What the answer must not hide: devices left alone, findings not tested again, findings gone."""
    kinds = [finding.status for finding in folded(document.findings)]
    told = ((Status.UNVERIFIED, "verdict.answer.unverified"), (Status.RESOLVED, "verdict.answer.resolved"))
    alone = {row.address for row in document.coverage if row.outcome == Outcome.LEFT_ALONE}
    return [
        *looked(say, document),
        *([say.count("verdict.answer.left-alone", len(alone))] if alone else []),
        *(say.count(key, kinds.count(status)) for status, key in told if status in kinds),
    ]


def looked(say: Phrases, document: Document) -> list[str]:
    """That nobody looked at the network itself this time, and when somebody last did."""
    if Vantage.LAN in document.run.vantages:
        return []
    last = document.looked.get(Vantage.LAN)
    when = say.moments.date(last) if last else ""
    rest = say(f"verdict.answer.{'not' if last else 'never'}-inside", when=when)
    return [say("verdict.answer.only-outside", rest=rest) if knocked(document.coverage) else rest]


def ports_of(ports: str) -> int:
    """How many ports `22,80,104-105` names."""
    ranges = (part.split("-") for part in ports.split(",") if part)
    return sum(int(bounds[-1]) - int(bounds[0]) + 1 for bounds in ranges)
