"""Does `netwatch feeds` say what was renewed, what was not, and how old what is kept is?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from netwatch import cli_feeds
from netwatch.cli_feeds import feeds
from netwatch.exits import Exit
from netwatch.feeds import load
from netwatch.nightly import FEEDS, lifecycles
from tests.lab.feeds_server import (
    ENDOFLIFE,
    KEV,
    FeedsServer,
    endoflife,
    hole,
    kev,
    product,
    release,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedsServer]:
    with FeedsServer() as running:
        monkeypatch.setenv("NETWATCH_FEEDS_URL", running.url)
        running.documents[ENDOFLIFE] = endoflife(product("redis", release("9.9", "2031-01-31", ended=False)))
        running.documents[KEV] = kev(hole("CVE-2021-44142"), hole("CVE-2020-0001", "Acme", "Toaster"))
        yield running


def run(folder: Path, command: str, lang: str = "en") -> Result:
    return CliRunner().invoke(feeds, [command, "--data", str(folder), "--lang", lang])


def test_an_update_says_of_each_feed_how_much_is_kept(server: FeedsServer, tmp_path: Path) -> None:
    told = run(tmp_path, "update")
    assert told.exit_code == Exit.CLEAN, told.output
    assert "endoflife.date: renewed, 1 entries" in told.output
    assert "CISA KEV: renewed, 2 entries" in told.output
    again = run(tmp_path, "update", "fr")
    assert "CISA KEV : inchangé" in again.output
    assert server.url


def test_of_the_chances_only_those_of_products_that_we_know_are_asked(
    server: FeedsServer, tmp_path: Path
) -> None:
    run(tmp_path, "update")
    assert server.url
    assert set(load(tmp_path / FEEDS, datetime.now(UTC)).epss) == {"CVE-2021-44142"}


def test_what_was_renewed_is_what_a_scan_judges_by(server: FeedsServer, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    today = now.date()
    assert lifecycles(tmp_path, now).judge("redis", "9.9.1", today, upstream=True).until is None
    run(tmp_path, "update")
    told = lifecycles(tmp_path, now + timedelta(days=1)).judge("redis", "9.9.1", today, upstream=True)
    assert str(told.until) == "2031-01-31"
    assert server.url


@pytest.mark.parametrize(("lang", "word"), [("en", "not renewed"), ("fr", "non renouvelé")])
def test_what_cannot_be_renewed_is_told_and_what_is_kept_stays(
    server: FeedsServer, tmp_path: Path, lang: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, "update")
    monkeypatch.setenv("NETWATCH_FEEDS_URL", "http://127.0.0.1:9")
    told = run(tmp_path, "update", lang)
    assert told.exit_code == Exit.INCOMPLETE
    assert told.output.count(word) == 3
    assert "Traceback" not in told.output
    assert len(load(tmp_path / FEEDS, datetime.now(UTC)).kev) == 2
    assert server.url


def test_show_tells_what_is_kept_and_warns_of_what_is_old(
    server: FeedsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tmp_path, "show").output.count("nothing is kept") == 3
    run(tmp_path, "update")
    assert "more than 45 days" not in run(tmp_path, "show").output

    later = datetime.now(UTC) + timedelta(days=46)
    monkeypatch.setattr(cli_feeds, "utc", lambda: later)
    assert run(tmp_path, "show").output.count("more than 45 days") == 3
    assert server.url
