from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netwatch.model import Outcome, Reason
from reports.gaps import gaps, points, vanished

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


def test_a_device_seen_only_before_this_run_is_absent(document: Document) -> None:
    assert [device.id for device in vanished(document)] == ["d30"]
