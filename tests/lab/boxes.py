"""Which internet boxes does the lab have? Web servers in the shape of a Freebox, a Livebox and a Bbox.

They check what a real one checks: the HMAC of the challenge, the session's token, the cookie and the
context, the page's own headers; and they write down every question, so that a test can say that nothing else
was asked.
``with served(Freebox()) as box: ... box.port, box.questions``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs

from tests.lab.interview import fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

TOKEN = "dyNYgfK0Ya6FWGqq83sBHa7TwzWo+pg4fDFUJHShcjVYzTfaRrZzm93p7OTAfH/0"  # noqa: S105 - of a lab
REASONS = {200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
# An answer: (status, headers, body); bytes are sent as they are; None: hold the line and say nothing.
Answer = tuple[int, dict[str, str], bytes] | bytes | None


@dataclass(frozen=True)
class Question:
    """One request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Its body."""
        told: dict[str, Any] = json.loads(self.body)
        return told


@dataclass
class Box:
    """What every box has. `says`: for a path, an answer in place of its own."""

    questions: list[Question] = field(default_factory=list)
    says: dict[str, Answer] = field(default_factory=dict)
    address: str = ""
    port: int = 0

    def answer(self, question: Question) -> Answer:
        """Its own answer."""
        raise NotImplementedError

    def key(self, question: Question) -> str:
        """What a question is about: the key of `says`."""
        return question.path

    @property
    def asked(self) -> list[tuple[str, str]]:
        """(method, what) of every question."""
        return [(question.method, self.key(question)) for question in self.questions]

    def behave(self, talk: Talk) -> None:
        """One connection, one question."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += talk.some(1)
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = talk.read(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        question = Question(method, path, headers, body)
        self.questions.append(question)
        key = self.key(question)
        told = self.says[key] if key in self.says else self.answer(question)
        if told is None:
            talk.hold()
        elif isinstance(told, bytes):
            talk.send(told)
            talk.end(half=True)
        else:
            status, more, content = told
            told_headers = {"Content-Length": str(len(content)), "Connection": "close", **more}
            lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'x')}"]
            lines += [f"{name}: {value}" for name, value in told_headers.items()]
            talk.send("\r\n".join([*lines, "", ""]).encode() + content)
            talk.end()


def said(told: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """JSON."""
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(told).encode()


def forbidden(code: str) -> Answer:
    """A Freebox's no."""
    return said({"success": False, "error_code": code, "msg": "Jean Dupont, né le 12/03/1961"}, 403)


@dataclass
class Freebox(Box):
    """dev.freebox.fr/sdk/os, as an Ultra with API 16.0 answers. `presses`: what a person does at its front
    panel, look by look."""

    token: str = TOKEN
    presses: list[str] = field(default_factory=lambda: ["pending", "granted"])
    rules: list[dict[str, Any]] | None = None
    upnp_rules: list[dict[str, Any]] | None = None
    dmz: dict[str, Any] = field(default_factory=lambda: {"enabled": False, "ip": ""})
    upnp: bool = False
    ipv6: dict[str, Any] = field(
        default_factory=lambda: {"ipv6_enabled": True, "ipv6_firewall": False, "delegations": []}
    )
    connection: dict[str, Any] = field(
        default_factory=lambda: {
            "state": "up",
            "ipv4": "203.0.113.7",
            "ipv4_port_range": [0, 65535],
            "ipv6": "2001:db8:1::1",
        }
    )
    sessions: list[str] = field(default_factory=list)

    def key(self, question: Question) -> str:
        """Below the API's root."""
        return question.path.removeprefix("/api/v16/")

    def answer(self, question: Question) -> Answer:  # noqa: PLR0911 - one for each path
        """As the documentation says."""
        path = self.key(question)
        if question.path == "/api_version":
            return said({"api_version": "16.0", "api_base_url": "/api/", "uid": "x", "https_available": True})
        if path == "login/authorize/":
            return self._result({"app_token": self.token, "track_id": 42})
        if path == "login/authorize/42":
            return self._result({"status": self.presses.pop(0) if self.presses else "pending"})
        if path == "login/":
            return self._result({"logged_in": False, "challenge": "VzhbtpR4r8CLaJle2QgJBEkyd8JPb0zL"})
        if path == "login/session/":
            return self._session(question)
        if question.headers.get("x-fbx-app-auth") not in self.sessions:
            return forbidden("auth_required")
        if path == "login/logout/":
            self.sessions.remove(question.headers["x-fbx-app-auth"])
            return self._result(None)
        known: dict[str, object] = {
            "connection/": self.connection,
            "connection/ipv6/config/": self.ipv6,
            "fw/redir/": self.rules,
            "fw/dmz/": self.dmz,
            "upnpigd/config/": {"enabled": self.upnp, "version": 1},
            "upnpigd/redir/": self.upnp_rules,
        }
        if question.method != "GET" or path not in known:
            return forbidden("invalid_request")
        if path == "upnpigd/redir/" and not self.upnp:
            return forbidden("disabled")
        return self._result(known[path])

    def _session(self, question: Question) -> Answer:
        """The password is the HMAC-SHA1 of the challenge."""
        challenge = b"VzhbtpR4r8CLaJle2QgJBEkyd8JPb0zL"
        right = hmac.new(self.token.encode(), challenge, hashlib.sha1).hexdigest()
        if question.json["password"] != right:
            return forbidden("invalid_token")
        self.sessions.append(f"session/{len(self.questions)}+=")
        return self._result({"session_token": self.sessions[-1], "permissions": {"settings": False}})

    def _result(self, told: object) -> Answer:
        """Without a `result` where there is nothing to list."""
        return said({"success": True} if told is None else {"success": True, "result": told})


def rule(**other: Any) -> dict[str, Any]:  # noqa: ANN401
    """A forward of a Freebox: 8104 to the imaging server."""
    return {
        "id": 1,
        "enabled": True,
        "ip_proto": "tcp",
        "wan_port_start": 8104,
        "wan_port_end": 8104,
        "lan_ip": "192.168.1.20",
        "lan_port": 11112,
        "src_ip": "0.0.0.0",  # noqa: S104 - everybody
        "comment": "PACS",
        "host": {"primary_name": "Poste de Jean Dupont"},
        **other,
    }


@dataclass
class Livebox(Box):
    """The calls of its web page, as three programs know them."""

    password: str = "Lb-secret-1"  # noqa: S105 - of a lab
    forwards: object = field(default_factory=dict)
    dmz: object = field(default_factory=dict)
    level: object = "Medium"
    upnp: object = True
    wan: dict[str, Any] = field(default_factory=lambda: {"IPAddress": "203.0.113.7", "WanState": "up"})

    def key(self, question: Question) -> str:
        """The service and the method."""
        told = question.json
        return f"{told['service']}:{told['method']}"

    def answer(self, question: Question) -> Answer:
        """As LiveboxMonitor and terraform-provider-livebox expect it."""
        key = self.key(question)
        if key == "sah.Device.Information:createContext":
            right = question.json["parameters"]["password"] == self.password
            if question.headers["authorization"] != "X-Sah-Login" or not right:
                return said({"status": 1, "data": {}})
            return said(
                {
                    "status": 0,
                    "data": {"contextID": "ctx+42/==", "username": "admin", "groups": "http,admin"},
                },
                headers={"Set-Cookie": "a1b2c3/sessid=s3ss10n; path=/"},
            )
        open_to = {
            "x-context": "ctx+42/==",
            "authorization": "X-Sah ctx+42/==",
            "cookie": "a1b2c3/sessid=s3ss10n",
        }
        if any(question.headers.get(name) != value for name, value in open_to.items()):
            return self.error()
        known = {
            "Firewall:getPortForwarding": {"status": self.forwards},
            "Firewall:getDMZ": {"status": self.dmz},
            "Firewall:getFirewallIPv6Level": {"status": self.level},
            "UPnP-IGD:get": {"status": {"Enable": self.upnp, "Status": "Up"}},
            "NMC:getWANStatus": {"status": True, "data": self.wan},
            "sah.Device.Information:releaseContext": {"status": 0, "data": {}},
        }
        return said(known[key]) if key in known else self.error(196_618)

    @staticmethod
    def error(number: int = 13) -> Answer:
        """Its no."""
        return said({"status": None, "errors": [{"error": number, "description": "Dupont", "info": "x"}]})


def livebox_rule(**other: Any) -> dict[str, Any]:  # noqa: ANN401
    """A forward of a Livebox."""
    return {
        "Id": "webui_PACS",
        "Origin": "webui",
        "Description": "PACS",
        "Status": "Enabled",
        "SourceInterface": "data",
        "Protocol": "6",
        "ExternalPort": "8104",
        "InternalPort": "11112",
        "SourcePrefix": "",
        "DestinationIPAddress": "192.168.1.20",
        "LeaseDuration": 0,
        "Enable": True,
        **other,
    }


@dataclass
class Bbox(Box):
    """/api/v1, as bbox-cli and aiobbox know it. It locks after a refused password."""

    password: str = "Bb-secret-1"  # noqa: S105 - of a lab
    rules: object = field(default_factory=list)
    nat: object = 1
    dmz: dict[str, Any] = field(default_factory=lambda: {"enable": 0, "ipaddress": "", "dnsprotect": 1})
    upnp: object = 1
    wan: dict[str, Any] = field(
        default_factory=lambda: {
            "address": "203.0.113.7",
            "state": "Up",
            "portrange": "40960:49151",
            "maptenable": 1,
            "cgnatenable": 0,
        }
    )

    def key(self, question: Question) -> str:
        """Below the API's root."""
        return question.path.removeprefix("/api/v1/")

    def answer(self, question: Question) -> Answer:
        """In a list of one."""
        key, headers = self.key(question), question.headers
        if headers.get("x-requested-with") != "XmlHttpRequest" or headers["host"] != "mabbox.bytel.fr":
            return said({"exception": {"code": "403"}}, 403)
        if key == "login":
            if parse_qs(question.body.decode())["password"] != [self.password]:
                return said({"exception": {"code": "401", "errors": [{"reason": "Dupont"}]}}, 401)
            return 200, {"Set-Cookie": "BBOX_ID=c00k13%2F; Path=/; HttpOnly; Secure"}, b""
        if headers.get("cookie") != "BBOX_ID=c00k13%2F":
            return said({"exception": {"code": "401"}}, 401)
        known: dict[str, object] = {
            "wan/ip": {"wan": {"ip": self.wan}},
            "nat/rules": {"nat": {"enable": self.nat, "rules": self.rules}},
            "nat/dmz": {"nat": {"dmz": self.dmz}},
            "upnp/igd": {"upnp": {"igd": {"enable": self.upnp, "state": "Up"}}},
            "logout": {},
        }
        return said([known[key]]) if key in known else said([], 404)


def bbox_rule(**other: Any) -> dict[str, Any]:  # noqa: ANN401
    """A forward of a Bbox."""
    return {
        "id": 1,
        "enable": 1,
        "description": "PACS",
        "protocol": "tcp",
        "externalip": "",
        "externalport": 45080,
        "internalip": "192.168.1.20",
        "internalport": 11112,
        **other,
    }


B = TypeVar("B", bound=Box)


@contextmanager
def served(box: B, *, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[B]:
    """It listens, on an address of its own, until the block ends."""

    def behave(talk: Talk) -> None:
        try:
            box.behave(talk)
        except (ValueError, KeyError):  # no question of this box's
            raise Over from None

    with Peer(behave, fresh_address(), port, tls=tls) as peer:
        box.address, box.port = peer.address, peer.port
        yield box
