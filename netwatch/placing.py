"""Where does each finding stand, seen from all sides? What leads where, and the verdict; pure.

Tonight's observations, and what was seen last of everything that nobody asked tonight, go into one verdict
for each service. Where it stops: how the sides are matched (matching.py), what is said of a service
(statements.py) and which verdict follows (judge.py) are each decided once, there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwatch import judge
from netwatch.change import Outside
from netwatch.diff import at_internet
from netwatch.matching import AT_BOX, Told, links
from netwatch.model import Outcome, Vantage
from netwatch.statements import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netwatch.judge import Place, Statement
    from netwatch.model import Coverage, Device, Finding, Link, Observation, Run


DOUBTED = "address"  # what failed where it was not clear which address is ours (located.py)


@dataclass(frozen=True, slots=True)
class Placing:
    """One night's places. `words`: what was said of each service; `led`: what stands behind each public port,
    and each that the box forwards."""

    observations: tuple[Observation, ...]
    words: Mapping[Place, tuple[Statement, ...]]
    led: Mapping[Place, Link]
    retired: frozenset[str]

    def placed(self, finding: Finding) -> Finding:
        """The finding, with its exposure and where it leads by now."""
        where = place(finding)
        exposure = judge.verdict(self.words.get(where, ()))
        if exposure.rank < finding.exposure.rank and where not in self.words:
            exposure = finding.exposure
        return replace(finding, exposure=exposure, link=self.led.get(where, finding.link))

    def shut(self, finding: Finding) -> bool:
        """Is the way to it proved shut? Only what was seen from the internet can be told so."""
        words = self.words.get(place(finding), ())
        return finding.vantage is Vantage.OUTSIDE and bool(words) and judge.shut(words)

    def refuted(self) -> frozenset[Place]:
        """Where a live question found closed what others had reported."""
        return frozenset(
            where
            for where, words in self.words.items()
            if judge.explained(words).row is judge.Row.REPORTED_BUT_CLOSED
        )

    def outside(self) -> Outside:
        """For the comparison of the nights."""
        return Outside(self.retired, self.placed, self.shut)


def place(finding: Finding) -> Place:
    """The service it is about; what a box or a person says, at the public side of the box."""
    device = f"{AT_BOX}{finding.device}" if finding.vantage in judge.BOX else finding.device
    told = not finding.port and finding.vantage in judge.BOX
    return device, finding.port, "tcp" if told else finding.transport


def placing(  # noqa: PLR0913, PLR0917 - what is known of all sides
    run: Run,
    known: Iterable[Observation],
    asked: Iterable[Coverage],
    devices: Iterable[Device],
    earlier: Mapping[Place, Iterable[Statement]] | None = None,
    led: Mapping[Place, Link] | None = None,
) -> Placing:
    """The places of this run. `known`: what was seen last before it; `asked`: what was knocked at from
    outside before it; `devices`: every device of the practice; `earlier`: what the exposure log remembers;
    `led`: where its open rows lead, for a forward that was removed still tells which server answers at home.
    """
    known = tuple(known)
    retired = _retired(run, known)
    observations = _together(run, known, retired)
    at_home = {device.address: device.id for device in devices}
    at_home |= {device.address: device.id for device in run.devices}
    at_home |= own(observations)
    at_home = {address: device for address, device in at_home.items() if not at_internet(device)}
    said = (seen for seen in observations if seen.vantage in judge.BOX)
    found = {**(led or {}), **links(observations, said, at_home)}
    coverage = (*_still(asked, run, retired), *run.coverage)
    words = statements(observations, coverage, found, at_home, run.finished, earlier, _ours(run))
    told = Told.of(observations, at_home)
    listed = {
        (f"{AT_BOX}{one.device}", one.port, one.transport if one.port else "tcp"): told.link(one, one.port)
        for one in (*told.forwards, *told.dmz)
    }
    return Placing(observations, words, {**listed, **found}, retired)


def _ours(run: Run) -> set[str]:
    """The practice's addresses on the internet tonight, and those of which it was not sure enough to ask."""
    doubted = {one.address for one in run.failures if one.probe == DOUBTED and one.address}
    return {*run.public, *doubted}


def own(observations: Iterable[Observation]) -> dict[str, str]:
    """Whose each address of IPv6 is."""
    return {
        address: seen.device
        for seen in observations
        if seen.probe == "ipv6"
        for address in str(seen.facts.get("addresses", "")).split(", ")
        if address
    }


def _retired(run: Run, known: Iterable[Observation]) -> frozenset[str]:
    """Addresses that were the practice's and are not any more. Without an address tonight, none."""
    if not run.public:
        return frozenset()
    ours = {f"p-{address}" for address in (*run.public, *own((*known, *run.observations)))}
    families = {":" in device for device in ours}
    former = {seen.device for seen in known if at_internet(seen.device)}
    former -= {seen.device for seen in run.observations}  # what was asked tonight was ours tonight
    return frozenset(device for device in former - ours if (":" in device) in families)


def _together(run: Run, known: Iterable[Observation], retired: frozenset[str]) -> tuple[Observation, ...]:
    """What was seen last of everything: tonight, or before where nobody asked, or nobody answered."""
    tonight = {_key(seen) for seen in run.observations}
    gone = {
        (row.device, port)
        for row in run.coverage
        if row.probe == "sweep" and row.outcome is Outcome.CLOSED
        for port in row.ports
    }
    before = (
        seen
        for seen in known
        if _key(seen) not in tonight and seen.device not in retired and (seen.device, seen.port) not in gone
    )
    return (*before, *run.observations)


def _key(seen: Observation) -> tuple[object, ...]:
    return seen.device, seen.port, seen.transport, seen.vantage, seen.probe


def _still(asked: Iterable[Coverage], run: Run, retired: frozenset[str]) -> Iterable[Coverage]:
    """What was knocked at on earlier nights, and not tonight."""
    tonight = {
        (row.device, port)
        for row in run.coverage
        if row.vantage is Vantage.OUTSIDE and row.probe == "sweep" and row.outcome is not Outcome.NOT_ASKED
        for port in row.ports
    }
    for row in asked:
        ports = tuple(port for port in row.ports if (row.device, port) not in tonight)
        if ports and row.device not in retired:
            yield replace(row, ports=ports)
