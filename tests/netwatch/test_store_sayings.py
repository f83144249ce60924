"""Is what was said of a device kept once, with its end, and does a parted card take its own along?"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.diff import Night
from netwatch.model import Coverage, Device, Observation, Outcome, Run, Status, Vantage
from netwatch.portset import PortSet
from netwatch.sayings import USER, Saying, What
from netwatch.slices import Round
from netwatch.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 1, 22, tzinfo=UTC)
LATER = AT + timedelta(days=1)
NAME = Saying("m-1", What.NAME, "Console", USER, AT)
MADE_UP = "m-06000000000{}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        for slug in ("cabinet", "other"):
            opened.remember(slug, slug, "fr")
        yield opened


def test_what_is_said_is_kept_once_for_its_site_and_has_an_end(store: Store) -> None:
    store.say("cabinet", [NAME])
    store.say("cabinet", [NAME])
    assert store.said("cabinet").said == (NAME,)
    assert store.said("other").said == ()
    store.unsay("cabinet", [NAME], USER, LATER)
    assert store.said("cabinet").said == ()
    assert store.ever_said("cabinet") == (replace(NAME, ended=LATER, ended_by=USER),)
    store.say("cabinet", [replace(NAME, at=LATER)])
    assert [one.ended for one in store.ever_said("cabinet")] == [LATER, None], "said again, it begins again"


def test_of_made_up_cards_of_one_device_the_last_is_kept_and_a_persons_word_always(store: Store) -> None:
    said = [Saying(MADE_UP.format(n), What.SAME, "m-1", USER if n == 2 else "name", AT) for n in range(4)]
    real = Saying("m-001132aabb02", What.SAME, "m-1", "host-key", AT)
    for one in (real, *said):
        store.say("cabinet", [one])
    assert {one.device for one in store.said("cabinet").said} == {real.device, said[2].device, said[3].device}


def seen(device: str, port: int, at: datetime) -> Observation:
    return Observation("ssh", Vantage.LAN, device, "192.168.1.20", port, "ssh", {}, at)


def record(store: Store, at: datetime, *observations: Observation) -> None:
    device = Device("m-1", "192.168.1.20", "00:11:32:aa:bb:01")
    rows = (Coverage("ssh", Vantage.LAN, "192.168.1.20", "m-1", (22,), Outcome.ANSWERED),)
    run = Run(
        f"run-{at:%d}", "cabinet", at, at, complete=True, vantages=(Vantage.LAN,), devices=(device,),
        observations=observations, coverage=rows,
        findings=frozenset(one.finding("ssh-old-protocol") for one in observations),
        rounds=(Round("m-1", AT, str(PortSet.of((7,)))),),
    )  # fmt: skip
    store.record(run, Night(dict.fromkeys(run.findings, Status.OPEN), ()), ())


def test_a_parted_card_takes_what_was_seen_since_and_knows_what_was_asked(store: Store) -> None:
    record(store, AT, seen("m-1", 22, AT))
    record(store, LATER, seen("m-1", 22, LATER), seen("m-1", 2222, LATER))
    said = Saying("m-2", What.SAME, "m-1", "host-key", LATER, card="00:11:32:aa:bb:09", address="192.168.1.9")
    store.say("cabinet", [said])
    store.part("cabinet", said, Saying("m-2", What.APART, "m-1", USER, LATER))
    assert {(one.device, one.port) for one in store.known("cabinet")} == {("m-1", 22), ("m-2", 2222)}
    picture = store.picture("cabinet")
    assert {(one.device, one.port) for one in picture.findings} == {("m-1", 22), ("m-2", 2222)}
    assert picture.asked["m-2", "ssh"] == picture.asked["m-1", "ssh"]
    assert store.rounds("cabinet")["m-2"].done == "7"
    cards = {one.id: (one.mac, one.address) for one in store.devices("cabinet")}
    assert cards == {
        "m-1": ("00:11:32:aa:bb:09", "192.168.1.9"),
        "m-2": ("00:11:32:aa:bb:01", "192.168.1.20"),
    }


def test_a_card_that_has_a_row_of_its_own_takes_nothing_with_it(store: Store) -> None:
    record(store, AT, seen("m-1", 22, AT))
    with sqlite3.connect(store.path) as db:
        db.execute(
            "insert into devices select site, 'm-2', '192.168.1.77', null, vendor, names, kind, maker, "
            "model, version, first_seen, last_seen, left_alone, profile from devices"
        )
    said = Saying("m-2", What.SAME, "m-1", USER, AT)
    store.say("cabinet", [said])
    store.part("cabinet", said, Saying("m-2", What.APART, "m-1", USER, LATER))
    assert {one.device for one in store.known("cabinet")} == {"m-1"}
    assert {one.id: one.address for one in store.devices("cabinet")} == {
        "m-1": "192.168.1.20",
        "m-2": "192.168.1.77",
    }
