"""Who is woken?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import probes
from netwatch.alert import alert
from netwatch.change import Change, ChangeKind
from netwatch.diff import Night
from netwatch.model import Finding, Run, Severity, Vantage
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = Catalogue(probes.words())
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = Run("r", "cabinet", NOON, NOON, complete=True, vantages=(Vantage.LAN,))
WORST, LOW = "dicom-query-answered", "dicom-name-only"


def change(kind: ChangeKind, rule: str = WORST, port: int = 104) -> Change:
    return Change(kind, Finding(rule, "d", port, probe="dicom", address="192.168.1.20"))


def night(*changes: Change) -> Night:
    return Night({}, changes)


@pytest.mark.parametrize("kind", [ChangeKind.APPEARED, ChangeKind.WORSENED, ChangeKind.NEWLY_CHECKED])
def test_what_is_new_and_grave_wakes_somebody(kind: ChangeKind) -> None:
    told = alert(RUN, night(change(kind)), CATALOGUE)
    assert told is not None
    assert (told.site, told.run, told.changes) == ("cabinet", "r", (change(kind),))


@pytest.mark.parametrize("kind", [ChangeKind.IMPROVED, ChangeKind.RESOLVED, ChangeKind.UNVERIFIED])
def test_what_got_better_or_stayed_silent_wakes_nobody(kind: ChangeKind) -> None:
    assert alert(RUN, night(change(kind)), CATALOGUE) is None


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_what_is_only_low_wakes_nobody(kind: ChangeKind) -> None:
    assert CATALOGUE[LOW].severity is Severity.LOW
    assert alert(RUN, night(change(kind, LOW)), CATALOGUE) is None


def test_a_night_in_which_nothing_moved_wakes_nobody() -> None:
    assert alert(RUN, night(), CATALOGUE) is None


@pytest.mark.parametrize(
    ("severity", "wakes"),
    [("info", False), ("low", False), ("medium", True), ("high", True), ("critical", True)],
)
def test_medium_is_where_it_begins(tmp_path: Path, *, severity: str, wakes: bool) -> None:
    words = "".join(f'[x.{one}]\ntitle = "t"\nrisk = "r"\nremedy = "m"\n' for one in ("en", "fr"))
    (tmp_path / "x.toml").write_text(f'[x]\nseverity = "{severity}"\nreferences = []\n{words}')
    told = alert(RUN, night(change(ChangeKind.APPEARED, "x")), Catalogue([tmp_path / "x.toml"]))
    assert (told is not None) is wakes


def test_an_alert_tells_all_that_moved_not_only_the_worst() -> None:
    moved = (
        change(ChangeKind.APPEARED),
        change(ChangeKind.RESOLVED, port=4242),
        change(ChangeKind.APPEARED, LOW, 105),
    )
    told = alert(RUN, night(*moved), CATALOGUE)
    assert told is not None
    assert told.changes == moved
