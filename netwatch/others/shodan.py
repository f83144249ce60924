"""What does Shodan say of the practice's addresses? GET /shodan/host/{ip}, for each, once a second.

An address of which it knows nothing gives an answer that says so, and no proof of anything. Where it stops:
a fresh look and a watch are ordered in orders.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.errors import ConfigError, OutsideError
from netwatch.model import Reason
from netwatch.others import failure, listing, public, utc
from netwatch.others.account import WHO, Account
from netwatch.others.banner import PROBE, statements
from netwatch.others.deadline import PATIENCE, PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from netwatch.audit import Audit
    from netwatch.internet import ShodanSettings
    from netwatch.model import Failure, Observation
    from netwatch.portset import PortSet

HOPELESS = {Reason.CREDENTIALS, Reason.BUSY, Reason.UNFINISHED}  # the next address would get the same answer


def ask(  # noqa: PLR0913 - whom, with what, and within which bounds
    settings: ShodanSettings,
    addresses: Iterable[str],
    *,
    audit: Audit,
    stopped: Callable[[], bool] = lambda: False,
    now: Callable[[], datetime] = utc,
    only: PortSet | None = None,
    pause: float = PAUSE,
    patience: float = PATIENCE,
) -> tuple[list[Observation], list[Failure]]:
    """What it says of each public address, IPv4 or IPv6, and why it says nothing of others. Never raises.

    `only`: where an IPv4 address is shared, the ports that are ours; statements about others are dropped and
    counted in the listing. `pause`, `patience`: seconds between two requests, and for one.
    """
    wanted = public(addresses)
    if not wanted:
        return [], []
    try:
        account = Account(settings.key(), audit, stopped, pause=pause, patience=patience)
    except (OutsideError, ConfigError) as error:
        return [], [failure(PROBE, address, error) for address in wanted]
    with account:
        return about(account, wanted, now, only, history=settings.history)


def about(
    account: Account,
    addresses: Iterable[str],
    now: Callable[[], datetime] = utc,
    only: PortSet | None = None,
    *,
    history: bool = False,
) -> tuple[list[Observation], list[Failure]]:
    """As `ask`, with an account that is there."""
    seen: list[Observation] = []
    failures: list[Failure] = []
    hopeless: OutsideError | None = None
    for address in public(addresses):
        try:
            if hopeless is not None:
                raise hopeless
            seen += _told(account, address, now, only, history=history)
        except OutsideError as error:
            failures.append(failure(PROBE, address, error))
            hopeless = error if error.reason in HOPELESS else None
    return seen, failures


def _told(
    account: Account,
    address: str,
    now: Callable[[], datetime],
    only: PortSet | None,
    *,
    history: bool,
) -> tuple[Observation, ...]:
    """What it says of one public address. A history that is too long is left out. Raises OutsideError."""
    try:
        document = account.host(address, history=history)
    except OutsideError as error:
        if not history or error.reason != Reason.LIMIT:
            raise
        document = account.host(address)
    fetched = now()
    if document is None:
        return (listing(PROBE, address, 0, 0, fetched),)
    try:
        return statements(document, address, fetched, None if ":" in address else only)
    except ValueError:
        raise OutsideError("others.not-understood", Reason.PROTOCOL, who=WHO) from None
