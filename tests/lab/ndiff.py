"""What does ndiff take for the same two nights? nmap's own comparison, side by side with ours.

ndiff compares two files; netwatch compares with all that it knows, and writes the night down.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from netwatch.diff import compare
from tests.lab.tables import show, table
from tests.lab.years import CATALOGUE, DICOM, PORTS, asked, night, quick, record, spent

if TYPE_CHECKING:
    from rich.table import Table

    from netwatch.model import Run

HOSTS = 1000


def as_nmap(run: Run, path: Path) -> None:
    """The night as nmap would have written it with -oX."""
    at, ports = int(run.started.timestamp()), dict[str, list[str]]()
    for seen in run.observations:
        if seen.probe == "sweep":
            ports.setdefault(seen.address, []).append(
                f'<port protocol="tcp" portid="{seen.port}">'
                '<state state="open" reason="syn-ack" reason_ttl="64"/>'
                f'<service name="{seen.protocol}" method="table" conf="3"/></port>'
            )
    hosts = "\n".join(
        f'<host starttime="{at}" endtime="{at}"><status state="up" reason="arp-response" reason_ttl="0"/>'
        f'<address addr="{address}" addrtype="ipv4"/><hostnames></hostnames>'
        f'<ports><extraports state="closed" count="996"/>{"".join(one)}</ports></host>'
        for address, one in ports.items()
    )
    path.write_text(
        '<?xml version="1.0"?>\n'
        f'<nmaprun scanner="nmap" args="nmap -sS -oX" start="{at}" version="7.93" xmloutputversion="1.05">\n'
        f'{hosts}\n<runstats><finished time="{at}"/>'
        f'<hosts up="{len(ports)}" down="0" total="{len(ports)}"/></runstats>\n</nmaprun>\n'
    )


def with_doors_shut(run: Run) -> Run:
    """Each twentieth device has its image server off."""
    shut = {one.id for one in run.devices[::20]}
    return replace(
        run,
        observations=tuple(one for one in run.observations if one.device not in shut or one.port != DICOM),
        coverage=tuple(row for one in run.devices for row in asked(one, *(DICOM,) * (one.id in shut))),
        findings=frozenset(one for one in run.findings if one.device not in shut),
    )


def against(folder: Path) -> tuple[Table | str, ...]:
    """Two nights of 1,000 hosts; in the second, each twentieth has one door less."""
    first, second = night(0, devices=HOSTS), with_doors_shut(night(1, devices=HOSTS))
    made = table(
        f"Two nights of {HOSTS} hosts with {len(PORTS)} open ports", "what", "seconds", "peak memory"
    )
    with quick(folder) as store:
        record(store, first)
        before = store.picture("s1")
        steps = {
            "reading what was": lambda: store.picture("s1"),
            "comparing": lambda: compare(before, second, CATALOGUE.ladder, CATALOGUE.decisive),
            "both, and writing": lambda: record(store, second),
        }
        for what, step in steps.items():
            made.add_row(f"netwatch, {what}", f"{spent(step, 1) / 1000:.2f}", "")
    netwatch = str(Path(sys.executable).with_name("netwatch"))
    made.add_row("`netwatch diff`, the command", *timed([netwatch, "diff", "s1", "--data", str(folder)]))
    for number, run in enumerate((first, second)):
        as_nmap(run, folder / f"{number}.xml")
    ndiff = shutil.which("ndiff")
    if ndiff is None:
        return made, "Left out: ndiff is not here (Debian's package ndiff)."
    made.add_row("`ndiff`, the command", *timed([ndiff, str(folder / "0.xml"), str(folder / "1.xml")]))
    return (made,)


def main() -> None:
    """Measure."""
    with TemporaryDirectory(prefix="netwatch-ndiff-") as place:
        show(*against(Path(place)))


def timed(command: list[str]) -> tuple[str, str]:
    """(seconds, peak memory) of a command; its own child, so that the mark is its own."""
    code = (
        "import resource, subprocess, sys\n"
        "ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(ended.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    started = time.perf_counter()
    told = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    exit_code, peak = told.stdout.split()
    return f"{seconds:.2f} (exit {exit_code})", f"{int(peak) / 1024:.0f} MB"


if __name__ == "__main__":
    main()
