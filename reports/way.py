"""Where is a finding as its reader would say it, and where does a public port lead? In words.

An address of the practice on the internet is no device: what matters is the port, and what stands behind it.
Where nobody knows what stands behind, that is said too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Exposure, Vantage
from reports.doors import BOX
from reports.folding import at_internet
from reports.phrase import ADDRESS, clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.document import DevicePart
    from netwatch.model import Device
    from reports.folding import Found, Leads
    from reports.phrase import Phrases

NAMED = 24  # characters of a device's name in a subject
TCP = "tcp"
REACHED = {Exposure.FORWARDED, Exposure.EXPOSED}
FORWARDS = {"mapping", "dmz"}  # links that the box, or a person, tells


def place(say: Phrases, found: Found) -> str:
    """`your internet address 203.0.113.7, port 11112`; at a box that tells of its public side, that port."""
    if at_internet(found.device):
        return public(say, found.address, found.port, found.transport)
    if found.vantage in BOX:
        if not found.port:
            return say("outside.way.box")
        return say("outside.way.box-port", port=number(say, found.port, found.transport))
    return say.place(found.address, found.port)


def public(say: Phrases, address: str, port: int, transport: str) -> str:
    """A public port; without an address, the box's."""
    told = number(say, port, transport)
    if not address:
        return say("outside.way.box-port", port=told)
    return say("outside.way.public", address=clean(address, ADDRESS), port=told)


def number(say: Phrases, port: int, transport: str) -> str:
    """`11112`, `161 (UDP)`."""
    return str(port) if transport == TCP else say("outside.way.udp", port=port)


def leads(say: Phrases, found: Found, devices: Mapping[str, DevicePart] | Mapping[str, Device]) -> str:
    """Where it leads and how we know; of a public port, also that we do not. Nothing for what is inside."""
    if not (at_internet(found.device) or (found.vantage in BOX and found.link is not None)):
        return ""
    return led(say, found.link, devices, declared=found.vantage == Vantage.DECLARED)


def led(
    say: Phrases,
    link: Leads | None,
    devices: Mapping[str, DevicePart] | Mapping[str, Device],
    *,
    declared: bool = False,
) -> str:
    """The sentence of a link, or that nothing tells where it leads. `declared`: it is a person's word."""
    if link is None:
        return say("outside.way.unknown")
    by = say.word("outside.by", "declared" if declared and link.by in FORWARDS else link.by)
    address = clean(link.address, ADDRESS)
    if not link.device or link.device not in devices:
        return say("outside.way.nobody", address=address, by=by)
    name = say.name(devices[link.device])
    if not link.port:
        return say("outside.way.device", name=name, address=address, by=by)
    return say("outside.way.leads", name=name, address=address, port=link.port, by=by)


def arrow(say: Phrases, link: Leads | None, devices: Mapping[str, DevicePart]) -> str:
    """`→ image server 10.77.0.20:11112`, for a narrow column; nothing where nothing is known."""
    if link is None:
        return ""
    host = clean(link.address, ADDRESS)
    host = f"[{host}]" if ":" in host and link.port else host
    where = f"{host}:{link.port}" if link.port else host
    name = say.short_name(devices[link.device]) if link.device in devices else ""
    return f"→ {name} {where}" if name else f"→ {where}"


def subject(
    say: Phrases,
    found: Found,
    devices: Mapping[str, DevicePart] | Mapping[str, Device],
    *,
    stands: bool = True,
) -> str:
    """Where, in a subject: `seen from the internet, port 11112 → PACS-CABINET`. `stands`: it is there still,
    so that of a service inside it is told whether the internet reaches it."""
    public_side = at_internet(found.device)
    if not public_side and found.vantage not in BOX:
        near = say(f"phrase.exposure-short.{found.exposure}") if stands and found.exposure in REACHED else ""
        return ", ".join(filter(None, (say.place(found.address, found.port), near)))
    if not public_side and not found.port:
        return place(say, found)
    seen = "seen" if found.vantage == Vantage.OUTSIDE else "box" if found.vantage in BOX else "reported"
    port, link = number(say, found.port, found.transport), found.link
    if link is None:
        return say(f"outside.subject.{seen}", port=port)
    known = devices.get(link.device)
    name = (known.called or "") if known else ""
    if known and not name and known.kind != "unknown":
        name = say.short_name(known)
    to = clean(name, NAMED) or clean(link.address, ADDRESS)
    return say(f"outside.subject.{seen}-leads", port=port, to=to)
