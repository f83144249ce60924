"""Does a whole scan spare what it scans? Read from every packet of it, and from the devices themselves.

In a clinic of its own: the fragile devices among the servers are strangers to the tests of the shared one.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import wire
from tests.lab.clinic import EMPTY, FIREWALLED, NETWORK, ORTHANC, STORE, TITLES, Clinic
from tests.lab.net import GATEWAY, Lab
from tests.lab.postoffice import received
from tests.lab.ward import BEDS, ENGINE, GLASS, LPD, MODALITY, ODD, RAW, ROOT, Ward

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from tests.lab.fragile import Toll
    from tests.lab.net import Host
    from tests.lab.ward import Bed
    from tests.lab.wire import Frame

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

# Where everybody on the link is asked for their names: mDNS, LLMNR, WS-Discovery.
GROUPS = {"224.0.0.251", "224.0.0.252", "239.255.255.250"}
UNKNOWN, COMPUTER, OVERALL = 10, 40, 1000  # packets a second: to a device that may be medical; to one; in all
USUAL = {"sweep": {"whole_range_nights": 0}}  # the usual ports only
CARD = "02:77:00:00:00:15"  # of STORE
PORT = 8042  # open on three Orthancs
ARCHIVE, DOORS = "10.77.0.44", (104, 105, 106, 107, 1104, 2345, 3300, 4000, 4006, 4030, 4242, 4560)
MAIL, SMTP = "10.77.0.50", 2525


@dataclass(frozen=True, slots=True)
class Night:
    """A scan: what it said, all its packets, and what the fragile devices have to tell of it."""

    code: int
    document: dict[str, Any]
    frames: list[Frame]
    tolls: dict[Bed, Toll]

    def sent(self, address: str) -> list[Frame]:
        """The IPv4 packets to an address."""
        return [f for f in self.frames if f.sent and f.kind == "ip" and f.host == address]


def scan(clinic: Clinic, ward: Ward, folder: Path, name: str, **tables: object) -> Night:
    """One scan with these tables in the site file; `folder` holds what it remembers. Devices as new."""
    ward.start()
    site = clinic.site_file(folder / "site.toml", **USUAL, **tables)
    capture = folder / f"{name}.pcap"
    with clinic.lab.capture(capture):
        arguments = ["scan", str(site), "--data", str(folder / "data"), "--format", "json"]
        ended = clinic.run(arguments, timeout=600)
    assert ended.returncode in {0, 4}, ended.stderr
    tolls = {bed: ward.toll(bed) for bed in ward.beds}
    return Night(ended.returncode, json.loads(ended.stdout), list(wire.frames(capture)), tolls)


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Clinic, Ward]]:
    """The clinic, with fragile devices."""
    with Clinic() as clinic:
        yield clinic, Ward(clinic.lab, BEDS)


@pytest.fixture(scope="module")
def first(place: tuple[Clinic, Ward], tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A first night: nothing is known of any device."""
    return scan(*place, tmp_path_factory.mktemp("first"), "first")


@pytest.fixture(scope="module")
def excluding(place: tuple[Clinic, Ward], tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A first night that leaves out an address, a card and a port."""
    left_out = {"addresses": [TITLES], "macs": [CARD], "ports": [PORT]}
    return scan(*place, tmp_path_factory.mktemp("excluding"), "excluding", exclude=left_out)


def test_an_unknown_device_gets_ten_packets_in_any_second_at_most(first: Night) -> None:
    busiest = wire.busiest(first.frames)
    assert {host: most for host, most in busiest.items() if most > UNKNOWN} == {}
    assert {ORTHANC, STORE, EMPTY, FIREWALLED, *(bed.address for bed in BEDS)} <= busiest.keys()


def test_all_devices_together_get_a_thousand_at_most(first: Night) -> None:
    assert 0 < wire.overall(first.frames) <= OVERALL


def test_no_device_has_two_connections_of_ours_at_once(first: Night) -> None:
    live = wire.live(first.frames)
    assert {host: most for host, most in live.items() if most > 1} == {}
    assert {ORTHANC, MODALITY.address} <= live.keys()


def test_a_port_that_prints_gets_no_byte_and_the_odd_one_no_knock(first: Night) -> None:
    assert wire.payloads(first.frames, [*range(9100, 9108), 515, 9999]) == []
    assert {port for _, port in wire.knocked(first.frames)} & {9999} == set()
    for printer in (RAW, LPD):
        assert (first.tolls[printer].bytes, first.tolls[printer].pages) == (0, 0)
    assert first.tolls[ODD].connections == 0


def test_an_interface_engine_gets_no_byte(first: Night) -> None:
    assert wire.payloads(first.frames, [2575, 6661]) == []
    assert (first.tolls[ENGINE].bytes, first.tolls[ENGINE].messages) == (0, 0)


def test_the_state_of_guarded_ports_is_known_all_the_same(first: Night) -> None:
    found = {(service["address"], service["port"]) for service in first.document["services"]}
    assert {(bed.address, bed.port) for bed in (MODALITY, RAW, LPD, ENGINE)} <= found


def test_the_modality_was_asked_and_lives(first: Night) -> None:
    toll = first.tolls[MODALITY]
    assert (toll.dead, toll.why, toll.peak) == (False, "", 1)
    [service] = [s for s in first.document["services"] if s["address"] == MODALITY.address]
    assert (service["protocol"], service["facts"]["protocol_from"]) == ("dicom", "answer")


def test_nobody_was_hurt_and_no_device_stopped_answering(first: Night) -> None:
    assert {str(bed): toll for bed, toll in first.tolls.items() if toll.hurt} == {}
    assert "device-stopped-answering" not in {finding["rule"] for finding in first.document["findings"]}


def test_no_packet_leaves_the_network(first: Night) -> None:
    sent = wire.destinations(first.frames)
    outside = {address for address in sent if ip_address(address) not in ip_network(NETWORK)}
    assert outside <= GROUPS  # which no router passes on: TTL 1, see test_real_names.py


def test_an_excluded_address_gets_nothing(excluding: Night) -> None:
    assert excluding.sent(TITLES) == []
    assert TITLES not in wire.looked_for(excluding.frames)


def test_an_excluded_card_is_looked_for_and_gets_no_packet(excluding: Night) -> None:
    assert STORE in wire.looked_for(excluding.frames)
    assert excluding.sent(STORE) == []


def test_an_excluded_port_is_knocked_at_on_nobody(excluding: Night) -> None:
    knocked = wire.knocked(excluding.frames)
    assert {host for host, port in knocked if port == PORT} == set()
    assert [f for f in excluding.frames if f.sent and f.ports[1] == str(PORT)] == []
    assert {(ORTHANC, 4242), (MODALITY.address, 104)} <= knocked


def test_what_is_left_of_the_site_is_scanned_as_gently(excluding: Night) -> None:
    assert max(wire.busiest(excluding.frames).values()) <= UNKNOWN
    assert max(wire.live(excluding.frames).values()) == 1
    assert {str(bed): toll for bed, toll in excluding.tolls.items() if toll.hurt} == {}


def test_what_a_device_turned_out_to_be_sets_its_pace_on_the_next_night(tmp_path: Path) -> None:
    with Lab() as lab:
        clinic, ward = Clinic(lab), Ward(lab, [MODALITY])
        office = lab.host("office", "10.77.0.60", "02:77:00:00:00:3c", gateway=GATEWAY)
        for port in (445, 8000):
            program(office, "scps", "silent", port=port)
        first = scan(clinic, ward, tmp_path, "first")
        kinds = {device["address"]: device["kind"] for device in first.document["devices"]}
        assert (kinds["10.77.0.60"], kinds[MODALITY.address]) == ("computer", "archive")
        second = wire.busiest(scan(clinic, ward, tmp_path, "second").frames)
        assert UNKNOWN < second["10.77.0.60"] <= COMPUTER
        assert second[MODALITY.address] <= UNKNOWN


def test_a_device_that_talks_without_being_asked_does_not_set_our_pace(tmp_path: Path) -> None:
    talkers = ("lines", "dribble", "pour")
    with Lab() as lab:
        clinic, ward = Clinic(lab), Ward(lab, [])
        for last, name in enumerate(talkers, 60):
            host = lab.host(name, f"10.77.0.{last}", f"02:77:00:00:00:{last:02x}", gateway=GATEWAY)
            for port in (104, 8000, 8080):
                program(host, "scps", name, port=port)
        busiest = wire.busiest(scan(clinic, ward, tmp_path, "talkers").frames)
    # What was on its way when we hung up is answered by the kernel: once it was one packet more.
    assert {host: most for host, most in busiest.items() if most > UNKNOWN + 3} == {}
    assert len(busiest.keys() - GROUPS) == len(talkers)


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[tuple[Clinic, Ward, Path]]:
    """A device that breaks at the first association, an archive of many doors, and a mail server."""
    with Lab() as lab:
        ward = Ward(lab, [GLASS])
        archive = lab.host("archive", ARCHIVE, "02:77:00:00:00:2c", gateway=GATEWAY)
        for port in DOORS:
            program(archive, "scps", "open_pacs", port=port)
        office, letters = lab.host("mail", MAIL, "02:77:00:00:00:32", gateway=GATEWAY), tmp_path / "mail"
        letters.mkdir()
        program(office, "postoffice", "--folder", str(letters), port=SMTP)
        yield Clinic(lab), ward, letters


def test_a_device_that_stops_answering_stops_the_scan_and_is_mailed_and_left_alone(
    broken: tuple[Clinic, Ward, Path], tmp_path: Path
) -> None:
    clinic, ward, letters = broken
    mail = {"host": MAIL, "port": SMTP, "security": "none", "sender": "netwatch@cabinet.example"}
    tables = {"recipients": ["dr@cabinet.example"], "mail": mail}
    night = scan(clinic, ward, tmp_path, "broken", **tables)
    assert night.tolls[GLASS].why == "an association request"
    assert (night.code, night.document["run"]["complete"]) == (4, False)
    assert ("device-stopped-answering", "critical") in {
        (finding["rule"], finding["severity"])
        for finding in night.document["findings"]
        if finding["address"] == GLASS.address
    }
    asked = wire.established(night.frames)
    assert len(asked[GLASS.address]) == 1  # the association; afterwards nobody answers
    assert len(asked.get(ARCHIVE, [])) < len(DOORS)  # it was stopped
    # The last look is given three seconds. Then nothing more is asked; the other device is only looked at.
    stopped = max(frame.time for frame in night.sent(GLASS.address)) + 3
    assert [moment for moment in asked.get(ARCHIVE, []) if moment > stopped + 1] == []
    assert [frame for frame in night.sent(ARCHIVE) if frame.time > stopped + 8] == []
    told = [text for text in map(body, received(letters)) if GLASS.address in text]
    assert told, [letter["Subject"] for letter in received(letters)]
    assert any("104" in text and "associat" in text.lower() for text in told)  # what was sent to it

    again = scan(clinic, ward, tmp_path, "again", **tables)  # it is back, and nobody has said so
    assert again.sent(GLASS.address) == []
    # Who is looked for is asked of the whole network; by its card, a device that moved is known again.
    looked = [f for f in again.frames if f.kind == "arp-request" and f.host == GLASS.address]
    # Twice at most; or a little oftener on a busy machine, where nmap measures the line by whoever answered.
    assert len(looked) <= 10, [frame.time for frame in looked]
    assert again.tolls[GLASS].connections == 0
    assert wire.established(again.frames)[ARCHIVE]


def program(host: Host, *arguments: str, port: int) -> None:
    """Start `python -m tests.lab.ARGUMENTS` there."""
    name, *options = arguments
    argv = [sys.executable, "-m", f"tests.lab.{name}", *options, "--bind", host.address, "--port", str(port)]
    host.start(argv, root=False, env={"PYTHONPATH": str(ROOT)}, ready_port=port)


def body(letter: EmailMessage) -> str:
    """Its text."""
    part = letter.get_body(("plain",))
    return "" if part is None else str(part.get_content())
