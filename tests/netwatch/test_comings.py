"""Who is told as new or gone, and who is not? Night after night in a real store, as netwatch lives them."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwatch.change import Came, Standing
from netwatch.comings import like_a_phone, searches
from netwatch.diff import Night
from netwatch.errors import StoreError
from netwatch.model import Coverage, Device, Outcome, Run, Vantage
from netwatch.post import Letter
from netwatch.sayings import Saying, What
from netwatch.store import FILE
from tests.lab.house import CATALOGUE, HOME, START, House, card, device, house, looked, opened
from tests.lab.nights import ARCHIVE, QUERY, archive_at_home

if TYPE_CHECKING:
    from collections.abc import Iterator

BOX, PC, PRINTER = device(1, kind="box"), device(20, kind="computer"), device(40, kind="printer")
OLD = (BOX, PC)
KNOCKS = "knock"
OTHER = "192.168.2.0/24"
GUESTS = {"ranges": [{"name": "guests", "network": "192.168.1.128/25", "expect": "phones"}]}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as opened_:
        yield opened_


@pytest.fixture
def guests(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, **GUESTS) as opened_:
        opened_.night(0, OLD)
        yield opened_


@contextmanager
def short(folder: Path) -> Iterator[House]:
    with house(folder, gone_nights=3, **GUESTS) as opened_:
        yield opened_


def phone(number: int = 150) -> Device:
    return device(number, hidden=True)


def test_a_device_that_was_never_met_is_new_once(home: House) -> None:
    assert home.night(0, OLD).kinds == {}
    told = home.night(1, (*OLD, PRINTER))
    assert told.kinds == {"192.168.1.40": "new"}
    assert len(told.post) == 1
    assert home.night(2, (*OLD, PRINTER)).kinds == {}
    home.night(3, OLD)
    assert home.night(4, (*OLD, PRINTER)).alert is None


def test_the_first_night_is_news_of_nobody(home: House) -> None:
    told = home.night(0, [device(number) for number in range(1, 60)])
    assert (told.kinds, told.alert) == ({}, None)


def test_a_network_that_was_never_searched_is_news_of_nobody_and_from_then_on_it_is(home: House) -> None:
    home.night(0, OLD)
    lab = [device(number, address=f"192.168.2.{number}") for number in range(50, 60)]
    both = (looked(), looked(OTHER))
    assert home.night(1, (*OLD, *lab), both).kinds == {}
    late = device(70, address="192.168.2.70")
    assert home.night(2, (*OLD, *lab, late), both).kinds == {"192.168.2.70": "new"}


@pytest.mark.parametrize("ended", [Outcome.NO_ANSWER, Outcome.NOT_ASKED])
def test_after_a_night_that_did_not_search_everything_nobody_is_new(home: House, ended: Outcome) -> None:
    home.night(0, (), [looked(outcome=ended)])
    assert home.night(1, [device(number) for number in range(1, 40)]).kinds == {}


def test_after_a_night_that_searched_a_part_only_that_part_has_news(home: House) -> None:
    home.night(0, OLD, [looked("192.168.1.0/25"), looked("192.168.1.128/25", "", Outcome.NOT_ASKED)])
    told = home.night(1, (*OLD, PRINTER, device(200)))
    assert told.kinds == {"192.168.1.40": "new"}


def test_whom_only_a_better_search_finds_is_not_new(home: House) -> None:
    home.night(0, OLD, [looked(how=KNOCKS)])
    silent = [device(number) for number in range(60, 80)]
    assert home.night(1, (*OLD, *silent)).kinds == {}, "the first night with ARP"
    assert home.night(2, (*OLD, *silent, PRINTER)).kinds == {"192.168.1.40": "new"}
    laptop = device(90)
    assert home.night(3, (*OLD, laptop), [looked(how=KNOCKS)]).kinds == {"192.168.1.90": "new"}


def test_a_search_in_which_nmap_failed_is_one_by_knocks() -> None:
    failed = Coverage("discovery", Vantage.LAN, "192.168.1.128/25", None, (), Outcome.FAILED, "by nmap")
    assert searches([looked(how="arp-response, localhost-response")]) == {HOME: "whole"}
    assert searches([looked(), failed]) == {HOME: "knocks"}
    assert searches([looked(how="arp-response, knock")]) == {HOME: "knocks"}
    assert searches([looked(OTHER), failed]) == {OTHER: "whole"}
    assert searches([looked(outcome=Outcome.NO_ANSWER)]) == {}


def test_an_address_on_the_internet_is_no_device(home: House) -> None:
    home.night(0, OLD)
    public = Device("p-9.9.9.9", "9.9.9.9", kind="internet")
    assert home.night(1, (*OLD, public)).kinds == {}


def test_a_card_at_one_more_address_is_no_new_device_and_a_new_one_is_one(home: House) -> None:
    home.night(0, OLD)
    mac = card(20)
    again = [
        replace(PC, id=f"{PC.id}-192.168.1.{n}", address=f"192.168.1.{n}", mac=mac) for n in range(60, 90)
    ]
    assert home.night(1, (*OLD, *again)).kinds == {}
    server = device(100)
    also = replace(server, id=f"{server.id}-192.168.1.101", address="192.168.1.101")
    assert home.night(2, (*OLD, server, also)).kinds == {"192.168.1.100": "new"}


def test_a_box_of_which_only_a_person_speaks_is_not_met(home: House) -> None:
    home.night(0, OLD)
    declared = Device("a-192.168.1.254", "192.168.1.254", kind="box")
    assert home.night(1, OLD, devices=(*OLD, declared)).kinds == {}


def test_a_hidden_card_in_the_guest_range_is_quiet_and_stays_known(guests: House) -> None:
    told = guests.night(1, (*OLD, phone()))
    assert told.kinds == {"192.168.1.150": "(new)"}
    assert told.alert is None
    assert phone().id in {one.id for one in guests.store.devices("cabinet-dupont")}
    assert guests.night(2, (*OLD, phone()), seen=opened(phone(), 62078)).kinds == {}


@pytest.mark.parametrize(
    ("came", "ports"),
    [
        (device(150), ()),  # a card of a maker
        (device(40, hidden=True), ()),  # not in the range
        (phone(), (22,)),
        (phone(), (62078, 8080)),
        (replace(phone(), kind="computer"), ()),
        (Device("a-192.168.1.150", "192.168.1.150"), ()),  # no card seen
    ],
)
def test_what_does_not_look_like_a_phone_there_is_told(
    guests: House, came: Device, ports: tuple[int, ...]
) -> None:
    told = guests.night(1, (*OLD, came), seen=opened(came, *ports))
    assert told.kinds == {came.address: "new"}
    assert told.alert is not None


def test_what_is_recognised_as_something_else_is_no_phone() -> None:
    assert like_a_phone(phone())
    assert like_a_phone(replace(phone(), kind="phone", profile={"kind": "phone"}))
    assert not like_a_phone(replace(phone(), profile={"kind": "workstation"}))


def test_a_quiet_one_is_remembered_as_such_over_the_nights(guests: House) -> None:
    for number in range(1, 4):
        guests.night(number, (*OLD, phone()))
    told = guests.night(4, (*OLD, phone()), seen=opened(phone(), 3389))
    assert told.kinds == {"192.168.1.150": "new"}


def test_a_quiet_one_is_told_once_when_it_shows_itself_as_something_else(guests: House) -> None:
    guests.night(1, (*OLD, phone()))
    told = guests.night(2, (*OLD, phone()), seen=opened(phone(), 445))
    assert told.kinds == {"192.168.1.150": "new"}
    assert len(told.post) == 1
    assert guests.night(3, (*OLD, phone()), seen=opened(phone(), 445)).kinds == {}


def test_a_quiet_one_is_told_when_it_leaves_the_guest_range(guests: House) -> None:
    guests.night(1, (*OLD, phone()))
    inside = replace(phone(), address="192.168.1.50")
    assert guests.night(2, (*OLD, inside)).kinds == {"192.168.1.50": "new"}


def test_where_anything_is_expected_nothing_is_news(tmp_path: Path) -> None:
    wifi = {"name": "wifi", "network": "192.168.1.128-192.168.1.250", "expect": "anything"}
    with house(tmp_path, ranges=[wifi], gone_nights=2) as one:
        one.night(0, OLD)
        server = device(200, kind="server")
        assert one.night(1, (*OLD, server), seen=opened(server, 22)).alert is None
        for number in range(2, 9):
            assert one.night(number, OLD).kinds == {}, "nor missed"


def test_a_device_is_gone_after_so_many_nights_and_said_once(tmp_path: Path) -> None:
    with short(tmp_path) as one:
        one.night(0, (*OLD, PRINTER))
        assert [one.night(number, OLD).kinds for number in (1, 2)] == [{}, {}]
        told = one.night(3, OLD)
        assert told.kinds == {"192.168.1.40": "gone"}
        assert len(told.post) == 1
        assert told.comings[0].since == START
        assert [one.night(number, OLD).kinds for number in range(4, 12)] == [{}] * 8


def test_when_it_comes_back_it_is_back_and_not_new_and_nobody_is_mailed(tmp_path: Path) -> None:
    with short(tmp_path) as one:
        one.night(0, (*OLD, PRINTER))
        for number in range(1, 6):
            one.night(number, OLD)
        told = one.night(6, (*OLD, PRINTER))
        assert (told.kinds, told.alert) == ({"192.168.1.40": "(back)"}, None)
        assert [one.night(number, OLD).kinds for number in (7, 8, 9)] == [{}, {}, {"192.168.1.40": "gone"}]


def test_one_night_in_between_begins_the_count_again(tmp_path: Path) -> None:
    with short(tmp_path) as one:
        for number in range(12):
            here = (*OLD, PRINTER) if number % 3 == 0 else OLD
            assert one.night(number, here).kinds == {}


def test_what_was_not_looked_at_is_not_gone(tmp_path: Path) -> None:
    with short(tmp_path) as one:
        one.night(0, (*OLD, PRINTER))
        one.night(1, OLD)
        one.night(2, OLD)
        for number, searched in enumerate(
            (
                [looked("192.168.1.0/27")],  # a part that it is not in
                [looked(how=KNOCKS)],  # it was met by ARP
                [looked(outcome=Outcome.NOT_ASKED)],
                [looked(outcome=Outcome.NO_ANSWER)],
                [],  # from outside
            ),
            3,
        ):
            assert one.night(number, OLD, searched).kinds == {}
        assert one.night(9, OLD).kinds == {"192.168.1.40": "gone"}


def test_a_network_in_which_nobody_answers_may_be_cut_off(tmp_path: Path) -> None:
    both = (looked(), looked(OTHER))
    far = [device(number, address=f"192.168.2.{number}") for number in range(50, 55)]
    with short(tmp_path) as one:
        one.night(0, (*OLD, *far), both)
        for number in range(1, 8):
            assert one.night(number, OLD, both).kinds == {}
        for number in range(8, 10):
            assert one.night(number, (*OLD, far[0]), both).kinds == {}
        told = one.night(10, (*OLD, far[0]), both)
        assert set(told.kinds) == {one_.address for one_ in far[1:]}


def test_several_looks_on_one_day_are_one_night(tmp_path: Path) -> None:
    with short(tmp_path) as one:
        one.night(0, (*OLD, PRINTER))
        for number in range(1, 8):
            assert one.night(number / 100, OLD).kinds == {}
        one.night(1, OLD)
        assert one.night(1.01, OLD).kinds == {}
        assert one.night(2, OLD).kinds == {}
        assert one.night(3, OLD).kinds == {"192.168.1.40": "gone"}


def test_a_telephone_that_hides_its_card_is_never_missed_and_a_server_that_does_is(tmp_path: Path) -> None:
    virtual = device(60, hidden=True, kind="server")
    with short(tmp_path) as one:
        one.night(0, (*OLD, device(50, hidden=True), phone(), virtual))
        for number in range(1, 3):
            assert one.night(number, OLD).kinds == {}
        assert one.night(3, OLD).kinds == {"192.168.1.60": "gone"}


def test_one_that_is_left_alone_or_excluded_is_not_missed(tmp_path: Path) -> None:
    alone, barred = replace(device(60), left_alone="2026-11-01T22:00:00Z"), device(61)
    with house(tmp_path, gone_nights=2, exclude={"macs": [card(61)]}) as one:
        one.night(0, (*OLD, alone, barred))
        assert [one.night(number, OLD).kinds for number in range(1, 6)] == [{}] * 5


def test_with_no_nights_nobody_is_ever_gone(tmp_path: Path) -> None:
    with house(tmp_path, gone_nights=0) as one:
        one.night(0, (*OLD, PRINTER))
        assert [one.night(number, OLD).kinds for number in range(1, 40)] == [{}] * 39


def test_what_is_gone_is_not_repaired(tmp_path: Path) -> None:
    archive = replace(ARCHIVE, mac=card(99))
    with short(tmp_path) as one:
        seen = archive_at_home()
        one.night(0, (*OLD, archive), seen=[seen], findings=frozenset({seen.finding(QUERY)}))
        for number in range(1, 6):
            one.night(number, OLD)
        [(finding, status)] = one.store.picture("cabinet-dupont").findings.items()
        assert (finding.rule, status.value) == (QUERY, "unverified")


def test_the_same_run_told_again_tells_nothing(home: House) -> None:
    home.night(0, OLD)
    home.night(1, (*OLD, PRINTER))
    again = home.night(1.001, (*OLD, PRINTER))
    assert (again.kinds, again.post) == ({}, ())


def test_a_quiet_night_remembers_nothing_more(home: House) -> None:
    home.night(0, OLD)
    home.night(1, OLD)
    assert home.store.acquaintance("cabinet-dupont").standings == {}
    [searched] = home.store.acquaintance("cabinet-dupont").searched
    assert (searched.network, searched.nights, searched.since) == (HOME, 2, START)


def test_a_night_and_who_came_in_it_are_kept_whole_or_not_at_all(home: House) -> None:
    home.night(0, OLD)
    broken = replace(Came(), standings={PC.id: replace(Standing(), missed=None)})  # type: ignore[arg-type]
    at = START + timedelta(days=1)
    run = Run("n1", home.site.slug, at, at, complete=True, vantages=(Vantage.LAN,), devices=(*OLD, PRINTER))
    letter = Letter("<1@x>", "dr@cabinet.example", "s", "t", "h")
    with pytest.raises(StoreError):
        home.store.record(run, Night({}, ()), (letter,), came=broken)
    assert PRINTER.id not in {one.id for one in home.store.devices(home.site.slug)}
    assert home.store.outbox.pending(home.site.slug) == ()
    told = home.night(1, (*OLD, PRINTER))
    assert told.kinds == {"192.168.1.40": "new"}
    assert [one.letter.message_id for one in home.store.outbox.pending(home.site.slug)] == [
        told.post[0].message_id
    ]


def test_a_database_of_before_knows_its_devices_and_mails_nobody_of_them(tmp_path: Path) -> None:
    with house(tmp_path) as one:
        one.night(0, OLD)
    with sqlite3.connect(tmp_path / FILE) as db:
        for table in ("standings", "searched", "comings"):
            db.execute(f"drop table {table}")
        db.execute("delete from _sqlite_migrations where name = 'm006_comings'")
    with house(tmp_path) as one:
        assert one.night(1, (*OLD, PRINTER)).kinds == {}
        assert one.night(2, (*OLD, PRINTER, device(50))).kinds == {"192.168.1.50": "new"}


def test_the_document_tells_who_came_and_went_in_its_last_night(tmp_path: Path) -> None:
    with short(tmp_path) as one:
        one.night(0, (*OLD, PRINTER))
        one.night(1, OLD)
        one.night(2, OLD)
        one.night(3, (*OLD, phone(), device(50)))
        document = one.store.document(one.site.slug, CATALOGUE, "en")
        assert document is not None
        assert {(part.kind.value, part.address, part.quiet) for part in document.comings} == {
            ("new", "192.168.1.50", False),
            ("new", "192.168.1.150", True),
            ("gone", "192.168.1.40", False),
        }
        assert {part.nights for part in document.comings} == {3}
        assert {part.since for part in document.comings} == {"2026-11-01T22:00:00Z"}
        one.night(4, OLD)
        after = one.store.document(one.site.slug, CATALOGUE, "en")
        assert after is not None
        assert after.comings == ()


LIVES = st.lists(st.sets(st.integers(1, 12)), min_size=2, max_size=14)


@settings(deadline=None, max_examples=25)
@given(LIVES, st.integers(1, 4))
def test_whoever_comes_and_goes_is_told_new_once_and_gone_at_most_once_until_back(
    lives: list[set[int]], nights: int
) -> None:
    """Everybody's life, against the plainest count of it."""
    with TemporaryDirectory() as folder, house(Path(folder), gone_nights=nights) as one:
        known: set[int] = set()
        missed: dict[int, int] = {}
        for number, here in enumerate(lives):
            told = one.night(number, (BOX, *(device(who + 50) for who in sorted(here))))
            expected = {f"192.168.1.{who + 50}": "new" for who in here - known if number}
            for who in known - here:
                missed[who] = missed.get(who, 0) + 1
                if missed[who] == nights:
                    expected[f"192.168.1.{who + 50}"] = "gone"
            for who in here & known:
                if missed.pop(who, 0) >= nights:
                    expected[f"192.168.1.{who + 50}"] = "(back)"
            known |= here
            assert told.kinds == expected
            assert bool(told.post) == any(not kind.startswith("(") for kind in expected.values())


def test_another_card_of_a_known_device_is_no_new_device_and_it_is_gone_with_its_last_card(
    tmp_path: Path,
) -> None:
    wifi = device(41)
    said = Saying(wifi.id, What.SAME, PRINTER.id, "device-uuid", START)
    with short(tmp_path) as home:
        home.night(0, (*OLD, PRINTER))
        home.store.say(home.site.slug, [said])
        assert home.night(1, (*OLD, PRINTER, wifi)).kinds == {}
        for number in range(2, 8):
            assert home.night(number, (*OLD, wifi)).kinds == {}, "its other card answers"
        kinds = [home.night(number, OLD).kinds for number in range(8, 14)]
        assert kinds == [{}, {}, {PRINTER.address: "gone"}, {}, {}, {}]


# ------------------------------------------------------------------- several sites in one database

LAPTOP = device(77, kind="computer")


@contextmanager
def two(folder: Path, **more: object) -> Iterator[tuple[House, House]]:
    """Two practices in one database, each with its own devices."""
    with house(folder, **more) as first:
        second = House(first.store, first.site.model_copy(update={"slug": "second", "name": "Second"}))
        first.store.remember("second", "Second", "fr")
        for number in (0, 1):
            first.night(number, OLD)
            second.night(number + 0.5, (device(201), device(202)))
        yield first, second


def test_a_laptop_that_another_site_knows_is_no_new_device_where_it_visits(tmp_path: Path) -> None:
    with two(tmp_path) as (first, second):
        assert first.night(2, (*OLD, LAPTOP)).kinds == {"192.168.1.77": "new"}
        here = replace(LAPTOP, address="192.168.1.33")
        told = second.night(3 + 0.5, (device(201), device(202), here))
        assert told.kinds == {"192.168.1.33": "(elsewhere)"}
        assert told.alert is None
        assert second.night(4 + 0.5, (device(201), device(202), here)).kinds == {}, "said once"
        document = second.store.document("second", CATALOGUE, "fr")
        assert document is not None
        assert first.site.slug not in document.to_json()
        assert first.site.name not in document.to_json()


@pytest.mark.parametrize(
    "mac",
    [
        "0a:1b:a9:00:00:07",  # made up
        "00:00:5e:00:01:07",  # a role's
        *("00:0c:29:00:00:07", "08:00:27:00:00:07", "00:15:5d:00:00:07"),  # virtual machines'
        "f0:ff:ff:00:00:07",  # nobody's
    ],
)
def test_a_card_that_two_machines_may_have_is_news_at_each_site(tmp_path: Path, mac: str) -> None:
    one = Device("m-1", "192.168.1.77", mac, kind="computer")
    with two(tmp_path) as (first, second):
        first.night(2, (*OLD, one))
        told = second.night(3 + 0.5, (device(201), device(202), one))
        assert told.kinds == {"192.168.1.77": "new"}
        assert told.alert is not None


def test_who_visits_is_missed_where_it_is_at_home_and_nowhere_else(tmp_path: Path) -> None:
    with two(tmp_path, gone_nights=2) as (first, second):
        first.night(2, (*OLD, LAPTOP))
        second.night(3 + 0.5, (device(201), device(202), LAPTOP))
        for number in range(4, 9):
            assert second.night(number + 0.5, (device(201), device(202))).kinds == {}
        assert first.night(9, OLD).kinds == {}
        assert first.night(10, OLD).kinds == {"192.168.1.77": "gone"}


def test_the_site_that_knew_it_first_learns_nothing_of_its_visits(tmp_path: Path) -> None:
    with two(tmp_path) as (first, second):
        first.night(2, (*OLD, LAPTOP))
        second.night(3 + 0.5, (device(201), device(202), LAPTOP))
        assert first.night(4, (*OLD, LAPTOP)).kinds == {}
        assert first.store.acquaintance(first.site.slug).elsewhere == {card(201), card(202)}


def test_what_is_found_on_a_visitor_is_a_finding_like_any_other(tmp_path: Path) -> None:
    archive, seen = replace(ARCHIVE, mac=card(99)), archive_at_home()
    with two(tmp_path) as (first, second):
        first.night(2, (*OLD, archive))
        found = frozenset({seen.finding(QUERY)})
        told = second.night(3 + 0.5, (device(201), device(202), archive), seen=[seen], findings=found)
        assert told.kinds == {ARCHIVE.address: "(elsewhere)"}
        assert {finding.rule for finding in second.store.picture("second").findings} == {QUERY}
