"""How does an internet box of any character speak UPnP? A hand-made IGD: it obeys, refuses, lies or stalls.

An Igd listens at UDP 1900 of a loopback address and at a TCP port of its own, and remembers every byte that
it was sent. What it is like, its Manners say; the default is an honest box of the first version without
forwards.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from xml.sax.saxutils import escape

from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

GROUP = "239.255.255.250"
PORT = 1900
SERVICE = "urn:schemas-upnp-org:service:"
GATEWAY = "urn:schemas-upnp-org:device:InternetGatewayDevice:"

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><root><device>&j;</device></root>"
)
OUTSIDE_ENTITY = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><root><device>&x;</device></root>'


def entry(
    port: int = 11112, to: str = "192.168.1.20", to_port: int = 11112, /, **more: str
) -> dict[str, str]:
    """A mapping as a box tells it; `more` by the names of the standard, without their `New`."""
    told = {
        "NewRemoteHost": "",
        "NewExternalPort": str(port),
        "NewProtocol": "TCP",
        "NewInternalPort": str(to_port),
        "NewInternalClient": to,
        "NewEnabled": "1",
        "NewPortMappingDescription": "dicom",
        "NewLeaseDuration": "0",
    }
    return told | {f"New{name}": value for name, value in more.items()}


@dataclass
class Manners:
    """What a box is like.

    `location`, `control`, `base`: what it says instead of the truth, with `{}` for its TCP port. `refuses`:
    the UPnP error of an action. `list`: the entries of GetListOfPortMappings, None where it does not know
    that action. `says`: raw answers of its TCP port, by action, or `description`; `stalls`: those that never
    come.
    `parts`: at most so many answers on one connection. `mute`: hears searches and does not answer; `group`:
    hears them in the group alone.
    """

    gateway: int = 1
    kinds: tuple[str, ...] = ("WANIPConnection:1",)
    entries: tuple[Mapping[str, str], ...] = ()
    listed: Callable[[int], Mapping[str, str] | None] | None = None
    list: tuple[Mapping[str, str], ...] | None = None
    end: int = 713
    external: str = "203.0.113.7"
    firewall: tuple[str, str] = ("1", "1")
    location: str = ""
    control: str = "/ctl"
    base: str = ""
    maker: str = "Sagemcom"
    model: str = "Residential Livebox,(DSL,WAN Ethernet)"
    refuses: Mapping[str, int] = field(default_factory=dict)
    says: Mapping[str, bytes] = field(default_factory=dict)
    stalls: frozenset[str] = frozenset()
    parts: int = 100
    close: bool = False
    mute: bool = False
    group: bool = False
    reply: bytes | None = None

    def entry(self, index: int) -> Mapping[str, str] | None:
        """The mapping at this place."""
        if self.listed is not None:
            return self.listed(index)
        return self.entries[index] if index < len(self.entries) else None


class Igd:
    """A box for the length of a context. What it was sent stays readable afterwards."""

    def __init__(self, address: str, manners: Manners | None = None) -> None:
        self.address = address
        self.manners = manners or Manners()
        self.searches: list[bytes] = []
        self.requests: list[bytes] = []  # whole, head and body
        self._open = ExitStack()
        self._over = threading.Event()
        self._peer = Peer(self._serve, address)

    @property
    def port(self) -> int:
        """Its TCP port."""
        return self._peer.port

    @property
    def connections(self) -> int:
        """Those it has taken."""
        return self._peer.connections

    @property
    def sent(self) -> int:
        """Bytes that it got rid of over TCP."""
        return self._peer.sent

    @property
    def actions(self) -> list[str]:
        """What it was asked to do, in order."""
        named = (re.search(rb'soapaction: "\S+#(\w+)"', one, re.IGNORECASE) for one in self.requests)
        return [found[1].decode() for found in named if found]

    def __enter__(self) -> Self:
        """Listen, over UDP and TCP."""
        self._open.enter_context(self._peer)
        ear = self._open.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        ear.settimeout(0.05)
        mouth = ear
        if self.manners.group:
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ear.bind((GROUP, PORT))
            joined = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
            mouth = self._open.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            mouth.bind((self.address, 0))
        else:
            ear.bind((self.address, PORT))
        thread = threading.Thread(target=self._hear, args=(ear, mouth))
        thread.start()
        self._open.callback(thread.join)
        self._open.callback(self._over.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """No thread and no port is left."""
        self._open.close()

    def _hear(self, ear: socket.socket, mouth: socket.socket) -> None:
        """SSDP."""
        while not self._over.is_set():
            with suppress(TimeoutError):
                asked, client = ear.recvfrom(4096)
                self.searches.append(asked)
                answer = self._answer(asked)
                if answer and not self.manners.mute:
                    mouth.sendto(answer, client)

    def _answer(self, asked: bytes) -> bytes:
        """To one search; a box of the second version answers to the first, too."""
        if self.manners.reply is not None:
            return self.manners.reply
        wanted = re.search(rb"ST: (\S+:(\d))\r\n", asked)
        if wanted is None or int(wanted[2]) > self.manners.gateway:
            return b""
        location = (self.manners.location or f"http://{self.address}:{{}}/desc.xml").format(self.port)
        return (
            f"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: {wanted[1].decode()}\r\nEXT:\r\n"
            f"USN: uuid:1::{wanted[1].decode()}\r\nSERVER: Linux UPnP/1.1 MiniUPnPd/2.3.1\r\n"
            f"LOCATION: {location}\r\n\r\n"
        ).encode()

    def _serve(self, talk: Talk) -> None:
        """HTTP, several requests on a connection."""
        for number in range(self.manners.parts):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += talk.read(1)
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = talk.read(int(length[1])) if length else b""
            self.requests.append(head + body)
            word, answer = self._page(head, body)
            if word in self.manners.stalls:
                talk.hold()
            last = self.manners.close or number == self.manners.parts - 1
            try:
                talk.send(answer.replace(b"Connection: keep-alive", b"Connection: close") if last else answer)
            except OSError as gone:
                raise Over from gone
        if self.manners.close:
            talk.end(half=True)

    def _page(self, head: bytes, body: bytes) -> tuple[str, bytes]:
        """(what was asked for, the answer)."""
        action = re.search(rb'soapaction: "(\S+)#(\w+)"', head, re.IGNORECASE)
        if action is None:
            return "description", self.manners.says.get("description") or page(self.description())
        word = action[2].decode()
        if word in self.manners.says:
            return word, self.manners.says[word]
        told = self._does(word, body)
        return word, fault(told) if isinstance(told, int) else response(action[1].decode(), word, told)

    def _does(self, action: str, body: bytes) -> Mapping[str, str] | int:
        """What an action gives, or the number of its error."""
        if action in self.manners.refuses:
            return self.manners.refuses[action]
        if action == "GetExternalIPAddress":
            return {"NewExternalIPAddress": self.manners.external}
        if action == "GetGenericPortMappingEntry":
            index = re.search(rb"<NewPortMappingIndex>(\d+)<", body)
            found = self.manners.entry(int(index[1])) if index else None
            return self.manners.end if found is None else found
        if action == "GetListOfPortMappings" and self.manners.list is not None:
            wanted = "UDP" if b">UDP<" in body else "TCP"
            return _listing(tuple(one for one in self.manners.list if one["NewProtocol"] == wanted))
        if action == "GetFirewallStatus":
            on, pinholes = self.manners.firewall
            return {"FirewallEnabled": on, "InboundPinholeAllowed": pinholes}
        return 401

    def description(self) -> bytes:
        """What it is, with its services deep inside, as the standard has it."""
        services = "".join(
            f"<service><serviceType>{SERVICE}{kind}</serviceType><serviceId>x</serviceId>"
            f"<controlURL>{self.manners.control.format(self.port)}{number or ''}</controlURL></service>"
            for number, kind in enumerate(self.manners.kinds)
        )
        base = f"<URLBase>{self.manners.base.format(self.port)}</URLBase>" if self.manners.base else ""
        return (
            '<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">'
            f"{base}<device><deviceType>{GATEWAY}{self.manners.gateway}</deviceType>"
            "<friendlyName>Box of Mrs ZZCANARY</friendlyName><serialNumber>LK17308DP993307</serialNumber>"
            f"<manufacturer>{escape(self.manners.maker)}</manufacturer>"
            f"<modelName>{escape(self.manners.model)}</modelName>"
            "<modelDescription>Sagemcom,fr,SG40_sip-fr-4.15.10.1_7.21.3.1</modelDescription>"
            "<deviceList><device><deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><deviceList>"
            "<device><deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType>"
            f"<serviceList>{services}</serviceList></device></deviceList></device></deviceList></device></root>"
        ).encode()


def page(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    """A page of XML, over a connection that is kept."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: keep-alive\r\n{more}\r\n".encode() + body


def response(kind: str, action: str, told: Mapping[str, str]) -> bytes:
    """What an action gives."""
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in told.items())
    return page(_soap(f'<u:{action}Response xmlns:u="{kind}">{inside}</u:{action}Response>'))


def fault(code: int) -> bytes:
    """UPnP's way to say no."""
    told = (
        "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
        f'<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>{code}</errorCode>'
        "<errorDescription>ZZCANARY</errorDescription></UPnPError></detail></s:Fault>"
    )
    return page(_soap(told), "500 Internal Server Error")


def _soap(inside: str) -> bytes:
    envelope = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<s:Envelope xmlns:s="{envelope}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


def _listing(entries: tuple[Mapping[str, str], ...]) -> Mapping[str, str] | int:
    """XML within XML, with names a little other than those of a single entry."""
    if not entries:
        return 730
    other = {"NewPortMappingDescription": "NewDescription", "NewLeaseDuration": "NewLeaseTime"}
    rows = "".join(
        "<p:PortMappingEntry>"
        + "".join(f"<p:{other.get(n, n)}>{escape(v)}</p:{other.get(n, n)}>" for n, v in one.items())
        + "</p:PortMappingEntry>"
        for one in entries
    )
    space = "urn:schemas-upnp-org:gw:WANIPConnection"
    return {"NewPortListing": f'<p:PortMappingList xmlns:p="{space}">{rows}</p:PortMappingList>'}
