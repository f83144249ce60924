"""Is a row of the table of sites true, with the worst site first? The terminal itself: test_cli_sites.py."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from netwatch.glance import Glance
from reports.sites import table_of

CALM = Glance("a", "Calm", "2026-11-29T23:10:00Z", "2026-11-29T23:10:00Z", False, {}, 0, 0, 0, 9, 0)  # noqa: FBT003
OPEN = Glance("b", "Ajar", CALM.last, CALM.complete, False, {"critical": 2}, 1, 1, 3, 1, 4)  # noqa: FBT003
BLIND = Glance("c", "\x1b[2JBlind", CALM.last, None, True, {}, 0, 0, 0, 0, 0)  # noqa: FBT003


def shown(language: str, *rows: Glance) -> str:
    console = Console(width=80, file=StringIO())
    with console.capture() as captured:
        console.print(table_of(rows, language))
    return captured.get()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_unwatched_first_then_the_worst(language: str) -> None:
    told = shown(language, CALM, OPEN, BLIND)
    assert told.index("Blind") < told.index("Ajar") < told.index("Calm")
    assert "\x1b[2J" not in told


def test_what_is_not_counted_and_what_did_not_arrive_are_told() -> None:
    told = " ".join(shown("en", OPEN).split())
    for words in ("critical: 2", "1 not retested", "1 accepted", "3 changes", "4 mails not delivered"):
        assert words.lower() in told.lower()
