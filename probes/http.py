"""What is behind this web door: a login, an open console, a list of files? RFC 9110, RFC 8446, RFC 5246.

We ask for one page, as any browser would, in clear or inside TLS; we follow where it leads on the same port,
look at the little picture that a browser shows, and try whether TLS of before 2008 is still taken. No form is
filled in, no cookie is sent back, nothing is asked for that we were not led to. A page may show patients: it
is looked at in memory and forgotten, and its title is kept only where it is a product's, or stands before a
login. Where it stops: a page's scripts are not run, so a page without a form is not yet an open one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, cast
from urllib.parse import urljoin, urlsplit

from annotated_types import Ge, Le

from netwatch import products
from netwatch.certificate import certificate_facts
from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.opening import recognise as protocol
from netwatch.plain import discreet
from netwatch.ports import curated
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.scope import SILENT
from netwatch.web import BAD_REQUEST, IN_CLEAR, MOST, fetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.egress import Way
    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.web import Page

CONNECTIONS = 5  # to one port, at most
REDIRECTS = 2
IPP = 631
WORDS = ("http", "tls")
TLS_FIRST = {443, 5001, 5986, 8006, 8043, 8443, 9443, 10443}
BEFORE_2008 = {"TLSv1", "TLSv1.1"}
OK, UNAUTHORISED = 200, 401
WANTS_TLS = (*IN_CLEAR, b"combination of host and port requires TLS")  # the last: Tomcat's
CONSOLES = {"box", "network", "nas", "camera", "console", "pacs"}
ELSEWHERE = {"elasticsearch", "couchdb", "docker", "s3", "webdav"}  # other probes go on asking, and judge


@dataclass(frozen=True, slots=True)
class Http:
    """One page, and what surrounds it. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "http"
    manner: ClassVar[str] = "web"
    usual: ClassVar[tuple[int, ...]] = (80, 443, 5800)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it was heard or is at home, and every port of which nothing is known; never where a byte may
        print, nor where DICOM is at home."""
        barred = SILENT | {IPP} | {port for port, known in curated().items() if known.usual}
        return tuple(port for port in doors(target, WORDS, self.usual, anywhere=True) if port not in barred)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """At most five connections. What they proved is told, whatever became of the later ones."""
        door, spoken, before = Door(egress, target.address, port, self.timeout), target.spoken, target.before
        try:
            page = door.opened(tls_first=port in TLS_FIRST or "tls" in {spoken.get(port), before.get(port)})
        except (ProbeError, OtherProtocol) as error:
            if door.heard:
                facts: Facts = {"tls": door.heard == "tls" or bool(door.shown)} | door.shown
                yield target.observed(self.name, port, door.heard, facts)
            raise error from None
        page = door.led(page)
        old = door.old_tls()
        told, speaks = _told(door, page)
        yield target.observed(self.name, port, speaks, told | door.shown | old | door.favicon(page))
        if door.stopped:
            raise door.stopped

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """One finding for a door, the worst; of what has a probe of its own, only what the page shows."""
        facts, page = seen.facts, seen.facts.get("page")
        in_clear = page == "login" and facts.get("tls") is False and facts.get("login") in {"form", "basic"}
        outside = seen.vantage is Vantage.OUTSIDE
        if page == "open":
            yield seen.finding("http-open-console")
        elif page == "listing":
            yield seen.finding("http-directory-listing")
        elif seen.protocol in ELSEWHERE:
            return
        elif outside and facts.get("kind") in CONSOLES:
            yield seen.finding("http-console-reachable")
        elif in_clear:
            yield seen.finding("http-login-in-clear")
        elif outside:
            yield seen.finding("http-reachable")
        elif facts.get("tls_old") == "accepted":
            yield seen.finding("http-old-tls")


@dataclass(slots=True)
class Door:
    """A port, and how it is talked to. `heard`: http or tls, once it is proved; `shown`: what TLS showed.

    `path`: the page that we are at. `left`: the connections it may still cost. `stopped`: no more of them.
    """

    way: Way
    address: str
    port: int
    patience: float
    tls: bool = False
    heard: str = ""
    shown: Facts = field(default_factory=dict)
    path: str = "/"
    leads: str = ""
    left: int = CONNECTIONS
    stopped: ProbeError | None = None

    @property
    def host(self) -> str:
        """What the Host header says."""
        return self.address if self.port == (443 if self.tls else 80) else f"{self.address}:{self.port}"

    def opened(self, *, tls_first: bool) -> Page:
        """The first page: in clear, then inside TLS, or the other way round, until one of them is spoken."""
        first: ProbeError | OtherProtocol | None = None
        for self.tls in (tls_first, not tls_first):
            try:
                page = self.get("/", "GET /")
            except (ProbeError, OtherProtocol) as error:
                if self._is_final(error):
                    raise
                first = first or error
            else:
                if self.tls or page.status != BAD_REQUEST or not any(told in page.body for told in WANTS_TLS):
                    return page
                self.heard = "tls"
        raise first or ProbeError(Reason.PROTOCOL, "no TLS, though it asks for TLS")

    def _is_final(self, error: ProbeError | OtherProtocol) -> bool:
        """Is nothing to be learnt by trying it the other way?"""
        if isinstance(error, OtherProtocol):
            alert = not self.tls and protocol(error.opening) == "tls"
            self.heard = "tls" if alert else self.heard
            return not alert
        otherwise = {Reason.CLOSED, Reason.PROTOCOL, Reason.TIMEOUT} if self.tls else {Reason.CLOSED}
        return bool(self.heard) or error.reason not in otherwise

    def get(self, path: str, what: str) -> Page:
        """One page on a connection of its own. `what`: our word for it in the audit log, never the path."""
        self.left -= 1
        with self.way.connect(self.address, self.port, patience=self.patience) as line:
            if self.tls:
                line.start_tls()
                self.heard = self.heard or "tls"
                shown = {"tls_version": line.tls_version} | certificate_facts(line.certificate)
                self.shown = self.shown or shown
            try:
                page = fetch(cast("Line", Named(line, what)), self.host, path)
            except ProbeError as error:
                if error.reason is Reason.PROTOCOL:  # its first bytes were HTTP's, and the rest was not
                    self.heard = "http"
                raise
            self.heard = "http"
            return page

    def spare(self, path: str, what: str) -> Page | None:
        """A further page, or nothing: that it does not come is no failure of the question."""
        if self.left <= 0 or self.stopped:
            return None
        try:
            return self.get(path, what)
        except OtherProtocol:
            return None
        except ProbeError as error:
            self.stopped = error if error.reason is Reason.UNFINISHED else None
            return None

    def led(self, page: Page) -> Page:
        """Where it leads, on this port alone, and not in circles."""
        been = {self.path}
        for _ in range(REDIRECTS):
            if page.status not in products.MOVED:
                break
            path, self.leads = self.towards(page.header("location"))
            further = self.spare(path, "GET where it leads") if path and path not in been else None
            if further is None:
                break
            page, self.path, self.leads = further, path, ""
            been.add(path)
        if page.status in products.MOVED:
            self.leads = self.towards(page.header("location"))[1]
        return page

    def towards(self, location: str) -> tuple[str, str]:
        """(the path on this very port, or nothing; where it leads, in a word)."""
        scheme = "https" if self.tls else "http"
        try:
            to = urlsplit(urljoin(f"{scheme}://{self.host}{self.path}", location.strip()))
            port = to.port or {"http": 80, "https": 443}.get(to.scheme)
        except ValueError:
            return "", "elsewhere"
        path = (to.path or "/") + (f"?{to.query}" if to.query else "")
        if not self.tls and to.scheme == "https":
            return "", "https"
        if to.hostname != self.address or to.scheme != scheme or not re.fullmatch(r"[!-~]{1,500}", path):
            return "", "elsewhere"
        return (path, "here") if port == self.port else ("", "another-port")

    def old_tls(self) -> Facts:
        """Is TLS 1.0 or 1.1 still taken? One more handshake, which offers nothing newer."""
        if not self.tls:
            return {}
        if self.shown.get("tls_version") in BEFORE_2008:
            return {"tls_old": "accepted"}
        if self.left <= 0 or self.stopped:
            return {"tls_old": "unknown"}
        self.left -= 1
        try:
            with self.way.connect(self.address, self.port, patience=self.patience) as line:
                line.start_tls("TLSv1_1")
        except ProbeError as error:
            self.stopped = error if error.reason is Reason.UNFINISHED else None
            unable = error.detail.endswith("_AVAILABLE")  # our own OpenSSL, before a byte is sent
            refused = error.reason in {Reason.PROTOCOL, Reason.CLOSED} and not unable
            return {"tls_old": "refused" if refused else "unknown"}
        return {"tls_old": "accepted"}

    def favicon(self, page: Page) -> Facts:
        """The mark of the little picture, where the page is one that a browser would show."""
        if page.status not in {OK, UNAUTHORISED}:
            return {}
        path = self.towards(products.icon_link(_text(page)))[0]
        icon = self.spare(path if path not in {"", self.path} else "/favicon.ico", "GET the favicon")
        whole = icon is not None and icon.status == OK and icon.whole
        return products.icon_mark(icon.header("content-type"), icon.body) if icon and whole else {}


@dataclass(slots=True)
class Named:
    """A Line on which everything sent has one name in the audit log: a path may hold a patient's."""

    line: Line
    what: str

    @property
    def tls_version(self) -> str | None:
        """As the Line's."""
        return self.line.tls_version

    def send(self, data: bytes, what: str) -> None:  # noqa: ARG002 - the name would hold the path
        """Send it."""
        self.line.send(data, self.what)

    def take(self, most: int) -> bytes:
        """What is there."""
        return self.line.take(most)


def _text(page: Page) -> str:
    return page.body[:MOST].decode("utf-8", "replace")


def _told(door: Door, page: Page) -> tuple[Facts, str]:
    """(the facts of the page, the word for what speaks there)."""
    body = _text(page)
    name = str(door.shown.get("certificate_name") or "")
    heard = products.Heard(products.title(body), page.headers, body, name, door.path)
    found = products.recognise(heard)
    what, login = products.page_kind(page.status, heard, found)
    facts: Facts = {
        "status": page.status,
        "page": what,
        "authentication": {"login": "password", "listing": "none", "open": "none"}.get(what, "unknown"),
        "title": _title(heard.title, what, found),
        "server": products.server(page.header("server")),
        "tls": door.tls,
    }
    if login == "script":
        facts["authentication"] = "unknown"  # its maker calls it a login page: that is no proof
    facts |= ({"login": login} if login else {}) | (found.facts if found else {})
    if what == "redirect":
        facts["redirect"] = door.leads
    return facts, (found.product.speaks if found else None) or "http"


def _title(told: str, what: str, found: products.Recognised | None) -> str | None:
    """A product's own words; else what stands before a login. Never the title of a page with content."""
    if found is not None and found.title:
        return found.title
    return discreet(told, strict=True) if what in {"login", "refused", "error"} else None


PROBE: ProbeFactory = Http
