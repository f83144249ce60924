"""What is behind a web door? Hand-made servers here; nginx, Orthanc and Python's own in tests/lab."""

from __future__ import annotations

import ssl
from datetime import date
from functools import cache
from ipaddress import IPv4Network
from socket import MSG_PEEK
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.audit import Audit
from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.errors import ScopeError
from netwatch.model import Reason, Target, Vantage
from netwatch.probe import ProbeError
from netwatch.products import murmur3
from netwatch.scope import Scope
from netwatch.web import IN_CLEAR, MOST
from probes.http import CONNECTIONS, Http
from tests.lab.canary import CANARIES, PATIENTS
from tests.lab.certificates import Tls, make
from tests.lab.hurry import FAST
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from netwatch.model import Facts, Observation

PROBE = Http(timeout=1.0)
FORM = b"<title>Router</title><form method=post><input name=u><input type=password name=p></form>"
PLAIN = b"<html><body>hello</body></html>"
ICON = b"\0\0\1\0\1\0\x10\x10picture"


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An answer of HTTP/1.1."""
    lines = {"Content-Length": str(len(body))} | {k.replace("_", "-"): v for k, v in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def moved(location: str, status: str = "302 Found") -> bytes:
    """A redirect."""
    return answer(status=status, Location=location)


class Site:
    """A web server of these pages; what it does not have is 404. `asked`: every request, as it came."""

    def __init__(self, pages: dict[str, bytes] | bytes, *, tls: ssl.SSLContext | None = None) -> None:
        self.pages = pages if isinstance(pages, dict) else {"/": pages}
        self.tls = tls
        self.asked: list[str] = []

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [request.split()[1] for request in self.asked]

    def __call__(self, talk: Talk) -> None:
        """Serve one request; with `tls`, those in clear too, as nginx does."""
        if self.tls is None:
            self.serve(talk)
        elif talk.connection.recv(1, MSG_PEEK) == b"\x16":
            with self.tls.wrap_socket(talk.connection, server_side=True) as wrapped:
                talk.connection = wrapped
                self.serve(talk)
        else:
            talk.some()
            self.asked.append("GET in-clear")
            talk.send(answer(b"The plain HTTP request was sent to HTTPS port", "400 Bad Request"))
            talk.end()

    def serve(self, talk: Talk) -> None:
        """Hear one request, and answer it."""
        told = b""
        while b"\r\n\r\n" not in told:
            told += talk.some()
        self.asked.append(told.decode())
        talk.send(self.pages.get(self.paths[-1], answer(b"nothing", "404 Not Found")))
        talk.end()


@cache
def context(*, oldest: ssl.TLSVersion, newest: ssl.TLSVersion, folder: Path) -> ssl.SSLContext:
    """A server's side of TLS."""
    return Tls(oldest, newest).context(make(folder, "cabinet"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def modern(folder: Path) -> ssl.SSLContext:
    return context(oldest=ssl.TLSVersion.TLSv1_2, newest=ssl.TLSVersion.TLSv1_3, folder=folder)


PAGES = [
    # what it says, facts, rules
    (answer(PLAIN, Server="nginx/1.22.1"), {"page": "other", "authentication": "unknown"}, []),
    (
        answer(FORM),
        {"page": "login", "authentication": "password", "title": "Router"},
        ["http-login-in-clear"],
    ),
    (
        answer(b"", "401 Unauthorized", WWW_Authenticate='Basic realm="Cabinet"'),
        {"page": "login", "authentication": "password", "login": "basic"},
        ["http-login-in-clear"],
    ),
    (
        answer(b"", "401 Unauthorized", WWW_Authenticate='Digest realm="x", nonce="1"'),
        {"page": "login", "authentication": "password", "login": "digest"},
        [],
    ),
    (answer(b"", "403 Forbidden"), {"page": "refused", "authentication": "unknown"}, []),
    (answer(b"", "404 Not Found"), {"page": "error", "authentication": "unknown"}, []),
    (answer(b"", "501 Not Implemented"), {"page": "error"}, []),
    (
        answer(b"<title>Index of /</title>"),
        {"page": "listing", "authentication": "none", "title": None},
        ["http-directory-listing"],
    ),
    (
        answer(b"<title>Orthanc Explorer</title>"),
        {"page": "open", "authentication": "none", "product": "Orthanc", "kind": "pacs"},
        ["http-open-console"],
    ),
    (
        answer(b"<title>DS218 - Synology DiskStation</title>"),
        {"page": "login", "login": "script", "authentication": "unknown", "product": "Synology DSM"},
        [],
    ),
    (moved("https://cabinet.example/"), {"page": "redirect", "redirect": "https", "status": 302}, []),
]


@pytest.mark.parametrize(("told", "facts", "rules"), PAGES)
def test_what_a_page_is_and_whether_it_asks_who_we_are(told: bytes, facts: Facts, rules: list[str]) -> None:
    with Peer(Site(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert {key: asked.facts.get(key) for key in facts} == facts
    assert asked.facts["tls"] is False
    assert (asked.protocol, asked.rules, asked.error, asked.other) == ("http", rules, None, None)


def test_one_plain_page_is_asked_for_with_no_cookie_and_nothing_else_but_its_picture() -> None:
    site = Site(answer(PLAIN, Set_Cookie="session=1; Path=/"))
    with Peer(site, fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert site.paths == ["/", "/favicon.ico"]
    for request in site.asked:
        assert request.startswith("GET ")
        names = {line.partition(":")[0].lower() for line in request.splitlines()[1:] if line}
        assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert f"Host: {peer.address}:{peer.port}\r\n" in request


# -------------------------------------------------------------------------------------------------- redirects


def led(start: str, pages: dict[str, bytes] | None = None) -> tuple[list[str], dict[str, object]]:
    """(the paths asked for, without the picture; the facts) where / leads to `start`."""
    site = Site({"/": moved(start), "/favicon.ico": answer(ICON)} | (pages or {}))
    with Peer(site, fresh_address()) as peer:
        site.pages = {path: told.replace(b"PORT", b"%d" % peer.port).replace(b"HERE", peer.address.encode())
                      for path, told in site.pages.items()}  # fmt: skip
        asked = ask(PROBE, peer.address, peer.port)
    return [path for path in site.paths if path != "/favicon.ico"], dict(asked.facts)


@pytest.mark.parametrize(
    "location",
    ["/login", "login", "./login", "http://HERE:PORT/login", "/login#top", "//HERE:PORT/login", " /login "],
)
def test_a_redirect_on_this_very_port_is_followed(location: str) -> None:
    paths, facts = led(location, {"/login": answer(FORM)})
    assert paths == ["/", "/login"]
    assert (facts["page"], facts["status"], "redirect" in facts) == ("login", 200, False)


def test_no_more_than_two_redirects_are_followed() -> None:
    paths, facts = led("/1", {"/1": moved("/2"), "/2": moved("/3"), "/3": answer(FORM)})
    assert paths == ["/", "/1", "/2"]
    assert (facts["page"], facts["redirect"]) == ("redirect", "here")


@pytest.mark.parametrize("more", ["?confirm=yes", ";confirm=yes", "?", ";a=b?c=d#e"])
def test_no_query_is_ever_sent_nor_a_parameter(more: str) -> None:
    paths, facts = led(f"/login{more}", {"/login": answer(FORM)})
    assert (paths, facts["page"]) == (["/", "/login"], "login")


@pytest.mark.parametrize(
    "path",
    [
        "/cgi-bin/reboot.cgi?confirm=yes",
        "/cgi-bin/Reboot.cgi",
        "/goform/restore.asp",
        "/setup/reset.php",
        "/delete.php",
        "/logout",
        "/auth/sign-out",
        "/log_off.asp",
        "/%72eboot.cgi",
        "/FactoryDefault.cgi",
        "/shutdown",
    ],
)
def test_where_a_path_may_do_something_it_is_not_followed(path: str) -> None:
    paths, facts = led(path, {path: answer(FORM)})
    assert (paths, facts["page"], facts["redirect"]) == (["/"], "redirect", "here")


@pytest.mark.parametrize("path", ["/login.cgi", "/cgi-bin/luci", "/index.php", "/logo/", "/bootstrap/"])
def test_where_a_path_only_shows_something_it_is_followed(path: str) -> None:
    assert led(path)[0] == ["/", path]


def test_no_circle_is_walked() -> None:
    assert led("/")[0] == ["/"]
    assert led("/?lang=fr")[0] == ["/"]
    assert led("/1", {"/1": moved("/")})[0] == ["/", "/1"]


@pytest.mark.parametrize(
    ("location", "leads"),
    [
        ("https://HERE:PORT/login", "https"),
        ("https://HERE/", "https"),
        ("https://elsewhere.example/", "https"),
        ("http://HERE/login", "another-port"),
        ("http://HERE:8042/", "another-port"),
        ("http://elsewhere.example:PORT/login", "elsewhere"),
        ("http://127.0.0.2:PORT/login", "elsewhere"),
        ("http://user@elsewhere/", "elsewhere"),
        ("javascript:alert(1)", "elsewhere"),
        ("ftp://HERE/", "elsewhere"),
        ("file:///etc/passwd", "elsewhere"),
        ("http://[::1", "elsewhere"),
        ("http://HERE:99999/", "elsewhere"),
        ("/with spaces", "elsewhere"),
        ("/caf\xe9", "elsewhere"),
    ],
)
def test_a_redirect_that_leads_off_this_port_is_a_fact_and_is_not_followed(location: str, leads: str) -> None:
    paths, facts = led(location)
    assert paths == ["/"]
    assert (facts["page"], facts["redirect"]) == ("redirect", leads)


def test_a_redirect_without_a_place_is_a_redirect() -> None:
    with Peer(Site(answer(status="302 Found")), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["page"] == "redirect"


def test_where_the_page_that_was_led_to_does_not_answer_the_page_is_not_known() -> None:
    def behave(talk: Talk) -> None:
        if b"/login" in talk.some():
            talk.hold()
        talk.send(moved("/login"))
        talk.end()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["page"], asked.facts["redirect"]) == (None, "here")
    assert (asked.facts["authentication"], asked.reason, asked.rules) == ("unknown", Reason.TIMEOUT, [])


LED_TO = {
    # what is there, why the page is not known
    "nothing": (b"", Reason.TIMEOUT),
    "not now": (answer(FORM, "503 Service Unavailable"), Reason.BUSY),
    "no HTTP": (b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", Reason.PROTOCOL),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.PROTOCOL),
}


@pytest.mark.parametrize(("told", "reason"), LED_TO.values(), ids=LED_TO)
def test_where_the_page_that_was_led_to_is_in_trouble_the_page_is_not_known(
    told: bytes, reason: Reason
) -> None:
    with Peer(Site({"/": moved("/login"), "/login": told}), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["page"], asked.reason, asked.rules, asked.other) == (None, reason, [], None)


# ----------------------------------------------------------------------------- trouble, and what is repaired

TITLE = b"<title>Index of /</title>"
HICCUPS = {
    # what it sends, why the page is not known
    "not now": (answer(b"busy", "503 Service Unavailable"), Reason.BUSY),
    "not now, with a form": (answer(FORM, "503 Service Unavailable"), Reason.BUSY),
    "not now, with a list": (answer(TITLE, "500 Internal Server Error"), Reason.BUSY),
    "too many": (answer(b"", "429 Too Many Requests"), Reason.BUSY),
    "too slow": (answer(b"", "408 Request Timeout"), Reason.BUSY),
    "a page that breaks off": (answer(FORM)[: -len(FORM) + 30], Reason.TIMEOUT),
    "a refusal that breaks off": (answer(FORM, "403 Forbidden")[: -len(FORM) + 30], Reason.TIMEOUT),
    "a product's page that breaks off": (
        answer(b"<title>DS218 - Synology DiskStation</title>" + b" " * 99)[:-50],
        Reason.TIMEOUT,
    ),
}


@pytest.mark.parametrize(("told", "reason"), HICCUPS.values(), ids=HICCUPS)
def test_a_server_in_trouble_shows_no_page(told: bytes, reason: Reason) -> None:
    with Peer(Site(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts | {"page": None, "authentication": "unknown"} == asked.facts
    assert (asked.protocol, asked.reason, asked.rules) == ("http", reason, [])
    assert "login" not in asked.facts


def test_a_page_that_is_hung_up_on_halfway_is_not_known() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(answer(FORM)[: -len(FORM) + 30])

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["page"], asked.reason, asked.rules) == (None, Reason.PROTOCOL, [])


def test_a_picture_that_does_not_come_is_no_trouble() -> None:
    with Peer(Site({"/": answer(PLAIN), "/favicon.ico": b""}), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["page"], asked.error) == ("other", None)


def test_a_redirect_is_decided_by_its_head() -> None:
    cut = moved("https://cabinet.example/").replace(b"Content-Length: 0", b"Content-Length: 9")
    with Peer(Site(cut), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["page"], asked.error) == ("redirect", None)


def test_a_page_longer_than_we_read_is_known_all_the_same() -> None:
    with Peer(Site(answer(PLAIN + b" " * MOST)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["page"], asked.error) == ("other", None)


REPAIRED = {
    # rule, what it becomes
    "http-open-console": answer(
        b"<title>Orthanc Explorer</title>", "401 x", WWW_Authenticate="Digest realm=x"
    ),
    "http-directory-listing": answer(b"", "403 Forbidden"),
    "http-login-in-clear": moved("https://cabinet.example/"),
}


@pytest.mark.parametrize(("rule", "told"), REPAIRED.items())
def test_a_page_that_was_repaired_is_known(rule: str, told: bytes) -> None:
    with Peer(Site(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["page"] in {"login", "refused", "redirect"}
    assert (asked.error, rule in asked.rules) == (None, False)


def test_a_handshake_of_old_tls_that_hangs_leaves_it_open(modern: ssl.SSLContext) -> None:
    handshakes: list[int] = []

    def behave(talk: Talk) -> None:
        if talk.connection.recv(1, MSG_PEEK) == b"\x16":
            handshakes.append(1)
            if len(handshakes) == 2:
                talk.some()
                talk.hold()
        site(talk)

    site = Site(answer(PLAIN), tls=modern)
    with Peer(behave, fresh_address(), 8443) as peer:
        asked = ask(PROBE, peer.address, 8443)
    assert asked.facts | {"page": "other", "tls_old": "unknown"} == asked.facts
    assert (asked.reason, asked.rules) == (Reason.TIMEOUT, [])


def test_where_tls_was_switched_off_old_tls_is_refused() -> None:
    def behave(talk: Talk) -> None:
        if talk.connection.recv(1, MSG_PEEK) == b"\x16":
            talk.some()
            talk.send(answer(b"", "400 Bad Request"))
            talk.end()
        else:
            Site(answer(PLAIN)).serve(talk)

    with Peer(behave, fresh_address(), 9443) as peer:
        asked = ask(PROBE, peer.address, 9443)
    assert (asked.facts["tls"], asked.facts["tls_old"]) == (False, "refused")


@pytest.mark.parametrize(
    ("heard", "asked"),
    [({}, ()), ({5985: "winrm", 5986: "winrm"}, ()), ({5985: "http", 5986: "tls"}, (5985, 5986))],
)
def test_where_winrm_is_at_home_it_is_asked_once_that_one_has_said_no(
    heard: dict[int, str], asked: tuple[int, ...]
) -> None:
    ports = (5985, 5986)
    before = dict.fromkeys(ports, "http")
    target = Target("d", "192.0.2.1", ports, spoken=heard, before=before, free=frozenset(ports))
    assert PROBE.wants(target) == asked


# -------------------------------------------------------------------------------------------------------- TLS


def test_a_page_inside_tls_is_found_after_nginx_said_so_in_clear(modern: ssl.SSLContext) -> None:
    site = Site(answer(FORM), tls=modern)
    with Peer(site, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts | {"page": "login", "tls": True, "tls_version": "TLSv1.3"} == asked.facts
    assert asked.facts | {"certificate_name": "cabinet", "certificate_self_signed": True} == asked.facts
    assert (asked.protocol, asked.rules, asked.error) == ("http", [], None)
    assert site.asked[0] == "GET in-clear"


@pytest.mark.parametrize("words", IN_CLEAR)
def test_every_server_s_way_of_asking_for_tls_is_understood(words: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(answer(b"<p>You are " + words, "400 Bad Request"))
        talk.end()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.reason) == ("tls", Reason.PROTOCOL)
    assert peer.connections == 2


def test_a_tls_server_that_hangs_up_on_clear_words_is_asked_inside_tls(modern: ssl.SSLContext) -> None:
    with Peer(Site(answer(PLAIN)), fresh_address(), tls=modern) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["tls"], asked.facts["page"]) == (True, "other")


def test_where_tls_is_at_home_it_is_spoken_first(modern: ssl.SSLContext) -> None:
    site = Site(answer(PLAIN), tls=modern)
    with Peer(site, fresh_address(), 8443) as peer:
        asked = ask(PROBE, peer.address, 8443)
    assert asked.facts["tls"] is True
    assert "GET in-clear" not in site.asked


@pytest.mark.parametrize("when", ["spoken", "before"])
def test_where_tls_was_heard_it_is_spoken_first(modern: ssl.SSLContext, when: str) -> None:
    site = Site(answer(PLAIN), tls=modern)
    with Peer(site, fresh_address()) as peer:
        heard = {peer.port: "tls"}
        target = Target("d", peer.address, (peer.port,), **{when: heard})  # type: ignore[arg-type]
        assert ask(PROBE, peer.address, peer.port, target=target).facts["tls"] is True
    assert "GET in-clear" not in site.asked


def test_where_tls_is_at_home_and_not_spoken_the_page_in_clear_is_found() -> None:
    with Peer(Site(answer(FORM)), fresh_address(), 9443) as peer:
        asked = ask(PROBE, peer.address, 9443)
    assert (asked.facts["tls"], asked.facts["page"]) == (False, "login")


@pytest.mark.parametrize(
    ("oldest", "newest", "told"),
    [
        (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3, "refused"),
        (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_3, "accepted"),
        (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2, "accepted"),
        (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1, "accepted"),
    ],
)
def test_whether_old_tls_is_still_taken_is_tried(
    folder: Path, oldest: ssl.TLSVersion, newest: ssl.TLSVersion, told: str
) -> None:
    tls = context(oldest=oldest, newest=newest, folder=folder)
    with Peer(Site(answer(PLAIN), tls=tls), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["tls_old"] == told
    assert asked.rules == ["http-old-tls"] * (told == "accepted")
    # in clear, inside TLS, the old handshake where the first one was not old already, the picture
    assert peer.connections == (3 if newest is oldest else 4)


def test_what_our_own_openssl_cannot_offer_is_unknown(
    modern: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from netwatch.line import Line  # noqa: PLC0415

    start = Line.start_tls

    def unable(line: Line, newest: str = "") -> None:
        if newest:
            raise ProbeError(Reason.PROTOCOL, "TLS handshake: NO_PROTOCOLS_AVAILABLE")
        start(line)

    monkeypatch.setattr(Line, "start_tls", unable)
    with Peer(Site(answer(PLAIN), tls=modern), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["tls_old"], asked.error) == ("unknown", None)


def test_tls_that_cannot_be_agreed_on_is_told_as_tls_and_as_a_failure() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(b"\x15\x03\x01\x00\x02\x02\x28")  # alert: handshake failure
        talk.end()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts, asked.reason) == ("tls", {"tls": True}, Reason.PROTOCOL)
    assert peer.connections == 2


def test_another_protocol_inside_tls_is_told_as_that(modern: ssl.SSLContext) -> None:
    def behave(talk: Talk) -> None:
        talk.send(b"* OK IMAP4rev1 DUPONT^JEAN\r\n")
        talk.end()

    with Peer(behave, fresh_address(), 8443, tls=modern) as peer:
        asked = ask(PROBE, peer.address, 8443)
    assert (asked.protocol, asked.facts["certificate_name"]) == ("tls", "cabinet")
    assert asked.other is not None


def test_a_server_that_wants_our_certificate_is_a_failure_with_its_own_certificate_told(folder: Path) -> None:
    pair = make(folder, "mutual")
    tls = Tls(mutual=True).context(pair)
    with Peer(Site(answer(PLAIN)), fresh_address(), 8443, tls=tls) as peer:
        asked = ask(PROBE, peer.address, 8443)
    assert (asked.protocol, asked.facts["certificate_name"]) == ("tls", "mutual")
    assert asked.reason is Reason.CLOSED


# ------------------------------------------------------------------------------------------------ the picture


def icon_of(pages: dict[str, bytes]) -> tuple[dict[str, object], list[str]]:
    site = Site(pages)
    with Peer(site, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    return {key: value for key, value in asked.facts.items() if key.startswith("favicon")}, site.paths


MARKS = {"favicon": "sha256:", "favicon_mmh3": 0}


def test_the_picture_is_kept_as_two_marks() -> None:
    import base64  # noqa: PLC0415
    import hashlib  # noqa: PLC0415

    facts, _ = icon_of({"/": answer(PLAIN), "/favicon.ico": answer(ICON)})
    assert facts == {
        "favicon": f"sha256:{hashlib.sha256(ICON).hexdigest()[:16]}",
        "favicon_mmh3": murmur3(base64.encodebytes(ICON)),
    }


def test_the_picture_is_fetched_from_where_the_page_says() -> None:
    page = answer(b'<link rel="shortcut icon" href="img/mark.png?v=2"><p>')
    facts, paths = icon_of({"/": page, "/img/mark.png": answer(ICON)})
    assert (facts.keys(), paths) == (MARKS.keys(), ["/", "/img/mark.png"])


@pytest.mark.parametrize(
    "href",
    ["http://127.0.0.1:1/a.ico", "//elsewhere.example/a.ico", "data:image/png;base64,AAAA", "javascript:1"],
)
def test_a_picture_that_lies_elsewhere_is_left_there(href: str) -> None:
    page = answer(f'<link rel=icon href="{href}">'.encode())
    assert icon_of({"/": page, "/favicon.ico": answer(ICON)})[1] == ["/", "/favicon.ico"]


@pytest.mark.parametrize(
    "href",
    [
        "/",
        "#top",
        "?",
        ".",
        "/setup.cgi?todo=restore_factory",
        "/icon",
        "/reset.png",
        "/a.cgi?x=.png",
        "/a.ico/b",
    ],
)
def test_what_is_not_named_as_a_picture_is_not_fetched_as_one(href: str) -> None:
    page = answer(f'<link rel=icon href="{href}">'.encode())
    assert icon_of({"/": page, "/favicon.ico": answer(ICON)})[1] == ["/", "/favicon.ico"]


@pytest.mark.parametrize(
    "told",
    [
        answer(b"", "404 Not Found"),
        answer(ICON, "404 Not Found"),
        answer(PLAIN, Content_Type="text/html"),
        answer(b"<!doctype html><p>"),
        answer(b""),
        answer(b"x" * (MOST + 1)),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbroken off",
    ],
)
def test_what_is_no_picture_leaves_no_mark(told: bytes) -> None:
    facts, paths = icon_of({"/": answer(PLAIN), "/favicon.ico": told})
    assert (facts, paths) == ({}, ["/", "/favicon.ico"])


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "302 Found", "503 Busy"])
def test_no_picture_is_asked_for_where_there_is_no_page(status: str) -> None:
    assert icon_of({"/": answer(PLAIN, status)})[1] == ["/"]


# ------------------------------------------------------------------------------------------ gentle and silent


def test_no_port_costs_more_than_five_connections(modern: ssl.SSLContext) -> None:
    pages = {"/": moved("/1"), "/1": moved("/2"), "/2": answer(PLAIN), "/favicon.ico": answer(ICON)}
    with Peer(Site(pages, tls=modern), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert peer.connections == CONNECTIONS == 5
    assert asked.facts["tls_old"] == "refused"


RECORD = f"{PATIENTS[0][0]} {PATIENTS[0][1]} {PATIENTS[0][2]} ZZCANARY Anne née le 1901-02-03"
WEB = RECORD.replace(" ", "%20").replace("^", "%5E").replace("é", "e")


def leaves_no_trace(site: Callable[[Talk], None], tmp_path: Path) -> dict[str, object]:
    """The facts, once nothing of a patient was found in what we keep, say or write down."""
    log = tmp_path / "audit.jsonl"
    with Peer(site, fresh_address()) as peer:
        scope = Scope((IPv4Network(f"{peer.address}/32"),), until=date.max)
        egress = Egress(scope, FAST, Audit(log))
        egress.classed(peer.address, table()["computer"])
        target = Target("d", peer.address, (peer.port,))
        seen: list[Observation] = []
        error = None
        try:
            seen.extend(PROBE.observe(target, peer.port, egress.asking(PROBE.name, PROBE.manner)))
        except ProbeError as raised:
            error = raised
        egress.close()
    told = f"{seen!r} {error!r} {error} {log.read_text(encoding='utf-8')}"
    assert [canary for canary in (*CANARIES, "ZZCANARY", "Anne") if canary in told] == []
    assert "GET /" in told
    return dict(seen[-1].facts) if seen else {}


def everywhere(status: str, body: bytes, **headers: str) -> bytes:
    """A patient in every header, and in the reason."""
    named = dict.fromkeys(("Server", "X_Patient", "ETag", "Content_Language"), RECORD)
    return answer(body, f"{status} {RECORD}", **named, Set_Cookie=f"patient={WEB}", **headers)


WORKLIST = f"<title>{RECORD}</title><h1>{RECORD}</h1><td>{RECORD}</td>".encode()
LEAKS = [
    {"/": everywhere("200", WORKLIST)},
    {
        "/": everywhere(
            "200", f"<title>Index of /{RECORD}</title><a href='{WEB}.pdf'>{RECORD}.pdf</a>".encode()
        )
    },
    {"/": everywhere("200", WORKLIST + FORM)},
    {"/": everywhere("200", f"<title>{RECORD} Synology DiskStation</title>".encode())},
    {"/": everywhere("401", WORKLIST, WWW_Authenticate=f'Basic realm="{RECORD}"')},
    {"/": everywhere("403", WORKLIST)},
    {"/": everywhere("500", WORKLIST)},
    {"/": everywhere("302", WORKLIST, Location=f"/{WEB}?name={WEB}"), f"/{WEB}": answer(WORKLIST)},
    {"/": everywhere("302", b"", Location=f"https://{WEB}.example/{WEB}")},
    {"/": answer(f"<link rel=icon href='/{WEB}.ico'>".encode()), f"/{WEB}.ico": answer(WORKLIST)},
    {"/": f"HTTP/1.1 {RECORD}\r\n\r\n".encode()},
    {"/": f"HTTP/1.1 200 OK\r\n{RECORD}\r\n\r\n{RECORD}".encode()},
]


@pytest.mark.parametrize("number", range(len(LEAKS)))
def test_a_patient_on_a_page_leaves_no_trace(number: int, tmp_path: Path) -> None:
    site = Site(LEAKS[number])
    leaves_no_trace(site, tmp_path)
    assert site.paths[0] == "/"
    assert len(site.paths) == len(LEAKS[number]) or site.paths[-1] == "/favicon.ico"


def test_a_patient_on_a_certificate_leaves_no_trace(folder: Path, tmp_path: Path) -> None:
    tls = Tls().context(make(folder, "ZZCANARY^ONE"))
    facts = leaves_no_trace(Site(answer(PLAIN), tls=tls), tmp_path)
    assert facts | {"certificate_name": None, "tls": True} == facts


@pytest.mark.parametrize("name", ["Jean Dupont", "DUPONT JEAN", "Dupont", "Mme Martin", "Worklist"])
def test_the_title_of_a_page_with_content_is_never_kept(name: str) -> None:
    with Peer(Site(answer(f"<title>{name}</title>".encode())), fresh_address()) as peer:
        assert ask(PROBE, peer.address, peer.port).facts["title"] is None


def test_of_a_title_before_a_login_what_looks_like_a_person_is_not_kept() -> None:
    for title, kept in (("Router", "Router"), ("Jean Dupont", None), ("DUPONT^JEAN", None)):
        page = f"<title>{title}</title>".encode() + FORM.partition(b"</title>")[2]
        with Peer(Site(answer(page)), fresh_address()) as peer:
            assert ask(PROBE, peer.address, peer.port).facts["title"] == kept


# ----------------------------------------------------------------------------------- what is not a web server


def test_what_is_not_a_web_server_is_told_as_that_after_one_connection() -> None:
    def behave(talk: Talk) -> None:
        talk.send(b"SSH-2.0-OpenSSH_9.2\r\n")
        talk.end()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None, peer.connections) == ([], True, 1)


def test_a_server_that_says_nothing_is_a_failure_after_one_connection() -> None:
    with Peer(lambda talk: talk.hold(), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason, peer.connections) == ([], Reason.TIMEOUT, 1)


def test_a_server_that_hangs_up_is_tried_with_tls_and_no_more() -> None:
    def behave(talk: Talk) -> None:
        talk.some()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason, peer.connections) == ([], Reason.CLOSED, 2)


def test_a_server_that_breaks_the_rules_of_http_is_http_and_a_failure() -> None:
    with Peer(Site(b"HTTP/1.1 200 OK\r\nno header at all\r\n\r\n"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts, asked.reason) == ("http", {"tls": False}, Reason.PROTOCOL)
    assert peer.connections == 1


LIARS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + FORM,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5f\r\n" + FORM,
    b"HTTP/1.0 200 OK\r\n\r\n" + FORM,
]


@pytest.mark.parametrize("told", LIARS)
def test_a_body_that_breaks_off_is_read_as_far_as_it_came(told: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(told)

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["page"] == "login"


def test_a_body_without_an_end_is_looked_at_to_a_limit() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(b"HTTP/1.1 200 OK\r\n\r\n" + FORM)
        try:
            talk.flood(b"x" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["page"] == "login"
    assert peer.sent < 8_000_000  # of two connections


def test_a_scan_that_is_stopped_keeps_what_was_proved() -> None:
    stop: list[bool] = []

    def behave(talk: Talk) -> None:
        talk.some()
        stop.append(True)
        talk.send(answer(b"<title>Index of /</title>"))
        talk.end()

    with Peer(behave, fresh_address()) as peer:
        scope = Scope((IPv4Network(f"{peer.address}/32"),), until=date.max)
        egress = Egress(scope, FAST, stop=lambda: bool(stop))
        egress.classed(peer.address, table()["computer"])
        way = egress.asking(PROBE.name, PROBE.manner)
        observing = iter(PROBE.observe(Target("d", peer.address, (peer.port,)), peer.port, way))
        assert next(observing).facts["page"] == "listing"
        with pytest.raises(ProbeError) as error:
            next(observing)
        egress.close()
    assert error.value.reason is Reason.UNFINISHED
    assert peer.connections == 1


# ----------------------------------------------------------------------------------------- where, and how bad


def test_it_is_asked_where_it_is_at_home_where_it_was_heard_and_where_nothing_is_known() -> None:
    spoken = {8081: "ssh", 5555: "http", 5556: "tls", 5557: "elasticsearch"}
    ports = (
        22,
        80,
        104,
        443,
        515,
        631,
        2575,
        3389,
        4242,
        5555,
        5556,
        5557,
        5800,
        8042,
        8081,
        9100,
        9200,
        11112,
        7777,
    )
    target = Target("d", "192.0.2.1", ports, spoken=spoken, free=frozenset({7777, 4242, 104, 9101}))
    assert PROBE.wants(target) == (80, 443, 5555, 5556, 5800, 8042, 7777)


def test_dicom_s_own_ports_and_those_that_print_are_never_asked_whatever_was_heard() -> None:
    ports = (104, 515, 631, 2575, 4242, 9100, 9101, 11112)
    target = Target("d", "192.0.2.1", ports, spoken=dict.fromkeys(ports, "http"), free=frozenset(ports))
    assert PROBE.wants(target) == ()


def test_a_medical_device_is_not_asked() -> None:
    with Peer(Site(answer(PLAIN)), fresh_address()) as peer, pytest.raises(ScopeError):
        ask(PROBE, peer.address, peer.port, is_a="medical")
    assert peer.connections == 0


def test_a_more_exact_protocol_is_told_and_left_to_its_own_question() -> None:
    with Peer(
        Site(answer(b'{"number" : "8.1.0", "tagline" : "You Know, for Search"}')), fresh_address()
    ) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts["version"], asked.rules) == ("elasticsearch", "8.1.0", [])


@pytest.mark.parametrize("protocol", ["elasticsearch", "couchdb", "docker", "s3", "webdav"])
def test_what_has_a_question_of_its_own_is_judged_there_but_for_what_its_page_shows(protocol: str) -> None:
    target = Target("d", "192.0.2.1", (9000,), Vantage.OUTSIDE)
    shown = {"other": [], "login": [], "listing": ["http-directory-listing"], "open": ["http-open-console"]}
    for page, rules in shown.items():
        facts: Facts = {"page": page, "kind": "nas", "login": "form", "tls": False}
        seen = target.observed("http", 9000, protocol, facts)
        assert [finding.rule for finding in PROBE.judge(seen)] == rules


JUDGED = [
    # facts, from the LAN, from outside
    ({"page": "open", "kind": "pacs"}, ["http-open-console"], ["http-open-console"]),
    ({"page": "listing", "tls_old": "accepted"}, ["http-directory-listing"], ["http-directory-listing"]),
    ({"page": "login", "login": "form", "tls": False}, ["http-login-in-clear"], ["http-login-in-clear"]),
    ({"page": "login", "login": "form", "tls": True}, [], ["http-reachable"]),
    ({"page": "login", "login": "secure-form", "tls": False}, [], ["http-reachable"]),
    ({"page": "login", "login": "digest", "tls": False}, [], ["http-reachable"]),
    ({"page": "login", "login": "script", "tls": False}, [], ["http-reachable"]),
    (
        {"page": "login", "login": "basic", "tls": False, "kind": "nas"},
        ["http-login-in-clear"],
        ["http-console-reachable"],
    ),
    ({"page": "other", "kind": "camera"}, [], ["http-console-reachable"]),
    ({"page": "other", "kind": "box"}, [], ["http-console-reachable"]),
    ({"page": "other", "kind": "default-page"}, [], ["http-reachable"]),
    ({"page": "other", "tls_old": "accepted"}, ["http-old-tls"], ["http-reachable"]),
    ({"page": "other", "tls_old": "unknown"}, [], ["http-reachable"]),
    ({"page": "redirect"}, [], ["http-reachable"]),
    ({"tls": False}, [], ["http-reachable"]),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "inside", "outside"), JUDGED)
def test_one_door_is_one_finding_the_worst(facts: Facts, inside: list[str], outside: list[str]) -> None:
    for vantage, rules in ((Vantage.LAN, inside), (Vantage.OUTSIDE, outside)):
        seen = Target("d", "192.0.2.1", (80,), vantage).observed("http", 80, "http", facts)
        assert [finding.rule for finding in PROBE.judge(seen)] == rules


OPENINGS = [
    b"",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: ",
    b"\x15\x03\x01\x00\x02\x02\x28",
]


@given(st.lists(st.tuples(st.sampled_from(OPENINGS), st.binary(max_size=300)), min_size=1, max_size=5))
def test_any_bytes_give_facts_or_a_failure(told: list[tuple[bytes, bytes]]) -> None:
    asked = canned(PROBE, *(opening + rest for opening, rest in told))
    assert asked.seen or asked.error or asked.other
    assert len(asked.sent) <= CONNECTIONS
