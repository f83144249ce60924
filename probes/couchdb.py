"""Is everybody the administrator of the CouchDB database? docs.couchdb.org: GET /, GET /_session.

The first page says that it is CouchDB; the second, who we are for it. Before a first administrator is named,
everybody is one ("admin party"), and it says so. Where it stops: one that asks its administrator for a
password may still let strangers read some databases; only reading would tell.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Vantage
from netwatch.plain import version
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.web import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way
    from netwatch.web import Page

OK, UNAUTHORISED, LONGEST = 200, 401, 4096


@dataclass(frozen=True, slots=True)
class Couchdb:
    """Two pages. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "couchdb"
    manner: ClassVar[str] = "web"
    usual: ClassVar[tuple[int, ...]] = (5984,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where the web probe met it."""
        return doors(target, ("couchdb",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection for each page, and one more where it wants TLS."""
        told, facts = page(egress, target.address, port, most=LONGEST, patience=self.timeout)
        server = told.header("server").startswith("CouchDB")
        welcome = _part(told, "couchdb") == "Welcome"
        trouble = None if welcome else told.trouble
        if not welcome and not (server and (trouble or told.status == UNAUTHORISED)):
            raise trouble or OtherProtocol(b"HTTP/")
        number = str(_part(told, "version")) if welcome else told.header("server").partition("/")[2]
        facts |= {
            "product": "CouchDB",
            "version": version(number, r"^(\d[\w.-]*)"),
            "authentication": "unknown" if welcome or trouble else "password",
        }
        if welcome:
            try:
                mine, _ = page(
                    egress,
                    target.address,
                    port,
                    "/_session",
                    most=LONGEST,
                    patience=self.timeout,
                    tls=facts["tls"] is True,
                )
            except (ProbeError, OtherProtocol):
                yield target.observed(self.name, port, "couchdb", facts)
                raise
            facts["authentication"] = _administered(mine)
            trouble = mine.trouble if facts["authentication"] == "unknown" else None
        yield target.observed(self.name, port, "couchdb", facts)
        if trouble:
            raise trouble

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """One where anybody is its administrator; from outside, any."""
        if seen.protocol != "couchdb":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("couchdb-no-password")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("couchdb-reachable")


def _part(told: Page, key: str) -> Any:  # noqa: ANN401 - whatever its JSON holds
    """One value of an answer in JSON, or nothing."""
    try:
        answer = json.loads(told.body)
    except (ValueError, RecursionError):
        return None
    return answer.get(key) if isinstance(answer, dict) else None


def _administered(told: Page) -> str:
    """Are we, who gave no name, its administrator (none)? Or does it take a password to be one?"""
    if told.status == UNAUTHORISED:
        return "password"
    who = _part(told, "userCtx")
    roles = who.get("roles") if isinstance(who, dict) and who.get("name") is None else None
    if told.status != OK or not isinstance(roles, list):
        return "unknown"
    return "none" if "_admin" in roles else "password"


PROBE: ProbeFactory = Couchdb
