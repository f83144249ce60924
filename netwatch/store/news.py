"""What was told, and what waits to be told, as rows. Every function that writes is called in a transaction.

A row is made where something changed, and none on a quiet night.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from netwatch.change import Before, Change, ChangeKind
from netwatch.model import Exposure, Finding, Link, Vantage
from netwatch.news import Fate, Item
from netwatch.store.notices import NIGHT
from netwatch.store.writing import site_number, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from sqlite_utils import Database

    Writing = Callable[[], AbstractContextManager[Database]]

TABLE = """
create table news (
    id integer primary key, site integer not null references sites(id), device text not null,
    port integer not null, kind text not null, fate text not null, at text not null, settled text,
    finding text not null, previous text, more text
) strict;
create index news_by_place on news(site, device, port);
create index news_waiting on news(site) where fate = 'waiting';
alter table sites add column digested text
"""
# Whatever stands when this table is made was told before: nobody is told of it again.
STANDING = """
insert into news (site, device, port, kind, fate, at, settled, finding)
select site, device, port, 'appeared', 'digest', first_seen, last_seen, json_object(
    'rule', rule, 'device', device, 'port', port, 'transport', transport, 'probe', probe,
    'address', address, 'vantage', vantage, 'exposure', exposure, 'about', json(about),
    'link', json(case when link_device is null then null else json_object(
        'device', link_device, 'address', link_address, 'port', link_port, 'by', link_by) end)
) from findings where ended is null
"""
SITE = "site = (select id from sites where slug = ?)"


def create(db: Database) -> None:
    """The table, with what stands."""
    for statement in TABLE.split(";"):
        db.execute(statement)
    db.execute(STANDING)


class Newsroom:
    """The news of all sites."""

    def __init__(self, db: Database, writing: Writing) -> None:
        """`writing` opens a transaction."""
        self._db = db
        self._writing = writing

    def kept(self, site: str, changes: Iterable[Change]) -> tuple[Item, ...]:
        """What waits to be told, and what was told before of the places that changed."""
        return kept(self._db, site, changes)

    def write(self, site: str, items: Iterable[Item], digested: datetime | None) -> None:
        """Keep what became of news. `digested`: a digest was written then."""
        with self._writing() as db:
            write(db, site, items, digested)

    def digested(self, site: str) -> datetime | None:
        """When this site's last digest was written, or None."""
        return digested(self._db, site)

    def nights(self, site: str, since: datetime) -> tuple[datetime, ...]:
        """When this site's complete nights began, since then."""
        return nights(self._db, site, since)


def kept(db: Database, site: str, changes: Iterable[Change]) -> tuple[Item, ...]:
    """What waits, and all that was told before of the places that changed."""
    waiting = f"select device, port from news where {SITE} and fate = 'waiting'"  # noqa: S608 - a constant
    places = {(row["device"], row["port"]) for row in db.query(waiting, [site])}
    places |= {(one.finding.device, one.finding.port) for one in changes}
    pile = f"select * from news where {SITE} and device = ? and port = ?"  # noqa: S608 - a constant
    rows = [row for place in sorted(places) for row in db.query(pile, [site, *place])]
    return tuple(_item(row) for row in sorted(rows, key=lambda row: int(row["id"])))


def everything(db: Database, site: str) -> tuple[Item, ...]:
    """All that is kept, the first first."""
    return tuple(_item(row) for row in db.query(f"select * from news where {SITE} order by id", [site]))  # noqa: S608


def write(db: Database, site: str, items: Iterable[Item], digested: datetime | None) -> None:
    """Keep what became of them. `digested`: a digest was written then."""
    number = site_number(db, site)
    for one in items:
        if one.number is not None:
            db.execute(
                "update news set fate = ?, settled = ? where id = ?",
                [one.fate, stamp(one.settled) if one.settled else None, one.number],
            )
            continue
        change = one.change
        db.execute(
            "insert into news (site, device, port, kind, fate, at, settled, finding, previous, more) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                number,
                change.finding.device,
                change.finding.port,
                change.kind,
                one.fate,
                stamp(one.at),
                stamp(one.settled) if one.settled else None,
                json.dumps(asdict(change.finding), ensure_ascii=False),
                json.dumps(asdict(change.previous), ensure_ascii=False) if change.previous else None,
                _more(change),
            ],
        )
    if digested is not None:
        db.execute("update sites set digested = ? where id = ?", [stamp(digested), number])


def digested(db: Database, site: str) -> datetime | None:
    """When the last digest was written."""
    row = next(db.query("select digested from sites where slug = ?", [site]), None)
    return datetime.fromisoformat(row["digested"]) if row and row["digested"] else None


def nights(db: Database, site: str, since: datetime) -> tuple[datetime, ...]:
    """When the complete nights began, since then."""
    rows = db.query(
        f"select started from runs where {SITE} and complete = 1 and {NIGHT} and started >= ? order by id",  # noqa: S608
        [site, stamp(since)],
    )
    return tuple(datetime.fromisoformat(row["started"]) for row in rows)


def _item(row: dict[str, Any]) -> Item:
    finding = _finding(row["finding"])
    more = json.loads(row["more"] or "{}")
    change = Change(
        ChangeKind(row["kind"]),
        finding,
        _finding(row["previous"]) if row["previous"] else None,
        Before(**more["before"]) if more.get("before") else None,
        date.fromisoformat(more["until"]) if more.get("until") else None,
    )
    settled = datetime.fromisoformat(row["settled"]) if row["settled"] else None
    return Item(change, datetime.fromisoformat(row["at"]), Fate(row["fate"]), settled, row["id"])


def _more(change: Change) -> str | None:
    """That it is back, and until when a person accepted it; None where neither is so."""
    until = change.until.isoformat() if change.until else None
    before = asdict(change.before) if change.before else None
    return json.dumps({"before": before, "until": until}) if before or until else None


def _finding(text: str) -> Finding:
    told = json.loads(text)
    link = told["link"]
    return Finding(
        **told
        | {
            "vantage": Vantage(told["vantage"]),
            "exposure": Exposure(told["exposure"]),
            "link": Link(**link) if link else None,
        }
    )
