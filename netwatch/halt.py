"""When does a scan end before its end, and why? Between two packets, for one reason, told once.

A stop is asked for by a person (Ctrl-C, SIGTERM), by the clock (the window closes, the authorisation ends)
or by the scan itself (a guarded device fell silent, the audit log cannot be written). The first reason
holds.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPPED, WINDOW, AUTHORISATION, FELL_SILENT = "stopped", "window", "authorisation", "fell-silent"
AUDIT = "audit"


@contextmanager
def deaf() -> Iterator[None]:
    """While inside, Ctrl-C and SIGTERM are not heard: it is already ending, and would lose what it has."""
    try:
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: signals do not come here
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Halt:
    """Whether to leave off. Safe to share between threads."""

    def __init__(self) -> None:
        """Not yet."""
        self._event = threading.Event()
        self._guard = threading.Lock()
        self.why: str | None = None

    def now(self, why: str) -> None:
        """Leave off; the first reason is kept."""
        with self._guard:
            if self.why is None:
                self.why = why
        self._event.set()

    def asked(self) -> bool:
        """Must everybody leave off?"""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until everybody must leave off; True then."""
        return self._event.wait(seconds)

    @contextmanager
    def at(self, moment: datetime | None, why: str) -> Iterator[None]:
        """While inside: leave off when this moment has come."""
        if moment is None:
            yield
            return
        left = (moment - datetime.now(moment.tzinfo)).total_seconds()
        timer = threading.Timer(max(0.0, min(left, threading.TIMEOUT_MAX)), self.now, (why,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
