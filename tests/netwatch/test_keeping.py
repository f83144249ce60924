"""Is old what the site file says, and does a night go on where nothing can be forgotten?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch import audit, keeping
from netwatch.config import load
from netwatch.errors import StoreError
from netwatch.store import Store, retention
from netwatch.store.retention import Pruned
from tests.netwatch.test_store import FIRST, night, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.config import Site

NOW = FIRST + timedelta(days=500)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "data") as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def site(folder: Path, keep: str = "") -> Site:
    path = folder / "cabinet.toml"
    path.write_text(f'name = "Cabinet"\nnetworks = ["192.168.1.0/24"]\n{keep}')
    return load(path)


def logs(store: Store, *days: int) -> list[str]:
    """An audit log for the night of each of these days."""
    where = audit.folder(store.folder, "cabinet")
    where.mkdir(parents=True, exist_ok=True)
    names = [f"{FIRST + timedelta(days=day):%Y%m%dT%H%M%SZ}-abc{day:03}.jsonl" for day in days]
    for name in names:
        (where / name).write_text("{}\n")
    return names


def left(store: Store) -> list[str]:
    return sorted(path.name for path in audit.folder(store.folder, "cabinet").iterdir())


def test_four_hundred_days_are_kept_where_nothing_is_said(store: Store, tmp_path: Path) -> None:
    for number in (0, 99, 101, 499):
        record(store, night(number))
    assert keeping.due(store, site(tmp_path), NOW) == (Pruned(nights=2), 0)
    assert keeping.due(store, site(tmp_path, "[keep]\ndays = 60"), NOW) == (Pruned(nights=3), 0)
    assert keeping.due(store, site(tmp_path, "[keep]\ndays = 36525"), NOW) == (Pruned(), 0)


def test_the_day_is_that_of_utc_wherever_the_machine_is(tmp_path: Path) -> None:
    paris = NOW.astimezone().astimezone(datetime.fromisoformat("2026-01-01T00:00:00+02:00").tzinfo)
    assert keeping.limit(site(tmp_path), paris) == NOW - timedelta(days=400)
    assert keeping.limit(site(tmp_path), paris).tzinfo is UTC


def test_old_audit_logs_go_but_the_newest_and_what_is_not_ours_stay(store: Store, tmp_path: Path) -> None:
    old, kept = logs(store, 0, 50), logs(store, 200, 499)
    (audit.folder(store.folder, "cabinet") / "notes.jsonl").write_text("mine")
    assert keeping.due(store, site(tmp_path), NOW) == (Pruned(), 2)
    assert keeping.everything(store, site(tmp_path), NOW) == (Pruned(), 2)
    assert left(store) == sorted([*kept, "notes.jsonl"])
    assert not set(old) & set(left(store))


def test_the_log_of_the_last_run_stays_however_old_it_is(store: Store, tmp_path: Path) -> None:
    [last] = logs(store, 3)
    keeping.everything(store, site(tmp_path), NOW)
    assert left(store) == [last]


def test_a_night_forgets_a_part_and_by_hand_everything_goes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "NIGHTLY", 2)
    for number in range(5):
        record(store, night(number))
    logs(store, 0, 1, 2, 3, 4)
    keeping.tidy(store, site(tmp_path), NOW)
    assert len(left(store)) == 3
    record(store, night(5))
    assert keeping.everything(store, site(tmp_path), NOW) == (Pruned(nights=1), 2)
    assert keeping.due(store, site(tmp_path), NOW) == (Pruned(), 0)


def test_a_night_is_not_lost_where_nothing_can_be_forgotten(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("store.cannot-write", path="x", why="full")

    monkeypatch.setattr(retention, "prune", full)
    keeping.tidy(store, site(tmp_path), NOW)
    with pytest.raises(StoreError):
        keeping.everything(store, site(tmp_path), NOW)
