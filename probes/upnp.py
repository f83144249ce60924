"""What does the internet box let in, and may any device ask it to let in more? UPnP IGD 1 and 2, over SSDP.

The box alone is asked, first by itself and, where it stays mute, through SSDP's multicast group. It says what
it is, its address on the internet, which ports it forwards at the request of devices, and whether its
firewall for IPv6 is on; every action is one that reads (soap.py). Where it stops: the forwards that somebody
typed into the box's own page, and its DMZ, are not in this list. That no forward is in it proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch import igd, ssdp
from netwatch.errors import ScopeError
from netwatch.model import Reason, Vantage
from netwatch.probe import PortClosed, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.igd import Forward, Told
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.ssdp import Reply
    from netwatch.way import Way

PORT = 1900
ALL = 0  # the external port that stands for all of them: a DMZ. WANIPConnection:1 2.2.17
PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))


@dataclass(frozen=True, slots=True)
class Upnp:
    """A search, the description, and what the box tells. `timeout`: seconds for the answer to a search;
    `patience`: for each answer after it; `seconds`: for all of them; `most`: forwards that are listed."""

    name: ClassVar[str] = "upnp"
    manner: ClassVar[str] = "upnp"
    usual: ClassVar[tuple[int, ...]] = ()
    timeout: Annotated[float, Ge(0.5), Le(60)] = 3.0
    patience: Annotated[float, Ge(0.5), Le(60)] = 5.0
    seconds: Annotated[float, Ge(10), Le(600)] = 120.0
    most: Annotated[int, Ge(1), Le(5000)] = 512

    def wants(self, target: Target) -> tuple[int, ...]:  # noqa: ARG002 - UDP: whatever is open
        """Port 1900. Only a box may be asked a question of this manner."""
        return (PORT,)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """The service first, then what it tells; then what went wrong."""
        replies = self._found(target.address, port, egress)
        places = dict.fromkeys(one.location for one in replies if one.location)
        told = igd.read(
            egress, target.address, places, patience=self.patience, most=self.most, seconds=self.seconds
        )
        yield target.observed(self.name, port, "upnp", _service(replies, told), transport="udp")
        for protocol, at, transport, facts in _said(told):
            seen = target.observed(self.name, at, protocol, facts, transport=transport)
            yield replace(seen, vantage=Vantage.BOX)
        if told.trouble:
            raise told.trouble
        if not places:
            raise ProbeError(Reason.PROTOCOL, "LOCATION leads elsewhere than to the box: not followed")

    def _found(self, address: str, port: int, egress: Way) -> list[Reply]:
        """What it answers to each search: both versions, by itself, else through the group."""
        troubles: list[ProbeError] = []
        for to_group in (False, True):
            replies = []
            for version in ssdp.GATEWAYS:
                try:
                    told = egress.ask(
                        address,
                        port,
                        ssdp.search(version),
                        f"M-SEARCH for a gateway of version {version}",
                        patience=self.timeout,
                        any_port=True,
                        to_group=to_group,
                    )
                    replies.append(ssdp.reply(told, address))
                except PortClosed as closed:
                    troubles.append(closed)
                    break
                except ProbeError as error:
                    if error.reason is Reason.UNFINISHED:
                        raise
                    troubles.append(error)
                except ScopeError as refused:
                    troubles.append(ProbeError(Reason.SCOPE, str(refused)))
                    break
            if replies:
                return replies
        raise min(troubles, key=_weight)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """That any device may open a port is one thing; each port that is open is another."""
        on = seen.facts.get("enabled")
        if seen.protocol == "upnp" and on is True:
            yield seen.finding("upnp-on")
        elif seen.protocol == "dmz" and on is not False:
            yield seen.finding("upnp-everything")
        elif seen.protocol == "forward" and on is not False:
            if _strange(seen.facts.get("to_address")):
                yield seen.finding("upnp-forward-stranger")
            else:
                yield seen.finding("upnp-forward")


def _weight(trouble: ProbeError) -> int:
    """What tells most comes first: an answer of another kind, a closed port, then silence."""
    if isinstance(trouble, PortClosed):
        return 1
    return {Reason.MUTE: 2, Reason.SCOPE: 3}.get(trouble.reason, 0)


def _service(replies: list[Reply], told: Told) -> Facts:
    """`igd`: the version of the gateway; `lies`: of what it says, what cannot be."""
    # In an answer a box may repeat what it was asked for (measured, miniupnpd): its description knows better.
    versions = [one.gateway for one in told.descriptions if one.gateway]
    versions = versions or [one.gateway for one in replies if one.gateway]
    about = told.descriptions[0] if told.descriptions else None
    lies = {
        "location": any(one.location is None for one in replies),
        "control": any(one.elsewhere for one in told.descriptions),
        "listing": any(one.repeats for one in told.listings),
    }
    return {
        "enabled": True if versions else None,
        "igd": max(versions, default=None),
        "maker": about.maker if about else None,
        "product": about.product if about else None,
        "version": about.firmware if about else None,
        "software": next((one.software for one in replies if one.software), None),
        "mappings": len(_all(told)) if told.listings else None,
        "lies": ", ".join(word for word, found in lies.items() if found) or None,
    }


def _said(told: Told) -> Iterator[tuple[str, int, str, Facts]]:
    """(protocol, port, transport, facts) of all that the box says of itself."""
    for address in told.addresses:
        yield "wan", 0, "tcp", {"address": address, "via": "upnp"}
    if told.firewall is not None:
        on, pinholes = told.firewall
        yield "ipv6-firewall", 0, "tcp", {"enabled": on, "pinholes": pinholes}
    yield from _forwards(_all(told))
    if told.listings:
        yield "listing", 0, "tcp", _listing(told)


def _all(told: Told) -> list[Forward]:
    """The forwards of all services, each once."""
    return list(dict.fromkeys(one for listing in told.listings for one in listing.forwards))


def _forwards(found: list[Forward]) -> Iterator[tuple[str, int, str, Facts]]:
    """One for each port and transport: where it has several, the widest of them. `count`: how many."""
    by_door: dict[tuple[int, str], list[Forward]] = {}
    for one in sorted(found, key=lambda one: (one.enabled is False, one.source is not None)):
        by_door.setdefault((one.port, "tcp" if one.port == ALL else one.transport), []).append(one)
    for (port, transport), several in by_door.items():
        widest = several[0]
        facts: Facts = {"to_address": widest.to_address, "enabled": widest.enabled}
        more: Facts = {
            "to_port": widest.to_port,
            "permanent": widest.permanent,
            "comment": widest.comment,
            "source": widest.source,
            "count": len(several),
        }
        yield ("dmz", port, transport, facts) if port == ALL else ("forward", port, transport, facts | more)


def _listing(told: Told) -> Facts:
    """How complete the lists were, all services together."""
    agree = [one.agree for one in told.listings if one.agree is not None]
    return {
        "listing": _complete(told),
        "mappings": len(_all(told)),
        "agree": all(agree) if agree else None,
        "code": next((one.code for one in told.listings if one.code), None),
        "unreadable": sum(one.odd for one in told.listings),
    }


def _complete(told: Told) -> str:
    """`whole`, `cut`, or `empty`: nothing learnt. An idle service beside a whole one may refuse; one that
    breaks off in the middle hides something."""
    states = {one.state for one in told.listings}
    broke = any(one.state == "cut" and (one.forwards or one.odd or not one.code) for one in told.listings)
    if broke or told.over:
        return "cut"
    if "whole" in states:
        return "whole"
    return "cut" if "cut" in states else "empty"


def _strange(told: object) -> bool:
    """Is this address on nobody's own network? One that could not be read is not judged."""
    if not isinstance(told, str):
        return False
    try:
        address = ip_address(told)
    except ValueError:
        return False
    return not any(address in network for network in PRIVATE)


PROBE: ProbeFactory = Upnp
