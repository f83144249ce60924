"""How does a test ask Shodan and InternetDB without leaving this machine? A server in their shape.

``with ShodanServer() as server: monkeypatch.setenv("SHODAN_API_URL", server.url)``; InternetDB is reached
with INTERNETDB_URL. It keeps an account (credits, scans, alerts) as the real one does; `hosts` and `ports`
say what it knows. `instead` puts any behaviour in the place of a path: the functions at the end are for that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.lab.certificates import Certificate, Tls
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

KEY = "TestKeyOfNobody0123456789abcdef0"
NOTHING_KNOWN = {"error": "No information available for that IP."}
PLAN = {
    "plan": "dev",
    "scan_credits": 99,
    "query_credits": 100,
    "monitored_ips": 1,
    "usage_limits": {"scan_credits": 100, "query_credits": 100, "monitored_ips": 16},
    "https": False,
    "telnet": False,
    "unlocked": True,
    "unlocked_left": 100,
}


@dataclass(frozen=True)
class Asked:
    """One request that came. `query`: of its address, and of a form that was posted."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    at: float  # monotonic seconds

    def __str__(self) -> str:
        """`GET /api-info`."""
        return f"{self.method} {self.path}"


Behaviour = Callable[[Talk, Asked], None]


@dataclass
class ShodanServer:
    """Both services, for the length of a context. `states`: what a scan says of itself, one by one."""

    hosts: dict[str, Any] = field(default_factory=dict)  # address -> the document about it
    history: dict[str, Any] = field(default_factory=dict)  # the same, with history=True
    ports: dict[str, list[int]] = field(default_factory=dict)  # what InternetDB knows
    plan: dict[str, Any] = field(default_factory=lambda: dict(PLAN))
    states: list[str] = field(default_factory=lambda: ["SUBMITTING", "QUEUE", "PROCESSING", "DONE"])
    alerts: list[dict[str, Any]] = field(default_factory=list)
    instead: dict[str, Behaviour] = field(default_factory=dict)  # path, or "METHOD path" -> a behaviour
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Listen."""
        self.peer = Peer(self._serve, self.host, tls=self.tls)
        self.peer.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left."""
        self.peer.__exit__(None, None, None)

    @property
    def url(self) -> str:
        """For SHODAN_API_URL and INTERNETDB_URL."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.peer.port}"

    @property
    def told(self) -> list[str]:
        """What was asked, as `GET /api-info`."""
        return [str(one) for one in self.asked]

    def _serve(self, talk: Talk) -> None:
        while True:
            asked = _read(talk)
            self.asked.append(asked)
            instead = self.instead.get(f"{asked.method} {asked.path}") or self.instead.get(asked.path)
            if instead is not None:
                instead(talk, asked)
            else:
                reply(*self._answer(asked))(talk, asked)

    def _answer(self, asked: Asked) -> tuple[int, object]:
        if not asked.path.startswith(("/shodan/", "/api-info")):
            address = asked.path.removeprefix("/")
            return (
                (200, internetdb(address, self.ports[address])) if address in self.ports else (404, UNKNOWN)
            )
        if asked.query.get("key") != KEY:
            return 401, {"error": "Invalid API key"}
        told: object = None
        match asked.method, asked.path.split("/")[1:]:
            case "GET", ["api-info"]:
                told = self.plan
            case "GET", ["shodan", "host", address]:
                told = (self.history if asked.query.get("history") == "True" else self.hosts).get(address)
            case "POST", ["shodan", "scan"]:
                count = len(asked.query["ips"].split(","))
                self.plan["scan_credits"] -= count
                told = {"id": "OrderOrder123", "count": count, "credits_left": self.plan["scan_credits"]}
            case "GET", ["shodan", "scan", order]:
                state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
                told = {"id": order, "count": 1, "status": state}
            case _, ["shodan", "alert", *rest]:
                return self._alert(asked, rest)
        return (404, NOTHING_KNOWN) if told is None else (200, told)

    def _alert(self, asked: Asked, rest: list[str]) -> tuple[int, object]:
        if asked.method == "GET" and rest == ["info"]:
            return 200, self.alerts
        told = json.loads(asked.body) if asked.body else {}
        if asked.method == "POST" and not rest:
            self.alerts.append({"id": f"ALERT{len(self.alerts)}", "triggers": {}, **told})
            return 200, self.alerts[-1]
        for alert in self.alerts:
            if alert["id"] != rest[0]:
                continue
            if asked.method == "POST":
                alert["filters"] = told["filters"]
                return 200, alert
            if asked.method == "PUT":
                alert["triggers"][rest[2]] = {}
                return 200, {"success": True}
            if asked.method == "DELETE":
                self.alerts.remove(alert)
                return 200, {}
        return 404, {"error": "Alert doesn't exist"}


UNKNOWN = {"detail": "No information available"}


def internetdb(address: str, ports: list[int]) -> dict[str, Any]:
    """What InternetDB says of an address."""
    return {
        "ip": address,
        "ports": ports,
        "cpes": ["cpe:/a:x:y"],
        "hostnames": ["a.example"],
        "tags": [],
        "vulns": [],
    }


def banner(port: int, module: str, timestamp: object, **more: object) -> dict[str, Any]:
    """One banner, with all that a real one has and that we want nothing of."""
    return {
        "port": port,
        "transport": "tcp",
        "timestamp": timestamp,
        "_shodan": {"module": module, "crawler": "c", "options": {}, "id": None},
        "data": "DUPONT^MARIE 1950-02-03",
        "hostnames": ["dupont-marie.example"],
        "domains": ["example"],
        "http": {"title": "Dossier de DUPONT Marie", "html": "<p>DUPONT Marie</p>"},
        "screenshot": {"data": "RFVQT05UIE1hcmll", "mime": "image/jpeg", "labels": ["DUPONT"]},
        "opts": {"screenshot": {"data": "DUPONT"}},
        "location": {"city": "Dupontville"},
        "org": "DUPONT",
        "isp": "DUPONT",
        "hash": 1,
    } | more


def host(address: str, *banners: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """What Shodan says of an address."""
    return {
        "ip_str": address,
        "ip": 1,
        "ports": sorted({one["port"] for one in banners}),
        "data": list(banners),
        "last_update": "2026-11-24T00:00:00.000000",
        "hostnames": ["dupont.example"],
        "tags": [],
        "vulns": [],
        "org": "DUPONT",
        "city": "Dupontville",
    } | more


def trusted(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """(for a server at 127.0.0.1, the file that whoever trusts it is given)."""
    from cryptography import x509  # noqa: PLC0415 - slow to import
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shodan.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pair = Certificate(folder / "key.pem", folder / "certificate.pem")
    pair.key.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    pair.certificate.write_bytes(made.public_bytes(pem))
    return Tls().context(pair), pair.certificate


def _read(talk: Talk) -> Asked:
    head = b""
    while b"\r\n\r\n" not in head:
        head += talk.some()
    head, _, body = head.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += talk.some()
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    form = body.decode() if "form" in headers.get("content-type", "") else ""
    query = dict([*parse_qsl(parts.query), *parse_qsl(form)])
    return Asked(method, parts.path, query, body, time.monotonic())


# ----------------------------------------------------------------------------------- what may come instead


def raw(status: int, body: bytes, *headers: str) -> Behaviour:
    """These bytes."""
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]

    def behave(talk: Talk, _asked: Asked) -> None:
        talk.send("\r\n".join([*head, "", ""]).encode() + body)

    return behave


def reply(status: int, told: object) -> Behaviour:
    """JSON."""
    return raw(status, json.dumps(told).encode(), "Content-Type: application/json")


def html(status: int = 200) -> Behaviour:
    """A page, as a filter or a login of a hotel puts in."""
    return raw(status, b"<html><title>Bienvenue</title></html>", "Content-Type: text/html")


def redirect(to: str, status: int = 302) -> Behaviour:
    """Sends us on."""
    return raw(status, b"", f"Location: {to}")


def hang_up(talk: Talk, _asked: Asked) -> None:
    """Ends before it has answered."""
    talk.connection.close()


def half(talk: Talk, _asked: Asked) -> None:
    """Announces more than it sends."""
    talk.send(b'HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n{"ip_str": ')
    talk.connection.close()


def stall(talk: Talk, _asked: Asked) -> None:
    """Says nothing."""
    talk.hold()


def drip_head(talk: Talk, _asked: Asked) -> None:
    """A head that never ends, one byte after the other."""
    talk.send(b"HTTP/1.1 200 X\r\nX-A: ")
    talk.drip(b"a" * 100_000, 0.05)


def drip_body(talk: Talk, _asked: Asked) -> None:
    """A body that never ends, one byte after the other."""
    talk.send(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n")
    talk.drip(b" " * 100_000, 0.05)


def drip_without_length(talk: Talk, _asked: Asked) -> None:
    """The same, and of whose end nothing tells but the end of the connection."""
    talk.send(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n")
    talk.drip(b" " * 100_000, 0.05)


def flood(talk: Talk, _asked: Asked) -> None:
    """More than anybody takes."""
    talk.send(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\n\r\n")
    with suppress(OSError):
        talk.flood(b" " * 1_000_000, 100_000_000)
    talk.connection.close()


def broken_head(talk: Talk, asked: Asked) -> None:
    """A head that breaks HTTP's rules: urllib3 would log the address it asked for, with the key in it."""
    body = json.dumps(host(asked.path.rpartition("/")[2])).encode()
    talk.send(
        f"HTTP/1.1 200 X\r\nContent-Length: {len(body)}\r\n: nameless\r\nno colon\r\n\r\n".encode() + body
    )
