"""What does a scan cost? Time, packets, memory, and what a quiet night adds: `python -m tests.lab.bench`.

Measures the installed command, and how fast devices are recognised from what is stored. As root: nights in
the clinic of real servers, whose packets are counted in a capture on the scanner's side, the race against
nmap (race.py), and nights in a street of other doors. Without root: the demo's clinic on loopback addresses,
where no packets are counted. It prints, and never fails because a number is too high.
"""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.lab import demo, ndiff, race, recognition, years
from tests.lab.clinic import Clinic
from tests.lab.net import missing
from tests.lab.street import Street
from tests.lab.tables import aim, show, table
from tests.lab.wire import busiest_second, connections, frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    Runner = Callable[[list[str]], subprocess.CompletedProcess[str]]

NETWATCH = str(Path(sys.executable).with_name("netwatch"))
HELP_MS, PEAK_MB = 150, 120  # what we aim at
RUNS, WARM_UP = 15, 3

# Runs a script, then tells the most memory that its own process held. Not ru_maxrss: what wait4 gives covers
# nmap as well, and a new program inherits the mark of the process that started it.
WATCHED = """
import atexit, runpy, sys
def tell():
    with open("/proc/self/status") as status:
        sys.stderr.writelines(line for line in status if line.startswith("VmHWM"))
atexit.register(tell)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True, slots=True)
class Night:
    """One run of `netwatch scan`. `peak`: kilobytes."""

    seconds: float
    peak: int
    exit_code: int


def packets(capture: Path) -> tuple[Table, str]:
    """What each host was sent, and what the addresses got where nobody is."""
    seen = list(frames(capture))
    there = {frame.host for frame in seen if frame.kind == "ip"}
    made = table("Packets", "host", "sent", "received", "bytes", "SYN", "connections", "in one second")
    rows: list[tuple[int, ...]] = []
    for host in sorted(there, key=lambda address: tuple(map(int, address.split(".")))):
        mine = [frame for frame in seen if frame.host == host]
        sent = [frame for frame in mine if frame.sent]
        rows.append(
            (
                len(sent),
                len(mine) - len(sent),
                sum(frame.size for frame in mine),
                *connections(sent),
                busiest_second([frame.time for frame in sent]),
            )
        )
        made.add_row(host, *map(str, rows[-1]))
    made.add_section()
    for name, pick in (("least", min), ("median", median), ("most", max)):
        made.add_row(name, *(f"{pick(column):.0f}" for column in zip(*rows, strict=True)))
    asked = Counter(frame.host for frame in seen if frame.kind == "arp-request")
    nobody = {host: count for host, count in asked.items() if host not in there}
    at_once = busiest_second([frame.time for frame in seen if frame.sent])
    return made, (
        f"{len(nobody)} addresses where nobody is: at most {max(nobody.values(), default=0)} ARP requests for"
        f" each.\nAll in all {len(seen)} packets, {sum(frame.size for frame in seen)} bytes;"
        f" {at_once} packets sent in the busiest second."
    )


def night(run: Runner, site: Path, data: Path) -> Night:
    """Scan once. Raises RuntimeError with what was said where that is impossible."""
    command = [sys.executable, "-c", WATCHED, NETWATCH, "scan", str(site), "--data", str(data), "--no-alert"]
    started = time.monotonic()
    ended = run(command)
    seconds = time.monotonic() - started
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", ended.stderr, re.MULTILINE)
    if ended.returncode not in {0, 4} or peak is None:
        raise RuntimeError(ended.stdout + ended.stderr)
    return Night(seconds, int(peak[1]), ended.returncode)


def content(data: Path) -> tuple[Counter[str], int, int]:
    """(rows of each table, bytes they hold, bytes of the file) of a database.

    A row holds what its columns hold as text: SQLite may need less, and adds a few bytes for each.
    """
    rows: Counter[str] = Counter()
    size = 0
    with closing(sqlite3.connect(f"file:{data / 'netwatch.db'}?mode=ro", uri=True)) as db:
        named = db.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (name,) in named:
            for row in db.execute(f'select * from "{name}"'):  # noqa: S608 - the database's own names
                rows[name] += 1
                size += sum(len(str(value).encode()) for value in row if value is not None)
        (pages,), (page,) = (db.execute(f"pragma {what}").fetchone() for what in ("page_count", "page_size"))
    return rows, size, pages * page


def nights(run: Runner, site: Path, data: Path, place: str) -> tuple[Table | str, ...]:
    """A night, and two in which nothing moves: what they cost, and what they leave in the database."""
    cost = table(f"Scan of {place}", "night", "seconds", "peak memory", "exit code")
    left = table(f"Database of {place}", "after night", "rows", "bytes in rows", "bytes in file", "added")
    peaks: list[float] = []
    before: Counter[str] = Counter()
    for number in (1, 2, 3):
        one = night(run, site, data)
        peaks.append(one.peak / 1024)
        cost.add_row(str(number), f"{one.seconds:.1f}", f"{peaks[-1]:.0f} MB", str(one.exit_code))
        rows, held, file = content(data)
        added = ", ".join(f"{count} {name}" for name, count in (rows - before).items())
        left.add_row(str(number), str(rows.total()), str(held), str(file), added if number > 1 else "")
        before = rows
    return cost, aim("memory", max(peaks), PEAK_MB, "MB"), left


def start_up() -> tuple[Table, str]:
    """How long `netwatch --help` takes, once the disk is warm."""
    spent: list[float] = []
    for _ in range(WARM_UP + RUNS):
        started = time.perf_counter()
        subprocess.run([NETWATCH, "--help"], check=True, stdout=subprocess.DEVNULL)
        spent.append((time.perf_counter() - started) * 1000)
    spent = spent[WARM_UP:]
    made = table("Start-up", "command", "runs", "min", "median", "max")
    three = (f"{value:.0f} ms" for value in (min(spent), median(spent), max(spent)))
    made.add_row("netwatch --help", str(RUNS), *three)
    return made, aim("start-up", median(spent), HELP_MS, "ms")


def in_place(place: Clinic | Street, folder: Path, name: str) -> None:
    """Three nights in a network of real servers; the first is captured."""
    site, capture = place.site_file(folder / f"{name}.toml"), folder / f"{name}.pcap"

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        if capture.exists():
            return place.lab.run(command, timeout=600)
        with place.lab.capture(capture):
            return place.lab.run(command, timeout=600)

    told = nights(run, site, folder / name, f"the {name}, {len(place.lab.hosts) - 1} hosts")
    show(*packets(capture), *told)


def in_lab(folder: Path) -> None:
    """The clinic of image servers and its race against nmap, then the street of other doors."""
    with Clinic() as clinic:
        in_place(clinic, folder, "clinic")
        races = folder / "race"
        races.mkdir()
        race.race(clinic, races)
    with Street() as street:
        in_place(street, folder, "street")


def on_loopback(folder: Path) -> None:
    """The demo's clinic: hand-made servers, real nmap."""

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, check=False, text=True, capture_output=True)

    with ExitStack() as stack:
        demo.clinic(stack)
        site = demo.site_file(folder, "en")
        show(*nights(run, site, folder / "loopback", "six loopback addresses"))


def main() -> None:
    """Measure, and say what was left out."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"Python {platform.python_version()}"
    print(f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.platform()}, {python}")
    show(*start_up(), recognition.measure())
    with TemporaryDirectory(prefix="netwatch-bench-") as folder:
        on_loopback(Path(folder))
        if reason := missing():
            print(f"\nLeft out, because it {reason}: the clinic of real servers, packets, and the race.")
        else:
            in_lab(Path(folder))
    years.main()
    ndiff.main()


if __name__ == "__main__":
    main()
