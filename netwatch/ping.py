"""Who notices when this machine is off? Somebody else, who misses a ping.

A request for one address after each scan: as it is where the scan was complete, with `/fail` behind it where
it was not, as healthchecks.io and its like want it. Nothing of the practice is in it. The address holds a
secret, so that it is never in a site file. Where it stops: what the other side makes of it is theirs.
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from netwatch.errors import ConfigError, DeliveryError

if TYPE_CHECKING:
    from netwatch.readers import PingSettings

SECONDS = 10.0
FAIL = "/fail"


def ping(settings: PingSettings | None, *, complete: bool) -> None:
    """Say that a scan has run. Raises ConfigError where the address cannot be had or is none, DeliveryError
    where nobody took it."""
    address = settings.address() if settings else None
    if address is None:
        return
    import httpx  # noqa: PLC0415 - slow to import

    where = _checked(address.strip()) + ("" if complete else FAIL)
    try:
        timeout = httpx.Timeout(SECONDS)
        with (
            httpx.Client(timeout=timeout, follow_redirects=False) as client,
            client.stream("GET", where, headers={"User-Agent": "netwatch"}) as answer,
        ):
            code = answer.status_code  # its body is nobody's business
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError) as error:
        raise DeliveryError("ping.unreachable", why=type(error).__name__) from None  # it may hold the address
    if not httpx.codes.is_success(code):
        raise DeliveryError("ping.refused", code=code)


def _checked(address: str) -> str:
    """The address less a slash at its end."""
    try:
        told = urlsplit(address)
        host = told.hostname or ""
        _ = told.port  # one that is none raises
        local = told.scheme == "http" and (host == "localhost" or _loopback(host))
        right = bool(host) and (told.scheme == "https" or local) and not told.query
    except ValueError:
        right = False
    if not right or not address.isprintable() or " " in address:
        raise ConfigError("ping.no-address")
    return address.rstrip("/")


def _loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False
