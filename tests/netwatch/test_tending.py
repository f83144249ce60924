"""Is what is due between the nights told once, to everybody, and sent?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import probes
from netwatch.change import Change, ChangeKind
from netwatch.composition import notifier
from netwatch.config import Site
from netwatch.diff import Night
from netwatch.errors import ScopeError
from netwatch.model import Device, Exposure, Finding, Run, Severity, Status, Vantage
from netwatch.news import Fate, Item
from netwatch.notice import NoticeKind
from netwatch.store import Store
from netwatch.tending import failed, tend, weekly
from netwatch.words import Catalogue
from tests.lab.postoffice import office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.document import Document

CATALOGUE = Catalogue(probes.words())
START = datetime(2026, 11, 1, 22, tzinfo=UTC)
PACS = Finding(
    "dicom-query-answered", "d", 104, probe="dicom", address="192.168.1.20", exposure=Exposure.EXPOSED
)
LOW = Finding("dicom-name-only", "d", 105, probe="dicom", address="192.168.1.20")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def site(port: int = 1, **more: object) -> Site:
    return Site.model_validate(
        {
            "name": "Cabinet",
            "language": "fr",
            "networks": ["192.168.1.0/24"],
            "recipients": [
                "dr@cabinet.example",
                {"address": "it@x.example", "language": "en", "role": "consultant"},
            ],
            "mail": {"host": "127.0.0.1", "port": port, "security": "none", "sender": "n@cabinet.example"},
            **more,
        }
    )


def night(
    store: Store,
    day: int,
    *findings: Finding,
    complete: bool = True,
    vantages: tuple[Vantage, ...] = (Vantage.LAN,),
) -> None:
    at = START + timedelta(days=day)
    run = Run(
        f"r{day}", "cabinet", at, at + timedelta(hours=1), complete=complete, vantages=vantages,
        devices=(Device("d", "192.168.1.20"),), findings=frozenset(findings),
    )  # fmt: skip
    store.record(run, Night(dict.fromkeys(findings, Status.OPEN), ()), ())


def document(store: Store) -> Document | None:
    return store.document("cabinet", CATALOGUE, "fr")


def tended(store: Store, where: Site, day: float) -> tuple[NoticeKind, ...]:
    now = START + timedelta(days=day)
    return tend(store, where, notifier(where), document(store), now)[0]


def test_a_quiet_week_is_told_to_each_in_their_language_and_once(store: Store) -> None:
    with office() as post:
        where = site(post.port)
        for day in range(7):
            night(store, day, LOW)
            assert tended(store, where, day + 0.1) == ()
        night(store, 7, LOW)
        assert tended(store, where, 7.1) == (NoticeKind.WEEK,)
        assert tended(store, where, 7.2) == ()
    told = {mail["To"]: mail["Subject"] for mail in post.mails}
    assert told == {
        "dr@cabinet.example": "Cabinet : rien de nouveau cette semaine ; 7 nuits complètes sur 7, 1 appareil",
        "it@x.example": "Cabinet: nothing new this week; 7 nights of 7 complete, 1 device",
    }


def test_a_missing_night_is_told_once_until_one_is_complete(store: Store) -> None:
    with office() as post:
        where = site(post.port, mails={"weekly": False})
        night(store, 0)
        night(store, 1, complete=False)
        assert tended(store, where, 1.05) == ()
        assert tended(store, where, 1.2) == (NoticeKind.OVERDUE,)
        assert tended(store, where, 1.5) == ()
        night(store, 2, complete=False)
        assert tended(store, where, 2.5) == ()
        night(store, 3)
        assert tended(store, where, 3.5) == ()
        assert tended(store, where, 4.5) == (NoticeKind.OVERDUE,)
    assert len(post.mails) == 4
    assert "aucun contrôle complet depuis le" in str(post.mails[0]["Subject"])


def test_a_look_from_outside_is_no_night_of_a_practice_that_is_watched_from_inside(store: Store) -> None:
    with office() as post:
        where = site(post.port, mails={"weekly": False})
        night(store, 0)
        for day in range(1, 6):
            night(store, day, vantages=(Vantage.OUTSIDE,))
            assert tended(store, where, day + 0.3) == ((NoticeKind.OVERDUE,) if day == 1 else ())
            assert not store.notices.counts("cabinet")
    assert len(post.mails) == 2
    assert store.notices.days("cabinet", START + timedelta(days=6)) == (1, 1, 0)


def test_a_site_that_is_only_ever_looked_at_from_outside_has_its_nights(store: Store) -> None:
    night(store, 0, vantages=(Vantage.OUTSIDE,))
    assert store.notices.counts("cabinet")
    assert tended(store, site(mails={"weekly": False}), 1) == ()
    assert tended(store, site(mails={"weekly": False}), 2) == (NoticeKind.OVERDUE,)


def test_a_night_of_a_clock_that_was_ahead_is_none_of_this_week(store: Store) -> None:
    night(store, 900)
    night(store, 0)
    assert store.notices.days("cabinet", START + timedelta(days=1)) == (1, 1, 0)


def test_a_scan_that_cannot_run_again_still_sends_what_waits(store: Store) -> None:
    ended = ScopeError("config.authorisation-missing")
    assert failed(store, site(9), ended, notifier(site(9))).waiting == 2
    with office() as post:
        store._db.execute("update outbox set next_try = null")
        assert failed(store, site(post.port), ended, notifier(site(post.port))).waiting == 0
    assert len(post.mails) == 2


def test_zero_hours_never_tells(store: Store) -> None:
    night(store, 0)
    where = site(mails={"weekly": False, "overdue_hours": 0})
    assert tended(store, where, 400) == ()


def test_a_mail_server_that_is_away_loses_no_notice(store: Store) -> None:
    night(store, 0)
    assert tended(store, site(9), 3) == (NoticeKind.OVERDUE,)
    assert len(store.outbox.pending("cabinet")) == 2


def test_a_scan_that_could_not_run_is_told_once_for_each_reason(store: Store) -> None:
    ended = ScopeError(
        "config.authorisation-ended", by="Dr Martin", until=datetime(2026, 11, 1, tzinfo=UTC).date()
    )
    closed = ScopeError("config.window-closed", window="22:00-06:00", opens="22:00")
    with office() as post:
        where = site(post.port)
        for error, times in ((ended, 1), (ended, 0), (closed, 1), (ended, 1)):
            before = len(post.mails)
            failed(store, where, error, notifier(where))
            assert len(post.mails) - before == 2 * times
        night(store, 0)
        assert failed(store, where, ended, notifier(where)).sent == 2, "one ran since"
    text = post.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Dr Martin" in text


def test_the_week_counts_what_stands(store: Store) -> None:
    night(store, 0, PACS, LOW)
    last = document(store)
    assert last is not None
    week = weekly(store, "cabinet", last, START + timedelta(hours=2))
    assert (week.nights, week.ran, week.devices, week.seen, week.letters) == (1, 1, 1, 1, 0)
    assert week.standing == {Severity.CRITICAL: 1, Severity.LOW: 1}
    assert week.outside is None


def test_a_week_in_which_something_was_found_and_nobody_told_is_not_called_quiet(store: Store) -> None:
    night(store, 0)
    night(store, 3, PACS)
    at = START + timedelta(days=3)
    store.newsroom.write(
        "cabinet", [Item(Change(ChangeKind.APPEARED, PACS), at, Fate.DIGEST, at)], digested=None
    )
    with office() as post:
        where = site(post.port)
        assert tended(store, where, 7) == (NoticeKind.WEEK, NoticeKind.OVERDUE)
    subjects = [str(mail["Subject"]) for mail in post.mails]
    assert not any("nothing new" in one or "rien de nouveau" in one for one in subjects)
    text = " ".join(post.mails[0].get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
    assert "1 nouveauté a été trouvée" in text
