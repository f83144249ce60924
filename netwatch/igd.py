"""What does the internet box say that it lets in? UPnP IGD: WANIPConnection 1 and 2, WANPPPConnection 1,
WANIPv6FirewallControl 1.

Entries are asked one by one until the box says that there are no more (713), and where it has the newer
action, all at once as well: the two may disagree, and then both are believed. Where it stops: a box lists
what was asked for through UPnP, not the rules of its own web page and not its DMZ; an empty list teaches
nothing.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwatch import ssdp
from netwatch.errors import ScopeError
from netwatch.model import Reason
from netwatch.plain import common
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.soap import ENTRY, EXTERNAL, FIREWALL, LIST, Refused, Talk
from netwatch.ssdp import Service, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from netwatch.ssdp import Description, Place
    from netwatch.way import Way

CONNECTIONS = ("WANIPConnection:1", "WANIPConnection:2", "WANPPPConnection:1")
LISTS, WALL = "WANIPConnection:2", "WANIPv6FirewallControl:1"
WANTED = (*CONNECTIONS, WALL)

ENDS = {713, 714}  # index invalid, no such entry: the end of the list
NONE_FOUND = 730  # WANIPConnection:2 2.5.21: no mapping in this range
LARGEST = 65_535  # port
ODD = 3  # entries that repeat, or that nobody can read: then the list is given up
# What ends the whole question, and not only the service that it befell.
STOPS = {Reason.TIMEOUT, Reason.REFUSED, Reason.UNFINISHED, Reason.SCOPE}
YES, NO = {"1", "true", "yes"}, {"0", "false", "no"}


NONE = "0.0.0.0"  # noqa: S104 - what a box without an address tells


@dataclass(frozen=True, slots=True)
class Forward:
    """A port that the box lets in. `port` 0: every port that nothing else is said of. `to_address`: None
    where it is no address. `permanent`: until somebody removes it. `source`: who alone may come in; None:
    everybody; `unknown`: somebody whom we cannot name."""

    port: int
    transport: str
    to_address: str | None
    to_port: int | None
    source: str | None
    enabled: bool | None = field(compare=False)
    permanent: bool | None = field(compare=False)
    comment: str | None = field(compare=False)


@dataclass(slots=True)
class Listing:
    """What a service says that it forwards. `state`: `whole`, `empty` or `cut`; `code`: UPnP's number where
    it refused. `agree`: do its two lists say the same? None: there was only one. `odd`: entries left out."""

    forwards: dict[Forward, None] = field(default_factory=dict)
    state: str = "cut"
    code: int | None = None
    agree: bool | None = None
    odd: int = 0
    repeats: bool = False


@dataclass(slots=True)
class Told:
    """All that a box said. `trouble`: what went wrong first, after which the rest is told all the same.
    `firewall`: is the one for IPv6 on, and does it let devices open ports?"""

    descriptions: list[Description] = field(default_factory=list)
    addresses: dict[str, None] = field(default_factory=dict)
    listings: list[Listing] = field(default_factory=list)
    firewall: tuple[bool, bool | None] | None = None
    trouble: ProbeError | None = None

    @property
    def over(self) -> bool:
        """Is nothing more to be asked?"""
        return self.trouble is not None and self.trouble.reason in STOPS

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Keep what goes wrong inside."""
        try:
            yield
        except ProbeError as error:
            self.trouble = self.trouble or error
        except OtherProtocol:
            self.trouble = self.trouble or ProbeError(Reason.PROTOCOL, "no HTTP at the box's LOCATION")
        except ScopeError as error:
            self.trouble = self.trouble or ProbeError(Reason.SCOPE, str(error))


def read(  # noqa: PLR0913 - whom, and within which bounds
    way: Way, address: str, at: Iterable[Place], *, patience: float, most: int, seconds: float
) -> Told:
    """What the box says, at each of these descriptions. Raises nothing that a box can cause.

    `patience`: seconds for an answer; `most`: entries of a list; `seconds`: for all of it.
    """
    told, asked = Told(), set[Service]()
    with Talk(way, address, patience, time.monotonic() + seconds).held() as talk:
        for place in at:
            services: tuple[Service, ...] = ()
            with told.noted():
                found = ssdp.description(talk.page(place), address, place, WANTED)
                told.descriptions.append(found)
                services = tuple(one for one in found.services if one not in asked)
                asked |= set(services)
            for service in services:
                if not told.over:
                    with told.noted():
                        _ask(talk, service, told, most)
            if told.over:
                break
    return told


def _ask(talk: Talk, service: Service, told: Told, most: int) -> None:
    """Everything that this service can tell."""
    if service.kind == WALL:
        said = _or_nothing(lambda: talk.call(service, FIREWALL))
        on = _yes(said.get("FirewallEnabled", ""))
        if on is not None:
            told.firewall = (on, _yes(said.get("InboundPinholeAllowed", "")))
        return
    said = _or_nothing(lambda: talk.call(service, EXTERNAL))
    given = said.get("NewExternalIPAddress")
    # Behind its provider's translation a box may have nothing to tell, and says so (measured, miniupnpd).
    outside = NONE if given is not None and given.strip() in {"", NONE} else _address(given or "")
    if outside is not None:
        told.addresses[outside] = None
    listing = Listing()
    told.listings.append(listing)  # before it is asked for: what came of one that fails is told
    _by_index(talk, service, listing, most)
    if service.kind == LISTS:
        _all_at_once(talk, service, listing)


def _or_nothing(call: Callable[[], dict[str, str]]) -> dict[str, str]:
    try:
        return call()
    except Refused:
        return {}


def _by_index(talk: Talk, service: Service, listing: Listing, most: int) -> None:
    """Entry after entry. WANIPConnection:1 2.4.14."""
    for index in range(most):
        try:
            found = forwards(talk.call(service, ENTRY, index))
        except Refused as no:
            ended = no.code in ENDS and not listing.odd
            listing.state = "cut" if not ended else "whole" if listing.forwards else "empty"
            listing.code = None if no.code in ENDS else no.code
            return
        except ProbeError as error:
            if error.reason is not Reason.PROTOCOL:
                raise
            found = ()  # this entry cannot be read; the next one may
        again = bool(found) and all(one in listing.forwards for one in found)
        listing.repeats |= again
        listing.odd += again or not found
        if listing.odd >= ODD:
            return
        listing.forwards |= dict.fromkeys(found)


def _all_at_once(talk: Talk, service: Service, listing: Listing) -> None:
    """The list of IGD 2; what is in one list only is believed. WANIPConnection:2 2.5.21."""
    found: dict[Forward, None] = {}
    for transport in ("TCP", "UDP"):
        try:
            said = talk.call(service, LIST, 0, LARGEST, transport, 1, 0)
            rows = ssdp.elements(ssdp.xml(said.get("NewPortListing", "").encode()), "PortMappingEntry")
        except Refused as no:
            if no.code != NONE_FOUND:
                return
            rows = []
        except ProbeError as error:
            if error.reason is not Reason.PROTOCOL:
                raise
            return
        found |= dict.fromkeys(one for row in rows for one in forwards(ssdp.values(row)))
    listing.agree = found.keys() == listing.forwards.keys()
    listing.forwards |= found
    if listing.state == "empty" and found:
        listing.state = "whole"


def forwards(said: Mapping[str, str]) -> tuple[Forward, ...]:
    """The forwards of an entry: one, two where it is for TCP and UDP, none where it cannot be read."""
    port = number(said.get("NewExternalPort", ""), LARGEST)
    spoken = said.get("NewProtocol", "").upper()
    if port is None:
        return ()
    lease = number(said.get("NewLeaseDuration", said.get("NewLeaseTime", "")), 2**32 - 1)
    only = said.get("NewRemoteHost", "")
    words = said.get("NewPortMappingDescription", said.get("NewDescription", ""))
    return tuple(
        Forward(
            port=port,
            transport=transport.lower(),
            to_address=_address(said.get("NewInternalClient", "")),
            to_port=number(said.get("NewInternalPort", ""), LARGEST),
            source=None if only in {"", "*", "0.0.0.0", "::"} else _address(only) or "unknown",  # noqa: S104
            enabled=_yes(said.get("NewEnabled", "")),
            permanent=None if lease is None else lease == 0,
            comment=common(words, 60),
        )
        for transport in ("TCP", "UDP")
        if transport in spoken or spoken in {"BOTH", "ANY", "ALL"}
    )


def _yes(text: str) -> bool | None:
    return True if text.lower() in YES else False if text.lower() in NO else None


def _address(text: str) -> str | None:
    """An address that a machine can have."""
    try:
        told = ip_address(text)
    except ValueError:
        return None
    return None if told.is_unspecified or told.is_multicast or "%" in text else str(told)
