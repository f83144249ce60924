"""When is a site scanned, and which paths can a scheduler be told at all?"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.errors import ConfigError
from netwatch.schedule import ANY_DAY, SPREAD, USUAL, fitting, hour, one_line
from netwatch.window import Window

CALMLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WINDOW = Window.parse("22:00-06:00")
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))


def test_without_a_word_it_is_half_past_ten() -> None:
    assert hour(None, None) == (USUAL, SPREAD)
    assert hour(None, time(3, 10)) == (time(3, 10), SPREAD)


def test_the_window_of_the_site_file_says_when_it_begins() -> None:
    assert hour(WINDOW, None) == (time(22), SPREAD)


@pytest.mark.parametrize("at", [time(6), time(12), time(21, 59)])
def test_an_hour_outside_the_window_is_refused(at: time) -> None:
    with pytest.raises(ConfigError) as refused:
        hour(WINDOW, at)
    assert refused.value.message == "schedule.outside-window"


@given(st.tuples(TIMES, TIMES).filter(lambda pair: pair[0] != pair[1]), TIMES)
@CALMLY
def test_chance_never_carries_a_start_out_of_the_window(pair: tuple[time, time], at: time) -> None:
    window = Window(*pair)
    try:
        start, spread = hour(window, at)
    except ConfigError:
        assert window.closes(datetime.combine(ANY_DAY, at)) is None
        return
    latest = datetime.combine(ANY_DAY, start) + timedelta(minutes=spread)
    assert window.closes(datetime.combine(ANY_DAY, start)) == window.closes(latest)


@pytest.mark.parametrize("path", ["/a\nb", "/a\rb", "/a\x00b", "/a\x1bb", "/a\u2028b", "/a\udc80b"])
def test_a_path_that_no_line_holds_is_refused_with_its_name(path: str) -> None:
    with pytest.raises(ConfigError) as refused:
        fitting(PurePosixPath(path))
    assert str(refused.value.details["path"]).isascii()


@pytest.mark.parametrize("path", ["/a b", "/é$x%n", "/'\"\\", "/\xa0"])
def test_any_other_path_is_left_as_it_is(path: str) -> None:
    assert str(fitting(PurePosixPath(path))) == path


@given(st.text())
@CALMLY
def test_one_line_is_one(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
