"""Is this a folder on the web (WebDAV), and does it travel in clear? RFC 4918 10.1, RFC 9110 9.3.7.

We ask what may be done (OPTIONS), and a WebDAV server names its classes in a header of its own. No folder is
listed (PROPFIND) and nothing is read. Where it stops: a server that answers without a password may still ask
for one before it shows a file; only asking for a file would tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Vantage
from netwatch.probe import OtherProtocol
from netwatch.web import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

UNAUTHORISED, LONGEST = 401, 1024
CLASSES = re.compile(r"(?:^|[,\s])[123](?=$|[,\s])")  # RFC 4918 18
NAMED = re.compile(r'(?i)\brealm="?[^",=]{0,40}web.?dav')  # before its password it may not tell its classes


@dataclass(frozen=True, slots=True)
class Webdav:
    """What may be done? `timeout`: seconds for the answer."""

    name: ClassVar[str] = "webdav"
    manner: ClassVar[str] = "web"
    usual: ClassVar[tuple[int, ...]] = (5005, 5006)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where Synology's is at home, though the web probe has been there; and where that one met one."""
        at_home = {port for port in self.usual if target.spoken.get(port) in {"http", "tls"}}
        known = doors(target, ("webdav",), self.usual)
        return tuple(port for port in target.open_ports if port in known or port in at_home)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection in clear, one more where it wants TLS."""
        told, shown = page(
            egress, target.address, port, method="OPTIONS", most=LONGEST, patience=self.timeout
        )
        if not CLASSES.search(told.header("dav")) and not NAMED.search(told.header("www-authenticate")):
            raise told.busy or OtherProtocol(b"HTTP/")
        facts: Facts = {"authentication": "password" if told.status == UNAUTHORISED else "unknown"}
        yield target.observed(self.name, port, "webdav", facts | shown)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """One that travels in clear; from outside, any."""
        if seen.protocol != "webdav":
            return
        if seen.facts.get("tls") is False:
            yield seen.finding("webdav-in-clear")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("webdav-reachable")


PROBE: ProbeFactory = Webdav
