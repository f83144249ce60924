"""What does the internet see of the practice? The same questions as inside, to its address, from outside.

Through which door they leave, egress knows. Where it stops: whose address it is (ours.py) and whether we are
outside at all (vantage.py) was settled before; what it means is judged afterwards.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from netwatch.diff import INTERNET
from netwatch.errors import OutsideError
from netwatch.halt import STOPPED, deaf
from netwatch.model import Coverage, Device, Failure, Outcome, Reason, Vantage
from netwatch.visit import Visit
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from netwatch.egress import Egress
    from netwatch.halt import Halt
    from netwatch.model import Observation
    from netwatch.probe import Probe
    from netwatch.slices import Round
    from netwatch.tonight import Tonight

STAGE = "outside"
GLANCE = 0.2  # seconds between two looks at how far it has come


@dataclass(slots=True)
class Gathered:
    """What was learnt besides the sweep of the practice's network, step after step."""

    devices: list[Device] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    troubles: list[OutsideError] = field(default_factory=list)

    def add(self, observations: Iterable[Observation], failures: Iterable[Failure]) -> None:
        """What somebody said, and what they did not."""
        self.observations += observations
        self.failures += failures

    def refused(self, who: str, vantage: Vantage, error: OutsideError, address: str = "") -> None:
        """Somebody could not be asked, or of this address: a Failure, and a sentence for the terminal."""
        said = messages("en")(error.message, **error.details)
        self.failures.append(Failure(who, vantage, address, None, Reason(error.reason), said))
        self.troubles.append(error)

    def not_asked(self, who: str, vantage: Vantage, addresses: Iterable[str], why: str) -> None:
        """These addresses were to be asked, and were not."""
        self.coverage += [
            Coverage(who, vantage, address, None, (), Outcome.NOT_ASKED, why) for address in addresses
        ]

    def doubt(self, addresses: Iterable[str], why: str) -> None:
        """What was silent there from outside was not asked, as it turns out."""
        doubtful = frozenset(addresses)
        self.coverage[:] = [
            replace(row, outcome=Outcome.NOT_ASKED, detail=why)
            if row.vantage is Vantage.OUTSIDE and row.outcome is Outcome.FILTERED and row.address in doubtful
            else row
            for row in self.coverage
        ]
        self.rounds[:] = [one for one in self.rounds if one.device not in {at(a).id for a in doubtful}]


def at(address: str) -> Device:
    """An address on the internet, in the place of a device."""
    return Device(id=f"{INTERNET}{address}", address=address, kind="internet")


def look(  # noqa: PLR0913, PLR0917 - what a look is made of
    gathered: Gathered,
    addresses: Iterable[str],
    egress: Egress,
    probes: tuple[Probe, ...],
    tonight: Tonight,
    halt: Halt,
    progress: Callable[[str, int, int, str], None],
    started: datetime,
) -> None:
    """Each address in turn: its usual ports, the questions, then a slice of the whole range."""
    visits = [
        Visit(at(address), egress, replace(tonight, vantage=Vantage.OUTSIDE), probes, halt)
        for address in addresses
    ]
    steps = [step for visit in visits for step in (visit.usual, visit.further)]

    def told(done: int) -> None:
        progress(STAGE, done, len(steps), f"{sum(visit.knocked for visit in visits)}")

    with ThreadPoolExecutor(1, "outside") as pool, ExitStack() as stack:
        try:
            for number, step in enumerate(steps):
                running = pool.submit(step)
                while not wait((running,), GLANCE).done:
                    told(number)
                running.result()
        except KeyboardInterrupt:
            halt.now(STOPPED)
            stack.enter_context(deaf())
            pool.shutdown(wait=True, cancel_futures=True)
    told(len(steps))
    for visit in visits:
        gathered.devices.append(visit.device)
        trouble = visit.trouble
        if visit.unreached:
            trouble = OutsideError("outside.no-way", Reason.TIMEOUT, address=visit.address)
        if trouble is not None and not halt.asked():
            gathered.refused(STAGE, Vantage.OUTSIDE, trouble, visit.address)
        gathered.add(visit.observations, visit.failures)
        gathered.coverage += [*visit.coverage, *visit.swept()]
        gathered.rounds.append(visit.round(started))
