"""Does a night deserve a letter, and what is in it?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from netwatch.alert import alert, wakes
from netwatch.change import Change, ChangeKind, Coming, ComingKind
from netwatch.model import Device, Finding, Run, Vantage
from netwatch.news import News

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = Run("r", "cabinet", NOON, NOON, complete=True, vantages=(Vantage.LAN,))
LEADING = [ChangeKind.APPEARED, ChangeKind.WORSENED, ChangeKind.NEWLY_CHECKED, ChangeKind.FLAPPING]


def change(kind: ChangeKind, port: int = 104) -> Change:
    return Change(kind, Finding("dicom-query-answered", "d", port, probe="dicom", address="192.168.1.20"))


def news(*at_once: Change, digest: tuple[Change, ...] = ()) -> News:
    return News((), at_once, digest)


def coming(kind: ComingKind, *, quiet: bool = False) -> Coming:
    return Coming(kind, Device("m-1", "192.168.1.40"), quiet)


def test_a_night_without_news_has_no_letter() -> None:
    assert alert(RUN, news()) is None


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_what_is_told_at_once_and_what_was_due_share_one_letter_that_the_urgent_leads(
    kind: ChangeKind,
) -> None:
    urgent, rest = change(ChangeKind.APPEARED), change(kind, 4242)
    told = alert(RUN, news(urgent, digest=(rest,)))
    assert told is not None
    assert (told.site, told.run, told.changes) == ("cabinet", "r", (urgent, rest))
    assert told.urgent


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_of_a_quieter_letter_devices_are_the_lead_unless_something_was_found(kind: ChangeKind) -> None:
    told = alert(RUN, news(digest=(change(kind),)), [coming(ComingKind.NEW)])
    assert told is not None
    assert told.urgent is (kind in LEADING)
    alone = alert(RUN, news(digest=(change(kind),)))
    assert alone is not None
    assert alone.urgent, "there is no device to lead it"


@pytest.mark.parametrize("kind", [ComingKind.NEW, ComingKind.GONE])
def test_a_device_that_came_or_went_is_mailed_without_any_finding(kind: ComingKind) -> None:
    told = alert(RUN, news(), [coming(kind)])
    assert told is not None
    assert (told.comings, told.urgent) == ((coming(kind),), False)


def test_one_that_is_back_or_expected_wakes_nobody_and_is_told_beside_others() -> None:
    quiet = [coming(ComingKind.BACK, quiet=True), coming(ComingKind.NEW, quiet=True)]
    assert not wakes(quiet)
    assert alert(RUN, news(), quiet) is None
    told = alert(RUN, news(change(ChangeKind.APPEARED)), quiet)
    assert told is not None
    assert (told.comings, told.urgent) == (tuple(quiet), True)
