"""How is something drawn in 80 columns? The pieces that all tables share.

Every text becomes a rich Text, so that nothing a device says is ever read as markup, and what is long folds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Exposure, Severity
from reports.phrase import ADDRESS, clean

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table
    from rich.text import Text

    from reports.phrase import Phrases

STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
# How much is proved of a public port. The word is always written too.
PROVED = {
    Exposure.EXPOSED: "bold red",
    Exposure.FORWARDED: "yellow",
    Exposure.REPORTED: "yellow",
    Exposure.INSIDE_ONLY: "dim",
    Exposure.NOT_CHECKED: "dim",
}
# How old it is, by devices.WORST. The word is always written too.
AGES = {"unsafe": "bold red", "ended": "red", "ending": "yellow", "supported": "green", "unknown": "dim"}
WHOLE = {"severity", "since", "last", "port"}  # columns that never fold
# IPv4 and port; what leaves room for facts; two columns of every table of devices, so that they align.
WIDTHS = {"where": 21, "protocol": 13, "who": 22, "open": 15}


def text(words: str, style: str = "") -> Text:
    """A text that is never read as markup; long words fold, so that no line grows beyond the terminal."""
    from reports.drawing import Unbroken  # noqa: PLC0415 - rich is slow to import

    return Unbroken(words, style=style, overflow="fold")


def table(say: Phrases, topic: str, *heads: str) -> Table:
    """An empty table; `topic` and the heads name its columns' sentences."""
    from rich import box  # noqa: PLC0415 - slow to import

    from reports.drawing import Sheet  # noqa: PLC0415 - as above

    made = Sheet(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for head in heads:
        whole = head in WHOLE
        made.add_column(
            text(say(f"{topic}.head.{head}")), overflow="fold", no_wrap=whole, width=WIDTHS.get(head)
        )
    return made


def group(*parts: RenderableType) -> Group:
    """One below the other."""
    from rich.console import Group  # noqa: PLC0415 - slow to import

    return Group(*parts)


def where(address: str, port: int, *lines: str) -> str:
    """Address and port as a consultant writes them, and what is more to say below. Port 0 is none."""
    host = clean(address, ADDRESS)
    told = host if not port else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return "\n".join(filter(None, (told, *lines)))
