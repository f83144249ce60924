"""Does Docker take orders from anybody? Docker Engine API: GET /_ping.

Who may speak to this door may start programs as the machine's administrator, read every file and change it.
It is meant for the machine itself; over TLS it may ask for the caller's certificate: that is its only lock.
We ask whether it is there, and nothing else. Where it stops: a filter before it may still refuse some orders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.certificate import certificate_facts
from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.plain import version
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.web import fetch, page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way
    from netwatch.web import Page

PING, OVER_TLS = "/_ping", 2376
OK, UNAUTHORISED, LONGEST = 200, 401, 1024


@dataclass(frozen=True, slots=True)
class Docker:
    """One ping. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "docker"
    manner: ClassVar[str] = "web"
    usual: ClassVar[tuple[int, ...]] = (2375, OVER_TLS)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where the web probe met it."""
        return doors(target, ("docker",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, in TLS on 2376; one more where it speaks the other way."""
        told, facts = self._over_tls(target, port, egress) if port == OVER_TLS else (None, {})
        if told is None and not facts:
            try:
                told, facts = page(egress, target.address, port, PING, most=LONGEST, patience=self.timeout)
            except ProbeError as error:
                # Has it been locked since? In TLS, who shows no certificate is hung up on.
                if port == OVER_TLS or error.reason not in {Reason.CLOSED, Reason.PROTOCOL}:
                    raise
                told, facts = self._over_tls(target, port, egress)
                if told is None and not facts:
                    raise
        if told is None:  # that it is Docker, only the port says
            yield replace(target.observed(self.name, port, "docker", facts), proved=False)
            return
        found = _recognised(told)
        if not found:
            raise told.busy or OtherProtocol(b"HTTP/")
        yield target.observed(self.name, port, "docker", found | facts)
        if told.busy and found["authentication"] == "unknown":
            raise told.busy

    def _over_tls(self, target: Target, port: int, egress: Way) -> tuple[Page | None, Facts]:
        """(the answer, the facts); no answer where it wants our certificate, no facts where it has no TLS."""
        shown: Facts = {"tls": True}
        with egress.connect(target.address, port, patience=self.timeout) as line:
            try:
                line.start_tls()
                shown |= certificate_facts(line.certificate)
                return fetch(line, f"{target.address}:{port}", PING, most=LONGEST), shown
            except ProbeError as error:
                if line.asked_certificate and error.reason in {Reason.CLOSED, Reason.PROTOCOL}:
                    return None, {"authentication": "password", "security": "client-certificate"} | shown
                if error.reason is not Reason.PROTOCOL:
                    raise
                return None, {}

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """One that takes orders from anybody; from outside, any."""
        if seen.protocol != "docker":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("docker-open")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("docker-reachable")


def _recognised(told: Page) -> Facts:
    """What it is and whether it took our ping, by what Docker and Podman put before every answer."""
    server, api = told.header("server"), told.header("api-version")
    libpod = told.header("libpod-api-version")
    if libpod or server.startswith("Libpod/"):
        product = "Podman"
    elif server.startswith("Docker/") or (re.fullmatch(r"1\.\d{1,3}", api) and told.header("ostype")):
        product = "Docker"
    else:
        return {}
    asked = {OK: "none", UNAUTHORISED: "password"}.get(told.status, "unknown")
    number = version(server, r"^(?:Docker|Libpod)/(\d[\w.+-]*)")
    return {"product": product, "version": number, "authentication": asked}


PROBE: ProbeFactory = Docker
