"""When does a scan leave off, and for which reason? Once, for the first one, and not a moment too late."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest

from netwatch.halt import AUTHORISATION, FELL_SILENT, STOPPED, WINDOW, Halt

SOON = 30.0  # seconds; what must happen at once ends a wait long before


def from_now(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_nobody_leaves_off_unasked() -> None:
    halt = Halt()
    assert (halt.asked(), halt.why, halt.wait(0.0)) == (False, None, False)


def test_the_first_reason_is_kept() -> None:
    halt = Halt()
    for why in (FELL_SILENT, STOPPED, WINDOW):
        halt.now(why)
    assert (halt.asked(), halt.why) == (True, FELL_SILENT)


def test_whoever_waits_is_woken() -> None:
    halt, woken = Halt(), list[bool]()
    waiting = [threading.Thread(target=lambda: woken.append(halt.wait(SOON))) for _ in range(4)]
    for thread in waiting:
        thread.start()
    halt.now(STOPPED)
    for thread in waiting:
        thread.join()
    assert woken == [True] * 4


def test_of_many_reasons_at_once_one_holds() -> None:
    for _ in range(50):
        halt, together, told = Halt(), threading.Barrier(4), list[str | None]()

        def ask(why: str, halt: Halt = halt, together: threading.Barrier = together) -> None:
            together.wait()
            halt.now(why)
            told.append(halt.why)  # noqa: B023 - joined below

        asking = [
            threading.Thread(target=ask, args=(why,)) for why in (STOPPED, WINDOW, AUTHORISATION, FELL_SILENT)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert set(told) == {halt.why}


@pytest.mark.parametrize("ago", [0.0, 1.0, 90_000.0])
def test_a_moment_that_has_passed_ends_it_at_once(ago: float) -> None:
    halt = Halt()
    with halt.at(from_now(-ago), WINDOW):
        assert halt.wait(SOON)
    assert halt.why == WINDOW


def test_a_moment_that_comes_ends_it_then() -> None:
    halt = Halt()
    with halt.at(from_now(1.0), AUTHORISATION):
        assert not halt.asked()
        assert halt.wait(SOON)
    assert halt.why == AUTHORISATION


@pytest.mark.parametrize("hours", [-11, 0, 13])
def test_a_moment_is_the_same_moment_on_every_clock(hours: int) -> None:
    elsewhere = timezone(timedelta(hours=hours))
    halt = Halt()
    with halt.at(from_now(3600).astimezone(elsewhere), WINDOW):
        assert not halt.wait(0.1)
    with halt.at(from_now(-1).astimezone(elsewhere), WINDOW):
        assert halt.wait(SOON)


def test_without_a_moment_nothing_ends_it_and_nothing_waits() -> None:
    halt, before = Halt(), threading.active_count()
    with halt.at(None, WINDOW):
        assert threading.active_count() == before
        assert not halt.wait(0.05)


def test_a_moment_in_another_age_is_no_error() -> None:
    halt = Halt()
    with halt.at(datetime.max.replace(tzinfo=UTC), AUTHORISATION):
        assert not halt.wait(0.1)


def test_who_has_left_is_not_ended_any_more() -> None:
    halt = Halt()
    with halt.at(from_now(0.5), WINDOW):
        pass
    assert not halt.wait(1.0)
    assert halt.why is None


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ValueError])
def test_however_it_is_left_no_clock_goes_on(error: type[BaseException] | None) -> None:
    halt, before = Halt(), set(threading.enumerate())
    clock: threading.Thread | None = None
    with suppress(KeyboardInterrupt, ValueError), halt.at(from_now(3600), WINDOW):
        [clock] = set(threading.enumerate()) - before
        assert clock.daemon, "a scan that was killed must not wait for its clock"
        if error is not None:
            raise error
    assert clock is not None
    clock.join(SOON)
    assert not clock.is_alive()
    assert not halt.asked()


def test_a_stop_by_hand_is_told_even_where_the_hour_comes_right_after() -> None:
    halt = Halt()
    halt.now(STOPPED)
    with halt.at(from_now(-1), WINDOW):
        time.sleep(0.2)
    assert halt.why == STOPPED
