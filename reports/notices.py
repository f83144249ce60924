"""What is said of the watching itself: that a week was quiet, that no night was complete, that none ran?

The same text for everybody: it holds counts and days, no address, no device, no port. Nothing in it is told
as good news that nobody has looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Severity
from netwatch.notice import NoticeKind
from netwatch.post import Content
from reports.phrase import NAME, TEXT, Phrases, clean
from reports.templating import template
from reports.wrapping import wrapped

if TYPE_CHECKING:
    from datetime import datetime

    from netwatch.notice import Notice, Week
    from netwatch.post import Reader

SUBJECT = 150
SITE = 32
STOPPED = frozenset({"window", "authorisation", "fell-silent", "stopped"})


def compose(site_name: str, notice: Notice, reader: Reader, why: str = "") -> Content:
    """The mail of a notice. `why`: in a sentence, what hindered a scan that could not run."""
    say = Phrases(reader.language)
    title, lines, todo = _parts(say, notice, why)
    parts = {}
    for kind in ("txt", "html"):
        fine = Phrases(reader.language, fine=True)
        parts[kind] = template(f"notice.{kind}").render(
            say=fine,
            greeting=fine("notices.greeting", when=_moment(fine, notice.at), site=clean(site_name, NAME)),
            title=title,
            lines=[line for line in lines if line],
            todo=todo,
        )
    subject = clean(_subject(say, clean(site_name, SITE), notice), SUBJECT)
    return Content(subject, wrapped(parts["txt"]), parts["html"], title + ".")


def _subject(say: Phrases, site: str, notice: Notice) -> str:
    """It alone tells the site and what."""
    if notice.kind is NoticeKind.WEEK and notice.week is not None:
        week = notice.week
        counts = {
            "nights": say.count("notices.short.nights", week.nights),
            "devices": say.count("notices.short.devices", week.devices),
        }
        letters = say.count("notices.letters", week.letters)
        return say(f"notices.subject.{_week(week)}", site=site, letters=letters, **counts)
    if notice.kind is NoticeKind.OVERDUE:
        if notice.since is None:
            return say("notices.subject.overdue-never", site=site)
        return say("notices.subject.overdue", site=site, since=say.moments.date(notice.since))
    return say("notices.subject.failed", site=site)


def _parts(say: Phrases, notice: Notice, why: str) -> tuple[str, list[str], str]:
    """Title, lines, and what to do."""
    if notice.kind is NoticeKind.WEEK and notice.week is not None:
        title = say(f"notices.title.{_week(notice.week)}")
        return title, _of_week(say, notice.week), say("notices.week.explain")
    if notice.kind is NoticeKind.OVERDUE:
        return say("notices.title.overdue"), _of_overdue(say, notice), say("notices.overdue.do")
    kept = notice.why.startswith("store.")  # packets may have left, where it is not the scope that hindered
    line = say("notices.failed.kept" if kept else "notices.failed.why", why=clean(why, 4 * TEXT))
    return say("notices.title.failed"), [line], say("notices.failed.kept-do" if kept else "notices.failed.do")


def _week(week: Week) -> str:
    if not week.nights:
        return "week-none"
    return "week-told" if week.letters or week.untold else "week"


def _of_week(say: Phrases, week: Week) -> list[str]:
    lines = [say.count("notices.nights", week.nights)]
    if week.ran != week.nights:
        lines.append(say.count("notices.ran", week.ran))
    if week.letters:
        lines.append(f"{say.count('notices.letters', week.letters).capitalize()}.")
    if week.untold:
        lines.append(say.count("notices.untold", week.untold))
    lines.append(say.count("notices.devices", week.devices, seen=week.seen))
    worst = sorted(week.standing, key=lambda one: -Severity(one).rank)
    severities = ", ".join(
        say("notices.week.severity", severity=say(f"phrase.severity.{one}"), count=week.standing[one])
        for one in worst
    )
    lines.append(say.count("notices.standing", sum(week.standing.values()), severities=severities))
    if week.unverified:
        lines.append(say.count("notices.unverified", week.unverified))
    if week.accepted:
        lines.append(say.count("notices.accepted", week.accepted))
    when = _moment(say, week.outside) if week.outside else ""
    lines.append(say("notices.week.outside" if when else "notices.week.outside-never", when=when))
    return lines


def _of_overdue(say: Phrases, notice: Notice) -> list[str]:
    since = _moment(say, notice.since) if notice.since else ""
    lines = [say("notices.overdue.since" if since else "notices.overdue.never", when=since)]
    later = notice.ran is not None and (notice.since is None or notice.ran > notice.since)
    if later and notice.ran is not None:
        lines.append(say("notices.overdue.ran", when=_moment(say, notice.ran)))
        if notice.why:
            lines.append(say(f"notices.stopped.{notice.why if notice.why in STOPPED else 'other'}"))
    else:
        lines.append(say("notices.overdue.not-ran"))
    return [*lines, say("notices.overdue.means"), say("notices.overdue.once")]


def _moment(say: Phrases, when: datetime) -> str:
    return say.moments.full(when)
