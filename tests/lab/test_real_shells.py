"""What does a night say of real shells, file servers and screens? And did anybody try to come in?

OpenSSH, dropbear, telnetd, vsftpd, tftpd, net-snmp's agent, Xvfb and x11vnc, as Debian 12 packages them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import data_doors, device_doors, doors
from tests.lab.clinic import Clinic
from tests.lab.net import Host, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.lab

LAST = range(90, 97)
SHELLS, CLEAR, FILES, SCREENS, AGENT, DISCREET, OLD_AGENT = HOSTS = tuple(f"10.77.0.{last}" for last in LAST)
COMMUNITY = "not-a-secret"


def old_sshd(host: Host, port: int) -> None:
    """OpenSSH as nobody should run it any more: what is broken is all that it offers."""
    here = doors.room(host, "old-sshd", port)
    here.make("run/sshd")
    key = f"{here.path}/key"
    here.run(["/usr/bin/ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", key])
    offers = [
        *("HostKeyAlgorithms=ssh-dss", "KexAlgorithms=diffie-hellman-group1-sha1"),
        *("Ciphers=3des-cbc", "MACs=hmac-md5"),
    ]
    flags = [f"Port={port}", f"HostKey={key}", "UsePAM=no", "PidFile=none", *offers]
    options = [word for flag in flags for word in ("-o", flag)]
    here.start(["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", *options], port)


def furnish(lab: Lab) -> None:
    """Start them all."""
    for address in HOSTS:
        last = address.rpartition(".")[2]
        lab.host(f"h{last}", address, f"02:77:00:00:00:{last}")
    shells, clear, files, screens, agent, discreet, old = (lab.hosts[f"h{last}"] for last in LAST)
    doors.openssh(shells, 22)
    old_sshd(shells, 222)
    doors.dropbear(shells, 2222)
    doors.telnet(clear)
    data_doors.ftp(clear)
    data_doors.ftp(files, tls=True)
    data_doors.tftp(files)
    doors.vnc(screens, 5900)
    doors.vnc(screens, 5901, password="not-a-secret")
    doors.x11(screens, 6000)
    doors.x11(screens, 6001, closed=True)
    device_doors.snmp(agent)
    device_doors.snmp(discreet, community=COMMUNITY)
    device_doors.snmp(old, old=True)


class Night:
    """Two nights of them all: their documents, what we sent, and what they say of it."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        """Start them, scan twice, and keep the packets of the first time."""
        self.lab = lab
        furnish(lab)
        place = Clinic(lab)
        site = place.site_file(
            folder / "site.toml", classes={"computer": list(HOSTS)}, probes={"snmp": {"public": True}}
        )

        def scan() -> dict[str, Any]:
            ended = place.run(["scan", str(site), "--data", str(folder / "data"), "--format", "json"])
            assert ended.returncode in {0, 4}, ended.stderr
            document: dict[str, Any] = json.loads(ended.stdout)
            return document

        packets = folder / "packets.pcap"
        with lab.capture(packets):
            self.document = scan()
        self.again = scan()
        shown = ["tcpdump", "-nn", "-q", "-A", "-r", str(packets), "src host 10.77.0.2"]
        self.sent = subprocess.run(shown, capture_output=True, text=True, check=True, errors="replace").stdout

    def facts(self, address: str, port: int) -> tuple[str, str, Mapping[str, Any]]:
        """(transport, protocol, facts) of the only service at this port."""
        [one] = [s for s in self.document["services"] if (s["address"], s["port"]) == (address, port)]
        return one["transport"], one["protocol"], one["facts"]

    def log(self, address: str) -> str:
        """What the servers of a host printed."""
        return self.lab.hosts[f"h{address.rpartition('.')[2]}"].log.read_text(errors="replace")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with Lab() as lab:
        yield Night(lab, tmp_path_factory.mktemp("shells"))


TRUTH = [
    # where, transport, protocol, and what must be said of it
    (SHELLS, 22, "tcp", "ssh", {"product": "OpenSSH 9.2p1", "protocol_1": "absent", "weak": "none"}),
    (SHELLS, 22, "tcp", "ssh", {"version": "2.0", "host_key_type": "ssh-ed25519"}),
    (
        *(SHELLS, 222, "tcp", "ssh"),
        {"host_key_type": "ssh-dss", "weak": "diffie-hellman-group1-sha1, ssh-dss, 3des-cbc, hmac-md5"},
    ),
    (SHELLS, 2222, "tcp", "ssh", {"product": "dropbear 2022.83", "protocol_1": "absent", "weak": "none"}),
    (CLEAR, 23, "tcp", "telnet", {"authentication": "unknown"}),
    (CLEAR, 21, "tcp", "ftp", {"product": "vsFTPd", "version": "3.0.3", "tls": "absent"}),
    (FILES, 21, "tcp", "ftp", {"product": "vsFTPd", "version": "3.0.3", "tls": "offered"}),
    (FILES, 69, "udp", "tftp", {"authentication": "none"}),
    (SCREENS, 5900, "tcp", "vnc", {"security": "none", "authentication": "none"}),
    (SCREENS, 5901, "tcp", "vnc", {"security": "vnc-password", "authentication": "password"}),
    (SCREENS, 6000, "tcp", "x11", {"product": "The X.Org Foundation", "authentication": "none"}),
    (SCREENS, 6001, "tcp", "x11", {"product": None, "authentication": "password"}),
    (AGENT, 161, "udp", "snmp", {"version": "2c", "authentication": "none", "name": "accueil"}),
    (OLD_AGENT, 161, "udp", "snmp", {"version": "1", "authentication": "none", "name": None}),
]


@pytest.mark.parametrize(("address", "port", "transport", "protocol", "facts"), TRUTH)
def test_what_the_document_says_of_a_server_is_true(  # noqa: PLR0913, PLR0917 - a row of the table
    night: Night, address: str, port: int, transport: str, protocol: str, facts: Mapping[str, Any]
) -> None:
    told = night.facts(address, port)
    assert told[:2] == (transport, protocol)
    assert {key: told[2][key] for key in facts} == facts


def test_no_server_is_invented_and_none_is_missed(night: Night) -> None:
    told = {(s["address"], s["port"]) for s in night.document["services"]}
    assert told == {(address, port) for address, port, *_ in TRUTH}


FINDINGS = {
    (SHELLS, 222, "ssh_key-weak"): "low",
    (CLEAR, 23, "telnet-login-in-clear"): "medium",
    (CLEAR, 21, "ftp-in-clear"): "low",
    (FILES, 69, "tftp-open"): "medium",
    (SCREENS, 5900, "vnc-no-password"): "critical",
    (SCREENS, 6000, "x11-open"): "high",
    (AGENT, 161, "snmp-public"): "medium",
    (OLD_AGENT, 161, "snmp-public"): "medium",
}


def test_what_is_open_is_a_finding_and_what_is_normal_is_none(night: Night) -> None:
    told = {(f["address"], f["port"], f["rule"]): f["severity"] for f in night.document["findings"]}
    assert told == FINDINGS


def test_the_key_of_an_ssh_server_is_the_digest_of_the_one_it_has(night: Night) -> None:
    [file] = night.lab.scratch.glob("h90.rooms/sshd-22/key.pub")
    blob = base64.b64decode(file.read_text().split()[1])
    assert night.facts(SHELLS, 22)[2]["host_key"] == f"sha256:{hashlib.sha256(blob).hexdigest()[:32]}"


def test_nobody_was_named_and_no_password_was_tried_but_public(night: Night) -> None:
    said = night.log(SHELLS)
    assert re.search(r"Connection (closed|reset) by 10\.77\.0\.2", said)
    assert not re.search(r"user|password|Failed|attempt", said, re.IGNORECASE)
    assert not re.search(r"\b(USER|PASS|EHLO|HELO) ", night.sent)
    assert COMMUNITY not in night.sent
    # each once; the silent one twice; the old one, of version 1, twice more: of both values it refuses one
    assert night.sent.count("public") == len(HOSTS) + 3


def test_no_file_was_asked_for_by_a_name_that_could_be_one(night: Night) -> None:
    assert len(re.findall(r"netwatch-[0-9a-f]{16}.octet", night.sent)) == len(HOSTS)
    assert "config" not in night.sent


def test_the_name_that_an_agent_tells_names_the_device_and_its_system_has_no_name(night: Night) -> None:
    [agent] = [one for one in night.document["devices"] if one["address"] == AGENT]
    assert agent["names"] == ["accueil"]
    for address in (AGENT, OLD_AGENT):
        facts = night.facts(address, 161)[2]
        release = platform.release().partition("-")[0]
        assert facts["product"].startswith(f"Linux {release}")
        assert platform.node() not in str(facts)


def test_a_community_that_is_its_own_stays_unknown(night: Night) -> None:
    rows = [row for row in night.document["coverage"] if row["probe"] == "snmp"]
    outcomes = {row["address"]: row["outcome"] for row in rows}
    assert outcomes[DISCREET] == "explored"  # silence over UDP: no news, and no proof
    assert outcomes[AGENT] == "answered"
    assert outcomes[SHELLS] == "closed"


def test_the_night_is_whole_and_the_next_one_says_the_same(night: Night) -> None:
    assert night.document["failures"] == []
    assert night.document["run"]["complete"] is True
    assert night.again["changes"] == []
    told = [
        {(s["address"], s["port"]): s["facts"] for s in d["services"]} for d in (night.document, night.again)
    ]
    assert told[0] == told[1]
