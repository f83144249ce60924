"""Which ports of a device is a question for? Where its protocol is at home, and where it was heard. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Vantage
from netwatch.opening import NMAP, UNKNOWN, VAGUE
from netwatch.ports import curated, suggested
from netwatch.scope import SILENT

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from netwatch.model import Observation, Target

IPP = 631
EACH = 8  # ports on: visit.PATIENCE


def doors(
    target: Target, words: Iterable[str], usual: Iterable[int] = (), *, anywhere: bool = False
) -> tuple[int, ...]:
    """The open ports that spoke one of these words, tonight or before; those where the list of ports
    suggests one, and the `usual` ones, unless something else was heard there tonight.

    `anywhere`: also the ports of which nothing is known: for a protocol that waits to be spoken to.
    """
    known, home = frozenset(words), frozenset(usual)

    def wanted(port: int) -> bool:
        if port in target.spoken:
            return target.spoken[port] in known
        told = target.before.get(port) in known or suggested(port) in known
        return told or port in home or (anywhere and port in target.free)

    return tuple(port for port in target.open_ports if wanted(port))


LIVE = {Vantage.LAN, Vantage.OUTSIDE}  # our own questions


def heard(seen: Iterable[Observation]) -> dict[int, str]:
    """What the TCP ports of a device have been heard to speak: the exact word where there is one. What a box
    says of its public ports is none."""
    spoken: dict[int, str] = {}
    for one in seen:
        told = one.proved and one.transport == "tcp" and one.vantage in LIVE
        word = told and one.protocol not in {UNKNOWN, NMAP}
        if word and (one.protocol not in VAGUE or one.port not in spoken):
            spoken[one.port] = one.protocol
    return spoken


def unknown(open_ports: Iterable[int], known: Container[int], silent: Container[int] = ()) -> frozenset[int]:
    """The open ports of which nothing is known, and which are not so usual for one protocol that nothing else
    is looked for there; those too (`silent`) that gave no answer to the question they are usual for."""
    return frozenset(
        port
        for port in open_ports
        if port not in known and not reserved(port) and (port in silent or not settled(port))
    )


def turn(ports: Iterable[int], night: int) -> tuple[int, ...]:
    """The ports, beginning each night with another eighth port, so that every one of them has its turn."""
    line = sorted(ports)
    first = night * EACH % len(line) if line else 0
    return (*line[first:], *line[:first])


def reserved(port: int) -> bool:
    """Is it for one kind of question whatever happens: IPP's, DICOM's, or none at all?"""
    known = curated().get(port)
    return port in SILENT or port == IPP or (known is not None and known.usual)


def settled(port: int) -> bool:
    """Is it so usual for one protocol that nothing else is looked for there?"""
    known = curated().get(port)
    return known is not None and known.settled
