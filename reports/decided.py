"""What does a person's decision say of a finding, and what is known of its past, in words?

A reason is whatever somebody typed: it is cut and cleaned like a stranger's words, and stands only where the
practice itself reads, never in a mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.change import ChangeKind
from reports.phrase import NAME, clean, lower_first

if TYPE_CHECKING:
    from netwatch.change import Before, Change
    from netwatch.document import AcceptedPart, ChangePart, FindingPart
    from netwatch.words import Catalogue
    from reports.phrase import Phrases

REASON = 300  # characters, on a page
NOON = "T12:00:00Z"  # a day is the same on every clock in Europe then


def accepted(say: Phrases, one: AcceptedPart | None) -> str:
    """By whom, until when, since when and why; nothing where it is not accepted."""
    if one is None:
        return ""
    return say(
        "decided.accepted",
        by=clean(one.by, NAME),
        until=say.moments.date(one.until + NOON),
        at=say.moments.date(one.at),
        reason=clean(one.reason, REASON),
    )


def accepted_short(say: Phrases, one: AcceptedPart | None) -> str:
    """The same for a narrow column."""
    if one is None:
        return ""
    until = say.moments.short(one.until + NOON)
    return say("decided.accepted-short", by=clean(one.by, NAME), until=until, reason=clean(one.reason, NAME))


def again(say: Phrases, before: Before | None) -> str:
    """That it was there before, when last and how often; nothing where it is new."""
    if before is None:
        return ""
    first, last = say.moments.date(before.first_seen), say.moments.date(before.last_seen)
    return say.count("decided.again", before.times, when=_when(say, first, last))


def again_short(say: Phrases, before: Before | None) -> str:
    """The same for a narrow column."""
    if before is None:
        return ""
    first, last = say.moments.short(before.first_seen), say.moments.short(before.last_seen)
    return say.count("decided.again-short", before.times, when=_when(say, first, last))


def label(say: Phrases, change: ChangePart) -> str:
    """What kind of change it is; one that was there before is no news of its kind."""
    if change.before is not None and change.kind != ChangeKind.WORSENED:
        return say("decided.again.label")
    return say(f"phrase.change.{change.kind}")


def known(say: Phrases, catalogue: Catalogue, change: Change) -> str:
    """For a mail: what was known of it, where it is worse now or back, and that it is accepted still."""
    told = [again(say, change.before)]
    if change.kind == ChangeKind.WORSENED and change.previous is not None:
        if change.previous.rule == change.finding.rule:
            told.insert(0, say("decided.worsened-exposure"))
        else:
            title = lower_first(say.rule(catalogue, change.previous.rule).title)
            told.insert(0, say("decided.worsened", title=title))
    if change.until is not None:
        over = change.kind == ChangeKind.EXPIRED
        told.append(say("decided.accepted-over" if over else "decided.accepted-still", until=change.until))
    return " ".join(filter(None, told))


def count(findings: list[FindingPart]) -> int:
    """How many of these are accepted."""
    return sum(one.accepted is not None for one in findings)


def _when(say: Phrases, first: str, last: str) -> str:
    return say(f"decided.again.{'day' if first == last else 'span'}", first=first, last=last)
