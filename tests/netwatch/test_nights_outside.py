"""What becomes of an exposure from night to night: what ends it, what repairs it, and what does neither?

The line behind the packets: judged, compared, recorded. How the packets come about: test_sure.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.beyond import stored
from netwatch.box.telling import Telling
from netwatch.change import ChangeKind
from netwatch.model import Exposure, Failure, Observation, Outcome, Reason, Status, Target, Vantage
from netwatch.placing import DOUBTED
from tests.lab.nights import (
    ANSWERS,
    ARCHIVE,
    BOX,
    PUBLIC,
    QUERY,
    SECOND,
    START,
    answered,
    archive_at_home,
    by_ipv6,
    knocked,
    outside,
    practice,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.model import Facts
    from tests.lab.nights import Practice

OWN, MINE = "2620:fe::50", "2620:fe::7"  # the archive's own address, and this machine's
WEB = "http-reachable"
OPEN, CLOSED, SILENT, NOT_ASKED = Outcome.OPEN, Outcome.CLOSED, Outcome.FILTERED, Outcome.NOT_ASKED


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Practice]:
    with practice(tmp_path) as opened:
        yield opened


def shodan(port: int, nights: int) -> Observation:
    """What Shodan saw, so many nights after the first one, and says so."""
    at = START + timedelta(days=nights, hours=1)
    facts: Facts = {"dated": True, "stated_at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    return Observation("shodan", Vantage.SHODAN, f"p-{PUBLIC}", PUBLIC, port, "rdp", facts, at)


def test_a_silence_of_one_night_is_not_two_because_the_port_was_not_asked_again(one: Practice) -> None:
    one.night(0, [outside(8443)], answered(8443, "http"))
    one.night(1, asked=[knocked(SILENT, 22, 8443)])
    for number in (2, 3):  # the window closed before it was its turn
        told = one.night(number, asked=[knocked(SILENT, 22), knocked(NOT_ASKED, 8443)])
        assert told.findings(8443) == {WEB: (Status.UNVERIFIED, Exposure.EXPOSED)}
        assert [row.ended for row in told.logged(8443)] == [None]
        assert told.changes(8443) == []


def test_a_port_that_is_found_closed_is_repaired_and_its_exposure_ends(one: Practice) -> None:
    one.night(0, [outside(8443)], answered(8443, "http"))
    told = one.night(1, asked=[knocked(CLOSED, 8443)])
    assert told.findings(8443)[WEB][0] is Status.RESOLVED
    assert [row.ended for row in told.logged(8443)] == [START + timedelta(days=1)]


def test_each_port_keeps_the_night_on_which_it_was_knocked_at(one: Practice) -> None:
    one.night(0, asked=[knocked(CLOSED, 22, 50_000)])
    for number in (1, 2):
        one.night(number, asked=[knocked(CLOSED, 22)])
    dates = {row.ports: row.detail[:10] for row in one.store.asked_outside("a")}
    assert dates == {(50_000,): "2026-11-01", (22,): "2026-11-03"}


def test_a_report_newer_than_the_knock_that_found_the_port_closed_stands(one: Practice) -> None:
    one.night(0, asked=[knocked(CLOSED, 22, 50_000)])  # 50000 came with that night's slice
    for number in (1, 2, 3):
        one.night(number, asked=[knocked(CLOSED, 22)])
    vantages = (Vantage.OUTSIDE, Vantage.SHODAN)
    told = one.night(4, [shodan(50_000, 2)], [knocked(CLOSED, 22)], vantages=vantages)
    assert told.findings(50_000) == {"reported-open": (Status.OPEN, Exposure.REPORTED)}
    assert told.placed.refuted() == frozenset()
    told = one.night(5, [shodan(50_000, 2)], [knocked(CLOSED, 22, 50_000)], vantages=vantages)
    assert told.placed.refuted() == {(f"p-{PUBLIC}", 50_000, "tcp")}


def test_inside_only_is_said_where_every_public_address_was_asked_and_not_before(one: Practice) -> None:
    both = (PUBLIC, SECOND)
    unasked = knocked(NOT_ASKED, address=SECOND)
    told = one.night(0, [archive_at_home()], [knocked(CLOSED, 104), unasked], public=both)
    assert told.tonight(104) == {QUERY: Exposure.NOT_CHECKED}
    told = one.night(1, [archive_at_home()], [knocked(CLOSED, 104)], public=both)
    assert told.tonight(104) == {QUERY: Exposure.NOT_CHECKED}
    asked = [knocked(CLOSED, 104), knocked(CLOSED, 104, address=SECOND)]
    told = one.night(2, [archive_at_home()], asked, public=both)
    assert told.tonight(104) == {QUERY: Exposure.INSIDE_ONLY}


def test_an_address_that_nobody_was_sure_enough_of_to_ask_it_may_be_the_way_in(one: Practice) -> None:
    doubted = Failure(DOUBTED, Vantage.OUTSIDE, SECOND, None, Reason.UNPROVED, "told by one alone")
    told = one.night(0, [archive_at_home()], [knocked(CLOSED, 104)], failures=[doubted])
    assert told.tonight(104) == {QUERY: Exposure.NOT_CHECKED}


def test_a_device_that_is_off_tonight_keeps_its_own_address_and_its_exposure(one: Practice) -> None:
    seen = [by_ipv6(OWN), outside(104, "dicom", OWN, ANSWERS)]
    public = (PUBLIC, MINE)
    one.night(0, seen, answered(104, "dicom", OWN), public=public)
    told = one.night(1, asked=[knocked(SILENT, 104)], public=public)
    assert told.placed.retired == frozenset()
    assert told.findings(104) == {QUERY: (Status.UNVERIFIED, Exposure.EXPOSED)}
    assert [row.ended for row in told.logged(104)] == [None]
    assert one.findings(104) == {QUERY: Exposure.EXPOSED}


def test_what_is_open_at_a_devices_own_address_every_night_is_one_exposure(one: Practice) -> None:
    seen = [by_ipv6(OWN), outside(104, "dicom", OWN, ANSWERS)]
    for number in range(3):
        told = one.night(number, seen, answered(104, "dicom", OWN), public=(PUBLIC, MINE))
        assert told.placed.retired == frozenset()
        assert [row.ended for row in told.logged(104)] == [None]
        assert one.findings(104) == {QUERY: Exposure.EXPOSED}
    assert told.changes(104) == []


def test_an_address_at_which_something_was_seen_tonight_is_not_history_yet(one: Practice) -> None:
    seen, asked = [outside(8443, address=SECOND)], answered(8443, "http", SECOND)
    one.night(0, [*seen, outside(80, address=SECOND)], asked, public=(PUBLIC, SECOND))
    told = one.night(1, seen, asked)
    assert told.placed.retired == frozenset()
    assert one.findings(8443) == {WEB: Exposure.EXPOSED}
    assert [row.ended for row in told.logged(8443)] == [None]
    told = one.night(2)
    assert told.placed.retired == {f"p-{SECOND}"}
    assert one.findings(8443) == {}


def listed(*rules: tuple[int, str, int], whole: bool = True) -> list[Observation]:
    """What the box tells of its forwards, as its own page has them."""
    telling = Telling("freebox", Target(BOX.id, BOX.address, (), vantage=Vantage.BOX))
    for port, to, to_port in rules:
        telling.forward("tcp", (port, port), to, to_port, True)  # noqa: FBT003 - Telling's own
    telling.listing(whole=whole, before=0)
    return [stored(replace(seen, seen_at=START)) for seen in telling.observations]


def test_a_list_of_the_box_that_is_empty_now_ends_the_last_forward(one: Practice) -> None:
    vantages = (Vantage.LAN, Vantage.BOX)
    told = one.night(0, listed((8104, ARCHIVE.address, 104)), public=(), vantages=vantages)
    assert told.findings(8104) == {"box-forward": (Status.OPEN, Exposure.FORWARDED)}
    told = one.night(1, listed(whole=False), public=(), vantages=vantages)
    assert [row.ended for row in told.logged(8104)] == [None]
    told = one.night(2, listed(), public=(), vantages=vantages)
    assert told.changes(8104) == [ChangeKind.RESOLVED]
    assert [row.ended for row in told.logged(8104)] == [START + timedelta(days=2)]
    assert one.findings(8104) == {}
