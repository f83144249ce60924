"""How is a feed fetched, so that it ends, in bounds, and nobody takes us elsewhere? One GET, over HTTPS only.

A watch beside each request cuts it after its seconds or when we are stopped (others/deadline.py). Bytes are
counted as they come and as they are unpacked. Redirects are followed, by ourselves because httpx would read
the whole body of each: at the same origin, or to another name over HTTPS at its usual port; never to an
address, so that nobody can send us into the practice's network. What says "later" is asked once more, when
it is soon.

Where it stops: looking up a name is bounded by the resolver's own settings.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.others.deadline import CONNECT, PIECE, Deadline, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

AGENT = "netwatch"
PATIENCE = 120.0  # seconds for a whole answer: a megabyte on the slowest line
LONGEST_WAIT = 60  # seconds, when somebody says: later
HOPS = 5
LOCAL = "127.0.0.1"  # the only host that is asked without TLS, and only where it is the one that was named
GZIP = 31  # zlib's word for a gzip wrapper
MARK = re.compile(r"[ !-~]{1,200}")  # a validator: printable, and short enough to be sent back


@dataclass(frozen=True, slots=True)
class Manner:
    """How everything is asked. `progress`: told the feed and the bytes that have come, 0 at first.
    `patience`: seconds for an answer. `pause`: seconds between two requests for one feed."""

    stopped: Callable[[], bool]
    now: Callable[[], datetime]
    progress: Callable[[str, int], None]
    patience: float = PATIENCE
    pause: float = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """One document. `etag`, `modified`: the validators of what is kept of it (RFC 9110 13.1)."""

    feed: str
    who: str
    url: str
    most: int  # bytes, packed and unpacked
    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole document, and its validators."""

    body: bytes
    etag: str | None
    modified: str | None


@dataclass(frozen=True, slots=True)
class Later:
    """Not now, in so many seconds; None where it was not said when."""

    seconds: int | None


def fetch(wanted: Wanted, manner: Manner) -> Answer | None:
    """The document; None where what is kept is still right. Raises OutsideError and nothing else."""
    found = _once(wanted, manner)
    if isinstance(found, Later) and found.seconds is not None and found.seconds <= LONGEST_WAIT:
        Turns(wanted.who, 0.0, manner.stopped).wait(found.seconds)
        found = _once(wanted, manner)
    if isinstance(found, Later):
        raise OutsideError("feeds.busy", Reason.BUSY, who=wanted.who, seconds=found.seconds or 0)
    return found


def _once(wanted: Wanted, manner: Manner) -> Answer | Later | None:
    import httpx  # noqa: PLC0415 - slow to import

    if manner.stopped():
        raise _error(wanted, "others.unfinished", Reason.UNFINISHED)
    manner.progress(wanted.feed, 0)
    wrong: OutsideError | None = None
    found: Answer | Later | None = None
    with Deadline(manner.patience, manner.stopped) as clock:

        def traced(event: str, info: Mapping[str, Any]) -> None:
            if event.endswith(("connect_tcp.complete", "start_tls.complete")):
                clock.watch(info["return_value"].get_extra_info("socket"))

        try:
            timeout = httpx.Timeout(PIECE, connect=CONNECT)
            with httpx.Client(timeout=timeout, headers=_headers(wanted), follow_redirects=False) as client:
                answer = _followed(client, wanted, {"trace": traced})
                try:
                    found = _settled(answer, wanted, manner)
                finally:
                    answer.close()
        except OutsideError as error:
            wrong = error
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError, zlib.error) as error:
            wrong = _named(error, wanted)
    if (late := clock.error(wanted.who)) is not None:  # what came by then may look whole, and be half
        raise late
    if wrong is not None:
        raise wrong
    return found


def _headers(wanted: Wanted) -> dict[str, str]:
    conditions = {"If-None-Match": wanted.etag, "If-Modified-Since": wanted.modified}
    plain = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": AGENT}
    return plain | {name: value for name, value in conditions.items() if value}


def _followed(client: Any, wanted: Wanted, extensions: dict[str, Any]) -> Any:  # noqa: ANN401 - httpx
    """The answer behind the redirects, its body not yet read."""
    request = client.build_request("GET", wanted.url, extensions=extensions)
    start = request.url
    if not (start.scheme == "https" or (start.scheme == "http" and start.host == LOCAL)):
        raise _error(wanted, "feeds.not-https", Reason.UNPROVED)
    for _ in range(HOPS + 1):
        answer = client.send(request, stream=True)
        if answer.next_request is None:
            return answer
        answer.close()
        request = answer.next_request
        if not _may(request.url, start):
            break
    raise _error(wanted, "feeds.redirected", Reason.PROTOCOL)


def _may(url: Any, start: Any) -> bool:  # noqa: ANN401 - httpx.URL
    """Does a redirect lead to where we may go?"""
    if (url.scheme, url.host, url.port) == (start.scheme, start.host, start.port):
        return True
    try:
        ip_address(url.host)
    except ValueError:
        return url.scheme == "https" and url.port is None and "." in url.host
    return False


def _settled(answer: Any, wanted: Wanted, manner: Manner) -> Answer | Later | None:  # noqa: ANN401 - httpx
    """What an answer is, by its status (RFC 9110 15)."""
    status = answer.status_code
    if status == 304 and (wanted.etag or wanted.modified):  # noqa: PLR2004
        return None
    if status in {429, 503}:
        return Later(_seconds(answer.headers.get("retry-after", ""), manner.now()))
    if status in {401, 403, 451}:
        raise _error(wanted, "feeds.refused", Reason.CREDENTIALS)
    if status in {404, 410}:
        raise _error(wanted, "feeds.gone", Reason.PROTOCOL)
    if status >= 500:  # noqa: PLR2004
        raise _error(wanted, "others.faulty", Reason.BUSY)
    if status != 200:  # noqa: PLR2004
        raise _error(wanted, "others.not-understood", Reason.PROTOCOL)
    marks = [answer.headers.get(name, "") for name in ("etag", "last-modified")]
    etag, modified = (one if MARK.fullmatch(one) else None for one in marks)
    return Answer(_body(answer, wanted, manner), etag, modified)


def _body(answer: Any, wanted: Wanted, manner: Manner) -> bytes:  # noqa: ANN401 - httpx
    """All of it, unpacked once at most. zlib is told how much we take: a bomb does not get to unfold."""
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip", "x-gzip"}:
        raise _error(wanted, "others.packed", Reason.PROTOCOL)
    gzip = None if coding == "identity" else zlib.decompressobj(GZIP)
    body, came = bytearray(), 0
    for part in answer.iter_raw():
        came += len(part)
        body += part if gzip is None else gzip.decompress(part, wanted.most + 1 - len(body))
        if max(came, len(body)) > wanted.most:
            raise _error(wanted, "others.too-much", Reason.LIMIT)
        if gzip is not None and gzip.unused_data:
            raise _error(wanted, "others.not-understood", Reason.PROTOCOL)
        manner.progress(wanted.feed, came)
    if gzip is not None and not gzip.eof:
        raise _error(wanted, "others.hung-up", Reason.CLOSED)
    return bytes(body)


def _seconds(told: str, now: datetime) -> int | None:
    """Retry-After: seconds, or a date (RFC 9110 10.2.3); None where it says neither."""
    if re.fullmatch(r"[0-9]{1,9}", told):
        return int(told)
    try:
        at = parsedate_to_datetime(told[:40])
        return max(0, round((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _named(error: Exception, wanted: Wanted) -> OutsideError:
    """What went wrong, in our words; nothing of the error itself is kept."""
    import httpx  # noqa: PLC0415

    if _about_tls(error):
        return _error(wanted, "others.unproved", Reason.UNPROVED)
    if isinstance(error, httpx.TimeoutException):
        return _error(wanted, "others.timeout", Reason.TIMEOUT)
    if isinstance(error, httpx.ProxyError | ImportError):  # a proxy of a kind that needs another library
        return _error(wanted, "others.proxy", Reason.REFUSED)
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return _error(wanted, "others.hung-up", Reason.CLOSED)
    if isinstance(error, zlib.error):
        return _error(wanted, "others.not-understood", Reason.PROTOCOL)
    return _error(wanted, "others.no-connection", Reason.REFUSED)


def _about_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and type(error).__name__.startswith("SSL"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _error(wanted: Wanted, sentence: str, reason: Reason) -> OutsideError:
    return OutsideError(sentence, reason, who=wanted.who)
