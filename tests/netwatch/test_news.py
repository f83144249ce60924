"""Is a thing told once, at once where it must be, and never the same twice?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes
from netwatch.change import Change, ChangeKind
from netwatch.composition import RULES
from netwatch.model import LIVENESS, Exposure, Finding, Status
from netwatch.news import Editor, Fate, Item, News, due, receded
from netwatch.words import Catalogue

CATALOGUE = Catalogue((*probes.words(), RULES))
START = datetime(2026, 11, 1, 22, tzinfo=UTC)
PACS = Finding("dicom-query-answered", "m-1", 104, probe="dicom", address="192.168.1.20")
SHARE = Finding("smb-reachable", "m-2", 445, probe="smb", address="192.168.1.30")
CAME, GONE = ChangeKind.APPEARED, ChangeKind.RESOLVED


class Desk:
    """One site's news over the nights, kept as the store keeps them."""

    def __init__(self, gone_after: int = 2) -> None:
        self.items: dict[int, Item] = {}
        self.numbers = count(1)
        self.nights: list[datetime] = []
        self.last: datetime | None = None
        self.gone_after = gone_after

    def night(self, hours: float, *changes: Change, complete: bool = True, mute: bool = False) -> News:
        now = START + timedelta(hours=hours)
        if complete:
            self.nights.append(now)
        editor = Editor(CATALOGUE, self.nights, self.gone_after)
        told = editor.night(self.items.values(), changes, now, due=due(self.last, now), mute=mute)
        for item in told.items:
            number = item.number or next(self.numbers)
            self.items[number] = replace(item, number=number)
        if told.digest:
            self.last = now
        return told

    def day(self, day: int, *changes: Change, complete: bool = True, mute: bool = False) -> News:
        return self.night(24 * day, *changes, complete=complete, mute=mute)


def kinds(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.kind.value, change.finding.rule) for change in changes]


def exposed(finding: Finding) -> Finding:
    return replace(finding, exposure=Exposure.EXPOSED)


@pytest.mark.parametrize(
    ("change", "at_once"),
    [
        (Change(CAME, PACS), True),
        (Change(ChangeKind.NEWLY_CHECKED, PACS), True),
        (Change(CAME, exposed(SHARE)), True),
        (Change(ChangeKind.WORSENED, exposed(SHARE), SHARE), True),
        (Change(CAME, replace(SHARE, rule="box-forward", exposure=Exposure.FORWARDED)), True),
        (Change(CAME, replace(SHARE, rule="device-stopped-answering", probe=LIVENESS)), True),
        (Change(CAME, SHARE), False),
        (Change(CAME, replace(SHARE, rule="version-unsafe")), False),
        (Change(CAME, replace(SHARE, rule="reported-open", exposure=Exposure.REPORTED)), False),
        (Change(GONE, PACS), False),
        (Change(ChangeKind.IMPROVED, exposed(SHARE)), False),
    ],
)
def test_what_answers_strangers_or_the_internet_is_told_at_once_and_the_rest_in_the_morning(
    change: Change,
    at_once: bool,  # noqa: FBT001 - a column of the table
) -> None:
    told = Desk(gone_after=1).day(0, change)
    assert (told.at_once, told.digest) == (((change,), ()) if at_once else ((), (change,)))


def test_silence_and_a_moved_address_are_no_news() -> None:
    told = Desk().day(0, Change(ChangeKind.UNVERIFIED, PACS), Change(ChangeKind.MOVED, exposed(PACS)))
    assert (told.items, told.at_once, told.digest) == ((), (), ())


def test_two_scans_of_one_day_make_one_digest_and_lose_nothing() -> None:
    desk = Desk()
    assert kinds(desk.night(0, Change(CAME, SHARE)).digest) == [("appeared", "smb-reachable")]
    other = replace(SHARE, device="m-3")
    assert desk.night(2, Change(CAME, other)).digest == ()
    assert desk.night(4).digest == ()
    assert [change.finding for change in desk.night(24).digest] == [other]


def test_what_is_gone_is_told_after_two_nights_and_only_on_nights_that_looked() -> None:
    desk = Desk()
    desk.day(0, Change(CAME, SHARE))
    assert desk.day(1, Change(GONE, SHARE)).digest == ()
    assert desk.day(2, complete=False).digest == ()
    assert kinds(desk.day(3).digest) == [("resolved", "smb-reachable")]
    assert desk.day(4).digest == ()


def test_two_scans_of_one_day_are_not_two_nights_without_it() -> None:
    desk = Desk()
    desk.day(0, Change(CAME, SHARE))
    desk.night(24, Change(GONE, SHARE))
    assert [desk.night(hours).digest for hours in (25, 30, 40)] == [()] * 3
    assert kinds(desk.night(48).digest) == [("resolved", "smb-reachable")]


def test_what_came_back_before_it_was_told_as_gone_is_no_news() -> None:
    desk = Desk(gone_after=3)
    desk.day(0, Change(CAME, PACS))
    desk.day(1, Change(GONE, PACS))
    told = desk.day(2, Change(CAME, PACS))
    assert (told.at_once, told.digest) == ((), ())
    for day in range(3, 9):
        assert desk.day(day).digest == ()


def test_what_was_told_as_gone_and_is_there_again_is_told_again() -> None:
    desk = Desk()
    desk.day(0, Change(CAME, PACS))
    desk.day(1, Change(GONE, PACS))
    assert kinds(desk.day(2).digest) == [("resolved", "dicom-query-answered")]
    assert kinds(desk.day(30, Change(CAME, PACS)).at_once) == [("appeared", "dicom-query-answered")]


def test_what_came_and_went_before_the_morning_is_told_as_gone_only() -> None:
    desk = Desk()
    desk.night(0, Change(CAME, replace(SHARE, device="m-9")))
    desk.night(1, Change(CAME, SHARE))
    desk.night(2, Change(GONE, SHARE))
    assert kinds(desk.night(26).digest) == [("resolved", "smb-reachable")]


def test_what_comes_and_goes_is_said_once_and_then_no_more_until_it_was_calm() -> None:
    desk, told = Desk(), []
    for day in range(0, 20, 2):
        told += [*desk.day(day, Change(CAME, PACS)).at_once]
        told += [*desk.day(day + 1, Change(GONE, PACS)).at_once]
    assert kinds(tuple(told)) == [("appeared", "dicom-query-answered"), ("flapping", "dicom-query-answered")]
    assert [kinds(desk.day(day).digest) for day in (22, 34)] == [[], [("resolved", "dicom-query-answered")]]
    assert kinds(desk.day(60, Change(CAME, PACS)).at_once) == [("appeared", "dicom-query-answered")]


def test_what_comes_and_goes_and_is_worse_than_ever_is_told_at_once() -> None:
    desk = Desk()
    for day in range(0, 8, 2):
        desk.day(day, Change(CAME, SHARE))
        desk.day(day + 1, Change(GONE, SHARE))
    worse = Change(CAME, exposed(SHARE))
    assert desk.day(8, worse).at_once == (worse,)


def test_of_one_ladder_a_worse_rung_is_told_though_the_other_was() -> None:
    desk = Desk()
    low = replace(PACS, rule="dicom-name-only")
    desk.day(0, Change(CAME, low))
    worse = Change(ChangeKind.WORSENED, PACS, low)
    assert desk.day(1, worse).at_once == (worse,)
    better = Change(ChangeKind.IMPROVED, low, PACS)
    assert desk.day(2, better).digest == (better,)
    assert desk.day(3, worse).at_once == (worse,)
    assert desk.day(4, better).digest == (better,)
    assert kinds(desk.day(5, worse).at_once) == [("flapping", "dicom-query-answered")], "to and fro"


def test_what_grows_worse_and_worse_and_is_gone_once_does_not_come_and_go() -> None:
    desk = Desk()
    low = replace(PACS, rule="dicom-name-only")
    desk.day(0, Change(CAME, low))
    desk.day(1, Change(ChangeKind.WORSENED, PACS, low))
    desk.day(5, Change(GONE, PACS))
    desk.day(6)
    assert kinds(desk.day(8, Change(CAME, PACS)).at_once) == [("appeared", "dicom-query-answered")]


def test_a_device_that_stops_answering_again_is_told_again() -> None:
    desk = Desk()
    silent = Change(CAME, replace(SHARE, rule="device-stopped-answering", probe=LIVENESS))
    assert desk.day(0, silent).at_once == (silent,)
    assert desk.day(1, silent).at_once == (silent,)


def test_what_is_accepted_as_exposed_as_it_is_is_no_news_when_it_is_seen_again() -> None:
    until = date(2027, 6, 30)
    seen = Change(ChangeKind.WORSENED, exposed(SHARE), SHARE, until=until)
    assert Desk().day(0, seen) == News((), (), ())
    assert Desk().day(0, replace(seen, until=None)).at_once != ()


@pytest.mark.parametrize("kind", [ChangeKind.EXPIRED, ChangeKind.EXPIRING])
def test_the_end_of_a_decision_is_told_in_the_morning(kind: ChangeKind) -> None:
    over = Change(kind, PACS, until=date(2027, 6, 30))
    assert Desk().day(0, over).digest == (over,)


def test_the_worst_comes_first() -> None:
    told = Desk().day(0, Change(CAME, SHARE), Change(CAME, replace(SHARE, rule="rdp-no-nla", port=3389)))
    assert [change.finding.rule for change in told.digest] == ["rdp-no-nla", "smb-reachable"]


def test_what_goes_up_and_down_a_ladder_is_told_as_that_and_never_again_as_improved() -> None:
    desk, told = Desk(), []
    low = replace(PACS, rule="dicom-name-only")
    desk.day(0, Change(CAME, low))
    for day in range(1, 31):
        up = Change(ChangeKind.WORSENED, PACS, low) if day % 2 else Change(ChangeKind.IMPROVED, low, PACS)
        night = desk.day(day, up)
        told += kinds((*night.at_once, *night.digest))
    assert [kind for kind, _ in told] == ["worsened", "improved", "worsened", "improved", "flapping"]
    assert [kinds(desk.day(day).digest) for day in (40, 45)] == [[], [("improved", "dicom-name-only")]], (
        "calm"
    )


def test_what_comes_and_goes_at_home_and_is_now_exposed_is_told_though_it_once_was_long_ago() -> None:
    desk = Desk()
    desk.day(0, Change(CAME, exposed(PACS)))
    desk.day(1, Change(GONE, exposed(PACS)))
    desk.day(2)
    for day in range(300, 307, 2):
        desk.day(day, Change(CAME, PACS))
        desk.day(day + 1, Change(GONE, PACS))
    worse = Change(CAME, exposed(PACS))
    assert desk.day(308, worse).at_once == (worse,)


def test_not_to_have_got_in_from_the_internet_is_no_worse_than_not_to_have_looked() -> None:
    desk = Desk()
    desk.day(0, Change(CAME, PACS))
    desk.day(1, Change(GONE, PACS))
    assert desk.day(2, Change(CAME, replace(PACS, exposure=Exposure.INSIDE_ONLY))).at_once == ()


def test_what_is_no_more_exposed_is_told_after_two_nights_and_what_is_exposed_again_at_once() -> None:
    desk = Desk()
    worse = Change(ChangeKind.WORSENED, exposed(PACS), PACS)
    [fell] = receded([exposed(PACS)], {PACS: Status.OPEN})
    desk.day(0, Change(CAME, PACS))
    assert desk.day(1, worse).at_once == (worse,)
    assert desk.day(20, fell).digest == ()
    assert desk.day(21, worse).at_once == (), "that it was shut was never told"
    assert desk.day(40, fell).digest == ()
    assert desk.day(41).digest == (fell,)
    assert desk.day(200, worse).at_once == (worse,)


def test_what_is_gone_has_not_receded_and_of_what_was_never_told_as_near_nothing_is_said() -> None:
    assert list(receded([exposed(PACS)], {PACS: Status.RESOLVED})) == []
    [fell] = receded([exposed(PACS)], {PACS: Status.OPEN})
    desk = Desk()
    desk.day(0, Change(CAME, PACS))  # what was seen of it from outside was told as a public port's
    assert [desk.day(day, *([fell] if day == 1 else [])).digest for day in (1, 2, 3)] == [()] * 3


@pytest.mark.parametrize("kind", [ChangeKind.EXPIRED, ChangeKind.EXPIRING, CAME])
def test_a_night_of_which_nobody_is_told_takes_nothing_from_what_waited(kind: ChangeKind) -> None:
    desk, other = Desk(), replace(SHARE, device="m-3")
    desk.night(0, Change(CAME, other))
    waits = Change(kind, SHARE)
    assert desk.night(1, waits).digest == ()
    assert desk.night(30, mute=True) == News((), (), ())
    assert desk.night(48).digest == (waits,)


def test_a_night_of_which_nobody_is_told_is_not_told_later_and_hides_nothing_that_comes() -> None:
    desk = Desk()
    seen = [Change(CAME, PACS), Change(CAME, SHARE)]
    told = desk.day(0, *seen, mute=True)
    assert (told.at_once, told.digest) == ((), ())
    assert [(night.at_once, night.digest) for night in (desk.day(1), desk.day(2))] == [((), ())] * 2
    worse = Change(ChangeKind.WORSENED, exposed(PACS), PACS)
    assert desk.day(3, worse).at_once == (worse,)


def test_what_came_and_went_before_nobody_was_told_is_told_as_such_by_the_next_night() -> None:
    desk = Desk()
    desk.day(0, Change(CAME, PACS))
    for day in (1, 3):
        desk.day(day, Change(GONE, PACS))
        told = desk.day(day + 1, Change(CAME, PACS), mute=day == 3)
        assert told.at_once == ()
    assert kinds(desk.day(5).digest) == [("flapping", "dicom-query-answered")]


def test_a_clock_that_was_wrong_once_keeps_nothing_back() -> None:
    desk, later = Desk(), replace(SHARE, device="m-3")
    desk.day(1500, Change(CAME, PACS), Change(CAME, SHARE))
    assert desk.day(0, Change(CAME, later)).digest == (Change(CAME, later),)
    desk.day(1, Change(GONE, PACS))
    assert kinds(desk.day(2).digest) == [("resolved", "dicom-query-answered")]
    assert kinds(desk.day(30, Change(CAME, PACS)).at_once) == [("appeared", "dicom-query-answered")]
    desk.day(1600, Change(GONE, PACS))
    assert kinds(desk.day(40).digest) == [("resolved", "dicom-query-answered")]


def test_what_comes_and_goes_for_years_is_told_once_though_what_was_no_news_is_forgotten() -> None:
    desk, told = Desk(), []
    for day in range(400):
        night = desk.day(day, Change(GONE if day % 2 else CAME, PACS))
        told += kinds((*night.at_once, *night.digest))
        old = [n for n, item in desk.items.items() if item.fate is Fate.DROPPED and day - 60 > days(item)]
        for number in old:
            del desk.items[number]
    assert [kind for kind, _ in told] == ["appeared", "flapping"]


def test_the_end_of_a_decision_is_told_though_the_finding_moved_before_the_morning() -> None:
    desk = Desk()
    desk.night(0, Change(CAME, PACS), Change(CAME, SHARE))
    over = Change(ChangeKind.EXPIRED, PACS, until=date(2027, 6, 30))
    desk.night(1, over)
    desk.night(2, Change(GONE, PACS))
    desk.night(3, Change(CAME, PACS))
    assert desk.day(1).digest == (over,)


def days(item: Item) -> int:
    """On which day it was settled."""
    assert item.settled is not None
    return (item.settled - START).days


def test_what_is_exposed_again_after_it_was_told_as_gone_is_told_though_it_comes_and_goes() -> None:
    desk = Desk()
    desk.day(0, Change(CAME, PACS))
    desk.day(5, Change(GONE, PACS))
    desk.day(6)
    desk.day(7, Change(CAME, exposed(PACS)))
    desk.day(12, Change(GONE, PACS))
    desk.day(13)
    assert kinds(desk.day(14, Change(CAME, PACS)).at_once) == [("flapping", "dicom-query-answered")]
    worse = Change(ChangeKind.WORSENED, exposed(PACS), PACS)
    assert desk.day(15, worse).at_once == (worse,)


def test_a_higher_rung_is_told_though_the_lower_one_was_nearer_to_the_internet() -> None:
    desk = Desk()
    low = replace(exposed(PACS), rule="dicom-name-only")
    desk.day(0, Change(CAME, low))
    worse = Change(ChangeKind.WORSENED, PACS, low)
    assert desk.day(20, worse).at_once == (worse,)


def test_what_is_back_and_less_exposed_than_it_was_told_is_told_as_improved() -> None:
    desk = Desk()
    desk.day(0, Change(CAME, exposed(PACS)))
    desk.day(1, Change(GONE, exposed(PACS)))
    assert desk.day(2, Change(CAME, PACS)).at_once == ()
    assert [one.kind for one in desk.day(3).digest] == [ChangeKind.IMPROVED]


def test_what_was_told_as_gone_is_not_told_as_gone_once_more() -> None:
    desk = Desk()
    desk.day(0, Change(CAME, SHARE))
    desk.day(1, Change(GONE, SHARE))
    assert desk.day(2).digest != ()
    desk.night(50, Change(CAME, SHARE))
    desk.night(51, Change(GONE, SHARE))
    assert [desk.day(day).digest for day in (3, 4, 5, 6)] == [()] * 4


STEPS = st.lists(st.tuples(st.sampled_from([CAME, GONE]), st.integers(1, 6)), max_size=30)


@given(STEPS)
def test_whatever_comes_and_goes_nothing_is_told_twice_in_a_row_and_what_stays_is_known(
    steps: list[tuple[ChangeKind, int]],
) -> None:
    """A share that comes and goes; after long calm, the reader knows whether it is there."""
    desk, day, there, told = Desk(), 0, False, []
    for kind, days in steps:
        change = [Change(kind, SHARE)] if (kind is CAME) != there else []
        there = there if not change else kind is CAME
        for later in range(day, day + days):
            night = desk.day(later, *(change if later == day else ()))
            told += [*night.at_once, *night.digest]
        day += days
    for later in range(day, day + 20):
        night = desk.day(later)
        told += [*night.at_once, *night.digest]
    words = [change.kind for change in told]
    assert all(one != other or one is GONE for one, other in pairwise(words)) or (
        ChangeKind.FLAPPING in words
    )
    if told:
        assert (told[-1].kind is not GONE) == there
    else:
        assert not any(kind is CAME for kind, _ in steps[:1])
    assert all(item.fate is not Fate.WAITING for item in desk.items.values())


def test_where_a_letter_goes_anyway_what_waits_for_the_morning_goes_with_it() -> None:
    desk, other = Desk(), replace(SHARE, device="m-3")
    desk.night(0, Change(CAME, SHARE))
    assert desk.night(2, Change(CAME, other)).digest == ()
    told = desk.night(4, Change(CAME, PACS))
    assert [change.finding for change in (*told.at_once, *told.digest)] == [PACS, other]
