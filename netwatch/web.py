"""How do we ask one thing over HTTP without leaving by another door? httpx, over a Line. RFC 9110, RFC 9112.

httpx writes the request and reads the answer; the connection beneath it is one that egress.py made, with its
bounds of time and bytes. httpx's Client is left out: it would read cookies, and refuse an answer because of
where that redirects to. One request on a connection, no redirect followed, nothing unpacked: a body is read
to a limit as it comes, looked at and forgotten.
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netwatch.certificate import certificate_facts
from netwatch.model import Reason
from netwatch.opening import recognise
from netwatch.plain import plain
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.line import Line
    from netwatch.model import Facts
    from netwatch.way import Way

MOST = 65_536  # bytes of a body that we look at
LONGEST = 1000  # characters of a header
OPENING, TELLING = 16, 8  # first bytes that are kept to recognise a protocol, and how many surely tell it
AGENT = "netwatch (network check of this practice)"

# What servers of HTTPS say to who speaks to them in clear: Apache's, nginx's, Go's and Tomcat's words.
BAD_REQUEST, IN_CLEAR = (
    400,
    (
        b"SSL-enabled server port",
        b"to HTTPS port",
        b"to an HTTPS server",
        b"combination of host and port requires TLS",
    ),
)
# "Not now": RFC 9110 15.5.9, RFC 6585 4, RFC 8470, and every failure of the server's but what it never does.
NOT_NOW, FAILED, NEVER = {408, 425, 429}, 500, {501, 505}
PARTIAL = {Reason.TIMEOUT, Reason.CLOSED, Reason.LIMIT}  # an answer that breaks off


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. `headers`: lower-case names, printable values. `body`: its beginning, as it came; `whole`:
    was that all? `broke`: why it ended early, where that was not because we read no further."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    broke: Reason | None = None

    @property
    def busy(self) -> ProbeError | None:
        """Why what its head does not say is not yet a no: the server says "not now"."""
        if self.status in NOT_NOW or (self.status >= FAILED and self.status not in NEVER):
            return ProbeError(Reason.BUSY, "the server says: not now")
        return None

    @property
    def trouble(self) -> ProbeError | None:
        """Why what it does not say is not yet a no: `busy`, or its body broke off."""
        broke = ProbeError(self.broke, "an answer that breaks off") if self.broke else None
        return self.busy or broke

    def header(self, name: str) -> str:
        """A header, or nothing; one that came several times is a list (RFC 9110 5.3)."""
        return self.headers.get(name, "")


def page(  # noqa: PLR0913 - as `fetch`
    way: Way,
    address: str,
    port: int,
    path: str = "/",
    *,
    method: str = "GET",
    most: int = MOST,
    patience: float | None = None,
    tls: bool = False,
) -> tuple[Page, Facts]:
    """One page: in clear, and on a second connection over TLS where the server wants that; `tls`: at once.

    The facts: `tls`, and what its certificate says. Raises as `fetch`, and as Way.connect.
    """

    def ask(*, tls: bool) -> tuple[Page, Facts]:
        with way.connect(address, port, patience=patience) as line:
            if tls:
                line.start_tls()
            told = fetch(line, f"{address}:{port}", path, method=method, most=most)
            return told, {"tls": tls, **certificate_facts(line.certificate)}

    if tls:
        return ask(tls=True)
    try:
        told, facts = ask(tls=False)
    except OtherProtocol as other:
        if recognise(other.opening) != "tls":
            raise
    except ProbeError as error:
        if error.reason is not Reason.CLOSED:
            raise
        with suppress(ProbeError, OtherProtocol):  # it may only have hung up
            return ask(tls=True)
        raise
    else:
        if told.status != BAD_REQUEST or not any(words in told.body for words in IN_CLEAR):
            return told, facts
    return ask(tls=True)


def fetch(  # noqa: PLR0913 - a request has as many parts
    line: Line,
    host: str,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    most: int = MOST,
    what: str = "",
) -> Page:
    """Ask once. Over TLS where the line has started it. `host`: what the Host header says. `what`: our words
    for it in the audit log, where the path may hold more than we want to keep.

    Raises OtherProtocol where the answer is not HTTP, ProbeError(PROTOCOL) where it breaks HTTP's rules.
    """
    import httpcore  # noqa: PLC0415 - slow to import
    import httpx  # noqa: PLC0415

    scheme = "https" if line.tls_version else "http"
    stream = _stream(line, what or f"{method} {path}", sized=content is None or not what)
    told = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
    if not path.startswith("/"):  # it would change whom the Host header names
        raise ProbeError(Reason.PROTOCOL, "no path that HTTP allows")
    try:
        request = httpx.Request(
            method, f"{scheme}://{host}{path}", headers=told | dict(headers or {}), content=content
        )
    except (httpx.InvalidURL, ValueError):  # a path that a peer made up
        raise ProbeError(Reason.PROTOCOL, "no path that HTTP allows") from None
    try:
        with closing(_transport(stream).handle_request(request)) as answer:
            return Page(answer.status_code, _headers(answer.headers.raw), *_body(answer, most))
    except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError):
        if _foreign(stream.opening):
            raise OtherProtocol(stream.opening) from None
        raise ProbeError(Reason.PROTOCOL, "no answer that HTTP allows") from None
    except ProbeError as error:
        if error.reason in PARTIAL and _foreign(stream.opening):
            raise OtherProtocol(stream.opening) from None
        raise


def _foreign(opening: bytes) -> bool:
    """Are these another protocol's first bytes? A beginning of ours is not."""
    return bool(opening) and recognise(opening) != "http" and not b"HTTP/".startswith(opening[:5])


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """What came under one name is one list (RFC 9110 5.3), cut, without control characters."""
    values: dict[str, list[str]] = {}
    for name, value in raw:
        values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return {name: plain(", ".join(told), LONGEST) or "" for name, told in values.items()}


def _body(answer: Any, most: int) -> tuple[bytes, bool, Reason | None]:  # noqa: ANN401 - an httpx.Response
    """(the beginning, was it all?, why it broke off). One that breaks off is told as far as it came."""
    import httpcore  # noqa: PLC0415

    body = bytearray()
    try:
        for part in answer.iter_raw():
            body += part
            if len(body) > most:
                return bytes(body[:most]), False, None
    except httpcore.RemoteProtocolError:
        return bytes(body), False, Reason.PROTOCOL
    except ProbeError as error:
        if error.reason not in PARTIAL:
            raise
        return bytes(body), False, None if error.reason is Reason.LIMIT else error.reason
    return bytes(body), True, None


def _stream(line: Line, what: str, *, sized: bool) -> Any:  # noqa: ANN401 - httpcore is imported when it is needed
    """The Line as httpcore wants a connection to be. `sized`: as Line.send."""
    import httpcore  # noqa: PLC0415

    class Stream(httpcore.NetworkStream):
        """Reads and writes through a Line; the Line's own bounds hold, and not httpcore's."""

        opening = b""

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
            """What is there; nothing where the peer has ended."""
            try:
                told = line.take(max_bytes)
            except ProbeError as error:
                if error.reason is Reason.CLOSED and self.opening:
                    return b""
                raise
            if len(self.opening) < OPENING:
                self.opening += told[: OPENING - len(self.opening)]
                if len(self.opening) >= TELLING and _foreign(self.opening):
                    raise OtherProtocol(self.opening)
            return told

        def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
            """Send it."""
            if buffer:
                line.send(buffer, what, sized=sized)

        def close(self) -> None:
            """The Line is ended by who made it."""

        def get_extra_info(self, info: str) -> Any:  # noqa: ANN401, ARG002
            """Nothing more is known."""
            return None

    return Stream()


def _transport(stream: Any) -> Any:  # noqa: ANN401
    """An httpx transport of one connection."""
    import httpcore  # noqa: PLC0415
    import httpx  # noqa: PLC0415

    class Body(httpx.SyncByteStream):
        def __init__(self, parts: Any) -> None:  # noqa: ANN401
            self.parts = parts

        def __iter__(self) -> Any:  # noqa: ANN401
            yield from self.parts

        def close(self) -> None:
            with suppress(httpcore.RemoteProtocolError, ProbeError):
                self.parts.close()

    class OverLine(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            """Ask; one connection, one request."""
            url = httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            )
            asked = httpcore.Request(
                request.method, url, headers=request.headers.raw, content=request.read(), extensions={}
            )
            connection = httpcore.HTTP11Connection(origin=url.origin, stream=stream)
            answer = connection.handle_request(asked)
            return httpx.Response(answer.status, headers=answer.headers, stream=Body(answer.stream))

    return OverLine()
