"""A text for the terminal that is not broken before a French `:` or within guillemets.

rich breaks at every space, a no-break space too. So another letter holds such a place while it looks for
breaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from reports.phrase import NO_BREAK, spaced

if TYPE_CHECKING:
    from rich.console import Console
    from rich.containers import Lines

HELD = "\ue000"  # of nobody's alphabet, one column wide


class Unbroken(Text):
    """Wrapped as rich does, between the right words."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:  # noqa: ANN401 - handed on
        """Its lines, in which every space is a plain one: nothing breaks them any more."""
        held = self.copy()
        held.plain = spaced(held.plain).replace(NO_BREAK, HELD)
        lines = held.wrap(console, width, **how)
        for line in lines:
            line.plain = line.plain.replace(HELD, " ")
        return lines
