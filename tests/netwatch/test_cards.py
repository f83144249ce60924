"""Are two cards of one device told as one, and two devices never?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from netwatch.cards import Cards
from netwatch.model import Device
from netwatch.sayings import USER, Saying, Sayings, What

if TYPE_CHECKING:
    from netwatch.sameness import Marks

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
CABLE, WIFI = "m-001132aabb01", "m-001132aabb02"
ROLE = "m-00005e00010a"
DEVICES = {
    CABLE: Device(CABLE, "192.168.1.20", "00:11:32:aa:bb:01"),
    WIFI: Device(WIFI, "192.168.1.77", "00:11:32:aa:bb:02"),
    ROLE: Device(ROLE, "192.168.1.254", "00:00:5e:00:01:0a"),
    "m-3": Device("m-3", "192.168.1.90", "00:11:32:aa:bb:03"),
}
KEY, UUID, NAME = ("host-key", "aaaa"), ("device-uuid", "u-1"), ("name", "hp-accueil")


def marks(*told: tuple[str, str]) -> Marks:
    return frozenset(told)


def one(shown: dict[str, Marks], said: Sayings | None = None, known: str = "") -> list[tuple[str, str, str]]:
    cards = Cards({name: DEVICES[name] for name in shown}, shown, frozenset({known}), {})
    return [(told.device, told.value, told.by) for told in cards.one(said or Sayings(), NOW)]


def test_a_printer_on_the_cable_and_on_the_wifi_is_one() -> None:
    both = {CABLE: marks(UUID, NAME), WIFI: marks(UUID, NAME)}
    assert one(both) == [(WIFI, CABLE, "device-uuid")]
    assert one(both, known=WIFI) == [(CABLE, WIFI, "device-uuid")], "what was known first is the device"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(marks(KEY), marks(KEY), id="a copied machine"),
        pytest.param(marks(UUID), marks(UUID), id="two of a cheap make"),
        pytest.param(
            marks(KEY, ("certificate", "c")), marks(KEY, ("certificate", "c")), id="the factory's keys"
        ),
        pytest.param(marks(NAME), marks(NAME), id="a name alone"),
        pytest.param(marks(KEY, UUID, NAME), marks(KEY, UUID, ("name", "hp-salle")), id="two names"),
        pytest.param(marks(UUID, NAME, KEY), marks(UUID, NAME, ("host-key", "bbbb")), id="two keys"),
    ],
)
def test_what_two_devices_may_have_in_common_makes_them_not_one(first: Marks, second: Marks) -> None:
    assert one({CABLE: first, WIFI: second}) == []


def test_three_that_show_the_same_are_three() -> None:
    assert one(dict.fromkeys((CABLE, WIFI, "m-3"), marks(KEY, UUID, NAME))) == []


def test_a_role_is_a_card_of_the_router_that_bears_it_and_goes_with_it() -> None:
    assert one({CABLE: marks(KEY), ROLE: marks(KEY)}) == [(ROLE, CABLE, "host-key")]
    said = Sayings((Saying(ROLE, What.SAME, CABLE, "host-key", NOW),))
    other = {WIFI: marks(("host-key", "bbbb")), ROLE: marks(("host-key", "bbbb"))}
    cards = Cards({name: DEVICES[name] for name in other}, other, frozenset(), {CABLE: marks(KEY)})
    assert [*cards.parted(said)] == [*said.said]
    assert [(told.device, told.value) for told in cards.one(Sayings(), NOW)] == [(ROLE, WIFI)]


def test_a_persons_word_stands_whatever_they_show() -> None:
    merged = Sayings((Saying(WIFI, What.SAME, CABLE, USER, NOW),))
    differ = {CABLE: marks(KEY), WIFI: marks(("host-key", "bbbb"))}
    cards = Cards({name: DEVICES[name] for name in differ}, differ, frozenset(), {})
    assert [*cards.parted(merged)] == []
    apart = Sayings((Saying(CABLE, What.APART, WIFI, USER, NOW),))
    assert one({CABLE: marks(UUID, NAME), WIFI: marks(UUID, NAME)}, apart) == []


def test_what_is_said_already_is_not_said_again() -> None:
    said = Sayings((Saying(WIFI, What.SAME, CABLE, "device-uuid", NOW),))
    assert one({CABLE: marks(UUID, NAME), WIFI: marks(UUID, NAME)}, said) == []
