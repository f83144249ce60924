"""Does the list of devices read well in 80 columns?"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console

from netwatch.words import Catalogue
from reports.devices_table import devices
from tests.reports.forty import forty

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

both_languages = pytest.mark.parametrize("language", ["fr", "en"])


def printed(language: str, *, colour: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=80, force_terminal=colour, color_system="standard" if colour else None).print(
        devices("Cabinet", forty(), Catalogue([]), language)
    )
    return out.getvalue()


@both_languages
def test_forty_devices_read_as_agreed_in_80_columns(language: str, snapshot: SnapshotAssertion) -> None:
    lines = [line.rstrip() for line in printed(language).splitlines()]
    assert max(map(cell_len, lines)) <= 80
    assert "\n".join(lines) == snapshot


def test_an_age_is_a_word_and_a_colour() -> None:
    assert "\x1b[31mPlus maintenu\x1b[0m" in printed("fr", colour=True)


@both_languages
def test_the_consultant_is_told_the_lists_day_and_what_windows_has_in_it(language: str) -> None:
    told = " ".join(printed(language).split())
    assert "171" in told
    assert "97 % (EPSS)" in told
    assert {"fr": "21 novembre 2026", "en": "21 November 2026"}[language] in told
    assert {"fr": "plus de 45 jours", "en": "more than 45 days"}[language] in told
