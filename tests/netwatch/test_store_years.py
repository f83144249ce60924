"""Does what is asked every night stay as quick as on the first, however many nights there were?

No time is measured here (tests/lab/years.py does): what counts is that no query goes through rows of old
nights.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.diff import compare
from netwatch.model import Device, Vantage
from netwatch.post import Letter
from netwatch.store import Store
from tests.netwatch.test_store import CATALOGUE, OPEN_PACS, night, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GROWS = (
    "runs|failures|changes|services|findings|texts|outbox|exposures|exposure_steps|"
    "news|earlier|comings|decisions"
)
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def test_from_each_vantage_the_last_look_is_known(store: Store) -> None:
    both = (Vantage.LAN, Vantage.OUTSIDE)
    for number, vantages in enumerate((both, (Vantage.LAN,), (Vantage.LAN, Vantage.BOX))):
        record(store, replace(night(number), vantages=vantages))
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    assert document.looked == {
        "outside": "2026-11-01T22:02:00Z",
        "box": "2026-11-03T22:02:00Z",
        "lan": "2026-11-03T22:02:00Z",
    }
    assert next(iter(document.looked)) == "outside"
    assert store.last_finished() == "2026-11-03T22:02:00Z"


def test_a_clock_that_was_put_back_takes_no_look_back(store: Store) -> None:
    record(store, night(5))
    record(store, night(1))
    assert store.last_finished() == "2026-11-06T22:02:00Z"


def steps(store: Store, ask: object) -> list[str]:
    """How SQLite goes about all that this asks."""
    asked: list[tuple[str, Any]] = []
    with store._db.tracer(lambda sql, parameters: asked.append((sql, parameters))):
        ask(store)  # type: ignore[operator]
    plans = []
    for sql, parameters in asked:
        if sql.lstrip().startswith(("select", "with", "update", "delete", "insert")):
            told = store._db.conn.execute(f"explain query plan {sql}", parameters or []).fetchall()
            plans += [f"{row[3]}  <-  {' '.join(sql.split())}" for row in told]
    return plans


def quiet(store: Store) -> None:
    run = night(9)
    store.record(run, compare(store.picture("cabinet"), run, CATALOGUE.ladder), ())


def latest(store: Store) -> datetime:
    return datetime.fromisoformat(store.last_finished() or "")


ASKED = {
    "document": lambda store: store.document("cabinet", CATALOGUE, "fr"),
    "picture": lambda store: store.picture("cabinet"),
    "record": quiet,
    "known": lambda store: store.known("cabinet"),
    "open ports": lambda store: (store.open_ports("cabinet"), store.clear_ports("cabinet")),
    "spoken": lambda store: store.spoken("cabinet"),
    "waiting": lambda store: store.outbox.pending("cabinet"),
    "open exposures": lambda store: store.exposures("cabinet", only_open=True),
    "watch": lambda store: store.notices.watch("cabinet"),
    "week": lambda store: store.notices.days("cabinet", latest(store)),
    "nights of news": lambda store: store.newsroom.nights("cabinet", latest(store) - timedelta(days=7)),
    "news": lambda store: store.newsroom.kept("cabinet", ()),
    "unarrived": lambda store: store.outbox.unarrived("cabinet"),
    "last finished": lambda store: store.last_finished(),
}


@pytest.mark.parametrize("what", ASKED)
def test_nothing_goes_through_a_table_that_grows(store: Store, what: str) -> None:
    for number in range(3):
        record(store, night(number))
    plans = steps(store, ASKED[what])
    assert plans
    assert [plan for plan in plans if re.match(rf"SCAN ({GROWS})\b", plan)] == []


def test_former_addresses_on_the_internet_cost_a_page_nothing(store: Store) -> None:
    """Where the address changes every day: each is kept, and one of which nothing is told is not shown."""
    for number in range(4):
        run, address = night(number), f"203.0.113.{number}"
        public = Device(f"p-{address}", address, kind="internet")
        seen = replace(
            run.observations[1], device=public.id, address=address, vantage=Vantage.OUTSIDE, port=443
        )
        more = {"devices": (*run.devices, public), "public": {address: "config"}}
        moved = compare(store.picture("cabinet"), run, CATALOGUE.ladder)
        late = replace(moved, retired=frozenset({f"p-203.0.113.{number - 1}"}) if number else frozenset())
        store.record(replace(run, observations=(*run.observations, seen), **more), late, ())  # type: ignore[arg-type]
    document = store.document("cabinet", CATALOGUE, "fr")
    assert document is not None
    assert [part.id for part in document.devices] == ["d", "p-203.0.113.3"]
    assert store.picture("cabinet").devices >= {f"p-203.0.113.{number}" for number in range(4)}
    assert [device.id for device in store.devices("cabinet")] == ["d"]
    plans = steps(store, ASKED["document"])
    assert not [plan for plan in plans if re.match(r"SEARCH devices USING INDEX \S+ \(site=\?\)", plan)]


def touched(store: Store, ask: object) -> int:
    """How many steps SQLite's machine takes for it."""
    count = [0]

    def more() -> int:
        count[0] += 1
        return 0

    store._db.conn.set_progress_handler(more, 1)
    try:
        ask(store)  # type: ignore[operator]
    finally:
        store._db.conn.set_progress_handler(None, 0)
    return count[0]


@pytest.mark.parametrize("what", [what for what in ASKED if what != "record"])
def test_two_hundred_nights_cost_what_ten_do(store: Store, what: str) -> None:
    spent = []
    for number in range(200):
        # every other night a service answers otherwise: old answers, findings, changes and letters add up
        facts = OPEN_PACS | {
            "implementation_version": f"V{number}",
            "query": ("answered", "refused")[number % 2],
        }
        findings = night(number).findings if number % 2 == 0 else frozenset()
        letter = Letter(f"<{number}@test>", "dr@example.fr", "s", "t" * 5000, "h" * 5000)
        record(store, replace(night(number, facts=facts), findings=findings), (letter,))
        store.outbox.sent(letter, NOW)
        if number in {9, 199}:
            spent.append(touched(store, ASKED[what]))
    assert spent[1] <= spent[0] * 1.5 + 2
