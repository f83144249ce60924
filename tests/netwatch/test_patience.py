"""Are letters tried often at first, then every night, and for long enough?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.patience import FEWEST, LAST, LATE, LEAST, MOST, due, given_up, late, next_try

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def tries(every: timedelta) -> list[timedelta]:
    """When a letter is tried that never arrives, where somebody looks so often."""
    made, number, planned, now = [timedelta()], 1, next_try(NOW, NOW), NOW
    while not given_up(NOW, NOW + made[-1], number):
        now += every
        if due(planned, now):
            made.append(now - NOW)
            number, planned = number + 1, next_try(NOW, now)
    return made


def test_a_letter_is_tried_often_at_first_and_then_every_night() -> None:
    hours = [made / timedelta(hours=1) for made in tries(timedelta(minutes=5))]
    assert [round(hour, 2) for hour in hours[:6]] == [0, 0.08, 0.17, 0.33, 0.67, 1.33]
    assert sum(hour <= 24 for hour in hours) == 10
    assert max(later - hour for hour, later in pairwise(hours)) <= 20.1
    assert hours[-1] >= LAST / timedelta(hours=1)


@pytest.mark.parametrize("drift", [-20, 0, 20])
def test_a_machine_that_is_awake_at_night_only_tries_every_night(drift: int) -> None:
    every = timedelta(days=1, minutes=drift)
    assert len(tries(every)) >= 14
    assert tries(every)[1] == every


def test_what_is_refused_for_good_is_tried_with_the_nights_only() -> None:
    assert next_try(NOW, NOW, refused=True) == NOW + MOST


def test_a_machine_that_was_off_for_months_does_not_give_up_at_once() -> None:
    later = NOW + timedelta(days=90)
    assert not given_up(NOW, later, 2)
    assert given_up(NOW, later, FEWEST)
    assert not given_up(NOW, NOW + timedelta(days=1), 100)


@given(MOMENTS, MOMENTS)
def test_a_clock_that_was_wrong_delays_no_letter_for_longer_than_a_day(
    first: datetime, now: datetime
) -> None:
    planned = next_try(first, now)
    assert LEAST <= planned - now <= MOST
    assert due(planned, now + MOST)
    assert due(planned, now - timedelta(days=1)), "the plan was made by a clock that ran ahead"
    assert due(None, now)
    assert not due(planned, now)


def test_a_letter_is_late_after_a_day() -> None:
    assert late(NOW, NOW + LATE)
    assert not late(NOW, NOW + LATE - timedelta(seconds=1))
