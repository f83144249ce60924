"""How far, how fast and how carefully? The tables of the site file that bound a scan, for pydantic.

netwatch's own limits (pace.py) may be lowered freely. To go above them takes `[pace.override]`, with the
name of the person who answers for it and a reason; the report then shows both.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from netwatch.forms import FewPorts, Mac, Mark, NetworkList, Phrase, Ports, wrong
from netwatch.pace import Pace

MOST_ADDRESSES = 65_536  # a /16: a night at our pace could not cover more
OURS = Pace()

Packets = Annotated[int, Strict(), Ge(3), Le(1_000_000)]  # three open a connection
Seconds = Annotated[float, Ge(0), Le(600)]


class Table(BaseModel):
    """A table of the site file: nothing unknown goes in, nothing changes afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Exclusions(Table):
    """What is never touched, though it lies in the networks."""

    addresses: NetworkList = Field(
        default=(), description='Addresses, networks, or ranges as "192.168.1.40-192.168.1.49"'
    )
    macs: frozenset[Mac] = Field(default=frozenset(), description="Network cards, by their MAC")
    ports: Ports = Field(default=frozenset(), description='Ports, alone or as "6000-6100"')
    silent_ports: Ports = Field(
        default=frozenset(),
        description="Ports that are never sent a byte, besides those that print or book orders",
    )


class SweepSettings(Table):
    """How far a night reaches."""

    max_addresses: Annotated[int, Strict(), Ge(1), Le(MOST_ADDRESSES)] = Field(
        default=4096, description="The networks may hold this many addresses in all"
    )
    extra_ports: FewPorts = Field(
        default=(), description='Ports asked besides the usual ones, alone or as "5100-5110"'
    )
    whole_range_nights: Annotated[int, Strict(), Ge(0), Le(366)] = Field(
        default=14, description="Nights in which every port is asked once, the first included; 0: never"
    )
    detect: Annotated[bool, Strict()] = Field(
        default=False,
        description="nmap guesses at the versions and systems of computers and boxes, and of nothing else",
    )


class KeepSettings(Table):
    """How long the detail of a night is kept."""

    days: Annotated[int, Strict(), Ge(60), Le(36_525)] = Field(
        default=400,
        description="Days after which the detail of a night, its letters and its log are forgotten",
    )


class Override(Table):
    """Who answers for a pace above netwatch's own."""

    by: Phrase = Field(description="Who answers for it", examples=['"Dr Martin"'])
    reason: Phrase = Field(description="Why", examples=['"audit of 12 March, no patient in the house"'])


class PaceSettings(Table):
    """How fast. Lower freely; higher only under an override."""

    packets: Packets = Field(default=OURS.packets, description="Packets to one device in a second")
    guarded: Packets = Field(
        default=OURS.guarded, description="Packets in a second to a medical or unknown device"
    )
    overall: Packets = Field(default=OURS.overall, description="Packets in a second in all")
    pause: Seconds = Field(
        default=OURS.pause, description="Seconds between two connections to one device; more is slower"
    )
    seconds: Annotated[float, Ge(1), Le(600)] = Field(
        default=OURS.seconds, description="Seconds for one question"
    )
    limit: Annotated[int, Strict(), Ge(1024), Le(16_777_216)] = Field(
        default=OURS.limit, description="Bytes received in one question"
    )
    override: Override | None = Field(default=None, description="Allows more than netwatch's own limits")

    @model_validator(mode="after")
    def _within_ours(self) -> PaceSettings:
        if self.override is None:
            for key in self.above():
                raise wrong("pace-above", at=(key,), limit=getattr(OURS, key))
        return self

    def above(self) -> tuple[str, ...]:
        """The keys that go beyond netwatch's own limits."""
        given = {f.name: getattr(self, f.name) for f in fields(OURS) if hasattr(self, f.name)}
        slower = {"pause"}  # here, more is less
        return tuple(
            key
            for key, value in given.items()
            if (value < getattr(OURS, key) if key in slower else value > getattr(OURS, key))
        )

    def pace(self) -> Pace:
        """The limits of this site. What one device may have, the unknown may not exceed."""
        known = {f.name: getattr(self, f.name) for f in fields(OURS) if hasattr(self, f.name)}
        return Pace(**known | {"guarded": min(self.guarded, self.packets)})


class ClassSettings(Table):
    """What a person says that devices are: by address or by network card (MAC)."""

    medical: tuple[Mark, ...] = Field(default=(), description="Imaging, monitoring, treatment, laboratory")
    printer: tuple[Mark, ...] = Field(default=(), description="Printers")
    box: tuple[Mark, ...] = Field(default=(), description="Internet boxes, switches, access points")
    computer: tuple[Mark, ...] = Field(default=(), description="Computers, servers, storage")
    other: tuple[Mark, ...] = Field(default=(), description="Telephones, cameras, televisions")

    @model_validator(mode="after")
    def _once(self) -> ClassSettings:
        seen: set[str] = set()
        for name in type(self).model_fields:
            for number, mark in enumerate(getattr(self, name)):
                if mark in seen:
                    raise wrong("class-twice", at=(name, number), value=mark)
                seen.add(mark)
        return self

    def declared(self) -> dict[str, str]:
        """Class by address or card."""
        return {mark: name for name in type(self).model_fields for mark in getattr(self, name)}
