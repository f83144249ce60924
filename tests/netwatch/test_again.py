"""Is what comes back told as back, and only what was proved gone?"""

from __future__ import annotations

from netwatch.again import before, returned
from netwatch.change import Before, Change, ChangeKind
from netwatch.diff import Night
from netwatch.model import Finding

MILD, WORSE, OTHER = "dicom-name-only", "dicom-query-answered", "rdp-open"
RUNGS = {MILD: ("dicom", -1), WORSE: ("dicom", 0)}
MARCH = ("2026-03-03T22:00:00Z", "2026-05-08T22:00:00Z", "2026-05-09T22:00:00Z")
JULY = ("2026-07-01T22:00:00Z", "2026-07-02T22:00:00Z", "2026-07-03T22:00:00Z")
FINDING = Finding(WORSE, "m-1", 104)


def test_the_last_time_is_told_and_how_many_there_were() -> None:
    assert before(WORSE, (), (), RUNGS.get) is None
    assert before(WORSE, (MARCH,), (), RUNGS.get) == Before(1, MARCH[0], MARCH[1])
    assert before(WORSE, (MARCH, JULY), (), RUNGS.get) == Before(2, JULY[0], JULY[1])
    assert before(WORSE, (MARCH,) * 400, (), RUNGS.get) == Before(400, MARCH[0], MARCH[1])


def test_what_ended_because_it_became_worse_was_not_repaired() -> None:
    assert before(MILD, (MARCH,), ((WORSE, MARCH[2]),), RUNGS.get) is None
    assert before(MILD, (MARCH, JULY), ((WORSE, JULY[2]),), RUNGS.get) == Before(1, MARCH[0], MARCH[1])
    assert before(WORSE, (MARCH,), ((MILD, MARCH[2]),), RUNGS.get) is not None, (
        "that was an improvement, proved"
    )
    assert before(MILD, (MARCH,), ((OTHER, MARCH[2]),), RUNGS.get) is not None, "another rule, of no ladder"
    assert before(OTHER, (MARCH,), ((WORSE, MARCH[2]),), RUNGS.get) is not None


def test_what_is_back_was_not_never_checked() -> None:
    was = Before(1, MARCH[0], MARCH[1])
    for kind in (ChangeKind.APPEARED, ChangeKind.NEWLY_CHECKED):
        told = returned(Night({}, (Change(kind, FINDING),)), (), lambda _: was)
        assert told.changes == (Change(ChangeKind.APPEARED, FINDING, before=was),)


def test_nothing_else_is_touched() -> None:
    def asked(_: Finding) -> Before:
        raise AssertionError

    stood = Change(ChangeKind.WORSENED, FINDING, FINDING)
    quiet = tuple(Change(kind, FINDING) for kind in ChangeKind if kind not in {"appeared", "newly-checked"})
    told = returned(Night({}, (stood, *quiet)), {FINDING}, asked)
    assert told.changes == (stood, *quiet)
    new = (Change(ChangeKind.NEWLY_CHECKED, FINDING),)
    assert returned(Night({}, new), (), lambda _: None).changes == new
