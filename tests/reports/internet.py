"""A practice as the internet sees it: an open image server, a forward nobody proved, reports of others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netwatch.document import (
    AddressPart,
    CoveragePart,
    DevicePart,
    Document,
    FailurePart,
    FindingPart,
    LinkPart,
    ServicePart,
    StatementPart,
)
from netwatch.model import Exposure, Outcome, Reason, Severity, Status, Vantage
from tests.reports.conftest import OLD, TONIGHT, night

if TYPE_CHECKING:
    from netwatch.model import Fact

HOME = "203.0.113.7"
PUBLIC = f"p-{HOME}"
PACS = LinkPart("d20", "192.168.1.20", 11112, "certificate")
DICOM = "dicom-query-answered"
SAID = "2026-11-18T01:02:03Z"  # a third party's own date


def seen_from_outside() -> Document:
    """The night, with a look from outside: 11112 leads to the image server; the box forwards 2222; others
    report 443, which we found shut, and 8080, which nobody tried."""
    part = night()
    inside = part.findings[0]
    return replace(
        part,
        run=replace(part.run, vantages=(Vantage.LAN, Vantage.OUTSIDE, Vantage.BOX, Vantage.SHODAN)),
        devices=(*part.devices, internet()),
        services=(*part.services, service(11112, "dicom", product="DCMTK 3.6.7")),
        findings=(
            replace(inside, exposure=Exposure.EXPOSED),
            *part.findings[1:],
            finding(DICOM, 11112, PACS),
            finding("reported-open", 8080, None, Exposure.REPORTED, Vantage.SHODAN),
        ),
        coverage=(*part.coverage, knock("11112", Outcome.OPEN), knock("22,443", Outcome.CLOSED)),
        public=(AddressPart(HOME, "site-file, echo", OLD, TONIGHT, TONIGHT, 3),),
        statements=(
            forward(2222, "192.168.1.40", 22, comment="ssh"),
            forward(11112, "192.168.1.20", 11112),
            statement("upnp", Vantage.BOX, "listing", listing="whole"),
            statement("shodan", Vantage.SHODAN, "http", 443, product="nginx"),
            statement("shodan", Vantage.SHODAN, "http", 8080),
        ),
        looked={Vantage.LAN: TONIGHT, Vantage.OUTSIDE: TONIGHT},
    )


def internet(address: str = HOME) -> DevicePart:
    """An address of the practice, among the devices."""
    return DevicePart(
        f"p-{address}", address, None, None, (), "internet", None, None, None, first_seen=OLD, last_seen=OLD
    )


def finding(
    rule: str,
    port: int,
    link: LinkPart | None = None,
    exposure: Exposure = Exposure.EXPOSED,
    vantage: Vantage = Vantage.OUTSIDE,
) -> FindingPart:
    """Something that stands at a public port."""
    return FindingPart(
        rule=rule,
        severity=Severity.CRITICAL if exposure == Exposure.EXPOSED else Severity.MEDIUM,
        device=PUBLIC,
        address=HOME,
        port=port,
        exposure=exposure,
        status=Status.OPEN,
        title=rule,
        first_seen=OLD,
        last_seen=TONIGHT,
        vantage=vantage,
        link=link,
    )


def service(port: int, protocol: str, **facts: Fact) -> ServicePart:
    """Something that answered us from outside."""
    told = {"protocol_from": "answer", **facts}
    return ServicePart(PUBLIC, HOME, port, "tcp", protocol, Vantage.OUTSIDE, told, OLD, TONIGHT)


def knock(ports: str, outcome: Outcome) -> CoveragePart:
    """What was knocked at from outside."""
    return CoveragePart("sweep", Vantage.OUTSIDE, PUBLIC, HOME, ports, outcome, "")


def statement(  # noqa: PLR0913, PLR0917 - what a statement is made of
    who: str,
    vantage: Vantage,
    about: str,
    port: int = 0,
    said_at: str = SAID,
    transport: str = "tcp",
    **facts: Fact,
) -> StatementPart:
    """What somebody says: of the box, or of the practice's address."""
    others = vantage in {Vantage.SHODAN, Vantage.INTERNETDB}
    device, address = (PUBLIC, HOME) if others else ("d1", "192.168.1.1")
    return StatementPart(
        who, vantage, about, device, address, port, transport if port else "", facts, said_at, OLD
    )


def forward(port: int, to: str, to_port: int, **facts: Fact) -> StatementPart:
    """What the box passes on."""
    told: dict[str, Fact] = {"to_address": to, "to_port": to_port, "enabled": True, **facts}
    return statement("upnp", Vantage.BOX, "forward", port, **told)  # type: ignore[arg-type]


def failure(probe: str, vantage: Vantage, reason: Reason, detail: str) -> FailurePart:
    """Somebody who could not be asked."""
    return FailurePart(probe, vantage, None, "", None, reason, detail)
