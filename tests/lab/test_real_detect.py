"""Whom does a real nmap send what, when it is let guess? Every packet read, among fragile neighbours."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.nmapargs import ITS_CHOICE
from tests.lab import data_doors, device_doors, doors, wire
from tests.lab.clinic import NETWORK, toml
from tests.lab.net import GATEWAY, Lab
from tests.lab.ward import BEDS, Ward

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.net import Host
    from tests.lab.wire import Frame

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

SERVER, CONSOLE, STRANGER, EXCLUDED, BARRED, DESK = (f"10.77.0.{last}" for last in range(70, 76))
HASTY, NEVER = 9090, 8081  # it hangs up at once; a port that the site file excludes
HANGS_UP = """
import socket
with socket.create_server(("0.0.0.0", 9090)) as server:
    while True:
        server.accept()[0].close()
"""
COMPUTER = 40  # packets in any second


@dataclass(frozen=True, slots=True)
class Night:
    """A night, what it said and kept, and every packet. `audit`: its log, line by line."""

    document: dict[str, Any]
    audit: list[dict[str, Any]]
    frames: list[Frame]
    hurt: list[str]

    def at(self, address: str, port: int) -> dict[str, Any]:
        """The facts of a service."""
        [found] = [
            one["facts"]
            for one in self.document["services"]
            if (one["address"], one["port"]) == (address, port)
        ]
        return dict(found)

    def asking(self) -> list[Frame]:
        """All that was sent while nmap was let ask: from its first line in the log to the last look back."""
        times = [
            datetime.fromisoformat(line["at"]).replace(tzinfo=UTC).timestamp()
            for line in self.audit
            if line["question"] == "detect" and line["way"] == "nmap"
        ]
        looks = [
            datetime.fromisoformat(line["at"]).timestamp()
            for line in self.audit
            if line["question"] == "liveness" and datetime.fromisoformat(line["at"]).timestamp() > times[-1]
        ]
        return [f for f in self.frames if f.sent and min(times) <= f.time <= max(looks)]


def start(lab: Lab) -> None:
    """A server and a desk that may be asked, and neighbours that may not."""
    names = ("server", "console", "stranger", "excluded", "barred", "desk")
    hosts: dict[str, Host] = {}
    for name, address in zip(names, (SERVER, CONSOLE, STRANGER, EXCLUDED, BARRED, DESK), strict=True):
        hosts[name] = lab.host(name, address, f"02:77:00:00:00:{int(address[-2:]):02x}", gateway=GATEWAY)
    doors.openssh(hosts["server"])
    device_doors.web(hosts["server"], 80)
    device_doors.web(hosts["server"], NEVER)
    data_doors.redis(hosts["server"])
    data_doors.postgresql(hosts["server"])
    doors.telnet(hosts["server"])
    hosts["server"].start([sys.executable, "-c", HANGS_UP], root=False, ready_port=HASTY)
    doors.openssh(hosts["console"])
    doors.vnc(hosts["console"])
    device_doors.web(hosts["stranger"], 8443)
    for name in ("excluded", "barred"):
        doors.openssh(hosts[name])
    data_doors.samba(hosts["desk"])


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("detect")
    with Lab() as lab:
        ward = Ward(lab, BEDS)
        start(lab)
        ward.start()
        yield scan(lab, ward, folder, {})


def scan(lab: Lab, ward: Ward, folder: Path, changes: dict[str, object]) -> Night:
    site = {
        "name": "Detect",
        "networks": [NETWORK],
        "language": "en",
        "sweep": {"whole_range_nights": 0, "detect": True},
        "classes": {"medical": [CONSOLE]},
        "exclude": {"addresses": [EXCLUDED], "ports": [NEVER], "macs": ["02:77:00:00:00:4a"]},
        "authorisation": {"by": "Dr Laboratoire", "role": "titulaire", "until": datetime(2099, 1, 1).date()},  # noqa: DTZ001
    }
    file = folder / "site.toml"
    file.write_text(toml(site | changes), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("netwatch")), "scan", str(file), "--format", "json"]
    with lab.capture(folder / "night.pcap"):
        ended = lab.run([*command, "--data", str(folder / "data")], timeout=600)
    assert ended.returncode in {0, 4}, ended.stderr
    log = max((folder / "data" / "audit" / "detect").glob("*.jsonl"), key=lambda path: path.stat().st_size)
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    frames = list(wire.frames(folder / "night.pcap"))
    return Night(json.loads(ended.stdout), lines, frames, ward.hurt())


def test_what_nmap_makes_of_real_servers_is_told_beside_what_they_say(night: Night) -> None:
    shell, page = night.at(SERVER, 22), night.at(SERVER, 80)
    assert (shell["nmap_product"], shell["nmap_version"].split()[0]) == ("OpenSSH", "9.2p1")
    assert (page["nmap_product"], page["nmap_version"], page["server"]) == ("nginx", "1.22.1", "nginx/1.22.1")
    kinds = {one["address"]: one["facts"] for one in night.document["statements"] if one["about"] == "nmap"}
    assert set(kinds) == {SERVER, DESK}
    assert all(facts["nmap_system"].startswith("Linux") for facts in kinds.values())


def test_nobody_else_got_a_packet_of_it(night: Night) -> None:
    sent = [frame for frame in night.asking() if frame.kind == "ip"]
    assert {frame.host for frame in sent} == {SERVER, DESK}
    assert wire.looked_for(night.asking()) <= {SERVER, DESK}


def test_only_open_harmless_ports_in_scope_and_one_closed_one_were_asked(night: Night) -> None:
    over_tcp = {(f.host, int(f.ports[1])) for f in night.asking() if f.kind == "ip" and f.flags is not None}
    closed = {21}
    assert {port for host, port in over_tcp if host == SERVER} == {22, 80, HASTY} | closed
    assert {port for host, port in over_tcp if host == DESK} == {445} | closed
    over_udp = {int(f.ports[1]) for f in night.asking() if f.ports[1] and f.flags is None}
    assert over_udp
    assert over_udp <= set(ITS_CHOICE)


def test_the_pace_holds_and_there_is_one_connection_at_a_time(night: Night) -> None:
    """Also at the port that hangs up at once, where nmap has its next question ready."""
    assert wire.busiest(night.asking())
    assert max(wire.busiest(night.asking()).values()) <= COMPUTER
    assert set(
        wire.live(frame for frame in night.frames if frame.time >= night.asking()[0].time).values()
    ) <= {0, 1}


def test_the_fragile_neighbours_are_unhurt_and_the_others_are_spared(night: Night) -> None:
    assert night.hurt == []
    spared = {
        row["address"]
        for row in night.document["coverage"]
        if row["probe"] == "detect" and row["outcome"] == "spared"
    }
    assert {CONSOLE, STRANGER, *(bed.address for bed in BEDS)} <= spared
    assert {SERVER, DESK, EXCLUDED, BARRED}.isdisjoint(spared)


def test_what_was_sent_stands_in_the_log_word_for_word(night: Night) -> None:
    told = [line for line in night.audit if line["question"] == "detect" and line["way"] == "nmap"]
    assert {(line["to"], line["port"]) for line in told} == {
        *((SERVER, port) for port in (22, 80, HASTY)),
        (DESK, 445),
    }
    assert all(line["sent"][0].startswith("nmap -n -Pn -sS --max-rate 20 ") for line in told)
