"""How does a site stand, at a glance? Pure: its last night and what is known of its nights, in one row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from netwatch.model import Severity, Status

if TYPE_CHECKING:
    from netwatch.document import Document
    from netwatch.notice import Watch

LATE = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Glance:
    """A site at a glance. Moments are UTC. `open`: findings that stand and that nobody accepted, by severity;
    `changes`: what moved in the last night; `late`: no complete night for a day and two hours."""

    site: str
    name: str
    last: str | None
    complete: str | None
    late: bool
    open: dict[str, int]
    unverified: int
    accepted: int
    changes: int
    devices: int
    undelivered: int


def glance(slug: str, name: str, watch: Watch, document: Document | None, now: datetime) -> Glance:
    """One site. `document`: its last night, None where there was none."""
    findings, devices = (document.findings, document.devices) if document else ((), ())
    standing = [one for one in findings if one.status is not Status.RESOLVED]
    counted = [one for one in standing if one.accepted is None]
    return Glance(
        site=slug,
        name=name,
        last=_utc(watch.ran),
        complete=_utc(watch.complete),
        late=watch.complete is None or now - watch.complete > LATE,
        open={str(s): n for s in Severity if (n := sum(one.severity is s for one in counted))},
        unverified=sum(one.status is Status.UNVERIFIED for one in counted),
        accepted=len(standing) - len(counted),
        changes=len(document.changes) + len(document.comings) if document else 0,
        devices=sum(one.kind != "internet" and one.part_of is None for one in devices),
        undelivered=len(document.undelivered) if document else 0,
    )


def _utc(moment: datetime | None) -> str | None:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else None
