"""What does a failure's sentence say, in the reader's language? A night keeps it in English.

The night keeps the words of netwatch/words/*.en.toml, filled in. Here the sentence is found again by its
words, and filled in anew. Where it stops: what is no sentence of ours is told by its reason alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import TYPE_CHECKING

from netwatch.words import messages
from reports.phrase import TEXT, clean

if TYPE_CHECKING:
    from reports.phrase import Phrases

TOPICS = ("address.", "vantage.", "outside.", "others.", "box.")
LONGEST = 1_000  # characters of a sentence that is looked for


@dataclass(frozen=True, slots=True)
class Retold:
    """A sentence of ours: its id, such as `address.cgnat`, and its text."""

    name: str
    text: str


def retold(say: Phrases, detail: str) -> Retold | None:
    """The same in the reader's language; None where it is no sentence of ours."""
    if not detail or len(detail) > LONGEST:
        return None
    for name, shape in _shapes():
        found = shape.fullmatch(detail)
        if found:
            details = {key: clean(value, TEXT) for key, value in found.groupdict().items()}
            text = messages(say.language)(name, **details)
            return Retold(name, clean(say.set(_sentence(text))))
    return None


def _sentence(text: str) -> str:
    """With a capital and a full stop, as it stands alone."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


@cache
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each English sentence as what it looks like filled in; those with most words of ours first."""
    sentences = {name: text for name, text in messages("en").sentences.items() if name.startswith(TOPICS)}
    shapes = [(name, _shape(str(text)), str(text)) for name, text in sentences.items()]
    shapes.sort(key=lambda one: -sum(len(words) for words, *_ in Formatter().parse(one[2])))
    return tuple((name, shape) for name, shape, _ in shapes)


def _shape(text: str) -> re.Pattern[str]:
    parts, seen = [], set[str]()
    for words, name, _, _ in Formatter().parse(text):
        parts.append(re.escape(words))
        if name is not None:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.*?)")
            seen.add(name)
    return re.compile("".join(parts), re.DOTALL)
