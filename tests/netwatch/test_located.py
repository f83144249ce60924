"""Who tells our address, and does whoever looks from outside stand there? What it is worth: test_ours.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from netwatch import ours
from netwatch.audit import Audit
from netwatch.config import Site
from netwatch.errors import OutsideError
from netwatch.located import Locating, by_box, by_memory
from netwatch.model import Observation, Reason, Vantage
from netwatch.outlet import Here
from netwatch.outside import Gathered

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def said(protocol: str, port: int, vantage: Vantage, **facts: str | int | bool | None) -> Observation:
    return Observation("box", vantage, "m-box", "192.168.1.1", port, protocol, facts, NOW)


def locating(*networks: str, **settings: object) -> Locating:
    site = Site.model_validate({"name": "A", "networks": list(networks)} | settings)
    return Locating(site, (), Gathered(), lambda: False, Audit)


def test_the_box_tells_its_address_and_a_word_that_is_none_tells_nothing() -> None:
    told = list(by_box([said("wan", 0, Vantage.BOX, address="5.39.77.1", via="upnp")]))
    assert [(one.source, str(one.address), one.via) for one in told] == [(ours.BOX, "5.39.77.1", "upnp")]
    assert list(by_box([said("wan", 0, Vantage.BOX, address="<script>")])) == []
    assert list(by_box([said("wan", 0, Vantage.BOX, address=None)])) == []


def test_what_was_told_inside_is_believed_for_hours_and_not_for_a_day() -> None:
    now = datetime.now(UTC)
    fresh = list(by_memory([("5.39.77.1", "vantage, box", now - timedelta(hours=3))], now))
    assert {(one.source, one.address) for one in fresh} == {
        ("vantage", ip_address("5.39.77.1")),
        ("box", ip_address("5.39.77.1")),
    }
    assert list(by_memory([("5.39.77.1", "vantage", now - timedelta(days=1))], now)) == []


def test_an_address_that_may_not_be_asked_is_told_with_its_reason() -> None:
    one = locating("192.168.1.0/24", vantage={"outside": {"ssh": "a@b.example"}})
    assert one.addresses([said("wan", 0, Vantage.BOX, address="100.64.3.4", via="upnp")], None) == {}
    assert [failure.reason for failure in one.gathered.failures] == [Reason.UNPROVED]


def test_where_nobody_asks_about_the_outside_an_unknown_address_is_no_gap() -> None:
    one = locating("192.168.1.0/24")
    assert one.addresses([], None) == {}
    assert one.gathered.failures == []


def test_a_machine_with_an_address_of_the_practices_network_is_not_outside() -> None:
    with pytest.raises(OutsideError) as refused:
        locating("127.0.0.0/24")._not_at_home(Here(), ["127.79.0.1"])
    assert (refused.value.message, refused.value.details) == (
        "outside.same-network",
        {"address": "127.0.0.1"},
    )
    locating("192.168.1.0/24")._not_at_home(Here(), ["127.79.0.1"])


def test_without_a_page_that_tells_where_it_stands_nothing_is_proved() -> None:
    one = locating("192.168.1.0/24")
    assert not one.outside(Here(connects=True), ["127.79.0.1"])
    [error] = one.gathered.troubles
    assert error.message == "vantage.unproved-here"


@pytest.mark.parametrize("source", ["vantage, box", "echo"])
def test_a_laptop_outside_believes_what_was_told_inside_just_before(source: str) -> None:
    site = Site.model_validate({"name": "A", "networks": ["192.168.1.0/24"]})
    told = (("5.39.77.1", source, datetime.now(UTC) - timedelta(minutes=30)),)
    one = Locating(site, told, Gathered(), lambda: False, Audit)
    assert list(one.addresses([], Here(connects=True))) == ["5.39.77.1"]
    assert one.addresses([], None) == {}
