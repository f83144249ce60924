"""What is learnt beyond the network, and how is it kept? The whole line: tests/lab/test_outside.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from netwatch.audit import Audit
from netwatch.beyond import Beyond, stored
from netwatch.config import Site
from netwatch.halt import Halt
from netwatch.model import Observation, Reason, Run, Vantage
from netwatch.scope import Scope
from netwatch.store import Store
from netwatch.tonight import Tonight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def said(protocol: str, port: int, vantage: Vantage, **facts: str | int | bool | None) -> Observation:
    return Observation("box", vantage, "m-box", "192.168.1.1", port, protocol, facts, NOW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("a", "A", "en")
        yield opened


def looked(store: Store, *, here: bool = False, **settings: object) -> Run:
    site = Site.model_validate(
        {"name": "A", "networks": ["192.168.1.0/24"], "gateway": "192.168.1.1"} | settings
    )
    scope = Scope(networks=(IPv4Network("192.168.1.0/24"),), until=date.max)
    run = Run("r", "a", NOW, NOW, complete=True, vantages=() if here else (Vantage.LAN,))
    tonight = Tonight(scope, gateway="192.168.1.1")
    beyond = Beyond(site, store, (), tonight, Audit, Halt(), lambda *_: None, here)
    return beyond.add_to(run)


def test_what_is_about_no_port_keeps_its_word_so_that_one_source_can_say_several_things() -> None:
    kept = {stored(said(word, 0, Vantage.BOX)).transport for word in ("dmz", "wan", "listing")}
    assert kept == {"dmz", "wan", "listing"}
    assert stored(said("forward", 8104, Vantage.BOX)).transport == "tcp"


def test_a_third_partys_statement_keeps_its_date_and_loses_ours() -> None:
    kept = stored(said("http", 443, Vantage.SHODAN, fetched_at="2026-11-25T01:02:03Z", product="nginx"))
    assert kept.facts == {"product": "nginx", "stated_at": "2026-11-25T04:00:00Z"}


def test_without_anything_outside_in_the_site_file_nothing_is_missing(store: Store) -> None:
    run = looked(store)
    assert run.complete
    assert run.failures == ()
    assert Vantage.OUTSIDE not in run.vantages


def test_a_laptop_that_cannot_prove_where_it_stands_asks_nothing_and_says_so(store: Store) -> None:
    run = looked(store, here=True, public_addresses=["5.39.77.1"])
    assert not run.complete
    assert [one.reason for one in run.failures] == [Reason.UNPROVED]
    assert run.observations == ()
    assert [(row.address, row.outcome) for row in run.coverage] == [("5.39.77.1", "not-asked")]


def test_a_declaration_that_was_damaged_is_told_and_the_night_goes_on(store: Store) -> None:
    store.declare("a", "{not json")
    run = looked(store)
    assert [(one.probe, one.vantage) for one in run.failures] == [("declared", Vantage.DECLARED)]
