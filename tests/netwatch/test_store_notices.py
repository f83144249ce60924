"""Is each notice told once, and again when what it said is over?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.diff import Night
from netwatch.model import Run, Vantage
from netwatch.notice import NoticeKind
from netwatch.post import Letter
from netwatch.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LETTER = Letter("<1@x>", "dr@x.example", "s", "t", "h")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def night(store: Store, day: int, *, complete: bool = True, letters: tuple[Letter, ...] = ()) -> None:
    at = NOON + timedelta(days=day)
    run = Run(
        f"r{day}", "cabinet", at, at + timedelta(hours=1), complete=complete, vantages=(Vantage.LAN,),
        stopped=None if complete else "window",
    )  # fmt: skip
    store.record(run, Night({}, ()), letters)


def test_what_is_known_of_the_nights(store: Store) -> None:
    watch = store.notices.watch("cabinet")
    assert (watch.began, watch.ran, watch.complete, watch.told) == (None, None, None, {})
    night(store, 0)
    night(store, 1, complete=False)
    watch = store.notices.watch("cabinet")
    hour = timedelta(hours=1)
    assert (watch.began, watch.ran, watch.complete, watch.stopped) == (
        NOON,
        NOON + timedelta(days=1) + hour,
        NOON + hour,
        "window",
    )


def test_a_notice_and_its_letters_are_one(store: Store) -> None:
    night(store, 0)
    store.notices.tell("cabinet", NoticeKind.OVERDUE, "", NOON, [LETTER])
    assert store.notices.watch("cabinet").told == {"overdue": NOON}
    assert [one.letter for one in store.outbox.pending("cabinet")] == [LETTER]


def test_a_night_ends_what_it_disproves(store: Store) -> None:
    night(store, 0)
    for kind in NoticeKind:
        store.notices.tell("cabinet", kind, "config.window-closed", NOON, [])
    assert store.notices.why("cabinet", NoticeKind.FAILED) == "config.window-closed"
    night(store, 1, complete=False)
    assert set(store.notices.watch("cabinet").told) == {"week", "overdue"}
    assert store.notices.why("cabinet", NoticeKind.FAILED) is None
    night(store, 2)
    assert set(store.notices.watch("cabinet").told) == {"week"}


def test_days_are_counted_once_and_letters_of_one_night_too(store: Store) -> None:
    night(store, -20)
    for day, complete in ((0, True), (1, False), (2, True), (3, False)):
        night(store, day, complete=complete)
    at = NOON + timedelta(days=3, hours=3)
    run = Run("again", "cabinet", at, at, complete=True, vantages=(Vantage.LAN,))
    store.record(run, Night({}, ()), [])
    nights, ran, letters = store.notices.days("cabinet", NOON + timedelta(days=3, hours=5))
    assert (nights, ran, letters) == (3, 4, 0)
    store.record(replace(run, id="later"), Night({}, ()), [LETTER, replace(LETTER, message_id="<2@x>")])
    assert store.notices.days("cabinet", NOON + timedelta(days=3, hours=5))[2] == 1, (
        "one letter to two people"
    )
