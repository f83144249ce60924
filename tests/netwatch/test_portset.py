"""Is a set of ports kept as runs the same thing as a set of ports? Held against Python's own sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.portset import EVERY, LAST, PortSet

if TYPE_CHECKING:
    from random import Random

# Close together and at both ends: it is where runs touch that they go wrong.
PORT = st.integers(1, 40) | st.integers(LAST - 20, LAST) | st.integers(1, LAST)
RUN = st.tuples(PORT, st.integers(0, 30)).map(lambda run: (run[0], min(sum(run), LAST)))
PORTS = st.tuples(st.sets(PORT, max_size=20), st.lists(RUN, max_size=5)).map(
    lambda both: both[0].union(*(range(first, last + 1) for first, last in both[1]))
)


@given(PORTS)
def test_it_holds_its_ports_in_order_and_counts_them(ports: set[int]) -> None:
    made = PortSet.of(ports)
    assert list(made) == sorted(ports)
    assert len(made) == len(ports)
    assert bool(made) == bool(ports)


@given(PORTS, st.sets(PORT))
def test_it_knows_what_is_in_it_and_what_is_not(ports: set[int], others: set[int]) -> None:
    made = PortSet.of(ports)
    beside = {port + step for port in ports for step in (-1, 1)}
    assert {port for port in ports | others | beside | {0, LAST + 1} if port in made} == ports


@pytest.mark.parametrize("thing", ["22", None, 22.0, (22, 22)])
def test_only_a_number_can_be_in_it(thing: object) -> None:
    assert thing not in PortSet.of([22])


@given(PORTS)
def test_its_runs_are_as_few_as_can_be(ports: set[int]) -> None:
    begins = [port for port in ports if port - 1 not in ports]
    assert [first for first, _ in PortSet.of(ports).runs] == sorted(begins)


@given(PORTS, PORTS)
def test_both_together_are_those_of_either(one: set[int], other: set[int]) -> None:
    assert PortSet.of(one) | PortSet.of(other) == PortSet.of(one | other)


@given(PORTS, PORTS)
def test_one_without_the_other_is_what_only_the_first_has(one: set[int], other: set[int]) -> None:
    assert PortSet.of(one) - PortSet.of(other) == PortSet.of(one - other)


@given(PORTS)
def test_every_port_but_these_is_all_the_rest(ports: set[int]) -> None:
    rest = EVERY - PortSet.of(ports)
    assert len(rest) == LAST - len(ports)
    assert not [port for port in ports if port in rest]
    assert rest | PortSet.of(ports) == EVERY


@given(PORTS, PORTS)
def test_making_a_new_one_changes_neither(one: set[int], other: set[int]) -> None:
    first, second = PortSet.of(one), PortSet.of(other)
    assert (first | second, first - second, first.first(3)) is not None
    assert (set(first), set(second)) == (one, other)


@given(PORTS, st.integers(-2, 80))
def test_the_first_of_them_are_the_lowest(ports: set[int], most: int) -> None:
    assert PortSet.of(ports).first(most) == PortSet.of(sorted(ports)[: max(0, most)])


@given(PORTS)
def test_what_is_written_is_read_back(ports: set[int]) -> None:
    made = PortSet.of(ports)
    assert PortSet.parse(str(made)) == made


@given(st.lists(RUN, max_size=8), st.randoms(use_true_random=False))
def test_runs_that_are_written_out_of_order_or_twice_are_read_as_one_set(
    runs: list[tuple[int, int]], order: Random
) -> None:
    parts = [f"{first}-{last}" for first, last in runs] + [str(first) for first, _ in runs]
    order.shuffle(parts)
    meant = {port for first, last in runs for port in range(first, last + 1)}
    assert PortSet.parse(",".join(parts)) == PortSet.of(meant)


def test_it_is_written_as_people_write_ports() -> None:
    assert str(PortSet.of([81, 22, 80])) == "22,80-81"
    assert str(PortSet()) == ""
    assert str(EVERY) == "1-65535"


@pytest.mark.parametrize("text", ["x", "22,x", "1-2-3", "-5", "1-x", "22;80", "1.5"])
def test_what_is_no_list_of_ports_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        PortSet.parse(text)


def test_the_whole_range_is_every_port_that_exists() -> None:
    assert len(EVERY) == LAST == 65_535
    assert [port for port in (0, 1, LAST, LAST + 1) if port in EVERY] == [1, LAST]
    assert EVERY.runs == ((1, 65_535),)


@pytest.mark.parametrize("text", ["5-3", "0", "70000", "5-", "-5", "1-70000"])
def test_what_no_port_can_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        PortSet.parse(text)
