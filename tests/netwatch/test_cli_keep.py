"""Do the commands for the years say what they did, in both languages, and touch nothing they should not?"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from netwatch.cli import main
from netwatch.exits import Exit
from netwatch.store import FILE, Store
from tests.lab import schemas
from tests.netwatch.test_store import CATALOGUE, night, record

if TYPE_CHECKING:
    from pathlib import Path

FIELD = re.compile(r"\{\w*\}|store\.|keep\.")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Store(tmp_path / "data") as store:
        schemas.fill(store)
    return tmp_path / "data"


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(data: Path, *arguments: object, lang: str = "en") -> Result:
    told = CliRunner().invoke(main, [*map(str, arguments), "--data", str(data), "--lang", lang])
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
    assert not FIELD.search(told.output), told.output
    return told


def site_file(folder: Path, days: int = 400) -> Path:
    path = folder / "cabinet.toml"
    path.write_text(f'name = "Cabinet"\nnetworks = ["192.168.1.0/24"]\n[keep]\ndays = {days}\n')
    return path


def test_a_backup_says_where_it_is_how_large_and_what_it_holds(
    data: Path, tmp_path: Path, language: str
) -> None:
    target = tmp_path / "copy.db"
    told = run(data, "backup", target, lang=language)
    assert told.exit_code == Exit.CLEAN
    assert told.stdout == f"{target}\n"
    assert ("3 nuits" if language == "fr" else "3 nights") in told.stderr
    assert (" Mo" if language == "fr" else " MB") in told.stderr
    again = run(data, "backup", target, lang=language)
    assert again.exit_code == Exit.ERROR
    assert "--force" in again.stderr
    assert run(data, "backup", target, "--force").exit_code == Exit.CLEAN


def test_a_backup_without_a_name_has_the_day_for_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(data, "backup").exit_code == Exit.CLEAN
    assert (tmp_path / f"netwatch-{datetime.now().astimezone():%Y-%m-%d}.db").is_file()


@pytest.mark.parametrize("command", [("backup", "x.db"), ("export", "cabinet", "x.jsonl")])
def test_of_a_wrong_folder_no_empty_copy_is_made(
    tmp_path: Path, command: tuple[str, ...], language: str
) -> None:
    *words, name = command
    told = run(tmp_path / "wrong", *words, tmp_path / name, lang=language)
    assert told.exit_code == Exit.ERROR
    assert str(tmp_path / "wrong" / FILE) in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_site_goes_to_another_machine(data: Path, tmp_path: Path, language: str) -> None:
    target = tmp_path / "cabinet.jsonl"
    out = run(data, "export", "cabinet", target, lang=language)
    assert out.exit_code == Exit.CLEAN
    assert out.stdout == f"{target}\n"
    assert "netwatch mail flush" in out.stderr  # one letter waits, and stays
    there = tmp_path / "there"
    came = run(there, "import", target, lang=language)
    assert came.exit_code == Exit.CLEAN
    assert ("3 nuits" if language == "fr" else "3 nights") in came.stdout
    assert ("1er novembre 2026" if language == "fr" else "1 November 2026") in came.stdout
    findings = [run(one, "findings", "cabinet").stdout for one in (data, there)]
    assert findings[0] == findings[1]
    twice = run(there, "import", target, lang=language)
    assert twice.exit_code == Exit.ERROR
    assert "--data" in twice.stderr


def test_a_copy_is_no_export_and_the_sentence_says_what_to_do(
    data: Path, tmp_path: Path, language: str
) -> None:
    run(data, "backup", tmp_path / "copy.db")
    told = run(tmp_path / "there", "import", tmp_path / "copy.db", lang=language)
    assert told.exit_code == Exit.ERROR
    assert "docs/years.md" in told.stderr


def test_nothing_that_cannot_be_shown_comes_in(data: Path, tmp_path: Path) -> None:
    """Coverage of a shape that no report can read would stop every page of this site."""
    body = '[["sweep","lan","d",{"not":"an address"},["22"],7,null]]'
    with Store(data) as store, store._writing() as db:
        db.execute("update texts set body = ?, digest = ? where id = (select coverage from runs order by id "
                   "desc limit 1)", [body, hashlib.sha256(body.encode()).hexdigest()])  # fmt: skip
    run(data, "export", "cabinet", tmp_path / "x.jsonl")
    assert run(tmp_path / "there", "import", tmp_path / "x.jsonl").exit_code == Exit.ERROR


def test_prune_says_what_would_go_and_then_lets_it_go(data: Path, tmp_path: Path, language: str) -> None:
    site = site_file(tmp_path, 60)
    with Store(data) as store:
        old = (datetime.now(UTC) - timedelta(days=100)).strftime("%Y-%m-%dT%H:%M:%SZ")
        with store._writing() as db:
            db.execute("update runs set finished = ?", [old])
        before = store.document("cabinet", CATALOGUE, "fr")
    dry = run(data, "prune", site, "--dry-run", lang=language)
    assert dry.exit_code == Exit.CLEAN
    assert {"fr": "  2 nuits\n", "en": "  2 nights\n"}[language] in dry.stdout  # the last one stays
    with Store(data) as store:
        assert store._db.execute("select count(*) from runs").fetchone()[0] == 3
    told = run(data, "prune", site, lang=language)
    assert told.exit_code == Exit.CLEAN
    assert [line for line in told.stdout.splitlines() if line.startswith("  ")] == [
        line for line in dry.stdout.splitlines() if line.startswith("  ")
    ]
    with Store(data) as store:
        left = store._db.execute("select uid from runs order by id").fetchall()
        assert left == [("run-0",), ("run-2",)]  # a letter of the first one waits
        assert len(store.outbox.pending("cabinet")) == 1
        assert store.document("cabinet", CATALOGUE, "fr") == before


def test_prune_of_a_site_that_is_not_here_is_said(data: Path, tmp_path: Path) -> None:
    path = site_file(tmp_path)
    path.write_text(path.read_text().replace("Cabinet", "Other"))
    assert run(data, "prune", path).exit_code == Exit.ERROR


def test_prune_waits_for_no_scan(data: Path, tmp_path: Path) -> None:
    with Store(data) as store, store.lock("cabinet"):
        record(store, night(7))
        told = run(data, "prune", site_file(tmp_path))
    assert told.exit_code == Exit.BUSY
