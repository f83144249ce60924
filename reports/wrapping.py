"""How does the text part of a mail read in any client? Wrapped at 72 columns, in plain signs."""

from __future__ import annotations

import textwrap

from reports.phrase import NO_BREAK

COLUMNS = 72


def wrapped(text: str) -> str:
    """Each line wrapped at 72 columns under its own indent, in plain spaces and straight apostrophes."""
    lines: list[str] = []
    for line in text.splitlines():
        body = line.lstrip(" ")
        indent = " " * (len(line) - len(body) + (len(body.split(" ", 1)[0]) + 1 if _is_item(body) else 0))
        lines += textwrap.wrap(line, COLUMNS, subsequent_indent=indent, break_on_hyphens=False) or [""]
    return "\n".join(lines).replace(NO_BREAK, " ").replace("\u2019", "'") + "\n"


def _is_item(line: str) -> bool:
    """`- one` or `2. two`."""
    head = line.split(" ", 1)[0]
    return head == "-" or (head.endswith(".") and head[:-1].isdigit())
