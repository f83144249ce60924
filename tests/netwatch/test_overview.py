"""What moved since the last letter, and is a letter worth writing? Any two states of any sites."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.glance import Glance
from netwatch.model import Severity
from netwatch.overview import Overview, Row, overview, remembered

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
LEVELS = [str(level) for level in Severity]


def row(slug: str = "a", *, late: bool = False, undelivered: int = 0, **found: str) -> Row:
    """A site. `found`: id -> severity."""
    counts = {level: n for level in LEVELS if (n := list(found.values()).count(level))}
    seen = Glance(slug, f"Site {slug}", "x", "x", late, counts, 0, 0, 0, 1, undelivered)
    return Row(seen, found)


def after(before: list[Row], now: list[Row], days: float = 1) -> Overview:
    return overview(now, remembered(before), NOW - timedelta(days=days), NOW)


ROWS = st.dictionaries(
    st.sampled_from("abcd"), st.dictionaries(st.sampled_from("pqrst"), st.sampled_from(LEVELS)), max_size=4
).map(lambda told: [replace(row(slug), found=found) for slug, found in told.items()])


@given(ROWS)
def test_what_was_told_is_not_told_again(rows: list[Row]) -> None:
    seen = after(rows, rows)
    assert not seen.due
    assert not any(one.news for one in seen.sites)


@given(ROWS, ROWS)
def test_whatever_moved_makes_a_letter_and_nothing_is_lost_or_told_twice(
    before: list[Row], now: list[Row]
) -> None:
    seen = after(before, now)
    was = {one.glance.site: one.found for one in before}
    for one in seen.sites:
        old = was.get(one.row.glance.site, {})
        if one.known:
            assert sum(one.new.values()) == len(one.row.found.keys() - old.keys())
            assert one.closed == len(old.keys() - one.row.found.keys())
    assert seen.due is (bool(now) and was != {one.glance.site: one.found for one in now})


def test_the_first_letter_is_due_and_after_a_week_of_quiet_another() -> None:
    rows = [row(p="low")]
    assert overview(rows, None, None, NOW).due
    assert not after(rows, rows, 6).due
    assert after(rows, rows, 7).due
    assert not overview([], None, None, NOW).due


@pytest.mark.parametrize("told", ["", "{", "[]", "3", '{"a": 3}', '{"a": {}}', "[" * 100_000])
def test_what_cannot_be_read_again_makes_the_next_letter_the_first(told: str) -> None:
    seen = overview([row()], told, NOW, NOW)
    assert (seen.since, seen.due) == (None, True)


def test_a_site_that_nobody_watches_any_more_comes_first_and_is_told_when_it_does_again() -> None:
    calm, late = row("a", p="critical"), row("b", late=True)
    seen = after([calm, row("b")], [calm, late])
    assert [one.row.glance.site for one in seen.sites] == ["b", "a"]
    assert seen.due
    assert not after([calm, late], [calm, late]).due
    back = after([calm, late], [calm, row("b")])
    assert back.due
    assert [one.again for one in back.sites] == [False, True]


def test_a_scan_that_could_not_run_is_told_once() -> None:
    hindered = replace(row(), hindered=ScopeError("config.authorisation-missing"))
    assert after([row()], [hindered]).due
    assert hindered.unwatched
    assert not after([hindered], [hindered]).due


def test_a_finding_that_got_worse_and_mail_that_does_not_arrive_are_news() -> None:
    assert after([row(p="low")], [row(p="critical")]).due
    assert after([row()], [row(undelivered=1)]).due


def test_the_worst_first() -> None:
    rows = [row("a"), row("b", p="low", q="low"), row("c", p="critical"), row("d", p="high")]
    assert [one.row.glance.site for one in after(rows, rows).sites] == ["c", "d", "b", "a"]
    assert after(rows, rows).count(Severity.CRITICAL) == 1
