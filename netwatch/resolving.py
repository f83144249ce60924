"""What does the practice's own resolver call its devices? One PTR question for each, one after the other.

DHCP's names are told by the box or by a server of the practice. Only such a resolver is asked: one that this
machine asks itself (/etc/resolv.conf), or the internet box, where it is a device of the site's networks that
is seen tonight and whose class may be asked. A resolver elsewhere would learn which addresses the practice
has: it is never asked. Where it stops: the first that answers is believed for all, and of a name that several
devices have nothing is kept.
"""

from __future__ import annotations

import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch import ptr
from netwatch.errors import ScopeError
from netwatch.kernel import table
from netwatch.model import Reason
from netwatch.probe import PortClosed, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.scope import Scope
    from netwatch.way import Way

DNS = "dns"  # in the audit log, and in what is told
MANNER = "names"
# What this machine asks; where that is a program of its own, systemd-resolved, whom that one asks.
FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
PATIENCE = 2.0  # seconds for an answer
MOST = 256  # names
MUTE = 3  # questions without an answer after which a resolver is left, unless it has answered before
MOST_MUTE = 12  # and if it has


@dataclass(slots=True)
class Resolved:
    """Device id -> its name. `asked`: a resolver was; `missed`: why another was not."""

    names: Mapping[str, str] = field(default_factory=dict)
    asked: bool = False
    missed: list[ScopeError] = field(default_factory=list)


def resolvers(scope: Scope, gateway: str | None, files: Iterable[Path] = FILES) -> tuple[str, ...]:
    """Those that stand in the site's networks and are not excluded, in the order to ask them."""
    told = [*_nameservers(files), *([gateway] if gateway else [])]
    inside = (one for one in told if any(IPv4Address(one) in network for network in scope.covered()))
    return tuple(dict.fromkeys(inside))


def _nameservers(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        with suppress(OSError):
            for line in table(file):
                words = line.split()
                if words[:1] == ["nameserver"] and len(words) > 1:
                    with suppress(ValueError):
                        yield str(IPv4Address(words[1]))


def resolve(way: Way, asked: Iterable[str], known: Mapping[str, str]) -> Resolved:
    """What the first of these resolvers that answers calls these devices. `known`: address -> id."""
    told = Resolved()
    for resolver in asked:
        try:
            names = _names(way, resolver, list(known)[:MOST])
        except ScopeError as error:
            told.missed.append(error)
            continue
        if names is not None:
            common = Counter(name.lower() for name in names.values())
            told.names = {known[at]: name for at, name in names.items() if common[name.lower()] == 1}
            told.asked = True
            break
    return told


def _names(way: Way, resolver: str, addresses: Iterable[str]) -> dict[str, str] | None:
    """Address -> name; None where no resolver is there."""
    found: dict[str, str] = {}
    answered, recursive, mute = False, False, 0
    for one in addresses:
        number, address = secrets.randbelow(0x10000), IPv4Address(one)
        try:
            answer = _answer(way, resolver, address, number, recursive=recursive)
            if not recursive and ptr.refused(answer, number):
                recursive = True
                answer = _answer(way, resolver, address, number, recursive=True)
        except PortClosed:
            break
        except ProbeError as error:
            mute += 1
            if error.reason is Reason.UNFINISHED or mute >= (MOST_MUTE if answered else MUTE):
                break
            continue
        answered = True
        if name := ptr.name(answer, address, number):
            found[one] = name
    return found if answered else None


def _answer(way: Way, resolver: str, address: IPv4Address, number: int, *, recursive: bool) -> bytes:
    question = ptr.question(address, number, recursive=recursive)
    return way.ask(resolver, ptr.PORT, question, f"DNS PTR of {address}", patience=PATIENCE)
