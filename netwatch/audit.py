"""What was sent to whom, by which question, and when? One JSON object a line, for each run a file.

For a person who has to answer for a scan: a device fell silent on Tuesday at 23:04, was it us? Each
connection has a line with what was sent, in words and sizes, never in bytes; each sweep of a device one with
its ports; each refusal one with its reason. The file is written as things happen, so that it also tells
what a scan did that was killed. Nothing that a peer sent is ever in it.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from netwatch.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMED = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}\.jsonl")  # as scan.name has it
RECENT = 40  # lines about one device that an alert can tell


def now() -> str:
    """UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Audit:
    """The log of one run. Without a path it is kept in memory only, and only its end."""

    def __init__(self, path: Path | None = None, broken: Callable[[], None] = lambda: None) -> None:
        """Start the file, readable by its owner only. Raises StoreError.

        `broken` is called where a line cannot be written: nobody could answer for what is sent from then on.
        """
        self._broken = broken
        self.path = path
        self._guard = threading.Lock()
        self._recent: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._file = None
        if path is not None:
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            except OSError as error:
                raise StoreError("store.cannot-write", path=path, why=error.strerror) from error
            self._file = os.fdopen(handle, "a", encoding="utf-8", buffering=1)

    def write(self, question: str, to: str, **more: object) -> None:
        """Something was sent, or refused. `more` holds words and numbers of ours."""
        entry = {"at": now(), "question": question, "to": to} | more
        with self._guard:
            mine = self._recent[to]
            mine.append(entry)
            del mine[:-RECENT]
            try:
                if self._file is not None:
                    self._file.write(json.dumps(entry, ensure_ascii=True) + "\n")
            except OSError:
                self._broken()

    def about(self, address: str) -> tuple[dict[str, Any], ...]:
        """The last lines about one device, oldest first."""
        with self._guard:
            return tuple(self._recent.get(address, ()))

    def close(self) -> None:
        """No more comes."""
        with self._guard:
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()
                self._file = None


def folder(data: Path, site: str) -> Path:
    """Where the logs of a site are."""
    return data / "audit" / site


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log; one that was cut off by a crash is left out. Raises StoreError."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    yield entry
    except OSError as error:
        raise StoreError("store.no-audit", path=path) from error


def before(data: Path, site: str, moment: datetime) -> tuple[Path, ...]:
    """The logs of runs that began before then, the first first; never the newest. A file that no run of ours
    wrote is none."""
    ours = sorted(path for path in folder(data, site).glob("*.jsonl") if NAMED.fullmatch(path.name))
    return tuple(path for path in ours[:-1] if path.name < f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}")


def newest(data: Path, site: str) -> Path:
    """The log of the last run: their names sort by time. Raises StoreError."""
    try:
        return max(folder(data, site).glob("*.jsonl"))
    except ValueError:
        raise StoreError("store.no-audit", path=folder(data, site)) from None
