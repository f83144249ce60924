"""Does a database of every earlier version open, with all that was in it, and one of a later version not?

tests/netwatch/schemas holds one dump for each schema there ever was, written by the code of that time: three
nights of one site, with an alert that was sent and one that waits.
"""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from netwatch.change import Before
from netwatch.diff import compare
from netwatch.errors import StoreError
from netwatch.problem import sentence
from netwatch.store import FILE, Store, database, news
from netwatch.store.again import times
from netwatch.store.schema import migrations
from netwatch.words import messages
from tests.netwatch.test_store import CATALOGUE, night, record

SCHEMAS = Path(__file__).parent / "schemas"
DUMPS = sorted(path.stem for path in SCHEMAS.glob("*.sql"))
STEPS = database.steps()


def restored(folder: Path, dump: str) -> Path:
    """A database as this version left it."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.executescript((SCHEMAS / f"{dump}.sql").read_text(encoding="utf-8"))
    return folder / FILE


def tables(path: Path) -> dict[str, str]:
    """How each table, index and trigger is made."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("select name, sql from sqlite_master where sql is not null").fetchall()
    return {name: " ".join(sql.split()).replace(" ,", ",") for name, sql in rows}


def test_the_newest_schema_has_a_dump_like_all_before_it() -> None:
    assert STEPS[-1] in DUMPS, "write it: python -m tests.lab.schemas"


@pytest.mark.parametrize("dump", DUMPS)
def test_a_dump_is_of_the_version_that_it_names(tmp_path: Path, dump: str) -> None:
    with closing(Database(restored(tmp_path, dump))) as db:
        assert [one.name for one in migrations.applied(db)] == list(STEPS[: STEPS.index(dump) + 1])


@pytest.mark.parametrize("dump", DUMPS)
def test_an_earlier_database_becomes_the_same_as_a_new_one(tmp_path: Path, dump: str) -> None:
    (tmp_path / "old").mkdir()
    old = restored(tmp_path / "old", dump)
    with Store(old.parent), Store(tmp_path / "new") as new:
        assert tables(old) == tables(new.path)


@pytest.mark.parametrize("dump", DUMPS)
def test_what_an_earlier_version_stored_is_told_by_this_one(tmp_path: Path, dump: str) -> None:
    restored(tmp_path, dump)
    with Store(tmp_path) as store:
        document = store.document("cabinet", CATALOGUE, "fr")
        assert document is not None
        assert document.run.id == "run-2"
        [device] = document.devices
        assert (device.first_seen, device.last_seen) == ("2026-11-01T22:00:00Z", "2026-11-03T22:00:00Z")
        assert [(part.port, part.facts["query"]) for part in document.services] == [(104, "answered")]
        told = {(part.rule, part.status, part.first_seen) for part in document.findings}
        assert told == {
            ("dicom-query-answered", "open", "2026-11-01T22:00:00Z"),
            ("smb-guest-share", "resolved", "2026-11-01T22:00:00Z"),
        }
        assert [(part.kind, part.rule) for part in document.changes] == [("resolved", "smb-guest-share")]
        assert document.looked == {"lan": "2026-11-03T22:02:00Z"}
        assert store.last_finished() == "2026-11-03T22:02:00Z"
        assert [one.letter.message_id for one in store.outbox.pending("cabinet")] == ["<2@test>"]
        exposed = [(row.place, row.patients, row.told_to) for row in store.exposures("cabinet")]
        assert [(one.letter.message_id, one.why) for one in store.outbox.ended("cabinet", 9)][-1:] == [
            ("<1@test>", "")
        ]
        gone = times(store._db, "cabinet", ("smb-guest-share", "d", 445, "tcp"))
        assert gone == Before(1, "2026-11-01T22:00:00Z", "2026-11-01T22:00:00Z")
        assert times(store._db, "cabinet", ("dicom-query-answered", "d", 104, "tcp")) is None
        later = STEPS.index(dump) >= STEPS.index("m013_decisions")
        assert [one.rule for one in store.decisions("cabinet")] == [
            "ftp-anonymous",
            "smb-guest-share",
        ] * later
        known = [item.change.finding.rule for item in news.everything(store._db, "cabinet")]
        assert "dicom-query-answered" in known, "it stood before there was news: nobody is told of it again"
        logged = dump >= "m004"  # there was no log before
        assert exposed == [(("p-203.0.113.7", 8104, "tcp"), 5300, ("dr@example.fr",))] * logged
        assert [one.value for one in store.ever_said("cabinet")] == ["PACS"] * (dump >= "m006")


@pytest.mark.parametrize("dump", DUMPS)
def test_the_next_night_compares_with_what_an_earlier_version_stored(tmp_path: Path, dump: str) -> None:
    restored(tmp_path, dump)
    with Store(tmp_path) as store:
        quiet = night(3)
        assert compare(store.picture("cabinet"), quiet, CATALOGUE.ladder).changes == ()
        record(store, quiet)
        record(store, night(4))
        assert compare(store.picture("cabinet"), night(5), CATALOGUE.ladder).changes == ()


@pytest.mark.parametrize("dump", DUMPS)
def test_who_is_killed_in_a_migration_finds_the_old_schema_whole(
    tmp_path: Path, dump: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = restored(tmp_path, dump)
    behind = [one for one in migrations._migrations if one.name in STEPS[STEPS.index(dump) + 1 :]]
    for step in behind:
        before = tables(path)
        whole = step.fn

        def killed(db: Database, /, fn: object = whole) -> None:
            fn(db)  # type: ignore[operator]
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(step, "fn", killed)
            with pytest.raises(KeyboardInterrupt):
                Store(tmp_path)
        assert tables(path) == before
        with closing(sqlite3.connect(path)) as raw:
            db = Database(raw)
            later = [one.name for one in behind[behind.index(step) + 1 :]][:1]
            migrations.apply(db, stop_before=later)
    with Store(tmp_path) as store:
        assert store.document("cabinet", CATALOGUE, "fr") is not None


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_database_of_a_newer_version_is_refused_with_words_and_left_as_it_is(
    tmp_path: Path, language: str
) -> None:
    with Store(tmp_path) as store:
        store.remember("cabinet", "Cabinet", "fr")
        record(store, night())
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("pragma journal_mode = delete")
        db.execute("create table tomorrow (id integer)")
        db.execute("update _sqlite_migrations set name = 'm999_x' where name = ?", [STEPS[-1]])
        db.commit()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(StoreError) as refused:
        Store(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    told = sentence(refused.value, messages(language))
    assert "m999_x" in told
    assert ("plus récente" if language == "fr" else "newer netwatch") in told
    assert ("rien n'a été modifié" if language == "fr" else "nothing was changed") in told


def test_room_that_rows_leave_can_go_back_to_the_disk(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert store._db.execute("pragma auto_vacuum").fetchone()[0] == 2  # incremental


def test_a_night_that_is_being_written_lets_no_other_in_between(tmp_path: Path) -> None:
    """Else who has read first is refused when it writes, and its night is lost."""
    with Store(tmp_path) as store, closing(sqlite3.connect(tmp_path / FILE, timeout=0)) as other:
        store.remember("cabinet", "Cabinet", "fr")
        with store._writing() as db:
            list(db.query("select * from sites"))
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("update sites set name = 'x'")
            db.execute("update sites set name = 'y'")
        assert store.site("cabinet") == ("y", "fr")


@pytest.mark.parametrize("dump", [DUMPS[0], ""])
def test_several_that_open_it_at_once_all_find_it_up_to_date(tmp_path: Path, dump: str) -> None:
    """As timers do on the first night after an upgrade, or on the first of all."""
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        if dump:
            restored(folder, dump)
        start = threading.Barrier(6)

        def once(folder: Path = folder, start: threading.Barrier = start) -> int:
            start.wait()
            with Store(folder) as store:
                return len(store.outbox.pending("cabinet"))

        with ThreadPoolExecutor(6) as pool:
            assert [one.result() for one in [pool.submit(once) for _ in range(6)]] == [bool(dump)] * 6
