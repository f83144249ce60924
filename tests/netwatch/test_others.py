"""Is what others say dated as they date it, and does only what is recent become a finding?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ConfigError, OutsideError
from netwatch.model import Exposure, Observation, Reason, Vantage
from netwatch.others import (
    FRESH,
    LISTING,
    RULE,
    SOURCES,
    failure,
    judge,
    listing,
    moment,
    port_number,
    public,
    statement,
    written,
)
from netwatch.words import LANGUAGES, Catalogue, messages

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
ONE = "9.9.9.9"
HERE = Path(__file__).parents[2] / "netwatch"


def told(probe: str = "shodan", *, days: float = 0, port: int = 3389, transport: str = "tcp") -> Observation:
    return statement(
        probe,
        ONE,
        port,
        transport=transport,
        protocol="rdp",
        facts={"dated": True},
        seen_at=NOW - timedelta(days=days),
        fetched=NOW,
    )


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


@pytest.mark.parametrize("probe", SOURCES)
def test_a_port_that_others_saw_open_lately_is_a_finding(probe: str) -> None:
    [finding] = judge(told(probe, days=FRESH.days))
    assert (finding.rule, finding.device, finding.port, finding.vantage) == (
        RULE,
        f"p-{ONE}",
        3389,
        SOURCES[probe],
    )


def test_what_they_saw_in_earlier_years_is_history_and_no_finding() -> None:
    assert list(judge(told(days=FRESH.days + 1))) == []


def test_that_nothing_is_known_is_no_finding_nor_is_what_somebody_else_saw() -> None:
    assert list(judge(listing("shodan", ONE, 0, 0, NOW))) == []
    ours = Observation("rdp", Vantage.OUTSIDE, "d", ONE, 3389, "rdp", {}, NOW)
    assert list(judge(ours)) == []


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
    fields: tuple[str, ...] = (
        "who",
        "name",
        "scans",
        "lookups",
        "watched",
        "watchable",
        "addresses",
        "count",
        "id",
        "left",
    )
    fields += ("state", "since", "address", "date", "transport", "protocol", "product", "why")
    for name in words.sentences:
        if name.startswith("others."):
            assert words(name, **dict.fromkeys(fields, "x"), port=1)


def test_the_rule_has_its_words_and_is_less_than_what_was_proved() -> None:
    rule = Catalogue([HERE / "rules.toml"])[RULE]
    assert all(rule.words[language].remedy for language in LANGUAGES)
    assert rule.at(Exposure.REPORTED).rank < rule.at(Exposure.EXPOSED).rank
