"""Is what a device told over no port of its own told again, and whole? Pure.

What was called out to everybody (mDNS, WS-Discovery, a description) has no port, and no question of its own
in the coverage whose answer could settle a finding. It is settled by a night on which the same source tells
again everything that it told before: another version, then, and not a version left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwatch.model import Vantage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netwatch.model import Facts, Observation

NO_PORT = 0


def told_again(
    before: Mapping[tuple[str, str, int], Facts], tonight: Iterable[Observation]
) -> frozenset[tuple[str, str]]:
    """(device, probe) of those. `before`: the last facts, by (device, probe, port)."""
    return frozenset(
        (seen.device, seen.probe)
        for seen in tonight
        if seen.port == NO_PORT
        and seen.vantage is Vantage.LAN
        and (known := _told(before.get((seen.device, seen.probe, NO_PORT), {})))
        and known <= _told(seen.facts)
    )


def _told(facts: Facts) -> set[str]:
    return {name for name, value in facts.items() if value is not None}
