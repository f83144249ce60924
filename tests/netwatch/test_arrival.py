"""Does an alert arrive exactly once, or do we know that it did not? A real store, a real mail server."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from netwatch import arrival
from netwatch.arrival import Delivery, deliver, letters, standing, unrecorded
from netwatch.config import Site
from netwatch.diff import Night
from netwatch.errors import DeliveryError
from netwatch.model import Run, Vantage
from netwatch.patience import LAST, MOST
from netwatch.post import Content, Letter, Reader, Role, State
from netwatch.store import FILE, Store
from tests.lab.postoffice import Post, free_port, office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = Run("r", "cabinet", NOON, NOON, complete=True, vantages=(Vantage.LAN,))
ONE, TWO, THREE = "one@cabinet.example", "two@cabinet.example", "three@cabinet.example"


def write(reader: Reader) -> Content:
    return Content("subject", f"text {reader.language} {reader.role}", "<p>html</p>", "short")


def site(port: int, *recipients: object, **tables: object) -> Site:
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
        | tables
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def queue(store: Store, where: Site) -> tuple[Letter, ...]:
    post = letters(where, write)
    store.record(RUN, Night({}, ()), post)
    return post


def trial(reader: Reader) -> Content:
    return Content(f"essai {reader.language}", "a < b", "<p>a &lt; b</p>", "a < b")


def test_each_recipient_has_a_letter_of_their_own_under_an_id_of_its_own() -> None:
    first, second = letters(site(25, ONE, TWO), write)
    assert (first.recipient, second.recipient) == (ONE, TWO)
    assert first.message_id != second.message_id
    for letter in (first, second):
        assert letter.message_id.startswith("<")
        assert letter.message_id.endswith("@cabinet.example>")
        assert (letter.subject, letter.text, letter.html) == ("subject", "text en doctor", "<p>html</p>")


def test_what_was_accepted_once_is_never_sent_again(store: Store) -> None:
    with office() as post:
        where = site(post.port, ONE, TWO)
        queue(store, where)
        assert deliver(store, where, everything=True).sent == 2
        assert (
            deliver(store, where, everything=True).sent,
            deliver(store, where, everything=True).waiting,
        ) == (0, 0)
    assert post.recipients == [[ONE], [TWO]]


def test_a_server_that_is_down_delays_a_letter_and_neither_loses_nor_doubles_it(store: Store) -> None:
    where = site(free_port())
    [letter] = queue(store, where)
    for _ in range(3):
        delivery = deliver(store, where, everything=True)
        assert (delivery.sent, delivery.waiting) == (0, 1)
        assert delivery.error is not None
        assert delivery.error.message == "mail.port-closed"
    with office(port=where.mail.port if where.mail else None) as post:
        assert (deliver(store, where, everything=True).sent, deliver(store, where, everything=True).sent) == (
            1,
            0,
        )
    assert [received["Message-ID"] for received in post.mails] == [letter.message_id]


def test_a_server_that_dies_after_data_gets_the_same_message_id_again(store: Store) -> None:
    with office(Post(dies=2)) as post:
        where = site(post.port)
        [letter] = queue(store, where)
        assert [deliver(store, where, everything=True).sent for _ in range(4)] == [0, 0, 1, 0]
    assert [received["Message-ID"] for received in post.mails] == [letter.message_id] * 3


@pytest.mark.parametrize("answer", ["550 5.7.1 Relaying denied", "451 4.7.1 greylisted, come back later"])
@pytest.mark.parametrize("refused", [ONE, TWO, THREE])
def test_a_recipient_who_is_refused_keeps_nobody_else_from_being_told(
    store: Store, refused: str, answer: str
) -> None:
    with office(Post(refuses={refused: answer})) as post:
        where = site(post.port, ONE, TWO, THREE)
        queue(store, where)
        delivery = deliver(store, where, everything=True)
    assert [name for [name] in post.recipients] == [name for name in (ONE, TWO, THREE) if name != refused]
    assert (delivery.sent, delivery.waiting) == (2, 1)
    assert delivery.error is not None
    assert delivery.error.details["recipient"] == refused
    assert [one.letter.recipient for one in store.outbox.pending("cabinet")] == [refused]


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
        hostile = replace(letters(where, write)[0], recipient="x@y.example\r\nBcc: z@y.example")
        store.record(RUN, Night({}, ()), (hostile, *letters(where, write)))
        assert (deliver(store, where, everything=True).sent, len(store.outbox.pending("cabinet"))) == (2, 1)
    assert post.recipients == [[ONE], [TWO]]


def test_a_test_mail_says_of_each_recipient_whether_it_was_taken() -> None:
    with office(Post(refuses={ONE: "550 no such user"})) as post:
        told = dict(unrecorded(site(post.port, ONE, TWO), trial))
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
        list(unrecorded(where, trial))


def test_after_a_line_that_was_cut_the_other_letters_wait_for_the_next_time(store: Store) -> None:
    with office(Post(dies=5)) as post:
        where = site(post.port, ONE, TWO, THREE)
        queue(store, where)
        assert deliver(store, where, everything=True).waiting == 3
    assert len(post.mails) == 1
    with sqlite3.connect(store.path) as db:  # the others are not marked as perhaps arrived
        assert db.execute("select count(*) from outbox where tries > 0").fetchone() == (1,)


# ------------------------------------------------------------------------------------------ tried for days


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """It is this late."""
    monkeypatch.setattr(arrival, "_now", lambda: moment)


def rows(store: Store) -> list[tuple[Any, ...]]:
    with sqlite3.connect(store.path) as db:
        return db.execute("select recipient, state, tries, next_try from outbox order by id").fetchall()


def test_only_what_is_due_is_tried_and_a_person_may_try_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office(Post(refuses={ONE: "450 4.2.0 Greylisted"})) as post:
        where = site(post.port)
        queue(store, where)
        at(monkeypatch, NOON)
        assert (deliver(store, where).tried, len(post.asked)) == (1, 1)
        at(monkeypatch, NOON + timedelta(minutes=4))
        assert (deliver(store, where).tried, len(post.asked)) == (0, 1)
        assert deliver(store, where).waiting == 1, "what is not tried is told all the same"
        assert getattr(deliver(store, where).error, "message", "") == "mail.later", "with its last reason"
        assert (deliver(store, where, everything=True).tried, len(post.asked)) == (1, 2)
        post.refuses.clear()
        at(monkeypatch, NOON + timedelta(minutes=20))
        assert deliver(store, where) == Delivery(1, 0, tried=1)
    assert len(post.mails) == 1


def test_a_server_that_is_down_for_days_is_tried_again_and_the_letter_given_up_is_kept_and_said(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = site(port := free_port())
    [letter] = queue(store, where)
    moment, tried = NOON, 0
    while moment < NOON + LAST + timedelta(days=2):
        at(monkeypatch, moment)
        tried += deliver(store, where).tried
        moment += timedelta(minutes=30)
    assert 20 <= tried <= 30
    assert rows(store) == [(ONE, "given-up", tried, None)]
    told = standing(store, "cabinet")
    assert [(one.state, one.why) for one in told.lost] == [(State.GIVEN_UP, "mail.port-closed")]
    with office(port=port) as post:  # a person tries once more
        assert deliver(store, where).tried == 0
        assert deliver(store, where, everything=True).sent == 1
    assert [mail["Message-ID"] for mail in post.mails] == [letter.message_id]
    assert standing(store, "cabinet") == Delivery(0, 0)


def test_what_is_refused_for_good_is_said_at_once_tried_with_the_nights_and_never_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office(Post(refuses={ONE: "550 5.1.1 unknown"})) as post:
        where = site(post.port, ONE, TWO)
        queue(store, where)
        at(monkeypatch, NOON)
        told = deliver(store, where)
        assert (told.sent, told.waiting, [one.state for one in told.lost]) == (1, 1, [State.REFUSED])
        for minutes in range(5, 60 * 19, 5):
            at(monkeypatch, NOON + timedelta(minutes=minutes))
            assert deliver(store, where).tried == 0, "nobody is hammered"
        at(monkeypatch, NOON + MOST)
        assert deliver(store, where).tried == 1
        assert [one.state for one in standing(store, "cabinet").lost] == [State.REFUSED]
        post.refuses.clear()
        at(monkeypatch, NOON + MOST * 2)
        assert deliver(store, where).sent == 1
    assert {str(mail["To"]) for mail in post.mails} == {ONE, TWO}


def test_a_letter_that_waits_for_over_a_day_is_said_to_be_lost_for_now(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = site(free_port())
    queue(store, where)
    assert deliver(store, where).lost == ()
    at(monkeypatch, datetime.now(UTC) + timedelta(days=1, minutes=1))
    assert [one.state for one in deliver(store, where).lost] == [State.WAITING]


def test_a_letter_that_always_breaks_the_line_holds_up_nobody(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office() as post:
        where = site(post.port, ONE, TWO)
        queue(store, where)
        post.cuts = {ONE}
        at(monkeypatch, NOON)
        deliver(store, where)
        at(monkeypatch, NOON + timedelta(minutes=1))
        deliver(store, where)
    assert [str(mail["To"]) for mail in post.mails] == [TWO]


def test_a_server_that_takes_one_mail_in_a_talk_gets_each_in_one_of_its_own(store: Store) -> None:
    with office(Post(hangs_up=True)) as post:
        where = site(post.port, ONE, TWO, THREE)
        queue(store, where)
        assert deliver(store, where).sent == 3
    assert [name for [name] in post.recipients] == [ONE, TWO, THREE]


def test_a_wrong_password_is_a_try_of_all_and_a_refusal_of_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETWATCH_MAIL_PASSWORD", "wrong")
    with office(Post(password="right"), clear_login=True) as post:
        where = site(post.port, ONE, TWO)
        assert where.mail is not None
        where = where.model_copy(update={"mail": where.mail.model_copy(update={"user": "cabinet"})})
        queue(store, where)
        at(monkeypatch, NOON)
        told = deliver(store, where)
    assert getattr(told.error, "message", "") == "mail.login"
    assert [(state, tries) for _, state, tries, _ in rows(store)] == [("waiting", 1)] * 2


def test_a_dropped_letter_is_sent_no_more_and_stays_on_record(store: Store) -> None:
    where = site(port := free_port(), ONE, TWO)
    first, second = queue(store, where)
    store.outbox.drop(first, "told by telephone")
    with office(port=port) as post:
        assert deliver(store, where, everything=True) == Delivery(1, 0, tried=1)
    assert [mail["Message-ID"] for mail in post.mails] == [second.message_id]
    assert {one.note for one in store.outbox.ended("cabinet", 5)} == {"told by telephone", ""}


def test_a_letter_that_no_night_has_caused_arrives_once_like_any_other(store: Store) -> None:
    with office() as post:
        where = site(post.port, ONE, TWO)
        store.outbox.put("cabinet", letters(where, write))
        assert [deliver(store, where).sent for _ in range(2)] == [2, 0]
    assert {str(mail["To"]) for mail in post.mails} == {ONE, TWO}
    assert store.exposures("cabinet") == ()


def test_letters_of_an_older_database_wait_on_with_what_was_known_of_them(tmp_path: Path) -> None:
    from sqlite_utils import Database  # noqa: PLC0415

    from netwatch.store.schema import migrations  # noqa: PLC0415

    db = Database(tmp_path / FILE)
    migrations.apply(db, stop_before="m012_arrival")
    db.execute("insert into sites (slug, name, language) values ('cabinet', 'Cabinet', 'fr')")
    db.execute("insert into texts (digest, body) values ('x', '[]')")
    db.execute(
        "insert into runs (uid, site, started, finished, complete, vantages, coverage) "
        "values ('r', 1, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 1, '[]', 1)"
    )
    for number, (state, error) in enumerate((("waiting", "x"), ("sending", "x"), ("sent", None))):
        db.execute(
            "insert into outbox (site, run, message_id, recipient, subject, text, html, created, state, "
            "tries, error) values (1, 1, ?, 'a@b.example', 's', 't', 'h', '2026-01-01T00:00:00Z', ?, 3, ?)",
            [f"<{number}@t>", state, error],
        )
    db.close()
    with Store(tmp_path) as store:
        pending, ended = store.outbox.pending("cabinet"), store.outbox.ended("cabinet", 9)
    assert [(one.state, one.tries, one.details.get("said")) for one in pending] == [
        (State.WAITING, 3, "x"),
        (State.SENDING, 3, "x"),
    ]
    assert [one.letter.message_id for one in ended] == ["<2@t>"]


# ------------------------------------------------------------------------------------------- who reads what

BOTH = ("dr@cabinet.example", {"address": "it@provider.example", "language": "en", "role": "consultant"})


def test_each_reader_is_written_to_in_their_language_and_with_their_detail() -> None:
    asked: list[Reader] = []

    def written(reader: Reader) -> Content:
        asked.append(reader)
        return write(reader)

    post = letters(site(25, *BOTH, "other@cabinet.example", language="fr"), written)
    assert [(one.recipient, one.text) for one in post] == [
        ("dr@cabinet.example", "text fr doctor"),
        ("it@provider.example", "text en consultant"),
        ("other@cabinet.example", "text fr doctor"),
    ]
    assert asked == [Reader("fr", Role.DOCTOR), Reader("en", Role.CONSULTANT)], "once for each kind"


def test_a_test_mail_is_in_the_language_of_each() -> None:
    with office() as post:
        told = dict(unrecorded(site(post.port, *BOTH, language="fr"), trial))
    assert set(told.values()) == {None}
    assert [mail["Subject"] for mail in post.mails] == ["essai fr", "essai en"]
