"""What was told of the watching itself, as rows: one for each kind, taken away when it holds no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from netwatch.change import NEWS as ARRIVALS
from netwatch.notice import DAYS, NoticeKind, Watch
from netwatch.store import outbox
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from sqlite_utils import Database

    from netwatch.post import Letter

    Writing = Callable[[], AbstractContextManager[Database]]

TABLE = """
create table notices (
    site integer not null references sites(id), what text not null, at text not null, why text not null,
    primary key (site, what)
) strict
"""
SITE = "site = (select id from sites where slug = ?)"
# A look from outside is no night of a practice that is also looked at from inside.
INSIDE = "vantages like '%\"lan\"%'"
ELSE = f"select 1 from runs as other where other.site = runs.site and other.{INSIDE}"  # noqa: S608 - constants
NIGHT = f"({INSIDE} or not exists ({ELSE}))"
LAST = "id = (select max(id) from runs as last where last.site = runs.site)"


def create(db: Database) -> None:
    """The table."""
    db.execute(TABLE)


class Notices:
    """The notices of all sites."""

    def __init__(self, db: Database, writing: Writing) -> None:
        """`writing` opens a transaction."""
        self._db = db
        self._writing = writing

    def watch(self, site: str) -> Watch:
        """What is known of this site's nights."""
        return watch(self._db, site)

    def inside(self, site: str) -> bool:
        """Was this site ever looked at from inside?"""
        return bool(_run(self._db, site, f"and {INSIDE}"))

    def counts(self, site: str) -> bool:
        """Is the last run one of the nights that are counted, complete or not?"""
        return counts(self._db, site)

    def why(self, site: str, kind: str) -> str | None:
        """Why it was told last, where that still holds."""
        return told(self._db, site, kind)

    def days(self, site: str, now: datetime) -> tuple[int, int, int]:
        """Of the past seven days: those with a complete night, those with any scan; letters sent."""
        return days(self._db, site, now)

    def untold(self, site: str, now: datetime) -> int:
        """Of the past seven days: how much was found of which nobody was to be told (`--no-alert`)."""
        return untold(self._db, site, now)

    def tell(self, site: str, kind: str, why: str, at: datetime, letters: Iterable[Letter]) -> None:
        """It is told now, by these letters; or neither is kept."""
        with self._writing() as db:
            tell(db, site, kind, why, at)
            outbox.notice(db, site_number(db, site), letters)


def watch(db: Database, site: str) -> Watch:
    """What is known of this site's nights."""
    first = _run(db, site, "order by started")
    last = _run(db, site, "order by id desc")
    done = _run(db, site, f"and complete = 1 and {NIGHT} order by id desc")
    told = db.query(f"select what, at from notices where {SITE}", [site])  # noqa: S608 - a constant
    return Watch(
        _when(first.get("started")),
        _when(last.get("finished")),
        _when(done.get("finished")),
        last.get("stopped"),
        {one["what"]: datetime.fromisoformat(one["at"]) for one in told},
    )


def _run(db: Database, site: str, which: str) -> dict[str, Any]:
    """The first of these runs; empty where there is none. An index leads to it, however many there are."""
    query = f"select started, finished, stopped from runs where {SITE} {which} limit 1"  # noqa: S608 - constants
    return next(db.query(query, [site]), {})


def tell(db: Database, site: str, kind: str, why: str, at: datetime) -> None:
    """It is told now."""
    db.execute(
        "insert or replace into notices (site, what, at, why) values (?, ?, ?, ?)",
        [site_number(db, site), kind, stamp(at.astimezone(UTC)), why],
    )


def told(db: Database, site: str, kind: str) -> str | None:
    """Why it was told last, where that still holds."""
    query = f"select why from notices where {SITE} and what = ?"  # noqa: S608 - a constant
    row = next(db.query(query, [site, kind]), None)
    return str(row["why"]) if row else None


def over(db: Database, site: str, *, complete: bool) -> None:
    """A scan ran: it can, and where it is complete it is not overdue."""
    kinds = [NoticeKind.FAILED, *([NoticeKind.OVERDUE] if complete and counts(db, site) else [])]
    for kind in kinds:
        db.execute(f"delete from notices where {SITE} and what = ?", [site, kind])  # noqa: S608 - a constant


def counts(db: Database, site: str) -> bool:
    """Is the last run a night?"""
    return bool(_run(db, site, f"and {NIGHT} and {LAST}"))


def days(db: Database, site: str, now: datetime) -> tuple[int, int, int]:
    """Of the past seven days: how many had a complete night, how many a scan at all; letters sent."""
    past = [stamp((now - timedelta(days=DAYS)).astimezone(UTC)), stamp(now.astimezone(UTC))]
    runs = list(
        db.query(
            f"select date(started, 'localtime') as day, max(complete) as whole from runs where {SITE} "  # noqa: S608
            f"and {NIGHT} and started between ? and ? group by day",
            [site, *past],
        )
    )
    letters = next(
        db.query(
            f"select count(*) as n from runs where {SITE} and started between ? and ? "  # noqa: S608 - a constant
            "and exists (select 1 from outbox where run = runs.id)",
            [site, *past],
        )
    )
    return min(DAYS, sum(row["whole"] for row in runs)), min(DAYS, len(runs)), letters["n"]


def untold(db: Database, site: str, now: datetime) -> int:
    """How much was new in the past seven days, and went to nobody."""
    kinds = ", ".join(f"'{kind}'" for kind in sorted(ARRIVALS))
    past = [stamp((now - timedelta(days=DAYS)).astimezone(UTC)), stamp(now.astimezone(UTC))]
    query = (
        f"select count(*) as n from news where {SITE} and fate = 'digest' and kind in ({kinds}) "  # noqa: S608
        "and at between ? and ? and not exists (select 1 from runs join outbox on outbox.run = runs.id "
        "where runs.site = news.site and runs.started in (news.at, news.settled))"
    )
    return int(next(db.query(query, [site, *past]))["n"])


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
