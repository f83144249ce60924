"""Is each night done once, a missed one once, none twice, whatever becomes of the machine and its clock?"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.schedule import nights
from netwatch.schedule.nights import Kept, due, following, last, late, recall, remember
from netwatch.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CALMLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
AT = time(22, 30)
MONDAY = date(2026, 11, 30)
LONG_AGO = datetime(2026, 1, 1)  # noqa: DTZ001 - wall-clock time
NIGHT = Window.parse("22:00-06:00")
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
WINDOWS = st.none() | st.tuples(TIMES, TIMES).filter(lambda p: p[0] != p[1]).map(lambda p: Window(*p))


def moment(text: str, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(text))


def lived(
    looks: Iterable[datetime], kept: Kept, at: time = AT, window: Window | None = None
) -> tuple[list[datetime], Kept]:
    """When a loop that looked at these moments scanned."""
    scans = []
    for now in looks:
        night = due(at, window, kept, now)
        if night is not None:
            scans.append(now)
            kept = Kept(kept.since, night, 0)
    return scans, kept


def minutes(start: datetime, count: int) -> list[datetime]:
    return [start + timedelta(minutes=number) for number in range(count)]


def test_a_month_has_a_scan_every_night_at_its_hour() -> None:
    looks = minutes(moment("12:00"), 30 * 24 * 60)
    scans, _ = lived(looks, Kept(moment("12:00")))
    assert [f"{scan:%d %H:%M}" for scan in scans[:2]] == ["30 22:30", "01 22:30"]
    assert len(scans) == 30


def test_a_machine_that_slept_five_nights_scans_once() -> None:
    kept = Kept(LONG_AGO, MONDAY - timedelta(days=6), 0)
    scans, kept = lived(minutes(moment("09:00"), 60), kept)
    assert scans == [moment("09:00")]
    assert lived(minutes(moment("10:00"), 24 * 60), kept)[0] == [moment("22:30")]


def test_where_the_window_is_closed_the_missed_night_is_the_next_one() -> None:
    kept = Kept(LONG_AGO, MONDAY - timedelta(days=6), 0)
    scans, _ = lived(minutes(moment("09:00"), 24 * 60), kept, window=NIGHT)
    assert scans == [moment("22:30")]


def test_a_machine_that_wakes_in_its_window_does_the_night_then() -> None:
    kept = Kept(LONG_AGO, MONDAY - timedelta(days=2), 0)
    assert lived([moment("03:00")], kept, window=NIGHT)[0] == [moment("03:00")]


def test_a_missed_night_shortly_before_the_next_is_that_one() -> None:
    kept = Kept(LONG_AGO, MONDAY - timedelta(days=2), 0)
    assert lived(minutes(moment("17:00"), 12 * 60), kept)[0] == [moment("22:30")]


def test_a_site_is_not_scanned_the_moment_it_is_seen_first() -> None:
    kept = Kept(moment("23:00"))
    assert lived(minutes(moment("23:00"), 60), kept)[0] == []
    assert not late(AT, kept, moment("23:59"))


@pytest.mark.parametrize("at", ["02:30", "03:00"])
def test_the_hour_that_comes_twice_has_one_scan_and_the_one_that_never_comes_has_one(at: str) -> None:
    before = Kept(LONG_AGO, date(2026, 10, 24), 0)
    autumn = datetime(2026, 10, 25, 1, 50)  # noqa: DTZ001 - three o'clock is two o'clock again
    looks = [*minutes(autumn, 70), *minutes(autumn + timedelta(minutes=10), 110)]
    assert len(lived(looks, before, time.fromisoformat(at))[0]) == 1
    spring = datetime(2027, 3, 28, 1, 50)  # noqa: DTZ001 - two o'clock is three o'clock
    before = Kept(LONG_AGO, date(2027, 3, 27), 0)
    looks = [*minutes(spring, 10), *minutes(spring + timedelta(minutes=70), 60)]
    assert len(lived(looks, before, time.fromisoformat(at))[0]) == 1


def test_a_clock_that_was_years_ahead_costs_no_night_for_ever() -> None:
    _, kept = lived([datetime(2035, 1, 1, 22, 31)], Kept(LONG_AGO, MONDAY, 0))  # noqa: DTZ001
    scans, _ = lived(minutes(moment("12:00", MONDAY + timedelta(days=1)), 2 * 24 * 60), kept)
    assert len(scans) == 3, "the night that the wrong clock may have cost, and two"


def test_a_clock_that_was_years_ahead_when_the_site_came_costs_none_either(tmp_path: Path) -> None:
    remember(tmp_path, "x", Kept(datetime(2035, 1, 1)))  # noqa: DTZ001
    kept = recall(tmp_path, "x", moment("12:00"))
    assert lived(minutes(moment("12:00"), 24 * 60), kept)[0] == [moment("22:30")]


def test_an_hour_that_was_changed_makes_no_second_night_of_a_day() -> None:
    kept = Kept(LONG_AGO, MONDAY, 0)  # done at 01:00, before the hour was 22:30
    assert lived(minutes(moment("01:30"), 20 * 60), kept)[0] == []


@given(TIMES, WINDOWS, st.lists(st.integers(1, 5000), min_size=1, max_size=60))
@CALMLY
def test_however_long_it_sleeps_between_two_looks_no_day_has_two_and_no_scan_leaves_its_hours(
    at: time, window: Window | None, naps: list[int]
) -> None:
    now, looks = moment("12:00"), []
    for nap in naps:
        now += timedelta(minutes=nap)
        looks.append(now)
    scans, kept = lived(looks, Kept(LONG_AGO), at, window)
    named = [last(at, scan).date() for scan in scans]
    assert len(named) == len(set(named)), "a night was done twice"
    assert all(window is None or window.closes(scan) is not None for scan in scans)
    gaps = [later - earlier for earlier, later in pairwise(scans)]
    assert all(gap >= nights.SOON for gap in gaps)
    assert kept.since == LONG_AGO


@given(TIMES, st.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001
@CALMLY
def test_the_next_night_is_ahead_and_the_last_behind(at: time, now: datetime) -> None:
    assert last(at, now) <= now < following(at, now)


def test_a_night_that_was_due_hours_ago_and_was_not_done_is_late() -> None:
    kept = Kept(LONG_AGO, MONDAY - timedelta(days=2), 0)
    assert late(AT, kept, moment("05:00"))
    assert not late(AT, kept, moment("23:00", MONDAY - timedelta(days=1)))
    assert not late(AT, Kept(LONG_AGO, MONDAY - timedelta(days=1), 0), moment("05:00"))


def test_what_is_remembered_is_what_was_known(tmp_path: Path) -> None:
    kept = Kept(LONG_AGO, MONDAY, 4, "é\nwhy")
    remember(tmp_path / "new", "x", kept)
    assert recall(tmp_path / "new", "x", moment("12:00")) == kept
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "[]",
        "{",
        '{"since": 3}',
        '{"since": "2026-01-01", "night": [], "code": null, "why": ""}',
        "[" * 9000,
    ],
)
def test_a_file_that_cannot_be_read_is_a_new_site_and_no_error(tmp_path: Path, written: str) -> None:
    (tmp_path / "x.json").write_text(written)
    assert recall(tmp_path, "x", moment("12:00")) == Kept(moment("12:00"))
