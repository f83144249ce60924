"""Which addresses on the internet are the practice's, and may be asked from outside tonight? Pure.

Who tells: the site file; a name that follows the address; a page that we asked from inside (`echo`); our own
server, from which address we arrived there (`vantage`); the internet box. What the box says can make us
silent and never make us ask: a box that lies, or a name that is out of date, would have us knock at a
stranger's. IPv4, where "-" is nobody, "other" another address of the internet, and the first row holds that
fits:

| site file | outside sees | name | box | A is | because |
|---|---|---|---|---|---|
| any | any | any | 100.64.0.1, 192.0.0.2 | not asked | cgnat |
| any | any | any | 10.0.0.1, 192.168.1.2 | not asked | double-nat |
| any | any | any | 0.0.0.0 | not asked | box-none |
| A | -, A, http A, page A | any | -, A, A and other | asked | |
| A | -, A, http A, page A | any | other | not asked | box-differs |
| A | other | any | any | not asked | static-elsewhere |
| other | A, http A, page A | any | any | not asked | undeclared |
| - | A | any | -, A, A and other | asked | |
| - | A | any | other | not asked | box-differs |
| - | page A | any | any | not asked | echo-differs |
| - | http A | any | other | not asked | box-differs |
| - | http A | -, other | -, A and other | not asked | echo-alone |
| - | http A | A | -, A, A and other | asked | |
| - | http A | -, other | A | asked | |
| - | - | A | A | asked | |
| - | - | A | - | not asked | name-alone |
| - | - | A | other, A and other | not asked | name-stale |
| other | - | A | any | not asked | name-stale |
| -, other | other | A | any | not asked | name-stale |
| -, other | -, other | -, other | A, A and other | not asked | box-alone |
| - | - | - | - | not known | unknown |

"outside sees A": our server does, or the page, asked over TLS; "page A": it says A, and our server sees
another; "http A": it says so in clear, where the box could have put its own words in.

A box that tells that its address is shared, and not which of its ports are ours, counts as one behind cgnat,
unless the site file names them (public_ports). A box of several connections agrees with what outside sees
where one of them has that address. The way out of `box-differs` and `double-nat` is the site file: a second
line is one more `public_addresses`, a router of the practice's own behind the box is `[address] box = false`.

IPv6 has no translation: the box, this machine and each device have addresses of their own, so none
contradicts another. What the site file names, or its `ipv6_networks` hold, is asked; where it names nothing,
what outside sees of us; a name or a box needs another that agrees.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from netwatch.errors import OutsideError
from netwatch.model import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from netwatch.portset import PortSet

    Internet = IPv4Address | IPv6Address
    Objection = tuple[str, Mapping[str, Collection[object]]]  # the row's word, and who contradicts

SITE, VANTAGE, ECHO, ECHO_IN_CLEAR, NAME, BOX = SOURCES = (
    "site-file",
    "vantage",
    "echo",
    "echo-in-clear",
    "name",
    "box",
)
OUTSIDE = (VANTAGE, ECHO)  # our own packets left from there: each is enough
SEES = (*OUTSIDE, ECHO_IN_CLEAR)  # of the last, the box could have put its own words in
WEAK = (ECHO_IN_CLEAR, NAME, BOX)  # two of them that agree are enough
CGNAT = (IPv4Network("100.64.0.0/10"), IPv4Network("192.0.0.0/24"))  # RFC 6598; RFC 6333, DS-Lite
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")))
# Global by their form, and yet others': 6to4 and NAT64 hold somebody's IPv4 address; 6to4's relays.
PASSAGES = (IPv6Network("2002::/16"), IPv6Network("64:ff9b::/96"), IPv4Network("192.88.99.0/24"))


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody told an address. `source`: a word of SOURCES. `via`: which of several, such as `upnp`.
    `shared`: they add that it is others', too, and not which of its ports are ours."""

    source: str
    address: Internet
    at: datetime
    via: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """One that may be asked. `sources`: on whose word, in the order of SOURCES. `at`: when that was last
    told; None where the site file alone says so."""

    address: Internet
    sources: tuple[str, ...]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One that may not. `sentence`: an id of words/address.*.toml. `address`: None where none is known."""

    address: Internet | None
    sentence: str
    details: Mapping[str, str] = field(default_factory=dict)

    def error(self) -> OutsideError:
        """As the error that becomes a Failure."""
        return OutsideError(self.sentence, Reason.UNPROVED, **self.details)


@dataclass(frozen=True, slots=True)
class Ours:
    """What may be asked tonight, and what may not and why. `nat`: `cgnat`, `double-nat`, `box-none`, or None.

    `shared`: its IPv4 address is others', too: only its own ports are asked, or nothing.
    """

    addresses: tuple[Address, ...]
    refused: tuple[Refusal, ...]
    nat: str | None = None
    shared: bool = False

    @property
    def cgnat(self) -> bool:
        """Does the provider put several customers behind one address?"""
        return self.nat == "cgnat"

    @property
    def double_nat(self) -> bool:
        """Does the box stand behind another one?"""
        return self.nat == "double-nat"

    def __contains__(self, address: object) -> bool:
        """May it be asked?"""
        return any(one.address == address for one in self.addresses)


def told(source: str, text: str, at: datetime, via: str = "") -> Told | None:
    """What somebody wrote, as an address; None where it is none. `::ffff:192.0.2.1` is IPv4."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return None
        address = address.ipv4_mapped or address
    return Told(source, address, at, via)


def is_public(address: Internet) -> bool:
    """Can it be one customer's on the internet?"""
    special = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return address.is_global and not special and not any(address in one for one in PASSAGES)


def decide(
    declared: Iterable[Internet],
    statements: Iterable[Told],
    networks: Iterable[IPv4Network | IPv6Network] = (),
    public_ports: PortSet | None = None,
) -> Ours:
    """By the table above. `declared`: public_addresses of the site file; `networks`: its ipv6_networks (those
    of IPv4 are private, and say nothing). The order in which things were told makes no difference."""
    told = tuple(statements if public_ports is None else (replace(one, shared=False) for one in statements))
    case = _Case(frozenset(declared), told, tuple(networks))
    addresses, refused = list[Address](), list[Refusal]()
    for address in case.candidates():
        if refusal := case.against(address):
            refused.append(refusal)
        else:
            addresses.append(Address(address, case.sources(address), case.at(address)))
    if not any(isinstance(one, IPv4Address) for one in case.candidates()):
        refused.append(case.hidden() or Refusal(None, "address.unknown"))
    return Ours(
        tuple(addresses), tuple(refused), case.nat, shared=public_ports is not None or case.nat == "cgnat"
    )


class _Case:
    """What there is to decide upon."""

    def __init__(
        self,
        declared: frozenset[Internet],
        statements: tuple[Told, ...],
        networks: tuple[IPv4Network | IPv6Network, ...],
    ) -> None:
        self.declared, self.statements, self.networks = declared, statements, networks
        by_box = {one.address for one in statements if one.source == BOX}
        self.behind = {one for one in by_box if isinstance(one, IPv4Address) and not is_public(one)}
        self.shared = {one.address for one in statements if one.source == BOX and one.shared}
        self.nat = self._nat(by_box)

    def _nat(self, by_box: set[Internet]) -> str | None:
        """How the box is hidden from the internet, worst first. An idle connection of one that has another
        tells 0.0.0.0, which hides nothing."""
        if any(one in network for one in self.behind for network in CGNAT) or self.shared:
            return "cgnat"
        if any(one in network for one in self.behind for network in PRIVATE):
            return "double-nat"
        public = any(isinstance(one, IPv4Address) and is_public(one) for one in by_box)
        return "box-none" if self.behind and not public else None

    def by(self, *sources: str, like: Internet) -> set[Internet]:
        """What these told of the same family, of the internet."""
        return {
            one.address
            for one in self.statements
            if one.source in sources and one.address.version == like.version and is_public(one.address)
        }

    def candidates(self) -> list[Internet]:
        """Every address in question, in order; what the box told of no internet is no candidate."""
        named = {one.address for one in self.statements if one.source != BOX or is_public(one.address)}
        return sorted(self.declared | named, key=lambda one: (one.version, int(one)))

    def sources(self, address: Internet) -> tuple[str, ...]:
        """Who says so."""
        own = address in self.declared or self._held(address)
        says = {one.source for one in self.statements if one.address == address}
        return tuple(one for one in SOURCES if one in says or (one == SITE and own))

    def at(self, address: Internet) -> datetime | None:
        """When it was last told."""
        return max((one.at for one in self.statements if one.address == address), default=None)

    def hidden(self) -> Refusal | None:
        """How the box is hidden, where there is no address to say it of."""
        return (
            Refusal(None, f"address.{self.nat}", {"box": _list(self.behind or self.shared)})
            if self.nat
            else None
        )

    def against(self, address: Internet) -> Refusal | None:
        """Why it is not asked, or nothing."""
        if not is_public(address):
            return Refusal(address, "address.not-public")
        reason = self._ipv6(address) if isinstance(address, IPv6Address) else self._ipv4(address)
        if reason is None:
            return None
        sentence, others = reason
        return Refusal(address, f"address.{sentence}", {name: _list(told) for name, told in others.items()})

    def _ipv4(self, address: Internet) -> Objection | None:
        """The rows of the table: the first three, then by who tells it."""
        if self.nat:
            return self.nat, {"box": self.behind or self.shared}
        own = {one for one in self.declared if one.version == address.version}
        seen, box, says = self.by(*SEES, like=address), self.by(BOX, like=address), self.sources(address)
        if SITE in says:
            if seen and not seen & own:
                return "static-elsewhere", {"seen": seen}
            return ("box-differs", {"box": box}) if box and not box & own else None
        if set(SEES) & set(says):
            return ("undeclared", {"declared": own}) if own else self._seen(address, says, box)
        known = (own or seen or box) - {address}
        if NAME in says and known:
            return "name-stale", {"seen": known}
        return None if self._agreed(says, box) else ("name-alone" if NAME in says else "box-alone", {})

    def _seen(self, address: Internet, says: tuple[str, ...], box: set[Internet]) -> Objection | None:
        """Somebody outside tells it, and the site file none."""
        server = self.by(VANTAGE, like=address)
        if server and address not in server:
            return "echo-differs", {"seen": server}
        if box and address not in box:
            return "box-differs", {"box": box}
        return None if set(OUTSIDE) & set(says) or self._agreed(says, box) else ("echo-alone", {})

    def _ipv6(self, address: Internet) -> Objection | None:
        """Nobody contradicts; but where the site file names addresses or networks, it means all of them."""
        says, box = self.sources(address), self.by(BOX, like=address)
        if SITE in says or self._agreed(says, box):
            return None
        own = [one for one in (*self.declared, *self.networks) if one.version == address.version]
        if set(OUTSIDE) & set(says):
            return ("undeclared", {"declared": own}) if own else None
        return ("echo" if ECHO_IN_CLEAR in says else says[0]) + "-alone", {}

    def _agreed(self, says: tuple[str, ...], box: set[Internet]) -> bool:
        """Do two of those agree whose word alone is not enough? A box that names two addresses counts not."""
        return len([one for one in says if one in WEAK and (one != BOX or len(box) == 1)]) > 1

    def _held(self, address: Internet) -> bool:
        """Is it in a network of the site file?"""
        return any(address in network for network in self.networks)


def _list(addresses: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, addresses)))
