"""What is nmap told to do? Its whole argument list, from numbers and constants; egress decides whether. Pure.

No script is ever run: `-sV` would add those of the category `version` by itself (45 in nmap 7.93), so nmap is
given a folder with an empty list of scripts. One port a run: nmap asks several at once, and only the kernel
says how fast. Man page: https://nmap.org/book/man.html
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from netwatch.pace import Pace

LONGEST = 60  # seconds for one device, in one run; nmap gives up then
# -O sends UDP to one port of these, which nmap chooses (osscan2.cc: get_random_uint() % 14781 + 30000).
ITS_CHOICE = range(30_000, 44_781)
SCRIPTS = "scripts/script.db"  # the list, below --datadir


def hosts(knocks: Iterable[int], pace: Pace, *, only_arp: bool, by_arp: bool) -> str:
    """Which hosts are there? `by_arp`: nothing but ARP will be sent, as they are all on our own link."""
    ways = "-PR" if only_arp else f"-PS{','.join(map(str, knocks))}"
    options = ["-n", "-sn", ways]
    if not only_arp and not by_arp:
        options += _delay(pace.guarded)
    return " ".join([*options, "--max-rate", str(max(1, pace.overall // 2)), *_bounds()])


def version(port: int, pace: Pace, folder: Path) -> str:
    """What answers at this port? `folder`: where the empty list of scripts is."""
    return " ".join([*_quietly(folder, pace), "-sV", "--version-light", "-p", str(port)])


def system(port: int, closed: int, pace: Pace, folder: Path) -> str:
    """Which operating system is it? From an open port and a closed one; without both, nothing is guessed."""
    ports = f"{port},{closed}"
    how = ["-O", "--osscan-limit", "--max-os-tries", "1", *_delay(pace.packets)]
    return " ".join([*_quietly(folder, pace), *how, "-p", ports])


def _quietly(folder: Path, pace: Pace) -> list[str]:
    rate = ["--max-rate", str(max(1, pace.packets // 2)), "--host-timeout", f"{LONGEST}s"]
    return ["-n", "-Pn", "-sS", *rate, *_bounds(), "--datadir", quote(str(folder))]


def _bounds() -> list[str]:
    return ["--max-retries", "1", "--privileged"]


def _delay(most: int) -> list[str]:
    """A knock at an open port is two packets of ours, SYN and RST, and nmap counts one."""
    delay = f"{max(1, 2000 // most)}ms"
    return ["--scan-delay", delay, "--max-scan-delay", delay]
