"""Does the database know what was told of the watching itself, and how the past week was?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.notice import NoticeKind, Watch
from netwatch.post import Letter
from netwatch.store import Store
from tests.netwatch.test_store import FIRST, night, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LETTER = Letter("<1@test>", "dr@example.fr", "s", "t", "h")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def test_before_the_first_night_nothing_is_known(store: Store) -> None:
    assert store.notices.watch("cabinet") == Watch(None, None, None, None, {})
    assert store.notices.days("cabinet", FIRST) == (0, 0, 0)


def test_it_is_known_when_watching_began_and_when_a_night_was_last_whole(store: Store) -> None:
    for number in range(4):
        whole = number < 2
        record(store, replace(night(number), complete=whole, stopped=None if whole else "window"))
    ended = timedelta(minutes=2)
    assert store.notices.watch("cabinet") == Watch(
        FIRST, FIRST + timedelta(days=3) + ended, FIRST + timedelta(days=1) + ended, "window", {}
    )


def test_the_week_is_counted_in_days_and_its_letters_in_nights(store: Store) -> None:
    for number in range(10):
        letters = [replace(LETTER, message_id=f"<{number}-{to}@test>") for to in range(2)]
        record(
            store,
            replace(night(number), complete=number % 3 != 0),
            tuple(letters) if number in {2, 8} else (),
        )
    store.notices.tell("cabinet", NoticeKind.WEEK, "", FIRST, [LETTER])
    now = FIRST + timedelta(days=9, hours=8)
    assert store.notices.days("cabinet", now) == (4, 7, 1), "nights 3 to 9; 3, 6 and 9 were not whole"


def test_it_is_told_with_its_letters_or_not_at_all(store: Store) -> None:
    store.notices.tell("cabinet", NoticeKind.FAILED, "scan.no-route", FIRST, [LETTER])
    assert store.notices.why("cabinet", NoticeKind.FAILED) == "scan.no-route"
    assert [one.letter for one in store.outbox.pending("cabinet")] == [LETTER]
    with pytest.raises(Exception, match="cannot-write"):
        store.notices.tell("cabinet", NoticeKind.OVERDUE, "", FIRST, [LETTER])  # a letter of the same name
    assert store.notices.watch("cabinet").told == {"failed": FIRST}


def test_a_scan_that_ran_can_and_one_that_was_whole_is_not_overdue(store: Store) -> None:
    for kind in NoticeKind:
        store.notices.tell("cabinet", kind, "x", FIRST, [])
    record(store, replace(night(0), complete=False))
    assert set(store.notices.watch("cabinet").told) == {NoticeKind.WEEK, NoticeKind.OVERDUE}
    record(store, night(1))
    assert set(store.notices.watch("cabinet").told) == {NoticeKind.WEEK}
