"""Which letters wait, which have arrived? waiting -> sending -> sent; or back, or refused, or given up.

A letter found in `sending` was being handed over when we died: it may have arrived. It is sent again
under the same Message-ID, because a lost alert is worse than one that mail programs can fold away. No
letter is ever deleted for not having arrived.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from netwatch.patience import given_up, next_try
from netwatch.post import Letter, Posted, State
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from sqlite_utils import Database

    from netwatch.errors import NetwatchError

    Writing = Callable[[], AbstractContextManager[Database]]

TWELFTH = """
create table outbox_12 (
    id integer primary key, site integer not null references sites(id), run integer references runs(id),
    message_id text not null unique, recipient text not null,
    subject text not null, text text not null, html text not null, created text not null,
    state text not null check (state in ('waiting', 'sending', 'refused', 'given-up', 'sent', 'dropped')),
    tries integer not null default 0, first_try text, last_try text, next_try text, sent text,
    why text not null default '{}', note text
) strict;
insert into outbox_12 (id, site, run, message_id, recipient, subject, text, html, created, state, tries,
    first_try, last_try, sent, why)
    select id, site, run, message_id, recipient, subject, text, html, created, state, tries,
    coalesce(last_try, case when error is not null then created end), last_try, sent,
    case when error is null then '{}'
    else json_object('message', 'mail.noted', 'details', json_object('said', error)) end from outbox;
drop table outbox;
alter table outbox_12 rename to outbox;
create index outbox_waiting on outbox(site) where state <> 'sent';
"""
SITE = "site = (select id from sites where slug = ?)"
# With what the index of those that wait says of itself: else SQLite goes through all that were ever sent.
UNSENT = f"{SITE} and state <> 'sent'"
PENDING = f"{UNSENT} and state in ('waiting', 'sending', 'refused')"
INSERT = (
    "insert into outbox (site, run, message_id, recipient, subject, text, html, created, state) "
    "select site, {run}, ?, ?, ?, ?, ?, ?, 'waiting' from {table} where id = ?"
)
TRIED = "tries = tries + 1, last_try = ?, first_try = coalesce(first_try, ?) where message_id = ?"
COUNT = f"update outbox set {TRIED}"  # noqa: S608
START = f"update outbox set state = 'sending', {TRIED}"  # noqa: S608


def rebuild(db: Database) -> None:
    """The table as it is since m012: states, and plans, that the first one did not know."""
    for statement in TWELFTH.split(";"):
        if statement.strip():
            db.execute(statement)


def add(db: Database, run: int, letters: Iterable[Letter]) -> None:
    """Put letters in, in the transaction of their run."""
    _put(db, letters, INSERT.format(run="id", table="runs"), run, stamp(datetime.now(UTC)))


def notice(db: Database, site: int, letters: Iterable[Letter]) -> None:
    """Put in letters that no run caused. `site`: its row."""
    insert = INSERT.replace("select site,", "select id,").format(run="null", table="sites")
    _put(db, letters, insert, site, stamp(datetime.now(UTC)))


def _put(db: Database, letters: Iterable[Letter], insert: str, key: int, created: str) -> None:
    for one in letters:
        told = [one.message_id, one.recipient, one.subject, one.text, one.html, created]
        db.execute(insert, [*told, key])


class Outbox:
    """The letters of all sites. Each step is on disk before the next one is taken."""

    def __init__(self, db: Database, writing: Writing) -> None:
        """`writing` opens a transaction."""
        self._db = db
        self._writing = writing

    def put(self, site: str, letters: Iterable[Letter]) -> None:
        """Put in letters that no run has caused: a sign of life, a summary of several nights."""
        with self._writing() as db:
            notice(db, site_number(db, site), letters)

    def pending(self, site: str) -> tuple[Posted, ...]:
        """Those that will be tried again, oldest first."""
        return self._read(f"{PENDING} order by id", site)

    def unarrived(self, site: str) -> tuple[Posted, ...]:
        """All that have not arrived and that nobody has dropped, oldest first; also the given-up ones."""
        return self._read(f"{UNSENT} and state <> 'dropped' order by id", site)

    def ended(self, site: str, most: int) -> tuple[Posted, ...]:
        """Those that arrived or were dropped, the last first."""
        return self._read(f"{SITE} and state in ('sent', 'dropped') order by id desc limit ?", site, most)

    def find(self, site: str, number: int) -> Posted | None:
        """The letter of this number, if it is one of the site's."""
        return next(iter(self._read(f"{SITE} and id = ?", site, number)), None)

    def address(self, letter: Letter, addressed: Iterable[Letter]) -> None:
        """In the place of a letter to nobody, one for each who is now named."""
        with self._writing() as db:
            row = next(db.query("select id, created from outbox where message_id = ?", [letter.message_id]))
            _put(db, addressed, INSERT.format(run="run", table="outbox"), row["id"], row["created"])
            db.execute("delete from outbox where id = ?", [row["id"]])

    def trying(self, letter: Letter, now: datetime) -> None:
        """A try starts: if we die now, we will know that this letter may have arrived."""
        with self._writing() as db:
            db.execute(START, _tried(letter, now))

    def sent(self, letter: Letter, now: datetime) -> None:
        """It was taken."""
        with self._writing() as db:
            db.execute(
                "update outbox set state = 'sent', sent = ?, next_try = null, why = '{}' "
                "where message_id = ?",
                [stamp(now), letter.message_id],
            )

    def put_back(self, letter: Letter, error: NetwatchError, now: datetime) -> None:
        """It was not taken; `error` says why, and whether it is refused for good."""
        with self._writing() as db:
            _plan(db, letter, error, now)

    def hindered(self, letters: Iterable[Letter], error: NetwatchError, now: datetime) -> None:
        """Nobody could be asked at all: a try of all these letters, and none of them has left."""
        with self._writing() as db:
            for letter in letters:
                db.execute(COUNT, _tried(letter, now))
                _plan(db, letter, error, now, for_good=False)

    def drop(self, letter: Letter, note: str) -> None:
        """A person says that it shall not be sent, and why. It is kept."""
        with self._writing() as db:
            db.execute(
                "update outbox set state = 'dropped', next_try = null, note = ? "
                "where message_id = ? and state <> 'sent'",
                [note, letter.message_id],
            )

    def _read(self, where: str, *values: object) -> tuple[Posted, ...]:
        return tuple(map(_posted, self._db.query(f"select * from outbox where {where}", list(values))))  # noqa: S608


def _tried(letter: Letter, now: datetime) -> list[str]:
    return [stamp(now), stamp(now), letter.message_id]


def _plan(
    db: Database, letter: Letter, error: NetwatchError, now: datetime, *, for_good: bool = True
) -> None:
    """When it is tried next, or that it no longer is."""
    row = next(db.query("select tries, first_try from outbox where message_id = ?", [letter.message_id]))
    first, refused = _moment(row["first_try"]) or now, for_good and getattr(error, "permanent", False)
    over = given_up(first, now, row["tries"])
    state = State.GIVEN_UP if over else State.REFUSED if refused else State.WAITING
    planned = None if over else stamp(next_try(first, now, refused=refused))
    why = json.dumps({"message": error.message, "details": error.details}, default=str, ensure_ascii=False)
    db.execute(
        "update outbox set state = ?, next_try = ?, why = ? where message_id = ? "
        "and state not in ('sent', 'dropped')",
        [state, planned, why, letter.message_id],
    )


def _posted(row: dict[str, Any]) -> Posted:
    why = json.loads(row["why"])
    return Posted(
        number=row["id"],
        letter=Letter(*(row[key] for key in ("message_id", "recipient", "subject", "text", "html"))),
        state=State(row["state"]),
        created=_moment(row["created"]) or datetime.now(UTC),
        tries=row["tries"],
        last_try=_moment(row["last_try"]),
        next_try=_moment(row["next_try"]),
        sent=_moment(row["sent"]),
        why=str(why.get("message", "")),
        details=why.get("details", {}),
        note=row["note"] or "",
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
