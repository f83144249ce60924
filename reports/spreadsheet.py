"""How is a table handed to a spreadsheet? As CSV (RFC 4180), in which nothing is calculated."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would calculate


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]], separator: str = ",") -> str:
    """A line of heads, then one a row; what would be a formula there is not. `separator`: a spreadsheet in
    French parts columns at the semicolon."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({column: _cell(value) for column, value in row.items()})
    return out.getvalue()


def _cell(value: object) -> object:
    shown = "" if value is None else value
    return f"'{shown}" if isinstance(shown, str) and shown.startswith(FORMULA) else shown
