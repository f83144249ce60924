"""Is another netwatch at work on this site? A file lock that dies with its process, even by kill -9.

Who holds it writes into the file which process it is, and since when: only ever a hint for a person. The
kernel's lock decides, and a file left behind by a crash locks nobody out.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from netwatch.errors import BusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAKEN = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}  # flock says the first, Windows the others
BETWEEN = 0.1  # seconds between two tries
LARGEST = 200  # bytes of what the holder wrote
FAR = 1 << 30  # Windows keeps others from reading what is locked: lock a byte where nobody writes


@contextmanager
def held(path: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock while inside. Raises BusyError where somebody else holds it, and for longer than
    `patience` seconds; StoreError where it cannot be had at all."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StoreError("store.cannot-write", path=path, why=error) from error
    try:
        _lock_within(handle, patience)
    except OSError as error:
        if error.errno in TAKEN:
            raise _busy(path, handle) from error
        os.close(handle)  # a network drive without locks, say
        raise StoreError("store.cannot-write", path=path, why=error) from error
    try:
        _sign(handle)
        yield
    finally:
        os.close(handle)


def _lock_within(handle: int, patience: float) -> None:
    latest = time.monotonic() + patience
    while True:
        try:
            return _lock(handle)
        except OSError as error:
            if error.errno not in TAKEN or time.monotonic() >= latest:
                raise
        time.sleep(BETWEEN)


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there is no other place for it

        os.lseek(handle, FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sign(handle: int) -> None:
    """Say who holds it. A disk that is full must not stop a night: then it is held unsigned."""
    signed = json.dumps({"pid": os.getpid(), "since": datetime.now().astimezone().isoformat()})
    try:
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, signed.encode())
    except OSError:
        return


def _busy(path: Path, handle: int) -> BusyError:
    """Who holds it and since when, as far as they said so."""
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        signed = json.loads(os.read(handle, LARGEST))
        pid, since = int(signed["pid"]), datetime.fromisoformat(signed["since"]).astimezone()
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return BusyError("store.busy", path=path)
    finally:
        os.close(handle)
    return BusyError("store.busy-since", path=path, pid=pid, day=since.date(), time=f"{since:%H:%M}")
