"""What do two nights, a usual one and an audit, say of real file servers: Samba and impacket's?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import data_doors
from tests.lab.clinic import Clinic
from tests.lab.net import Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.net import Host

pytestmark = pytest.mark.lab


def old(host: Host) -> None:
    """As a machine of fifteen years ago: SMB1 beside the others, NetBIOS around it, and its name told."""
    data_doors.samba(host, oldest="NT1")
    data_doors.samba(host, 139, oldest="NT1")
    data_doors.netbios(host, "ANCIEN")


SERVERS: dict[str, Callable[[Host], None]] = {
    "old": old,
    "usual": data_doors.samba,
    "signed": lambda host: data_doors.samba(host, oldest="SMB3", signing="mandatory"),
    "guest": lambda host: data_doors.samba(host, guest=True),
    "signedguest": lambda host: data_doors.samba(host, guest=True, signing="mandatory"),
    "listing": lambda host: data_doors.samba(host, guest="listing"),
    "impacket": data_doors.impacket,
    "password": lambda host: data_doors.impacket(host, password="not-a-secret"),
    "smb1alone": lambda host: data_doors.impacket(host, modern=False),
}
ADDRESSES = {name: f"10.77.0.{last}" for last, name in enumerate(SERVERS, 90)}
NAMES = {address: name for name, address in ADDRESSES.items()}
LOGIN = b"NTLMSSP\0\x03"


class Nights:
    """A usual night and an audit of the same servers: the documents, and the packets."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        """Start the servers, then scan twice."""
        for name, start in SERVERS.items():
            address = ADDRESSES[name]
            start(lab.host(name, address, f"02:77:00:00:00:{address.rpartition('.')[2]}"))
        until = (datetime.now(UTC) + timedelta(days=30)).date()
        allowed = {"by": "Dr Laboratoire", "role": "titulaire", "until": until, "audit": True}
        site = Clinic(lab).site_file(folder / "site.toml", authorisation=allowed)
        self.lab = lab
        self.usual, self.packets = self._night(site, folder / "usual")
        self.audit, _ = self._night(site, folder / "audit", "--audit")

    def _night(self, site: Path, folder: Path, *options: str) -> tuple[dict[str, Any], bytes]:
        folder.mkdir()
        arguments = ["scan", str(site), "--data", str(folder / "data"), "--format", "json", *options]
        with self.lab.capture(folder / "packets.pcap") as capture:
            ended = Clinic(self.lab).run(arguments, timeout=280)
        assert ended.returncode in {0, 4}, ended.stderr
        return json.loads(ended.stdout), capture.read_bytes()


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    with Lab() as lab:
        yield Nights(lab, tmp_path_factory.mktemp("smb"))


def facts(document: dict[str, Any], name: str, port: int = 445) -> dict[str, Any]:
    """What is told of a port of a server, whichever probe told it."""
    told = [s for s in document["services"] if (s["address"], s["port"]) == (ADDRESSES[name], port)]
    return {key: value for service in told for key, value in service["facts"].items()}


def rules(document: dict[str, Any]) -> set[tuple[str, str, int]]:
    """Every finding: its rule, the server, the port."""
    return {(found["rule"], NAMES[found["address"]], found["port"]) for found in document["findings"]}


MODERN = "2.1, 3.0, 3.0.2, 3.1.1"  # "SMB2" is 2.1 to Samba
TRUTH = {
    # smb1, dialects, signing
    "old": ("on", f"2.0.2, {MODERN}", "enabled"),
    "usual": ("off", MODERN, "enabled"),
    "signed": ("off", "3.1.1", "required"),
    "guest": ("off", MODERN, "enabled"),
    "signedguest": ("off", MODERN, "required"),
    "listing": ("off", MODERN, "enabled"),
    "impacket": ("on", "2.0.2", "enabled"),
    "password": ("on", "2.0.2", "enabled"),
    "smb1alone": ("on", "none", "disabled"),
}
SAMBA = ("old", "usual", "signed", "guest", "signedguest", "listing")


@pytest.mark.parametrize("name", TRUTH)
def test_what_a_server_speaks_and_whether_it_signs_is_true(nights: Nights, name: str) -> None:
    told = facts(nights.usual, name)
    assert (told["smb1"], told["dialects"], told["signing"]) == TRUTH[name]
    assert "guest" not in told


def test_smb1_is_the_only_finding_of_a_usual_night(nights: Nights) -> None:
    assert rules(nights.usual) == {
        ("smb-smb1", name, 445) for name, (smb1, *_) in TRUTH.items() if smb1 == "on"
    }


@pytest.mark.parametrize("name", SAMBA)
def test_samba_is_not_called_windows(nights: Nights, name: str) -> None:
    told = facts(nights.usual, name)
    assert (told["version"], told["product"]) == ("6.1.0", "Samba")
    assert "Windows" not in json.dumps(told)
    assert "support_ends" not in told


def test_139_beside_445_is_known_and_told_no_second_time(nights: Nights) -> None:
    [service] = [s for s in nights.usual["services"] if (s["address"], s["port"]) == (ADDRESSES["old"], 139)]
    assert (service["protocol"], service["facts"]["protocol_from"]) == ("smb", "answer")
    assert service["facts"].get("smb1") is None


def test_the_name_and_the_workgroup_are_told_by_netbios(nights: Nights) -> None:
    told = facts(nights.usual, "old", 137)
    assert (told["netbios_name"], told["workgroup"]) == ("ANCIEN", "CABINET")


def test_in_a_usual_night_nobody_logs_in(nights: Nights) -> None:
    assert b"NTLMSSP\0\x01" in nights.packets
    assert LOGIN not in nights.packets


VISITS = {
    # guest, session, shares, their names, does one open
    "old": ("refused", None, None, None, False),
    "usual": ("refused", None, None, None, False),
    "signed": ("refused", None, None, None, False),
    "guest": ("allowed", "anonymous", 2, "images, scans", True),
    "signedguest": ("allowed", "anonymous", 2, "images, scans", True),
    "listing": ("allowed", "anonymous", 2, "images, scans", False),
    "impacket": ("allowed", "anonymous", 2, "IMAGES, SCANS", True),
    "password": ("refused", None, None, None, False),
}


@pytest.mark.parametrize("name", VISITS)
def test_an_audit_tells_what_a_stranger_is_given(nights: Nights, name: str) -> None:
    told = facts(nights.audit, name)
    keys = ("guest", "session", "shares", "share_names", "share_opens")
    assert tuple(told[key] for key in keys) == VISITS[name]
    assert (told["smb1"], told["dialects"], told["signing"]) == TRUTH[name]


def test_only_a_share_that_opened_is_a_finding_of_the_audit(nights: Nights) -> None:
    opened = {("smb_guest-shares-open", name, 445) for name, visit in VISITS.items() if visit[-1]}
    assert rules(nights.audit) - rules(nights.usual) == opened
    assert rules(nights.usual) <= rules(nights.audit)


def test_a_server_of_smb1_alone_is_a_question_that_stays_open(nights: Nights) -> None:
    assert "guest" not in facts(nights.audit, "smb1alone")
    failed = {(f["probe"], f["address"], f["reason"]) for f in nights.audit["failures"]}
    assert failed == {("smb_guest", ADDRESSES["smb1alone"], "protocol")}
    assert nights.usual["failures"] == []
