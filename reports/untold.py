"""Has every alert arrived? Where one has not, it stands in the first lines of each report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.phrase import clean

if TYPE_CHECKING:
    from netwatch.document import Document
    from reports.phrase import Phrases

NAMED = 3  # recipients in one sentence
LONGEST = 60


def untold(say: Phrases, document: Document) -> str:
    """How many alerts have not arrived, and to whom; nothing where all have."""
    if not document.undelivered:
        return ""
    names = list(
        dict.fromkeys(clean(one.recipient, LONGEST) for one in document.undelivered if one.recipient)
    )
    if not names:
        return say.count("untold.nobody", len(document.undelivered))
    to = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    return say.count("untold.to", len(document.undelivered), to=to)
