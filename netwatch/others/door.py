"""How does the shodan library reach the internet within bounds, and without telling the key? Through a Door.

The library waits for ever, follows redirects, takes answers of any size and calls every trouble the same. So
each of its requests gets an adapter of ours: seconds and bytes are counted, nothing is followed, nothing is
unpacked, and what went wrong is named by us. The key stands in the address that is asked for: whatever
holds that address (the library's errors, urllib3's log) is dropped here.
"""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from netwatch.model import Reason
from netwatch.others.deadline import CONNECT, PIECE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.others.deadline import Deadline

MOST = 8_000_000  # bytes of an answer
PART = 65_536

Trouble = tuple[str, Reason]


def door(clock: Deadline, most: int = MOST) -> Any:  # noqa: ANN401 - a requests adapter, which is slow to import
    """An adapter for one request. Afterwards `status` holds the HTTP status, 0 where no answer came, and
    `trouble` what went wrong below HTTP, or None."""
    from requests.adapters import HTTPAdapter  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    class Door(HTTPAdapter):
        status = 0
        trouble: Trouble | None = None

        def get_connection_with_tls_context(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401
            pool: Any = super().get_connection_with_tls_context(*given, **named)
            pool.ConnectionCls = _watched(pool.ConnectionCls, clock)
            return pool

        def send(self, request: Any, *_given: Any, **named: Any) -> Any:  # noqa: ANN401
            """Ask, and hand over an answer that is all there. Raises RequestException, without a word."""
            request.headers["Accept-Encoding"] = "identity"
            named |= {"stream": True, "timeout": (CONNECT, PIECE)}
            try:
                answer = super().send(request, **named)
                self.status = answer.status_code
                with answer:
                    self.trouble = _head(answer)
                    body = b"" if self.trouble else self._read(answer)
                answer.raw, answer.encoding = io.BytesIO(body), "utf-8"
            except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold the key
                self.trouble = _named(error)
            if self.trouble:
                raise RequestException from None
            return answer

        def _read(self, answer: Any) -> bytes:  # noqa: ANN401
            body = bytearray()
            for part in answer.raw.stream(PART, decode_content=False):
                body += part
                if len(body) > most:
                    self.trouble = "too-much", Reason.LIMIT
                    return b""
            return bytes(body)

    return Door()


def _watched(kind: Any, clock: Deadline) -> Any:  # noqa: ANN401 - a class of urllib3
    """Its connections, with the watch beside them."""

    class Watched(kind):  # type: ignore[misc]
        def _new_conn(self) -> Any:  # noqa: ANN401
            made = super()._new_conn()
            clock.watch(made)  # a proxy may stall before TLS begins
            return made

        def getresponse(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401
            clock.watch(self.sock)
            return super().getresponse(*given, **named)

    return Watched


def _head(answer: Any) -> Trouble | None:  # noqa: ANN401
    if 300 <= answer.status_code < 400:  # noqa: PLR2004 - RFC 9110 15.4
        return "redirected", Reason.PROTOCOL
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        return "packed", Reason.PROTOCOL
    return None


def _named(error: Exception) -> Trouble:
    """What went wrong, in our words; nothing of the error itself is kept."""
    import requests.exceptions as ours  # noqa: PLC0415
    import urllib3.exceptions as theirs  # noqa: PLC0415

    inner = error.args[0] if error.args else None
    if isinstance(error, ours.SSLError | theirs.SSLError):
        return "unproved", Reason.UNPROVED
    if isinstance(error, ours.ProxyError | ours.InvalidProxyURL):
        return "proxy", Reason.REFUSED
    if isinstance(error, ours.Timeout | theirs.TimeoutError | TimeoutError):
        return "timeout", Reason.TIMEOUT
    if isinstance(error, theirs.ProtocolError) or isinstance(inner, theirs.ProtocolError | OSError):
        return "hung-up", Reason.CLOSED
    if isinstance(error, ours.ConnectionError):
        return "no-connection", Reason.REFUSED
    return "not-understood", Reason.PROTOCOL


@contextmanager
def unlogged() -> Iterator[None]:
    """While inside, urllib3 logs nothing: it would log the address, with the key in it."""
    import urllib3  # noqa: F401, PLC0415 - its loggers exist once it is imported

    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "urllib3"]
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        logger.addFilter(_nothing)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_nothing)


def _nothing(_record: logging.LogRecord) -> bool:
    return False
