"""Does one letter over all sites arrive, once, when anything moved, and leave the practices' mail alone?"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from netwatch import desk_letter
from netwatch.cli import main
from netwatch.composition import desk_writer, rules
from netwatch.desk import load
from netwatch.desk_letter import rows, tell
from netwatch.document import AcceptedPart
from netwatch.exits import Exit
from netwatch.model import Status
from netwatch.overview import standing
from netwatch.store import FILE, Store
from tests.lab.postoffice import Post, office
from tests.netwatch.test_cli_scan import run, site
from tests.netwatch.test_cli_sites import OLD, PACS, night

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DESK = """name = "Atelier"
language = "{language}"
recipients = ["it@atelier.example"]
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "n@atelier.example"
"""


@pytest.fixture
def post() -> Iterator[Post]:
    with office() as opened:
        yield opened


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Store(tmp_path / "data") as store:
        night(store, "calm", timedelta(hours=9))
        night(store, "open", timedelta(hours=9), PACS)
        night(store, "blind", timedelta(hours=40))
    return tmp_path / "data"


def desk(folder: Path, port: int, language: str = "en") -> Path:
    path = folder / "desk.toml"
    path.write_text(DESK.format(port=port, language=language))
    return path


def sites(data: Path, path: Path, *more: str) -> Result:
    words = ["sites", "--mail", str(path), "--data", str(data), "--lang", "en", *more]
    return CliRunner().invoke(main, words, catch_exceptions=False)


def subjects(post: Post) -> list[str]:
    return [str(one["Subject"]) for one in post.mails]


def text(post: Post) -> str:
    body = post.mails[-1].get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def test_one_letter_tells_all_sites_and_is_written_again_only_when_something_moved(
    tmp_path: Path, data: Path, post: Post
) -> None:
    path = desk(tmp_path, post.port)
    assert "is written" in sites(data, path).stderr
    assert subjects(post) == ["Atelier: 3 sites: 1 not watched, 1 critical open"]
    told = text(post)
    assert told.index("CABINET BLIND") < told.index("CABINET OPEN")
    assert "Watched, with nothing open known: Cabinet calm." in told
    assert sites(data, path).stderr == "", "where nobody watches, nothing is no news"
    assert len(post.mails) == 1
    with Store(data) as store:
        night(store, "calm", timedelta(hours=1), OLD)
    sites(data, path)
    assert subjects(post)[1:] == ["Atelier: 3 sites: 1 not watched, 1 critical open, 1 new"]
    assert "New since the last letter: 1 low." in text(post)


def test_no_address_device_or_port_of_a_practice_is_in_it(tmp_path: Path, data: Path, post: Post) -> None:
    sites(data, desk(tmp_path, post.port))
    assert not re.search(r"192\.168|\b104\b", post.mails[0].as_string())


def test_a_letter_that_could_not_leave_waits_and_leaves_once_under_its_own_number(
    tmp_path: Path, data: Path
) -> None:
    assert "1 " in sites(data, desk(tmp_path, 9)).stderr
    with Store(data) as store:
        [waiting] = store.outbox.unarrived("desk.atelier")
        store.outbox._db.execute("update outbox set next_try = null")
        store.outbox._db.conn.commit()
    with office() as post:
        for _ in range(3):
            sites(data, desk(tmp_path, post.port))
        assert [one["Message-ID"] for one in post.mails] == [waiting.letter.message_id]


def test_a_crash_before_the_letter_is_kept_tells_it_next_time(
    tmp_path: Path, data: Path, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk(tmp_path, post.port)
    with Store(data) as store:
        told, named = list(rows(store, rules(), "en", datetime.now(UTC))), load(path)

        def dies(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr("netwatch.store.outbox.notice", dies)
            with pytest.raises(KeyboardInterrupt):
                tell(store, named, path, told, desk_writer(named))
        with monkeypatch.context() as broken:
            broken.setattr(desk_letter, "deliver", dies)
            with pytest.raises(KeyboardInterrupt):
                tell(store, named, path, told, desk_writer(named))
        assert post.mails == []
        written, delivery = tell(store, named, path, told, desk_writer(named))
        assert (written, delivery.sent) == (False, 1), "it was kept the second time, and waited"
    assert len(post.mails) == 1


def test_the_desk_is_no_site(tmp_path: Path, data: Path, post: Post) -> None:
    sites(data, desk(tmp_path, post.port))
    with Store(data) as store:
        assert store.sites() == ("blind", "calm", "open")
        assert store.site("desk.atelier") == ("Atelier", "en")
    assert "desk." not in sites(data, desk(tmp_path, post.port), "--format", "json").stdout
    with closing(sqlite3.connect(data / FILE)) as db:
        assert db.execute("select count(*) from outbox").fetchone() == (1,)


def test_a_night_of_all_sites_ends_with_its_letter_and_says_who_could_not_be_scanned(
    tmp_path: Path, post: Post
) -> None:
    data = tmp_path / "data"
    for number in (1, 2):
        run(data, "scan", site(tmp_path, number), "--no-alert")
    site(tmp_path, 2, days=-1)
    path = desk(tmp_path, post.port, "fr")
    assert run(data, "scan", "--all", "--desk", path, "--no-alert").returncode == Exit.ERROR
    assert post.mails == [], "--no-alert"
    run(data, "scan", "--all", "--desk", path)
    [subject] = [one for one in subjects(post) if one.startswith("Atelier")]
    assert subject.startswith("Atelier : 2 sites : ")
    assert "Le contrôle n'a pas pu avoir lieu" in text(post)


def test_a_desk_goes_with_all_and_a_mistake_in_its_file_is_told_before_any_scan(tmp_path: Path) -> None:
    path = site(tmp_path, 3)
    ended = run(tmp_path / "data", "scan", path, "--desk", path)
    assert (ended.returncode, "--all" in ended.stderr) == (Exit.USAGE, True)
    ended = run(tmp_path / "data", "scan", "--all", "--desk", path)
    assert ended.returncode == Exit.ERROR
    assert "networks" in ended.stderr


def test_its_letters_are_found_in_the_outbox_by_its_slug(tmp_path: Path, data: Path) -> None:
    sites(data, desk(tmp_path, 9))
    words = ["outbox", "desk.atelier", "--data", str(data), "--lang", "en"]
    shown = CliRunner().invoke(main, words, catch_exceptions=False)
    assert "it@atelier.example" in " ".join(shown.stdout.split())


def test_letters_that_arrived_long_ago_go_and_what_they_told_stays(
    tmp_path: Path, data: Path, post: Post
) -> None:
    path = desk(tmp_path, post.port)
    sites(data, path)
    with Store(data) as store:
        store.outbox._db.execute("update outbox set sent = '2020-01-01T00:00:00Z', created = sent")
        store.outbox._db.conn.commit()
        night(store, "calm", timedelta(hours=1), OLD)
    sites(data, path)
    assert len(post.mails) == 2
    with Store(data) as store:
        assert len(store.outbox.ended("desk.atelier", 9)) == 1
    sites(data, path)
    assert len(post.mails) == 2


def test_what_is_accepted_or_proved_gone_no_longer_stands_and_what_nobody_tested_does(data: Path) -> None:
    with Store(data) as store:
        night(store, "open", timedelta(hours=2), PACS, OLD)
        document = store.document("open", rules(), "en")
    assert document is not None
    one, other = document.findings
    assert len(standing(document)) == 2
    gone = replace(document, findings=(replace(one, status=Status.RESOLVED), other))
    assert standing(gone).keys() == {other.id}
    lived_with = replace(one, accepted=AcceptedPart("Dr", "2026-11-01", "2027-01-01", "old"))
    assert standing(replace(document, findings=(lived_with, other))).keys() == {other.id}
    silent = replace(document, findings=(replace(one, status=Status.UNVERIFIED), other))
    assert standing(silent) == standing(document)
    assert standing(None) == {}
