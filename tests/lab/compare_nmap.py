"""Who knows the devices better, netwatch or `nmap -O -sV`, and at what price? As root:
`python -m tests.lab.compare_nmap`.

A lab of real servers as devices: the clinic of image servers, the street of other doors, and two that
announce themselves by mDNS (avahi, with the words of a real Brother and a real Synology). What each of them
is stands in TRUTH, written by hand from what we installed. Each contender runs once, on the same ports; what
it sent is read from a capture. Right: it says what is so; wrong: something else; else it says nothing.

Where it stops: every device is a Linux, so that nothing is learnt of how well either tells systems apart, and
the two announced ones say what we had them say.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from netwatch.aging import profiles
from netwatch.ports import curated
from netwatch.store import Store
from tests.lab import test_real_names, wire
from tests.lab.clinic import (
    CLOSED_ORTHANC,
    MUTUAL_TLS,
    NETWORK,
    OPEN_ORTHANC,
    OPTIONAL_TLS,
    ORTHANC,
    STORE,
    TITLES,
    TLS,
    Clinic,
)
from tests.lab.net import GATEWAY, missing
from tests.lab.street import (
    CAMERA,
    LINUX,
    MODALITY,
    MOVED_RDP,
    MOVED_REDIS,
    MOVED_WEB,
    NAS,
    PRINTER,
    RECEPTION,
    SERVER,
    STREET,
)
from tests.lab.tables import show, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.table import Table

NETWATCH = str(Path(sys.executable).with_name("netwatch"))
BROTHER, DISKSTATION = "10.77.0.80", "10.77.0.81"
PORTS = sorted({*curated(), MOVED_RDP, MOVED_REDIS, MOVED_WEB, 8554})
ROLL_CALL = [3702, 5353, 5355]  # WS-Discovery, mDNS, LLMNR: excluded, nobody is asked for names
RIGHT, WRONG, NOTHING = "right", "wrong", "nothing"


@dataclass(frozen=True, slots=True)
class Truth:
    """What a device is. `kinds`: any of them is right; `maker`: None where it has none; `software`: slug of
    netwatch/families -> the beginning of its version."""

    kinds: frozenset[str]
    maker: str | None = None
    software: Mapping[str, str] = field(default_factory=dict)


def is_a(*kinds: str, maker: str | None = None, **software: str) -> Truth:
    """`sql_server` stands for `sql-server`."""
    return Truth(frozenset(kinds), maker, {slug.replace("_", "-"): told for slug, told in software.items()})


IMAGING = ("medical-imaging", "archive", "medical")  # a receiver of images; `medical`: no more is said of it
TRUTH = {
    ORTHANC: is_a("archive", orthanc="1.10.1"),
    OPEN_ORTHANC: is_a("archive", orthanc="1.10.1"),
    CLOSED_ORTHANC: is_a("archive", orthanc="1.10.1"),
    TITLES: is_a("archive", dcmtk="3.6.7"),
    **dict.fromkeys((STORE, TLS, OPTIONAL_TLS, MUTUAL_TLS), is_a(*IMAGING, dcmtk="3.6.7")),
    RECEPTION: is_a("workstation", samba="4.17.12", xrdp="0.9.21"),
    SERVER: is_a("server", samba="4.17.12", mariadb="10.11", postgresql="15", redis="7.0.15"),
    NAS: is_a("nas", samba="4.17.12", nginx="1.22.1", vsftpd="3.0.3"),
    LINUX: is_a("server", "workstation", openssh="9.2p1", nginx="1.22.1", memcached="1.6.18", redis="7.0.15"),
    PRINTER: is_a("printer", maker="Cabinet"),
    CAMERA: is_a("camera"),
    MODALITY: is_a(*IMAGING, openssh="9.2p1"),
    BROTHER: is_a("printer", maker="Brother"),
    DISKSTATION: is_a("nas", maker="Synology", synology_dsm="6.2"),
}

# nmap's words for what netwatch calls otherwise.
DEVICES = {
    "storage-misc": "nas",
    "printer": "printer",
    "print server": "printer",
    "webcam": "camera",
    "VoIP phone": "phone",
    "broadband router": "box",
    "router": "box",
    "WAP": "access-point",
    "switch": "switch",
}
PRODUCTS = (
    ("OpenSSH", "openssh"),
    ("nginx", "nginx"),
    ("vsftpd", "vsftpd"),
    ("Samba", "samba"),
    ("MariaDB", "mariadb"),
    ("MySQL", "mariadb"),
    ("PostgreSQL", "postgresql"),
    ("Redis", "redis"),
    ("Memcached", "memcached"),
    ("xrdp", "xrdp"),
    ("Orthanc", "orthanc"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a contender says of one device. `versions`: (product, version)."""

    kind: str | None = None
    maker: str | None = None
    versions: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Lap:
    """One contender's run. `busiest`: packets in any second to the device that got most."""

    name: str
    seconds: float
    sent: int
    busiest: int
    said: Mapping[str, Said]


def verdicts(address: str, said: Said) -> Iterator[tuple[str, str]]:
    """(kind, maker or version; right, wrong or nothing), where there is something to know."""
    truth = TRUTH[address]
    yield "kind", NOTHING if said.kind is None else RIGHT if said.kind in truth.kinds else WRONG
    if truth.maker is not None:
        told = said.maker
        yield "maker", NOTHING if told is None else RIGHT if told == truth.maker else WRONG
    for slug, version in truth.software.items():
        told_of_it = [told for product, told in said.versions if product == slug]
        right = [told.startswith(version) for told in told_of_it]
        yield "version", NOTHING if not right else RIGHT if all(right) else WRONG


def netwatch(place: Clinic, folder: Path, name: str, **tables: Mapping[str, object]) -> Lap:
    """A first night."""
    folder.mkdir()
    extra = [port for port in PORTS if port not in curated()]
    changes = {
        "sweep": {"whole_range_nights": 0, "extra_ports": extra, **tables.get("sweep", {})},
        "classes": {"medical": [MODALITY], "other": [CAMERA]},
        "exclude": tables.get("exclude", {}),
    }
    site = place.site_file(folder / "site.toml", **changes)
    command = [NETWATCH, "scan", str(site), "--data", str(folder / "data"), "--no-alert", "--format", "json"]
    took, sent, busiest, printed = run(place, folder, command, {0, 4})
    slug = json.loads(printed)["site"]
    with Store(folder / "data") as store:
        devices = store.devices(slug)
        told = profiles(devices, store.known(slug))
    said = {}
    for device in devices:
        one = told[device.id, 0]
        kind = device.kind if device.kind not in {"unknown", "computer", "other"} else one.kind.value
        said[device.address] = Said(
            kind if kind != "unknown" else None,
            one.maker.value if one.maker else None,
            frozenset((soft.product, soft.version) for soft in one.software if soft.version),
        )
    return Lap(name, took, sent, busiest, said)


def nmap(place: Clinic, folder: Path, name: str, *options: str) -> Lap:
    """On the same network and ports, with nmap's own pace."""
    folder.mkdir()
    xml = folder / "nmap.xml"
    ports = ",".join(map(str, PORTS))
    program = shutil.which("nmap") or "nmap"
    command = [program, "-O", "-sV", *options, "-n", "-p", ports, "-oX", str(xml), NETWORK]
    took, sent, busiest, _ = run(place, folder, command, {0})
    hosts = ET.parse(xml).iter("host")  # noqa: S314 - nmap has just written it
    return Lap(name, took, sent, busiest, dict(map(by_nmap, hosts)))


def by_nmap(host: ET.Element) -> tuple[str, Said]:
    """The kind that a service, else its best guess at the system, names; the maker that its guess names."""
    address = host.find("address[@addrtype='ipv4']")
    where = address.get("addr", "") if address is not None else ""
    services = list(host.findall("ports/port/service[@method='probed']"))
    best = host.find("os/osmatch")
    guess = list(best.findall("osclass")) if best is not None else []
    told = [one.get("devicetype", "") for one in services] + [one.get("type", "") for one in guess]
    kind = next((DEVICES[word] for word in told if word in DEVICES), None)
    vendors = (one.get("vendor", "") for one in guess)
    maker = next((vendor for vendor in vendors if vendor not in {"", "Linux"}), None)
    versions = set()
    for one in services:
        slug = next((slug for begins, slug in PRODUCTS if one.get("product", "").startswith(begins)), None)
        # MariaDB says 5.5.5- before its own number; a range ("9.6.0 or later", "3.X - 4.X") tells none
        number = one.get("version", "").removeprefix("5.5.5-")
        version = re.match(r"[\d.]+\d(?:p\d)?(?= |$|-)(?! or | - )", number)
        if slug and version:
            versions.add((slug, version[0]))
    return where, Said(kind, maker, frozenset(versions))


def run(place: Clinic, folder: Path, command: list[str], codes: set[int]) -> tuple[float, int, int, str]:
    """(seconds, packets sent, the most in any second to one device, what it printed)."""
    pcap = folder / "packets.pcap"
    started = time.monotonic()
    with place.lab.capture(pcap):
        ended = place.lab.run(command, timeout=3600)
    took = time.monotonic() - started
    if ended.returncode not in codes:
        reason = f"{command[0]} ended with {ended.returncode}: {ended.stderr[-2000:]}"
        raise RuntimeError(reason)
    seen = list(wire.frames(pcap))
    busiest = max(wire.busiest(seen).values(), default=0)
    return took, sum(frame.sent for frame in seen), busiest, ended.stdout


def populate(place: Clinic) -> None:
    """The street's hosts beside the clinic's, and the two that announce themselves."""
    hosts = {}
    for name, (address, _) in STREET.items():
        last = int(address.rpartition(".")[2])
        hosts[name] = place.lab.host(name, address, f"02:77:00:00:00:{last:02x}", gateway=GATEWAY)
    with ThreadPoolExecutor(len(STREET)) as pool:
        for begun in [pool.submit(start, hosts[name]) for name, (_, start) in STREET.items()]:
            begun.result()
    names = test_real_names
    names.HOSTS |= {"brother": BROTHER, "diskstation": DISKSTATION}
    street = names.Street(place.lab)
    street.avahi("brother", "BRN30055C6F279F", names.PRINTER, names.PRINTER_SAYS)
    street.avahi("diskstation", "DiskStation", names.NAS, names.NAS_SAYS)


def result(laps: list[Lap]) -> tuple[Table | str, ...]:
    """The table, and what each contender says that is not so."""
    asked = Counter(what for address in TRUTH for what, _ in verdicts(address, Said()))
    columns = [f"{what} ({asked[what]})" for what in asked]
    title = "Devices known: right, wrong, of how many that can be known"
    made = table(title, "contender", *columns, "seconds", "packets", "packets/s")
    wrong = []
    for lap in laps:
        counted: Counter[tuple[str, str]] = Counter()
        for address in TRUTH:
            said = lap.said.get(address, Said())
            for what, verdict in verdicts(address, said):
                counted[what, verdict] += 1
                if verdict == WRONG:
                    wrong.append(f"wrong, {lap.name}: {what} of {address}: {said}")
        shares = [f"{counted[what, RIGHT]}, {counted[what, WRONG]}" for what in asked]
        made.add_row(lap.name, *shares, f"{lap.seconds:.0f}", str(lap.sent), str(lap.busiest))
    return made, *wrong, *details(laps)


def details(laps: list[Lap]) -> Iterator[str]:
    """Device by device, what was right."""
    for address in TRUTH:
        told = []
        for lap in laps:
            fits = [
                what for what, verdict in verdicts(address, lap.said.get(address, Said())) if verdict == RIGHT
            ]
            told.append(f"{lap.name}: {', '.join(fits) or '-'}")
        yield f"{address}  {'; '.join(told)}"


def main() -> None:
    """Everybody once, in a lab of its own."""
    if reason := missing():
        sys.exit(f"The comparison {reason}.")
    with TemporaryDirectory(prefix="netwatch-compare-") as name, Clinic() as place:
        folder = Path(name)
        populate(place)
        silent = {"ports": ROLL_CALL}
        laps = [
            netwatch(place, folder / "0", "netwatch"),
            netwatch(place, folder / "1", "netwatch, no roll call", exclude=silent),
            netwatch(place, folder / "2", "netwatch, sweep.detect", sweep={"detect": True}),
            nmap(place, folder / "3", "nmap -O -sV"),
        ]
        show(*result(laps))


if __name__ == "__main__":
    main()
