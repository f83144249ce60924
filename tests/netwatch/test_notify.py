"""Does a short message arrive, once in each channel, and does its address stay a secret? Real apprise."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch import notify
from netwatch.arrival import deliver, letters, unrecorded
from netwatch.config import Site
from netwatch.diff import Night
from netwatch.errors import ConfigError, DeliveryError
from netwatch.model import Run, Vantage
from netwatch.notify import Channel, channels, quiet, send
from netwatch.post import Content, Letter
from netwatch.readers import NotifySettings
from netwatch.store import Store
from netwatch.words import LANGUAGES, messages
from tests.lab.postoffice import Post, free_port, office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = Run("r", "cabinet", NOON, NOON, complete=True, vantages=(Vantage.LAN,))
LETTER = Letter("<1@x.example>", "notify:bell", "Cabinet : le PACS répond", "Une phrase. Une autre.", "")
SECRET = "s3cret-token"  # noqa: S105 - of a server that lives for a second


@dataclass
class Bell:
    """A web server that takes short messages. `answers`: what it says, by path."""

    port: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Its address, with a password in it."""
        return f"json://user:{SECRET}@127.0.0.1:{self.port}/{path}"


@contextmanager
def bell(**answers: int) -> Iterator[Bell]:
    """It answers on loopback."""
    told = Bell(answers=answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = self.path.strip("/")
            code = told.answers.get(path, 200)
            if code == 200:
                told.got.append((path, body))
            self.send_response(code)
            self.end_headers()
            self.wfile.write(f"wrong {SECRET}".encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def apprise() -> None:
    """It is an optional part."""
    pytest.importorskip("apprise")


def listed(monkeypatch: pytest.MonkeyPatch, text: str) -> NotifySettings:
    monkeypatch.setenv("NETWATCH_NOTIFY_URLS", text)
    return NotifySettings()


# --------------------------------------------------------------------------------------------- the channels


def test_a_channel_has_the_name_that_the_list_gives_it_or_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# ours\nbell = tgram://1/2\n\n  ntfy://a/b?x=y \nNTFY://c\nother=json://h/?a=b\n"
    found = channels(listed(monkeypatch, text))
    assert [(one.name, one.url) for one in found] == [
        ("bell", "tgram://1/2"),
        ("ntfy", "ntfy://a/b?x=y"),
        ("ntfy-2", "NTFY://c"),
        ("other", "json://h/?a=b"),
    ]
    assert channels(None) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = tgram://x\nno address s3cret-token", "notify.line"),
        ("a = tgram://s3cret-token\na = tgram://s3cret-token", "notify.twice"),
        ("# nothing s3cret-token\n", "notify.empty"),
        ("tgram://s3cret-token\n" * 21, "notify.too-many"),
    ],
)
def test_a_list_that_is_wrong_is_said_so_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as wrong:
        channels(listed(monkeypatch, text))
    for language in LANGUAGES:
        assert SECRET not in messages(language)(wrong.value.message, **wrong.value.details)
    assert SECRET not in str(wrong.value)


@given(st.text(max_size=60))
def test_whatever_stands_in_a_list_is_read_or_refused(text: str) -> None:
    class Given(NotifySettings):
        def urls(self) -> str | None:
            return text

    with suppress(ConfigError):  # and nothing else
        assert 0 < len(channels(Given())) <= notify.MOST


def test_a_table_without_a_list_says_where_to_put_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETWATCH_NOTIFY_URLS", raising=False)
    with pytest.raises(ConfigError, match=r"notify\.no-urls.*NETWATCH_NOTIFY_URLS"):
        channels(NotifySettings())


def test_a_channel_never_shows_its_address() -> None:
    assert SECRET not in f"{Channel('bell', f'tgram://{SECRET}')!r} {Channel('bell', f'tgram://{SECRET}')}"


# ------------------------------------------------------------------------------------------------- sending


@pytest.mark.usefixtures("apprise")
def test_a_short_message_arrives_with_its_subject() -> None:
    with bell() as told:
        send(Channel("bell", told.url("one")), LETTER)
    [(path, body)] = told.got
    assert (path, body["title"], body["message"]) == ("one", LETTER.subject, LETTER.text)


@pytest.mark.usefixtures("apprise")
@pytest.mark.parametrize(
    ("path", "sentence", "code"), [("no", "refused", 401), ("gone", "refused", 404), ("bad", "refused", 500)]
)
def test_a_service_that_refuses_is_told_by_its_number_and_nothing_else(
    path: str, sentence: str, code: int
) -> None:
    with bell(no=401, gone=404, bad=500) as told, pytest.raises(DeliveryError) as error:
        send(Channel("bell", told.url(path)), LETTER)
    assert (error.value.message, error.value.details) == (
        f"notify.{sentence}",
        {"name": "bell", "code": code},
    )
    assert not error.value.permanent, "a new password in the list, and it goes"


@pytest.mark.usefixtures("apprise")
def test_a_service_that_is_down_and_an_address_that_is_none_are_told_apart() -> None:
    for url, sentence in (
        (f"json://user:{SECRET}@127.0.0.1:{free_port()}", "unreachable"),
        (f"nonsense://{SECRET}", "wrong-address"),
    ):
        with pytest.raises(DeliveryError, match=rf"notify\.{sentence}") as error:
            send(Channel("bell", url), LETTER)
        assert SECRET not in str(error.value)


def test_without_apprise_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apprise.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}")
    with pytest.raises(DeliveryError, match=r"notify\.not-installed") as error:
        send(Channel("bell", "json://127.0.0.1"), LETTER)
    for language in LANGUAGES:
        assert "netwatch-clinic" in messages(language)(error.value.message, **error.value.details)


def test_an_apprise_that_breaks_or_chatters_is_an_error_of_ours_and_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}")
    for text in (f"raise RuntimeError('{SECRET}')", f"print('{SECRET}' * 9999); import os; os.abort()"):
        (tmp_path / "apprise.py").write_text(text)
        with pytest.raises(DeliveryError, match=r"notify\.failed") as error:
            send(Channel("bell", f"json://{SECRET}"), LETTER)
        assert SECRET not in str(error.value) + "".join(capfd.readouterr())


def test_a_service_that_never_answers_is_left_and_may_have_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apprise.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}")
    monkeypatch.setattr(notify, "SECONDS", 0.5)
    with pytest.raises(DeliveryError, match=r"notify\.perhaps"):
        send(Channel("bell", "json://127.0.0.1"), LETTER)


def test_nothing_of_the_folder_that_we_stand_in_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apprise.py").write_text("import pathlib; pathlib.Path('loaded').touch()")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeliveryError):
        send(Channel("bell", "json://127.0.0.1:1"), LETTER)
    assert not (tmp_path / "loaded").exists()


def test_a_device_s_name_calls_nobody_and_links_nowhere() -> None:
    assert (
        quiet("<!here> @everyone https://x.example\x1b\u202e") == "(!here)  at everyone https: //x.example  "
    )


# ----------------------------------------------------------------------------------------- with the outbox


def site(port: int, **tables: object) -> Site:
    mail = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "n@x.example"}
    base: dict[str, object] = {"name": "Cabinet", "networks": ["192.168.1.0/24"], "mail": mail, "notify": {}}
    return Site.model_validate(base | {"recipients": ["dr@x.example"]} | tables)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        opened.remember("cabinet", "Cabinet", "fr")
        yield opened


def queue(store: Store, where: Site) -> tuple[Letter, ...]:
    post = letters(where, lambda _: Content("subject", "the whole text", "<p>h</p>", "in short"))
    store.record(RUN, Night({}, ()), post)
    return post


@pytest.mark.usefixtures("apprise")
def test_a_channel_that_fails_is_tried_alone_and_nobody_else_is_told_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bell(second=503) as told, office() as post:
        listed(monkeypatch, f"one = {told.url('first')}\ntwo = {told.url('second')}")
        where = site(post.port)
        sent = queue(store, where)
        assert [one.recipient for one in sent] == ["dr@x.example", "notify:one", "notify:two"]
        first = deliver(store, where)
        assert (first.sent, first.waiting, getattr(first.error, "message", "")) == (2, 1, "notify.refused")
        told.answers.clear()
        assert deliver(store, where, everything=True).sent == 1
        assert deliver(store, where, everything=True).sent == 0
    assert [path for path, _ in told.got] == ["first", "second"]
    assert {body["message"] for _, body in told.got} == {"in short"}
    assert len(post.mails) == 1
    everything = store.path.read_bytes() + b"".join(p.read_bytes() for p in store.folder.iterdir())
    assert SECRET.encode() not in everything


@pytest.mark.usefixtures("apprise")
def test_a_mail_server_that_is_down_keeps_no_channel_from_being_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bell() as told:
        listed(monkeypatch, told.url("first"))
        where = site(free_port())
        queue(store, where)
        assert (deliver(store, where).sent, len(told.got)) == (1, 1)


@pytest.mark.usefixtures("apprise")
def test_a_list_that_cannot_be_read_loses_no_alert(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETWATCH_NOTIFY_URLS", raising=False)
    with bell() as told, office(Post()) as post:
        where = site(post.port)
        queue(store, where)
        first = deliver(store, where)
        assert (first.sent, first.waiting, getattr(first.error, "message", "")) == (1, 1, "notify.no-urls")
        listed(monkeypatch, f"a = {told.url('first')}\nb = {told.url('second')}")
        assert deliver(store, where, everything=True).sent == 2
    assert [path for path, _ in told.got] == ["first", "second"]


def test_a_channel_that_was_taken_off_the_list_is_said_by_its_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office() as post:
        listed(monkeypatch, "bell = json://127.0.0.1:1")
        where = site(post.port)
        queue(store, where)
        listed(monkeypatch, "other = json://127.0.0.1:1")
        told = deliver(store, where)
        assert (told.sent, told.waiting) == (1, 1)
        assert getattr(told.error, "details", {}) == {"name": "bell"}
        told = deliver(store, where.model_copy(update={"notify": None}), everything=True)
        assert getattr(told.error, "message", "") == "notify.not-configured"
    with sqlite3.connect(store.path) as db:
        assert db.execute("select tries from outbox where recipient = 'notify:bell'").fetchone() == (2,)


@pytest.mark.usefixtures("apprise")
def test_a_trial_reaches_the_channels_also_where_the_mail_server_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with bell() as told:
        listed(monkeypatch, f"bell = {told.url('first')}")
        results = dict(
            unrecorded(site(free_port()), lambda to: Content(f"trial {to.language}", "text", "", "text"))
        )
    assert results["bell"] is None
    assert getattr(results[""], "message", "") == "mail.port-closed"
    assert [body["title"] for _, body in told.got] == ["trial en"]


def test_who_is_told_by_short_messages_only_needs_no_mail(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(monkeypatch, "bell = json://127.0.0.1:1")
    assert [one.recipient for one in queue(store, site(25, recipients=[], mail=None))] == ["notify:bell"]
