"""Who is woken, and does the alert arrive exactly once? A real store, a real mail server."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

import probes
from netwatch.alert import alert, deliver, letters, try_out
from netwatch.change import Change, ChangeKind, Coming, ComingKind
from netwatch.config import Site
from netwatch.diff import Night
from netwatch.errors import DeliveryError
from netwatch.model import Device, Finding, Run, Severity, Vantage
from netwatch.store import Store
from netwatch.words import Catalogue
from tests.lab.postoffice import Post, free_port, office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.post import Letter

CATALOGUE = Catalogue(probes.words())
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = Run("r", "cabinet", NOON, NOON, complete=True, vantages=(Vantage.LAN,))
WORST, LOW = "dicom-query-answered", "dicom-name-only"
ONE, TWO, THREE = "one@cabinet.example", "two@cabinet.example", "three@cabinet.example"


def change(kind: ChangeKind, rule: str = WORST, port: int = 104) -> Change:
    return Change(kind, Finding(rule, "d", port, probe="dicom", address="192.168.1.20"))


def night(*changes: Change) -> Night:
    return Night({}, changes)


def site(port: int, *recipients: str) -> Site:
    return Site.model_validate(
        {
            "name": "Cabinet",
            "networks": ["192.168.1.0/24"],
            "recipients": list(recipients or (ONE,)),
            "mail": {
                "host": "127.0.0.1",
                "port": port,
                "security": "none",
                "sender": "netwatch@cabinet.example",
            },
        }
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def queue(store: Store, where: Site) -> tuple[Letter, ...]:
    post = letters(where, "subject", "text", "<p>html</p>")
    store.record(RUN, night(), post)
    return post


@pytest.mark.parametrize("kind", [ChangeKind.APPEARED, ChangeKind.WORSENED, ChangeKind.NEWLY_CHECKED])
def test_what_is_new_and_grave_wakes_somebody(kind: ChangeKind) -> None:
    told = alert(RUN, night(change(kind)), CATALOGUE)
    assert told is not None
    assert (told.site, told.run, told.changes) == ("cabinet", "r", (change(kind),))


def test_that_a_decision_has_run_out_wakes_somebody_and_that_it_soon_will_does_not() -> None:
    assert alert(RUN, night(change(ChangeKind.EXPIRED)), CATALOGUE) is not None
    assert alert(RUN, night(change(ChangeKind.EXPIRING)), CATALOGUE) is None


def test_what_is_accepted_as_exposed_as_it_is_wakes_nobody_when_it_is_seen_again() -> None:
    until, worse = date(2027, 6, 30), change(ChangeKind.WORSENED)
    seen = replace(worse, previous=worse.finding)
    assert alert(RUN, night(seen), CATALOGUE) is not None
    assert alert(RUN, night(replace(seen, until=until)), CATALOGUE) is None
    other = replace(worse, previous=change(ChangeKind.APPEARED, LOW).finding, until=until)
    assert alert(RUN, night(other), CATALOGUE) is not None, "it climbed to another rule"
    back = replace(change(ChangeKind.APPEARED), until=until)
    assert alert(RUN, night(back), CATALOGUE) is not None, "it had been proved gone"


def coming(kind: ComingKind, *, quiet: bool = False) -> Coming:
    return Coming(kind, Device("m-1", "192.168.1.40"), quiet)


@pytest.mark.parametrize("kind", [ComingKind.NEW, ComingKind.GONE])
def test_a_device_that_came_or_went_is_mailed_without_any_finding(kind: ComingKind) -> None:
    told = alert(RUN, night(), CATALOGUE, [coming(kind)])
    assert told is not None
    assert (told.comings, told.urgent) == ((coming(kind),), False)


def test_one_that_is_back_or_expected_wakes_nobody_and_is_told_beside_others() -> None:
    quiet = [coming(ComingKind.BACK, quiet=True), coming(ComingKind.NEW, quiet=True)]
    assert alert(RUN, night(), CATALOGUE, quiet) is None
    told = alert(RUN, night(change(ChangeKind.APPEARED)), CATALOGUE, quiet)
    assert told is not None
    assert (told.comings, told.urgent) == (tuple(quiet), True)


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


def test_each_recipient_has_a_letter_of_their_own_under_an_id_of_its_own() -> None:
    first, second = letters(site(25, ONE, TWO), "s", "t", "h")
    assert (first.recipient, second.recipient) == (ONE, TWO)
    assert first.message_id != second.message_id
    for letter in (first, second):
        assert letter.message_id.startswith("<")
        assert letter.message_id.endswith("@cabinet.example>")
        assert (letter.subject, letter.text, letter.html) == ("s", "t", "h")


def test_what_was_accepted_once_is_never_sent_again(store: Store) -> None:
    with office() as post:
        where = site(post.port, ONE, TWO)
        queue(store, where)
        assert deliver(store, where).sent == 2
        assert (deliver(store, where).sent, deliver(store, where).waiting) == (0, 0)
    assert post.recipients == [[ONE], [TWO]]


def test_a_server_that_is_down_delays_a_letter_and_neither_loses_nor_doubles_it(store: Store) -> None:
    where = site(free_port())
    [letter] = queue(store, where)
    for _ in range(3):
        delivery = deliver(store, where)
        assert (delivery.sent, delivery.waiting) == (0, 1)
        assert delivery.error is not None
        assert delivery.error.message == "mail.unreachable"
    with office(port=where.mail.port if where.mail else None) as post:
        assert (deliver(store, where).sent, deliver(store, where).sent) == (1, 0)
    assert [received["Message-ID"] for received in post.mails] == [letter.message_id]


def test_a_server_that_dies_after_data_gets_the_same_message_id_again(store: Store) -> None:
    with office(Post(dies=2)) as post:
        where = site(post.port)
        [letter] = queue(store, where)
        assert [deliver(store, where).sent for _ in range(4)] == [0, 0, 1, 0]
    assert [received["Message-ID"] for received in post.mails] == [letter.message_id] * 3


@pytest.mark.parametrize("answer", ["550 5.7.1 Relaying denied", "451 4.7.1 greylisted, come back later"])
@pytest.mark.parametrize("refused", [ONE, TWO, THREE])
def test_a_recipient_who_is_refused_keeps_nobody_else_from_being_told(
    store: Store, refused: str, answer: str
) -> None:
    with office(Post(refuses={refused: answer})) as post:
        where = site(post.port, ONE, TWO, THREE)
        queue(store, where)
        delivery = deliver(store, where)
    assert [name for [name] in post.recipients] == [name for name in (ONE, TWO, THREE) if name != refused]
    assert (delivery.sent, delivery.waiting) == (2, 1)
    assert delivery.error is not None
    assert delivery.error.details["recipient"] == refused
    assert [letter.recipient for letter in store.waiting("cabinet")] == [refused]


def test_letters_whose_site_has_no_mail_server_wait(store: Store) -> None:
    where = site(25)
    queue(store, where)
    delivery = deliver(store, where.model_copy(update={"mail": None}))
    assert (delivery.sent, delivery.waiting) == (0, 1)
    assert delivery.error is not None
    assert delivery.error.message == "mail.not-configured"


def test_nothing_to_say_greets_no_server(store: Store) -> None:
    assert deliver(store, site(free_port())) == replace(
        deliver(store, site(free_port())), sent=0, waiting=0, error=None
    )


def test_a_letter_that_cannot_be_written_does_not_hold_the_others(store: Store) -> None:
    with office() as post:
        where = site(post.port, ONE, TWO)
        hostile = replace(letters(where, "s", "t", "h")[0], recipient="x@y.example\r\nBcc: z@y.example")
        store.record(RUN, night(), (hostile, *letters(where, "s", "t", "h")))
        assert (deliver(store, where).sent, len(store.waiting("cabinet"))) == (2, 1)
    assert post.recipients == [[ONE], [TWO]]


def test_a_test_mail_says_of_each_recipient_whether_it_was_taken() -> None:
    with office(Post(refuses={ONE: "550 no such user"})) as post:
        told = dict(try_out(site(post.port, ONE, TWO), "essai", "a < b"))
    assert told[TWO] is None
    assert isinstance(told[ONE], DeliveryError)
    html = post.mails[0].get_body(("html",))
    assert html is not None
    assert "a &lt; b" in html.get_content()


@pytest.mark.parametrize(
    ("missing", "message"), [("mail", "mail.not-configured"), ("recipients", "mail.no-recipient")]
)
def test_a_test_mail_that_nobody_can_get_says_what_is_missing(missing: str, message: str) -> None:
    where = site(25).model_copy(update={missing: None if missing == "mail" else ()})
    with pytest.raises(DeliveryError, match=message):
        list(try_out(where, "s", "t"))


def test_after_a_line_that_was_cut_the_other_letters_wait_for_the_next_time(store: Store) -> None:
    with office(Post(dies=5)) as post:
        where = site(post.port, ONE, TWO, THREE)
        queue(store, where)
        assert deliver(store, where).waiting == 3
    assert len(post.mails) == 1
    with sqlite3.connect(store.path) as db:  # the others are not marked as perhaps arrived
        assert db.execute("select count(*) from outbox where tries > 0").fetchone() == (1,)
