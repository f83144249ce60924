"""What do the practice's devices tell everybody of themselves, when everybody is asked once?

mDNS, WS-Discovery, SSDP and LLMNR, by multicast on each network of the site that this machine is attached to
whole (TTL 1: no router takes it on). Each question leaves once, `pause` seconds behind the one before, so
that no device gets more of them than its pace allows; then we listen, for a bounded time and number of
answers. Nothing is announced and nothing is written. An answer counts for the address that it came from, and
for no other; one from outside the site's networks is counted and forgotten. A question to a group reaches
everybody: where cards are excluded nobody is asked. Where it stops: who does not answer is not thereby
without a name.
"""

from __future__ import annotations

import secrets
import select
import socket  # noqa: TID251 - to groups, and answers from many: Egress asks one device
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv4Network, collapse_addresses
from typing import TYPE_CHECKING

from netwatch import llmnr, mdns, ssdp, wsd
from netwatch.connection import source
from netwatch.errors import OutsideError
from netwatch.kernel import TABLES, routes
from netwatch.model import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from netwatch.audit import Audit
    from netwatch.model import Device, Facts

MDNS, WSD, SSDP, LLMNR = "mdns", "wsd", "ssdp", "llmnr"  # in the audit log, and in what is told
PAUSE = 0.25  # seconds between two questions: less than half of what a guarded device may get
# Seconds to listen. WS-Discovery has the longest patience, 4 s:
# https://learn.microsoft.com/en-us/windows/win32/wsdapi/probematches-message
SECONDS = 4.0
GLANCE = 0.2  # until a stop is noticed
LONGEST = 9000  # bytes of an answer: a jumbo frame's
MOST, MOST_BYTES = 4096, 8_388_608  # answers to one group, and their bytes
MOST_OF_ONE, MOST_BYTES_OF_ONE = 64, 131_072  # of them, from one address
MOST_LINKS, MOST_NAMES = 8, 256  # networks, and addresses whose names are asked for in each
HOPS = 1


@dataclass(frozen=True, slots=True)
class Link:
    """A network that this machine is attached to, and its own address there."""

    card: str
    address: IPv4Address
    network: IPv4Network


@dataclass(frozen=True, slots=True)
class Called:
    """Device id -> `mdns`, `wsd`, `ssdp`, `llmnr` -> its facts; only who answered, and what it told.

    `strangers`: addresses in the networks that answered and are no known device's. `outside`: addresses
    elsewhere that did. `missed`: why some were not asked, or not by all four; nothing where all were.
    """

    devices: Mapping[str, Mapping[str, Facts]]
    strangers: int = 0
    outside: int = 0
    missed: tuple[OutsideError, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Where a protocol is asked, and what: each question in our words, and its packet. `read`: the facts in
    what an address answered."""

    protocol: str
    address: str
    port: int
    questions: Sequence[tuple[str, bytes]]
    read: Callable[[str, Sequence[bytes]], Facts]


@dataclass(slots=True)
class Taken:
    """What came: (address, answer) in order, of `inside` alone. `sent`: what was asked, in words."""

    inside: Sequence[IPv4Network]
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    outside: set[str] = field(default_factory=set)
    sent: list[str] = field(default_factory=list)
    _of_one: Counter[str] = field(default_factory=Counter)
    _bytes: Counter[str] = field(default_factory=Counter)

    @property
    def full(self) -> bool:
        """Is it more than we listen to?"""
        return len(self.answers) >= MOST or self._bytes.total() >= MOST_BYTES

    def by_sender(self) -> dict[str, list[bytes]]:
        """Address -> its answers."""
        told: dict[str, list[bytes]] = {}
        for sender, answer in self.answers:
            told.setdefault(sender, []).append(answer)
        return told

    def take(self, sender: str, answer: bytes) -> None:
        """Keep it, where its sender is one of ours and has not said too much already."""
        if not any(IPv4Address(sender) in network for network in self.inside):
            if len(self.outside) < MOST:
                self.outside.add(sender)
            return
        if self._of_one[sender] < MOST_OF_ONE and self._bytes[sender] + len(answer) <= MOST_BYTES_OF_ONE:
            self._of_one[sender] += 1
            self._bytes[sender] += len(answer)
            self.answers.append((sender, answer))


def call(  # noqa: PLR0913 - what a roll call is made of
    networks: Iterable[IPv4Network],
    devices: Iterable[Device],
    audit: Audit,
    *,
    excluded_macs: frozenset[str] = frozenset(),
    excluded_ports: frozenset[int] = frozenset(),
    stopped: Callable[[], bool] = lambda: False,
    seconds: float = SECONDS,
    pause: float = PAUSE,
    own: Callable[[], Iterable[Link]] | None = None,
) -> Called:
    """What these devices tell of themselves. `networks`: the site's, less what it excludes (Scope.covered).

    A device that is left alone is not asked for its name, and what it answers is not kept. A group that
    cannot be asked is told in `missed`, and the others are asked all the same.
    """
    inside = tuple(collapse_addresses(networks))
    ours, others = recorded(devices)
    if excluded_macs:
        return Called({}, missed=(OutsideError("calling.excluded", Reason.SCOPE),))
    here, missed = _whole(links() if own is None else own(), inside)
    told: dict[str, dict[str, Facts]] = {}
    strangers, outside = set[str](), set[str]()
    mine = {str(link.address) for link in here}
    for link in here:
        names = [one for one in ours if one not in mine and IPv4Address(one) in link.network]
        for group in _groups(names[:MOST_NAMES]):
            if group.port in excluded_ports:
                missed.append(
                    OutsideError("calling.port", Reason.SCOPE, name=group.protocol, port=group.port)
                )
                continue
            taken = Taken(inside)
            try:
                ask(link, group, taken, seconds, pause, stopped)
            except OSError as error:
                why = error.strerror or type(error).__name__
                missed.append(OutsideError("calling.failed", Reason.PROTOCOL, name=group.protocol, why=why))
            finally:
                _note(audit, link, group, taken)
            for sender, answers in taken.by_sender().items():
                if sender in ours and sender not in mine and (facts := group.read(sender, answers)):
                    told.setdefault(ours[sender], {}).setdefault(group.protocol, facts)
            strangers |= taken.by_sender().keys() - ours.keys() - others - mine
            outside |= taken.outside
    if stopped():
        missed.append(OutsideError("calling.stopped", Reason.UNFINISHED))
    return Called(dict(sorted(told.items())), len(strangers), len(outside), tuple(missed))


def links(tables: Path = TABLES) -> Iterator[Link]:
    """Those of this machine, of IPv4. Nothing where the kernel does not tell them (Linux)."""
    try:
        near = [route for route in routes(tables) if route.gateway is None and route.network.prefixlen]
    except OSError:
        return
    for route in near:
        address = source(str(next(route.network.hosts(), route.network[0])))
        if address is not None and IPv4Address(address) in route.network:
            yield Link(route.card, IPv4Address(address), route.network)


def ask(  # noqa: PLR0913, PLR0917 - as `call`
    link: Link, group: Group, taken: Taken, seconds: float, pause: float, stopped: Callable[[], bool]
) -> None:
    """Each question once to the group, and what is answered until `seconds` after the last.

    Raises OSError where this machine cannot send there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        ours = link.address.packed
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ours)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, HOPS)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        sock.bind((str(link.address), 0))
        sock.setblocking(False)  # noqa: FBT003 - socket's own
        last = len(group.questions) - 1
        for number, (what, packet) in enumerate(group.questions):
            if stopped() or taken.full:
                return
            sock.sendto(packet, (group.address, group.port))
            taken.sent.append(f"{what} ({len(packet)} bytes)")
            _listen(sock, taken, seconds if number == last else pause, stopped)


def _listen(sock: socket.socket, taken: Taken, seconds: float, stopped: Callable[[], bool]) -> None:
    """Take what comes in that time."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0 and not stopped() and not taken.full:
        if select.select([sock], [], [], min(GLANCE, left))[0]:
            with suppress(BlockingIOError):  # its checksum was wrong
                answer, sender = sock.recvfrom(LONGEST)
                taken.take(sender[0], answer)


def _groups(addresses: Sequence[str]) -> Iterator[Group]:
    """The four; LLMNR only where there are addresses to ask it for."""
    asked = list(mdns.questions(secrets.randbelow(0x10000)))
    yield Group(MDNS, mdns.GROUP, mdns.PORT, asked, lambda sender, told: mdns.facts(told, sender))
    name = f"urn:uuid:{uuid.uuid4()}"
    probe = [("WS-Discovery Probe", wsd.probe(name))]
    yield Group(WSD, wsd.GROUP, wsd.PORT, probe, lambda sender, told: wsd.facts(told, sender, name))
    search = [("SSDP M-SEARCH", ssdp.search_all())]
    yield Group(SSDP, ssdp.GROUP, ssdp.PORT, search, lambda sender, told: ssdp.facts(told, sender))
    numbers = {address: secrets.randbelow(0x10000) for address in addresses}
    names = [
        (f"LLMNR PTR of {address}", llmnr.question(IPv4Address(address), number))
        for address, number in numbers.items()
    ]
    if names:
        yield Group(LLMNR, llmnr.GROUP, llmnr.PORT, names, partial(_named, numbers))


def _named(numbers: Mapping[str, int], sender: str, answers: Iterable[bytes]) -> Facts:
    """The name that this address gave itself, where it was asked."""
    if sender not in numbers:
        return {}
    told = (llmnr.name(answer, IPv4Address(sender), numbers[sender]) for answer in answers)
    name = next(filter(None, told), None)
    return {"name": name} if name else {}


def _whole(here: Iterable[Link], inside: Sequence[IPv4Network]) -> tuple[list[Link], list[OutsideError]]:
    """This machine's networks that are the site's as a whole, each once, and why others are not asked."""
    near = {link.network: link for link in reversed(list(here))}
    asked = [link for link in near.values() if any(link.network.subnet_of(one) for one in inside)]
    missed = [
        OutsideError("calling.partly", Reason.SCOPE, network=network)
        for network, link in near.items()
        if link not in asked and any(network.overlaps(one) for one in inside)
    ]
    if not asked and not missed:
        missed = [OutsideError("calling.elsewhere", Reason.SCOPE, networks=", ".join(map(str, inside)))]
    return sorted(asked, key=lambda link: link.network)[:MOST_LINKS], missed


def recorded(devices: Iterable[Device]) -> tuple[dict[str, str], set[str]]:
    """Address -> id of the devices that may be recorded, and the addresses of the others: of those that are
    left alone, and where two claim one, a card before none."""
    known = sorted(devices, key=lambda one: one.id)
    cards = {one.mac for one in known if one.left_alone and one.mac}
    alone = {one.address for one in known if one.left_alone or one.mac in cards}
    claims: dict[str, list[Device]] = {}
    for one in known:
        if ":" not in one.address:
            claims.setdefault(one.address, []).append(one)
    found = {}
    for address, claimed in claims.items():
        surest = [one for one in claimed if one.mac] or claimed
        if len(surest) == 1 and address not in alone:
            found[address] = surest[0].id
    return found, claims.keys() - found.keys()


def _note(audit: Audit, link: Link, group: Group, taken: Taken) -> None:
    """What was sent, and how much came; nothing where nothing left."""
    if taken.sent:
        audit.write(
            group.protocol,
            group.address,
            port=group.port,
            transport="udp",
            card=link.card,
            source=str(link.address),
            sent=taken.sent,
            ended=f"{len(taken.answers)} answers" + (", and no more taken" if taken.full else ""),
        )
