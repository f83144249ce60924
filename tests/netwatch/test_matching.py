"""Which device stands behind a public port? A key proves it, the box says it, a name suggests it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.matching import Told, links, marks, ports
from netwatch.model import Link, Observation, Vantage

if TYPE_CHECKING:
    from netwatch.model import Facts

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
PUBLIC = "p-203.0.113.7"
DEVICES = {"192.168.1.1": "box", "192.168.1.20": "pacs", "192.168.1.30": "nas", "192.168.1.40": "pc"}
ADDRESSES = {device: address for address, device in DEVICES.items()}
KEY: Facts = {"certificate_key": "sha256:aa"}
OTHER_KEY: Facts = {"certificate_key": "sha256:bb"}
SOFTWARE: Facts = {
    "association": "accepted",
    "implementation_class_uid": "1.2.276.0.7230010.3.0.3.6.7",
    "implementation_version": "OFFIS_DCMTK_367",
}


def inside(device: str, port: int, protocol: str = "http", facts: Facts | None = None) -> Observation:
    address = ADDRESSES[device]
    return Observation(protocol, Vantage.LAN, device, address, port, protocol, facts or {}, NOW)


def outside(port: int, protocol: str = "http", facts: Facts | None = None) -> Observation:
    seen = inside("pacs", port, protocol, facts)
    return replace(seen, vantage=Vantage.OUTSIDE, device=PUBLIC, address=PUBLIC[2:])


def forward(port: int, to: str, to_port: int, **facts: str | bool) -> Observation:
    told: Facts = {"to_address": ADDRESSES.get(to, to), "to_port": to_port, "enabled": True, **facts}
    return Observation("freebox", Vantage.BOX, "box", "192.168.1.1", port, "forward", told, NOW)


def dmz(to: str) -> Observation:
    told: Facts = {"to_address": ADDRESSES[to], "enabled": True}
    return Observation("freebox", Vantage.BOX, "box", "192.168.1.1", 0, "dmz", told, NOW)


def behind(port: int, *seen: Observation, devices: dict[str, str] = DEVICES) -> tuple[object, ...] | None:
    """(device, port, by) of what stands behind this public port."""
    link = links(seen, seen, devices).get((PUBLIC, port, "tcp"))
    return (link.device, link.port, link.by) if link else None


def test_what_the_box_lists_is_believed_where_nothing_is_known_better() -> None:
    assert behind(8104, outside(8104), forward(8104, "pacs", 104)) == ("pacs", 104, "mapping")
    assert behind(8105, outside(8105), forward(8104, "pacs", 104)) is None


def test_a_range_leads_port_by_port() -> None:
    many = forward(8000, "nas", 5000, ports="8000-8010")
    assert behind(8007, outside(8007), many) == ("nas", 5007, "mapping")
    assert behind(8011, outside(8011), many) is None


@pytest.mark.parametrize("told", ["", "7-x", "0-99999999", "9000-9010", "8010-8000"])
def test_a_range_that_is_none_leads_its_first_port_alone(told: str) -> None:
    assert list(ports(forward(8000, "nas", 5000, ports=told))) == [8000]


def test_the_address_of_nobody_we_know_is_told_as_an_address() -> None:
    assert links([outside(80)], [forward(80, "192.168.1.99", 8080)], DEVICES)[PUBLIC, 80, "tcp"] == Link(
        "", "192.168.1.99", 8080, "mapping"
    )


def test_a_forward_that_is_off_leads_nowhere() -> None:
    assert behind(80, outside(80), forward(80, "nas", 80, enabled=False)) is None


def test_the_newest_word_of_a_source_counts() -> None:
    before = replace(forward(80, "nas", 80), seen_at=NOW - timedelta(days=1))
    assert behind(80, outside(80), forward(80, "pc", 80), before) == ("pc", 80, "mapping")
    assert behind(80, outside(80), forward(80, "nas", 80, enabled=False), before) is None


def test_what_a_later_whole_list_has_no_more_is_gone_and_an_empty_one_says_nothing() -> None:
    before = replace(forward(80, "nas", 80), seen_at=NOW - timedelta(days=1))
    listing = Observation("freebox", Vantage.BOX, "box", "192.168.1.1", 0, "listing", {}, NOW)
    whole, empty = replace(listing, facts={"listing": "whole"}), replace(listing, facts={"listing": "empty"})
    assert behind(80, outside(80), before, whole) is None
    assert behind(80, outside(80), before, empty) == ("nas", 80, "mapping")
    assert behind(80, outside(80), before, replace(whole, probe="upnp")) == ("nas", 80, "mapping")


def test_the_box_s_own_page_is_believed_before_upnp_and_both_before_a_person() -> None:
    upnp = replace(forward(80, "pc", 80), probe="upnp")
    person = replace(forward(80, "pacs", 80), vantage=Vantage.DECLARED, probe="declared")
    assert behind(80, outside(80), person, upnp, forward(80, "nas", 80)) == ("nas", 80, "mapping")
    assert behind(80, outside(80), person, upnp) == ("pc", 80, "mapping")


@pytest.mark.parametrize(
    ("fact", "value", "by"),
    [
        ("certificate_key", "sha256:aa", "certificate"),
        ("host_key", "sha256:aa", "host-key"),
        ("printer_uuid", "urn:1", "device-uuid"),
        ("onvif_uuid", "urn:1", "device-uuid"),
        ("netbios_name", "SRV1", "smb-name"),
        ("dns_name", "srv1.cabinet.local", "smb-name"),
    ],
)
def test_a_mark_that_one_device_has_tells_which_it_is(fact: str, value: str, by: str) -> None:
    found = behind(
        9443,
        outside(9443, facts={fact: value}),
        inside("nas", 443, facts={fact: value}),
        inside("pc", 443, facts={fact: "another"}),
    )
    assert found == ("nas", 443, by)


def test_an_ssh_key_is_known_again_at_another_port() -> None:
    key: Facts = {"host_key": "sha256:aa", "host_key_type": "ssh-ed25519"}
    found = behind(2222, outside(2222, "ssh", key), inside("nas", 22, "ssh", key), inside("pc", 22, "ssh"))
    assert found == ("nas", 22, "host-key")


def test_an_image_server_is_known_again_by_its_software_where_only_one_has_it() -> None:
    public, mine = outside(8104, "dicom", SOFTWARE), inside("pacs", 104, "dicom", SOFTWARE)
    assert behind(8104, public, mine) == ("pacs", 104, "dicom")
    assert behind(8104, public, mine, inside("pc", 104, "dicom", SOFTWARE)) is None
    assert behind(104, outside(104, "dicom", SOFTWARE), mine, inside("pc", 105, "dicom", SOFTWARE)) is None


def test_the_same_product_alone_links_nothing() -> None:
    product: Facts = {"product": "Synology DSM", "favicon": None}
    assert behind(5000, outside(5000, facts=product), inside("nas", 5000, facts=product)) is None
    picture = product | {"favicon": "sha256:cc"}
    found = behind(5000, outside(5000, facts=picture), inside("nas", 5000, facts=picture))
    assert found == ("nas", 5000, "page")


def test_the_same_key_on_two_devices_tells_neither_unless_the_port_does() -> None:
    two = (inside("nas", 443, facts=KEY), inside("pc", 8443, facts=KEY))
    assert behind(9443, outside(9443, facts=KEY), *two) is None
    assert behind(8443, outside(8443, facts=KEY), *two) == ("pc", 8443, "certificate")
    same = (inside("nas", 443, facts=KEY), inside("pc", 443, facts=KEY))
    assert behind(443, outside(443, facts=KEY), *same) is None
    assert behind(9443, outside(9443, facts=KEY), *two, forward(9443, "nas", 443)) == (
        "nas",
        443,
        "mapping",
    )


def test_the_same_key_at_two_ports_of_one_device_tells_the_device_alone() -> None:
    two = (inside("nas", 5001, facts=KEY), inside("nas", 443, facts=KEY))
    assert behind(9443, outside(9443, facts=KEY), *two) == ("nas", 0, "certificate")
    assert behind(5001, outside(5001, facts=KEY), *two) == ("nas", 5001, "certificate")
    other = (inside("nas", 3389, "rdp", KEY), inside("nas", 443, facts=KEY))
    assert behind(9443, outside(9443, facts=KEY), *other) == ("nas", 443, "certificate")


def test_a_key_proves_more_than_a_box_that_lies() -> None:
    seen = (outside(443, facts=KEY), inside("nas", 443, facts=KEY), inside("pc", 443, facts=OTHER_KEY))
    assert behind(443, *seen, forward(443, "pc", 443)) == ("nas", 443, "certificate")


def test_where_both_mean_the_same_device_the_box_knows_the_port() -> None:
    seen = (outside(443, facts=KEY), inside("nas", 5001, facts=KEY))
    assert behind(443, *seen, forward(443, "nas", 443)) == ("nas", 443, "mapping")


def test_a_name_or_a_program_does_not_contradict_the_box() -> None:
    seen = (outside(104, "dicom", SOFTWARE), inside("pacs", 104, "dicom", SOFTWARE))
    assert behind(104, *seen, forward(104, "pc", 104)) == ("pc", 104, "mapping")


def test_the_dmz_gets_what_no_rule_takes_where_the_same_port_is_open() -> None:
    seen = (outside(104, "dicom"), inside("pacs", 104, "dicom"), dmz("pacs"))
    assert behind(104, *seen) == ("pacs", 104, "dmz")
    assert behind(104, *seen, forward(104, "pc", 105)) == ("pc", 105, "mapping")
    assert behind(443, outside(443), *seen) is None
    assert behind(22, outside(22, "ssh"), inside("pacs", 22, "telnet"), dmz("pacs")) is None


def test_a_dmz_over_upnp_is_a_forward_of_port_0() -> None:
    everything = replace(forward(1, "pacs", 1), port=0)
    assert behind(104, outside(104), inside("pacs", 104), everything) == ("pacs", 104, "dmz")


def test_an_address_of_ipv6_is_the_device_s_own_and_no_forward_of_ipv4_reaches_it() -> None:
    device, address = "p-2001:db8::20", "2001:db8::20"
    seen = replace(outside(443), device=device, address=address)
    here = inside("pacs", 104, "dicom")
    found = links([seen, here], [forward(443, "nas", 443)], DEVICES | {address: "pacs"})
    assert found[device, 443, "tcp"] == Link("pacs", "192.168.1.20", 443, "address")
    assert (device, 443, "tcp") not in links([seen, here], [forward(443, "nas", 443), dmz("pacs")], DEVICES)


def test_what_others_report_is_led_by_the_box_and_by_no_mark_of_theirs() -> None:
    report = replace(outside(443, facts=KEY), vantage=Vantage.SHODAN, probe="shodan")
    assert behind(443, report, inside("nas", 443, facts=KEY)) is None
    assert behind(443, report, forward(443, "pc", 443)) == ("pc", 443, "mapping")


def test_of_what_only_the_box_speaks_it_says_where_it_leads() -> None:
    seen = (forward(8104, "pacs", 104), dmz("nas"))
    assert links([], seen, DEVICES) == {
        ("@box", 8104, "tcp"): Link("pacs", "192.168.1.20", 104, "mapping"),
        ("@box", 0, "tcp"): Link("nas", "192.168.1.30", 0, "dmz"),
    }
    assert [one.port for one in Told.of(seen, DEVICES).forwards] == [8104]


ODD = st.one_of(st.none(), st.booleans(), st.integers(-5, 70000), st.text(max_size=5))
NAMES = ["to_address", "to_port", "ports", "enabled", "certificate_key", "netbios_name", "product", "favicon"]


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), ODD), max_size=4), st.integers(0, 65535))
def test_no_fact_that_a_box_or_a_peer_may_tell_breaks_it(told: list[Facts], port: int) -> None:
    seen = [replace(forward(port, "nas", 1), facts=facts) for facts in told]
    seen += [outside(port, facts=facts) for facts in told] + [inside("nas", port, facts=f) for f in told]
    for link in links(seen, seen, DEVICES).values():
        assert isinstance(link.port, int)
    for facts in told:
        assert all(isinstance(value, str) and value for _, value in marks(facts))


def test_a_program_that_also_another_device_runs_tells_nothing() -> None:
    mine = inside("pacs", 104, "dicom", SOFTWARE)
    unlike = outside(105, "dicom", SOFTWARE | {"query": "not-offered"})
    assert behind(105, unlike, replace(mine, facts=SOFTWARE | {"query": "answered"})) is None
    # The box leads to another one, which is not open to us at home.
    elsewhere = (outside(37777, "dicom", SOFTWARE), forward(37777, "nas", 7777))
    assert behind(105, outside(105, "dicom", SOFTWARE), mine, *elsewhere) is None
    assert behind(105, outside(105, "dicom", SOFTWARE), mine) == ("pacs", 104, "dicom")
