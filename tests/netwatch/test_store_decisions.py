"""Is a decision kept for its site, one at a time for a place, with its end and its whole history?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.change import Change, ChangeKind
from netwatch.decisions import Decision, State, decision
from netwatch.diff import Night
from netwatch.model import Device, Exposure, Finding, Run, Status, Vantage
from netwatch.store import Store
from netwatch.store.decisions import last_run
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 1, 22, tzinfo=UTC)
LATER = AT + timedelta(days=1)
UNTIL = date(2027, 6, 30)
OLD, NEW = "p-9.9.9.9", "p-9.9.9.11"
FINDING = Finding("rdp-open", "m-1", 3389, address="192.168.1.20")
PUBLIC = Finding("rdp-open", OLD, 3389, address="9.9.9.9", vantage=Vantage.OUTSIDE, exposure=Exposure.EXPOSED)
NONE = Catalogue(())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        for slug in ("cabinet", "other"):
            opened.remember(slug, slug, "fr")
        yield opened


def made(found: Finding = FINDING, reason: str = "until June", at: datetime = AT) -> Decision:
    one = decision(found, reason, "Dr Martin", at, UNTIL)
    assert one is not None
    return one


def record(store: Store, at: datetime, moved: Night) -> None:
    devices = (Device("m-1", "192.168.1.20"), Device(OLD, "9.9.9.9"), Device(NEW, "9.9.9.11"))
    run = Run(
        f"r-{at:%d%H}", "cabinet", at, at, complete=True, vantages=(Vantage.LAN,), devices=devices,
        findings=frozenset(moved.findings),
    )  # fmt: skip
    store.record(run, moved, ())


def test_a_decision_is_kept_whole_for_its_site(store: Store) -> None:
    one = made(replace(FINDING, exposure=Exposure.FORWARDED, about={"product": "Windows 10"}))
    store.decide("cabinet", one)
    assert store.decisions("cabinet") == (one,)
    assert one.product == "Windows 10"
    assert store.decisions("other") == ()


def test_another_one_takes_its_place_and_the_first_stays_on_record(store: Store) -> None:
    first, second = made(), made(reason="until the wall is there", at=LATER)
    elsewhere = made(replace(FINDING, port=3390))
    for one in (first, elsewhere, second):
        store.decide("cabinet", one)
    ended = replace(first, ended=LATER, why=State.REPLACED, ended_by="Dr Martin")
    assert store.decisions("cabinet") == (ended, elsewhere, second)


def test_what_is_taken_back_has_an_end_and_can_be_decided_again(store: Store) -> None:
    store.decide("cabinet", made())
    store.reopen("cabinet", made(), "Dr Petit", LATER)
    assert store.decisions("cabinet") == (
        replace(made(), ended=LATER, why=State.REOPENED, ended_by="Dr Petit"),
    )
    store.decide("cabinet", made(at=LATER))
    assert [one.ended for one in store.decisions("cabinet")] == [LATER, None]


def test_the_document_says_who_accepts_what_as_of_today(store: Store) -> None:
    other = replace(FINDING, port=3390)
    record(store, AT, Night(dict.fromkeys((FINDING, other), Status.OPEN), ()))
    store.decide("cabinet", made())
    last, after = (store.document("cabinet", NONE, "en", UNTIL + timedelta(days=n)) for n in (0, 1))
    assert last is not None
    assert after is not None
    told = {one.port: one.accepted for one in last.findings}
    assert told[3390] is None
    assert told[3389] is not None
    assert (told[3389].by, told[3389].reason) == ("Dr Martin", "until June")
    assert (told[3389].at, told[3389].until) == ("2026-11-01T22:00:00Z", "2027-06-30")
    assert [one.accepted for one in after.findings] == [None, None]
    assert len({one.id for one in last.findings}) == 2


def test_what_was_decided_of_a_public_port_goes_along_with_the_address(store: Store) -> None:
    store.decide("cabinet", made(PUBLIC))
    now = replace(PUBLIC, device=NEW, address="9.9.9.11")
    record(store, LATER, Night({now: Status.OPEN}, (Change(ChangeKind.MOVED, now, PUBLIC),)))
    assert store.decisions("cabinet") == (
        replace(made(PUBLIC), ended=LATER, why=State.MOVED),
        replace(made(PUBLIC), device=NEW),
    )
    back = LATER + timedelta(days=1)
    record(store, back, Night({PUBLIC: Status.OPEN}, (Change(ChangeKind.MOVED, PUBLIC, now),)))
    assert [one.device for one in store.decisions("cabinet") if one.ended is None] == [OLD]


def test_of_two_decisions_that_meet_the_one_made_at_the_place_stands(store: Store) -> None:
    now = replace(PUBLIC, device=NEW, address="9.9.9.11")
    here = made(now, reason="of this very port")
    for one in (made(PUBLIC), here):
        store.decide("cabinet", one)
    record(store, LATER, Night({now: Status.OPEN}, (Change(ChangeKind.MOVED, now, PUBLIC),)))
    assert here in store.decisions("cabinet")
    assert sum(one.device == NEW for one in store.decisions("cabinet")) == 1


def test_when_the_last_run_began_is_known_for_each_site(store: Store) -> None:
    assert last_run(store._db, "cabinet") is None
    record(store, AT, Night({}, ()))
    record(store, LATER, Night({}, ()))
    assert last_run(store._db, "cabinet") == LATER
    assert last_run(store._db, "other") is None
