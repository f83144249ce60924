"""Does the history of a site arrive on another machine as it was, and does what must stay here stay?"""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from netwatch.diff import compare
from netwatch.errors import StoreError
from netwatch.exposures import Added
from netwatch.model import Vantage
from netwatch.sayings import Saying, What
from netwatch.store import Store, export
from netwatch.store.importing import bring
from tests.netwatch.test_store import CATALOGUE, FIRST, night, rows
from tests.netwatch.test_store_retention import MISSED, letter, logged, record_with, sent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.document import Document


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "here") as opened:
        opened.remember("other", "Other", "en", "/somewhere/other.toml")
        opened.remember("cabinet", "Cabinet", "fr", "/somewhere/cabinet.toml")
        record_with(opened, replace(night(0), id="other-0", site="other"), (), None)
        for number in range(4):
            run = replace(night(number), failures=(MISSED,), public={"203.0.113.7": "config"})
            record_with(opened, run, (letter(number),), None if number else Added(opened=(logged(),)))
            if number < 3:
                sent(opened, number)
        opened.say("cabinet", [Saying("d", What.NAME, "PACS", "user", FIRST)])
        opened.declare("cabinet", "port 443 -> 192.168.1.20\nport 80 -> 192.168.1.20")
        yield opened


def drawn(name: str, document: Document, language: str) -> None:
    """Any night can be shown."""


def over(store: Store, folder: Path) -> Store:
    """Another machine that took in what this one handed out."""
    export.export(store, "cabinet", folder / "cabinet.jsonl")
    there = Store(folder / "there")
    bring(there, folder / "cabinet.jsonl", CATALOGUE, drawn)
    return there


def test_every_table_has_its_place(store: Store) -> None:
    there = {name for name in rows(store) if not name.startswith(("_", "sqlite_"))}
    assert sorted(export.PARTS) == sorted(there), "say which of its rows are a site's"


def test_no_row_comes_before_one_that_it_refers_to(store: Store) -> None:
    order = list(export.PARTS)
    for table in order:
        for key in store._db.execute(f"pragma foreign_key_list({table})").fetchall():
            assert order.index(key[2]) < order.index(table)


def test_what_is_known_there_is_what_is_known_here(store: Store, tmp_path: Path) -> None:
    with over(store, tmp_path) as there:
        for language in ("fr", "en"):
            ours, theirs = (one.document("cabinet", CATALOGUE, language) for one in (store, there))
            assert ours is not None
            assert theirs is not None
            assert [one.state for one in ours.undelivered] == ["waiting"]
            assert replace(theirs, public=()) == replace(ours, public=(), undelivered=())
        assert there.site("cabinet") == ("Cabinet", "fr")
        assert there.picture("cabinet") == store.picture("cabinet")
        assert there.known("cabinet") == store.known("cabinet")
        assert there.devices("cabinet") == store.devices("cabinet")
        assert there.ever_said("cabinet") == store.ever_said("cabinet")
        assert there.declaration("cabinet") == store.declaration("cabinet")
        log = [replace(row, id=None) for row in store.exposures("cabinet")]
        assert [replace(row, id=None) for row in there.exposures("cabinet")] == log
        assert log[0].told_to == ("dr@example.fr",)
        assert there.sites() == ("cabinet",)


def test_the_next_night_there_compares_as_it_would_here(store: Store, tmp_path: Path) -> None:
    with over(store, tmp_path) as there:
        for run in (night(4), night(4, port=11112)):
            ours, theirs = (
                compare(one.picture("cabinet"), run, CATALOGUE.ladder).changes for one in (store, there)
            )
            assert ours == theirs
        assert record_with(there, night(5), (), None)


def test_what_went_over_and_came_back_is_the_same_file(store: Store, tmp_path: Path) -> None:
    with over(store, tmp_path) as there:
        export.export(there, "cabinet", tmp_path / "back.jsonl")
    ours, theirs = ((tmp_path / name).read_text().splitlines() for name in ("cabinet.jsonl", "back.jsonl"))
    kinds = [json.loads(line)[0] for line in ours[1:-1]]
    assert kinds == [json.loads(line)[0] for line in theirs[1:-1]]
    assert json.loads(ours[-1])["rows"] == json.loads(theirs[-1])["rows"]


def test_letters_that_wait_stay_here_and_leave_from_nowhere_else(store: Store, tmp_path: Path) -> None:
    assert export.export(store, "cabinet", tmp_path / "x.jsonl") == (4, 1)
    assert letter(3).message_id not in (tmp_path / "x.jsonl").read_text()
    assert [one.letter for one in store.outbox.pending("cabinet")] == [letter(3)]
    with Store(tmp_path / "there") as there:
        bring(there, tmp_path / "x.jsonl", CATALOGUE, drawn)
        assert there.outbox.pending("cabinet") == ()


def test_no_other_site_and_no_place_of_this_machine_is_in_it(store: Store, tmp_path: Path) -> None:
    export.export(store, "cabinet", tmp_path / "x.jsonl")
    text = (tmp_path / "x.jsonl").read_text()
    assert "other" not in {
        row["slug"] for table, row in map(json.loads, text.splitlines()[1:-1]) if table == "sites"
    }
    assert "other-0" not in text
    assert "/somewhere" not in text
    assert str(tmp_path) not in text


def test_it_is_lines_of_json_that_say_what_they_are_and_end_with_their_sum(
    store: Store, tmp_path: Path
) -> None:
    target = tmp_path / "x.jsonl"
    export.export(store, "cabinet", target)
    *lines, end = target.read_bytes().splitlines(keepends=True)
    head = json.loads(lines[0])
    assert (head["format"], head["site"], head["schema"][0]) == ("netwatch-site/1", "cabinet", "m001_first")
    assert json.loads(end)["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert sum(json.loads(end)["rows"].values()) == len(lines) - 1
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert all(line.isascii() for line in lines)


def test_an_address_that_was_told_elsewhere_is_not_taken_for_ours_of_today(
    store: Store, tmp_path: Path
) -> None:
    run = replace(night(5), started=night(5).started)
    record_with(store, replace(run, public={"203.0.113.7": "config"}, vantages=(Vantage.LAN,)), (), None)
    with over(store, tmp_path) as there:
        [(address, _, when)] = there.told_addresses("cabinet")
        assert address == "203.0.113.7"
        assert when.isoformat() < there._db.execute("select datetime('now', '-23 hours')").fetchone()[
            0
        ].replace(" ", "T")


def test_nothing_is_replaced_unasked_and_a_site_that_is_not_here_is_said(
    store: Store, tmp_path: Path
) -> None:
    target = tmp_path / "x.jsonl"
    target.write_text("before")
    with pytest.raises(StoreError, match=r"store\.file-exists"):
        export.export(store, "cabinet", target)
    assert target.read_text() == "before"
    export.export(store, "cabinet", target, force=True)
    assert target.read_text() != "before"
    with pytest.raises(StoreError, match=r"store\.unknown-site"):
        export.export(store, "nobody", tmp_path / "y.jsonl")
