"""What of old nights is forgotten, and when? What `[keep]` of the site file says, a part of it each night.

The rows are forgotten by the store (store/retention.py, which says what never goes); here is how old is old,
and what lies beside the database: the audit logs.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from netwatch import audit
from netwatch.errors import StoreError
from netwatch.store import retention
from netwatch.store.retention import Pruned

if TYPE_CHECKING:
    from datetime import datetime

    from netwatch.config import Site
    from netwatch.store import Store

NIGHTLY = 50  # logs that go in a night


def limit(site: Site, now: datetime) -> datetime:
    """What ended before this is old."""
    return now.astimezone(UTC) - timedelta(days=site.keep.days)


def tidy(store: Store, site: Site, now: datetime) -> None:
    """At the end of a night: a bounded part of what is due. Where it fails the night is stored all the same,
    and the next one tries again."""
    with suppress(StoreError):
        retention.prune(store, site.slug, limit(site, now))
        _forget_logs(store, site, now, NIGHTLY)


def due(store: Store, site: Site, now: datetime) -> tuple[Pruned, int]:
    """(rows, audit logs) that are due."""
    old = limit(site, now)
    return retention.due(store, site.slug, old), len(audit.before(store.folder, site.slug, old))


def everything(store: Store, site: Site, now: datetime) -> tuple[Pruned, int]:
    """Forget all that is due; (rows, audit logs) that went. Raises StoreError."""
    gone = Pruned()
    while (more := retention.prune(store, site.slug, limit(site, now))) != Pruned():
        gone += more
    return gone, _forget_logs(store, site, now)


def _forget_logs(store: Store, site: Site, now: datetime, most: int | None = None) -> int:
    """Raises StoreError."""
    old = audit.before(store.folder, site.slug, limit(site, now))[:most]
    for path in old:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError("store.cannot-write", path=path, why=error.strerror) from error
    return len(old)
