from __future__ import annotations

import io

import pytest
from rich.console import Console

from reports.phrase import Phrases
from reports.terminal import group, table, text


@pytest.mark.parametrize("width", range(12, 60))
def test_no_line_breaks_within_guillemets_or_before_a_mark(width: int) -> None:
    out = io.StringIO()
    told = text("Un programme a demandé, « vnc », trois choses : ceci ; cela ! Et alors ?")
    Console(file=out, width=width).print(group(told))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert " ".join(lines) == told.plain
    assert [line for line in lines if line.endswith("«") or line[:1] in "»:;!?"] == []


def test_what_a_text_shows_in_colour_it_shows_after_a_break_too() -> None:
    out = io.StringIO()
    console = Console(file=out, width=12, force_terminal=True, color_system="standard")
    console.print(group(text("un « deux » trois", "red")))
    assert out.getvalue().count("\x1b[31m") == 2


@pytest.mark.parametrize("width", [40, 71, 72, 80])
def test_a_table_without_room_is_a_list_that_leaves_nothing_out(width: int) -> None:
    out = io.StringIO()
    made = table(Phrases("fr"), "table", "severity", "what", "where", "since", "status")
    cells = ("critique", "Le serveur d'images répond", "203.0.113.7:11112", "20/11/2026", "constaté")
    for row in (cells, ("faible", *cells[1:4], "")):
        made.add_row(*(text(cell) for cell in row))
    Console(file=out, width=width).print(group(made))
    told = out.getvalue()
    assert max(len(line) for line in told.splitlines()) <= width
    assert told.count("20/11/2026") == 2
    assert " ".join(told.split()).count("Le serveur") == 2
    assert told.count("Gravité") == (2 if width < 72 else 1)
    assert told.count("État") == 1, "what says nothing has no head in a list"
