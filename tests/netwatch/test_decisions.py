"""Does a decision hold for what it was given for, until its day, and for nothing else?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.change import Change, ChangeKind
from netwatch.decisions import (
    BY,
    NOTICE,
    REASON,
    Decision,
    Standing,
    State,
    decision,
    expired,
    latest,
    moved,
    place,
    soon,
    weighed,
)
from netwatch.diff import Night
from netwatch.model import Exposure, Finding, Status

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
TODAY, UNTIL = date(2026, 11, 30), date(2027, 6, 30)
FINDING = Finding("dicom-query-answered", "m-1", 104)


def made(found: Finding = FINDING, until: date = UNTIL, at: datetime = AT) -> Decision:
    one = decision(found, "the scanner is replaced in June", "Dr Martin", at, until)
    assert one is not None
    return one


def accepted(found: Finding, *decisions: Decision, today: date = TODAY) -> bool:
    return Standing(decisions or (made(),), today).accepts(found) is not None


def test_it_holds_through_its_last_day_and_no_longer() -> None:
    assert accepted(FINDING)
    assert accepted(FINDING, today=UNTIL)
    assert not accepted(FINDING, today=UNTIL + timedelta(days=1))


RULES = st.sampled_from(["dicom-query-answered", "dicom-name-only", "rdp-open", "smb-old"])
FINDINGS = st.builds(
    Finding,
    rule=RULES,
    device=st.sampled_from(["m-1", "m-2", "p-9.9.9.9"]),
    port=st.sampled_from([0, 104, 105, 3389]),
    transport=st.sampled_from(["tcp", "udp"]),
    exposure=st.sampled_from(list(Exposure)),
    about=st.sampled_from([{}, {"product": "Windows 10"}, {"product": "Windows 7", "version": "6.1"}]),
)
DAYS = st.dates(date(2026, 11, 30), date(2028, 12, 31))


@given(st.lists(st.tuples(FINDINGS, DAYS), max_size=6), FINDINGS, DAYS)
def test_a_finding_is_accepted_only_by_a_word_about_this_very_place_product_and_exposure(
    words: list[tuple[Finding, date]], found: Finding, today: date
) -> None:
    decisions = [made(about, until) for about, until in words]
    one = Standing(decisions, today).accepts(found)
    if one is None:
        return
    assert (one.rule, one.device, one.port, one.transport) == place(found)
    assert one.product == found.about.get("product", "")
    assert today <= one.until
    inside = {Exposure.NOT_CHECKED, Exposure.INSIDE_ONLY}
    assert found.exposure in inside or found.exposure.rank <= one.exposure.rank


@given(FINDINGS, FINDINGS)
def test_accepting_one_finding_accepts_no_other(mine: Finding, other: Finding) -> None:
    assert accepted(mine, made(mine))
    if place(mine) != place(other):
        assert not made(mine).covers(other)
        assert not accepted(other, made(mine))


def test_what_came_nearer_to_the_internet_is_no_more_what_was_accepted() -> None:
    assert accepted(replace(FINDING, exposure=Exposure.INSIDE_ONLY)), (
        "looked at from outside, and not reached"
    )
    for worse in (Exposure.REPORTED, Exposure.FORWARDED, Exposure.EXPOSED):
        assert not accepted(replace(FINDING, exposure=worse))
    public = made(replace(FINDING, exposure=Exposure.EXPOSED))
    assert all(accepted(replace(FINDING, exposure=one), public) for one in Exposure)


def test_another_product_at_the_same_place_is_not_what_was_accepted() -> None:
    old = replace(FINDING, about={"product": "Windows 10", "version": "22H2"})
    assert accepted(replace(old, about={"product": "Windows 10", "version": "21H2"}), made(old))
    assert not accepted(replace(old, about={"product": "Windows 7"}), made(old))
    assert not accepted(FINDING, made(old))


def test_what_became_of_a_decision() -> None:
    one, later = made(), UNTIL + timedelta(days=1)
    assert one.state(TODAY) is State.STANDING
    assert one.state(later) is State.EXPIRED
    taken = replace(one, ended=AT + timedelta(days=1), why=State.REOPENED)
    assert taken.state(TODAY) is taken.state(later) is State.REOPENED
    again = replace(one, ended=datetime(2027, 7, 9, 12, tzinfo=UTC), why=State.REPLACED)
    assert again.state(later) is State.EXPIRED, "it had run out before it was made again"
    assert not accepted(FINDING, taken)


@pytest.mark.parametrize("word", ["", "   ", "\x1b\x00\u202e"])
def test_without_a_reason_or_a_name_there_is_no_decision(word: str) -> None:
    assert decision(FINDING, word, "Dr Martin", AT, UNTIL) is None
    assert decision(FINDING, "a reason", word, AT, UNTIL) is None


@given(st.text(), st.text())
def test_whatever_is_typed_one_short_printable_line_is_kept(reason: str, by: str) -> None:
    one = decision(FINDING, reason, by, AT, UNTIL)
    if one is not None:
        assert len(one.reason) <= REASON
        assert len(one.by) <= BY
        assert one.reason.isprintable()
        assert one.by.isprintable()


def test_two_years_are_the_longest() -> None:
    assert latest(date(2026, 11, 30)) == date(2028, 11, 30)
    assert latest(date(2028, 2, 29)) == date(2030, 2, 28)
    assert latest(date(2026, 12, 31)) == date(2028, 12, 31)


RUNS = st.lists(st.integers(1, 40), min_size=1, max_size=40)


@given(RUNS)
def test_on_whatever_days_we_run_an_end_is_told_once_and_announced_at_most_once(gaps: list[int]) -> None:
    one, told, announced = made(until=TODAY + timedelta(days=60)), [], []
    last, today = TODAY, TODAY
    for gap in (*gaps, 400):
        today += timedelta(days=gap)
        told += [today for _ in expired([one], today, last)]
        announced += [today for _ in soon([one], today, last)]
        assert expired([one], today, today) == soon([one], today, today) == (), (
            "a second run that day is quiet"
        )
        last = today
    assert len(told) == 1
    assert told[0] > one.until
    assert len(announced) <= 1
    assert all(one.until - NOTICE <= day <= one.until for day in announced)


def test_on_a_run_every_night_both_are_told_on_their_day() -> None:
    one = made()
    days = [TODAY + timedelta(days=number) for number in range(400)]
    pairs = list(pairwise(days))
    assert [today for last, today in pairs if expired([one], today, last)] == [date(2027, 7, 1)]
    assert [today for last, today in pairs if soon([one], today, last)] == [UNTIL - NOTICE]


def test_what_was_taken_back_made_again_or_made_for_a_few_days_is_not_announced() -> None:
    after = UNTIL + timedelta(days=1)
    for why in (State.REOPENED, State.REPLACED):
        ended = replace(made(), ended=AT + timedelta(days=2), why=why)
        assert expired([ended], after, UNTIL) == soon([ended], UNTIL - NOTICE, TODAY) == ()
    short = made(until=TODAY + timedelta(days=5))
    assert soon([short], TODAY + timedelta(days=1), TODAY - timedelta(days=30)) == ()


def night(*changes: Change, status: Status = Status.OPEN) -> Night:
    return Night({FINDING: status}, changes)


def test_a_change_knows_until_when_it_is_accepted_and_no_other_does() -> None:
    other = replace(FINDING, port=105)
    back, new = Change(ChangeKind.APPEARED, FINDING), Change(ChangeKind.APPEARED, other)
    gone = Change(ChangeKind.RESOLVED, FINDING)
    told = weighed(night(back, new, gone), [made()], TODAY, TODAY)
    assert [change.until for change in told.changes] == [UNTIL, None, None]


def test_an_end_is_told_of_what_is_still_there_alone() -> None:
    after = UNTIL + timedelta(days=1)
    told = weighed(night(), [made()], after, UNTIL).changes
    assert told == (Change(ChangeKind.EXPIRED, FINDING, until=UNTIL),)
    assert weighed(night(status=Status.RESOLVED), [made()], after, UNTIL).changes == ()
    assert weighed(Night({}, ()), [made()], after, UNTIL).changes == ()
    unverified = weighed(night(status=Status.UNVERIFIED), [made()], after, UNTIL).changes
    assert [change.kind for change in unverified] == [ChangeKind.EXPIRED], "silence is not repair"
    told = weighed(night(), [made()], UNTIL - NOTICE, UNTIL - NOTICE - timedelta(days=1)).changes
    assert told == (Change(ChangeKind.EXPIRING, FINDING, until=UNTIL),)


def test_what_moved_with_the_address_is_named_with_its_new_place() -> None:
    new = replace(FINDING, device="p-9.9.9.9")
    old = replace(FINDING, device="p-9.9.9.8")
    changes = [Change(ChangeKind.MOVED, new, old), Change(ChangeKind.APPEARED, FINDING)]
    assert moved(changes) == [(place(old), new)]
