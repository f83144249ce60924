"""From which address does the internet see us? A name that follows it, and a page that says so; the site file
names both.

The page is asked over httpcore, which carries httpx, as web.py does and for its reasons: one request, no
redirect, no cookie, nothing unpacked. Its TLS certificate is verified, and not only looked at: here we want
to know whom to believe. Of its words only an address is taken (ipaddress). The same page can be asked through
a server of ours: then it says where that one stands.
"""

from __future__ import annotations

import json
import re
import socket  # noqa: TID251 - for the system's resolver alone: connections are an Outlet's
import threading
import time
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.ours import ECHO, ECHO_IN_CLEAR, is_public
from netwatch.outlet import Here
from netwatch.probe import ProbeError
from netwatch.web import AGENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext  # noqa: TID251 - a type

    from netwatch.audit import Audit
    from netwatch.outlet import Outlet

    Resolve = Callable[[str], list[str]]

QUESTION = "address"  # in the audit log
SECONDS = 10.0
MOST_ADDRESSES = 16  # of one name
MOST = 4096  # bytes of a page
RECEIVED = 32_768  # bytes in all, TLS and headers included
UNKNOWN = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
OK, MOVED, FAILED = 200, 300, 400
# What may be an address: digits, letters up to f, dots and colons, not within a longer word.
TOKEN = re.compile(r"(?<![\w.:])[0-9A-Fa-f:.]{2,45}(?![\w:])")


def source(url: str) -> str:
    """What the page's word is worth: `echo`, or `echo-in-clear` where the box could have written it."""
    return ECHO if url.lower().startswith("https:") else ECHO_IN_CLEAR


def system(name: str) -> list[str]:
    """Every address of a name, as this machine's resolver gives them. Raises socket.gaierror."""
    return [str(row[4][0]) for row in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


def ask_name(
    name: str, audit: Audit, *, seconds: float = SECONDS, resolve: Resolve = system
) -> tuple[IPv4Address | IPv6Address, ...]:
    """The addresses of the internet that a name leads to, IPv4 first; others are left out.

    Raises OutsideError: UNPROVED where there is no such name or it leads to no such address, PROTOCOL where
    DNS is in trouble, TIMEOUT where it does not answer.
    """
    found = _looked_up(name, audit, seconds, resolve)
    public = {one for one in found if is_public(one)}
    if not public:
        raise OutsideError("address.name-private", Reason.UNPROVED, name=name)
    return tuple(sorted(public, key=lambda one: (one.version, int(one)))[:MOST_ADDRESSES])


def _looked_up(name: str, audit: Audit, seconds: float, resolve: Resolve) -> list[IPv4Address | IPv6Address]:
    """In a thread that is left behind when its time is up: a resolver cannot be interrupted."""
    answers: list[list[str] | Exception] = []

    def ask() -> None:
        try:
            answers.append(resolve(name))
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that no name has
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    told = answers[0] if answers else None
    ended = f"{len(told)} addresses" if isinstance(told, list) else "no answer"
    audit.write(QUESTION, name, way="dns", sent=["A, AAAA"], ended=ended)
    if told is None:
        raise OutsideError("address.name-slow", Reason.TIMEOUT, name=name, seconds=round(seconds, 1))
    if isinstance(told, Exception):
        if isinstance(told, UnicodeError) or told.errno in UNKNOWN:  # type: ignore[attr-defined]
            raise OutsideError("address.name-unknown", Reason.UNPROVED, name=name)
        raise OutsideError("address.name-trouble", Reason.PROTOCOL, name=name)
    return [one for text in told if (one := _address(text)) is not None]


def ask_echo(  # noqa: PLR0913 - what a page is asked with
    url: str,
    audit: Audit,
    *,
    version: int = 4,
    through: Outlet | None = None,
    seconds: float = SECONDS,
    resolve: Resolve = system,
    trust: SSLContext | None = None,
) -> IPv4Address | IPv6Address:
    """The one address of the internet that the page says it is asked from, of IP `version` 4 or 6.

    `through`: the door by which it is asked, else this machine's own. `seconds`: for all of it. `trust`: else
    httpx's certificates, or those of SSL_CERT_FILE. Raises OutsideError.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        raise OutsideError("address.echo-address", Reason.UNPROVED, host="[address] echo") from None
    ends = time.monotonic() + seconds
    found = [one for one in _looked_up(host, audit, seconds, resolve) if one.version == version]
    if not found:
        raise OutsideError("address.echo-no-host", Reason.REFUSED, host=host, version=version)
    if not is_public(found[0]):  # nothing is asked of the practice's own devices by this door
        raise OutsideError("address.echo-near", Reason.UNPROVED, host=host)
    asked = _Asked(url, host, str(found[0]), port, ends, seconds)
    try:
        body = asked.page(through or Here(), trust)
    finally:
        audit.write(QUESTION, host, port=port, address=asked.address, sent=asked.sent, ended=asked.ended)
    return _read(body, host, version)


class _Asked:
    """One request, and what became of it. `ends`: when its time is up."""

    def __init__(  # noqa: PLR0913, PLR0917 - a request has as many parts
        self, url: str, host: str, address: str, port: int, ends: float, seconds: float
    ) -> None:
        self.url, self.host, self.address, self.port = url, host, address, port
        self.ends, self.seconds = ends, seconds
        self.sent: list[str] = []
        self.received = 0

    @property
    def ended(self) -> str:
        """For the audit log."""
        return f"{self.received} bytes received"

    def left(self) -> float:
        """Seconds. Raises OutsideError where there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise self.wrong("slow", Reason.TIMEOUT, seconds=round(self.seconds, 1))
        return left

    def wrong(self, why: str, reason: Reason, **details: object) -> OutsideError:
        """The error that names this page."""
        return OutsideError(f"address.echo-{why}", reason, host=self.host, **details)

    def page(self, outlet: Outlet, trust: SSLContext | None) -> bytes:
        """Its body, whole."""
        import httpcore  # noqa: PLC0415 - slow to import
        import httpx  # noqa: PLC0415

        told = {"User-Agent": AGENT, "Accept": "text/plain, application/json;q=0.9, */*;q=0.5"}
        told |= {"Accept-Encoding": "identity", "Connection": "close"}
        with httpcore.ConnectionPool(
            ssl_context=trust or httpx.create_ssl_context(),
            network_backend=_backend(self, outlet),
            http2=False,
        ) as pool:
            try:
                with pool.stream("GET", self.url, headers=list(told.items())) as answer:
                    return self._body(answer)
            except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError):
                raise self.wrong("broken", Reason.PROTOCOL) from None

    def _body(self, answer: Any) -> bytes:  # noqa: ANN401 - an httpcore.Response
        """To its end, which must come soon."""
        if MOVED <= answer.status < FAILED:
            raise self.wrong("redirect", Reason.PROTOCOL)
        if answer.status != OK:
            raise self.wrong("status", Reason.PROTOCOL, status=int(answer.status))
        body = bytearray()
        for part in answer.iter_stream():
            body += part
            if len(body) > MOST:
                raise self.wrong("large", Reason.LIMIT, limit=MOST)
        return bytes(body)

    def read(self, sock: socket.socket, most: int) -> bytes:
        """What is there; nothing at the end."""
        data = bytes(self._timed(sock, sock.recv, min(most, MOST)))
        self.received += len(data)
        if self.received > RECEIVED:
            raise self.wrong("large", Reason.LIMIT, limit=MOST)
        return data

    def write(self, sock: socket.socket, data: bytes) -> None:
        """All of it."""
        if data:
            self.sent.append(f"GET the page ({len(data)} bytes)")
            self._timed(sock, sock.sendall, data)

    def secured(self, sock: socket.socket, trust: SSLContext, name: str | None) -> socket.socket:
        """With a certificate that is valid for the page's name, or not at all. An end that TLS does not
        announce is none: an address that was cut short is somebody else's."""
        self.sent.append("TLS handshake")
        how = {"server_hostname": name, "suppress_ragged_eofs": False}
        inside: socket.socket = self._timed(sock, trust.wrap_socket, sock, **how)
        return inside

    def _timed(self, sock: socket.socket, what: Callable[..., Any], *arguments: Any, **more: Any) -> Any:  # noqa: ANN401
        """A call of the socket's, in the time that is left."""
        try:
            sock.settimeout(self.left())
            return what(*arguments, **more)
        except TimeoutError:
            raise self.wrong("slow", Reason.TIMEOUT, seconds=round(self.seconds, 1)) from None
        except ProbeError as error:  # the door itself is gone
            raise self.wrong("unreachable", error.reason) from None
        except OSError as error:
            if getattr(error, "verify_code", None) is not None:
                raise self.wrong("certificate", Reason.UNPROVED) from None
            if self.received or len(self.sent) > 1:  # an answer that breaks off
                raise self.wrong("broken", Reason.PROTOCOL) from None
            raise self.wrong("unreachable", Reason.CLOSED) from None


def _backend(asked: _Asked, outlet: Outlet) -> Any:  # noqa: ANN401 - httpcore is imported when it is needed
    """The outlet as httpcore wants a network to be. It connects to the address that was looked up, and to
    nothing else; seconds and bytes are the question's own."""
    import httpcore  # noqa: PLC0415

    class Stream(httpcore.NetworkStream):
        def __init__(self, sock: socket.socket) -> None:
            self.sock = sock

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
            return asked.read(self.sock, max_bytes)

        def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
            asked.write(self.sock, buffer)

        def close(self) -> None:
            self.sock.close()

        def start_tls(
            self,
            ssl_context: SSLContext,
            server_hostname: str | None = None,
            timeout: float | None = None,  # noqa: ARG002
        ) -> Stream:
            return Stream(asked.secured(self.sock, ssl_context, server_hostname))

        def get_extra_info(self, info: str) -> Any:  # noqa: ANN401, ARG002
            """Nothing more is known."""
            return None

    class Door(httpcore.NetworkBackend):
        def connect_tcp(self, *_: Any, **__: Any) -> Stream:  # noqa: ANN401
            """The page's server, by this door."""
            try:
                return Stream(outlet.dial(asked.address, asked.port, asked.left()))
            except ProbeError as error:
                raise asked.wrong("unreachable", error.reason) from None

    return Door()


def _read(body: bytes, host: str, version: int) -> IPv4Address | IPv6Address:
    """The one address that a page tells: its text's, or its JSON's `ip`. Raises OutsideError."""
    text = body.decode("ascii", "replace")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("ip"), str):
        text = answer["ip"]
    words = {one.rstrip(".") for one in TOKEN.findall(text)}
    found = {one for word in words if (one := _address(word)) and one.version == version and is_public(one)}
    if not found:
        raise OutsideError("address.echo-no-address", Reason.PROTOCOL, host=host, version=version)
    if len(found) > 1:
        raise OutsideError("address.echo-several", Reason.PROTOCOL, host=host, count=len(found))
    return found.pop()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """A text as an address, without a card's name behind it; None where it is none."""
    try:
        one = ip_address(text)
    except ValueError:
        return None
    return (one.ipv4_mapped or one) if isinstance(one, IPv6Address) and not one.scope_id else one
