"""How is a finding typed? By a few letters and digits, made of its site and of what makes it the same. Pure.

The id of a finding is the same for ever, whatever night it is; its first characters are enough.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = tuple[str, str, int, str]  # rule, device, port, transport

SHORTEST, WHOLE = 6, 24  # characters: as it is shown, and as it is
# No vowels, and nothing that is mistaken for something else: easy to type, and never a word.
ALPHABET = "23456789bcdfghjkmnpqrstvwxz"


def ids(site: str, places: Iterable[Place]) -> dict[Place, str]:
    """For each finding a short name that no other of these has: six characters, more where they are alike."""
    whole = {one: whole_id(site, one) for one in places}
    every = sorted(set(whole.values()))
    length = SHORTEST
    while len({one[:length] for one in every}) < len(every):
        length += 1
    return {one: name[:length] for one, name in whole.items()}


def whole_id(site: str, of: Place) -> str:
    """The same for ever: made of the site's short name, rule, device, port and transport."""
    number = int.from_bytes(hashlib.sha256(json.dumps((site, *of)).encode()).digest()[:20])
    told = ""
    while len(told) < WHOLE:
        number, one = divmod(number, len(ALPHABET))
        told += ALPHABET[one]
    return told


def meant(site: str, wanted: str, places: Iterable[Place]) -> list[Place]:
    """Those whose id begins like what was typed; none for nothing."""
    text = wanted.strip().lower()
    return [one for one in places if text and whole_id(site, one).startswith(text)]
