"""How does Windows' remote administration ask who we are? MS-WSMV, DSP0226, RFC 9110 11.6.1.

One request without a name to the page where commands would go. The refusal lists the ways in; a second
begins one of them (Negotiate) and hears the machine's version. Where it stops: before any name or password.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.certificate import certificate_facts
from netwatch.doors import doors
from netwatch.model import Vantage
from netwatch.ntlm import NEGOTIATE, challenge_facts
from netwatch.opening import VAGUE
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.web import fetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way
    from netwatch.web import Page

CLEAR, TLS = 5985, 5986
PATH, SOAP = "/wsman", {"Content-Type": "application/soap+xml;charset=UTF-8"}
UNAUTHORISED, DEMAND = 401, "www-authenticate"
# Kerberos, Negotiate and CredSSP are Windows' own; Basic may be anybody's, unless it says what it is for.
SCHEMES = {"basic", "certificate", "credssp", "digest", "kerberos", "negotiate", "ntlm"}
OWN, REALM = {"credssp", "kerberos", "negotiate", "ntlm"}, re.compile(r'realm\s*=\s*"?wsman\b', re.IGNORECASE)
SCHEME = re.compile(r"(?:^|,)\s*([a-z]+)(?=\s*(?:,|$)|\s+[^\s=])", re.IGNORECASE)
TOKEN = re.compile(r"(?:^|,)\s*negotiate\s+([a-z0-9+/]+={0,2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Winrm:
    """One request, and where Negotiate is offered a second. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "winrm"
    manner: ClassVar[str] = "web"
    usual: ClassVar[tuple[int, ...]] = (CLEAR, TLS)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, also when all that is known is that it speaks HTTP; where it was heard."""
        ports = doors(target, ("winrm", *VAGUE), self.usual)
        return tuple(port for port in ports if port in self.usual or target.spoken.get(port) == "winrm")

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """A refusal proves it: an answer of any other kind is some other web server."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            told = _request(line, target, port, {})
            facts: Facts = {"tls": line.tls_version is not None, **certificate_facts(line.certificate)}
        asked = told.header(DEMAND)
        schemes = {word.lower() for word in SCHEME.findall(asked)} & SCHEMES
        if told.status != UNAUTHORISED or not (schemes & OWN or REALM.search(asked)):
            raise told.busy or OtherProtocol(b"HTTP/1.1")
        facts |= {"authentication": "password", "security": ", ".join(sorted(schemes)) or None}
        try:
            if "negotiate" in schemes:
                with suppress(OtherProtocol):
                    facts |= self._version(target, port, egress)
        except ProbeError as error:
            yield target.observed(self.name, port, "winrm", facts)
            raise error from None
        yield target.observed(self.name, port, "winrm", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A password in clear is the worst; then whatever is seen from outside."""
        if seen.protocol != "winrm":
            return
        if "basic" in str(seen.facts.get("security")) and seen.facts.get("tls") is False:
            yield seen.finding("winrm-basic-in-clear")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("winrm-reachable")

    def _version(self, target: Target, port: int, egress: Way) -> Facts:
        """What the answer to the first half of a login says. Nothing where there is none."""
        from base64 import b64decode, b64encode  # noqa: PLC0415

        begin = {"Authorization": f"Negotiate {b64encode(NEGOTIATE).decode()}"}
        with egress.connect(target.address, port, patience=self.timeout) as line:
            found = TOKEN.search(_request(line, target, port, begin).header(DEMAND))
        return challenge_facts(b64decode(_whole(found[1]))) if found else {}


def _request(line: Line, target: Target, port: int, headers: Mapping[str, str]) -> Page:
    """The page where commands would go, with nothing for it. Of the answer only the head is wanted."""
    if port == TLS:
        line.start_tls()
    host, told = f"{target.address}:{port}", {**SOAP, **headers}
    return fetch(line, host, PATH, method="POST", headers=told, content=b"", most=0)


def _whole(token: str) -> str:
    """As much of it as base64 can read: whole groups of four."""
    return token[: len(token) // 4 * 4]


PROBE: ProbeFactory = Winrm
