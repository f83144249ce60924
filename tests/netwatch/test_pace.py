"""Do more packets ever leave in one second than the limit says? Nowhere, however callers mix."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, fields
from itertools import chain, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwatch import pace
from netwatch.pace import WINDOW, Gate, Meter, Meters, Pace

LIMITS = st.integers(1, 12)
# Short, a little less and a little more than the window: it is there that a meter forgets too early.
GAPS = st.floats(0, 2.5) | st.sampled_from([0.0, 0.001, 0.5, 0.999, 1.0, WINDOW, WINDOW + 0.001])
BIT = 1e-6  # seconds; a clock moves on though floats are at their end


def leave(meter: Meter, packets: int, now: float) -> float:
    """Wait as the meter says, then leave; when that was."""
    while (wait := meter.wait(packets, now)) > 0:
        now += max(wait, BIT)
    meter.count(packets, now)
    return now


def most_in_a_second(left: list[float]) -> int:
    """The most packets in any second that begins with one."""
    return max((sum(first <= one < first + 1.0 for one in left) for first in left), default=0)


class Clock:
    """A clock that stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, BIT)


@dataclass
class House:
    """Meters whose clock the test moves, and what left through them."""

    meters: Meters
    clock: Clock
    left: dict[str, list[float]]

    def send(self, address: str, packets: int = 1) -> float:
        """Wait for room, then leave; how long that took."""
        gate, before = self.meters.gate(address), self.clock.now
        self.meters.room(gate, packets)
        self.meters.count(gate, packets, taken=True)
        self.left.setdefault(address, []).extend([self.clock.now] * packets)
        return self.clock.now - before

    def at_once(self, address: str) -> int:
        """How many packets leave before the first one that has to wait."""
        gate, sent = self.meters.gate(address), 0
        while self.meters.wait(gate, 1) == 0:
            self.send(address)
            sent += 1
        return sent


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    return furnished(monkeypatch, Pace(packets=40, guarded=10, overall=100))


def furnished(patch: pytest.MonkeyPatch, limits: Pace) -> House:
    clock = Clock()
    patch.setattr(pace, "time", clock)
    return House(Meters(limits), clock, {})


def test_netwatchs_own_limits_are_these() -> None:
    assert [(field.name, field.default) for field in fields(Pace)] == [
        ("packets", 40),
        ("guarded", 10),
        ("overall", 1000),
        ("pause", 0.5),
        ("patience", 5.0),
        ("seconds", 30.0),
        ("limit", 262_144),
    ]
    assert 1.0 < WINDOW < 1.1


@given(LIMITS, st.lists(st.tuples(GAPS, st.integers(1, 12)), max_size=30))
def test_in_no_second_do_more_leave_than_the_limit(most: int, asked: list[tuple[float, int]]) -> None:
    meter, now, left = Meter(most), 1000.0, list[float]()
    for gap, packets in asked:
        now = leave(meter, min(packets, most), now + gap)
        left += [now] * min(packets, most)
    assert most_in_a_second(left) <= most


@given(LIMITS, st.integers(1, 60))
def test_whoever_always_asks_gets_the_whole_limit_and_not_less(most: int, packets: int) -> None:
    meter, now = Meter(most), 1000.0
    for number in range(packets):
        now = leave(meter, 1, now)
        assert now - 1000.0 == pytest.approx(WINDOW * (number // most), abs=0.001)


@given(LIMITS, st.lists(st.tuples(GAPS, st.integers(1, 12)), max_size=30))
def test_nobody_waits_while_there_is_room_or_longer_than_a_window(
    most: int, asked: list[tuple[float, int]]
) -> None:
    meter, now, left = Meter(most), 1000.0, list[float]()
    for gap, wanted in asked:
        packets = min(wanted, most)
        now += gap
        recent = sum(one > now - WINDOW - BIT for one in left)
        wait = meter.wait(packets, now)
        assert 0 <= wait <= WINDOW + BIT
        if recent + packets <= most:
            assert wait == 0
        now = leave(meter, packets, now)
        left += [now] * packets


@pytest.mark.parametrize("packets", [1, 2, 3, 4])
def test_the_wait_ends_as_soon_as_enough_of_what_left_is_a_second_old(packets: int) -> None:
    meter = Meter(4)
    for tenth in range(4):
        meter.count(1, 1000.0 + tenth / 10)
    assert meter.wait(packets, 1000.5) == pytest.approx(WINDOW - 0.5 + (packets - 1) / 10)


@given(LIMITS, st.integers(1, 100), st.integers(1, 40))
def test_what_left_beyond_the_limit_is_paid_for_in_the_seconds_that_follow(
    most: int, flood: int, after: int
) -> None:
    meter, began = Meter(most), 1000.0
    meter.count(flood, began)
    now = began
    for number in range(1, after + 1):
        now = leave(meter, 1, now)
        assert flood + number <= most * (int(now - began + BIT) + 1)


@given(LIMITS, st.integers(0, 30))
def test_more_than_the_limit_may_leave_only_where_nothing_else_did(most: int, more: int) -> None:
    meter = Meter(most)
    assert meter.wait(most + more, 1000.0) == 0
    meter.count(1, 1000.0)
    assert meter.wait(most + more, 1000.5) == pytest.approx(WINDOW - 0.5)


def test_to_ask_is_not_to_leave() -> None:
    meter = Meter(2)
    assert [meter.wait(2, 1000.0) for _ in range(10)] == [0.0] * 10
    meter.count(2, 1000.0)
    assert [meter.wait(1, 1000.4) for _ in range(3)] == [pytest.approx(WINDOW - 0.4)] * 3


def test_a_device_is_guarded_until_more_is_known_of_it(house: House) -> None:
    assert house.at_once("192.168.1.20") == 10


@pytest.mark.parametrize(("guarded", "at_once"), [(True, 10), (False, 40)])
def test_a_device_goes_at_the_pace_of_its_class(house: House, *, guarded: bool, at_once: int) -> None:
    house.meters.hurry("192.168.1.20", guarded=guarded)
    assert house.at_once("192.168.1.20") == at_once
    assert house.at_once("192.168.1.21") == 10, "of another device nothing more is known"


def test_a_device_that_turns_out_to_be_medical_is_slow_from_that_moment(house: House) -> None:
    gate = house.meters.gate("192.168.1.20")
    house.meters.hurry("192.168.1.20", guarded=False)
    assert house.at_once("192.168.1.20") == 40
    house.meters.hurry("192.168.1.20", guarded=True)
    house.clock.sleep(0.9)
    assert house.meters.wait(gate, 1) == pytest.approx(WINDOW - 0.9)
    house.clock.sleep(WINDOW)
    assert house.at_once("192.168.1.20") == 10


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("limits", [Pace(), Pace(packets=2, guarded=2), Pace(packets=7, guarded=3)])
def test_knocks_that_come_evenly_fill_the_pace_and_never_wait(
    monkeypatch: pytest.MonkeyPatch, limits: Pace, *, guarded: bool
) -> None:
    """An open port costs a second packet; there is room for one."""
    house = furnished(monkeypatch, limits)
    gate = house.meters.gate("192.168.1.20")
    house.meters.hurry("192.168.1.20", guarded=guarded)
    most, began = limits.guarded if guarded else limits.packets, house.clock.now
    for _ in range(3 * (most - 1)):
        assert house.meters.wait(gate, 2) < BIT
        house.meters.count(gate, 1)
        house.clock.sleep(house.meters.spacing(gate))
    assert house.clock.now - began == pytest.approx(3 * WINDOW, abs=0.01)


def test_one_packet_a_second_is_one_knock_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    house = furnished(monkeypatch, Pace(guarded=1))
    assert house.meters.spacing(house.meters.gate("192.168.1.20")) == WINDOW


def test_a_known_door_is_the_same_door(house: House) -> None:
    assert house.meters.gate("192.168.1.20") is house.meters.gate("192.168.1.20")
    assert house.meters.gate("192.168.1.20") is not house.meters.gate("192.168.1.21")


def test_the_doors_that_are_barred_are_known(house: House) -> None:
    for address in ("192.168.1.20", "192.168.1.21", "192.168.1.22"):
        house.meters.gate(address)
    house.meters.gate("192.168.1.21").barred = "egress.excluded-card"
    assert house.meters.barred() == ("192.168.1.21",)
    house.meters.gate("192.168.1.21").barred = ""
    assert house.meters.barred() == ()


def test_all_devices_together_stay_within_what_may_leave_overall(house: House) -> None:
    sent = [house.at_once(f"192.168.1.{last}") for last in range(1, 16)]
    assert sent == [10] * 10 + [0] * 5
    house.clock.sleep(WINDOW)
    assert house.at_once("192.168.1.15") == 10


SENDS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6), GAPS), max_size=40)


@settings(deadline=None)
@given(SENDS, st.integers(1, 8), st.integers(1, 8), st.integers(1, 12), st.sets(st.integers(0, 3)))
def test_no_device_and_not_all_together_get_more_in_any_second(
    sends: list[tuple[int, int, float]], packets: int, guarded: int, overall: int, quick: set[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        house = furnished(patch, Pace(packets=packets, guarded=guarded, overall=overall))
        for number in range(4):
            house.meters.hurry(str(number), guarded=number not in quick)
        for number, wanted, gap in sends:
            house.clock.now += gap
            house.send(str(number), min(wanted, overall, packets if number in quick else guarded))
    for number in range(4):
        limit = packets if number in quick else guarded
        assert most_in_a_second(house.left.get(str(number), [])) <= limit
    assert most_in_a_second(list(chain(*house.left.values()))) <= overall


def test_what_a_device_has_to_take_later_does_not_weigh_on_the_others_now(house: House) -> None:
    for last in range(1, 10):
        house.send(f"192.168.1.{last}", 10)
    house.send("192.168.1.10", 9)
    gate = house.meters.gate("192.168.1.11")
    assert house.meters.wait(gate, 5, 1) == 0
    assert house.meters.wait(gate, 5) > 0.9
    house.send("192.168.1.11", 1)
    assert house.meters.wait(gate, 5, 1) > 0.9


def test_what_is_lent_to_nmap_is_missing_to_us_and_comes_back(house: House) -> None:
    with house.meters.lent(60):
        assert sum(house.at_once(f"192.168.1.{last}") for last in range(1, 16)) == 40
    house.clock.sleep(2 * WINDOW)
    assert sum(house.at_once(f"192.168.1.{last}") for last in range(1, 16)) == 100


def test_what_is_lent_comes_back_after_an_error_too(house: House) -> None:
    with pytest.raises(KeyboardInterrupt), house.meters.lent(60):
        raise KeyboardInterrupt
    assert sum(house.at_once(f"192.168.1.{last}") for last in range(1, 16)) == 40, (
        "what nmap sent still counts"
    )
    house.clock.sleep(2 * WINDOW)
    assert sum(house.at_once(f"192.168.1.{last}") for last in range(1, 16)) == 100


@pytest.mark.parametrize("lent", [100, 1_000_000])
def test_however_much_is_lent_we_do_not_stand_still_for_ever(house: House, lent: int) -> None:
    with house.meters.lent(lent):
        assert house.at_once("192.168.1.20") == 1
        assert house.send("192.168.1.20") == pytest.approx(WINDOW)


def test_room_really_waits() -> None:
    meters = Meters(Pace(guarded=3))
    gate, left = meters.gate("192.168.1.20"), list[float]()
    for _ in range(7):
        meters.room(gate, 1)
        left.append(time.monotonic())
        meters.count(gate, 1, taken=True)
    assert left[3] - left[0] >= 1.0
    assert left[6] - left[3] >= 1.0


def together(work: list[threading.Thread]) -> None:
    """All threads, switched as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
    finally:
        sys.setswitchinterval(before)


def test_threads_that_come_to_a_new_door_at_once_find_the_same_one() -> None:
    meters, start = Meters(Pace()), threading.Barrier(8)
    found: dict[str, set[int]] = {f"192.168.1.{last}": set() for last in range(200)}
    doors: list[Gate] = []  # kept, so that no two have the same number

    def knock() -> None:
        start.wait()
        for address, seen in found.items():
            doors.append(meters.gate(address))
            seen.add(id(doors[-1]) if doors[-1] is meters.gate(address) else -1)

    together([threading.Thread(target=knock) for _ in range(8)])
    assert {address: len({id(meters.gate(address))}) for address in found} == dict.fromkeys(found, 1)
    assert len({id(door) for door in doors}) == 200


def test_threads_keep_each_devices_pace_and_that_of_all() -> None:
    """A packet that a thread was just let go with may not be counted yet: one for each other thread."""
    threads, each, limits = 4, 20, Pace(guarded=12, overall=40)
    meters, left = Meters(limits), [list[float]() for _ in range(threads)]

    def send(mine: list[float], address: str) -> None:
        gate = meters.gate(address)
        for _ in range(each):
            meters.room(gate, 1)
            mine.append(time.monotonic())
            meters.count(gate, 1)

    together([threading.Thread(target=send, args=(mine, f"192.168.1.{n}")) for n, mine in enumerate(left)])
    assert [len(mine) for mine in left] == [each] * threads
    assert all(most_in_a_second(mine) <= limits.guarded for mine in left)
    assert most_in_a_second(sorted(chain(*left))) <= limits.overall + threads - 1
    assert all(earlier <= later for mine in left for earlier, later in pairwise(mine))


def test_what_is_taken_of_the_overall_pace_is_taken_at_once_however_many_ask(house: House) -> None:
    first, second = house.meters.gate("192.168.1.20"), house.meters.gate("192.168.1.21")
    for _ in range(33):
        house.meters.room(first, 3)
    before = house.clock.now
    house.meters.room(second, 3)
    assert house.clock.now > before, "99 of 100 were spoken for"


def test_a_debt_is_not_forgotten_by_what_is_counted_after_it() -> None:
    meter = pace.Meter(10)
    meter.count(30, 0.0)
    owed = meter.wait(1, 1.2)
    meter.count(10, 0.1)
    assert meter.wait(1, 1.2) >= owed > 0
