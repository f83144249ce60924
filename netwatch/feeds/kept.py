"""How is what was fetched kept, so that it is whole or not there? One file a feed, replaced at once.

Three lines: the SHA-256 of the rest, the record (when it was fetched, from where, its validators), what was
told. The record stands in the file and not in one beside it: no crash can part the two. What does not match
its checksum, is not ours or is dated in the future is not used, and not repaired either: the next update
does.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from netwatch.feeds.reading import parsed, table

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1  # of the file
LARGEST = 16_000_000  # bytes
SKEW = timedelta(days=1)  # how far our clock may be behind the one that wrote


@dataclass(frozen=True, slots=True)
class Kept:
    """What was told, and the record of it. `asked`: what it is the answer to; another question has no use for
    its validators, and neither has another `url`."""

    told: Any  # JSON, in the shape of the feed's own module
    fetched: datetime
    url: str
    asked: str = ""
    etag: str | None = None
    modified: str | None = None


def where(folder: Path, feed: str) -> Path:
    """The file of a feed."""
    return folder / f"{feed}.feed"


def keep(folder: Path, feed: str, kept: Kept) -> None:
    """In the place of what was kept before, on disk before it is there. Raises OSError."""
    record = {
        "format": FORMAT,
        "feed": feed,
        "fetched_at": kept.fetched.astimezone(UTC).isoformat(),
        "url": kept.url,
        "asked": kept.asked,
        "etag": kept.etag,
        "modified": kept.modified,
    }
    rest = b"\n".join(json.dumps(part, separators=(",", ":")).encode() for part in (record, kept.told))
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(".part", f".{feed}-", folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, where(folder, feed))  # noqa: PTH105 - atomic, as os says it
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
    _settle(folder)


def _settle(folder: Path) -> None:
    """The new name is on disk, too, where the system can say so of a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def find(folder: Path, feed: str, now: datetime) -> Kept | None:
    """What is kept of a feed; None where that is nothing, or nothing that can be used. Never raises."""
    digest, _, rest = _bytes(where(folder, feed)).partition(b"\n")
    if digest != hashlib.sha256(rest).hexdigest().encode():
        return None
    head, _, told = rest.partition(b"\n")
    record = table(parsed(head))
    if record.get("format") != FORMAT or record.get("feed") != feed:
        return None
    fetched = _moment(record.get("fetched_at"))
    if fetched is None or fetched > now + SKEW:
        return None
    texts = {name: _text(record.get(name)) for name in ("url", "asked", "etag", "modified")}
    url, asked = texts["url"] or "", texts["asked"] or ""
    return Kept(parsed(told), fetched, url, asked, texts["etag"], texts["modified"])


def _bytes(path: Path) -> bytes:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # a pipe must not hang us
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return b""
            found = file.read(LARGEST + 1)
    except (OSError, ValueError):  # ValueError: a path that none can be
        return b""
    return found if len(found) <= LARGEST else b""


def _text(told: object) -> str | None:
    return told if isinstance(told, str) else None


def _moment(told: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(told if isinstance(told, str) else "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
