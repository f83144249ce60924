"""Is the copy the whole database at one moment, and can the database be had again from it?"""

from __future__ import annotations

import multiprocessing
import re
import shutil
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netwatch.errors import StoreError
from netwatch.store import FILE, Store
from netwatch.store.backup import backup
from tests.netwatch.test_store import CATALOGUE, LETTER, night, record

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "data") as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        for number in range(3):
            record(opened, night(number), () if number else (LETTER,))
        yield opened


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def test_the_copy_holds_everything_in_one_file_of_ours_alone(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    copied = backup(store, target)
    assert (copied.sites, copied.nights, copied.size) == (1, 3, target.stat().st_size)
    assert dump(target) == dump(store.path)
    assert target.read_bytes()[18:20] == b"\x01\x01"  # it needs no other file beside it to be read
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "data"]


def test_a_copy_in_the_place_of_the_database_is_the_database(store: Store, tmp_path: Path) -> None:
    backup(store, tmp_path / "copy.db")
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "copy.db", tmp_path / "other" / FILE)
    with Store(tmp_path / "other") as again:
        assert again.document("cabinet", CATALOGUE, "fr") == store.document("cabinet", CATALOGUE, "fr")
        assert [one.letter for one in again.outbox.pending("cabinet")] == [LETTER]
        assert record(again, night(3)).changes == ()


def _scan(
    folder: Path, ready: multiprocessing.synchronize.Event, end: multiprocessing.synchronize.Event
) -> None:
    """Nights of another site, one after the other."""
    with Store(folder) as mine:
        mine.remember("busy", "Busy", "fr")
        number = 0
        while not end.is_set():
            run = night(number)
            record(
                mine,
                type(run)(
                    **{name: getattr(run, name) for name in run.__slots__}
                    | {"site": "busy", "id": f"busy-{number}"}
                ),
            )
            number += 1
            ready.set()


def test_a_copy_made_while_a_scan_writes_holds_no_half_of_a_night(store: Store, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, end = spawn.Event(), spawn.Event()
    process = spawn.Process(target=_scan, args=(store.folder, ready, end))
    process.start()
    try:
        assert ready.wait(60)
        for number in range(20):
            target = tmp_path / f"{number}.db"
            backup(store, target)
            with closing(sqlite3.connect(target)) as db:
                assert db.execute("pragma integrity_check").fetchone() == ("ok",)
                last, seen = db.execute(
                    "select max(started), (select max(last_seen) from services where site = sites.id) "
                    "from runs join sites on sites.id = runs.site where slug = 'busy'"
                ).fetchone()
            assert last == seen
    finally:
        end.set()
        process.join()
    assert process.exitcode == 0


def test_nothing_is_replaced_unasked_and_never_the_database_itself(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("an older copy")
    with pytest.raises(StoreError, match=r"store\.file-exists"):
        backup(store, target)
    assert target.read_text() == "an older copy"
    backup(store, target, force=True)
    assert dump(target) == dump(store.path)
    link = tmp_path / "link.db"
    link.symlink_to(store.path)
    for itself in (store.path, link):
        with pytest.raises(StoreError, match=r"store\.file-is-database"):
            backup(store, itself, force=True)


def test_a_damaged_database_gives_no_copy_and_leaves_the_older_one(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    backup(store, target)
    before = target.read_bytes()
    with store._writing() as db:  # an index that has lost a row
        db.execute("pragma writable_schema = on")
        db.execute("update sqlite_master set rootpage = (select rootpage from sqlite_master "
                   "where name = 'changes_by_run') where name = 'failures_by_run'")  # fmt: skip
    with Store(store.folder) as again, pytest.raises(StoreError, match=r"store\.(damaged|file-not-written)"):
        backup(again, target, force=True)
    assert target.read_bytes() == before


@pytest.mark.parametrize("page", ["years.md", "annees.md"])
def test_what_the_page_says_to_type_brings_a_copy_back(tmp_path: Path, page: str) -> None:
    data, copy = tmp_path / "data", tmp_path / "usb.db"
    with Store(data) as store:
        store.remember("cabinet", "Cabinet", "fr")
        record(store, night(0))
        backup(store, copy)
        record(store, night(1))
    for left in ("-wal", "-shm"):  # as a machine that was switched off leaves them
        (data / f"{FILE}{left}").write_bytes(b"of another database")
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    [typed] = [block for block in blocks if block.startswith("cd ")]
    typed = typed.replace("~/.local/share/netwatch", str(data)).replace("/mnt/usb/netwatch.db", str(copy))
    script = typed.replace("netwatch doctor", "")
    subprocess.run(["sh", "-euc", script], check=True)
    assert stat.S_IMODE((data / FILE).stat().st_mode) == 0o600
    with Store(data) as store:
        document = store.document("cabinet", CATALOGUE, "fr")
        assert document is not None
        assert document.run.id == "run-0"
