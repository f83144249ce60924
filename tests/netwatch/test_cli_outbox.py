"""Does a person learn what has not arrived, since when and why, and can they renounce it in so many words?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from netwatch.arrival import deliver, letters
from netwatch.cli import main
from netwatch.config import Site, load
from netwatch.diff import Night
from netwatch.exits import Exit
from netwatch.model import Run, Vantage
from netwatch.post import Content
from netwatch.store import Store
from netwatch.words import LANGUAGES
from tests.lab.postoffice import Post, office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = Run("r", "cabinet", NOON, NOON, complete=True, vantages=(Vantage.LAN,))


def written(folder: Path, port: int) -> tuple[Path, Site]:
    path = folder / "site.toml"
    path.write_text(
        'name = "Cabinet"\nnetworks = ["192.168.1.0/24"]\nlanguage = "fr"\n'
        'recipients = ["a@x.example", "b@x.example"]\n'
        f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "n@x.example"\n'
    )
    return path, load(path)


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[tuple[Path, Path, Post]]:
    """One letter has arrived, the other is refused: site file, data folder, the server."""
    with office(Post(refuses={"a@x.example": "550 5.1.1 no such \x1b[31muser"})) as post:
        path, site = written(tmp_path, post.port)
        with Store(tmp_path / "data") as store:
            store.remember("cabinet", "Cabinet", "fr")
            store.record(RUN, Night({}, ()), letters(site, lambda _: Content("Le PACS répond", "t", "h")))
            deliver(store, site)
        yield path, tmp_path / "data", post


def invoke(data: Path, *words: object) -> Result:
    return CliRunner().invoke(main, [*map(str, words), "--data", str(data)])


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_waits_is_shown_with_its_reason_and_its_next_try(
    waiting: tuple[Path, Path, Post], language: str
) -> None:
    path, data, _ = waiting
    for site in (path, "cabinet"):
        shown = invoke(data, "outbox", site, "--lang", language)
        assert shown.exit_code == Exit.CLEAN
        text = " ".join(shown.stdout.split())
        assert "a@x.example" in text.partition("b@x.example")[0]
        assert "Le PACS répond" in text
        assert "550 5.1.1 no such [31muser" in text
        assert ("REFUSÉ" if language == "fr" else "REFUSED") in text
        assert ("prochain essai le" if language == "fr" else "next try") in text
        assert max(map(len, shown.stdout.splitlines())) <= 80
        assert "\x1b" not in shown.stdout


def test_the_same_for_a_machine(waiting: tuple[Path, Path, Post]) -> None:
    told = json.loads(invoke(waiting[1], "outbox", "cabinet", "--format", "json").stdout)
    assert told["schema"] == "netwatch/outbox-1"
    [left], [ended] = told["unarrived"], told["ended"]
    assert (left["recipient"], left["state"], left["tries"]) == ("a@x.example", "refused", 1)
    assert left["error"]["id"] == "mail.no-such-recipient"
    assert left["next_try"] > left["last_try"]
    assert (ended["recipient"], ended["state"], ended["error"]) == ("b@x.example", "sent", None)


def test_a_letter_is_dropped_only_with_a_reason_which_is_kept(waiting: tuple[Path, Path, Post]) -> None:
    path, data, post = waiting
    assert invoke(data, "outbox", "drop", path, 1).exit_code == Exit.USAGE
    assert invoke(data, "outbox", "drop", path, 1, "--reason", " ").exit_code == Exit.ERROR
    assert invoke(data, "outbox", "drop", path, 99, "--reason", "x").exit_code == Exit.ERROR
    assert "déjà arrivé" in invoke(data, "outbox", "drop", path, 2, "--reason", "x").stderr
    assert (
        invoke(data, "outbox", "drop", path, 1, "--reason", "prévenu par téléphone").exit_code == Exit.CLEAN
    )
    assert "déjà abandonné" in invoke(data, "outbox", "drop", path, 1, "--reason", "x").stderr
    shown = invoke(data, "outbox", path).stdout
    assert "Tout est arrivé" in shown
    assert "prévenu par téléphone" in shown
    post.refuses.clear()
    assert invoke(data, "mail", "flush", path).exit_code == Exit.CLEAN
    assert len(post.mails) == 1


def test_a_timer_is_quiet_where_nothing_is_due_and_fails_where_an_alert_is_lost(
    waiting: tuple[Path, Path, Post],
) -> None:
    path, data, post = waiting
    asked = len(post.asked)
    quiet = invoke(data, "mail", "flush", path, "--due")
    assert (quiet.exit_code, quiet.output, len(post.asked)) == (Exit.CLEAN, "", asked)
    with Store(data) as store:
        store._db.execute("update outbox set next_try = '2026-01-01T00:00:00Z' where state = 'refused'")
        lost = invoke(data, "mail", "flush", path, "--due")
        assert lost.exit_code == Exit.UNTOLD
        assert "REFUSÉE" in lost.stderr
        with store.lock("cabinet"):
            assert invoke(data, "mail", "flush", path, "--due").exit_code == Exit.CLEAN
            assert invoke(data, "mail", "flush", path).exit_code == Exit.BUSY
    post.refuses.clear()
    assert invoke(data, "mail", "flush", path).exit_code == Exit.CLEAN
    assert len(post.mails) == 2


def test_the_outbox_of_nobody_known_is_an_error(tmp_path: Path) -> None:
    assert invoke(tmp_path, "outbox", "nobody").exit_code == Exit.ERROR
