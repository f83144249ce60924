"""Does what is old go, a bounded part at a time, and nothing that must stay?"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.change import Came, Change, ChangeKind, Coming, ComingKind
from netwatch.diff import compare
from netwatch.exposures import Added
from netwatch.model import Coverage, Failure, Outcome, Reason, Vantage
from netwatch.news import Fate, Item, News
from netwatch.notice import NoticeKind
from netwatch.post import Letter
from netwatch.sayings import Saying, What
from netwatch.store import Store, retention
from netwatch.store.retention import Pruned, due, prune
from tests.netwatch.test_store import CATALOGUE, FIRST, OPEN_PACS, night, record, rows
from tests.netwatch.test_store_exposures import ROW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.exposures import Logged

END = FIRST + timedelta(days=1000)
MISSED = Failure("dicom", Vantage.LAN, "192.168.1.20", 4242, Reason.TIMEOUT, "no answer in time", "d")
TEXT = "Le serveur 192.168.1.20 repond"
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def letter(number: int) -> Letter:
    return Letter(f"<{number}@test>", "dr@example.fr", "Alerte", TEXT, f"<p>{TEXT}</p>")


def after(nights: int) -> datetime:
    """Just before this night."""
    return FIRST + timedelta(days=nights) - timedelta(hours=1)


def logged() -> Logged:
    [step] = ROW.steps
    return replace(ROW, first_seen=FIRST, last_seen=FIRST, steps=(replace(step, at=FIRST, seen_at=FIRST),))


def fill(store: Store, nights: int = 10) -> None:
    """Nights with a failure, a change of coverage and a letter each; the first opened an exposure."""
    for number in range(nights):
        asked = Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", (1000 + number,), Outcome.CLOSED)
        run = night(number, facts=OPEN_PACS | {"implementation_version": f"V{number}"})
        run = replace(run, failures=(MISSED,), coverage=(*run.coverage, asked))
        store.record(
            run,
            compare(store.picture(run.site), run, CATALOGUE.ladder),
            (letter(number),),
            None if number else Added(opened=(logged(),)),
            came=Came((Coming(ComingKind.NEW, run.devices[0]),)),
            told=news(number),
        )
        sent(store, number)


def news(number: int) -> News:
    """A change of each fate, seen in this night; all but the waiting one were settled in the next."""
    at, found = FIRST + timedelta(days=number), night().observations[1].finding("dicom-query-answered")
    change = Change(ChangeKind.APPEARED, found)
    settled = [None if fate is Fate.WAITING else at + timedelta(days=1) for fate in Fate]
    return News(tuple(Item(change, at, *told) for told in zip(Fate, settled, strict=True)), (), ())


def record_with(store: Store, run: object, letters: tuple[Letter, ...], exposed: Added | None) -> bool:
    moved = compare(store.picture(run.site), run, CATALOGUE.ladder)  # type: ignore[attr-defined, arg-type]
    store.record(run, moved, letters, exposed)  # type: ignore[arg-type]
    return True


def sent(store: Store, number: int) -> None:
    """The mail server took it a minute after its night."""
    store.outbox.sent(letter(number), NOW)
    with store._writing() as db:
        at = (FIRST + timedelta(days=number, minutes=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
        db.execute("update outbox set sent = ? where message_id = ?", [at, letter(number).message_id])


def uids(store: Store) -> list[str]:
    return [row["uid"] for row in store._db.query("select uid from runs order by id")]


def test_every_table_has_its_place(store: Store) -> None:
    there = {name for name in rows(store) if not name.startswith(("_", "sqlite_"))}
    assert sorted((*retention.GOES, *retention.STAYS)) == sorted(there), "say whether its rows go or stay"


def test_only_tables_that_go_lose_rows(store: Store) -> None:
    fill(store)
    before = rows(store)
    prune(store, "cabinet", END)
    lost = {name for name, count in rows(store).items() if count < before[name]}
    assert lost == set(retention.GOES)


def test_detail_of_old_nights_goes_and_that_of_later_ones_stays(store: Store) -> None:
    fill(store)
    assert prune(store, "cabinet", after(6)) == Pruned(6, 6, 5, 5)
    assert uids(store) == ["run-0", *(f"run-{number}" for number in range(6, 10))]
    left = store._db.query(
        "select uid, count(failures.run) as n from runs left join failures on run = id group by id"
    )
    assert {row["uid"]: row["n"] for row in left} == {"run-0": 0} | {f"run-{n}": 1 for n in range(6, 10)}
    assert rows(store)["texts"] == 5  # one a night that is left, and the empty one


def test_what_is_never_forgotten(store: Store) -> None:
    fill(store)
    store.say("cabinet", [Saying("d", What.NAME, "PACS", "user", FIRST)])
    document, known = store.document("cabinet", CATALOGUE, "fr"), store.picture("cabinet")
    log, said = store.exposures("cabinet"), store.ever_said("cabinet")
    prune(store, "cabinet", END)
    assert uids(store) == ["run-0", "run-9"]
    assert store.document("cabinet", CATALOGUE, "fr") == document
    assert store.picture("cabinet") == known
    assert store.exposures("cabinet") == log
    assert store.ever_said("cabinet") == said
    assert log[0].told_at is not None
    assert log[0].told_to == ("dr@example.fr",)


def test_of_the_letter_that_told_of_an_exposure_its_proof_stays_and_its_text_goes(store: Store) -> None:
    fill(store, 3)
    prune(store, "cabinet", END)
    [left] = store._db.query("select * from outbox")
    assert (left["message_id"], left["recipient"], left["subject"]) == ("<0@test>", "dr@example.fr", "Alerte")
    assert (left["text"], left["html"], left["sent"]) == ("", "", "2026-11-01T22:03:00Z")


def test_what_was_forgotten_is_not_left_in_the_file(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.remember("cabinet", "Cabinet", "fr")
        fill(store, 5)
    assert TEXT.encode() in store.path.read_bytes()
    with Store(tmp_path) as store:
        prune(store, "cabinet", END)
    assert TEXT.encode() not in store.path.read_bytes()


def test_a_letter_that_waits_and_its_night_stay(store: Store) -> None:
    record(store, night(0), (letter(0),))
    record(store, night(1), (letter(1),))
    store.outbox.trying(letter(1), NOW)  # we may have died while it was handed over
    for number in range(2, 5):
        record(store, night(number))
    prune(store, "cabinet", END)
    assert [one.letter for one in store.outbox.pending("cabinet")] == [letter(0), letter(1)]
    assert uids(store) == ["run-0", "run-1", "run-4"]


def test_the_last_complete_night_stays_whatever_came_after_it(store: Store) -> None:
    for number in range(5):
        record(store, replace(night(number), complete=number == 1))
    prune(store, "cabinet", END)
    assert uids(store) == ["run-1", "run-4"]


def test_when_it_was_last_looked_from_outside_is_known_though_that_night_is_forgotten(store: Store) -> None:
    record(store, replace(night(0), vantages=(Vantage.LAN, Vantage.OUTSIDE)))
    for number in range(1, 4):
        record(store, night(number))
    prune(store, "cabinet", END)
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    assert document.looked == {"outside": "2026-11-01T22:02:00Z", "lan": "2026-11-04T22:02:00Z"}


def test_a_letter_that_no_night_caused_goes_when_it_was_sent_long_ago(store: Store) -> None:
    for number in range(3):
        at = FIRST + timedelta(days=number)
        store.notices.tell("cabinet", NoticeKind.WEEK, "", at, [letter(number)])
        if number != 1:
            store.outbox.sent(letter(number), at)
    assert prune(store, "cabinet", after(2)) == Pruned(letters=1)
    left = [row["message_id"] for row in store._db.query("select message_id from outbox order by id")]
    assert left == [letter(1).message_id, letter(2).message_id]
    assert [one.letter for one in store.outbox.pending("cabinet")] == [letter(1)]
    assert rows(store)["notices"] == 1


def test_what_was_told_and_what_waits_to_be_told_stays_and_what_proved_no_news_goes(store: Store) -> None:
    fill(store, 4)
    prune(store, "cabinet", after(3))
    fates = [one["fate"] for one in store._db.query("select fate from news order by id")]
    assert {fate: fates.count(fate) for fate in Fate} == {"waiting": 4, "alert": 4, "digest": 4, "dropped": 2}


def test_how_often_a_finding_was_there_before_is_never_forgotten(store: Store) -> None:
    shut = Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", (104,), Outcome.CLOSED)
    for number in range(6):
        run = night(number)
        gone = replace(run, observations=(), findings=frozenset(), coverage=(shut,))
        record(store, gone if number % 2 else run)
    record(store, night(6))
    prune(store, "cabinet", END)
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    assert [part.before and part.before.times for part in document.findings] == [3]


def test_a_text_that_a_later_night_needs_stays(store: Store) -> None:
    for number in range(4):
        record(store, night(number))
    prune(store, "cabinet", after(3))
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    assert len(document.coverage) == 4


def test_a_finding_that_ended_long_ago_keeps_its_dates(store: Store) -> None:
    record(store, night(0))
    closed = Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", (104,), Outcome.CLOSED)
    record(store, replace(night(1), observations=(), findings=frozenset(), coverage=(closed,)))
    record(store, night(2))
    prune(store, "cabinet", END)
    spans = [
        (row["first_seen"], row["ended"]) for row in store._db.query("select * from findings order by id")
    ]
    assert spans == [("2026-11-01T22:00:00Z", "2026-11-02T22:00:00Z"), ("2026-11-03T22:00:00Z", None)]


def test_a_night_forgets_a_bounded_part_and_the_next_ones_the_rest(store: Store) -> None:
    fill(store)
    assert prune(store, "cabinet", END, most=4) == Pruned(4, 4, 4, 4)
    assert prune(store, "cabinet", END, most=4) == Pruned(4, 4, 4, 4)
    assert prune(store, "cabinet", END, most=4) == Pruned(1, 2, 1, 2)
    assert prune(store, "cabinet", END, most=4) == Pruned()


def test_what_is_due_is_what_goes(store: Store) -> None:
    fill(store)
    for before in (after(0), after(5), END):
        told = due(store, "cabinet", before)
        assert prune(store, "cabinet", before) == told
        assert due(store, "cabinet", before) == Pruned()


def test_another_site_loses_nothing(store: Store) -> None:
    store.remember("other", "Other", "en")
    for number in range(4):
        record(store, night(number))
        record(store, replace(night(number), id=f"other-{number}", site="other"))
    prune(store, "cabinet", END)
    assert uids(store) == ["other-0", "other-1", "other-2", "run-3", "other-3"]
    assert store.document("other", CATALOGUE, "en") is not None


def test_a_letter_proves_nothing_of_another_site(store: Store) -> None:
    store.remember("other", "Other", "en")
    fill(store, 2)
    for number in range(2):  # nights that began at the same second
        told = replace(letter(number), message_id=f"<other-{number}@test>")
        record(store, replace(night(number), id=f"other-{number}", site="other"), (told,))
        store.outbox.sent(told, NOW)
    with store._writing() as db:
        db.execute("update outbox set sent = '2026-11-01T22:05:00Z'")
    assert prune(store, "other", END).letters == 2
    assert [row["message_id"] for row in store._db.query("select message_id from outbox")] == [
        "<0@test>",
        "<1@test>",
    ]


def test_of_a_site_that_nobody_knows_nothing_goes(store: Store) -> None:
    assert due(store, "nobody", END) == prune(store, "nobody", END) == Pruned()


def test_the_file_gets_smaller(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.remember("cabinet", "Cabinet", "fr")
        for number in range(60):
            big = replace(letter(number), html="<p>" + "x" * 20_000)
            record(store, night(number), (big,))
            sent(store, number)
    before = store.path.stat().st_size
    with Store(tmp_path) as store:
        prune(store, "cabinet", END)
    assert store.path.stat().st_size < before / 4


def test_one_that_was_made_without_gets_smaller_when_it_is_asked_to(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "netwatch.db")) as db:
        db.execute("create table filler (body text)")
        db.execute("insert into filler values (?)", ["x" * 2_000_000])
        db.execute("drop table filler")
        db.commit()
    with Store(tmp_path) as store:
        before, now = retention.compact(store)
        assert now < before / 2
        assert store._db.execute("pragma auto_vacuum").fetchone()[0] == 2
        assert retention.size(store) == now


def plans(store: Store, statements: list[str]) -> list[str]:
    """The steps of these statements that go through a whole table."""
    scans = []
    for statement in statements:
        names = dict.fromkeys(re.findall(r":(\w+)", statement), 1)
        told = store._db.execute(f"explain query plan {statement}", names).fetchall()
        scans += [f"{statement}: {row[3]}" for row in told if re.match(r"SCAN (?!json_each)", row[3])]
    return scans


def test_no_old_row_is_looked_for_in_a_whole_table(store: Store) -> None:
    kinds = (retention.OLD_RUNS, retention.OLD_LETTERS, retention.OLD_ANSWERS, retention.OLD_NEWS)
    assert plans(store, [f"select id {what} limit :most" for what in kinds]) == []
    assert (
        plans(
            store,
            [
                "delete from failures where run = :run",
                "delete from changes where run = :run",
                "delete from comings where run = :run",
            ],
        )
        == []
    )


def test_whatever_refers_to_a_row_that_may_go_is_found_by_an_index(store: Store) -> None:
    """Else SQLite goes through all of it for each row that is deleted."""
    tables = [name for name in rows(store) if not name.startswith(("_", "sqlite_"))]
    refers = [
        f"select 1 from {table} where {key[3]} = :x"  # noqa: S608 - our own tables
        for table in tables
        for key in store._db.execute(f"pragma foreign_key_list({table})").fetchall()
        if key[2] in retention.GOES
    ]
    assert len(refers) >= 4
    assert plans(store, refers) == []
