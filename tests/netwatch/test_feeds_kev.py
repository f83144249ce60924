"""Are the holes that are exploited read as what they are?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import OutsideError
from netwatch.feeds.kev import LONGEST, Known, read, released, written
from tests.lab.feeds_server import hole, kev

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
GOOD = hole("CVE-2017-7494")


def test_a_hole_has_its_words_its_day_and_whether_it_is_used_for_extortion() -> None:
    told = kev(
        hole("CVE-2017-7494"), hole("CVE-2021-20016", "SonicWall ", "SMA", knownRansomwareCampaignUse="Known")
    )
    first, second = read(told)
    name = "Samba Samba Remote Code Execution Vulnerability"
    assert first == Known("CVE-2017-7494", "Samba", "Samba", name, date(2023, 3, 30), ransomware=False)
    assert (second.maker, second.product, second.ransomware) == ("SonicWall", "SMA", True)


@pytest.mark.parametrize("word", ["Unknown", "", None, True, 1, [], "known "])
def test_only_known_is_known(word: object) -> None:
    [seen] = read(kev(hole("CVE-2017-7494", knownRansomwareCampaignUse=word)))
    assert seen.ransomware is False


WRONG: list[dict[str, Any]] = [
    {"cveID": "CVE-1"}, {"cveID": None}, {"vendorProject": 1}, {"vendorProject": "\x00\n"}, {"product": None},
    {"dateAdded": "yesterday"}, {"dateAdded": None},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_an_entry_that_is_not_understood_is_left_out(wrong: dict[str, Any]) -> None:
    [seen] = read(kev(GOOD, GOOD, {**hole("CVE-2020-1472"), **wrong}))
    assert seen.cve == "CVE-2017-7494"


@pytest.mark.parametrize("wrong", WRONG)
def test_where_half_is_not_understood_nothing_is(wrong: dict[str, Any]) -> None:
    with pytest.raises(OutsideError):
        read(kev(GOOD, {**hole("CVE-2020-1472"), **wrong}))


@pytest.mark.parametrize(
    "told", [None, [], {}, kev(), {"vulnerabilities": {}}, {"vulnerabilities": ["CVE-2017-7494"]}]
)
def test_a_catalogue_without_holes_is_refused(told: object) -> None:
    with pytest.raises(OutsideError):
        read(told)


def test_texts_are_cut_and_cleaned() -> None:
    [seen] = read(
        kev(hole("CVE-2017-7494", "A\u202e\x1b[31m" + "b" * 10_000, "C\r\nD", vulnerabilityName=None))
    )
    assert len(seen.maker) == LONGEST
    assert "\x1b" not in seen.maker
    assert (seen.product, seen.name) == ("C D", "C D")


def test_an_issue_says_when_it_was_released() -> None:
    assert released(kev(at="2025-02-25T20:33:53.3676Z")) == datetime(2025, 2, 25, 20, 33, 53, 367600, UTC)
    assert released(kev(at="2025-02-25T20:33:53")) == datetime(2025, 2, 25, 20, 33, 53, tzinfo=UTC)
    assert released(kev(at="2025-02-25T20:33:53-05:00")) == datetime(2025, 2, 26, 1, 33, 53, tzinfo=UTC)


@pytest.mark.parametrize(
    "at", [None, 1, "", "soon", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9" * 9999]
)
def test_an_issue_without_a_date_is_refused(at: object) -> None:
    with pytest.raises(OutsideError):
        released({"dateReleased": at})


WORDS = st.sampled_from(["Samba", "D-Link", "iOS and iPadOS", "Multiple Products"])
HOLES = st.lists(
    st.builds(
        Known,
        st.from_regex(r"CVE-[0-9]{4}-[0-9]{4,19}", fullmatch=True).filter(str.isascii),
        WORDS,
        WORDS,
        WORDS,
        st.dates(date(1950, 1, 1), date(2199, 12, 31)),
        ransomware=st.booleans(),
    ),
    min_size=1,
    unique_by=lambda one: one.cve,
)


@given(HOLES)
def test_what_is_written_is_read_again(holes: list[Known]) -> None:
    told = written(holes, NOW)
    assert (read(told), released(told)) == (tuple(holes), NOW)
