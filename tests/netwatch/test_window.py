"""At which hours may a scan send? Up to the last minute, over midnight, and not a minute longer."""

from __future__ import annotations

import time as systime
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.window import Window

DAY = timedelta(days=1)
NIGHT, NOON = Window.parse("22:00-06:00"), Window.parse("12:00-14:00")

MINUTES = st.integers(0, 24 * 60 - 1)
WINDOWS = (
    st.tuples(MINUTES, MINUTES)
    .filter(lambda both: both[0] != both[1])
    .map(lambda both: Window(*(time(*divmod(minute, 60)) for minute in both)))
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31))  # noqa: DTZ001 - bounds


def length(window: Window) -> timedelta:
    """How long it is open."""
    start, end = (timedelta(hours=at.hour, minutes=at.minute) for at in (window.start, window.end))
    return (end - start) % DAY


def since_start(window: Window, now: datetime) -> timedelta:
    """How long ago it opened last."""
    clock = timedelta(hours=now.hour, minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
    return (clock - timedelta(hours=window.start.hour, minutes=window.start.minute)) % DAY


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("22:00-06:00", time(22), time(6)),
        (" 12:30 - 14:05 ", time(12, 30), time(14, 5)),
        ("00:00-23:59", time(0), time(23, 59)),
        ("23:59-00:00", time(23, 59), time(0)),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, start: time, end: time) -> None:
    assert Window.parse(text) == Window(start, end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22:00",
        "22-6",
        "22h00-06h00",
        "9:00-17:00",
        "24:00-06:00",
        "22:00-24:00",
        "22:60-06:00",
        "22:00-06:00-07:00",
        "22:00-06:00\n23:00",
        "22:00–06:00",  # noqa: RUF001 - a dash that a text program makes of it
        "1٢:00-06:00",
        "10 PM-6 AM",
        "22:00-22:00",
    ],
)
def test_what_is_no_window_or_never_opens_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\A" + text.replace("\n", "\\n")):
        Window.parse(text)


@given(WINDOWS)
def test_a_window_that_is_written_is_read_back(window: Window) -> None:
    assert Window.parse(str(window)) == window


@pytest.mark.parametrize(
    ("window", "now", "closes"),
    [
        (NIGHT, "2026-11-23T21:59:59", None),
        (NIGHT, "2026-11-23T22:00:00", "2026-11-24T06:00:00"),
        (NIGHT, "2026-11-23T23:59:59", "2026-11-24T06:00:00"),
        (NIGHT, "2026-11-24T00:00:00", "2026-11-24T06:00:00"),
        (NIGHT, "2026-11-24T05:59:59", "2026-11-24T06:00:00"),
        (NIGHT, "2026-11-24T06:00:00", None),
        (NOON, "2026-11-24T11:59:59", None),
        (NOON, "2026-11-24T12:00:00", "2026-11-24T14:00:00"),
        (NOON, "2026-11-24T14:00:00", None),
        (NIGHT, "2026-12-31T23:00:00", "2027-01-01T06:00:00"),
        (NIGHT, "2028-02-28T23:00:00", "2028-02-29T06:00:00"),
    ],
)
def test_the_first_minute_is_inside_and_the_last_moment_is_not(
    window: Window, now: str, closes: str | None
) -> None:
    assert window.closes(at(now)) == (at(closes) if closes else None)


@pytest.mark.parametrize(
    ("window", "now", "opens"),
    [
        (NIGHT, "2026-11-23T21:00:00", "2026-11-23T22:00:00"),
        (NIGHT, "2026-11-23T06:00:00", "2026-11-23T22:00:00"),
        (NOON, "2026-11-23T14:00:00", "2026-11-24T12:00:00"),
        (NOON, "2026-11-23T12:00:00", "2026-11-24T12:00:00"),
        (NOON, "2026-11-30T23:00:00", "2026-12-01T12:00:00"),
    ],
)
def test_it_says_when_it_opens_next(window: Window, now: str, opens: str) -> None:
    assert window.opens(at(now)) == at(opens)


@given(WINDOWS, MOMENTS)
def test_it_closes_at_its_end_exactly_where_now_is_inside(window: Window, now: datetime) -> None:
    closes = window.closes(now)
    if since_start(window, now) >= length(window):
        assert closes is None
    else:
        assert closes == now - since_start(window, now) + length(window)
        assert closes > now
        assert closes.utcoffset() == now.utcoffset()


@given(WINDOWS, MOMENTS)
def test_it_opens_after_now_within_a_day_and_is_then_open_for_its_whole_length(
    window: Window, now: datetime
) -> None:
    opens = window.opens(now)
    assert opens - now == DAY - since_start(window, now)
    assert window.closes(opens) == opens + length(window)
    assert window.closes(opens - timedelta(microseconds=1)) is None


@pytest.mark.parametrize(("day", "hours"), [("2027-03-27", 6), ("2026-10-24", 8), ("2026-11-24", 7)])
def test_six_o_clock_is_six_o_clock_in_the_night_of_the_clock_change_too(
    monkeypatch: pytest.MonkeyPatch, day: str, hours: int
) -> None:
    monkeypatch.setenv("TZ", "Europe/Paris")
    systime.tzset()
    try:
        now = datetime.fromisoformat(f"{day}T23:00")
        closes = Window.parse("22:00-06:00").closes(now)
        assert closes is not None
        assert closes.astimezone() - now.astimezone() == timedelta(hours=hours)
    finally:
        monkeypatch.undo()
        systime.tzset()
