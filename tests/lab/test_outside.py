"""What does a night see of a practice from the internet? Real servers, a real box, a real sshd outside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.canary import CANARIES
from tests.lab.practice import DOORS, INSIDE, Practice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

QUICK = {
    "packets": 1000,
    "guarded": 1000,
    "overall": 10_000,
    "pause": 0.05,
    "override": {"by": "the tests", "reason": "they have no patients"},
}
PUBLIC = "5.39.77.1"


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with Practice() as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outside")


def scan(practice: Practice, site: Path, folder: Path, *more: str) -> tuple[dict[str, Any], str]:
    """One night: (the document, what was said on stderr)."""
    asked = ["scan", str(site), "--data", str(folder / "data"), "--format", "json", "--no-alert", *more]
    done = practice.run(asked, timeout=400)
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout)), done.stderr


@pytest.fixture(scope="module")
def first(practice: Practice, folder: Path) -> dict[str, Any]:
    site = practice.site_file(folder / "site.toml", pace=QUICK, address={"echo": practice.internet.echo_page})
    return scan(practice, site, folder)[0]


@pytest.fixture(scope="module")
def second(practice: Practice, folder: Path, first: dict[str, Any]) -> dict[str, Any]:
    assert first["run"]["complete"]
    return scan(practice, folder / "site.toml", folder)[0]


def outside(document: dict[str, Any]) -> dict[int, str]:
    """What answers from the internet: port and protocol."""
    return {one["port"]: one["protocol"] for one in document["services"] if one["vantage"] == "outside"}


def test_four_doors_made_in_three_ways_are_found_from_outside_and_none_is_invented(
    first: dict[str, Any],
) -> None:
    assert outside(first) == {door.external: door.protocol for door in DOORS}


def test_the_box_tells_of_the_two_that_were_asked_for_and_of_no_other(first: dict[str, Any]) -> None:
    told = {
        (one["port"], one["facts"]["to_address"], one["facts"]["to_port"])
        for one in first["statements"]
        if one["about"] == "forward"
    }
    assert told == {(d.external, d.address, d.port) for d in DOORS if d.way == "upnp"}


def test_a_public_port_is_led_to_the_device_behind_it_by_the_box_or_by_its_key(first: dict[str, Any]) -> None:
    led = {
        one["port"]: (one["link"]["address"], one["link"]["port"])
        for one in first["findings"]
        if one["vantage"] == "outside" and one["link"]
    }
    matched = [door for door in DOORS if door.way != "dmz"]  # the DMZ's host is unknown inside: no key of it
    assert led == {door.external: (door.address, door.port) for door in matched}


def test_what_is_reachable_says_so_and_what_is_not_does_not(first: dict[str, Any]) -> None:
    inside = {
        (one["address"], one["port"]): one["exposure"] for one in first["findings"] if one["vantage"] == "lan"
    }
    doors = {(door.address, door.port) for door in DOORS}
    assert all(inside[where] == "exposed" for where in inside.keys() & doors)
    assert all(inside[where] != "exposed" for where in inside.keys() & set(INSIDE))
    assert inside.keys() & doors


def test_a_second_night_brings_no_news(second: dict[str, Any]) -> None:
    assert second["changes"] == []
    assert outside(second) == {door.external: door.protocol for door in DOORS}


def test_no_patient_is_in_what_is_left(first: dict[str, Any], folder: Path) -> None:
    assert first["services"]
    files = [path for path in (folder / "data").rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert not any(word.encode() in content for word in CANARIES), path


def test_a_closed_door_is_told_closed_and_the_others_stand(
    practice: Practice, folder: Path, second: dict[str, Any]
) -> None:
    assert second["run"]["complete"]
    practice.internet.dmz(None)
    document, _ = scan(practice, folder / "site.toml", folder)
    gone = {(one["port"], one["kind"]) for one in document["changes"] if one["address"] == PUBLIC}
    assert {port for port, _ in gone} == {443}
    assert outside(document).keys() >= {11112, 2222, 13389}


def test_behind_a_carriers_address_nothing_is_asked_and_it_is_said(practice: Practice, folder: Path) -> None:
    practice.internet.cgnat()
    try:
        site = practice.site_file(
            folder / "cgnat.toml",
            name="Cabinet derrière un opérateur",
            pace=QUICK,
            public_addresses=[],
            address={"echo": practice.internet.echo_page},
        )
        document, said = scan(practice, site, folder)
    finally:
        practice.internet.renumber(PUBLIC)
    assert outside(document) == {}
    assert not document["run"]["complete"]
    assert said
    assert {one["exposure"] for one in document["findings"] if one["vantage"] == "lan"} <= {
        "not-checked",
        "forwarded",
    }
