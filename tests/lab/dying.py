"""Where can a delivery die? `python -m tests.lab.dying SITE DATA POINT NTH` delivers, and is gone there.

It ends as by `kill -9` (os._exit: nothing is closed, nothing is written any more) when POINT is passed for
the NTH time; else it exits with 0. POINTS: the moments between a letter on disk and one marked as sent.
"""

from __future__ import annotations

import os
import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwatch import smtp
from netwatch.arrival import deliver
from netwatch.config import load
from netwatch.mail import Session
from netwatch.store import Store
from netwatch.store.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

DIED = 99
POINTS = (
    "before-trying",  # the letter waits on disk
    "trying-uncommitted",  # marked, and the mark not yet on disk
    "after-trying",  # marked on disk; nothing has left
    "before-dot",  # the server has the recipient, and is asked for the text
    "after-dot",  # the whole letter has left; no answer was read
    "after-250",  # the answer was read
    "sent-uncommitted",  # marked as sent, and the mark not yet on disk
    "after-sent",  # all is on disk
)
TWICE = {"after-dot", "after-250", "sent-uncommitted"}  # where nobody can know what the server has


class Dying:
    """Dies when its point is passed for the nth time."""

    def __init__(self, point: str, nth: int) -> None:
        self.point, self.left = point, nth

    def passes(self, point: str) -> None:
        """We are here."""
        if point == self.point:
            self.left -= 1
            if not self.left:
                os._exit(DIED)

    def around(self, what: Callable[..., Any], before: str, after: str) -> Callable[..., Any]:
        """The same, with a point on each side."""

        @wraps(what)
        def inner(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes
            self.passes(before)
            done = what(*given, **named)
            self.passes(after)
            return done

        return inner


def main() -> None:
    """Deliver what waits; perhaps die."""
    site, data, point, nth = sys.argv[1:]
    dying = Dying(point, int(nth))
    marking = [""]

    def marks(name: str, mark: Callable[..., Any]) -> Callable[..., Any]:
        def inner(*given: Any) -> None:  # noqa: ANN401 - whatever it takes
            marking[0] = name
            mark(*given)

        return dying.around(inner, f"before-{name}", f"after-{name}")

    Outbox.trying = marks("trying", Outbox.trying)  # type: ignore[method-assign]
    Outbox.sent = marks("sent", Outbox.sent)  # type: ignore[method-assign]
    Session.send = dying.around(Session.send, "", "after-250")  # type: ignore[method-assign]
    smtp.Bounded.data = dying.around(smtp.Bounded.data, "before-dot", "")  # type: ignore[method-assign]
    answer = smtp.Bounded.getreply

    def getreply(self: smtp.Bounded) -> tuple[int, bytes]:
        if len(self._waits) == 1:  # only the answer to the end of the letter is left
            dying.passes("after-dot")
        return answer(self)

    smtp.Bounded.getreply = getreply  # type: ignore[method-assign]
    with Store(Path(data)) as store:
        commit = store._db.conn.set_trace_callback

        def traced(statement: str) -> None:
            if statement.strip().lower().startswith("commit"):
                dying.passes(f"{marking[0]}-uncommitted")
                marking[0] = ""

        commit(traced)
        deliver(store, load(Path(site)), everything=True)


if __name__ == "__main__":
    main()
