"""What is to be done between the nights? To say that a week was quiet or that nothing watches, and to send.

`tend` is called at the end of every scan and by `netwatch tend`, which a timer runs by day. Where it stops: a
machine that is off tells nobody anything; for that there is a ping (ping.py) that somebody else misses.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from netwatch.arrival import Delivery, deliver, letters, unrecorded
from netwatch.model import Severity, Status
from netwatch.notice import Notice, NoticeKind, Week, due

if TYPE_CHECKING:
    from collections.abc import Callable

    from netwatch.config import Site
    from netwatch.document import Document
    from netwatch.errors import NetwatchError
    from netwatch.post import Content, Reader
    from netwatch.store import Store

    # Writes a notice for one kind of reader; the command line gives the one of reports/.
    Write = Callable[[Notice, Reader], Content]


def tend(
    store: Store, site: Site, write: Write, document: Document | None, now: datetime | None = None
) -> tuple[tuple[NoticeKind, ...], Delivery]:
    """Write what is due, each once, and hand over what waits. `document`: the last night."""
    now = now or datetime.now(UTC)
    hours = site.mails.overdue_hours
    watch = store.notices.watch(site.slug)
    overdue = timedelta(hours=hours) if hours else None
    kinds = tuple(due(watch, now, weekly=site.mails.weekly, overdue=overdue))
    for kind in kinds:
        week = weekly(store, site.slug, document, now) if kind is NoticeKind.WEEK and document else None
        notice = Notice(kind, site.slug, now, week, watch.complete, watch.ran, watch.stopped or "")
        store.notices.tell(site.slug, kind, "", now, letters(site, partial(write, notice)))
    return kinds, deliver(store, site)


def failed(store: Store, site: Site, error: NetwatchError, write: Write) -> Delivery:
    """A scan could not run: say so by mail, once for each reason until one runs, and hand over what waits."""
    now = datetime.now(UTC)
    if store.notices.why(site.slug, NoticeKind.FAILED) == error.message:
        return deliver(store, site)
    watch = store.notices.watch(site.slug)
    kind, why = NoticeKind.FAILED, error.message
    notice = Notice(kind, site.slug, now, None, watch.complete, watch.ran, why, dict(error.details))
    store.notices.tell(site.slug, kind, why, now, letters(site, partial(write, notice)))
    return deliver(store, site)


def unwritten(site: Site, error: NetwatchError, write: Write) -> tuple[NetwatchError | None, ...]:
    """As `failed`, where nothing can be written down either: said at once, without a record, each time.

    For every recipient and channel what hindered it, or None. Raises DeliveryError where there is nobody.
    """
    details = dict(error.details)
    notice = Notice(NoticeKind.FAILED, site.slug, datetime.now(UTC), why=error.message, details=details)
    return tuple(hindered for _, hindered in unrecorded(site, partial(write, notice)))


def weekly(store: Store, site: str, document: Document, now: datetime) -> Week:
    """The past seven days of a site."""
    nights, ran, sent = store.notices.days(site, now)
    known = [one for one in document.findings if one.status is not Status.RESOLVED]
    standing = [one for one in known if one.accepted is None]
    home = [one for one in document.devices if one.kind != "internet" and one.part_of is None]
    looked = [when for vantage, when in document.looked.items() if vantage == "outside"]
    return Week(
        nights,
        ran,
        len(home),
        sum(one.last_seen >= document.run.started for one in home),
        {level: count for level in Severity if (count := sum(one.severity is level for one in standing))},
        sum(one.status is Status.UNVERIFIED for one in standing),
        sent,
        datetime.fromisoformat(max(looked)) if looked else None,
        store.notices.untold(site, now),
        len(known) - len(standing),
    )
