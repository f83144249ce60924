"""What does a night say of a printer, a camera, an exchange and a machine? And did any of them act?"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import device_doors as devices
from tests.lab.clinic import Clinic
from tests.lab.net import Host, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab

PRINTER, CAMERA, EXCHANGE, MACHINE = (f"10.77.0.{last}" for last in range(80, 84))

# Listens where a machine would, and writes down how many visitors it had and every byte they brought.
MACHINE_DOORS = """\
import selectors, socket, sys
log = open(sys.argv[1], "ab", buffering=0)
doors = selectors.DefaultSelector()
for port in (502, 47808):
    doors.register(socket.create_server(("0.0.0.0", port)), selectors.EVENT_READ, "door")
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("0.0.0.0", port))
    doors.register(datagrams, selectors.EVENT_READ, "guest")
while True:
    for key, _ in doors.select():
        if key.data == "door":
            doors.register(key.fileobj.accept()[0], selectors.EVENT_READ, "guest")
        elif data := key.fileobj.recv(4096):
            log.write(data)
        else:
            doors.unregister(key.fileobj)
"""


def machine(host: Host) -> Path:
    """Modbus and BACnet ports; the file that holds what they received."""
    told = host.lab.scratch / "machine.received"
    told.touch()
    host.start([sys.executable, "-c", MACHINE_DOORS, str(told)], root=False, ready_port=47_808)
    return told


class Night:
    """One night of the four of them: its document, what we sent, and what they say of it."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        """Start them, scan, and keep the packets."""
        addresses = {"printer": PRINTER, "camera": CAMERA, "exchange": EXCHANGE, "machine": MACHINE}
        for name, address in addresses.items():
            lab.host(name, address, f"02:77:00:00:00:{address.rpartition('.')[2]}")
        self.lab = lab
        devices.printer(lab.hosts["printer"])
        devices.rtsp(lab.hosts["camera"])
        devices.sip(lab.hosts["exchange"])
        self.machine = machine(lab.hosts["machine"])
        place = Clinic(lab)
        told = {"printer": [PRINTER], "other": [CAMERA, EXCHANGE, MACHINE]}
        site = place.site_file(folder / "site.toml", classes=told)
        packets = folder / "packets.pcap"
        with lab.capture(packets):
            ended = place.run(["scan", str(site), "--data", str(folder / "data"), "--format", "json"])
        assert ended.returncode in {0, 4}, ended.stderr
        self.document: dict[str, Any] = json.loads(ended.stdout)
        shown = ["tcpdump", "-nn", "-q", "-A", "-r", str(packets), "src host 10.77.0.2"]
        self.sent = subprocess.run(shown, capture_output=True, text=True, check=True, errors="replace").stdout

    def services(self, address: str) -> dict[tuple[int, str], tuple[str, dict[str, Any]]]:
        """By port and transport: the protocol, and the facts that have a value."""
        return {
            (one["port"], one["transport"]): (
                one["protocol"],
                {key: value for key, value in one["facts"].items() if value is not None},
            )
            for one in self.document["services"]
            if one["address"] == address
        }


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with Lab() as lab:
        yield Night(lab, tmp_path_factory.mktemp("devices"))


def test_a_printer_is_one_and_says_that_it_prints_for_anybody(night: Night) -> None:
    [((port, transport), (protocol, facts))] = night.services(PRINTER).items()
    assert (port, transport, protocol, facts["protocol_from"]) == (631, "tcp", "ipp", "answer")
    assert (facts["product"], facts["authentication"]) == ("Cabinet P1", "none")
    assert facts["security"] == "none, tls"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", facts["printer_uuid"])


def test_nothing_was_printed_and_one_question_was_asked(night: Night) -> None:
    [spool] = night.lab.scratch.glob("printer.rooms/*/spool")
    assert list(spool.iterdir()) == []
    said = night.lab.hosts["printer"].log.read_text(errors="replace")
    assert re.findall(r"10\.77\.0\.2 ([A-Z][a-z]+-[A-Za-z-]+)", said) == ["Get-Printer-Attributes"]


def test_a_camera_is_one_and_no_picture_was_asked_for(night: Night) -> None:
    [((port, transport), (protocol, facts))] = night.services(CAMERA).items()
    assert (port, transport, protocol, facts["protocol_from"]) == (8554, "tcp", "rtsp", "answer")
    assert (facts["product"], facts["authentication"]) == ("VLC", "unknown")
    assert facts["version"].startswith("3.")
    assert night.sent.count("OPTIONS * RTSP/1.0") == 1
    assert not re.search(r"(DESCRIBE|SETUP|PLAY) ", night.sent)


def test_an_exchange_answers_over_tcp_and_udp_and_nothing_rang(night: Night) -> None:
    told = night.services(EXCHANGE)
    assert set(told) == {(5060, "tcp"), (5060, "udp")}
    for protocol, facts in told.values():
        assert protocol == "sip"
        assert (facts["product"], facts["version"], facts["authentication"]) == (
            "kamailio",
            "5.6.3",
            "unknown",
        )
    assert not re.search(r"(INVITE|REGISTER|MESSAGE|SUBSCRIBE) sip:", night.sent)
    assert len(re.findall(rf"OPTIONS sip:{re.escape(EXCHANGE)}:5060", night.sent)) == 2


def test_a_machine_is_told_by_its_port_and_received_no_byte(night: Night) -> None:
    told = night.services(MACHINE)
    assert told[502, "tcp"] == ("modbus", {"protocol_from": "port", "state": "open"})
    assert set(told) == {(502, "tcp")}
    assert night.machine.read_bytes() == b""


def test_on_the_practice_s_network_none_of_them_is_a_finding(night: Night) -> None:
    assert night.document["findings"] == []
    assert night.document["run"]["complete"] is True


def test_what_is_no_camera_is_not_asked_which_camera_it_is(night: Night) -> None:
    rows = [row for row in night.document["coverage"] if row["probe"] == "onvif"]
    # VLC shows a picture, and is no ONVIF camera: its machine says that the port is closed
    assert {(row["address"], row["ports"], row["outcome"]) for row in rows} == {(CAMERA, "3702", "closed")}
    assert night.document["failures"] == []
