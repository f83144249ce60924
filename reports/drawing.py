"""What does rich not draw by itself? Lines that break between the right words; tables in a narrow terminal.

rich breaks at every space, a no-break space too. So another letter holds such a place while it looks for
breaks. And it crops a table that has no room; here each of its rows then stands as a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.phrase import NO_BREAK, spaced

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.containers import Lines

HELD = "\ue000"  # of nobody's alphabet, one column wide
NARROW = 72  # columns in which our tables have no room


class Unbroken(Text):
    """No line break before a French `:` or within guillemets."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:  # noqa: ANN401 - handed on
        """Its lines, in which every space is a plain one: nothing breaks them any more."""
        held = self.copy()
        held.plain = spaced(held.plain).replace(NO_BREAK, HELD)
        lines = held.wrap(console, width, **how)
        for line in lines:
            line.plain = line.plain.replace(HELD, " ")
        return lines


class Sheet(Table):
    """A table; in a narrow terminal a list: of each row its heads, and under each what it says."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As rich draws it, where there is room."""
        if options.max_width >= NARROW:
            yield from super().__rich_console__(console, options)
            return
        for cells in zip(*(column.cells for column in self.columns), strict=True):
            for column, cell in zip(self.columns, cells, strict=True):
                if str(cell).strip():
                    yield column.header
                    yield Padding(cell, (0, 0, 0, 2))
            yield ""
