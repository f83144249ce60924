from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reports.moment import Moments, parse
from reports.phrase import Phrases


def told(language: str) -> Moments:
    return Phrases(language).moments


def test_a_moment_is_told_in_the_clock_of_this_machine() -> None:
    assert told("fr").full("2026-11-23T21:04:00Z") == "23 novembre 2026 à 22 h 04"
    assert told("en").full("2026-11-23T21:04:00Z") == "23 November 2026 at 22:04"


def test_a_datetime_is_told_like_its_text() -> None:
    assert told("fr").full(datetime(2026, 7, 14, 6, 5, tzinfo=UTC)) == "14 juillet 2026 à 8 h 05"


def test_the_day_is_that_of_the_practice_and_not_of_greenwich() -> None:
    assert told("fr").date("2026-11-30T23:30:00Z") == "1er décembre 2026"
    assert told("en").short("2026-11-30T23:30:00Z") == "01/12/2026"


def test_every_month_has_a_name_in_both_languages() -> None:
    for language in ("fr", "en"):
        names = {told(language).date(f"2026-{month:02}-02T12:00:00Z").split()[1] for month in range(1, 13)}
        assert len(names) == 12


@pytest.mark.parametrize(
    ("first", "french", "english"),
    [
        ("2026-11-23T20:58:00Z", "depuis aujourd'hui", "since today"),
        ("2026-11-22T22:30:00Z", "depuis hier", "since yesterday"),
        ("2026-11-20T21:03:00Z", "depuis 3 jours", "for 3 days"),
        ("2026-08-20T21:03:00Z", "depuis 3 mois", "for 3 months"),
        ("2023-11-01T21:03:00Z", "depuis 3 ans", "for 3 years"),
        ("2026-12-24T21:03:00Z", "depuis aujourd'hui", "since today"),
    ],
)
def test_a_duration_is_told_in_the_unit_a_person_would_use(first: str, french: str, english: str) -> None:
    now = "2026-11-23T21:04:00Z"
    assert told("fr").since(first, now) == french
    assert told("en").since(first, now) == english


def test_the_clock_that_was_used_can_be_told() -> None:
    assert told("fr").zone("2026-11-23T21:04:00Z") == "UTC+01:00"
    assert told("fr").zone("2026-07-23T21:04:00Z") == "UTC+02:00"


def test_a_moment_without_a_zone_is_utc_and_rubbish_is_an_error() -> None:
    assert parse("2026-11-23T21:04:00") == datetime(2026, 11, 23, 21, 4, tzinfo=UTC)
    with pytest.raises(ValueError, match="Invalid isoformat"):
        parse("yesterday")
