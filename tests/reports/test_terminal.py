from __future__ import annotations

import io

from rich.console import Console

from netwatch.model import Exposure, Severity
from reports.phrase import Phrases
from reports.terminal import PROVED, STYLES, group, table, text, where


def test_every_severity_and_every_degree_of_proof_has_its_look() -> None:
    assert set(STYLES) == set(Severity)
    assert set(PROVED) == set(Exposure)
    assert PROVED[Exposure.EXPOSED] == STYLES[Severity.CRITICAL]
    assert PROVED[Exposure.FORWARDED] != PROVED[Exposure.EXPOSED], "said is not proved"


def test_a_place_is_written_as_a_consultant_writes_it() -> None:
    assert where("192.168.1.20", 104) == "192.168.1.20:104"
    assert where("2001:db8::7", 443, "name", "") == "[2001:db8::7]:443\nname"
    assert where("192.168.1.1", 0) == "192.168.1.1"


def test_what_is_long_folds_and_markup_stays_text() -> None:
    out = io.StringIO()
    made = table(Phrases("en"), "table", "what", "where")
    made.add_row(text("[bold]" + "x" * 100), text("y"))
    Console(file=out, width=80).print(group(made, text("[red]below")))
    told = out.getvalue()
    assert max(len(line) for line in told.splitlines()) <= 80
    assert "[bold]" in told
    assert "[red]below" in told
    assert told.count("x") == 100
