"""How do the bench's numbers look on a screen?"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table


def table(title: str, *columns: str) -> Table:
    """First column to the left, numbers to the right."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left")
    return made


def show(*parts: Table | str) -> None:
    """With an empty line before each table."""
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    for part in parts:
        console.print(*([] if isinstance(part, str) else [""]), part, sep="\n")


def aim(what: str, value: float, limit: float, unit: str) -> str:
    """A verdict on a number."""
    return f"{what}: aim under {limit} {unit}: {'met' if value < limit else 'MISSED'} ({value:.0f} {unit})"
