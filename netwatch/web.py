"""How do we ask one thing over HTTP without leaving by another door? httpx, over a Line. RFC 9110, RFC 9112.

httpx writes the request and reads the answer; the connection beneath it is one that egress.py made, with its
bounds of time and bytes. One request on a connection, no cookie, no redirect followed, nothing unpacked: a
body is read to a limit as it comes, looked at and forgotten.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netwatch.model import Reason
from netwatch.opening import recognise
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.line import Line

MOST = 65_536  # bytes of a body that we look at
AGENT = "netwatch (network check of this practice)"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. `headers`: lower-case names. `body`: its beginning, as it came; `whole`: was that all?"""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool

    def header(self, name: str) -> str:
        """A header, or nothing."""
        return self.headers.get(name, "")


def fetch(  # noqa: PLR0913 - a request has as many parts
    line: Line,
    host: str,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    most: int = MOST,
) -> Page:
    """Ask once. Over TLS where the line has started it. `host`: what the Host header says.

    Raises OtherProtocol where the answer is not HTTP, ProbeError(PROTOCOL) where it breaks off its own rules.
    """
    import httpcore  # noqa: PLC0415 - slow to import
    import httpx  # noqa: PLC0415

    scheme = "https" if line.tls_version else "http"
    stream = _stream(line, f"{method} {path}")
    told = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
    try:
        with (
            httpx.Client(transport=_transport(stream), trust_env=False) as client,
            client.stream(
                method, f"{scheme}://{host}{path}", headers=told | dict(headers or {}), content=content
            ) as answer,
        ):
            body, whole = _body(answer, most)
            return Page(answer.status_code, _headers(answer.headers.raw), body, whole)
    except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError, httpx.ProtocolError):
        if stream.opening and recognise(stream.opening) != "http":
            raise OtherProtocol(stream.opening) from None
        reason = Reason.PROTOCOL if stream.opening else Reason.CLOSED
        raise ProbeError(reason, "no answer that HTTP allows") from None
    except (httpx.InvalidURL, httpx.HTTPError, UnicodeError, ValueError):
        raise ProbeError(Reason.PROTOCOL, "no answer that HTTP allows") from None


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1")[:1000] for name, value in raw}


def _body(answer: Any, most: int) -> tuple[bytes, bool]:  # noqa: ANN401 - an httpx.Response
    """(the beginning, was it all?). One that breaks off is told as far as it came."""
    import httpcore  # noqa: PLC0415
    import httpx  # noqa: PLC0415

    body = bytearray()
    try:
        for part in answer.iter_raw():
            body += part
            if len(body) >= most:
                return bytes(body[:most]), False
    except (httpx.HTTPError, httpcore.RemoteProtocolError):
        return bytes(body), False
    except ProbeError as error:
        if error.reason not in {Reason.TIMEOUT, Reason.CLOSED, Reason.LIMIT}:
            raise
        return bytes(body), False
    return bytes(body), True


def _stream(line: Line, what: str) -> Any:  # noqa: ANN401 - httpcore is imported when it is needed
    """The Line as httpcore wants a connection to be."""
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
            self.opening = self.opening or told[:16]
            return told

        def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
            """Send it."""
            if buffer:
                line.send(buffer, what)

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
