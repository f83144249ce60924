"""What may be ordered at Shodan? A fresh look at the practice's addresses, and a watch over them.

Both have Shodan's crawlers knock at the practice: only the site's own addresses, only where the site file
allows it, and never at an address that is shared with neighbours. The end of a scan proves nothing: Shodan
says "done" also where it did not look, because it came by lately.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from netwatch.others.account import Account, Alert, Order

TRIGGER = "new_service"  # the account's owner gets a mail about a port that was not open before
FIRST, LONGEST = 2.0, 30.0  # seconds between two looks at a scan's state
CREATED, CHANGED, SAME = "created", "changed", "same"


def alert_name(slug: str) -> str:
    """By this name an alert is ours; no other is touched."""
    return f"netwatch {slug}"


def follow(
    account: Account, order: Order, seconds: float, moved: Callable[[str], None], *, first: float = FIRST
) -> str:
    """The scan's last state: DONE, or how far it had come when the time was over.

    `moved` hears each new state. `first`: seconds until it is looked at again, then longer and longer.
    Raises OutsideError.
    """
    ends, pause, before = time.monotonic() + seconds, first, ""
    while True:
        state = account.state(order.id)
        if state != before:
            moved(state)
        before = state
        if state == "DONE" or time.monotonic() + pause > ends:
            return state
        account.wait(pause)
        pause = min(LONGEST, pause * 1.5)


def own(account: Account, slug: str) -> tuple[Alert, ...]:
    """Our alerts: one, or none."""
    return tuple(alert for alert in account.alerts() if alert.name == alert_name(slug))


def monitor(account: Account, slug: str, addresses: tuple[str, ...]) -> str:
    """Have these addresses watched, whatever was watched for the site before: CREATED, CHANGED or SAME.

    Raises OutsideError.
    """
    from netwatch.others.account import networks  # noqa: PLC0415 - for the two to stand side by side

    known = own(account, slug)
    if not known:
        alert, did = account.create(alert_name(slug), addresses), CREATED
    elif known[0].networks != networks(list(addresses)):
        account.edit(known[0], addresses)
        alert, did = known[0], CHANGED
    else:
        alert, did = known[0], SAME
    if TRIGGER not in alert.triggers:
        account.trigger(alert, TRIGGER)
    return did


def unmonitor(account: Account, slug: str) -> int:
    """Have nothing watched for this site any more; how many alerts there were. Raises OutsideError."""
    known = own(account, slug)
    for alert in known:
        account.delete(alert)
    return len(known)
