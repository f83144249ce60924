"""Which of a device's words may be kept, where as a whole they might hold somebody's name? Pure.

A description of a device has words that nobody knows side by side, as a person's name has, and plain.py keeps
none of it. What the product rules (families/*.toml) read in it is a maker, a model and a version, and so its
beginning is kept as far as they need it. Where it stops: what no rule knows today is not there tomorrow, when
a rule does.
"""

from __future__ import annotations

from netwatch.plain import discreet, lettered, plain
from netwatch.recognise import fitting

LONGEST = 200  # characters
BEHIND = 16  # characters at most that a rule looks ahead, behind those that it took


def excerpt(protocol: str, fact: str, told: bytes | str, most: int = LONGEST) -> str | None:
    """The words as a whole where they are nobody's, else as far as the rules of this fact read them.

    An `@` stands in somebody's address: who built it and where, or who is to be called.
    """
    text = plain(told, 2 * most)
    if text is None:
        return None
    return (None if "@" in text else discreet(text, most)) or _read(protocol, fact, text, most)


def _read(protocol: str, fact: str, text: str, most: int) -> str | None:
    """The shortest beginning of which the rules make the same as of the whole."""
    whole = fitting(protocol, fact, text)
    ends = [found.end() for rule, _ in whole if rule.like and (found := rule.like.search(text))]
    if not ends:
        return None
    for end in range(max(ends), min(max(ends) + BEHIND, len(text)) + 1):
        begins = text[:end].strip()
        if end <= most and fitting(protocol, fact, begins) == whole:
            return begins if lettered(begins) else None
    return None
