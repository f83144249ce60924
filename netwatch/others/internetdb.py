"""What does InternetDB say of the practice's addresses? GET /{ip}, without a key: numbers of ports, no date.

It is renewed about once a week and names no date, protocol or transport: what it says is true of some day
lately. IPv4 only. An address it does not know (404) is unknown, and not safe. Its terms name non-commercial
use; so it is asked only where the site file states the use.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.others import (
    MOST_PORTS,
    failure,
    likely,
    listing,
    port_number,
    public,
    statement,
    utc,
)
from netwatch.others.deadline import CONNECT, PATIENCE, PAUSE, PIECE, Deadline, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from netwatch.audit import Audit
    from netwatch.internet import InternetdbSettings
    from netwatch.model import Facts, Failure, Observation
    from netwatch.portset import PortSet

PROBE = "internetdb"
WHO = "InternetDB"
URL = "https://internetdb.shodan.io"
MOST = 1_000_000  # bytes of an answer
NOTHING_KNOWN = "no information available"
AGENT = "netwatch"
HOPELESS = {Reason.BUSY, Reason.UNFINISHED}


def ask(  # noqa: PLR0913 - as shodan.ask
    settings: InternetdbSettings | None,
    addresses: Iterable[str],
    *,
    audit: Audit,
    stopped: Callable[[], bool] = lambda: False,
    now: Callable[[], datetime] = utc,
    only: PortSet | None = None,
    pause: float = PAUSE,
    patience: float = PATIENCE,
) -> tuple[list[Observation], list[Failure]]:
    """As shodan.ask, for IPv4 addresses. Nothing is asked without settings. Never raises."""
    if settings is None or not settings.use.strip():
        return [], []
    seen: list[Observation] = []
    failures: list[Failure] = []
    turns = Turns(WHO, pause, stopped)
    hopeless: OutsideError | None = None
    for address in public(addresses, lambda version: version == 4):  # noqa: PLR2004
        try:
            if hopeless is not None:
                raise hopeless
            turns.wait()
            audit.write(PROBE, address, what="ports")
            with Deadline(patience, stopped) as clock:
                told = _fetch(address, clock)
            seen += _statements(told, address, now(), only)
        except OutsideError as error:
            failures.append(failure(PROBE, address, error))
            hopeless = error if error.reason in HOPELESS else None
    return seen, failures


def _statements(
    told: Mapping[str, Any] | None, address: str, fetched: datetime, only: PortSet | None
) -> list[Observation]:
    """A statement for each port that is ours, and behind them how complete the answer was."""
    if told is None:
        return [listing(PROBE, address, 0, 0, fetched)]
    numbers = told.get("ports")
    if told.get("ip") != address or not isinstance(numbers, list):
        raise _error("not-understood", Reason.PROTOCOL)
    known = {port for port in map(port_number, numbers[:65_536]) if port is not None}
    ours = sorted(port for port in known if only is None or port in only)
    facts: Facts = {"dated": False, "transport_told": False}
    seen = [
        statement(
            PROBE,
            address,
            port,
            transport=likely(port),
            protocol="unknown",
            facts=facts,
            seen_at=fetched,
            fetched=fetched,
        )
        for port in ours[:MOST_PORTS]
    ]
    cut = len(known) < len(numbers) or len(ours) > MOST_PORTS
    return [*seen, listing(PROBE, address, len(seen), len(known) - len(ours), fetched, cut=cut)]


def _fetch(address: str, clock: Deadline) -> Mapping[str, Any] | None:
    """Its answer; None where it knows nothing."""
    import httpx  # noqa: PLC0415 - slow to import

    def traced(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            clock.watch(info["return_value"].get_extra_info("socket"))

    base = os.environ.get("INTERNETDB_URL") or URL
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": AGENT}
    wrong: OutsideError | None = None
    status, body = 0, b""
    try:
        timeout = httpx.Timeout(PIECE, connect=CONNECT)
        with httpx.Client(timeout=timeout, headers=headers, follow_redirects=False) as client:
            url = f"{base.rstrip('/')}/{address}"
            with client.stream("GET", url, extensions={"trace": traced}) as answer:
                status, body = answer.status_code, _body(answer)
    except OutsideError as error:
        wrong = error
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError) as error:
        wrong = _named(error)
    wrong = clock.error(WHO) or wrong  # a body that we cut may look as if it had ended
    if wrong is not None:
        raise wrong
    return _settled(status, body)


def _body(answer: Any) -> bytes:  # noqa: ANN401 - an httpx.Response
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise _error("packed", Reason.PROTOCOL)
    body = bytearray()
    for part in answer.iter_raw():
        body += part
        if len(body) > MOST:
            raise _error("too-much", Reason.LIMIT)
    return bytes(body)


def _settled(status: int, body: bytes) -> Mapping[str, Any] | None:
    if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110 15.4
        raise _error("redirected", Reason.PROTOCOL)
    if status == 429:  # noqa: PLR2004
        raise _error("busy", Reason.BUSY)
    if status >= 500:  # noqa: PLR2004
        raise _error("faulty", Reason.BUSY)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise _error("not-understood", Reason.PROTOCOL)
    detail = told.get("detail")
    if status == 404 and isinstance(detail, str) and detail.lower().startswith(NOTHING_KNOWN):  # noqa: PLR2004
        return None
    if status != 200:  # noqa: PLR2004
        raise _error("not-understood", Reason.PROTOCOL)
    return told


def _named(error: Exception) -> OutsideError:
    """What went wrong, in our words."""
    import httpx  # noqa: PLC0415

    if _about_tls(error):
        return _error("unproved", Reason.UNPROVED)
    if isinstance(error, httpx.TimeoutException):
        return _error("timeout", Reason.TIMEOUT)
    if isinstance(error, httpx.ProxyError | ImportError):  # a proxy of a kind that needs another library
        return _error("proxy", Reason.REFUSED)
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return _error("hung-up", Reason.CLOSED)
    return _error("no-connection", Reason.REFUSED)


def _about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and type(error).__name__.startswith("SSL"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _error(sentence: str, reason: Reason) -> OutsideError:
    return OutsideError(f"others.{sentence}", reason, who=WHO)
