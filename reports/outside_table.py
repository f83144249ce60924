"""What does the internet see of the practice, in a terminal? The section of the page, in 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Exposure
from reports.outside import section
from reports.phrase import ADDRESS, TEXT, Phrases, clean
from reports.terminal import PROVED, group, table, text
from reports.verdict import freshness

if TYPE_CHECKING:
    from rich.console import RenderableType

    from netwatch.document import Document
    from netwatch.words import Catalogue
    from reports.outside import Row, Section

_MAY_LEAD = {Exposure.EXPOSED, Exposure.FORWARDED}  # of these a reader asks where they lead


def outside(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:
    """The verdict, the public ports, what the box and others say, what is not known and what to do."""
    say = Phrases(language)
    told = section(say, document, catalogue)
    parts: list[RenderableType] = [
        text(clean(site_name, TEXT), "bold"),
        text(freshness(say, document), "" if document.run.complete else "yellow"),
        text(""),
        *(text(line, "bold" if number == 0 else "") for number, line in enumerate(told.verdict)),
    ]
    if document.public:
        named = ", ".join(clean(one.address, ADDRESS) for one in document.public)
        parts.append(text(say("outside.addresses", addresses=named)))
    if told.rows:
        parts += [text(""), _doors(say, told)]
    return group(*parts, *statements(say, told), *_unknown(say, told))


def statements(say: Phrases, told: Section) -> list[RenderableType]:
    """What the box says, and what others say."""
    parts: list[RenderableType] = []
    if told.box:
        parts += [text(""), text(say("outside.box"), "bold")]
        for who, lines in told.box:
            parts += [text(who), *(_item(line) for line in lines)]
    if told.others:
        parts += [text(""), text(say("outside.others"), "bold"), *(_item(line) for line in told.others)]
    return parts


def _doors(say: Phrases, told: Section) -> RenderableType:
    """Every public port."""
    made = table(say, "outside", "port", "answers", "leads", "verdict")
    for row in told.rows:
        made.add_row(
            text("\n".join(filter(None, (row.port, row.address)))),
            text(row.answers),
            text(row.short or ("" if row.verdict not in _MAY_LEAD else say("outside.way.unknown-short"))),
            _proved(say, row),
        )
    return made


def _proved(say: Phrases, row: Row) -> RenderableType:
    """How much is proved, and by whom."""
    return group(
        text(say(f"outside.verdict-short.{row.verdict}"), PROVED[row.verdict]),
        *(text(line) for line in row.proof),
        text(say("outside.since", since=row.since)),
    )


def _unknown(say: Phrases, told: Section) -> list[RenderableType]:
    """What is not known, why, and what to do."""
    parts: list[RenderableType] = []
    for one in told.unknown:
        parts += [_item(" ".join(filter(None, (f"{one.title}.", one.plain, one.remedy))))]
    return [text(""), text(say("outside.unknown"), "bold"), *parts] if parts else []


def _item(line: str) -> RenderableType:
    """A line of a list, whose further lines stand below its words."""
    from rich.table import Table  # noqa: PLC0415 - slow to import

    made = Table.grid(padding=(0, 1, 0, 0))
    made.add_column(width=1)
    made.add_column(overflow="fold")
    made.add_row(text("-"), text(line))
    return made
