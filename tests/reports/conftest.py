"""A practice to tell about: six devices, an open image server, silences, and a clock set to Paris."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netwatch.change import ChangeKind
from netwatch.document import (
    ChangePart,
    CoveragePart,
    DevicePart,
    Document,
    FailurePart,
    FindingPart,
    RunPart,
    ServicePart,
)
from netwatch.model import Exposure, Outcome, Reason, Severity, Status, Vantage
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBES = Path(__file__).parents[2] / "probes"
RULES = Path(__file__).parents[2] / "netwatch" / "rules.toml"
TONIGHT = "2026-11-23T21:04:00Z"
STARTED = "2026-11-23T20:58:12Z"
OLD = "2026-11-20T21:03:00Z"
YESTERDAY = "2026-11-22T21:04:30Z"


@pytest.fixture(autouse=True)
def _paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue([PROBES / "dicom.toml", RULES])


@pytest.fixture
def document() -> Document:
    return night()


@pytest.fixture
def quiet() -> Document:
    return nothing_found()


@pytest.fixture
def hostile_document(hostile: str) -> Document:
    return hostile_night(hostile)


def night() -> Document:
    """One open image server, one found later, one that was not seen again, and a few silences."""
    return Document(
        schema="netwatch/1",
        site="cabinet-dupont",
        run=RunPart("3f2c9a", STARTED, TONIGHT, complete=False, vantages=(Vantage.LAN,)),
        devices=_devices(),
        services=_services(),
        findings=_findings(),
        changes=_changes(),
        failures=_failures(),
        coverage=_coverage(),
    )


def _device(number: int, name: str | None, vendor: str | None, kind: str, last: str = TONIGHT) -> DevicePart:
    return DevicePart(
        id=f"d{number}",
        address=f"192.168.1.{number}",
        mac=f"00:11:32:aa:bb:{number:02x}",
        vendor=vendor,
        names=(name,) if name else (),
        kind=kind,
        maker=None,
        model=None,
        version=None,
        first_seen=OLD,
        last_seen=last,
    )


def _devices() -> tuple[DevicePart, ...]:
    return (
        _device(1, "livebox", "Sagemcom", "box"),
        _device(20, "PACS-CABINET", "Synology", "pacs"),
        _device(21, None, "GE Healthcare", "modality"),
        _device(30, "ECHO-SALLE2", "Samsung Medison", "modality", last=YESTERDAY),
        _device(40, "accueil-pc", "Dell", "workstation"),
        _device(50, None, "Brother", "printer"),
    )


def _findings() -> tuple[FindingPart, ...]:
    answered = "Le serveur d'images répond aux recherches de n'importe qui"
    return (
        _finding("dicom-query-answered", Severity.CRITICAL, 20, 11112, OLD, answered),
        _finding("dicom-query-answered", Severity.CRITICAL, 21, 104, TONIGHT, answered),
        _finding("dicom-store-negotiated", Severity.LOW, 20, 11112, OLD),
        _finding(
            "dicom-name-only", Severity.LOW, 30, 104, OLD, status=Status.UNVERIFIED, last_seen=YESTERDAY
        ),
        _finding(
            "dicom-store-negotiated", Severity.LOW, 40, 4242, OLD, status=Status.RESOLVED, last_seen=YESTERDAY
        ),
    )


def _finding(  # noqa: PLR0913, PLR0917 - the columns of a finding
    rule: str,
    severity: Severity,
    device: int,
    port: int,
    first: str,
    title: str = "un titre",
    status: Status = Status.OPEN,
    last_seen: str = TONIGHT,
) -> FindingPart:
    return FindingPart(
        rule=rule,
        severity=severity,
        device=f"d{device}",
        address=f"192.168.1.{device}",
        port=port,
        exposure=Exposure.NOT_CHECKED,
        status=status,
        title=title,
        first_seen=first,
        last_seen=last_seen,
    )


def _changes() -> tuple[ChangePart, ...]:
    def change(kind: ChangeKind, rule: str, severity: Severity, device: int, port: int) -> ChangePart:
        return ChangePart(kind, rule, severity, f"d{device}", f"192.168.1.{device}", port, rule, None)

    return (
        change(ChangeKind.RESOLVED, "dicom-store-negotiated", Severity.LOW, 40, 4242),
        change(ChangeKind.UNVERIFIED, "dicom-name-only", Severity.LOW, 30, 104),
        ChangePart(
            kind=ChangeKind.WORSENED,
            rule="dicom-query-answered",
            severity=Severity.CRITICAL,
            device="d21",
            address="192.168.1.21",
            port=104,
            title="",
            previous="dicom-name-only",
        ),
    )


def _services() -> tuple[ServicePart, ...]:
    def service(device: int, port: int, protocol: str, **facts: str | bool | None) -> ServicePart:
        return ServicePart(
            device=f"d{device}",
            address=f"192.168.1.{device}",
            port=port,
            transport="tcp",
            protocol=protocol,
            vantage=Vantage.LAN,
            facts={"protocol_from": "answer", **facts},
            first_seen=OLD,
            last_seen=TONIGHT,
        )

    return (
        service(
            20,
            11112,
            "dicom",
            association="accepted",
            echo="answered",
            query="answered",
            store="negotiated",
            tls=False,
            implementation_class_uid="1.2.276.0.7230010.3.0.3.6.7",
            implementation_version="OFFIS_DCMTK_367",
            product="DCMTK",
        ),
        service(21, 104, "dicom", association="accepted", echo="answered", query="answered", tls=False),
        service(40, 3389, "rdp", protocol_from="port"),
        service(50, 9100, "unknown"),
        service(
            40, 4242, "dicom", association="rejected", reject="calling-ae-title-not-recognized", tls=True
        ),
    )


def _failures() -> tuple[FailurePart, ...]:
    return (
        FailurePart(
            "dicom", Vantage.LAN, "d50", "192.168.1.50", 9100, Reason.MUTE, "no answer to A-ASSOCIATE-RQ"
        ),
        FailurePart(
            "dicom",
            Vantage.LAN,
            "d40",
            "192.168.1.40",
            2762,
            Reason.TIMEOUT,
            "TLS handshake: 5 s without data",
        ),
        FailurePart(
            "dicom", Vantage.LAN, "d21", "192.168.1.21", 11112, Reason.BUSY, "rejected: local-limit-exceeded"
        ),
    )


def _coverage() -> tuple[CoveragePart, ...]:
    def row(device: int, probe: str, ports: str, outcome: Outcome) -> CoveragePart:
        return CoveragePart(probe, Vantage.LAN, f"d{device}", f"192.168.1.{device}", ports, outcome, "")

    rows = []
    for device, open_ports in (
        (1, "80"),
        (20, "11112"),
        (21, "104,11112"),
        (40, "2762,3389,4242"),
        (50, "9100"),
    ):
        rows.append(row(device, "sweep", open_ports, Outcome.OPEN))
        rows.append(row(device, "sweep", "21-23,443,5900", Outcome.CLOSED))
    return (
        CoveragePart("discovery", Vantage.LAN, None, "192.168.1.0/24", "", Outcome.ANSWERED, ""),
        *rows,
        row(40, "sweep", "445", Outcome.FILTERED),
        row(30, "sweep", "21-23,80,104,443,11112", Outcome.TIMED_OUT),
        row(20, "dicom", "11112", Outcome.ANSWERED),
        row(40, "dicom", "2762", Outcome.FAILED),
    )


HOSTILE = (
    "<script>alert(1)</script>",
    "[bold red]PACS[/] [/nothing] :skull:",
    "PACS\r\nBcc: everyone@example.org\r\n\r\nbody",
    "\x1b[31mPACS\x1b]0;title\x07\x9b2J\u202egnp.exe\u2028\x00\x85",
    "P" * 300,
    "{{ 7 * 7 }} {site} %s {0.__class__}",
    "\ud800 lonely",
)


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def nothing_found() -> Document:
    """A whole night without a finding."""
    part = night()
    return replace(
        part,
        run=replace(part.run, complete=True),
        devices=tuple(device for device in part.devices if device.last_seen == TONIGHT),
        findings=(),
        changes=(),
        failures=(),
        coverage=tuple(row for row in part.coverage if row.outcome in {Outcome.OPEN, Outcome.CLOSED}),
    )


def hostile_night(text: str) -> Document:
    """The same night, in which every text that a device chose is this one."""
    part = night()
    return replace(
        part,
        devices=tuple(
            replace(
                row, names=(text,), vendor=text, maker=text, model=text, version=text, kind=text, mac=text
            )
            for row in part.devices
        ),
        services=tuple(
            replace(row, protocol=text, facts={"reject": text, text: text}) for row in part.services
        ),
        findings=tuple(replace(row, rule="gone", title=text) for row in part.findings),
        changes=tuple(replace(row, rule="gone", title=text) for row in part.changes),
        failures=tuple(replace(row, detail=text, address=text) for row in part.failures),
        coverage=tuple(replace(row, detail=text) for row in part.coverage),
    )
