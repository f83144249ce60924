"""What do others say of the practice's addresses? Shodan and InternetDB: dated statements, no checks of ours.

A statement can open a finding (judge.py); that nothing is said closes none. Where it stops: what is kept of a
banner is decided in banner.py; of the words and pictures that it holds, nothing is (promise 1).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwatch.model import Failure, Observation, Reason, Vantage
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netwatch.errors import NetwatchError
    from netwatch.model import Fact

LISTING = "listing"  # the protocol word of what says how complete the answer about an address was
SOURCES = {"shodan": Vantage.SHODAN, "internetdb": Vantage.INTERNETDB}
FRESH = timedelta(days=35)  # Shodan comes by once a month at least: what it saw before is history
FIRST = 2009  # the year in which Shodan began
SKEW = timedelta(days=1)  # how far our clock may be behind theirs
MOST_PORTS = 300  # of one address

# Where only a number is told, and not the transport: what is at home on UDP and hardly ever on TCP.
UDP = frozenset({69, 123, 137, 161, 500, 623, 1434, 1701, 1900, 4500, 5351, 5353, 5683, 47808})


def utc() -> datetime:
    """Now."""
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    """`2026-11-25T01:02:03Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def moment(told: object, now: datetime) -> datetime | None:
    """Their date, which is in UTC; None where it is none, before Shodan began or in the future."""
    found = _parsed(told)
    return min(found, now) if found and found <= now + SKEW else None


def _parsed(told: object) -> datetime | None:
    if not isinstance(told, str) or len(told) > 40:  # noqa: PLR2004 - longer than any date
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    if not FIRST <= found.year <= 9000:  # noqa: PLR2004 - far from where an offset leads out of the calendar
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def port_number(told: object) -> int | None:
    """A port, or None for whatever else was told."""
    right = isinstance(told, int) and not isinstance(told, bool) and 1 <= told <= 65_535  # noqa: PLR2004
    return told if right else None  # type: ignore[return-value]


def likely(port: int) -> str:
    """The transport of a port of which only the number was told."""
    return "udp" if port in UDP else "tcp"


def device_of(address: str) -> str:
    """The id of what stands for a public address among the devices."""
    return f"p-{address}"


def statement(  # noqa: PLR0913 - what a statement is made of
    probe: str,
    address: str,
    port: int,
    *,
    transport: str,
    protocol: str,
    facts: dict[str, Fact],
    seen_at: datetime,
    fetched: datetime,
) -> Observation:
    """What one of SOURCES says of one port. `seen_at` is theirs, `fetched` is when they told us."""
    return Observation(
        probe=probe,
        vantage=SOURCES[probe],
        device=device_of(address),
        address=address,
        port=port,
        protocol=protocol,
        facts=facts | {"fetched_at": written(fetched)},
        seen_at=seen_at,
        transport=transport,
    )


def listing(  # noqa: PLR0913 - as `statement`
    probe: str, address: str, ports: int, neighbours: int, fetched: datetime, *, cut: bool = False
) -> Observation:
    """How complete the answer was: `whole`, `cut` (some of it was not understood, or too much), or `empty`:
    nothing is known, which is no proof of anything. `neighbours`: ports of whoever shares the address."""
    told = "cut" if cut else "whole" if ports else "empty"
    facts: dict[str, Fact] = {"listing": told, "ports": ports, "neighbours": neighbours}
    return statement(
        probe,
        address,
        0,
        transport="tcp",
        protocol=LISTING,
        facts=facts,
        seen_at=fetched,
        fetched=fetched,
    )


def failure(probe: str, address: str, error: NetwatchError) -> Failure:
    """The question about this address has no answer."""
    reason = Reason(getattr(error, "reason", Reason.CREDENTIALS))  # ConfigError: the key cannot be had
    detail = messages("en")(error.message, **error.details)
    return Failure(probe, SOURCES[probe], address, None, reason, detail, device_of(address))


def public(addresses: Iterable[str], fit: Callable[[int], bool] = lambda _: True) -> tuple[str, ...]:
    """Those that are on the internet, once each, as ipaddress writes them. `fit`: which IP versions."""
    found: dict[str, None] = {}
    for one in addresses:
        try:
            address = ip_address(one)
        except ValueError:
            continue
        if address.is_global and not address.is_multicast and fit(address.version):
            found[str(address)] = None
    return tuple(found)
