"""Is what was met tonight kept as who it is, and can a person part it? With the real store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import probes
from netwatch.config import Site
from netwatch.diff import Night, compare
from netwatch.identity import identify
from netwatch.met import as_careful, met, shared
from netwatch.model import Coverage, Device, Facts, Finding, Observation, Outcome, Run, Status, Vantage
from netwatch.sayings import USER, Saying, Sayings, What
from netwatch.store import Store
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CATALOGUE = Catalogue(probes.words())
FIRST = datetime(2026, 11, 1, 22, tzinfo=UTC)
DOCK, WIFI = "00:11:32:aa:bb:01", "00:11:32:aa:bb:02"
DOCKED, AT_WIFI = "m-001132aabb01", "m-001132aabb02"
KEY: Facts = {"host_key": "sha256:aa"}
Host = tuple[str, str | None, Facts]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def night(store: Store, number: int, *hosts: Host) -> tuple[Run, Night]:
    """One night as nightly.py does it: who is there, and what each shows at port 22."""
    at = FIRST + timedelta(days=number)
    devices = identify(((address, card) for address, card, _ in hosts), store.devices("cabinet"))
    seen = [
        Observation("ssh", Vantage.LAN, devices[address].id, address, 22, "ssh", facts, at)
        for address, _, facts in hosts
        if facts
    ]
    swept = [replace(one, probe="sweep", facts={"state": "open"}, proved=False) for one in seen]
    rows = [Coverage("ssh", Vantage.LAN, one.address, one.device, (22,), Outcome.ANSWERED) for one in seen]
    run = Run(
        f"run-{number}", "cabinet", at, at + timedelta(minutes=2), complete=True, vantages=(Vantage.LAN,),
        devices=tuple(devices.values()), observations=(*swept, *seen),
        coverage=(Coverage("discovery", Vantage.LAN, "192.168.1.0/24", None, (), Outcome.ANSWERED), *rows),
        findings=frozenset(one.finding("ssh-old-protocol") for one in seen),
    )  # fmt: skip
    again = met(run, store.devices("cabinet"), store.known("cabinet"), store.said("cabinet"))
    moved = compare(store.picture("cabinet"), again.run, CATALOGUE.ladder)
    store.record(again.run, moved, (), again=again)
    return again.run, moved


def by_id(store: Store) -> dict[str, Device]:
    return {device.id: device for device in store.devices("cabinet")}


def test_a_laptop_out_of_its_dock_is_the_same_and_it_is_said_why(store: Store) -> None:
    night(store, 0, ("192.168.1.20", DOCK, KEY))
    run, moved = night(store, 1, ("192.168.1.77", WIFI, KEY))
    assert [(one.id, one.mac) for one in run.devices] == [(DOCKED, WIFI)]
    assert moved.changes == ()
    [said] = store.said("cabinet").said
    assert (said.device, said.value, said.by, said.card) == (AT_WIFI, DOCKED, "host-key", DOCK)


def test_what_was_found_once_holds_on_nights_that_show_nothing(store: Store) -> None:
    night(store, 0, ("192.168.1.20", DOCK, KEY))
    night(store, 1, ("192.168.1.77", WIFI, KEY))
    night(store, 2, ("192.168.1.20", DOCK, KEY))
    run, _ = night(store, 3, ("192.168.1.77", WIFI, {}))
    assert [one.id for one in run.devices] == [DOCKED]
    both, _ = night(store, 4, ("192.168.1.20", DOCK, KEY), ("192.168.1.77", WIFI, {}))
    assert {one.id: one.part_of for one in both.devices} == {DOCKED: None, AT_WIFI: DOCKED}


def test_a_laptop_in_its_dock_with_its_wifi_on_is_two_cards_of_one(store: Store) -> None:
    night(store, 0, ("192.168.1.20", DOCK, KEY))
    night(store, 1, ("192.168.1.77", WIFI, KEY))
    night(store, 2, ("192.168.1.20", DOCK, KEY), ("192.168.1.77", WIFI, KEY))
    known = by_id(store)
    assert {one.id: (one.mac, one.part_of) for one in known.values()} == {
        DOCKED: (DOCK, None),
        AT_WIFI: (WIFI, DOCKED),
    }


def test_a_split_gives_the_card_its_own_row_with_what_was_seen_since_and_holds_for_ever(store: Store) -> None:
    night(store, 0, ("192.168.1.20", DOCK, KEY))
    night(store, 1, ("192.168.1.77", WIFI, KEY | {"version": "9.9"}))
    [said] = store.said("cabinet").said
    store.part("cabinet", said, Saying(AT_WIFI, What.APART, DOCKED, USER, FIRST + timedelta(days=1, hours=2)))
    known = by_id(store)
    assert (known[DOCKED].mac, known[DOCKED].address) == (DOCK, "192.168.1.20")
    assert (known[AT_WIFI].mac, known[AT_WIFI].address) == (WIFI, "192.168.1.77")
    whose = {(o.device, o.facts.get("version")) for o in store.known("cabinet") if o.probe == "ssh"}
    assert whose == {(AT_WIFI, "9.9")}
    run, moved = night(store, 2, ("192.168.1.77", WIFI, KEY))
    assert [one.id for one in run.devices] == [AT_WIFI]
    assert [one.what for one in store.said("cabinet").said] == [What.APART]
    assert [one.ended_by for one in store.ever_said("cabinet") if one.what is What.SAME] == [USER]
    assert moved.findings[Finding("ssh-old-protocol", DOCKED, 22)] is Status.UNVERIFIED, "it was not asked"


def test_a_split_and_a_crash_before_the_next_night_lose_nothing(store: Store) -> None:
    """What is unverified of the one, and was found with the other's card, is in nobody's place."""
    night(store, 0, ("192.168.1.20", DOCK, KEY))
    night(store, 1, ("192.168.1.77", WIFI, KEY))
    before = len(store.known("cabinet"))
    [said] = store.said("cabinet").said
    store.part("cabinet", said, Saying(AT_WIFI, What.APART, DOCKED, USER, FIRST + timedelta(days=1, hours=2)))
    assert len(store.known("cabinet")) == before


def test_a_telephone_that_makes_up_a_card_every_night_leaves_one_row(store: Store) -> None:
    for number in range(6):
        run, _ = night(
            store, number, ("192.168.1.30", f"06:00:00:00:00:0{number}", {"host_key": "phone-key"})
        )
        assert [one.id for one in run.devices] == ["m-060000000000"]
    assert len(store.ever_said("cabinet")) == 1


def test_what_holds_no_more_is_kept_with_its_end(store: Store) -> None:
    """A role goes from one router to another: it is a card of the one that bears it."""
    one: Facts = {"host_key": "aaaa"}
    two: Facts = {"host_key": "bbbb"}
    role = "00:00:5e:00:01:0a"
    routers: tuple[Host, Host] = (("192.168.1.2", DOCK, one), ("192.168.1.3", WIFI, two))
    night(store, 0, *routers, ("192.168.1.1", role, one))
    assert by_id(store)["m-00005e00010a"].part_of == DOCKED
    run, _ = night(store, 1, *routers, ("192.168.1.1", role, two))
    assert {device.id: device.part_of for device in run.devices}["m-00005e00010a"] == AT_WIFI
    assert [(o.value, o.ended_by) for o in store.ever_said("cabinet")] == [
        (DOCKED, "contradicted"),
        (AT_WIFI, ""),
    ]


def test_of_several_cards_the_most_careful_one_counts() -> None:
    said = Sayings((Saying("wifi", What.SAME, "cable", USER, FIRST),))
    devices = (Device("cable", "10.0.0.1", kind="archive"), Device("wifi", "10.0.0.2", kind="workstation"))
    assert as_careful(devices, said) == {"cable": "archive", "wifi": "archive"}
    assert as_careful(devices, Sayings()) == {}


def test_what_one_card_shows_tells_of_the_device() -> None:
    seen = Observation("ssh", Vantage.LAN, "wifi", "10.0.0.2", 22, "ssh", {}, FIRST)
    assert [o.device for o in shared([Device("wifi", "10.0.0.2", part_of="cable")], [seen])] == ["cable"]
    assert [*shared([Device("wifi", "10.0.0.2")], [seen])] == []


def test_a_role_and_a_card_without_an_id_of_its_own_are_not_remembered_as_somebodys_card() -> None:
    """Tomorrow another router may bear the role, and another device stand at that address."""
    known = (Device("m-001132aabb01", "192.168.1.2", DOCK),)
    before = [Observation("ssh", Vantage.LAN, DOCKED, "192.168.1.2", 22, "ssh", KEY, FIRST)]
    role = Device("m-00005e00010a", "192.168.1.1", "00:00:5e:00:01:0a")
    bare = Device("a-192.168.1.9", "192.168.1.9", "00:11:32:aa:bb:07")
    for one in (role, bare):
        seen = Observation("ssh", Vantage.LAN, one.id, one.address, 22, "ssh", KEY, FIRST)
        run = Run(
            "r",
            "a",
            FIRST,
            FIRST,
            complete=True,
            vantages=(Vantage.LAN,),
            devices=(one,),
            observations=(seen,),
        )
        told = met(run, known, before, Sayings())
        assert [device.id for device in told.run.devices] == [DOCKED]
        assert told.said == ()


def test_a_night_covers_merged_cards_with_the_care_of_the_most_careful_and_tells_them_as_one(
    tmp_path: Path,
) -> None:
    from netwatch.nightly import covering, judged  # noqa: PLC0415 - loads all of it
    from netwatch.scope import Scope  # noqa: PLC0415

    with Store(tmp_path) as store:
        store.remember("cabinet", "Cabinet", "fr")
        night(store, 0, ("192.168.1.20", DOCK, {}), ("192.168.1.77", WIFI, {}))
        store.say("cabinet", [Saying(AT_WIFI, What.SAME, DOCKED, USER, FIRST)])
        cable, wifi = store.devices("cabinet")
        archive = replace(wifi, kind="archive")
        printer = Observation(
            "ipp",
            Vantage.LAN,
            AT_WIFI,
            wifi.address,
            631,
            "ipp",
            {"product": "Brother DCP-T420W"},
            FIRST,
        )
        run = Run(
            "run-1", "cabinet", FIRST + timedelta(days=1), FIRST + timedelta(days=1), complete=True,
            vantages=(Vantage.LAN,), devices=(cable, archive), observations=(printer,),
        )  # fmt: skip
        told, _ = judged(run, store, ())
        assert [one.model for one in told.devices] == ["DCP-T420W", "DCP-T420W"]
        store.record(told, Night({}, ()), ())
        site = Site.model_validate({"name": "Cabinet", "networks": ["192.168.1.0/24"]})
        tonight = covering(site, store, (), Scope(site.networks, until=date.max), all_ports=False)
        assert {tonight.is_a(one).name for one in store.devices("cabinet")} == {"medical"}
