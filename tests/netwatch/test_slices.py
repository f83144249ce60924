"""Is every one of the 65,535 ports asked once in a round, whatever a night misses?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwatch.ports import curated
from netwatch.portset import EVERY, LAST, PortSet
from netwatch.settings import SweepSettings
from netwatch.slices import Round, after, left, slice_of

BEGAN = datetime(2026, 11, 1, 22, tzinfo=UTC)
NEW = Round("d", BEGAN, usual=BEGAN)
NONE = PortSet()

RUNS = st.tuples(st.integers(1, LAST), st.integers(0, 400)).map(lambda run: (run[0], min(sum(run), LAST)))
NIGHTLY = st.lists(RUNS, max_size=15).map(
    lambda runs: PortSet.parse(",".join(f"{first}-{last}" for first, last in runs))
)
NIGHTS = st.integers(2, 40)


def at(night: int) -> datetime:
    return BEGAN + timedelta(days=night)


def tonight(begun: Round, nightly: PortSet, nights: int) -> PortSet:
    return slice_of(PortSet.parse(begun.done), nightly, nights)


def disjoint(slices: list[PortSet]) -> bool:
    """Was no port in two of them?"""
    together = NONE
    for one in slices:
        together |= one
    return len(together) == sum(map(len, slices))


@settings(deadline=None)
@given(NIGHTLY, NIGHTS)
def test_after_the_last_night_every_port_was_asked_once_and_a_new_round_begins(
    nightly: PortSet, nights: int
) -> None:
    begun, asked = NEW, list[PortSet]()
    for night in range(1, nights):
        assert begun.began == BEGAN, "a round ended too early"
        asked.append(tonight(begun, nightly, nights))
        begun = after(begun, asked[-1] | nightly, nightly, at(night))
    assert disjoint([*asked, nightly])
    assert sum(map(len, asked)) == len(EVERY - nightly)
    assert max(map(len, asked)) - min(map(len, asked)) < nights, "the nights are about alike"
    assert (begun.done, begun.began) == ("", at(nights - 1))
    assert tonight(begun, nightly, nights) == asked[0]


@settings(deadline=None)
@given(NIGHTLY, st.integers(2, 12), st.lists(st.booleans(), max_size=12))
def test_a_night_that_a_device_misses_only_delays(nightly: PortSet, nights: int, there: list[bool]) -> None:
    begun, asked = NEW, list[PortSet]()
    for night, present in enumerate([*there, *[True] * nights], 1):
        if begun.began != BEGAN:
            break
        owed = tonight(begun, nightly, nights)
        before = begun
        begun = after(begun, owed | nightly if present else NONE, nightly, at(night))
        if present:
            asked.append(owed)
        else:
            assert begun == before
    assert len(asked) == nights - 1
    assert disjoint(asked)
    assert sum(map(len, asked)) == len(EVERY - nightly)


@settings(deadline=None)
@given(NIGHTLY, st.integers(2, 8), st.lists(st.integers(0, LAST), max_size=8))
def test_a_night_that_is_cut_short_goes_on_at_the_next_port(
    nightly: PortSet, nights: int, cuts: list[int]
) -> None:
    begun, asked = NEW, list[PortSet]()
    for night, most in enumerate([*cuts, *[LAST] * nights], 1):
        if begun.began != BEGAN:
            break
        asked.append(tonight(begun, nightly, nights).first(most))
        begun = after(begun, asked[-1] | nightly, nightly, at(night))
    assert begun.began != BEGAN
    assert disjoint(asked)
    assert [port for one in asked for port in one] == list(EVERY - nightly)


@given(NIGHTLY, st.integers(-3, 0))
def test_without_nights_nothing_beyond_the_usual_is_asked(nightly: PortSet, nights: int) -> None:
    assert slice_of(NONE, nightly, nights) == NONE


@given(NIGHTLY)
def test_one_or_two_nights_are_one_slice_of_everything(nightly: PortSet) -> None:
    assert slice_of(NONE, nightly, 1) == slice_of(NONE, nightly, 2) == EVERY - nightly


@given(st.integers(1, 10), NIGHTS)
def test_where_almost_nothing_is_left_to_ask_no_night_asks_a_port_twice(few: int, nights: int) -> None:
    nightly = EVERY - EVERY.first(few)
    begun, asked = NEW, list[PortSet]()
    for night in range(1, nights):
        if begun.began == BEGAN:
            asked.append(tonight(begun, nightly, nights))
            begun = after(begun, asked[-1], nightly, at(night))
    assert [port for one in asked for port in one] == list(range(1, few + 1))
    assert begun.began != BEGAN


def test_the_usual_ports_are_not_written_down_as_part_of_the_round() -> None:
    nightly = PortSet.of([22, 104])
    begun = after(NEW, PortSet.of([21, 22, 23, 104]), nightly, at(1))
    assert begun == Round("d", BEGAN, "21,23", BEGAN)


def test_a_night_in_which_everything_is_asked_is_a_whole_round() -> None:
    begun = after(Round("d", BEGAN, "1-20", BEGAN), EVERY, PortSet.of([104]), at(1))
    assert begun == Round("d", at(1), "", BEGAN)


def test_a_port_found_open_is_asked_every_night_from_then_on_and_no_longer_in_slices() -> None:
    nightly, nights = PortSet.of(curated()), 14
    begun, asked = NEW, list[PortSet]()
    for night in range(1, nights):
        asked.append(tonight(begun, nightly, nights))
        begun = after(begun, asked[-1] | nightly, nightly, at(night))
        nightly |= asked[-1].first(1)
    assert disjoint(asked)
    assert begun.began == at(nights - 1)


def test_what_a_round_owes_is_everything_but_the_usual_and_the_done() -> None:
    assert str(left(PortSet.parse("1-99"), PortSet.of([104, LAST]))) == "100-103,105-65534"


@pytest.mark.parametrize("moved", [5104, 5105, 21104, 51104, 61112])
def test_in_the_usual_fortnight_an_image_server_on_an_odd_port_is_found_once(moved: int) -> None:
    nightly, nights = PortSet.of(curated()), SweepSettings().whole_range_nights
    assert nights == 14
    begun, asked = NEW, list[PortSet]()
    for night in range(1, 14):
        asked.append(tonight(begun, nightly, nights))
        begun = after(begun, asked[-1] | nightly, nightly, at(night))
    assert len(asked) == 13
    assert sum(map(len, asked)) == 65_535 - len(nightly)
    assert [moved in one for one in (nightly, *asked)].count(True) == 1
    assert begun.began == at(13)
