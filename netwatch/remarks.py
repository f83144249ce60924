"""How is a key of a first site file written, with what it is for above it? As TOML 1.0. Pure."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwatch.words import Messages

WIDTH = 100  # of a remark


def heading(words: Messages, name: str, *, known: bool = True) -> str:
    """A table with its remark; behind a `#` where nothing is known of it."""
    about = comment(words(f"init.section-{name.partition('.')[0]}"))
    return f"{about}\n{'' if known else '# '}[{name}]"


def key(words: Messages, name: str, value: object, example: object = (), *, remark: str = "") -> str:
    """A remark, then the key: with its value, or with an example behind a `#`. `remark`: its id, where the
    same key stands in several sections."""
    written = f"{name} = {_toml(value)}" if value else f"# {name} = {_toml(example)}"
    return f"{comment(words(f'init.key-{remark or name}'))}\n{written}"


def comment(text: str) -> str:
    """A comment of several lines."""
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _toml(value: object) -> str:
    """A value as TOML 1.0 writes it. JSON quotes text in the same way once nothing invisible is left."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(line(value), ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)  # a number, or a date


def line(text: str) -> str:
    """What was typed, on one line and printable."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
