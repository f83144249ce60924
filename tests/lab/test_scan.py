"""Does a scan of a clinic of real servers say the truth about it? With the installed command."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.canary import CANARIES
from tests.lab.clinic import EMPTY, FIREWALLED, MUTUAL_TLS, NOBODY, OPEN_ORTHANC, ORTHANC, TRUTH, Truth

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.clinic import Clinic

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def scanned(clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, Path]:
    """One night of the clinic: (the document, the data folder, the capture of all its packets)."""
    folder = tmp_path_factory.mktemp("scan")
    site = clinic.site_file(folder / "site.toml")
    capture = folder / "packets.pcap"
    with clinic.lab.capture(capture):
        ended = clinic.run(["scan", str(site), "--data", str(folder / "data"), "--format", "json"])
    assert ended.returncode in {0, 4}, ended.stderr
    return json.loads(ended.stdout), folder, capture


def service(document: dict[str, Any], address: str, port: int) -> dict[str, Any]:
    return next(s for s in document["services"] if (s["address"], s["port"]) == (address, port))


@pytest.mark.parametrize("truth", TRUTH, ids=[f"{t.address}:{t.port}" for t in TRUTH])
def test_what_the_document_says_of_a_server_is_true(
    scanned: tuple[dict[str, Any], Path, Path], truth: Truth
) -> None:
    seen = service(scanned[0], truth.address, truth.port)
    assert seen["protocol"] == truth.protocol
    assert {key: seen["facts"].get(key) for key in truth.facts} == truth.facts


def test_no_server_is_invented_and_none_is_missed(scanned: tuple[dict[str, Any], Path, Path]) -> None:
    told = {(s["address"], s["port"]) for s in scanned[0]["services"]}
    assert told == {(truth.address, truth.port) for truth in TRUTH}


def test_only_the_open_archive_is_critical(scanned: tuple[dict[str, Any], Path, Path]) -> None:
    critical = [f for f in scanned[0]["findings"] if f["severity"] == "critical"]
    assert [(f["rule"], f["address"], f["port"]) for f in critical] == [
        ("dicom-query-answered", OPEN_ORTHANC, 104)
    ]
    assert {f["exposure"] for f in scanned[0]["findings"]} == {"not-checked"}


def test_silent_hosts_are_devices_by_their_arp_and_nobody_is_nobody(
    scanned: tuple[dict[str, Any], Path, Path],
) -> None:
    devices = {device["address"]: device for device in scanned[0]["devices"]}
    assert {EMPTY, FIREWALLED, ORTHANC} <= devices.keys()
    assert NOBODY not in devices
    assert devices[FIREWALLED]["mac"] == "02:77:00:00:00:1f"


def test_a_firewall_that_drops_is_filtered_and_an_empty_host_is_closed(
    scanned: tuple[dict[str, Any], Path, Path],
) -> None:
    outcomes = {
        address: {
            row["outcome"]
            for row in scanned[0]["coverage"]
            if (row["address"], row["probe"]) == (address, "sweep")
        }
        for address in (EMPTY, FIREWALLED)
    }
    assert outcomes == {EMPTY: {"closed"}, FIREWALLED: {"filtered"}}


def test_everything_that_was_asked_was_answered(scanned: tuple[dict[str, Any], Path, Path]) -> None:
    # DCMTK asks for our certificate and hangs up without an alert: a server that is unwell would too.
    assert [(f["address"], f["reason"]) for f in scanned[0]["failures"]] == [(MUTUAL_TLS, "mute")]
    assert scanned[0]["run"]["complete"] is True


def test_the_invented_patient_is_in_no_file_and_in_no_packet_to_us(
    scanned: tuple[dict[str, Any], Path, Path],
) -> None:
    _, folder, capture = scanned
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        content = path.read_bytes()
        assert not [name for name in CANARIES if name.encode() in content], path
    assert capture.stat().st_size > 10_000


def test_no_packet_leaves_the_network_of_the_site(scanned: tuple[dict[str, Any], Path, Path]) -> None:
    # Everybody is asked for names in groups of the link, with a TTL of 1: no router passes that on.
    groups = "dst host 224.0.0.251 or dst host 224.0.0.252 or dst host 239.255.255.250"
    away = f"ip and not dst net 10.77.0.0/24 and not (ip[8] = 1 and ({groups}))"
    told = subprocess.run(
        ["tcpdump", "-nn", "-r", str(scanned[2]), away],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == ""


def test_forbidden_ports_receive_no_byte(scanned: tuple[dict[str, Any], Path, Path]) -> None:
    payload = "(ip[2:2] - ((ip[0]&0xf)<<2) - ((tcp[12]&0xf0)>>2)) > 0"
    told = subprocess.run(
        ["tcpdump", "-nn", "-r", str(scanned[2]), f"tcp and dst portrange 9100-9107 and {payload}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == ""


def test_the_second_night_is_quiet_and_a_vanished_host_leaves_its_finding_unverified(
    clinic: Clinic, scanned: tuple[dict[str, Any], Path, Path]
) -> None:
    site, data = scanned[1] / "site.toml", scanned[1] / "data"

    def again() -> dict[str, Any]:
        ended = clinic.run(["scan", str(site), "--data", str(data), "--format", "json"])
        document: dict[str, Any] = json.loads(ended.stdout)
        return document

    assert again()["changes"] == []
    host = clinic.host(OPEN_ORTHANC)
    host.unplug()
    try:
        document = again()
    finally:
        host.plug()
    mine = [f for f in document["findings"] if f["address"] == OPEN_ORTHANC]
    assert {f["status"] for f in mine} == {"unverified"}
    assert {c["kind"] for c in document["changes"]} == {"unverified"}
    back = again()
    assert {f["status"] for f in back["findings"]} == {"open"}
    assert back["changes"] == []
