"""How much of the network does a mail tell? A doctor what to act on, a consultant everything.

Both are told the device by its name, its address and port. Only a consultant is told the version and the
page that an age rests on, what a silent device had been sent, the inside address and the proof behind a
public port, the practice's own addresses, and where a small change was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.aged import sentence, short
from reports.folding import at_internet
from reports.phrase import ADDRESS, clean
from reports.way import leads, number, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
        """Where a public port leads; to a doctor, only that nobody knows, where the device is not named."""
        told = leads(self.say, finding, self.devices)
        if self.full or not told:
            return told
        link = finding.link
        return "" if link is not None and link.device in self.devices else self.say("outside.way.unknown")

    def about(self, finding: Finding) -> str:
        """What it rests on; to a doctor, the product's name and that it is too old."""
        if self.full:
            return sentence(self.say, finding.about)
        return short(self.say, {**finding.about, "version": None})

    def sent(self, lines: Iterable[str]) -> tuple[str, ...]:
        """What a silent device had been sent, line by line; to a doctor, where that is to be had."""
        told = tuple(clean(line) for line in lines)
        return told if self.full or not told else (self.say("mail.item.sent-elsewhere"),)

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
