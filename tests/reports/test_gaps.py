from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netwatch.model import Outcome, Reason, Vantage
from reports.gaps import devices, gaps, points, vanished
from tests.reports.internet import HOME, PUBLIC, failure, knock, seen_from_outside

if TYPE_CHECKING:
    from netwatch.document import Document


def test_a_question_that_failed_is_owed_once_although_two_rows_tell_it(document: Document) -> None:
    failed = [row for row in document.coverage if row.outcome == Outcome.FAILED]
    assert [(row.probe, row.address) for row in failed] == [("dicom", "192.168.1.40")]
    assert points(document) == 3  # a timeout, a busy server, a host whose ports were not all asked


def test_a_port_that_speaks_something_else_is_told_but_not_owed(document: Document) -> None:
    mute = tuple(row for row in document.failures if row.reason == Reason.MUTE)
    only = replace(document, failures=mute, coverage=())
    assert points(only) == 0
    assert [gap.kind for gap in gaps(only)] == ["reason.mute"]


def test_filtered_and_excluded_are_told_although_the_night_is_whole(document: Document) -> None:
    row = document.coverage[1]
    rows = tuple(replace(row, outcome=outcome) for outcome in (Outcome.FILTERED, Outcome.EXCLUDED))
    only = replace(document, failures=(), coverage=rows)
    assert points(only) == 0
    assert [gap.kind for gap in gaps(only)] == ["outcome.filtered", "outcome.excluded"]


def test_that_nobody_was_asked_for_names_leaves_no_device_unknown(document: Document) -> None:
    row = replace(document.coverage[1], probe="names", outcome=Outcome.EXCLUDED)
    assert gaps(replace(document, failures=(), coverage=(row,))) == ()


def test_a_device_seen_only_before_this_run_is_absent(document: Document) -> None:
    assert [device.id for device in vanished(document)] == ["d30"]


def test_what_concerns_the_look_from_outside_is_told_elsewhere() -> None:
    document = seen_from_outside()
    lost = failure("outside", Vantage.OUTSIDE, Reason.UNPROVED, "")
    box = failure("freebox", Vantage.BOX, Reason.CREDENTIALS, "")
    at_port = replace(lost, probe="rdp", address=HOME, port=3389, reason=Reason.TIMEOUT)
    told = gaps(replace(document, failures=(lost, box, at_port), coverage=()))
    assert [(gap.kind, gap.places) for gap in told] == [("reason.timeout", ((HOME, 3389),))]


def test_that_the_internet_box_drops_in_silence_is_no_gap_of_its_own() -> None:
    silent = replace(seen_from_outside(), failures=(), coverage=(knock("1-1000", Outcome.FILTERED),))
    assert gaps(silent) == ()
    inside = replace(silent.coverage[0], vantage=Vantage.LAN)
    assert [gap.kind for gap in gaps(replace(silent, coverage=(inside,)))] == ["outcome.filtered"]


def test_an_address_on_the_internet_is_no_device_and_never_absent() -> None:
    document = seen_from_outside()
    assert [device.id for device in vanished(document)] == ["d30"]
    assert PUBLIC not in {device.id for device in devices(document)}
    alone = replace(document, run=replace(document.run, vantages=(Vantage.OUTSIDE,)))
    assert vanished(alone) == ()
