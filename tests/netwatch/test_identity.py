"""Which device is this? The same one tomorrow, wherever DHCP puts it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.identity import card_id, describe, identify, vendor
from netwatch.model import Device, Observation, Vantage

CARD, OTHER = "00:11:32:aa:bb:cc", "00:11:32:dd:ee:ff"


def test_a_device_keeps_its_id_when_its_address_moves() -> None:
    first = identify([("192.168.1.20", CARD)], [])["192.168.1.20"]
    second = identify([("192.168.1.77", CARD)], [first])["192.168.1.77"]
    assert (second.id, second.address) == (first.id, "192.168.1.77")


def test_two_devices_that_swap_addresses_stay_themselves() -> None:
    night = identify([("192.168.1.20", CARD), ("192.168.1.21", OTHER)], [])
    later = identify([("192.168.1.20", OTHER), ("192.168.1.21", CARD)], night.values())
    assert later["192.168.1.21"].id == night["192.168.1.20"].id
    assert later["192.168.1.20"].id == night["192.168.1.21"].id


def test_a_device_known_by_address_keeps_its_id_when_its_card_is_first_seen() -> None:
    by_address = identify([("192.168.1.20", None)], [])["192.168.1.20"]
    assert identify([("192.168.1.20", CARD)], [by_address])["192.168.1.20"].id == by_address.id


def test_a_night_without_arp_knows_devices_by_their_last_address() -> None:
    known = identify([("192.168.1.20", CARD)], [])["192.168.1.20"]
    again = identify([("192.168.1.20", None)], [known])["192.168.1.20"]
    assert (again.id, again.mac) == (known.id, CARD)


def test_an_address_may_not_claim_a_device_whose_card_moved() -> None:
    known = identify([("192.168.1.20", CARD)], [])["192.168.1.20"]
    night = identify([("192.168.1.20", None), ("192.168.1.77", CARD)], [known])
    assert night["192.168.1.77"].id == known.id
    assert night["192.168.1.20"].id != known.id


def test_a_router_that_answers_for_others_does_not_swallow_them() -> None:
    night = identify([("192.168.1.1", CARD), ("192.168.1.2", CARD)], [])
    assert len({device.id for device in night.values()}) == 2


ROLE = "00:00:5e:00:01:33"


def test_a_router_that_answers_with_the_card_of_its_role_is_no_new_device() -> None:
    first = identify([("192.168.1.1", CARD)], [])["192.168.1.1"]
    owner = identify([("192.168.1.1", ROLE), ("192.168.1.254", ROLE)], [first])
    assert (owner["192.168.1.1"].id, owner["192.168.1.1"].mac) == (first.id, CARD)
    assert owner["192.168.1.254"].id == card_id(ROLE)
    again = identify([("192.168.1.1", CARD), ("192.168.1.254", ROLE)], owner.values())
    assert [again[one].id for one in sorted(again)] == [first.id, card_id(ROLE)]


def test_the_card_of_a_role_takes_over_nobody_who_is_there() -> None:
    first = identify([("192.168.1.1", CARD)], [])["192.168.1.1"]
    moved = identify([("192.168.1.1", ROLE), ("192.168.1.2", CARD)], [first])
    assert (moved["192.168.1.1"].id, moved["192.168.1.2"].id) == (card_id(ROLE), first.id)


def test_the_vendor_of_a_real_card_is_named_and_of_a_randomised_one_is_not() -> None:
    assert "Synology" in (vendor(CARD) or "")
    assert vendor("02:11:32:aa:bb:cc") is None
    assert vendor("not a mac") is None


MACS = st.none() | st.sampled_from([f"00:11:32:00:00:{n:02x}" for n in range(6)])
HOSTS = st.dictionaries(st.sampled_from([f"192.168.1.{n}" for n in range(1, 8)]), MACS)


@given(st.lists(HOSTS, max_size=4))
def test_in_any_history_every_address_has_one_device_and_every_device_one_address(
    nights: list[dict[str, str | None]],
) -> None:
    known: dict[str, Device] = {}
    for hosts in nights:
        night = identify(hosts.items(), known.values())
        assert set(night) == set(hosts)
        assert len({device.id for device in night.values()}) == len(night)
        known |= {device.id: device for device in night.values()}


@given(
    st.lists(
        HOSTS.filter(lambda hosts: None not in hosts.values() and len(set(hosts.values())) == len(hosts)),
        max_size=4,
    )
)
def test_a_card_is_one_device_for_ever_where_every_card_is_seen(nights: list[dict[str, str | None]]) -> None:
    known: dict[str, Device] = {}
    by_card: dict[str | None, str] = {}
    for hosts in nights:
        for device in identify(hosts.items(), known.values()).values():
            assert by_card.setdefault(device.mac, device.id) == device.id
            known[device.id] = device


def test_dicom_seen_makes_it_medical_and_its_absence_changes_nothing() -> None:
    device = Device("d", "192.168.1.20")
    seen = Observation(
        "dicom",
        Vantage.LAN,
        "d",
        "192.168.1.20",
        104,
        "dicom",
        {"association": "accepted", "query": "refused"},
        datetime.now(UTC),
    )
    described = describe(device, [seen], (104,))
    assert described.kind == "archive"
    assert describe(described, [], ()).kind == "archive"
    assert describe(device, [], (9100,)).kind == "printer"


def test_a_card_with_several_addresses_is_the_same_devices_every_night() -> None:
    hosts = [(f"192.168.1.{last}", CARD) for last in (10, 11, 12)]
    known: dict[str, Device] = {}
    for _ in range(3):
        night = identify(hosts, known.values())
        known |= {device.id: device for device in night.values()}
    assert len(known) == 3


def test_a_device_that_is_named_after_a_card_has_it_whichever_it_had_last() -> None:
    """A laptop was seen with its Wi-Fi card; now its dock's card, which it is named after, answers too."""
    [known] = identify([("192.168.1.20", OTHER)], []).values()
    undocked = replace(known, mac=CARD)
    night = identify([("192.168.1.10", CARD), ("192.168.1.20", OTHER)], [undocked])
    assert night["192.168.1.20"].id == known.id
    assert night["192.168.1.10"].id == card_id(CARD)


@pytest.mark.parametrize("card", ["00:00:5e:00:01:0a", "00:00:0C:07:AC:01", "02:00:00:00:00:01"])
def test_a_role_and_a_made_up_card_have_no_maker(card: str) -> None:
    assert vendor(card) is None
