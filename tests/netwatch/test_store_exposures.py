"""Is the log of exposures kept as it was written, and can nothing take a line out of it?"""

from __future__ import annotations

import sqlite3
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlite_utils import Database

from netwatch.exposures import Added, Carried, Closed, Logged, Step
from netwatch.judge import Row
from netwatch.model import Link, Vantage
from netwatch.post import Letter
from netwatch.store import exposures, outbox
from netwatch.store.schema import FIRST as TABLES
from netwatch.store.writing import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = datetime(2026, 11, 1, 2, tzinfo=UTC)
LATER = FIRST + timedelta(days=1)
STEP = Step(
    at=FIRST,
    row=Row.ANSWERED,
    vantage=Vantage.OUTSIDE,
    by="dicom",
    seen_at=FIRST + timedelta(minutes=3),
    protocol="dicom",
    facts={"query": "answered"},
    evidence="[{}]",
    digest="0" * 64,
    link=Link("pacs", "192.168.1.20", 104, "mapping"),
)
ROW = Logged(("p-203.0.113.7", 8104, "tcp"), FIRST, FIRST, (STEP,), patients=5300)


@pytest.fixture
def db() -> Iterator[Database]:
    made = Database(memory=True)
    made.execute("pragma foreign_keys = on")
    for statement in TABLES.split(";"):
        if statement.strip():
            made.execute(statement)
    exposures.create(made)
    outbox.rebuild(made)
    for slug in ("cabinet", "other"):
        made.execute("insert into sites (slug, name, language) values (?, 'Cabinet', 'fr')", [slug])
    made.conn.commit()
    yield made
    made.close()


def test_what_was_written_is_read_again(db: Database) -> None:
    unknown = replace(ROW, place=("@box", 0, "tcp"), steps=(replace(STEP, link=None),), patients=None)
    exposures.add(db, "cabinet", Added(opened=(ROW, unknown)))
    assert exposures.log(db, "cabinet") == (replace(ROW, id=1), replace(unknown, id=2))
    assert exposures.log(db, "other") == ()


def test_a_link_to_an_address_of_nobody_we_know_is_kept(db: Database) -> None:
    stranger = Link("", "192.168.1.99", 80, "mapping")
    exposures.add(db, "cabinet", Added(opened=(replace(ROW, steps=(replace(STEP, link=stranger),)),)))
    assert exposures.log(db, "cabinet")[0].last.link == stranger


def test_a_row_goes_on_takes_steps_and_ends(db: Database) -> None:
    exposures.add(db, "cabinet", Added(opened=(ROW,)))
    step = replace(STEP, at=LATER, row=Row.UNANSWERED)
    exposures.add(db, "cabinet", Added(carried=(Carried(1, LATER, step, studies=9000),)))
    [row] = exposures.log(db, "cabinet", only_open=True)
    assert (row.last_seen, row.patients, row.studies, row.steps) == (LATER, 5300, 9000, (STEP, step))
    exposures.add(db, "cabinet", Added(closed=(Closed(1, LATER, "outside"),)))
    assert exposures.log(db, "cabinet", only_open=True) == ()
    [ended] = exposures.log(db, "cabinet")
    assert (ended.ended, ended.ended_by) == (LATER, "outside")


def test_what_ends_and_opens_in_one_night_is_two_rows(db: Database) -> None:
    exposures.add(db, "cabinet", Added(opened=(ROW,)))
    again = replace(ROW, first_seen=LATER, last_seen=LATER)
    exposures.add(db, "cabinet", Added(opened=(again,), closed=(Closed(1, LATER, "outside"),)))
    assert [row.ended for row in exposures.log(db, "cabinet")] == [LATER, None]


def test_a_step_without_a_new_sighting_leaves_the_last_date(db: Database) -> None:
    exposures.add(db, "cabinet", Added(opened=(ROW,)))
    exposures.add(db, "cabinet", Added(carried=(Carried(1, None, replace(STEP, at=LATER)),)))
    assert exposures.log(db, "cabinet")[0].last_seen == FIRST


@pytest.mark.parametrize(
    "statement",
    [
        "delete from exposures",
        "delete from exposure_steps",
        "update exposure_steps set evidence = 'another'",
        "update exposures set first_seen = '2027-01-01T00:00:00Z'",
        "update exposures set last_seen = '2020-01-01T00:00:00Z'",
        "update exposures set device = 'another'",
        "delete from sites",
    ],
)
def test_nothing_takes_a_line_out_or_writes_over_one(db: Database, statement: str) -> None:
    exposures.add(db, "cabinet", Added(opened=(ROW,)))
    before = exposures.log(db, "cabinet")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)
    assert exposures.log(db, "cabinet") == before


def test_a_row_that_ended_is_never_touched_again(db: Database) -> None:
    exposures.add(db, "cabinet", Added(opened=(ROW,), closed=()))
    exposures.add(db, "cabinet", Added(closed=(Closed(1, LATER, "outside"),)))
    for more in (Added(carried=(Carried(1, LATER),)), Added(closed=(Closed(1, LATER, "box"),))):
        with pytest.raises(sqlite3.IntegrityError):
            exposures.add(db, "cabinet", more)


def run(db: Database, started: datetime, uid: str) -> int:
    """A night's row."""
    text = db.execute(
        "insert into texts (digest, body) values (?, '') returning id", [f"digest-{uid}"]
    ).fetchone()
    return int(
        db.execute(
            "insert into runs (uid, site, started, finished, complete, vantages, coverage) "
            "values (?, 1, ?, ?, 1, '[]', ?) returning id",
            [uid, stamp(started), stamp(started), text[0]],
        ).fetchone()[0]
    )


def test_who_was_told_and_when_comes_from_the_letters_of_its_nights(db: Database) -> None:
    exposures.add(db, "cabinet", Added(opened=(ROW,)))
    rows = exposures.log(db, "cabinet")
    letters = [Letter(f"<{n}@test>", to, "s", "t", "h") for n, to in enumerate(("dr@example.fr", "it@test"))]
    outbox.add(db, run(db, FIRST, "first"), letters)
    outbox.add(db, run(db, LATER, "later"), [Letter("<9@test>", "late@test", "s", "t", "h")])
    assert exposures.told(db, "cabinet", rows) == rows
    post = outbox.Outbox(db, lambda: nullcontext(db))
    for letter in (*letters, Letter("<9@test>", "late@test", "s", "t", "h")):
        post.sent(letter, LATER)
    [row] = exposures.told(db, "cabinet", rows)
    assert row.told_at is not None
    assert row.told_to == ("dr@example.fr", "it@test")
    assert row.by_then == row.told_at + timedelta(hours=72)


def reached(db: Database, device: str, port: int, last: datetime = FIRST, vantage: str = "outside") -> None:
    """Something that was seen there."""
    db.execute(
        "insert or ignore into devices (site, id, address, names, kind, first_seen, last_seen) "
        "values (1, ?, '203.0.113.7', '[]', 'internet', '', '')",
        [device],
    )
    db.execute(
        "insert into services (site, device, address, port, transport, vantage, probe, protocol, proved, "
        "facts, first_seen, last_seen) "
        "values (1, ?, '203.0.113.7', ?, 'tcp', ?, 'dicom', 'dicom', 1, '{}', ?, ?)",
        [device, port, vantage, stamp(FIRST), stamp(last)],
    )


def standing(db: Database) -> list[tuple[str, int, str]]:
    """What is remembered as seen."""
    rows = db.query("select device, port, vantage from services where ended is null order by id")
    return [(row["device"], row["port"], row["vantage"]) for row in rows]


@pytest.mark.parametrize("device", ["p-203.0.113.7", "@box"])
def test_what_a_silence_proved_shut_is_not_remembered_as_reached(db: Database, device: str) -> None:
    exposures.add(db, "cabinet", Added(opened=(replace(ROW, place=(device, 8104, "tcp")),)))
    reached(db, "p-203.0.113.7", 8104)
    reached(db, "p-203.0.113.7", 443)
    reached(db, "pacs", 8104, vantage="lan")
    exposures.add(db, "cabinet", Added(closed=(Closed(1, LATER, "outside"),)))
    assert standing(db) == [("p-203.0.113.7", 443, "outside"), ("pacs", 8104, "lan")]


def test_nor_is_what_the_box_still_forwards_while_it_is_shut(db: Database) -> None:
    exposures.add(db, "cabinet", Added(opened=(ROW,)))
    reached(db, "p-203.0.113.7", 8104)
    quiet = Carried(1, None, replace(STEP, at=LATER, row=Row.UNANSWERED))
    exposures.add(db, "cabinet", Added(carried=(quiet,)))
    assert standing(db) == [("p-203.0.113.7", 8104, "outside")]
    shut = Carried(1, LATER, replace(STEP, at=LATER, row=Row.FORWARDED_BUT_SILENT, vantage=Vantage.BOX))
    exposures.add(db, "cabinet", Added(carried=(shut,)))
    assert standing(db) == []


def test_what_was_seen_tonight_stays(db: Database) -> None:
    exposures.add(db, "cabinet", Added(opened=(ROW,)))
    reached(db, "p-203.0.113.7", 8104, last=LATER)
    exposures.add(db, "cabinet", Added(closed=(Closed(1, LATER, "moved"),)))
    assert standing(db) == [("p-203.0.113.7", 8104, "outside")]
