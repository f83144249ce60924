"""Whose turn is it? Each device at its own pace, all of them at once, and an end that everybody gets."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.knock import Connect
from netwatch.knocking import Job, Knocking, States
from netwatch.model import PortState
from netwatch.pace import Meters, Pace
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netwatch.knock import Wire

FAST = Pace(100_000, 100_000, 1_000_000)
OPEN, CLOSED, FILTERED = PortState.OPEN, PortState.CLOSED, PortState.FILTERED


@dataclass
class Paper:
    """A wire on paper: every device answers as it is written, and every knock is noted with its moment."""

    answers: Callable[[str, int], PortState | None]
    name: str = "paper"
    after_open: int = 1
    patience: float = 0.0
    repeats: int = 0
    connects: bool = False
    far: bool = False
    knocks: list[tuple[float, str, int]] = field(default_factory=list)
    waiting: list[tuple[str, int]] = field(default_factory=list)

    def knock(self, address: str, port: int) -> bool:
        self.knocks.append((time.monotonic(), address, port))
        if self.answers(address, port) is not FILTERED:
            self.waiting.append((address, port))
        return True

    def hear(self, seconds: float) -> Iterator[tuple[str, int, PortState | None]]:
        if not self.waiting:
            time.sleep(max(0.0, min(seconds, 0.01)))
        told, self.waiting = self.waiting, []
        yield from ((address, port, self.answers(address, port)) for address, port in told)

    def sure(self) -> None:
        pass

    def forget(self, address: str, port: int) -> None:
        pass

    def done(self, address: str) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def knocking(
    wire: Callable[[], Wire], pace: Pace = FAST, stop: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Knocking, Meters]]:
    meters = Meters(pace)
    work = Knocking(meters, stop, wire)
    try:
        yield work, meters
    finally:
        work.close()


def job(meters: Meters, address: str, ports: list[int], *, first_answer: bool = False) -> Job:
    return Job(address, meters.gate(address), ports[::-1], first_answer)


def test_every_port_has_its_state_and_is_asked_in_order() -> None:
    paper = Paper(lambda _, port: {22: OPEN, 80: CLOSED}.get(port, FILTERED))
    with knocking(lambda: paper) as (work, meters):
        done = work.ask(job(meters, "192.168.1.20", [22, 80, 443]))
    assert [done.states[port] for port in (22, 80, 443, 444)] == [OPEN, CLOSED, FILTERED, None]
    assert [port for _, _, port in paper.knocks][:3] == [22, 80, 443]


def test_a_silent_port_is_knocked_at_twice_on_a_device_that_answers_and_once_on_one_that_does_not() -> None:
    paper = Paper(lambda address, port: CLOSED if (address, port) == ("192.168.1.20", 22) else FILTERED)
    with knocking(lambda: paper) as (work, meters), ThreadPoolExecutor() as pool:
        list(pool.map(lambda a: work.ask(job(meters, a, [22, 80])), ["192.168.1.20", "192.168.1.30"]))
    knocked = [(address, port) for _, address, port in paper.knocks]
    assert knocked.count(("192.168.1.20", 80)) == 2
    assert knocked.count(("192.168.1.30", 80)) == knocked.count(("192.168.1.30", 22)) == 1


def test_in_no_second_does_a_device_get_more_than_its_pace_with_the_reset_after_each_open_port() -> None:
    paper = Paper(lambda _, port: OPEN if port % 3 == 0 else CLOSED)
    with knocking(lambda: paper, Pace(40, 10, 1000)) as (work, meters):
        done = work.ask(job(meters, "192.168.1.20", list(range(1, 25))))
    assert done.knocks == 24
    packets = sorted(t for t, _, port in paper.knocks for _ in range(2 if port % 3 == 0 else 1))
    assert all(late - early >= 1.0 for early, late in zip(packets, packets[10:], strict=False))


def test_many_devices_take_as_long_as_one() -> None:
    # Twelve packets at ten a second are more than a second's work: one after the other, ten devices take ten.
    paper = Paper(lambda *_: CLOSED)
    addresses = [f"192.168.1.{last}" for last in range(1, 11)]
    with knocking(lambda: paper, Pace(40, 10, 1000)) as (work, meters), ThreadPoolExecutor() as pool:
        started = time.monotonic()
        list(pool.map(lambda a: work.ask(job(meters, a, list(range(1, 13)))), addresses))
        assert time.monotonic() - started < 5
    assert len(paper.knocks) == 120


def test_all_devices_together_keep_the_overall_pace() -> None:
    paper = Paper(lambda *_: CLOSED)
    addresses = [f"192.168.1.{last}" for last in range(1, 21)]
    with knocking(lambda: paper, Pace(100, 100, 50)) as (work, meters), ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda a: work.ask(job(meters, a, [1, 2, 3, 4, 5])), addresses))
    moments = sorted(t for t, _, _ in paper.knocks)
    assert all(late - early >= 1.0 for early, late in zip(moments, moments[50:], strict=False))


def test_the_first_answer_is_enough_to_know_that_somebody_is_there() -> None:
    paper = Paper(lambda _, port: CLOSED if port == 2 else FILTERED)
    with knocking(lambda: paper, Pace(40, 10, 1000)) as (work, meters):
        done = work.ask(job(meters, "192.168.1.20", [1, 2, *range(3, 30)], first_answer=True))
    assert done.answered
    assert len(paper.knocks) < 10


def test_where_nobody_is_nothing_is_known_and_nothing_is_waited_for() -> None:
    paper = Paper(lambda *_: None)
    with knocking(lambda: paper, Pace(40, 10, 1000)) as (work, meters):
        done = work.ask(job(meters, "192.168.1.20", list(range(1, 100))))
    assert done.away
    assert not done.states
    assert len(paper.knocks) < 10


def test_a_stop_gives_everybody_what_is_known_and_the_rest_is_not_covered() -> None:
    stop = threading.Event()
    paper = Paper(lambda *_: CLOSED)
    with knocking(lambda: paper, Pace(40, 10, 1000), stop.is_set) as (work, meters):
        threading.Timer(0.3, stop.set).start()
        done = work.ask(job(meters, "192.168.1.20", list(range(1, 1000))))
        assert done.stopped
        known = done.states.ports(CLOSED)
        assert 1 <= len(known) < 20
        assert known == tuple(range(1, len(known) + 1))
        later = work.ask(job(meters, "192.168.1.21", [1]))
        assert later.stopped
        assert not later.states


def test_whether_a_device_is_well_is_asked_even_after_a_stop() -> None:
    paper = Paper(lambda *_: OPEN)
    with knocking(lambda: paper, stop=lambda: True) as (work, meters):
        assert not work.ask(job(meters, "192.168.1.20", [104])).states
        urgent = Job("192.168.1.20", meters.gate("192.168.1.20"), [104], urgent=True)
        assert work.ask(urgent).states[104] is OPEN


def test_where_a_knock_is_a_connection_a_device_that_answers_has_one_at_a_time() -> None:
    def slow(talk: Talk) -> None:
        talk.hold()

    with (
        Peer(slow, "127.85.0.1", 4801) as one,
        Peer(slow, "127.85.0.1", 4802) as other,
        knocking(Connect) as (work, meters),
    ):
        done = work.ask(job(meters, "127.85.0.1", [4801, 4802, 4803, 4804]))
        time.sleep(0.2)
        assert done.states.ports(OPEN) == (4801, 4802)
        assert done.states.ports(CLOSED) == (4803, 4804)
        assert (one.received, other.received) == (0, 0)


def test_should_the_wire_break_nobody_waits_for_ever() -> None:
    class Broken(Paper):
        def knock(self, address: str, port: int) -> bool:
            raise ZeroDivisionError(address, port)

    with knocking(lambda: Broken(lambda *_: CLOSED)) as (work, meters):
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                work.ask(job(meters, "192.168.1.20", [1]))


def test_knocks_come_evenly_and_not_all_at_once() -> None:
    paper = Paper(lambda *_: OPEN)
    with knocking(lambda: paper, Pace(40, 10, 1000)) as (work, meters):
        work.ask(job(meters, "192.168.1.20", [1, 2, 3, 4, 5]))
    moments = [t for t, _, _ in paper.knocks]
    assert all(late - early >= 0.1 for early, late in pairwise(moments))


@given(
    st.dictionaries(st.integers(1, 65_535), st.sampled_from(list(PortState)), max_size=30),
    st.dictionaries(st.integers(1, 65_535), st.sampled_from(list(PortState)), max_size=30),
)
def test_states_are_kept_and_the_later_word_holds(
    first: dict[int, PortState], later: dict[int, PortState]
) -> None:
    both = States(first.items()) | States(later.items())
    whole = first | later
    for state in PortState:
        assert both.ports(state) == tuple(sorted(p for p, s in whole.items() if s is state))
    assert bool(both) == bool(whole)


def test_who_comes_after_the_end_is_given_back_and_nobody_is_knocked_at() -> None:
    paper = Paper(lambda *_: OPEN)
    meters = Meters(FAST)
    work = Knocking(meters, lambda: False, lambda: paper)
    assert work.ask(job(meters, "192.0.2.1", [80])).states[80] is OPEN
    work.close()
    knocks, late = len(paper.knocks), job(meters, "192.0.2.2", [80, 81])
    with ThreadPoolExecutor(1) as pool:
        back = pool.submit(work.ask, late).result(timeout=10)
    assert back is late
    assert back.stopped
    assert not back.states
    assert len(paper.knocks) == knocks
