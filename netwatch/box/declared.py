"""What did a person see on the box's pages, and when? For every box whose interface we do not speak.

A Declaration is a statement of somebody's, with a name and a date: it is kept as such and never counted as
measured. A page that could not be seen is unknown, which is not the same as a page that was empty.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from netwatch.box.talk import LAST_PORT, address, number, table
from netwatch.box.telling import MOST_FORWARDS, TCP, UDP, forward_facts, listing
from netwatch.errors import ConfigError
from netwatch.model import Observation, Vantage
from netwatch.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.model import Fact, Target

NAME = "declared"
VERSION = 1
BOTH = "both"
# RFC 1918, and RFC 4193 for IPv6.
PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
NAMED = 100  # characters of a name
LARGEST = 200_000  # characters of a stored declaration
# 8104/tcp=192.168.1.20:11112, 8000-8010/udp=192.168.1.30; without a protocol, TCP.
FORWARD = re.compile(
    r"(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?(?:/(?P<transport>tcp|udp|both))?"
    r"=(?P<to>[0-9.]{7,15})(?::(?P<port>\d{1,5}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Forward:
    """External ports that lead to a device. `transport`: tcp, udp or both. `to_port`: the first's."""

    transport: str
    first: int
    last: int
    to_address: str
    to_port: int

    @classmethod
    def parse(cls, text: str) -> Forward:
        """`8104/tcp=192.168.1.20:11112`, which leads inside. Raises ConfigError."""
        found = FORWARD.fullmatch(text.strip().lower())
        given = found.groupdict() if found else {}
        first = given.get("first")
        made = _forward([
            given.get("transport") or TCP,
            first,
            given.get("last") or first,
            given.get("to"),
            given.get("port") or first,
        ])  # fmt: skip
        if made is None:
            raise ConfigError("box.not-a-forward", text=plain(text, 60) or "")
        inside(made.to_address)
        return made

    def __str__(self) -> str:
        """As it can be typed."""
        ports = f"{self.first}-{self.last}" if self.last > self.first else str(self.first)
        return f"{ports}/{self.transport}={self.to_address}:{self.to_port}"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the pages showed. None: that page was not seen, or not found. `dmz`: "" where it was off."""

    by: str
    on: date
    forwards: tuple[Forward, ...] | None = None
    dmz: str | None = None
    upnp: bool | None = None
    ipv6_firewall: bool | None = None

    @property
    def empty(self) -> bool:
        """Does it say nothing at all?"""
        return all(page is None for page in (self.forwards, self.dmz, self.upnp, self.ipv6_firewall))

    def to_text(self) -> str:
        """As it is stored: JSON."""
        rules = self.forwards
        told = {
            "version": VERSION,
            "by": self.by,
            "on": self.on.isoformat(),
            "forwards": None
            if rules is None
            else [[one.transport, one.first, one.last, one.to_address, one.to_port] for one in rules],
            "dmz": self.dmz,
            "upnp": self.upnp,
            "ipv6_firewall": self.ipv6_firewall,
        }
        return json.dumps(told, ensure_ascii=False)


def parse(text: str | None) -> Declaration | None:
    """What `to_text` wrote; None where nothing is declared, or no longer. Raises ConfigError."""
    if not text:
        return None
    try:
        told = table(json.loads(text if len(text) <= LARGEST else ""))
        return _declaration(told)
    except (ValueError, RecursionError):
        raise ConfigError("box.declaration-damaged") from None


def _declaration(told: Mapping[str, object]) -> Declaration:
    """Raises ValueError."""
    by, rules, dmz = told.get("by"), told.get("forwards"), told.get("dmz")
    name = plain(by, NAMED) if isinstance(by, str) else None
    if told.get("version") != VERSION or name is None:
        raise ValueError
    forwards = None
    if rules is not None:
        found = [_forward(one) for one in rules] if isinstance(rules, list) else [None]
        forwards = tuple(one for one in found if one is not None)
        if len(forwards) < len(found) or len(found) > MOST_FORWARDS:
            raise ValueError
    if dmz is not None and dmz != "" and address(dmz) != dmz:
        raise ValueError
    return Declaration(
        by=name,
        on=date.fromisoformat(str(told.get("on"))),
        forwards=forwards,
        dmz=None if dmz is None else str(dmz),
        upnp=_truth(told.get("upnp")),
        ipv6_firewall=_truth(told.get("ipv6_firewall")),
    )


def _truth(value: object) -> bool | None:
    """Raises ValueError."""
    if value is None or isinstance(value, bool):
        return value
    raise ValueError


def _forward(given: object) -> Forward | None:
    """[transport, first, last, to_address, to_port]; None where these make no forward."""
    if not isinstance(given, list) or len(given) != 5:  # noqa: PLR2004 - as many as it has
        return None
    transport, *rest = given
    first, last, to_port = (number(rest[place], 1, LAST_PORT) for place in (0, 1, 3))
    to = address(rest[2])
    if not isinstance(transport, str) or transport not in {TCP, UDP, BOTH} or to is None:
        return None
    if first is None or last is None or to_port is None or first > last or to_port + last - first > LAST_PORT:
        return None
    return Forward(transport, first, last, to, to_port)


def inside(text: str) -> str:
    """The address of a device of the practice, to which a forward or the DMZ may lead. Raises ConfigError."""
    found = address(text)
    if found is None:
        raise ConfigError("box.not-an-address")
    if not any(ip_address(found) in network for network in PRIVATE):
        raise ConfigError("box.not-inside", address=found)
    return found


def observations(declaration: Declaration, box: Target) -> list[Observation]:
    """As statements of that person's, dated that day. `box`: its device id and its address."""

    def said(protocol: str, facts: Mapping[str, Fact], port: int = 0, transport: str = TCP) -> Observation:
        return Observation(
            probe=NAME,
            vantage=Vantage.DECLARED,
            device=box.device,
            address=box.address,
            port=port,
            protocol=protocol,
            facts={**facts, "by": declaration.by},
            seen_at=datetime.combine(declaration.on, time(), UTC),
            transport=transport,
        )

    told = []
    for one in declaration.forwards or ():
        leads = forward_facts((one.first, one.last), one.to_address, one.to_port)
        rule = {**leads, "enabled": True, "permanent": True, "comment": None, "source": None}
        transports = (TCP, UDP) if one.transport == BOTH else (one.transport,)
        told += [said("forward", rule, one.first, transport) for transport in transports]
    if declaration.forwards is not None:
        told.append(said("listing", {"listing": listing(whole=True), "count": len(told)}))
    if declaration.dmz is not None:
        told.append(said("dmz", {"to_address": declaration.dmz or None, "enabled": bool(declaration.dmz)}))
    if declaration.upnp is not None:
        told.append(said("upnp", {"enabled": declaration.upnp}))
    if declaration.ipv6_firewall is not None:
        told.append(said("ipv6-firewall", {"enabled": declaration.ipv6_firewall}))
    return told
