"""Is what was told remembered with the place it was about, and what waits not lost?"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.change import Before, Change, ChangeKind
from netwatch.diff import Night
from netwatch.model import Device, Exposure, Finding, Link, Run, Status, Vantage
from netwatch.news import Fate, Item
from netwatch.store import FILE, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 1, 22, tzinfo=UTC)
LINK = Link("m-1", "192.168.1.20", 104, "mapping")
PUBLIC = Finding(
    "dicom-query-answered", "p-9.9.9.9", 104, probe="dicom", address="9.9.9.9", vantage=Vantage.OUTSIDE,
    exposure=Exposure.EXPOSED, link=LINK, about={"product": "é"},
)  # fmt: skip
SHARE = Finding("smb-reachable", "m-2", 445, probe="smb", address="192.168.1.30")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        for slug in ("cabinet", "other"):
            opened.remember(slug, slug, "fr")
        yield opened


def whole(finding: Finding) -> tuple[object, ...]:
    return tuple(getattr(finding, name) for name in Finding.__slots__)


def test_a_change_comes_back_as_it_was_kept(store: Store) -> None:
    before = Before(2, "2026-03-03T22:00:00Z", "2026-05-08T12:00:00Z")
    change = Change(ChangeKind.WORSENED, PUBLIC, SHARE, before, date(2027, 6, 30))
    store.newsroom.write("cabinet", [Item(change, AT)], None)
    [item] = store.newsroom.kept("cabinet", ())
    assert (item.at, item.fate, item.settled, item.number) == (AT, Fate.WAITING, None, 1)
    assert item.change.kind is ChangeKind.WORSENED
    assert (item.change.before, item.change.until) == (before, date(2027, 6, 30))
    assert whole(item.change.finding) == whole(PUBLIC)
    assert item.change.previous is not None
    assert whole(item.change.previous) == whole(SHARE)
    assert store.newsroom.kept("other", ()) == ()


def test_what_was_told_is_remembered_where_its_place_changes_again(store: Store) -> None:
    told = Item(Change(ChangeKind.APPEARED, SHARE), AT, Fate.DIGEST, AT)
    store.newsroom.write("cabinet", [told], AT)
    assert store.newsroom.kept("cabinet", ()) == ()
    assert store.newsroom.kept("cabinet", [Change(ChangeKind.RESOLVED, SHARE)]) == (replace(told, number=1),)
    assert store.newsroom.kept("cabinet", [Change(ChangeKind.RESOLVED, replace(SHARE, port=139))]) == ()
    assert (store.newsroom.digested("cabinet"), store.newsroom.digested("other")) == (AT, None)


def test_with_what_waits_comes_what_was_told_of_the_same_place(store: Store) -> None:
    told = Item(Change(ChangeKind.APPEARED, SHARE), AT, Fate.DIGEST, AT)
    waits = Item(Change(ChangeKind.RESOLVED, SHARE), AT + timedelta(days=1))
    store.newsroom.write("cabinet", [told, waits], None)
    assert [one.fate for one in store.newsroom.kept("cabinet", ())] == [Fate.DIGEST, Fate.WAITING]
    [_, item] = store.newsroom.kept("cabinet", ())
    store.newsroom.write("cabinet", [replace(item, fate=Fate.DROPPED, settled=AT)], None)
    assert store.newsroom.kept("cabinet", ()) == ()


def test_what_stood_before_news_were_kept_is_not_told_as_new(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.remember("cabinet", "Cabinet", "fr")
        run = Run(
            "r",
            "cabinet",
            AT,
            AT,
            complete=True,
            vantages=(Vantage.LAN,),
            findings=frozenset({SHARE, PUBLIC}),
        )
        devices = (Device("m-2", SHARE.address), Device("p-9.9.9.9", "9.9.9.9", kind="internet"))
        store.record(replace(run, devices=devices), Night(dict.fromkeys(run.findings, Status.OPEN), ()), ())
    with sqlite3.connect(tmp_path / FILE) as db:  # as it was before
        db.executescript(
            "drop table news; alter table sites drop column digested; "
            "delete from _sqlite_migrations where name = 'm009_news'"
        )
    with Store(tmp_path) as store:
        changes = [Change(ChangeKind.APPEARED, SHARE), Change(ChangeKind.APPEARED, PUBLIC)]
        kept = store.newsroom.kept("cabinet", changes)
        told = {one.change.finding.port: whole(one.change.finding) for one in kept}
        assert told == {445: whole(SHARE), 104: whole(PUBLIC)}
        assert {one.fate for one in kept} == {Fate.DIGEST}


def test_complete_nights_are_counted_since_a_moment(store: Store) -> None:
    for day in range(4):
        at = AT + timedelta(days=day)
        run = Run(f"r{day}", "cabinet", at, at, complete=day != 2, vantages=(Vantage.LAN,))
        store.record(run, Night({}, ()), ())
    assert store.newsroom.nights("cabinet", AT + timedelta(days=1)) == (
        AT + timedelta(days=1),
        AT + timedelta(days=3),
    )
