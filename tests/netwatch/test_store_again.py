"""Does the database know when a finding was there before, whatever happened to it since?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import probes
from netwatch.change import Before, Change, ChangeKind
from netwatch.decisions import place
from netwatch.diff import Night
from netwatch.model import Device, Finding, Run, Status, Vantage
from netwatch.store import Store
from netwatch.store.again import count, create, times
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST = datetime(2026, 3, 3, 22, tzinfo=UTC)
FINDING = Finding("dicom-query-answered", "m-1", 104, address="192.168.1.20")
MILD = replace(FINDING, rule="dicom-name-only")
CATALOGUE = Catalogue(probes.words())
OPEN, RESOLVED, UNVERIFIED = Status.OPEN, Status.RESOLVED, Status.UNVERIFIED


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "en")
        yield opened


def night(store: Store, number: int, found: dict[Finding, Status], *changes: Change) -> None:
    at = FIRST + timedelta(days=number)
    run = Run(
        f"r-{number}", "cabinet", at, at, complete=True, vantages=(Vantage.LAN,),
        devices=(Device("m-1", "192.168.1.20"),),
        findings=frozenset(one for one, status in found.items() if status is OPEN),
    )  # fmt: skip
    store.record(run, Night(found, changes), ())


def when(number: int) -> str:
    return f"{FIRST + timedelta(days=number):%Y-%m-%dT%H:%M:%SZ}"


def before(store: Store, found: Finding = FINDING) -> Before | None:
    return times(store._db, "cabinet", place(found))


def test_a_time_begins_when_it_was_seen_and_ends_when_it_was_seen_last(store: Store) -> None:
    night(store, 0, {FINDING: OPEN})
    night(store, 5, {FINDING: OPEN})
    assert before(store) is None, "it is still there"
    night(store, 6, {FINDING: UNVERIFIED})
    night(store, 7, {FINDING: RESOLVED})
    assert before(store) == Before(1, when(0), when(5))
    for other in (
        replace(FINDING, port=105),
        replace(FINDING, transport="udp"),
        replace(FINDING, device="m-2"),
    ):
        assert before(store, other) is None


def test_in_the_document_it_is_back_as_long_as_it_is_there_and_new_once(store: Store) -> None:
    night(store, 0, {FINDING: OPEN})
    night(store, 1, {FINDING: RESOLVED})
    was = Before(1, when(0), when(0))
    night(store, 2, {FINDING: OPEN}, Change(ChangeKind.APPEARED, FINDING, before=was))
    told = store.document("cabinet", CATALOGUE, "en")
    assert told is not None
    assert [one.before for one in told.findings] == [was]
    assert [(one.kind, one.before) for one in told.changes] == [("appeared", was)]
    night(store, 3, {FINDING: OPEN})
    told = store.document("cabinet", CATALOGUE, "en")
    assert told is not None
    assert [one.before for one in told.findings] == [was]
    assert told.changes == ()
    night(store, 4, {FINDING: RESOLVED}, Change(ChangeKind.RESOLVED, FINDING))
    told = store.document("cabinet", CATALOGUE, "en")
    assert told is not None
    assert [one.before for one in told.findings] == [None], "gone is not again"


def test_one_that_comes_and_goes_is_told_in_one_line_however_often(store: Store) -> None:
    for number in range(0, 80, 2):
        night(store, number, {FINDING: OPEN})
        night(store, number + 1, {FINDING: RESOLVED})
    assert before(store) == Before(40, when(78), when(78))


def test_a_rung_that_became_worse_was_not_gone_and_one_that_improved_was(store: Store) -> None:
    night(store, 0, {MILD: OPEN})
    night(store, 1, {MILD: RESOLVED, FINDING: OPEN}, Change(ChangeKind.WORSENED, FINDING, MILD))
    assert before(store, MILD) is None
    night(store, 2, {MILD: OPEN, FINDING: RESOLVED}, Change(ChangeKind.IMPROVED, MILD, FINDING))
    assert before(store) == Before(1, when(1), when(1))
    night(store, 3, {MILD: RESOLVED})
    assert before(store, MILD) == Before(1, when(2), when(2)), "the second time it was proved gone"


def test_what_an_earlier_version_kept_is_counted_as_each_night_would_have_been(store: Store) -> None:
    other = replace(FINDING, port=105)
    night(store, 0, {MILD: OPEN, other: OPEN})
    night(store, 1, {MILD: RESOLVED, FINDING: OPEN, other: OPEN}, Change(ChangeKind.WORSENED, FINDING, MILD))
    night(store, 2, {MILD: OPEN, FINDING: RESOLVED, other: OPEN}, Change(ChangeKind.IMPROVED, MILD, FINDING))
    night(store, 3, {MILD: RESOLVED, other: UNVERIFIED})
    night(store, 4, {FINDING: OPEN, other: OPEN})
    night(store, 5, {FINDING: RESOLVED})
    at = FIRST + timedelta(days=6)
    store.record(
        Run("r", "cabinet", at, at, complete=True, vantages=(Vantage.LAN,)),
        Night({}, (), frozenset({"m-1"})),
        (),
    )
    kept = list(store._db.query("select * from earlier order by rule, port"))
    assert [(row["rule"], row["port"], row["times"]) for row in kept] == [
        ("dicom-name-only", 104, 1),
        ("dicom-query-answered", 104, 2),
    ]
    store._db.execute("drop table earlier")
    create(store._db)
    count(store._db)
    assert list(store._db.query("select * from earlier order by rule, port")) == kept


def test_another_rule_that_begins_as_it_ends_is_no_worse_rung(store: Store) -> None:
    other = replace(FINDING, rule="dicom-store-negotiated")
    night(store, 0, {FINDING: OPEN})
    night(store, 1, {FINDING: RESOLVED, other: OPEN})
    assert before(store) == Before(1, when(0), when(0))


def test_an_address_that_was_retired_proved_nothing(store: Store) -> None:
    night(store, 0, {FINDING: OPEN})
    at = FIRST + timedelta(days=1)
    run = Run("r", "cabinet", at, at, complete=True, vantages=(Vantage.LAN,))
    store.record(run, Night({}, (), frozenset({"m-1"})), ())
    assert before(store) is None
