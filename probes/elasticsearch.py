"""Does the search database let a stranger in? Elasticsearch and OpenSearch: their answer to GET /.

Whoever gets in is greeted with the product's name and version; who must log in first is told so (401).
Nothing else is asked: no index is listed, nothing is searched. The name of the cluster, which may be a
practice's, is passed over.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Vantage
from netwatch.plain import version
from netwatch.probe import OtherProtocol
from netwatch.web import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way
    from netwatch.web import Page

OK, UNAUTHORISED, LONGEST, MARK = 200, 401, 8192, "x-elastic-product"
TAGLINES = {
    "You Know, for Search": "Elasticsearch",
    "The OpenSearch Project: https://opensearch.org/": "OpenSearch",
}
# What is named by who asks for a password.
REALMS = {"security": "Elasticsearch", "shield": "Elasticsearch", "OpenSearch Security": "OpenSearch"}


@dataclass(frozen=True, slots=True)
class Elasticsearch:
    """One page. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "elasticsearch"
    manner: ClassVar[str] = "web"
    usual: ClassVar[tuple[int, ...]] = (9200,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where the web probe met it."""
        return doors(target, ("elasticsearch",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection in clear, one more where it wants TLS."""
        told, facts = page(egress, target.address, port, most=LONGEST, patience=self.timeout)
        found = _welcome(told) if told.status == OK else _demand(told)
        trouble = None if found else told.trouble
        if trouble and told.header(MARK) == "Elasticsearch":
            found = {"product": "Elasticsearch", "version": None, "authentication": "unknown"}
        if found:
            yield target.observed(self.name, port, "elasticsearch", found | facts)
        if trouble:
            raise trouble
        if not found:
            raise OtherProtocol(b"HTTP/")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """One that lets anybody in; from outside, any."""
        if seen.protocol != "elasticsearch":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("elasticsearch-no-password")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("elasticsearch-reachable")


def _welcome(told: Page) -> Facts:
    """The greeting of one that asks for no password; nothing where it is none."""
    try:
        answer = json.loads(told.body)
        product, number = TAGLINES[answer["tagline"]], str(answer["version"]["number"])
    except (ValueError, RecursionError, TypeError, KeyError):
        return {}
    return {"product": product, "version": version(number, r"^(\d[\w.-]*)$"), "authentication": "none"}


def _demand(told: Page) -> Facts:
    """The refusal of one that asks for a password; nothing where it is another's."""
    realm = re.search(r'(?i)realm="([^"]*)"', told.header("www-authenticate"))
    product = REALMS.get(realm[1]) if realm else None
    if told.header(MARK) == "Elasticsearch" or b'"security_exception"' in told.body:
        product = product or "Elasticsearch"
    if product is None or told.status != UNAUTHORISED:
        return {}
    return {"product": product, "version": None, "authentication": "password"}


PROBE: ProbeFactory = Elasticsearch
