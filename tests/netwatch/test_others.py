"""Is what others say dated as they date it, and is silence told as what it is?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ConfigError, OutsideError
from netwatch.model import Reason, Vantage
from netwatch.others import (
    LISTING,
    failure,
    listing,
    moment,
    port_number,
    public,
    written,
)
from netwatch.words import LANGUAGES, messages

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
ONE = "9.9.9.9"


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-11-20T11:12:13.456789", datetime(2026, 11, 20, 11, 12, 13, 456789, tzinfo=UTC)),
        ("2026-11-20T11:12:13", datetime(2026, 11, 20, 11, 12, 13, tzinfo=UTC)),
        ("2026-11-20T11:12:13Z", datetime(2026, 11, 20, 11, 12, 13, tzinfo=UTC)),
        ("2026-11-20T11:12:13+02:00", datetime(2026, 11, 20, 9, 12, 13, tzinfo=UTC)),
        ("2026-11-25T05:00:00", NOW),  # a little later than our clock says: that is our clock
        ("2026-11-27T00:00:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01T00:00:00+12:00", None),
        ("1970-01-01T00:00:00", None),
        ("yesterday", None),
        ("", None),
        ("2026-11-20T11:12:13" + " " * 100, None),
        (1763640000, None),
        (None, None),
        (["2026-11-20"], None),
    ],
)
def test_their_date_is_in_utc_and_what_cannot_be_one_is_unknown(text: object, date: datetime | None) -> None:
    assert moment(text, NOW) == date


@given(st.text(max_size=50) | st.datetimes(timezones=st.none() | st.timezones()).map(datetime.isoformat))
def test_whatever_is_told_a_date_is_never_in_the_future_and_never_without_a_zone(text: str) -> None:
    found = moment(text, NOW)
    assert found is None or (found.utcoffset() == timedelta(0) and found <= NOW)


def test_our_own_dates_are_written_in_utc() -> None:
    assert written(NOW.astimezone(timezone(timedelta(hours=5)))) == "2026-11-25T01:02:03Z"


@pytest.mark.parametrize("wrong", [0, -1, 65_536, True, False, "80", 80.0, None, [80], {}, 10**40])
def test_what_is_no_port_is_none(wrong: object) -> None:
    assert port_number(wrong) is None


def test_only_addresses_of_the_internet_stay_once_each_and_in_one_form() -> None:
    given = (
        "9.9.9.9",
        "192.168.0.1",
        "100.64.0.1",
        "2620:FE:0::fe",
        "9.9.9.9",
        "2620:fe::fe",
        "x",
        "ff02::1",
        "",
    )
    assert public(given) == ("9.9.9.9", "2620:fe::fe")


@pytest.mark.parametrize(
    ("ports", "cut", "word"), [(0, False, "empty"), (3, False, "whole"), (3, True, "cut"), (0, True, "cut")]
)
def test_a_listing_says_how_complete_the_answer_was(ports: int, cut: bool, word: str) -> None:  # noqa: FBT001
    seen = listing("internetdb", ONE, ports, 2, NOW, cut=cut)
    assert (seen.protocol, seen.port, seen.vantage) == (LISTING, 0, Vantage.INTERNETDB)
    assert (seen.facts["listing"], seen.facts["neighbours"]) == (word, 2)


def test_a_key_that_cannot_be_read_is_a_matter_of_credentials() -> None:
    told = failure("shodan", ONE, ConfigError("config.password-owner", path="/k"))
    assert (told.reason, told.device) == (Reason.CREDENTIALS, f"p-{ONE}")
    assert (
        failure("shodan", ONE, OutsideError("others.busy", Reason.BUSY, who="Shodan")).reason is Reason.BUSY
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_can_be_filled_in(language: str) -> None:
    words = messages(language)
    fields = "who name scans lookups watched watchable addresses count id left state since address date"
    fields += " transport protocol product why hours number"
    for name in words.sentences:
        if name.startswith("others."):
            assert words(name, **dict.fromkeys(fields.split(), "x"), port=1)
