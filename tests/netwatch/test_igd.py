"""Is all that a box tells kept, is what it cannot mean left out, and is a list called whole only if it is?"""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.igd import Forward, Told, forwards, read
from netwatch.model import Reason
from netwatch.scope import Scope
from netwatch.ssdp import Place
from tests.lab.hurry import FAST
from tests.lab.igd import Igd, Manners, entry, page
from tests.lab.interview import fresh_address

if TYPE_CHECKING:
    from collections.abc import Mapping

NEWER = ("WANIPConnection:2",)
NOBODY = "0.0.0.0"  # noqa: S104 - no address, as boxes write it


def told(box: Igd, *paths: str, most: int = 50) -> Told:
    """What this box tells, at each of these descriptions."""
    egress = Egress(Scope((IPv4Network(f"{box.address}/32"),), until=date.max), FAST)
    egress.classed(box.address, table()["box"])
    places = [Place(box.port, path) for path in paths or ("/desc.xml",)]
    way = egress.asking("upnp", "upnp")
    try:
        return read(way, box.address, places, patience=0.7, most=most, seconds=20)
    finally:
        egress.close()


def about(**manners: Any) -> Told:  # noqa: ANN401 - as Manners
    with Igd(fresh_address(), Manners(**manners)) as box:
        return told(box)


def test_a_list_is_whole_with_one_entry_and_a_clean_end_and_empty_without() -> None:
    assert [one.state for one in about(entries=(entry(),)).listings] == ["whole"]
    assert [one.state for one in about().listings] == ["empty"]


@pytest.mark.parametrize("end", [401, 402, 501, 606])
def test_a_list_that_ends_otherwise_is_cut_and_says_with_which_number(end: int) -> None:
    [listing] = about(entries=(entry(),), end=end).listings
    assert (listing.state, listing.code, len(listing.forwards)) == ("cut", end, 1)


def test_a_list_is_asked_as_far_as_it_was_said_and_not_further() -> None:
    with Igd(fresh_address(), Manners(listed=lambda index: entry(1 + index))) as box:
        [listing] = told(box, most=5).listings
    assert (listing.state, len(listing.forwards), box.actions.count("GetGenericPortMappingEntry")) == (
        "cut",
        5,
        5,
    )


def test_a_list_that_is_nothing_but_rubbish_is_given_up() -> None:
    with Igd(fresh_address(), Manners(listed=lambda _: {"NewExternalPort": "x"})) as box:
        [listing] = told(box).listings
    assert (listing.state, listing.odd, box.actions.count("GetGenericPortMappingEntry")) == ("cut", 3, 3)


def test_two_descriptions_of_the_same_services_are_asked_once() -> None:
    with Igd(fresh_address(), Manners(entries=(entry(),))) as box:
        found = told(box, "/one.xml", "/two.xml")
    assert (len(found.descriptions), len(found.listings)) == (2, 1)
    assert box.actions.count("GetExternalIPAddress") == 1


def test_a_description_that_cannot_be_read_does_not_hide_the_other() -> None:
    with Igd(fresh_address(), Manners(says={"description": page(b"rubbish")})) as box:
        found = told(box, "/one.xml", "/two.xml")
    assert found.trouble is not None
    assert (found.trouble.reason, len(box.requests)) == (Reason.PROTOCOL, 2)


def test_a_service_that_fails_does_not_hide_the_other() -> None:
    def listed(index: int) -> Mapping[str, str] | None:
        return entry() if index == 0 else None

    kinds = ("WANPPPConnection:1", "WANIPConnection:1")
    with Igd(
        fresh_address(), Manners(kinds=kinds, listed=listed, refuses={"GetExternalIPAddress": 501})
    ) as box:
        found = told(box)
    assert [one.state for one in found.listings] == ["whole", "whole"]
    assert (found.addresses, found.trouble) == ({}, None)


def test_a_box_that_stalls_is_not_asked_the_rest() -> None:
    kinds = ("WANPPPConnection:1", "WANIPConnection:1")
    stalls = frozenset({"GetExternalIPAddress"})
    with Igd(fresh_address(), Manners(kinds=kinds, stalls=stalls)) as box:
        found = told(box, "/one.xml", "/two.xml")
    assert found.trouble is not None
    assert (found.over, found.trouble.reason) == (True, Reason.TIMEOUT)
    assert set(box.actions) == stalls
    assert len(box.actions) <= 2  # once on the connection that was kept, once on a new one


def test_what_only_one_of_two_lists_says_is_believed() -> None:
    [listing] = about(kinds=NEWER, entries=(entry(1), entry(2)), list=(entry(2), entry(3))).listings
    assert sorted(one.port for one in listing.forwards) == [1, 2, 3]
    assert (listing.agree, listing.state) == (False, "whole")


@pytest.mark.parametrize("code", [401, 606])
def test_a_second_list_that_is_refused_takes_nothing_from_the_first(code: int) -> None:
    [listing] = about(kinds=NEWER, entries=(entry(),), refuses={"GetListOfPortMappings": code}).listings
    assert (listing.agree, listing.state, len(listing.forwards)) == (None, "whole", 1)


def test_both_lists_may_be_empty_and_agree() -> None:
    [listing] = about(kinds=NEWER, list=()).listings
    assert (listing.agree, listing.state) == (True, "empty")


def test_a_box_without_a_service_of_a_gateway_has_none_to_ask() -> None:
    found = about(kinds=("Layer3Forwarding:1", "WANIPConnection:9"))
    assert (found.listings, found.addresses, found.trouble) == ([], {}, None)


def test_an_entry_is_a_forward_with_what_the_box_says_of_it() -> None:
    told_entry = entry(
        8443, "192.168.1.30", 443, Protocol="udp", LeaseDuration="60", RemoteHost="198.51.100.9"
    )
    assert forwards(told_entry) == (
        Forward(
            8443, "udp", "192.168.1.30", 443, "198.51.100.9", enabled=True, permanent=False, comment="dicom"
        ),
    )


ENTRIES: list[tuple[dict[str, str], dict[str, object]]] = [
    ({"NewEnabled": "0"}, {"enabled": False}),
    ({"NewEnabled": "yes"}, {"enabled": True}),
    ({"NewEnabled": "maybe"}, {"enabled": None}),
    ({"NewLeaseDuration": "0"}, {"permanent": True}),
    ({"NewLeaseDuration": "99999999999"}, {"permanent": None}),
    ({"NewInternalClient": "192.168.1.300"}, {"to_address": None}),
    ({"NewInternalClient": NOBODY}, {"to_address": None}),
    ({"NewInternalClient": "2001:db8::1"}, {"to_address": "2001:db8::1"}),
    ({"NewInternalPort": "65536"}, {"to_port": None}),
    ({"NewRemoteHost": "*"}, {"source": None}),
    ({"NewRemoteHost": NOBODY}, {"source": None}),
    ({"NewRemoteHost": "ZZCANARY"}, {"source": "unknown"}),
    ({"NewPortMappingDescription": "ZZCANARY Jeanne"}, {"comment": None}),
]


@pytest.mark.parametrize(("more", "expected"), ENTRIES)
def test_what_a_field_cannot_hold_is_left_out(more: dict[str, str], expected: dict[str, object]) -> None:
    [one] = forwards(entry() | more)
    assert {name: getattr(one, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("spoken", "transports"),
    [("TCP", ["tcp"]), ("udp", ["udp"]), ("TCP/UDP", ["tcp", "udp"]), ("BOTH", ["tcp", "udp"]), ("SCTP", [])],
)
def test_an_entry_for_two_transports_is_two_forwards(spoken: str, transports: list[str]) -> None:
    assert [one.transport for one in forwards(entry(Protocol=spoken))] == transports


@given(st.dictionaries(st.sampled_from(sorted(entry())), st.text(max_size=30)))
def test_any_entry_is_forwards_in_their_ranges(fields: dict[str, str]) -> None:
    for one in forwards(entry() | fields):
        assert 0 <= one.port <= 65_535
        assert one.to_port is None or 0 <= one.to_port <= 65_535
        assert one.transport in {"tcp", "udp"}
