"""What does the internet box say of itself tonight, by its own interface, or a person who read its pages?

A box whose card is excluded, or that was left alone, is not reached by this way either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch import box as boxes
from netwatch.behind import untouchable
from netwatch.box import declared, memory
from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.errors import ConfigError, OutsideError
from netwatch.model import Device, Reason, Target, Vantage

if TYPE_CHECKING:
    from collections.abc import Callable

    from netwatch.audit import Audit
    from netwatch.config import Site
    from netwatch.halt import Halt
    from netwatch.model import Run
    from netwatch.outside import Gathered
    from netwatch.store import Store
    from netwatch.tonight import Tonight

NOWHERE = "0.0.0.0"  # noqa: S104 - the box of whose address nothing is known


@dataclass(frozen=True, slots=True)
class AskBox:
    """One night's. What is said goes into `gathered`."""

    site: Site
    store: Store
    tonight: Tonight
    gathered: Gathered
    log: Callable[[], Audit]
    halt: Halt

    def device(self, run: Run) -> Device:
        """The internet box, seen from inside."""
        address = self.tonight.gateway or NOWHERE
        known = (*run.devices, *self.store.devices(self.site.slug))
        found = next((device for device in known if device.address == address), None)
        return found or Device(id=f"a-{address}", address=address, kind="box")

    def declared(self, box: Device) -> bool:
        """What a person said that the box's pages show; False where nobody did."""
        try:
            said = declared.parse(self.store.declaration(self.site.slug))
        except ConfigError as damaged:
            error = OutsideError(damaged.message, Reason.PROTOCOL, **damaged.details)
            self.gathered.refused(Vantage.DECLARED, Vantage.DECLARED, error)
            return False
        if said is None:
            return False
        self.gathered.devices.append(box)
        self.gathered.add(declared.observations(said, Target(box.id, box.address, ())), ())
        return True

    def itself(self, box: Device) -> bool:
        """What its own interface says to its owner; False where it was not to be asked."""
        settings = self.site.box
        if settings is None or self.halt.asked():
            return False
        if box.address == NOWHERE:
            self.gathered.refused(settings.kind, Vantage.BOX, OutsideError("box.no-gateway", Reason.SCOPE))
            return True
        egress = Egress(self.tonight.scope, self.site.pace.pace(), self.log(), self.halt.asked)
        egress.classed(box.address, table()["box"])
        if untouchable(box, self.tonight.scope):
            egress.bar(box.address, "egress.left-alone" if box.left_alone else "egress.excluded-card")
        way = egress.asking(settings.kind, boxes.MANNER)
        folder = memory.folder(self.store.folder, self.site.slug)
        try:
            self.gathered.add(*boxes.read(settings, way, Target(box.id, box.address, ()), folder))
        finally:
            egress.close()
        self.gathered.devices.append(box)
        return True
