"""Does every report say first that an alert has not arrived?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from netwatch.document import Document, UndeliveredPart
from reports import page, table
from reports.phrase import Phrases
from reports.untold import untold

if TYPE_CHECKING:
    from netwatch.words import Catalogue

LOST = UndeliveredPart("dr@x.example", "refused", "2026-11-22T21:04:00Z", 3, "2026-11-24T03:00:00Z")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_is_said_before_everything_but_the_date(
    document: Document, catalogue: Catalogue, language: str
) -> None:
    told = replace(document, undelivered=(LOST,))
    html = page.render("Cabinet", told, catalogue, language)
    assert html.index('class="fresh') < html.index("dr@x.example") < html.index('class="answer"')
    console = Console(width=80, record=True)
    console.print(table.summary("Cabinet", told, catalogue, language))
    assert any("dr@x.example" in line for line in console.export_text().splitlines()[:4])


@pytest.mark.parametrize("language", ["fr", "en"])
def test_nothing_is_said_where_all_has_arrived(
    document: Document, catalogue: Catalogue, language: str
) -> None:
    assert untold(Phrases(language), document) == ""
    assert "netwatch outbox" not in page.render("Cabinet", document, catalogue, language)


def test_the_first_recipients_are_named_once_and_safely(document: Document) -> None:
    names = ("a@x.example", "a@x.example", "b@x.example", "\x1b[31mc@x.example\n", "d@x.example")
    many = replace(document, undelivered=tuple(replace(LOST, recipient=name) for name in names))
    told = untold(Phrases("fr"), many)
    assert told.startswith("5 alertes ne sont pas arrivées (a@x.example, b@x.example, c@x.example, …)")
    nobody = replace(document, undelivered=(replace(LOST, recipient=""),))
    assert "recipients" in untold(Phrases("fr"), nobody)
