"""How much of the network does a mail tell? A doctor what to act on, a consultant everything.

Both are told the device by its name, with the address and port inside, and whatever the advice asks to be
read out to somebody. Only a consultant is told the practice's own addresses on the internet, how we know
where a public port leads, who says a version and on which page its age stands, where a small change was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.aged import sentence, short
from reports.folding import at_internet
from reports.phrase import ADDRESS, clean
from reports.way import leads, number, place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netwatch.model import Device, Finding
    from reports.phrase import Phrases


@dataclass(frozen=True, slots=True)
class Detail:
    """The parts of a mail that its readers need differently. `full`: the reader is a consultant."""

    say: Phrases
    devices: Mapping[str, Device]
    full: bool

    def place(self, finding: Finding) -> str:
        """Where it is: address and port; of a public port, to a doctor, the port."""
        if at_internet(finding.device) and not self.full:
            told = number(self.say, finding.port, finding.transport)
            return self.say("mail.item.public", port=told)
        return place(self.say, finding)

    def leads(self, finding: Finding) -> str:
        """Where a public port leads; to a doctor without how we know."""
        told = leads(self.say, finding, self.devices)
        if self.full or not told:
            return told
        link = finding.link
        if link is None or link.device not in self.devices:
            return self.say("outside.way.unknown")
        return self.say("mail.item.inside", place=self.say.place(link.address, link.port or None))

    def about(self, finding: Finding) -> str:
        """What it rests on; to a doctor without who says so, and the page."""
        return sentence(self.say, finding.about) if self.full else short(self.say, finding.about)

    def where(self, finding: Finding, device: str) -> str:
        """Which device, in a line; to a consultant with its place."""
        return f"{device}, {place(self.say, finding)}" if self.full else device

    def addresses(self, addresses: Sequence[str]) -> str:
        """That the practice's own addresses were not tried; to a consultant, which."""
        if not addresses:
            return ""
        if not self.full:
            return self.say.count("mail.public-plain", len(addresses))
        named = ", ".join(clean(address, ADDRESS) for address in addresses)
        return self.say.count("mail.public", len(addresses), addresses=named)
