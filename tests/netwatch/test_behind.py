"""What is known to stand behind the public ports, before a packet leaves from outside?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import IPv4Network, ip_address
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.behind import MOST, Behind, from_outside
from netwatch.errors import ScopeError
from netwatch.model import Device, Link, Observation, Vantage
from netwatch.portset import PortSet
from netwatch.scope import Scope
from netwatch.slices import Round
from netwatch.tonight import Tonight

if TYPE_CHECKING:
    from netwatch.model import Fact

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
PACS, PC, PRINTER, STRANGE = "192.168.1.20", "192.168.1.40", "192.168.1.60", "192.168.1.70"
PUBLIC = "9.9.9.9"
DEVICES = (
    Device("pacs", PACS, kind="archive"),
    Device("pc", PC, kind="computer"),
    Device("printer", PRINTER, kind="printer"),
    Device("strange", STRANGE),
)
TONIGHT = Tonight(Scope((IPv4Network("192.168.1.0/24"),), until=date.max), vantage=Vantage.OUTSIDE)
TONIGHT_INSIDE = replace(TONIGHT, vantage=Vantage.LAN)


def forward(port: int, to: str, to_port: int, **facts: Fact) -> Observation:
    told = {"to_address": to, "to_port": to_port, "enabled": True, **facts}
    return Observation("freebox", Vantage.BOX, "box", "192.168.1.1", port, "forward", told, NOW)


def dmz(to: str) -> Observation:
    told: dict[str, Fact] = {"to_address": to, "enabled": True}
    return Observation("freebox", Vantage.BOX, "box", "192.168.1.1", 0, "dmz", told, NOW)


def seen(address: str, port: int) -> Observation:
    return Observation("sweep", Vantage.LAN, "d", address, port, "unknown", {}, NOW)


def tonight(*told: Observation, **more: object) -> Tonight:
    return from_outside(TONIGHT_INSIDE, [PUBLIC], Behind.of(told), DEVICES, **more)  # type: ignore[arg-type]


def usual(*told: Observation) -> set[int]:
    return set(Behind.of(told).usual)


def test_a_port_that_is_forwarded_is_asked_every_night_as_long_as_that_is_on() -> None:
    assert usual(forward(11112, PACS, 104)) == {11112}
    assert usual(forward(11112, PACS, 104, enabled=False)) == set()
    assert usual() == set()


def test_what_a_person_read_in_the_box_counts_and_what_others_say_does_not() -> None:
    one = forward(11112, PACS, 104)
    assert usual(replace(one, vantage=Vantage.DECLARED)) == {11112}
    assert usual(replace(one, vantage=Vantage.SHODAN)) == set()


def test_of_a_long_range_the_first_ports_are_asked_every_night_and_all_are_protected() -> None:
    assert usual(forward(8000, PC, 5000, ports="8000-8003")) == set(range(8000, 8004))
    long = forward(10_000, PACS, 10_000, ports="10000-60000")
    assert usual(long) == set(range(10_000, 10_000 + MOST))
    assert tonight(long).leads[59_999] == "medical"


def test_of_a_dmz_what_is_open_on_its_host_is_asked_every_night_and_a_forward_comes_before_it() -> None:
    told = (dmz(PACS), seen(PACS, 104), seen(PACS, 443), seen(PC, 3389), forward(443, PC, 8443))
    assert usual(*told) == {104, 443}
    assert usual(dmz(PACS), replace(seen(PACS, 161), transport="udp")) == set()
    leads = tonight(*told).leads
    assert (leads[104], leads[50_000], 443 in leads) == ("medical", "medical", False)


def test_of_two_rules_for_one_port_the_more_careful_one_protects() -> None:
    udp = replace(forward(8104, PC, 8104), transport="udp")
    by_upnp = replace(forward(8104, PC, 8104), probe="upnp")
    for told in ((forward(8104, PACS, 104), udp), (forward(8104, PACS, 104), by_upnp)):
        assert tonight(*told).leads[8104] == "medical"
        assert tonight(*reversed(told)).leads[8104] == "medical"
    assert tonight(udp).leads == {}


def test_where_a_port_was_found_to_lead_on_an_earlier_night_protects_too() -> None:
    led = {
        (f"p-{PUBLIC}", 18_042, "tcp"): Link("pacs", PACS, 8042, "certificate"),
        (f"p-{PUBLIC}", 18_043, "tcp"): Link("pacs", PACS, 0, "host-key"),
        (f"p-{PUBLIC}", 19_100, "tcp"): Link("printer", PRINTER, 9100, "mapping"),
    }
    one = from_outside(TONIGHT_INSIDE, [PUBLIC], Behind.of((), led), DEVICES)
    assert (one.leads[18_042], one.leads[18_043]) == ("medical", "medical")
    assert one.scope.silent(19_100)


def test_a_printer_is_asked_behind_a_port_what_it_is_asked_at_home_and_at_631_nothing_but_ipp() -> None:
    one = tonight(forward(8080, PRINTER, 80), forward(8631, PC, 631), forward(8632, PRINTER, 631))
    assert one.leads == {8080: "printer", 8631: "printer", 8632: "printer"}


def test_where_dicom_is_at_home_behind_a_port_nothing_but_dicom_is_spoken() -> None:
    assert tonight(forward(8104, PC, 104)).leads == {8104: "medical"}


@pytest.mark.parametrize(
    ("scope", "more"),
    [
        ({"excluded_addresses": (IPv4Network(f"{PC}/32"),)}, {}),
        ({"excluded_macs": frozenset({"00:11:22:33:44:55"})}, {"mac": "00:11:22:33:44:55"}),
        ({}, {"left_alone": "2026-11-24T02:00:00Z"}),
    ],
)
def test_what_is_excluded_or_left_alone_is_not_reached_through_its_public_port(
    scope: dict[str, Any], more: dict[str, Any]
) -> None:
    known = replace(TONIGHT_INSIDE, scope=replace(TONIGHT.scope, **scope))
    devices = [replace(DEVICES[1], **more)]
    for told in (forward(8443, PC, 443), dmz(PC)):
        one = from_outside(known, [PUBLIC], Behind.of([told]), devices)
        assert 8443 not in one.nightly(f"p-{PUBLIC}")
        with pytest.raises(ScopeError):
            one.scope.require(PUBLIC, 8443)


@pytest.mark.parametrize("to", [7000, 9999])
def test_an_excluded_port_is_not_reached_by_another_number(to: int) -> None:
    known = replace(TONIGHT_INSIDE, scope=replace(TONIGHT.scope, excluded_ports=frozenset({7000})))
    one = from_outside(known, [PUBLIC], Behind.of([forward(8000, PC, to)]), DEVICES)
    assert 8000 not in one.nightly(f"p-{PUBLIC}")


def test_the_guarded_device_behind_a_port_decides_what_it_is_asked() -> None:
    one = tonight(forward(11112, PACS, 104), forward(443, PC, 443), forward(8080, STRANGE, 80))
    assert one.leads == {11112: "medical", 8080: "unknown"}


def test_what_stands_at_an_address_that_nobody_knows_counts_as_guarded() -> None:
    assert tonight(forward(8080, "192.168.1.99", 80)).leads == {8080: "unknown"}


def test_of_several_devices_at_an_address_the_most_careful_one_protects() -> None:
    devices = (*DEVICES, Device("laptop", PACS, kind="computer"))
    for order in (devices, devices[::-1]):
        one = from_outside(TONIGHT_INSIDE, [PUBLIC], Behind.of([forward(8104, PACS, 50_000)]), order)
        assert one.leads == {8104: "medical"}


def test_what_the_site_file_declares_of_a_device_holds_behind_a_port_too() -> None:
    declared = replace(TONIGHT_INSIDE, declared={PC: "medical"})
    one = from_outside(declared, [PUBLIC], Behind.of([forward(443, PC, 443)]), DEVICES)
    assert one.leads == {443: "medical"}


@pytest.mark.parametrize("to", [515, 9100, 2575, 502])
def test_a_port_that_leads_to_one_that_prints_or_books_never_gets_a_byte(to: int) -> None:
    one = tonight(
        forward(8091, PRINTER, to),
        forward(8092, PRINTER, 631),
        forward(20_000, PRINTER, to - 9, ports="20000-20020"),
    )
    assert one.scope.silent(8091)
    assert one.scope.silent(20_009)
    assert not one.scope.silent(8092)


def test_a_port_that_leads_to_one_that_was_declared_silent_is_silent_as_are_those() -> None:
    declared = replace(TONIGHT_INSIDE, scope=replace(TONIGHT.scope, silent_ports=frozenset({7000})))
    one = from_outside(declared, [PUBLIC], Behind.of([forward(8000, PC, 7000)]), DEVICES)
    assert one.scope.silent_ports == {7000, 8000}


def test_only_the_practices_addresses_may_be_reached_from_outside_and_no_private_one() -> None:
    scope = tonight().scope
    assert scope.require(PUBLIC) == ip_address(PUBLIC)
    for address in (PACS, "9.9.9.8"):
        with pytest.raises(ScopeError):
            scope.require(address)


def test_where_an_address_is_shared_a_neighbours_port_is_never_asked() -> None:
    one = tonight(forward(20_000, PACS, 104), forward(104, PACS, 104), only=PortSet.parse("16384-32767"))
    assert one.scope.require(PUBLIC, 20_000)
    with pytest.raises(ScopeError) as caught:
        one.scope.require(PUBLIC, 104)
    assert caught.value.message == "egress.neighbours-port"
    nightly = one.nightly(f"p-{PUBLIC}")
    assert 20_000 in nightly
    assert 104 not in nightly
    assert not nightly - PortSet.parse("16384-32767")


def test_ports_that_lead_somewhere_or_were_reported_are_asked_every_night_with_the_sites_own() -> None:
    known = replace(TONIGHT_INSIDE, extra_ports=(50_001,))
    one = from_outside(known, [PUBLIC], Behind.of([forward(50_002, PACS, 104)]), DEVICES, also=(50_003,))
    assert one.extra_ports == (50_001, 50_002, 50_003)
    assert not PortSet.parse("50001-50003") - one.nightly(f"p-{PUBLIC}")


def test_an_excluded_port_stays_excluded_whatever_leads_there() -> None:
    known = replace(TONIGHT_INSIDE, scope=replace(TONIGHT.scope, excluded_ports=frozenset({11112})))
    one = from_outside(known, [PUBLIC], Behind.of([forward(11112, PACS, 104)]), DEVICES)
    assert 11112 not in one.nightly(f"p-{PUBLIC}")


def test_an_address_that_is_a_devices_own_is_asked_as_that_device_would_be() -> None:
    own = {"2620:fe::20": DEVICES[0], "2620:fe::40": DEVICES[1]}
    one = replace(tonight(own=own), vantage=Vantage.OUTSIDE)
    assert one.is_a(Device("p-1", "2620:fe::20")).name == "medical"
    assert one.is_a(Device("p-2", "2620:fe::40")).name == "computer"
    assert one.is_a(Device("p-3", PUBLIC)).name == "internet"


def test_an_address_whose_round_has_begun_is_known() -> None:
    known = replace(TONIGHT_INSIDE, rounds={"p-1": Round("p-1", NOW)}, known=frozenset({"d"}))
    assert from_outside(known, [PUBLIC], Behind(), ()).known == {"d", "p-1"}
