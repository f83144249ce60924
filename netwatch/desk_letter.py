"""What is done for a consultant's desk? One letter over all sites, written once for what moved, and sent.

What it told, and the letter, are one transaction: a letter that was not kept told nothing, and one that was
kept is handed over once (arrival.py). The practices' own mails are untouched.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from netwatch.arrival import Delivery, deliver, letters
from netwatch.glance import glance
from netwatch.overview import Row, overview, remembered, standing
from netwatch.store import retention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from netwatch.desk import Desk
    from netwatch.errors import NetwatchError
    from netwatch.overview import Overview
    from netwatch.post import Content, Reader
    from netwatch.store import Store
    from netwatch.words import Catalogue

    # Writes the letter for one kind of reader; the command line gives the one of reports/.
    Write = Callable[[Overview, Reader], Content]

KEPT = timedelta(days=400)  # for which letters that arrived are kept, as those of a site
WHAT = "desk"  # under which the last letter is remembered


def rows(
    store: Store,
    catalogue: Catalogue,
    language: str,
    now: datetime,
    hindered: Mapping[str, NetwatchError] | None = None,
) -> Iterator[Row]:
    """Every site of the database. `hindered`: why some could not be scanned just now."""
    for slug in store.sites():
        known, watch = store.site(slug), store.notices.watch(slug)
        document = store.document(slug, catalogue, language)
        seen = glance(slug, known[0] if known else slug, watch, document, now)
        yield Row(seen, standing(document), (hindered or {}).get(slug))


def tell(store: Store, desk: Desk, path: Path, told: list[Row], write: Write) -> tuple[bool, Delivery]:
    """Was a letter written, and what became of all that waits. Raises StoreError."""
    now = datetime.now(UTC).replace(microsecond=0)
    with store.lock(desk.slug):
        store.remember(desk.slug, desk.name, desk.language, str(path.resolve()))
        since = store.notices.watch(desk.slug).told.get(WHAT)
        seen = overview(told, store.notices.why(desk.slug, WHAT), since, now)
        if seen.due:
            post = letters(desk, partial(write, seen))
            store.notices.tell(desk.slug, WHAT, remembered(told), now, post)
            retention.prune(store, desk.slug, now - KEPT)
        return seen.due, deliver(store, desk)
