"""How does a test fetch feeds without leaving this machine? A web server in their shape, and a proxy.

``with FeedsServer() as server: update(folder, slugs, urls=Urls.at(server.url))``. `documents` says what
stands at a path, `marks` its validators; `instead` puts any behaviour in the place of a path: the functions
at the end are for that.
"""

from __future__ import annotations

import gzip
import http.client
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

ENDOFLIFE, KEV, EPSS = PATHS = ("/endoflife.json", "/kev.json", "/epss")


def release(name: str, eol: object = None, *, ended: object = None, latest: str = "1") -> dict[str, Any]:
    """One of endoflife.date's releases, as the API writes it."""
    return {
        "name": name,
        "codename": None,
        "label": f"{name} (LTS)",
        "releaseDate": "2020-01-01",
        "isLts": True,
        "ltsFrom": None,
        "isEol": ended,
        "eolFrom": eol,
        "isMaintained": True,
        "latest": {"name": latest, "date": "2026-01-01", "link": "https://example.org"},
    }


def product(name: str, *releases: Mapping[str, Any], aliases: tuple[str, ...] = ()) -> dict[str, Any]:
    """One of its products."""
    return {"name": name, "aliases": list(aliases), "label": name.title(), "releases": list(releases)}


def endoflife(*products: Mapping[str, Any], at: str = "2026-11-30T00:00:00+00:00") -> dict[str, Any]:
    """The document of all products."""
    head = {"schema_version": "1.2.0", "generated_at": at, "total": len(products)}
    return {**head, "result": list(products)}


def hole(cve: str, maker: str = "Samba", product: str = "Samba", **more: object) -> dict[str, Any]:
    """One entry of KEV."""
    return {
        "cveID": cve,
        "vendorProject": maker,
        "product": product,
        "vulnerabilityName": f"{maker} {product} Remote Code Execution Vulnerability",
        "dateAdded": "2023-03-30",
        "shortDescription": "long",
        "requiredAction": "Apply updates.",
        "dueDate": "2023-04-20",
        "knownRansomwareCampaignUse": "Unknown",
        "notes": "",
        "cwes": ["CWE-94"],
    } | more


def kev(*holes: Mapping[str, Any], at: str = "2026-11-28T20:33:53.3676Z") -> dict[str, Any]:
    """The catalogue."""
    head = {"title": "CISA Catalog", "catalogVersion": at[:10].replace("-", "."), "dateReleased": at}
    return {**head, "count": len(holes), "vulnerabilities": list(holes)}


def epss(*cves: str, chance: str = "0.972240000") -> dict[str, Any]:
    """An answer of EPSS, which stops at a hundred."""
    data = [{"cve": one, "epss": chance, "percentile": "1.000", "date": "2026-11-30"} for one in cves[:100]]
    return {"status": "OK", "total": len(cves), "offset": 0, "limit": 100, "data": data}


@dataclass(frozen=True)
class Asked:
    """One request that came. `target`: as it stood in the request."""

    target: str
    path: str
    query: str
    headers: Mapping[str, str]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        """Whatever the test wants."""
        parts = urlsplit(self.path)
        asked = Asked(self.path, parts.path, parts.query, dict(self.headers))
        self.server.lab.asked.append(asked)
        with suppress(OSError):
            (self.server.lab.instead.get(asked.path) or self.server.lab.answer)(self, asked)

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def reply(
        self, status: int, body: bytes = b"", *headers: tuple[str, str], length: int | None = None
    ) -> None:
        """An answer. `length`: what it says of its length, where that is a lie."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def drip(self, bit: bytes) -> None:
        """Again and again, slowly, until the other side or the test has had enough."""
        while not self.server.lab.stopping.wait(0.02):
            self.wfile.write(bit)
            self.wfile.flush()


class Server(ThreadingHTTPServer):
    """Quiet, and tied to its lab."""

    lab: FeedsServer

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news here."""


Behaviour = Callable[[Handler, Asked], None]


@dataclass
class FeedsServer:
    """All three feeds, for the length of a context."""

    documents: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, dict[str, str]] = field(default_factory=dict)  # path -> ETag, Last-Modified
    instead: dict[str, Behaviour] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    behind: int = 0  # for a Proxy
    asked: list[Asked] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Listen."""
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.lab = self
        self.port = self._server.server_address[1]
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """For Urls.at."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def at(self, path: str) -> list[Asked]:
        """What was asked there."""
        return [one for one in self.asked if one.path == path]

    def answer(self, handler: Handler, asked: Asked) -> None:
        """As the real ones do: with validators, and 304 where they match."""
        if asked.path == EPSS and EPSS not in self.documents:
            return document(epss(*asked.query.removeprefix("cve=").split(",")))(handler, asked)
        if asked.path not in self.documents:
            return html(404)(handler, asked)
        marks = self.marks.get(asked.path, {})
        sent = {
            "ETag": asked.headers.get("If-None-Match"),
            "Last-Modified": asked.headers.get("If-Modified-Since"),
        }
        if marks and all(sent[name] == value for name, value in marks.items()):
            return handler.reply(304, b"", *marks.items())
        return document(self.documents[asked.path], *marks.items())(handler, asked)


class _ProxyHandler(Handler):
    """Passes a request on, or a tunnel through."""

    def do_GET(self) -> None:
        """To whom it names."""
        parts = urlsplit(self.path)
        self.server.lab.asked.append(Asked(self.path, parts.path, parts.query, dict(self.headers)))
        onward = http.client.HTTPConnection("127.0.0.1", self.server.lab.behind)
        onward.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = onward.getresponse()
        body = answer.read()
        onward.close()
        self.reply(answer.status, body)

    def do_CONNECT(self) -> None:
        """Refused: that a tunnel was asked for is all there is to see."""
        self.server.lab.asked.append(Asked(self.path, "", "", dict(self.headers)))
        self.reply(502)


@dataclass
class Proxy(FeedsServer):
    """A proxy, before the port `behind` of this machine."""

    def __enter__(self) -> Self:
        """Listen."""
        super().__enter__()
        self._server.RequestHandlerClass = _ProxyHandler
        return self


# ----------------------------------------------------------------------------------- what may come instead


def raw(status: int, body: bytes, *headers: tuple[str, str]) -> Behaviour:
    """These bytes."""
    return lambda handler, _asked: handler.reply(status, body, *headers)


def document(told: object, *headers: tuple[str, str]) -> Behaviour:
    """JSON."""
    return raw(200, json.dumps(told).encode(), ("Content-Type", "application/json"), *headers)


def packed(body: bytes, coding: str = "gzip") -> Behaviour:
    """The same, gzipped."""
    return raw(200, gzip.compress(body), ("Content-Encoding", coding))


def html(status: int = 200) -> Behaviour:
    """A page, as endoflife.date has for what is not there, and a hotel for whoever has not paid."""
    page = b"<!DOCTYPE html><html><title>Page not found</title></html>"
    return raw(status, page, ("Content-Type", "text/html"))


def redirect(to: str, status: int = 301) -> Behaviour:
    """Sends us on, with a long body, which nobody has to read."""
    return lambda handler, _asked: handler.reply(status, b"moved", ("Location", to), length=10**12)


def half(handler: Handler, _asked: Asked) -> None:
    """Announces more than it sends."""
    handler.reply(200, b'{"result": [', length=10_000)


def unended(handler: Handler, _asked: Asked) -> None:
    """Announces nothing, and ends in the middle."""
    handler.wfile.write(b'HTTP/1.0 200 OK\r\n\r\n{"result": [')


def no_http(handler: Handler, _asked: Asked) -> None:
    """Another protocol."""
    handler.wfile.write(b"SSH-2.0-x\r\n\r\n")


def stall(handler: Handler, _asked: Asked) -> None:
    """Says nothing."""
    handler.server.lab.stopping.wait()


def drip_head(handler: Handler, _asked: Asked) -> None:
    """A head that never ends, byte after byte."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-A: ")
    handler.drip(b"a")


def drip_body(handler: Handler, _asked: Asked) -> None:
    """A body that never ends, byte after byte."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
    handler.drip(b" ")


def flood(handler: Handler, _asked: Asked) -> None:
    """A body that never ends, as fast as it can."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
    while not handler.server.lab.stopping.is_set():
        handler.wfile.write(b" " * 100_000)
