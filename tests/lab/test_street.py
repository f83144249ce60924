"""What does a night in a street of many doors find, and how gently? Real servers, and every packet read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import wire
from tests.lab.street import (
    CAMERA,
    COMPUTERS,
    LINUX,
    MODALITY,
    MOVED_RDP,
    MOVED_REDIS,
    MOVED_WEB,
    NAS,
    PRINTER,
    RECEPTION,
    SERVER,
    Street,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.wire import Frame

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

COMPUTER, GUARDED = 40, 10  # packets in any second


@dataclass(frozen=True, slots=True)
class Night:
    """A night at netwatch's own pace: what it said, and every packet."""

    document: dict[str, Any]
    frames: list[Frame]

    def service(self, address: str, port: int) -> dict[str, Any]:
        [found] = [
            one
            for one in self.document["services"]
            if (one["address"], one["port"], one["transport"]) == (address, port, "tcp")
        ]
        return dict(found)

    def findings(self, address: str) -> set[tuple[str, int]]:
        return {(one["rule"], one["port"]) for one in self.document["findings"] if one["address"] == address}


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with Street() as open_street:
        yield open_street


def scan(street: Street, folder: Path, name: str, *more: str) -> Night:
    site = street.site_file(folder / "street.toml")
    capture = folder / f"{name}.pcap"
    with street.lab.capture(capture):
        ended = street.run(
            ["scan", str(site), "--data", str(folder / "data"), "--format", "json", *more], timeout=600
        )
    assert ended.returncode in {0, 4}, ended.stderr
    return Night(json.loads(ended.stdout), list(wire.frames(capture)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("street")


@pytest.fixture(scope="module")
def first(street: Street, folder: Path) -> Night:
    return scan(street, folder, "first")


@pytest.fixture(scope="module")
def second(street: Street, folder: Path, first: Night) -> Night:  # noqa: ARG001 - it comes after
    return scan(street, folder, "second")


@pytest.fixture(scope="module")
def audit(street: Street, folder: Path, second: Night) -> Night:  # noqa: ARG001 - it comes after
    return scan(street, folder, "audit", "--audit")


FOUND = [
    (RECEPTION, 5900, "vnc", {"authentication": "none"}),
    (RECEPTION, MOVED_RDP, "rdp", {"nla": "absent", "legacy": "accepted"}),
    (RECEPTION, 445, "smb", {"smb1": "on"}),
    (SERVER, 3389, "rdp", {"nla": "required"}),
    (SERVER, 445, "smb", {"smb1": "off", "signing": "required"}),
    (SERVER, 5432, "postgresql", {"product": "PostgreSQL"}),
    (SERVER, 3306, "mysql", {"authentication": "unknown", "product": "MariaDB"}),
    (SERVER, 6379, "redis", {"authentication": "password"}),
    (NAS, 80, "http", {"tls": False, "server": "nginx/1.22.1"}),
    (NAS, 443, "http", {"tls": True, "certificate_self_signed": True}),
    (NAS, 873, "rsync", {"modules": 2}),
    (NAS, 23, "telnet", {}),
    (NAS, 21, "ftp", {"tls": "absent"}),
    (LINUX, 22, "ssh", {"version": "2.0"}),
    (LINUX, MOVED_REDIS, "redis", {"authentication": "none"}),
    (LINUX, 11211, "memcached", {"authentication": "none"}),
    (LINUX, MOVED_WEB, "http", {"tls": False}),
    (PRINTER, 631, "ipp", {}),
    (CAMERA, 8554, "rtsp", {}),
]


@pytest.mark.parametrize(("address", "port", "protocol", "facts"), FOUND)
def test_every_door_is_known_for_what_it_is(
    first: Night, address: str, port: int, protocol: str, facts: dict[str, Any]
) -> None:
    service = first.service(address, port)
    assert (service["protocol"], service["facts"]["protocol_from"]) == (protocol, "answer")
    assert {key: service["facts"].get(key) for key in facts} == facts


def test_the_open_doors_are_findings_one_each_and_the_good_ones_none(first: Night) -> None:
    assert first.findings(SERVER) == set()
    assert first.findings(RECEPTION) == {
        ("vnc-no-password", 5900),
        ("rdp-legacy-security", MOVED_RDP),
        ("smb-smb1", 445),
    }
    assert {("redis-no-password", MOVED_REDIS), ("memcached-no-password", 11211)} <= first.findings(LINUX)
    assert ("telnet-login-in-clear", 23) in first.findings(NAS)
    for address in COMPUTERS:
        ports = [port for _, port in first.findings(address)]
        assert len(ports) == len(set(ports)), "one finding a door"


def test_a_device_that_is_declared_medical_is_asked_nothing_but_dicom(first: Night) -> None:
    spared = {
        (row["probe"], row["ports"])
        for row in first.document["coverage"]
        if row["address"] == MODALITY and row["outcome"] == "spared"
    }
    assert {("vnc", "5900"), ("ssh", "22")} <= spared
    assert first.service(MODALITY, 5900)["facts"]["protocol_from"] == "port"
    assert wire.payloads([f for f in first.frames if f.host == MODALITY], [22, 5900]) == []


def test_no_computer_gets_more_than_forty_packets_in_any_second(first: Night, audit: Night) -> None:
    for night in (first, audit):
        busiest = wire.busiest(night.frames)
        assert set(COMPUTERS) <= busiest.keys()
        assert {host: most for host, most in busiest.items() if most > COMPUTER} == {}
        assert busiest[MODALITY] <= GUARDED


def test_nobody_has_two_connections_of_ours_at_once(first: Night, audit: Night) -> None:
    for night in (first, audit):
        assert {host: most for host, most in wire.live(night.frames).items() if most > 1} == {}


def test_a_night_that_finds_everything_as_it_was_moves_nothing(second: Night, first: Night) -> None:
    assert second.document["changes"] == []
    assert [(s["address"], s["port"], s["protocol"]) for s in second.document["services"]] == [
        (s["address"], s["port"], s["protocol"]) for s in first.document["services"]
    ]


def test_what_is_known_of_a_port_spares_it_the_other_questions_on_the_next_night(
    first: Night, second: Night
) -> None:
    def connections(night: Night) -> int:
        return sum(len(times) for host, times in wire.established(night.frames).items() if host in COMPUTERS)

    assert connections(second) < connections(first)


def test_an_audit_finds_the_guests_and_the_next_night_does_not_call_it_repaired(
    street: Street, folder: Path, audit: Night
) -> None:
    assert audit.document["run"]["audit"] is True
    assert ("smb_guest-shares-open", 445) in audit.findings(RECEPTION)
    assert ("smb_guest-shares-open", 445) not in audit.findings(SERVER)
    after = scan(street, folder, "after")
    [kept] = [one for one in after.document["findings"] if one["rule"] == "smb_guest-shares-open"]
    assert kept["status"] == "unverified"


def test_no_audit_question_was_asked_on_a_night_without_one(first: Night, second: Night) -> None:
    for night in (first, second):
        asked = {row["probe"] for row in night.document["coverage"]}
        assert asked & {"smb_guest", "postgresql_trust"} == set()
