"""How is an action of UPnP asked, so that it can only read? SOAP 1.1 over HTTP, UDA 2.0, part 3.

ACTIONS is all that can be sent: whoever asks for another action gets a KeyError here. One connection is kept
for as long as the box keeps it, and a new one waits its turn as every connection does (egress.py). No
redirect is followed; what a box answers is read to a limit. Where it stops: what the answers mean, igd.py
says.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from netwatch import ssdp
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.web import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.line import Line
    from netwatch.ssdp import Place, Service
    from netwatch.way import Way
    from netwatch.web import Page

# All that is ever sent, with its arguments.
EXTERNAL, ENTRY, LIST, FIREWALL = (
    "GetExternalIPAddress",
    "GetGenericPortMappingEntry",
    "GetListOfPortMappings",
    "GetFirewallStatus",
)
ACTIONS = {
    EXTERNAL: (),
    ENTRY: ("NewPortMappingIndex",),
    LIST: ("NewStartPort", "NewEndPort", "NewProtocol", "NewManage", "NewNumberOfPorts"),
    FIREWALL: (),
}

ENVELOPE = (
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:{action} xmlns:u="{type}">'
    "{arguments}</u:{action}></s:Body></s:Envelope>\r\n"
)
LOGIN, FAULT = {401, 403}, 500  # HTTP's
DESCRIPTION, ANSWER, ANSWERS = 65_536, 16_384, 200_000  # bytes that are read, at most
TOGETHER = 10  # requests on one connection: a slow box must not be cut off by the Line's own end


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """The box says no. `code`: UPnP's number for it, or None."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class OnePiece:
    """A Line on which a request leaves in one piece, head and body: half the packets, and some boxes read no
    further than the first of them."""

    line: Line
    _kept: bytes = b""
    _what: str = ""

    @property
    def tls_version(self) -> None:
        """Always in clear."""
        return

    def send(self, data: bytes, what: str, *, sized: bool = True) -> None:  # noqa: ARG002 - no secret is here
        """Keep it until an answer is wanted."""
        self._kept, self._what = self._kept + data, what

    def take(self, most: int) -> bytes:
        """As Line.take, once all is sent."""
        kept, self._kept = self._kept, b""
        if kept:
            self.line.send(kept, self._what)
        return self.line.take(most)


@dataclass(slots=True)
class Talk:
    """Requests to one box, one after the other, on one connection where the box keeps it. `ends`: when the
    last of them may begin."""

    way: Way
    address: str
    patience: float
    ends: float
    _keeps: bool = True
    _port: int = 0
    _used: int = 0
    _line: Line | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def held(self) -> Iterator[Talk]:
        """No connection is left afterwards."""
        try:
            yield self
        finally:
            self.leave()

    def leave(self) -> None:
        """End the connection; the next request makes a new one."""
        self._line = None
        self._open.close()

    def page(self, place: Place) -> bytes:
        """A description. ProbeError where it is not there, or not all of it."""
        told = self._request(place, "UPnP description", DESCRIPTION, {}, None)
        if told.trouble:
            raise told.trouble
        if told.status != 200:  # noqa: PLR2004 - a redirect is not followed
            raise ProbeError(Reason.PROTOCOL, "no description where the box said that it is")
        if not told.whole:
            raise ProbeError(Reason.LIMIT, f"a description of more than {DESCRIPTION} bytes")
        return told.body

    def call(self, service: Service, action: str, *arguments: int | str) -> dict[str, str]:
        """What an action of ACTIONS gives, by name. Raises Refused, ProbeError."""
        named = zip(ACTIONS[action], arguments, strict=True)
        asked = "".join(f"<{name}>{value}</{name}>" for name, value in named)
        content = ENVELOPE.format(action=action, type=service.type, arguments=asked).encode("ascii")
        headers = {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": f'"{service.type}#{action}"'}
        most = ANSWERS if action == LIST else ANSWER
        told = self._request(service.place, f"SOAP {action}", most, headers, content)
        if told.status in LOGIN:
            raise ProbeError(Reason.CREDENTIALS, "the box wants a login before it tells")
        if told.broke or not told.whole:
            raise ProbeError(told.broke or Reason.LIMIT, "an answer that breaks off, or of too many bytes")
        if told.busy and told.status != FAULT:
            raise told.busy
        root = ssdp.xml(told.body)
        if told.status == FAULT or ssdp.elements(root, "Fault"):
            codes = [ssdp.number((one.text or "").strip(), 999) for one in ssdp.elements(root, "errorCode")]
            raise Refused(next(iter(codes), None))
        answers = ssdp.elements(root, f"{action}Response")
        if not answers:
            raise ProbeError(Reason.PROTOCOL, "no answer that UPnP allows")
        return ssdp.values(answers[0])

    def _request(
        self, place: Place, what: str, most: int, headers: dict[str, str], content: bytes | None
    ) -> Page:
        """One request; once more on a new connection, where one that was kept failed us."""
        if self._line is not None and (place.port != self._port or self._used >= TOGETHER):
            self.leave()
        kept = self._line is not None
        try:
            return self._once(place, what, most, headers, content)
        except (ProbeError, OtherProtocol) as error:
            self.leave()
            stopped = isinstance(error, ProbeError) and error.reason is Reason.UNFINISHED
            if not kept or stopped:
                raise
        self._keeps = False
        return self._once(place, what, most, headers, content)

    def _once(
        self, place: Place, what: str, most: int, headers: dict[str, str], content: bytes | None
    ) -> Page:
        if time.monotonic() > self.ends:
            raise ProbeError(Reason.TIMEOUT, "the seconds for this question were over")
        if self._line is None:
            connection = self.way.connect(self.address, place.port, patience=self.patience)
            self._line, self._port, self._used = self._open.enter_context(connection), place.port, 0
        told = fetch(
            cast("Line", OnePiece(self._line)),
            f"{self.address}:{place.port}",
            place.path,
            method="GET" if content is None else "POST",
            headers={"Connection": "keep-alive" if self._keeps else "close"} | headers,
            content=content,
            most=most,
            what=what,
        )
        self._used += 1
        framed = "content-length" in told.headers or "chunked" in told.header("transfer-encoding").lower()
        if not (self._keeps and framed and told.whole and "close" not in told.header("connection").lower()):
            self.leave()
        return told
