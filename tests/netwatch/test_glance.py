"""Is a site that was not watched whole for a day told as such, whatever else is known of it?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from netwatch.glance import glance
from netwatch.notice import Watch

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)


@pytest.mark.parametrize(("hours", "late"), [(1, False), (26, False), (27, True), (999, True)])
def test_late_is_a_matter_of_the_last_complete_night_alone(hours: int, late: bool) -> None:  # noqa: FBT001
    watch = Watch(began=NOW, ran=NOW, complete=NOW - timedelta(hours=hours))
    assert glance("a", "A", watch, None, NOW).late is late


def test_a_site_without_a_night_is_late_and_nothing_is_known_of_it() -> None:
    one = glance("a", "A", Watch(), None, NOW)
    assert (one.late, one.last, one.complete, one.open, one.devices) == (True, None, None, {}, 0)


def test_moments_are_told_as_utc() -> None:
    east = datetime.fromisoformat("2026-11-30T01:00:00+01:00")
    assert glance("a", "A", Watch(ran=east, complete=east), None, NOW).complete == "2026-11-30T00:00:00Z"
