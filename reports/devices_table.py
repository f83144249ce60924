"""What does the consultant see of the devices in a terminal? Name, kind, age, ports, in 80 columns.

Below the table: how old the data is that the ages rest on, and the practice's addresses on the internet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.document import port_list
from reports import gaps
from reports.checks import summed
from reports.dated import notes
from reports.devices import families, tally
from reports.phrase import ADDRESS, Phrases, clean
from reports.terminal import AGES, group, table, text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from netwatch.document import Document
    from netwatch.words import Catalogue
    from reports.devices import Row


def devices(site_name: str, document: Document, catalogue: Catalogue, language: str) -> RenderableType:  # noqa: ARG001 - all tables are called alike
    """Every device of the site in families; one that was not seen says so."""
    say = Phrases(language)
    own = [text(line) for line in _addresses(say, document)]
    known = families(say, document)
    if not known:
        return group(text(say("table.no-devices")), *own)
    parts: list[RenderableType] = []
    for family in known:
        made = table(say, "table", "who", "software", "open")
        for row in family.rows:
            made.add_row(*_cells(say, row))
        parts += [text(family.title, "bold"), made, text("")]
    rows = (row for family in known for row in family.rows)
    said = [
        text(line) for line in (tally(say, rows), *summed(say, gaps.devices(document)), *notes(say, document))
    ]
    return group(*parts, *said, *([text(""), *own] if own else []))


def _cells(say: Phrases, row: Row) -> tuple[Text, ...]:
    """A row; its age is coloured, and a word as well."""
    told = text("\n".join((row.made or say("devices.made-unknown"), row.software)).rstrip() + "\n")
    told.append(row.age, AGES[row.state])
    age = ", ".join(filter(None, (row.detail, row.read)))
    told.append(f" ({age})" if age else "")
    for check in row.checks:
        told.append(f"\n{check}", "yellow")
    also = (say("devices.card", card=card.replace(" ", "\n")) for card in row.cards)
    ports = port_list(row.ports).replace(",", ", ")
    last = row.last if row.seen else f"{row.last}\n{say('table.not-seen')}"
    return (
        text("\n".join(filter(None, (row.name, row.kind, row.address, row.mac, *also)))),
        told,
        text("\n".join(filter(None, (ports, last)))),
    )


def _addresses(say: Phrases, document: Document) -> list[str]:
    """The practice's addresses on the internet, and how far they were asked."""
    told = []
    for one in document.public:
        address = clean(one.address, ADDRESS)
        if one.asked is None:
            told.append(say("table.internet-never", address=address))
        else:
            when = say.moments.short(one.asked)
            told.append(say("table.internet", address=address, when=when, ports=one.ports))
    return told
