"""What does a consultant read of all sites in one letter? The worst first, and what moved since.

Counts and days, no address, no device, no port: the practice's own report has these. A site that nobody
watched is told before anything else, because what stands open there is old.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.model import Severity
from netwatch.post import Content
from reports.phrase import NAME, TEXT, Phrases, clean
from reports.templating import template
from reports.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netwatch.overview import Moved, Overview
    from netwatch.post import Reader

SUBJECT = 150
DESK = 32  # characters of the desk's name in a subject
MOST = 60  # sites told one by one
LINE = 40  # of those with nothing to tell, named
LEVELS = tuple(sorted(Severity, key=lambda level: -level.rank))
GRAVE = LEVELS[:2]


@dataclass(frozen=True, slots=True)
class Part:
    """One site of the letter. `alarm`: nobody watches it, or it stands open where it is grave."""

    name: str
    alarm: bool
    lines: tuple[str, ...]


def compose(desk: str, seen: Overview, reader: Reader, why: Mapping[str, str]) -> Content:
    """The letter. `why`: in a sentence, what hindered a scan, by site."""
    parts, lead = {}, _lead(Phrases(reader.language), seen)
    for kind in ("txt", "html"):
        say = Phrases(reader.language, fine=True)
        told = [one for one in seen.sites if not one.quiet]
        since = say.moments.full(seen.since) if seen.since else ""
        parts[kind] = template(f"desk.{kind}").render(
            say=say,
            greeting=say("desk.greeting", when=say.moments.full(seen.at), desk=clean(desk, NAME)),
            title=_lead(say, seen),
            since=say("desk.since", when=since) if since else say("desk.first"),
            sites=[_part(say, one, why) for one in told[:MOST]],
            more=say.count("desk.more", len(told) - MOST) if len(told) > MOST else "",
            quiet=_quiet(say, [one for one in seen.sites if one.quiet]),
        )
    subject = clean(f"{clean(desk, DESK)}{_colon(reader)}{lead}", SUBJECT)
    return Content(subject, wrapped(parts["txt"]), parts["html"], f"{lead}.")


def _colon(reader: Reader) -> str:
    return Phrases(reader.language)("desk.colon")


def _lead(say: Phrases, seen: Overview) -> str:
    """`3 sites: 1 not watched, 2 critical open`."""
    told = []
    if late := sum(one.row.unwatched for one in seen.sites):
        told.append(say.count("desk.lead.unwatched", late))
    told += [say.count(f"desk.lead.{level}", number) for level in GRAVE if (number := seen.count(level))]
    if not told:
        told.append(say("desk.lead.calm"))
    if new := sum(sum(one.new.values()) for one in seen.sites):
        told.append(say.count("desk.lead.new", new))
    return f"{say.count('desk.lead.sites', len(seen.sites))}{say('desk.colon')}{', '.join(told)}"


def _part(say: Phrases, one: Moved, why: Mapping[str, str]) -> Part:
    """One site, line by line."""
    seen = one.row.glance
    lines = [_watched(say, one)]
    if seen.site in why:
        lines.append(say("desk.hindered", why=clean(why[seen.site], 4 * TEXT).rstrip(".")))
    severities = _severities(say, seen.open)
    if severities or seen.complete:
        lines.append(say("desk.open", what=severities) if severities else say("desk.nothing"))
    if seen.unverified:
        lines.append(say.count("desk.unverified", seen.unverified))
    if seen.accepted:
        lines.append(say.count("desk.accepted", seen.accepted))
    lines += _moves(say, one)
    if seen.undelivered:
        lines.append(say.count("desk.undelivered", seen.undelivered))
    grave = any(seen.open.get(str(level)) for level in GRAVE)
    return Part(clean(seen.name, NAME), one.row.unwatched or grave, tuple(lines))


def _watched(say: Phrases, one: Moved) -> str:
    seen = one.row.glance
    if seen.complete is None:
        return say("desk.never")
    when = say.moments.full(seen.complete)
    return say("desk.late" if seen.late else "desk.last" if one.row.hindered else "desk.watched", when=when)


def _severities(say: Phrases, counts: Mapping[str, int]) -> str:
    """`2 critical, 1 low`."""
    return ", ".join(
        say.count(f"desk.severity.{level}", number)
        for level in LEVELS
        if (number := counts.get(str(level), 0))
    )


def _moves(say: Phrases, one: Moved) -> list[str]:
    """What moved since the last letter."""
    if not one.known:
        return [say("desk.new-site")]
    told = [say("desk.new", what=_severities(say, one.new))] if one.new else []
    told += [say.count("desk.closed", one.closed)] if one.closed else []
    told += [say("desk.again")] if one.again else []
    return told or [say("desk.unmoved")]


def _quiet(say: Phrases, calm: Sequence[Moved]) -> str:
    """Those with nothing to tell, in a line."""
    if not calm:
        return ""
    names = [clean(one.row.glance.name, NAME) for one in calm[:LINE]]
    more = ", …" if len(calm) > LINE else ""
    return say.count("desk.quiet", len(calm), names=", ".join(names) + more)
