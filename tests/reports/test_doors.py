from __future__ import annotations

from dataclasses import replace

from netwatch.model import Exposure, Outcome, Status, Vantage
from reports.doors import Door, doors, knocked, ports, ways
from tests.reports.internet import (
    DICOM,
    HOME,
    PACS,
    SAID,
    finding,
    forward,
    knock,
    seen_from_outside,
    service,
    statement,
)


def by_port(found: tuple[Door, ...]) -> dict[int, Door]:
    return {door.port: door for door in found}


def test_every_port_that_anybody_speaks_of_is_one_door_and_the_worst_comes_first() -> None:
    found = doors(seen_from_outside())
    assert [(door.port, str(door.exposure)) for door in found] == [
        (11112, "exposed"),
        (2222, "forwarded"),
        (8080, "reported"),
        (443, "inside-only"),
    ]


def test_a_door_joins_what_answered_what_the_box_says_and_where_it_leads() -> None:
    door = by_port(doors(seen_from_outside()))[11112]
    assert door.service is not None
    assert [one.port for one in door.forwards] == [11112]
    assert [one.rule for one in door.findings] == [DICOM]
    assert door.link == PACS


def test_a_forward_alone_leads_to_the_device_at_its_address() -> None:
    link = by_port(doors(seen_from_outside()))[2222].link
    assert link is not None
    assert (link.device, link.address, link.port, link.by) == ("d40", "192.168.1.40", 22, "mapping")
    unknown = replace(seen_from_outside(), statements=(forward(2222, "192.168.1.99", 22),))
    stranger = by_port(doors(unknown))[2222].link
    assert stranger is not None
    assert not stranger.device


def test_what_is_reported_and_was_found_shut_is_not_told_as_reported() -> None:
    found = by_port(doors(seen_from_outside()))
    assert found[443].shut
    assert not found[8080].shut
    assert found[8080].exposure == Exposure.REPORTED


def test_a_forward_that_is_switched_off_lets_nobody_in() -> None:
    off = replace(seen_from_outside(), statements=(forward(2222, "192.168.1.40", 22, enabled=False),))
    assert 2222 not in by_port(doors(off))


def test_a_range_takes_all_its_ports_and_counts_them_from_its_first() -> None:
    several = forward(8000, "192.168.1.40", 9000, ports="8000-8010")
    assert 8010 in ports(several)
    assert 8011 not in ports(several)
    document = replace(
        seen_from_outside(), services=(service(8004, "http"),), findings=(), statements=(several,)
    )
    [door] = doors(document)
    assert door.link is not None
    assert (door.port, door.link.port) == (8004, 9004)
    broken = forward(8000, "192.168.1.40", 9000, ports="8000-")
    assert list(ports(broken)) == [8000]


def test_udp_is_not_tcp() -> None:
    told = replace(forward(11112, "192.168.1.20", 11112), transport="udp")
    found = doors(replace(seen_from_outside(), statements=(told,)))
    assert {(door.port, door.transport) for door in found} >= {(11112, "tcp"), (11112, "udp")}


def test_what_answered_before_and_not_now_is_still_a_way_in() -> None:
    silent = replace(finding(DICOM, 11112, PACS), status=Status.UNVERIFIED)
    document = replace(seen_from_outside(), findings=(silent,))
    door = by_port(doors(document))[11112]
    assert door.unverified
    assert door.exposure == Exposure.EXPOSED


def test_with_two_addresses_a_forward_is_told_of_the_box() -> None:
    document = seen_from_outside()
    two = (*document.public, replace(document.public[0], address="198.51.100.9"))
    found = by_port(doors(replace(document, public=two)))
    assert found[2222].address == ""
    assert found[11112].address == HOME


def test_ipv6_has_no_forwards() -> None:
    there = replace(service(11112, "dicom"), device="p-2001:db8::7", address="2001:db8::7")
    found = doors(replace(seen_from_outside(), services=(there,), findings=()))
    assert not next(door for door in found if ":" in door.address).forwards


def test_since_when_is_ours_before_it_is_others() -> None:
    found = by_port(doors(seen_from_outside()))
    assert found[443].since == SAID
    assert found[11112].since != SAID


def test_the_ways_to_a_service_are_those_at_which_something_answered() -> None:
    led = ways(seen_from_outside())
    assert [door.port for door in led["d20", 11112, "tcp"]] == [11112]
    assert ("d40", 22, "tcp") not in led, "a forward proves nothing"


def test_only_a_knock_from_outside_is_a_look_from_outside() -> None:
    rows = [knock("22", Outcome.CLOSED)]
    assert knocked(rows) == {HOME}
    assert knocked([replace(rows[0], vantage=Vantage.LAN)]) == set()
    assert knocked([replace(rows[0], probe="outside", outcome=Outcome.NOT_ASKED)]) == set()


def test_what_lists_say_of_no_port_is_no_door() -> None:
    told = (
        statement("shodan", Vantage.SHODAN, "listing", listing="whole"),
        statement("upnp", Vantage.BOX, "wan", address=HOME),
    )
    assert doors(replace(seen_from_outside(), services=(), findings=(), statements=told)) == ()
