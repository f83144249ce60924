"""Who is gentler, netwatch or a hurried nmap, and who learns more? As root: `python -m tests.lab.race`.

The clinic of real servers, with fragile devices among them (ward.py), scanned by each contender in turn:
the same network, the same ports, every fragile device as new. What was sent is read from a capture, what
was harmed from the devices, the cost from the kernel. It prints, and never fails because a number is too
high. Where it stops: a connection is one that the scanner opened (wire.py).
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from netwatch.ports import curated
from reports.verdict import ports_of
from tests.lab import wire
from tests.lab.clinic import NETWORK, TRUTH, Clinic
from tests.lab.net import missing
from tests.lab.tables import show, table
from tests.lab.ward import MODALITY, Ward

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.table import Table

Place = tuple[str, int]  # address, port

NETWATCH = str(Path(sys.executable).with_name("netwatch"))
PORTS = sorted(curated())  # what netwatch asks every night
GUARDED, OVERALL = 10, 1000  # packets a second: to a device of unknown kind, and in all
RATIO = 1.25  # times the floor: what we aim at

# What is added to the site file.
USUAL: Mapping[str, object] = {
    "sweep": {"whole_range_nights": 0},  # the usual ports only
    "pace": {"packets": 40, "guarded": GUARDED, "overall": OVERALL, "pause": 0.5},
}
# A night like most: the usual ports, and a slice of all the others; the usual fourteen nights would take five
# times as long here.
SLICE: Mapping[str, object] = {"sweep": {"whole_range_nights": 60}, "pace": USUAL["pace"]}
LIFTED: Mapping[str, object] = {
    "sweep": {"whole_range_nights": 0},
    "pace": {
        "packets": 100_000,
        "guarded": 100_000,
        "overall": 1_000_000,
        "pause": 0.0,
        "override": {"by": "the lab", "reason": "to see what the pace costs"},
    },
}

SCRIPTS = "smb-protocols,smb2-security-mode,rdp-ntlm-info,ssl-cert,nbstat,http-title"
DICOM = {(truth.address, truth.port) for truth in TRUTH if truth.protocol == "dicom"}
DICOM |= {(MODALITY.address, MODALITY.port)}
PATIENCE = 3600.0  # seconds for one contender

# Runs a program and writes down what it and all that it waited for used. A small process of its own: a new
# program inherits the mark of the most memory from the one that started it.
METER = """
import json, os, sys, time
started = time.monotonic()
child = os.fork()
if not child:
    os.execv(sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(child, 0)
told = {
    "seconds": time.monotonic() - started,
    "cpu": used.ru_utime + used.ru_stime,
    "peak": used.ru_maxrss / 1024,
}
with open(sys.argv[1], "w") as out:
    json.dump(told, out)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """`command` makes it in a folder of its own; `identified` reads its output there."""

    name: str
    command: Callable[[Clinic, Path], list[str]]
    identified: Callable[[str, Path], set[Place]]
    codes: frozenset[int] = frozenset({0})
    paced: bool = False  # at netwatch's own pace: it is held against its floor


@dataclass(frozen=True, slots=True)
class Cost:
    """What the kernel says. `cpu`: user and system. `peak`: MB, of the largest process."""

    seconds: float
    cpu: float
    peak: float


@dataclass(frozen=True, slots=True)
class Lap:
    """One contender's run. `sent`: frames in all; the next three: for the device that got the most."""

    name: str
    cost: Cost
    sent: int
    packets: int
    connections: int
    rate: int
    hurt: tuple[str, ...]
    identified: int
    asked: int  # ports, on the device where most were
    paced: bool


def netwatch(tables: Mapping[str, object], *, after: str = "") -> Callable[[Clinic, Path], list[str]]:
    """A first night, with these tables in the site file; or the night `after` that of another lap."""

    def command(clinic: Clinic, folder: Path) -> list[str]:
        home = folder.parent / after if after else folder
        site = clinic.site_file(home / "site.toml", **tables)
        options = ["--data", str(home / "data"), "--no-alert", "--format", "json"]
        return [NETWATCH, "scan", str(site), *options]

    return command


def nmap(*options: str) -> Callable[[Clinic, Path], list[str]]:
    """On the same network and ports."""

    def command(_: Clinic, folder: Path) -> list[str]:
        ports = ",".join(map(str, PORTS))
        program = shutil.which("nmap") or "nmap"
        return [program, *options, "-n", "-p", ports, "-oX", str(folder / "nmap.xml"), NETWORK]

    return command


def answered_netwatch(output: str, _: Path) -> set[Place]:
    """Where the document says that DICOM answered; a guess by the port's number does not count."""
    document: dict[str, Any] = json.loads(output)
    return {
        (service["address"], service["port"])
        for service in document["services"]
        if service["protocol"] == "dicom" and service["facts"].get("protocol_from") == "answer"
    }


def answered_nmap(_: str, folder: Path) -> set[Place]:
    """Where a script or version detection says DICOM; a name from the port table does not count."""
    found = set()
    for host in ET.parse(folder / "nmap.xml").iter("host"):  # noqa: S314 - nmap has just written it
        address = host.find("address[@addrtype='ipv4']")
        for port in host.iter("port"):
            service = port.find("service[@name='dicom'][@method='probed']")
            said = " ".join(script.get("output", "") for script in port.findall("script[@id='dicom-ping']"))
            if address is not None and (service is not None or "DICOM Service Provider" in said):
                found.add((address.get("addr", ""), int(port.get("portid", "0"))))
    return found


def asked(output: str) -> int:
    """How many ports the most asked device was asked; nmap was told the usual ones."""
    if not output.startswith("{"):
        return len(PORTS)
    ports: Counter[str] = Counter()
    for row in json.loads(output)["coverage"]:
        if row["probe"] == "sweep" and row["outcome"] in {"open", "closed", "filtered"}:
            ports[row["address"]] += ports_of(row["ports"])
    return max(ports.values(), default=0)


CONTENDERS = (
    Contender("netwatch", netwatch(USUAL), answered_netwatch, frozenset({0, 4}), paced=True),
    Contender(
        "netwatch, next night",
        netwatch(SLICE, after="0"),
        answered_netwatch,
        frozenset({0, 4}),
        paced=True,
    ),
    Contender("netwatch, pace lifted", netwatch(LIFTED), answered_netwatch, frozenset({0, 4})),
    Contender("nmap -T4, six scripts", nmap("-sS", "-T4", "--script", SCRIPTS), answered_nmap),
    Contender("nmap -T4 -A", nmap("-A", "-T4"), answered_nmap),
)


def lap(contender: Contender, clinic: Clinic, ward: Ward, folder: Path) -> Lap:
    """One contender, all fragile devices as new. Raises RuntimeError with what was said where it fails."""
    folder.mkdir()
    ward.start()
    used, pcap = folder / "used.json", folder / "packets.pcap"
    metered = [sys.executable, "-I", "-S", "-c", METER, str(used), *contender.command(clinic, folder)]
    with clinic.lab.capture(pcap):
        ended = clinic.lab.run(metered, timeout=PATIENCE)
    if ended.returncode not in contender.codes:
        reason = f"{contender.name} ended with {ended.returncode}: {ended.stderr[-2000:]}"
        raise RuntimeError(reason)
    seen = list(wire.frames(pcap))
    packets: dict[str, int] = {}
    for frame in seen:
        if frame.sent and frame.kind == "ip":
            packets[frame.host] = packets.get(frame.host, 0) + 1
    return Lap(
        contender.name,
        Cost(**json.loads(used.read_text(encoding="utf-8"))),
        sent=sum(frame.sent for frame in seen),
        packets=max(packets.values(), default=0),
        connections=max(map(len, wire.established(seen).values()), default=0),
        rate=max(wire.busiest(seen).values(), default=0),
        hurt=tuple(ward.hurt()),
        identified=len(contender.identified(ended.stdout, folder) & DICOM),
        asked=asked(ended.stdout),
        paced=contender.paced,
    )


def floor(ports: int, sent: int) -> float:
    """Seconds below which no scan at our pace can be: the ports of one device, and all that was sent."""
    return max(ports / GUARDED, sent / OVERALL)


def result(laps: list[Lap]) -> tuple[Table | str, ...]:
    """The table, netwatch against its floor, and who was hurt by whom."""
    columns = ("seconds", "packets", "connections", "packets/s", "hurt", "DICOM", "CPU s", "MB")
    made = table("Race: the busiest device of each column", "contender", *columns)
    for one in laps:
        cost = (f"{one.cost.cpu:.1f}", f"{one.cost.peak:.0f}")
        counts = (one.packets, one.connections, one.rate, len(one.hurt), f"{one.identified}/{len(DICOM)}")
        made.add_row(one.name, f"{one.cost.seconds:.1f}", *map(str, counts), *cost)
    paces = [against(one) for one in laps if one.paced]
    return made, *paces, *(f"hurt by {one.name}: {how}" for one in laps for how in one.hurt)


def against(one: Lap) -> str:
    """A lap at our own pace, held against its floor; and against what the busiest device really got."""
    least = floor(one.asked, one.sent)
    ratio = one.cost.seconds / least
    return (
        f"{one.name}: {one.cost.seconds:.1f} s; its floor is {least:.1f} s"
        f" ({one.asked} ports at {GUARDED}/s to a device, {one.sent} packets at {OVERALL}/s in all):"
        f" {ratio:.2f} times, aim within {RATIO}: {'met' if ratio <= RATIO else 'MISSED'};"
        f" {one.cost.seconds / (one.packets / GUARDED):.2f} times what its {one.packets} packets take"
    )


def race(clinic: Clinic, folder: Path) -> None:
    """All contenders in this clinic, one after the other, and the table."""
    ward = Ward(clinic.lab)
    laps = [lap(each, clinic, ward, folder / str(number)) for number, each in enumerate(CONTENDERS)]
    show(*result(laps))


def main() -> None:
    """In a clinic of its own."""
    if reason := missing():
        sys.exit(f"The race {reason}.")
    with TemporaryDirectory(prefix="netwatch-race-") as folder, Clinic() as clinic:
        race(clinic, Path(folder))


if __name__ == "__main__":
    main()
