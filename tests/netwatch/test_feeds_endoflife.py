"""Is it read until when a version is supported, and is a doubt read as a doubt?"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import OutsideError
from netwatch.feeds.endoflife import LONGEST, MOST_CYCLES, Cycle, read, written
from tests.lab.feeds_server import endoflife, product, release

TODAY = date(2026, 11, 30)


def only(told: dict[str, Any], slug: str = "debian") -> Cycle:
    [cycle] = read(endoflife(product(slug, told)), TODAY, [slug])
    return cycle


def test_a_cycle_has_its_last_day_its_newest_version_and_its_page() -> None:
    assert only(release("11", "2026-08-31", ended=True, latest="11.11")) == Cycle(
        "debian", "11", date(2026, 8, 31), "11.11", "https://endoflife.date/debian", TODAY
    )


@pytest.mark.parametrize("ended", [True, False, None])
def test_without_a_date_it_has_ended_or_not_or_nobody_knows(ended: bool | None) -> None:  # noqa: FBT001
    assert only(release("1", None, ended=ended)).eol is ended


@pytest.mark.parametrize("since", ["soon", "2026-13-01", "9999-12-31", "", 2026, True, [], "0000-00-00"])
@pytest.mark.parametrize("ended", [True, False])
def test_what_is_no_date_proves_no_end(since: object, ended: bool) -> None:  # noqa: FBT001
    assert only(release("1", since, ended=ended)).eol is None


def test_who_contradicts_himself_is_not_believed() -> None:
    assert only(release("1", "2026-12-01", ended=True)).eol is None
    assert only(release("1", "2026-10-29", ended=False)).eol is None
    assert only(release("1", "2026-11-29", ended=False)).eol == date(2026, 11, 29)  # yesterday's page


@pytest.mark.parametrize("ended", ["true", 1, 0, [], "yes"])
def test_only_true_is_true(ended: object) -> None:
    assert only(release("1", None, ended=ended)).eol is None


def test_only_what_was_wanted_is_read_and_a_renamed_product_is_found_by_its_old_name() -> None:
    told = endoflife(
        product("ubuntu", release("24.04")),
        product("windows-server", release("2022"), aliases=("winserver",)),
        product("php", release("8.4")),
    )
    cycles = read(told, TODAY, ["winserver", "ubuntu", "nobody", "ubuntu"])
    assert [(one.product, one.cycle) for one in cycles] == [("ubuntu", "24.04"), ("winserver", "2022")]
    assert cycles[1].source == "https://endoflife.date/winserver"


def test_a_name_outranks_anothers_alias() -> None:
    told = endoflife(product("evil", release("1"), aliases=("ubuntu",)), product("ubuntu", release("24.04")))
    assert [one.cycle for one in read(told, TODAY, ["ubuntu"])] == ["24.04"]


def test_texts_are_cut_and_cleaned_and_a_cycle_is_told_once() -> None:
    told = [release("1\x00\u202e\n2" + "x" * 500, latest="\ud800"), release("9"), release("9", ended=True)]
    first, second = read(endoflife(product("debian", *told)), TODAY, ["debian"])
    assert (len(first.cycle), first.cycle[:3], first.latest) == (LONGEST, "1 2", None)
    assert (second.cycle, second.eol) == ("9", None)


@pytest.mark.parametrize(
    "broken",
    [{}, {"releases": None}, {"releases": [1, 2]}, {"releases": [{}] * (MOST_CYCLES + 1)}, {"releases": "x"},
     {"releases": [{"name": None}]}, {"releases": [{"name": {}}]}, {"aliases": 5, "releases": {}}],
)  # fmt: skip
def test_a_product_that_is_not_understood_costs_the_others_nothing(broken: dict[str, Any]) -> None:
    told = endoflife({"name": "ubuntu", **broken}, product("debian", release("12")))
    assert [one.product for one in read(told, TODAY, ["debian", "ubuntu"])] == ["debian"]


@pytest.mark.parametrize(
    "told",
    [None, [], {}, {"result": {}}, {"result": []}, {"result": [1]}, {"result": [{"name": "other",
     "releases": []}]},
     endoflife(product("debian"))],
)  # fmt: skip
def test_a_document_without_anything_that_was_wanted_is_refused(told: object) -> None:
    with pytest.raises(OutsideError):
        read(told, TODAY, ["debian"])


@pytest.mark.parametrize("latest", [None, [], "1", {"name": 1}, {}])
def test_without_a_newest_version_there_is_none(latest: object) -> None:
    assert only({**release("1"), "latest": latest}).latest is None


NAMES = st.sampled_from(["1", "12", "22h2", "8.0 (LTS)", "2012-R2"])
CYCLES = st.lists(
    st.builds(
        Cycle,
        st.just("debian"),
        NAMES,
        st.none() | st.booleans() | st.dates(date(1950, 1, 1), date(2199, 12, 31)),
        st.none() | NAMES,
        st.just("https://endoflife.date/debian"),
        st.just(TODAY),
    ),
    unique_by=lambda one: one.cycle,
)


@given(CYCLES)
def test_what_is_written_is_read_again(cycles: list[Cycle]) -> None:
    assert read(written(cycles), TODAY) == tuple(cycles)
