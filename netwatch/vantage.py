"""Does the server that we ask from stand outside the practice? Pure: the evidence is handed over.

Where it stops: evidence is as good as what is known of the practice's own addresses tonight. A hoster that
sends the server's traffic back into the practice by a tunnel of its own is not found out.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from netwatch.errors import OutsideError
from netwatch.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
SITE = 56  # bits: what one customer is given at least, as a rule (RFC 6177 2); a /64 is one of its networks


def outside(
    peer: str | None,
    seen_from: str | None,
    told_by_echo: str | None,
    ours: Iterable[object],
    networks: Iterable[object],
) -> None:
    """Return where it is proved that the server is outside. Raises OutsideError: "vantage.not-outside" where
    something says that it is not, "vantage.unproved" where nothing says that it is. Reason.UNPROVED both.

    `peer`: the server's address as we reach it; None: this machine itself stands outside, and only a page can
    tell. `seen_from`: our address, as the server sees us; None: not told. `told_by_echo`: the server's, as a
    page told that was asked through it; None: not asked, or no answer. `ours`: the practice's addresses on
    the internet, as of tonight. `networks`: the site's own. Both may be text.

    Ours are those, and `seen_from` where it is public: we are in the practice. "At home" is an address of
    ours, one in the same IPv6 /56, one of the site's networks, or this machine and its cable. "Elsewhere" is
    a public address that is not at home, where one of ours of the same IP version is known to compare it
    with.

    | `told_by_echo` | `peer`    | `seen_from`                     | verdict     |
    |----------------|-----------|---------------------------------|-------------|
    | at home        | any       | any                             | not outside |
    | any            | at home   | any                             | not outside |
    | any            | any       | private, of the site's networks | not outside |
    | elsewhere      | not home  | else                            | proved      |
    | private        | any       | any                             | unproved    |
    | else           | elsewhere | public, or not told             | proved      |
    | else           | elsewhere | private                         | unproved    |
    | else           | private, or none | any                      | unproved    |
    | else           | public, nothing to compare it with | any    | unproved    |
    """
    reached, seen, echo = (ip_address(text) if text else None for text in (peer, seen_from, told_by_echo))
    known = {*(ip_address(str(one)) for one in ours), *({seen} if seen and seen.is_global else ())}
    within = [ip_network(str(one)) for one in networks]
    which = "" if reached else "-here"
    for address in (echo, reached):
        if address is not None and _at_home(address, known, within):
            raise OutsideError("vantage.not-outside" + which, Reason.UNPROVED, address=str(address))
    if seen is not None and not seen.is_global and _within(seen, within):
        raise OutsideError("vantage.not-outside", Reason.UNPROVED, address=str(seen))
    if echo is not None and _elsewhere(echo, known, within):
        return
    visible = seen is None or seen.is_global
    if visible and (echo is None or echo.is_global) and reached and _elsewhere(reached, known, within):
        return
    raise OutsideError("vantage.unproved" + which, Reason.UNPROVED, address=str(reached))


def _at_home(address: Address, known: Iterable[Address], networks: Iterable[Network]) -> bool:
    """Is it an address of the practice, or of this machine?"""
    if address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast:
        return True
    return _within(address, networks) or any(_same(address, one) for one in known)


def _elsewhere(address: Address, known: Iterable[Address], networks: Iterable[Network]) -> bool:
    """A public address, with something of ours to compare it with. That it is not at home is known."""
    ours = [*known, *(one for one in networks if one.is_global)]
    return address.is_global and any(one.version == address.version for one in ours)


def _same(one: Address, other: Address) -> bool:
    """The same, or in IPv6 of the same network."""
    if one.version == 6 and other.version == 6:  # noqa: PLR2004
        return one in ip_network((other, SITE), strict=False)
    return one == other


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)  # another version's is simply not in it
