"""Which part of the network is for whom? `[[ranges]]` of the site file, for pydantic.

Where visitors' telephones are expected, a new one is no news; where anything is, nothing is. Where it stops:
an address proves nothing, anybody may take one by hand. So `phones` speaks of what hides its card and looks
like a telephone, and of nothing else (comings.py).
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field

from netwatch.forms import Phrase, Span, wrong
from netwatch.scope import less
from netwatch.settings import Table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from ipaddress import IPv4Network

PHONES, ANYTHING = "phones", "anything"


class RangeSettings(Table):
    """A part of the networks, and who is expected there."""

    name: Phrase = Field(description="What it is called", examples=['"guests"'])
    network: Span = Field(
        description='A network, or its first and last address as "192.168.1.100-192.168.1.199"',
        examples=['"192.168.1.128/25"'],
    )
    expect: Literal["phones", "anything"] = Field(
        description="Whose coming is no news there: telephones that hide their card, or anything",
        examples=['"phones"'],
    )

    def holds(self, address: str) -> bool:
        """Does this address lie in it?"""
        return any(ip_address(address) in piece for piece in self.network)


def _several(value: object) -> object:
    """One under `[ranges]`, where `[[ranges]]` is meant."""
    if isinstance(value, dict):
        raise wrong("ranges-brackets")
    return value


Ranges = Annotated[tuple[RangeSettings, ...], BeforeValidator(_several)]


def check(ranges: Sequence[RangeSettings], networks: Collection[IPv4Network]) -> None:
    """Raises for a range outside the site's networks, a name given twice, an address that lies in two."""
    for number, one in enumerate(ranges):
        if less(one.network, networks):
            raise wrong("range-outside", at=("ranges", number, "network"))
        for other in ranges[:number]:
            if other.name == one.name:
                raise wrong("range-named-twice", at=("ranges", number, "name"), other=one.name)
            if any(piece.overlaps(theirs) for piece in one.network for theirs in other.network):
                raise wrong("range-overlaps", at=("ranges", number, "network"), other=other.name)
