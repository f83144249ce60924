"""Which letters wait, and which have arrived? waiting -> sending -> sent, or back to waiting.

A letter found in `sending` was being handed over when we died: it may have arrived. It is sent again
under the same Message-ID, because a lost alert is worse than one that mail programs can fold away.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from netwatch.post import Letter
from netwatch.store.writing import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database


def _now() -> str:
    return stamp(datetime.now(UTC))


def add(db: Database, run: int, letters: Iterable[Letter]) -> None:
    """Put letters in, in the transaction of their run."""
    for letter in letters:
        db.execute(
            "insert into outbox (site, run, message_id, recipient, subject, text, html, created, state) "
            "select site, id, ?, ?, ?, ?, ?, ?, 'waiting' from runs where id = ?",
            [letter.message_id, letter.recipient, letter.subject, letter.text, letter.html, _now(), run],
        )


def address(db: Database, letter: Letter, addressed: Iterable[Letter]) -> None:
    """In the place of a letter to nobody, one for each who is now named."""
    for copy in addressed:
        db.execute(
            "insert into outbox (site, run, message_id, recipient, subject, text, html, created, state) "
            "select site, run, ?, ?, subject, text, html, created, 'waiting' from outbox "
            "where message_id = ?",
            [copy.message_id, copy.recipient, letter.message_id],
        )
    db.execute("delete from outbox where message_id = ?", [letter.message_id])


def waiting(db: Database, site: str) -> tuple[Letter, ...]:
    """Those not known to have arrived, oldest first."""
    rows = db.query(
        "select message_id, recipient, subject, text, html from outbox "
        "where site = (select id from sites where slug = ?) and state <> 'sent' order by id",
        [site],
    )
    return tuple(Letter(**row) for row in rows)


def trying(db: Database, letter: Letter) -> None:
    """The hand-over begins."""
    db.execute(
        "update outbox set state = 'sending', tries = tries + 1, last_try = ? where message_id = ?",
        [_now(), letter.message_id],
    )


def sent(db: Database, letter: Letter) -> None:
    """The mail server has it."""
    db.execute(
        "update outbox set state = 'sent', sent = ?, error = null where message_id = ?",
        [_now(), letter.message_id],
    )


def put_back(db: Database, letter: Letter, error: str) -> None:
    """The mail server has it not; `error` says why."""
    db.execute(
        "update outbox set state = 'waiting', error = ? where message_id = ? and state <> 'sent'",
        [error, letter.message_id],
    )
