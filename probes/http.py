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
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import unquote, urljoin, urlsplit

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

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way
    from netwatch.web import Page

CONNECTIONS = 5  # to one port, at most
REDIRECTS = 2
IPP = 631
WORDS = ("http", "tls")
TLS_FIRST = {443, 5001, 5986, 8006, 8043, 8443, 9443, 10443}
BEFORE_2008 = {"TLSv1", "TLSv1.1"}
OK, UNAUTHORISED = 200, 401
CONSOLES = {"box", "network", "nas", "camera", "console", "pacs"}
WINRM = {5985, 5986}  # asked by that question first: one door is one finding
# Where a path may do something instead of showing it, we do not go; a picture has the name of one.
DOES = re.compile(
    r"reboot|restart|restore|reset|delete|remove|erase|wipe|factory|shut-?down|power-?off|disconnect|upgrade"
    r"|(?:log|sign)-?_?(?:out|off)",
    re.IGNORECASE,
)
PICTURE = re.compile(r"\.(?:ico|png|svg|gif|jpg)$", re.IGNORECASE)
PROVED = {"login", "listing", "open", "redirect"}  # by what came, whatever else would have come
ASKS = {"login": "password", "listing": "none", "open": "none"}  # that its maker calls it a login: no proof
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
        print, nor where DICOM is at home; where WinRM is, only once it was heard tonight that it is not."""
        barred = SILENT | {IPP} | {port for port, known in curated().items() if known.usual}
        barred |= {port for port in WINRM if target.spoken.get(port) not in WORDS}
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
        trouble = (door.missed or page.trouble if told["page"] is None else None) or door.slow
        yield target.observed(self.name, port, speaks, told | door.shown | old | door.favicon(page))
        if trouble := door.stopped or trouble:
            raise trouble

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
    `missed`: why the page that we were led to did not come; `slow`: why we do not know of old TLS; `plain`:
    TLS was offered, and refused.
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
    missed: ProbeError | None = None
    slow: ProbeError | None = None
    plain: bool = False

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
                self.plain = self.tls and isinstance(error, ProbeError) and error.reason is not Reason.TIMEOUT
            else:
                if self.tls or page.status != BAD_REQUEST or not any(told in page.body for told in IN_CLEAR):
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
                page = fetch(line, self.host, path, what=what)
            except ProbeError as error:
                if error.reason is Reason.PROTOCOL:  # its first bytes were HTTP's, and the rest was not
                    self.heard = "http"
                raise
            self.heard = "http"
            return page

    def spare(self, path: str, what: str) -> Page | None:
        """A further page, or nothing; `missed` says why it did not come."""
        self.missed = None
        if self.left <= 0 or self.stopped:
            return None
        try:
            return self.get(path, what)
        except OtherProtocol:
            self.missed = ProbeError(Reason.PROTOCOL, "where the page leads, something else answers")
        except ProbeError as error:
            self.stopped = error if error.reason is Reason.UNFINISHED else None
            self.missed = error
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
        path = re.sub(r";[^/]*", "", to.path) or "/"  # a query or parameters may be an order: never sent
        if not self.tls and to.scheme == "https":
            return "", "https"
        if to.hostname != self.address or to.scheme != scheme or not re.fullmatch(r"[!-~]{1,500}", path):
            return "", "elsewhere"
        if port != self.port:
            return "", "another-port"
        return ("" if DOES.search(unquote(path)) else path), "here"

    def old_tls(self) -> Facts:
        """Is TLS 1.0 or 1.1 still taken? One more handshake, which offers nothing newer."""
        if not self.tls:
            return {"tls_old": "refused"} if self.plain else {}
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
            if error.reason in {Reason.PROTOCOL, Reason.CLOSED} and not unable:
                return {"tls_old": "refused"}
            self.slow = None if unable else error
            return {"tls_old": "unknown"}
        return {"tls_old": "accepted"}

    def favicon(self, page: Page) -> Facts:
        """The mark of the little picture, where the page is one that a browser would show."""
        if page.status not in {OK, UNAUTHORISED}:
            return {}
        path = self.towards(products.icon_link(_text(page)))[0]
        icon = self.spare(path if PICTURE.search(path) else "/favicon.ico", "GET the favicon")
        whole = icon is not None and icon.status == OK and icon.whole
        return products.icon_mark(icon.header("content-type"), icon.body) if icon and whole else {}


def _text(page: Page) -> str:
    return page.body[:MOST].decode("utf-8", "replace")


def _told(door: Door, page: Page) -> tuple[Facts, str]:
    """(the facts of the page, the word for what speaks there)."""
    body = _text(page)
    name = str(door.shown.get("certificate_name") or "")
    heard = products.Heard(products.title(body), page.headers, body, name, door.path)
    found = products.recognise(heard)
    what, login = products.page_kind(page.status, heard, found)
    cut = page.broke is not None and (what not in PROVED or login == "script")
    undecided = cut or bool(door.missed or page.busy)
    facts: Facts = {
        "status": page.status,
        "page": None if undecided else what,
        "authentication": "unknown" if undecided or login == "script" else ASKS.get(what, "unknown"),
        "title": _title(heard.title, what, found),
        "server": products.server(page.header("server")),
        "tls": door.tls,
    }
    facts |= ({"login": login} if login and not undecided else {}) | (found.facts if found else {})
    if what == "redirect":
        facts["redirect"] = door.leads
    return facts, (found.product.speaks if found else None) or "http"


def _title(told: str, what: str, found: products.Recognised | None) -> str | None:
    """A product's own words; else what stands before a login. Never the title of a page with content."""
    if found is not None and found.title:
        return found.title
    return discreet(told, strict=True) if what in {"login", "refused", "error"} else None


PROBE: ProbeFactory = Http
