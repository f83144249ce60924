"""Which of two firmware versions is the later one, where that can be told at all? Pure.

No standard: makers write as they like, so a text is cut into numbers and words, and compared part by part.
`rc`, `beta` and `alpha` come before nothing; `update 5`, `patch 5`, `p5` and `-5` after it; a letter behind a
number (OpenSSL's `1.1.1w`) too. What else differs in shape gives None and not an order: a board's code
(`V5.37(ABFW.0)`), a build told by one side only, a date (`2409081`) beside a release (`1.25`).

Where it stops: it does not know whose version it is. `1.3` is earlier than `1.25` here, whoever counts
otherwise; and a distribution's package says nothing by its upstream number (lifecycle.py).
"""

from __future__ import annotations

import re
from enum import IntEnum

LONGEST = 100  # characters: what is longer is nobody's version
BEFORE = ("alpha", "beta", "rc")  # in this order, and all of them before nothing
AFTER = frozenset({"p", "patch", "u", "update", "sp", "hotfix", "r"})
# A channel: says who is served it, and not what it is.
SILENT = frozenset({"stable", "final", "ga", "release", "v", "version"})
DATE, RELEASE = 10_000, 1_000  # a first number from here on is a date or a build; up to here, a release
LETTERS = 2  # behind a number: 1.0.2zh

_PART = re.compile(r"[0-9]+|[A-Za-z]+|[^0-9A-Za-z]+")
_READABLE = re.compile(r"[ -~]*[0-9][ -~]*")


class _Kind(IntEnum):
    """What a part is. BEFORE < END < AFTER < NUMBER and END < LETTER; a WORD has no place in any order."""

    BEFORE = 0
    END = 1
    AFTER = 2
    NUMBER = 3
    LETTER = 4
    WORD = 5


_Part = tuple[_Kind, int, str]
_END: _Part = (_Kind.END, 0, "")
_AFTER: _Part = (_Kind.AFTER, 0, "")
_UNRELATED = ({_Kind.LETTER, _Kind.AFTER}, {_Kind.LETTER, _Kind.NUMBER})


def compare(one: str, other: str) -> int | None:
    """-1 where the first is earlier, 1 where it is later, 0 where they are the same; None where that cannot
    be told. Never raises: what has no number in it, or is no printable ASCII, is no version."""
    if not (is_version(one) and is_version(other)):
        return None
    ours, theirs = _parts(one), _parts(other)
    longest = max(len(ours), len(theirs))
    for at in range(longest):
        mine = ours[at] if at < len(ours) else _END
        yours = theirs[at] if at < len(theirs) else _END
        if mine != yours:
            return _ordered(mine, yours, first=at == 0)
    return 0


def is_version(text: str) -> bool:
    """May this be a version: short, printable ASCII, and with a number?"""
    return len(text) <= LONGEST and _READABLE.fullmatch(text) is not None


def tokens(text: str) -> tuple[int | str, ...]:
    """Its numbers and words in lower case, without what stands between: `V7.2.1-69057` is 7, 2, 1, 69057.
    Nothing where it is no version."""
    if not is_version(text):
        return ()
    found = [int(part) if part.isdigit() else part.lower() for part in _PART.findall(text) if part.isalnum()]
    return tuple(found[1:] if found[0] == "v" else found)


def within(version: str, cycle: str) -> bool:
    """Is the version one of this cycle? By tokens: `7.2` holds `7.2.1-69057`, and `1` never holds `10`."""
    ours, theirs = tokens(version), tokens(cycle)
    return bool(theirs) and ours[: len(theirs)] == theirs


def surely_earlier(one: str, other: str) -> bool:
    """Is it earlier, and is that sure? What begins the other is told without its build or its update (QNAP's
    5.0.1, of 5.0.1.2234), and may be that very one or a later one."""
    return compare(one, other) == -1 and not within(other, one)


def _ordered(one: _Part, other: _Part, *, first: bool) -> int | None:
    """Of two parts that differ."""
    kinds = {one[0], other[0]}
    if _Kind.WORD in kinds or kinds in _UNRELATED:
        return None
    if (
        first
        and kinds == {_Kind.NUMBER}
        and min(one[1], other[1]) < RELEASE
        and max(one[1], other[1]) >= DATE
    ):
        return None
    return -1 if one < other else 1


def _parts(text: str) -> tuple[_Part, ...]:
    """The parts with their kinds. Zeros at the end of a dotted number are left out: 7.2 is 7.2.0."""
    found: list[_Part] = []
    between = ""
    pieces = _PART.findall(text.lower())
    for at, piece in enumerate(pieces):
        if piece.isdigit():
            if "-" in between and found and found[-1][0] in {_Kind.NUMBER, _Kind.LETTER}:
                _trim(found)
                found.append(_AFTER)
            found.append((_Kind.NUMBER, int(piece), "." if between == "." else ""))
        elif piece.isalpha() and piece not in SILENT:
            _trim(found)
            follows = pieces[at + 1] if at + 1 < len(pieces) else ""
            found.append(_word(piece, attached=not between and bool(found), follows=follows))
        between = "" if piece.isalnum() else piece
    _trim(found)
    return tuple((kind, number, "" if kind is _Kind.NUMBER else word) for kind, number, word in found)


def _word(piece: str, *, attached: bool, follows: str) -> _Part:
    """What a run of letters is. `attached`: to the number before it."""
    if piece in BEFORE:
        return (_Kind.BEFORE, BEFORE.index(piece), "")
    if piece in AFTER:
        return _AFTER
    if attached and len(piece) <= LETTERS and not follows.isdigit():
        return (_Kind.LETTER, 0, piece)
    return (_Kind.WORD, 0, piece)


def _trim(found: list[_Part]) -> None:
    """Leave out the zeros that end a dotted number."""
    while found and found[-1] == (_Kind.NUMBER, 0, "."):
        found.pop()
