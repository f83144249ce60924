"""Is it time to break the silence? Once a week, once for each outage, and never before the first night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.notice import NoticeKind, Watch, due

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
DAY = timedelta(hours=26)
WEEK, OVERDUE = NoticeKind.WEEK, NoticeKind.OVERDUE


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def kinds(watch: Watch, *, weekly: bool = True, overdue: timedelta | None = DAY) -> list[NoticeKind]:
    return [*due(watch, NOW, weekly=weekly, overdue=overdue)]


@pytest.mark.parametrize(
    ("watch", "expected"),
    [
        pytest.param(Watch(), [], id="never scanned"),
        pytest.param(Watch(ago(days=2), ago(hours=10), ago(hours=10)), [], id="last night"),
        pytest.param(Watch(ago(days=2), ago(hours=27), ago(hours=27)), [OVERDUE], id="a night is missing"),
        pytest.param(Watch(ago(days=2), ago(hours=3), ago(hours=50)), [OVERDUE], id="it ran, not to its end"),
        pytest.param(Watch(ago(days=2), ago(hours=3)), [OVERDUE], id="never complete"),
        pytest.param(Watch(ago(hours=20), ago(hours=20)), [], id="it has just begun"),
        pytest.param(
            Watch(ago(days=9), ago(days=3), ago(days=3), told={OVERDUE: ago(days=1), WEEK: ago(days=2)}),
            [],
            id="told already",
        ),
        pytest.param(Watch(ago(days=7), ago(hours=9), ago(hours=9)), [WEEK], id="the first week"),
        pytest.param(
            Watch(ago(days=60), ago(hours=9), ago(hours=9), told={WEEK: ago(days=6, hours=19)}),
            [WEEK],
            id="a little early",
        ),
        pytest.param(
            Watch(ago(days=60), ago(hours=9), ago(hours=9), told={WEEK: ago(days=6)}), [], id="not yet a week"
        ),
        pytest.param(Watch(ago(days=60), ago(days=50), ago(days=50)), [WEEK, OVERDUE], id="nobody looked"),
        pytest.param(
            Watch(ago(days=60), ago(days=-900), ago(days=-900), told={WEEK: ago(days=-899)}),
            [WEEK, OVERDUE],
            id="the clock was years ahead",
        ),
    ],
)
def test_it_is_time(watch: Watch, expected: list[NoticeKind]) -> None:
    assert kinds(watch) == expected


def test_both_can_be_done_without() -> None:
    watch = Watch(ago(days=60), ago(days=50), ago(days=50))
    assert kinds(watch, weekly=False) == [OVERDUE]
    assert kinds(watch, overdue=None) == [WEEK]


@given(st.lists(st.floats(0.5, 100), min_size=1, max_size=60))
def test_however_often_it_is_asked_a_week_is_told_once_a_week(hours: list[float]) -> None:
    """`netwatch tend` may run at any hour: two weekly mails are never less than six days apart."""
    now, began = NOW, NOW
    told: list[datetime] = []
    for step in hours:
        now += timedelta(hours=step)
        watch = Watch(began, now, now, told={WEEK: told[-1]} if told else {})
        if WEEK in due(watch, now, weekly=True, overdue=None):
            told.append(now)
    assert all(later - earlier >= timedelta(days=6) for earlier, later in pairwise(told))
    if now - began > timedelta(days=14):
        assert told
