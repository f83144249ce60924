"""Which devices would nmap be let at, and for how long? By what was open on them before; nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.detect import EACH, GUESS, suitable
from netwatch.egress import Egress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.model import Device
    from netwatch.tonight import Tonight


@dataclass(frozen=True, slots=True)
class DetectPlan:
    """`addresses`: of the devices that it would be about, one after the other; `seconds`: all of them."""

    addresses: tuple[str, ...]
    seconds: int


def detecting(night: Tonight, devices: Iterable[Device]) -> DetectPlan | None:
    """The part that nmap's detection has of a scan; None where nobody asked for it."""
    if not night.detect:
        return None
    addresses, seconds = [], 0
    egress = Egress(night.scope)
    try:
        for device in devices:
            egress.classed(device.address, night.is_a(device))
            known = night.scope.ports(night.open_before.get(device.id, ()))
            ports = suitable(night, egress, device, known, {})
            if ports and device.left_alone is None:
                addresses.append(device.address)
                seconds += GUESS + EACH * len(ports)
    finally:
        egress.close()
    return DetectPlan(tuple(addresses), seconds)
