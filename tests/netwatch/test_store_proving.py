"""Is what our own code wrote taken for ours, and nothing that it would not have written?"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from netwatch.store import Store
from netwatch.store.proving import proved
from tests.lab import schemas
from tests.netwatch.test_store import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.document import Document


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """All of whose letters have arrived."""
    with Store(tmp_path) as opened:
        schemas.fill(opened)
        opened.outbox.sent(schemas.LETTERS[1], schemas.FIRST)
        yield opened


def drawn(name: str, document: Document, language: str) -> None:
    """Any night can be shown."""


def believed(store: Store) -> bool:
    with suppress(Exception):
        return proved(store._db, "cabinet", CATALOGUE, drawn)
    return False


def test_what_our_own_code_wrote_is_ours(store: Store) -> None:
    assert proved(store._db, "cabinet", CATALOGUE, drawn)


def test_the_last_night_is_shown_once_in_each_language(store: Store) -> None:
    shown = []
    proved(store._db, "cabinet", CATALOGUE, lambda *told: shown.append((told[0], told[2])))
    assert shown == [("Cabinet", "fr"), ("Cabinet", "en")]


@pytest.mark.parametrize(
    "change",
    [
        "update outbox set state = 'waiting' where id = 1",
        "update outbox set sent = null where id = 1",
        "update texts set body = '[]'",
        "update sites set language = 'de'",
        "insert into sites (slug, name, language) values ('b', 'B', 'fr')",
        "update findings set status = 'x' where rule = 'smb-guest-share'",  # it ended: no report reads it
        "update findings set exposure = 'x' where rule = 'smb-guest-share'",
        "update decisions set ended_why = 'x' where ended is not null",
        "update decisions set until = 'soon'",
        "update news set fate = 'x'",
        "update news set kind = 'x'",
        "update standings set counted = 'soon'",
    ],
)
def test_what_it_would_not_have_written_is_not(store: Store, change: str) -> None:
    store._db.execute(change)
    assert not believed(store)


@pytest.mark.parametrize("column", ["finding", "previous"])
@pytest.mark.parametrize(
    "values",
    [
        {"port": "x"},
        {"port": True},
        {"port": 70_000},
        {"rule": 7},
        {"address": None},
        {"about": []},
        {"about": {"product": ["x"]}},
        {"link": {"device": 7, "address": "", "port": 1, "by": ""}},
        {"link": {"device": "d", "address": "", "port": -1, "by": ""}},
        {"link": 7},
        {"more": 1},
    ],
)
def test_news_are_made_of_findings(store: Store, column: str, values: dict[str, object]) -> None:
    [row] = store._db.query("select id, finding, previous from news where previous is not null")
    bad = json.dumps(json.loads(row[column]) | values)
    store._db.execute(f"update news set {column} = ? where id = ?", [bad, row["id"]])  # noqa: S608
    assert not believed(store)


@pytest.mark.parametrize(
    "values", [{"times": "x"}, {"times": True}, {"last_seen": "2026-03-01"}, {"first_seen": 7}]
)
def test_what_was_there_before_was_there_at_moments(store: Store, values: dict[str, object]) -> None:
    [row] = store._db.query("select id, more from news where more is not null")
    told = json.loads(row["more"])
    bad = json.dumps(told | {"before": told["before"] | values})
    store._db.execute("update news set more = ? where id = ?", [bad, row["id"]])
    assert not believed(store)
