"""Is what comes back told as back, and only what was proved gone?"""

from __future__ import annotations

from netwatch.again import returned
from netwatch.change import Before, Change, ChangeKind
from netwatch.diff import Night
from netwatch.model import Finding

MARCH = ("2026-03-03T22:00:00Z", "2026-05-08T22:00:00Z")
FINDING = Finding("dicom-query-answered", "m-1", 104)


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
