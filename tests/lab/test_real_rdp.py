"""What does a night say of xrdp and of FreeRDP, as they really answer? And who is called Windows 7?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from netwatch import audit
from tests.lab import data_doors, doors
from tests.lab.clinic import Clinic
from tests.lab.net import GATEWAY, Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.net import Host

pytestmark = pytest.mark.lab

MOVED = 8888  # of the ports that are knocked at every night, one where anything may be

# How it is started; nla, security, legacy; what is found; what was asked until that was known.
# Asked for each kind of protection by hand before this was written (FreeRDP 2.11.7, xrdp 0.9.21).
DESKTOPS: dict[str, tuple[Callable[[Host], None], tuple[str, str, str], list[str], str]] = {
    "xrdp-rdp": (
        lambda host: doors.xrdp(host, security="rdp"),
        ("absent", "rdp", "accepted"),
        ["rdp-legacy-security"],
        "TLS",
    ),
    "xrdp-tls": (
        lambda host: doors.xrdp(host, security="tls"),
        ("absent", "tls", "refused"),
        ["rdp-no-nla"],
        "TLS, TLS or NLA, RDP security",
    ),
    "xrdp": (
        lambda host: doors.xrdp(host, security="negotiate"),
        ("absent", "rdp, tls", "accepted"),
        ["rdp-legacy-security"],
        "TLS, TLS or NLA, RDP security",
    ),
    "freerdp-nla": (
        lambda host: doors.shadow(host, security="nla"),
        ("required", "nla", "refused"),
        [],
        "TLS, TLS or NLA, RDP security",
    ),
    "freerdp-tls": (
        lambda host: doors.shadow(host, security="tls"),
        ("absent", "tls", "refused"),
        ["rdp-no-nla"],
        "TLS, TLS or NLA, RDP security",
    ),
    "freerdp-rdp": (
        lambda host: doors.shadow(host, security="rdp"),
        ("absent", "rdp", "accepted"),
        ["rdp-legacy-security"],
        "TLS, RDP security",
    ),
}
ADDRESSES = {name: f"10.77.0.{number}" for number, name in enumerate([*DESKTOPS, "samba"], 60)}


class Night:
    """One scan of them all, at the pace that everybody gets."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        for name, address in ADDRESSES.items():
            lab.host(name, address, f"02:77:00:00:00:{address.rpartition('.')[2]}", gateway=GATEWAY)
        for name, (start, *_) in DESKTOPS.items():
            start(lab.hosts[name])
        doors.xrdp(lab.hosts["xrdp"], MOVED)
        data_doors.samba(lab.hosts["samba"])
        place = Clinic(lab)
        site = place.site_file(folder / "site.toml")
        data = folder / "data"
        ended = place.run(["scan", str(site), "--data", str(data), "--format", "json"])
        assert ended.returncode in {0, 4}, ended.stderr
        self.document: dict[str, Any] = json.loads(ended.stdout)
        [log] = data.rglob("*.jsonl")
        self.sent = [
            (line["to"], line["port"], line["sent"]) for line in audit.read(log) if line["question"] == "rdp"
        ]

    def service(self, name: str, port: int) -> dict[str, Any]:
        """What the document says of this port."""
        return next(
            one
            for one in self.document["services"]
            if (one["address"], one["port"], one["transport"]) == (ADDRESSES[name], port, "tcp")
        )

    def found(self, name: str, port: int) -> list[str]:
        """The rules that hold there."""
        where = (ADDRESSES[name], port)
        return [one["rule"] for one in self.document["findings"] if (one["address"], one["port"]) == where]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with Lab() as lab:
        yield Night(lab, tmp_path_factory.mktemp("night"))


@pytest.mark.parametrize("name", DESKTOPS)
def test_what_a_desktop_takes_is_told_as_it_is(night: Night, name: str) -> None:
    _, told, rules, _ = DESKTOPS[name]
    seen = night.service(name, 3389)
    assert seen["protocol"] == "rdp"
    assert tuple(seen["facts"][key] for key in ("nla", "security", "legacy")) == told
    assert night.found(name, 3389) == rules


@pytest.mark.parametrize("name", DESKTOPS)
def test_who_speaks_tls_shows_a_certificate(night: Night, name: str) -> None:
    facts = night.service(name, 3389)["facts"]
    assert ("certificate_key" in facts) == (facts["security"] != "rdp")
    if "xrdp" in name and "certificate_key" in facts:
        assert facts["certificate_name"] == name


@pytest.mark.parametrize("name", DESKTOPS)
def test_no_more_is_asked_than_decides(night: Night, name: str) -> None:
    asked = [sent[0] for address, port, sent in night.sent if (address, port) == (ADDRESSES[name], 3389)]
    assert asked == [f"RDP request for {what} (19 bytes)" for what in DESKTOPS[name][3].split(", ")]


def test_ntlm_is_begun_where_nla_is_taken_and_never_ended(night: Night) -> None:
    begun = [(address, sent) for address, _, sent in night.sent if "NTLM" in str(sent)]
    [(address, sent)] = begun
    assert address == ADDRESSES["freerdp-nla"]
    assert sent[-1] == "CredSSP NTLM NEGOTIATE (79 bytes)", "57, in TLS, and nothing after it"


def test_a_desktop_that_was_moved_is_found(night: Night) -> None:
    seen = night.service("xrdp", MOVED)
    assert (seen["protocol"], seen["facts"]["security"]) == ("rdp", "rdp, tls")
    assert night.found("xrdp", MOVED) == ["rdp-legacy-security"]


def test_freerdp_says_6_1_and_is_not_called_windows_7(night: Night) -> None:
    facts = night.service("freerdp-nla", 3389)["facts"]
    assert facts["version"] == "6.1.7601"
    assert facts["product"] is None
    assert "support_ends" not in facts


def test_samba_says_6_1_and_is_not_called_windows_7(night: Night) -> None:
    facts = night.service("samba", 445)["facts"]
    assert (facts["version"], facts["product"]) == ("6.1.0", "Samba")
    assert "support_ends" not in facts
