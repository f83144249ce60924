"""What does a capture say of the scanner? Whom it spoke to, how fast, with what, how many at once.

Read from tcpdump's own lines (`-nn -tt -e`), so that each number can be checked by eye. Every question
takes a pcap file, or the frames that were read from one before. "The scanner" is SCANNER's network card,
"a host" whoever else it was, by IPv4 address.

Where it stops: IPv4 without options, one frame a packet; connections that the scanner opened.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.lab.net import SCANNER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Kind = Literal["ip", "arp-request", "arp-reply", "other"]
    Ends = tuple[str, tuple[str, str]]  # host, (our port, its port)

FRAME = re.compile(
    r"(?P<time>[\d.]+) (?P<source>[\da-f:]{17}) .*?, length (?P<length>\d+): "
    r"(?:(?P<from>\d+\.\d+\.\d+\.\d+)(?:\.(?P<sport>\d+))? > (?P<to>\d+\.\d+\.\d+\.\d+)(?:\.(?P<dport>\d+))?:"
    r"(?: Flags \[(?P<flags>[^]]*)\].*?, length (?P<payload>\d+))?"
    r"|Request who-has (?P<wanted>[\d.]+)|Reply [\d.]+ is-at)?"
)
HEADERS = 14 + 20 + 8  # bytes of Ethernet, IPv4 and UDP: of UDP's payload tcpdump does not always tell
SECOND = 1_000_000  # timestamps are microseconds


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that the scanner sent or got. `flags`: TCP's in tcpdump's letters; None: not TCP.

    `host` is empty where the frame names none by IPv4. `size` is that of the frame, `payload` what
    TCP or UDP carried. `ports`: source and destination, empty where there are none.
    """

    time: float
    sent: bool
    host: str
    size: int
    ports: tuple[str, str]
    flags: str | None
    kind: Kind
    payload: int


Capture = Path | Iterable[Frame]


def frames(capture: Capture) -> Iterator[Frame]:
    """All that the scanner sent, and the IPv4 that it got."""
    if not isinstance(capture, Path):
        yield from capture
        return
    command = ["tcpdump", "-nn", "-tt", "-e", "-r", str(capture)]
    yield from parse(subprocess.run(command, check=True, text=True, capture_output=True).stdout.splitlines())


def parse(lines: Iterable[str]) -> Iterator[Frame]:
    """The same, from what tcpdump told. A line that continues another is passed over."""
    for match in map(FRAME.match, lines):
        if match is None:
            continue
        sent, kind = match["source"] == SCANNER[1], _kind(match)
        if not sent and kind != "ip":
            continue
        size, flags = int(match["length"]), match["flags"]
        if flags is not None:
            payload = int(match["payload"])
        else:
            payload = max(0, size - HEADERS) if match["dport"] else 0
        yield Frame(
            time=float(match["time"]),
            sent=sent,
            host=match["wanted"] or match["to" if sent else "from"] or "",
            size=size,
            ports=(match["sport"] or "", match["dport"] or ""),
            flags="" if flags == "none" else flags,
            kind=kind,
            payload=payload,
        )


def _kind(match: re.Match[str]) -> Kind:
    if match["to"]:
        return "ip"
    if match["wanted"]:
        return "arp-request"
    return "arp-reply" if "ethertype ARP" in match[0] else "other"


def busiest_second(times: Iterable[float]) -> int:
    """The most moments that any window of one second holds, its start included and its end not."""
    moments = sorted(round(moment * SECOND) for moment in times)
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= SECOND:
            first += 1
        most = max(most, last - first + 1)
    return most


def connections(sent: Sequence[Frame]) -> tuple[int, int]:
    """(ports knocked at, connections made): a SYN, and a SYN that anything but a reset followed."""
    knocks = {frame.ports for frame in sent if frame.flags == "S"}
    made = {frame.ports for frame in sent if frame.flags and not set(frame.flags) & set("SR")}
    return len(knocks), len(knocks & made)


def busiest(capture: Capture) -> dict[str, int]:
    """For each host, the most IPv4 packets that the scanner sent to it in any one second."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for frame in frames(capture):
        if frame.sent and frame.kind == "ip":
            times[frame.host].append(frame.time)
    return {host: busiest_second(moments) for host, moments in times.items()}


def overall(capture: Capture) -> int:
    """The most frames of any kind that the scanner sent in any one second, to whomever."""
    return busiest_second(frame.time for frame in frames(capture) if frame.sent)


def payloads(capture: Capture, ports: Iterable[int]) -> list[Frame]:
    """What the scanner sent to these ports, where it carried at least one byte."""
    wanted = {str(port) for port in ports}
    return [f for f in frames(capture) if f.sent and f.payload > 0 and f.ports[1] in wanted]


def destinations(capture: Capture) -> set[str]:
    """Every address that the scanner sent IPv4 to. Those it only looked for are `looked_for`."""
    return {frame.host for frame in frames(capture) if frame.sent and frame.kind == "ip"}


def looked_for(capture: Capture) -> set[str]:
    """Every address whose network card the scanner asked for, by ARP."""
    return {frame.host for frame in frames(capture) if frame.kind == "arp-request"}


def knocked(capture: Capture) -> set[tuple[str, int]]:
    """Every (host, port) that the scanner sent a SYN to."""
    syns = (f for f in frames(capture) if f.sent and f.flags and "S" in f.flags and "." not in f.flags)
    return {(frame.host, int(frame.ports[1])) for frame in syns}


def established(capture: Capture) -> dict[str, list[float]]:
    """For each host, when the scanner's handshakes with it were completed: SYN, SYN-ACK, and our ACK."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for moment, host, step in _steps(capture):
        if step > 0:
            times[host].append(moment)
    return dict(times)


def live(capture: Capture) -> dict[str, int]:
    """For each host, the most connections of ours that were established at the same moment.

    From our ACK on, to the first FIN or RST from either side.
    """
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for _, host, step in _steps(capture):
        now[host] += step
        most[host] = max(most[host], now[host])
    return dict(most)


def _steps(capture: Capture) -> Iterator[tuple[float, str, int]]:
    """(when, host, 1: a connection more, -1: one less), in order."""
    state: dict[Ends, Literal["asked", "answered", "open"]] = {}
    for frame in frames(capture):
        if frame.flags is None:
            continue
        flags = set(frame.flags)
        ours, its = frame.ports if frame.sent else frame.ports[::-1]
        ends = (frame.host, (ours, its))
        if frame.sent and flags >= {"S"} and "." not in flags:
            if state.get(ends) == "open":
                yield frame.time, frame.host, -1  # the same port again: the end was not seen
            state[ends] = "asked"
        elif not frame.sent and flags >= {"S", "."}:
            if state.get(ends) == "asked":
                state[ends] = "answered"
        elif ends in state:
            if frame.sent and "." in flags and "R" not in flags and state[ends] == "answered":
                state[ends] = "open"
                yield frame.time, frame.host, 1
            if flags & set("FR") and state.pop(ends) == "open":
                yield frame.time, frame.host, -1
