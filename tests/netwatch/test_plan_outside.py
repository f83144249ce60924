"""Is what a plan says of the outside what a scan would ask there?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from netwatch.config import Site
from netwatch.plan import plan
from netwatch.ports import curated
from netwatch.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.plan_outside import BeyondPlan

pytestmark = pytest.mark.usefixtures("socket_disabled")

NOW = datetime(2026, 11, 23, 23, tzinfo=UTC)
ADDRESS = "5.39.77.4"
SERVER = {"outside": {"ssh": "netwatch@vps.example.org"}}
USUAL = len(curated())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def beyond(store: Store, *, all_ports: bool = False, **more: object) -> BeyondPlan:
    allowed = {"by": "Dr Martin", "role": "titulaire", "until": "2027-01-31"}
    site = {"name": "Cabinet", "networks": ["192.168.1.0/24"], "authorisation": allowed} | more
    return plan(Site.model_validate(site), store, (), NOW, all_ports=all_ports).beyond


def test_without_a_server_outside_nothing_is_asked_there(store: Store) -> None:
    told = beyond(store, public_addresses=[ADDRESS])
    assert (told.through, told.addresses, told.box, told.asked) == (None, (), None, ())


def test_each_address_is_told_with_its_ports_and_its_time(store: Store) -> None:
    [row] = beyond(store, public_addresses=[ADDRESS], vantage=SERVER).addresses
    assert (row.address, row.usual, row.further) == (ADDRESS, USUAL, 0)
    assert row.seconds > USUAL / 10  # the slow pace, and a silent port costs more packets than one
    [row] = beyond(store, public_addresses=[ADDRESS], vantage=SERVER, all_ports=True).addresses
    assert row.usual + row.further == 65_534  # all but 9999


def test_a_neighbours_ports_are_not_planned(store: Store) -> None:
    shared = {"public_addresses": [ADDRESS], "vantage": SERVER, "public_ports": "16384-32767"}
    [row] = beyond(store, **shared, all_ports=True).addresses
    assert row.usual + row.further == 16_384


def test_an_address_that_is_learnt_tonight_is_counted_and_not_named(store: Store) -> None:
    [row] = beyond(store, vantage=SERVER, address={"echo": "https://ip.example.org/"}).addresses
    assert (row.address, row.usual) == ("", USUAL)


def test_whoever_else_is_asked_is_named(store: Store) -> None:
    told = beyond(
        store,
        address={"echo": "https://ip.example.org/", "name": "cabinet.example.org"},
        box={"kind": "freebox"},
        shodan={},
        internetdb={"use": "own practice, not commercial"},
    )
    assert told.box == "freebox"
    assert told.asked == ("DNS (cabinet.example.org)", "https://ip.example.org/", "Shodan", "InternetDB")


def test_the_time_outside_is_part_of_the_whole(store: Store) -> None:
    site = {
        "name": "Cabinet",
        "networks": ["192.168.1.0/30"],
        "public_addresses": [ADDRESS],
        "authorisation": {"by": "Dr Martin", "role": "titulaire", "until": "2027-01-31"},
    }
    inside = plan(Site.model_validate(site), store, (), NOW)
    both = plan(Site.model_validate(site | {"vantage": SERVER}), store, (), NOW)
    assert both.seconds - inside.seconds == both.beyond.seconds > 0
