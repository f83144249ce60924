"""What becomes of a night's changes over the nights of a real store: what is mailed, and what waits?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.change import Came, Change, ChangeKind
from netwatch.diff import Night
from netwatch.editing import newsroom
from netwatch.model import Coverage, Exposure, Outcome, Run, Vantage
from tests.lab.nights import (
    ARCHIVE,
    BOX,
    CATALOGUE,
    QUERY,
    SITE,
    START,
    archive_at_home,
    forward,
    knocked,
    practice,
    said_by_box,
)
from tests.netwatch.test_news import PACS, SHARE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.news import News
    from tests.lab.nights import Practice, Told

ASKED = Coverage("dicom", Vantage.LAN, ARCHIVE.address, ARCHIVE.id, (104,), Outcome.ANSWERED)
LISTED = Coverage("freebox", Vantage.BOX, BOX.address, BOX.id, (), Outcome.ANSWERED)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Practice]:
    with practice(tmp_path) as opened:
        yield opened


def night(one: Practice, number: int, *, let_in: bool) -> Told:
    """The archive answers everybody at home; the box lists what it lets in."""
    ways = [forward(11112, ARCHIVE.address, 104)] if let_in else []
    seen = [archive_at_home(), said_by_box("listing", listing="whole"), *ways]
    return one.night(number, seen, [ASKED, LISTED], vantages=(Vantage.LAN, Vantage.BOX))


def test_a_server_let_in_again_after_it_was_shut_is_mailed_again(one: Practice) -> None:
    night(one, 0, let_in=False)
    assert night(one, 1, let_in=True).mailed(104) == [ChangeKind.WORSENED]
    assert night(one, 3, let_in=False).mailed(104) == []
    assert night(one, 4, let_in=False).mailed(104) == [ChangeKind.IMPROVED]
    assert night(one, 5, let_in=False).mailed(104) == []
    assert night(one, 180, let_in=True).mailed(104) == [ChangeKind.WORSENED]


def test_a_way_in_that_is_shut_for_one_night_is_no_news(one: Practice) -> None:
    night(one, 0, let_in=False)
    night(one, 1, let_in=True)
    told = [night(one, number, let_in=number != 8) for number in range(2, 14)]
    assert [change for each in told for change in (*each.mailed(104), *each.mailed(11112))] == []


def test_a_server_that_proves_to_be_shut_from_outside_is_not_told_as_worse(one: Practice) -> None:
    one.night(0, [archive_at_home()], [ASKED], vantages=(Vantage.LAN,))
    both = (Vantage.LAN, Vantage.OUTSIDE)
    told = one.night(1, [archive_at_home()], [ASKED, knocked(Outcome.CLOSED, 104)], vantages=both)
    assert told.findings(104)[QUERY][1] is Exposure.INSIDE_ONLY
    assert told.changes(104) == told.mailed(104) == []


def edited(one: Practice, hours: float, *changes: Change, mute: bool = False) -> News:
    """A night with these changes, recorded. `mute`: with --no-alert."""
    at = START + timedelta(hours=hours)
    run = Run(f"n{hours}", SITE, at, at + timedelta(minutes=9), complete=True, vantages=(Vantage.LAN,))
    moved = Night({}, changes)
    news = newsroom(run, one.store, CATALOGUE, moved, Came(), 2, mute=mute)
    one.store.record(run, moved, (), told=news)
    return news


def test_a_scan_that_tells_nobody_leaves_what_waited_to_the_next_one(one: Practice) -> None:
    first, waits = Change(ChangeKind.APPEARED, SHARE), Change(ChangeKind.APPEARED, replace(SHARE, port=139))
    assert edited(one, 0, first).digest == (first,)
    assert edited(one, 1, waits).digest == ()
    silent = edited(one, 24, Change(ChangeKind.APPEARED, PACS), mute=True)
    assert (silent.at_once, silent.digest) == ((), ())
    assert edited(one, 25).digest == (waits,)
    assert edited(one, 49) == edited(one, 73)
