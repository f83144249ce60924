"""May this value stand in this column? For rows that come from a file, which anybody may have written.

The database itself sees to types, to what must not be missing and to what a row refers to. Here is what it
cannot know: which text is a date, an address or JSON, how long a word may be, and that no letter in it moves
a terminal's cursor. A column that is not named here is a word.
"""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwatch.model import Vantage

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WORD, LONGEST = 10_000, 16_000_000  # letters
MOST = 2**53  # no number of ours is greater
LAST_PORT = 65_535
WHITE = "\n\r\t"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

MOMENTS = frozenset({
    *("started", "finished", "first_seen", "last_seen", "ended", "created", "last_try", "sent", "at"),
    *("seen_at", "made", "began", "usual", "last", "settled", "first_try", "first_night", "last_night"),
    *("since", "gone", "digested"),
})  # fmt: skip
LISTS = frozenset({"networks", "vantages", "names", "port_states"})
OBJECTS = frozenset({"pace", "facts", "profile", "about"})
ITS_OBJECTS = frozenset({("outbox", "why"), *(("news", name) for name in ("finding", "previous", "more"))})
LONG = frozenset({"body", "text", "html", "evidence", "done", "ports"})
PORTS = frozenset({"port", "link_port"})
ADDRESSED = frozenset({"devices", "services", "findings", "addresses"})


def fit(table: str, row: Mapping[str, object], kinds: Mapping[str, type]) -> bool:
    """Has the row each column of the table, which are of these kinds, and in each what may stand there?"""
    return row.keys() == kinds.keys() and all(_fits(table, name, row[name], kinds[name]) for name in row)


def _fits(table: str, name: str, value: object, kind: type) -> bool:
    if value is None:
        return True
    if type(value) is not kind:  # SQLite would take 7 for "7", and true for 1
        return False
    if isinstance(value, int):
        return 0 <= value <= LAST_PORT if name in PORTS else abs(value) <= MOST
    return isinstance(value, str) and _readable(table, name, value) and _meant(table, name, value)


def _readable(table: str, name: str, value: str) -> bool:
    long = name in LONG or name in LISTS or name in OBJECTS or (table, name) in ITS_OBJECTS
    return len(value) <= (LONGEST if long else LONGEST_WORD) and printable(value)


def printable(value: str) -> bool:
    """Nothing in it controls a terminal, and it can be written as UTF-8."""
    return value.isprintable() or all(
        unicodedata.category(c) not in {"Cc", "Cs"} or c in WHITE for c in value
    )


def _meant(table: str, name: str, value: str) -> bool:
    """Is it the kind of text that this column has?"""
    if name in MOMENTS:
        return _moment(value)
    is_object = name in OBJECTS or (table, name) in ITS_OBJECTS
    if is_object or name in LISTS or (table, name) == ("texts", "body"):
        return _json(value, dict if is_object else list)
    if name == "vantage":
        return value in set(Vantage)
    if name == "address" and table in ADDRESSED:
        return _address(value)
    return True


def _moment(value: str) -> bool:
    """A moment that has been: a clock a day ahead is forgiven."""
    if not MOMENT.fullmatch(value):
        return False
    try:
        return datetime.fromisoformat(value) <= datetime.now(UTC) + timedelta(days=1)
    except ValueError:
        return False


def _address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def _json(value: str, kind: type) -> bool:
    try:
        told = json.loads(value)
        return isinstance(told, kind) and _plain(told)
    except (ValueError, RecursionError):
        return False


def _plain(told: object) -> bool:
    """Are all its texts printable?"""
    if isinstance(told, dict):
        return all(map(_plain, told)) and all(map(_plain, told.values()))
    if isinstance(told, list):
        return all(map(_plain, told))
    return not isinstance(told, str) or printable(told)
