"""Is EPSS asked within its limits, and its numbers believed only where they are chances?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import OutsideError
from netwatch.feeds.epss import AT_ONCE, LONGEST, MOST_ASKED, queries, query, read, written
from tests.lab.feeds_server import epss

CVES = st.from_regex(r"CVE-20[0-9]{2}-[0-9]{4,19}", fullmatch=True)


@given(st.lists(CVES, max_size=400))
def test_every_hole_is_asked_for_once_and_no_query_is_too_long(holes: list[str]) -> None:
    batches = list(queries(holes))
    assert [one for batch in batches for one in batch] == list(dict.fromkeys(holes))
    assert all(0 < len(batch) <= AT_ONCE and len(query(batch)) <= LONGEST for batch in batches)


def test_the_limits_are_reached_and_not_passed() -> None:
    short, long = [f"CVE-2024-{n:04}" for n in range(250)], [f"CVE-2024-{n:019}" for n in range(100)]
    assert [len(one) for one in queries(short)] == [100, 100, 50]
    assert [len(one) for one in queries(long)] == [68, 32]
    assert sum(map(len, queries(f"CVE-2024-{n:05}" for n in range(MOST_ASKED + 1)))) == MOST_ASKED


def test_nothing_but_a_hole_is_asked_for() -> None:
    assert list(queries(["CVE-2024-1234&date=x", "192.168.1.1", "", "PC-Dr-Martin"])) == []
    assert query(["CVE-2024-1234", "CVE-2024-1235"]) == "cve=CVE-2024-1234,CVE-2024-1235"


def test_a_chance_is_a_number_from_nothing_to_one() -> None:
    told = {
        "data": [
            {"cve": f"CVE-2024-{n:04}", "epss": one}
            for n, one in enumerate(["0.972240000", "1", "0", "1.000"])
        ]
    }
    assert list(read(told).values()) == [0.97224, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "chance", [None, 0.5, 1, True, "", "1.1", "-0.1", "nan", "inf", "1e999", "0,5",
     "\u0660.\u0665", "0_1", " 0.5", "2", "0." + "1" * 21]
)  # fmt: skip
def test_what_is_no_chance_is_none(chance: object) -> None:
    good = epss("CVE-2024-0001", "CVE-2024-0002")["data"]
    told = {"data": [*good, {"cve": "CVE-2024-0003", "epss": chance}]}
    assert list(read(told)) == ["CVE-2024-0001", "CVE-2024-0002"]
    with pytest.raises(OutsideError):
        read({"data": [{"cve": "CVE-2024-0003", "epss": chance}]})


def test_what_nobody_asked_for_is_left_out() -> None:
    assert list(read(epss("CVE-2024-0001", "CVE-2024-0002"), ["CVE-2024-0002"])) == ["CVE-2024-0002"]


@pytest.mark.parametrize("told", [None, [], {}, {"data": {}}, {"data": [1]}, {"data": [{}] * 30_000}])
def test_an_answer_that_is_none_is_refused(told: object) -> None:
    with pytest.raises(OutsideError):
        read(told)


def test_a_hole_that_it_does_not_know_has_no_chance() -> None:
    assert read({"data": []}, ["CVE-2024-0001"]) == {}


@given(st.dictionaries(CVES, st.floats(0, 1)))
def test_what_is_written_is_read_again(chances: dict[str, float]) -> None:
    assert read(written(chances)) == {one: pytest.approx(chance, abs=1e-9) for one, chance in chances.items()}
    assert read(written(read(written(chances)))) == read(written(chances))
