"""How do we make sure that asking somebody on the internet ends? A deadline, a stop, and a pause between two.

The libraries wait for each piece of an answer anew, so that a server that sends a byte a minute holds them
for ever. Here a watch stands beside each request and pulls the plug: it ends the connection beneath it.
Where it stops: looking up a name is bounded by the resolver's own settings.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from netwatch.errors import OutsideError
from netwatch.model import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 30.0  # seconds for a whole answer
CONNECT, PIECE = 10.0, 20.0  # seconds for a connection, and for each piece of an answer
PAUSE = 1.0  # seconds between two requests, as both sources ask for
TICK = 0.1
BOTH_WAYS = 2  # SHUT_RDWR


class Plug(Protocol):
    """What of a socket is needed here."""

    def shutdown(self, how: int, /) -> None:
        """End the connection."""
        ...


class Deadline:
    """One request's time. `over`: why it was cut, TIMEOUT or UNFINISHED, or None."""

    def __init__(self, seconds: float, stopped: Callable[[], bool]) -> None:
        """From the beginning of the context on."""
        self.over: Reason | None = None
        self._seconds = seconds
        self._stopped = stopped
        self._ended = threading.Event()
        self._guard = threading.Lock()
        self._plugs: list[Plug] = []
        self._thread = threading.Thread(target=self._stand, daemon=True)

    def __enter__(self) -> Self:
        """The watch begins."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """The watch ends; nothing is cut any more."""
        self._ended.set()
        self._thread.join()

    def watch(self, plug: Plug | None) -> None:
        """This connection belongs to the request."""
        if plug is None:
            return
        with self._guard:
            self._plugs.append(plug)
            late = self.over is not None
        if late:
            _pull(plug)

    def _stand(self) -> None:
        ends = time.monotonic() + self._seconds
        while not self._ended.wait(TICK):
            if self._stopped():
                return self._cut(Reason.UNFINISHED)
            if time.monotonic() >= ends:
                return self._cut(Reason.TIMEOUT)
        return None

    def _cut(self, why: Reason) -> None:
        with self._guard:
            self.over = why
            plugs = tuple(self._plugs)
        for plug in plugs:
            _pull(plug)

    def error(self, who: str) -> OutsideError | None:
        """Why the request was cut, as an error; None where it was not."""
        if self.over is None:
            return None
        return OutsideError(f"others.{self.over.value}", self.over, who=who)


def _pull(plug: Plug) -> None:
    with suppress(OSError, ValueError):
        plug.shutdown(BOTH_WAYS)


class Turns:
    """One request a second, or as `pause` says."""

    def __init__(self, who: str, pause: float, stopped: Callable[[], bool]) -> None:
        """The first needs not wait."""
        self._who = who
        self._pause = pause
        self._stopped = stopped
        self._next = time.monotonic()

    def wait(self, at_least: float = 0.0) -> None:
        """Until it is our turn. Raises OutsideError(UNFINISHED) where everybody must leave off."""
        until = max(self._next, time.monotonic() + at_least)
        while not self._stopped():
            left = until - time.monotonic()
            if left <= 0:
                self._next = time.monotonic() + self._pause
                return
            time.sleep(min(left, TICK))
        raise OutsideError("others.unfinished", Reason.UNFINISHED, who=self._who)
