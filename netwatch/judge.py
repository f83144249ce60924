"""What do all vantages together say? Decisions that span probes; pure.

Where it stops, for now: the verdict on exposure joins the vantages of one service; the box, the outside
probes and the third parties that feed it arrive with the issue on the outside view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Exposure, Vantage

if TYPE_CHECKING:
    from collections.abc import Iterable

PROVES = {
    Vantage.OUTSIDE: Exposure.EXPOSED,
    Vantage.BOX: Exposure.FORWARDED,
    Vantage.DECLARED: Exposure.FORWARDED,
    Vantage.SHODAN: Exposure.REPORTED,
    Vantage.INTERNETDB: Exposure.REPORTED,
}


def exposure(seen_from: Iterable[Vantage], *, asked_outside: bool) -> Exposure:
    """The strongest thing known. Seen from the LAN alone says nothing about the internet."""
    known = [PROVES[vantage] for vantage in seen_from if vantage in PROVES]
    silent = Exposure.INSIDE_ONLY if asked_outside else Exposure.NOT_CHECKED
    return max([silent, *known], key=lambda verdict: verdict.rank)
