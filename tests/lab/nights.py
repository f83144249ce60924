"""What do the nights of one practice come to, each judged, compared and stored as a real one is?

The packets are left out: what was seen and what was asked is handed over. A store that lives on from night
to night, the real verdicts, the real comparison.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import probes
from netwatch import nightly
from netwatch.alert import alert
from netwatch.change import Came
from netwatch.diff import compare
from netwatch.editing import newsroom
from netwatch.judging import Judging
from netwatch.model import Coverage, Device, Observation, Outcome, Run, Vantage
from netwatch.news import NIGHTS
from netwatch.store import Store
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from netwatch.change import ChangeKind
    from netwatch.diff import Night
    from netwatch.exposures import Logged
    from netwatch.model import Exposure, Fact, Facts, Failure, Finding, Status
    from netwatch.placing import Placing
    from netwatch.post import Alert

SITE = "a"
START = datetime(2026, 11, 1, 2, tzinfo=UTC)
PUBLIC, SECOND = "9.9.9.9", "9.9.9.11"  # the practice's addresses on the internet
ARCHIVE = Device("m-pacs", "192.168.1.20", kind="archive")
BOX = Device("m-box", "192.168.1.1", kind="box")
PROBES = tuple(make() for make in probes.load().values())
CATALOGUE = Catalogue(probes.words())
QUERY = "dicom-query-answered"
ANSWERS: Facts = {"association": "accepted", "query": "answered", "store": "not-offered", "tls": False}


def knocked(outcome: Outcome, *ports: int, address: str = PUBLIC, probe: str = "sweep") -> Coverage:
    """How these ports of the practice's ended, asked from outside."""
    return Coverage(probe, Vantage.OUTSIDE, address, f"p-{address}", ports, outcome)


def answered(port: int, probe: str, address: str = PUBLIC) -> tuple[Coverage, ...]:
    """It was found open from outside, and this probe had its answer."""
    row = knocked(Outcome.ANSWERED, port, address=address, probe=probe)
    return knocked(Outcome.OPEN, port, address=address), row


def outside(port: int, probe: str = "http", address: str = PUBLIC, facts: Facts | None = None) -> Observation:
    """What a question from outside brought. Its date is that of the night that is given it."""
    return Observation(probe, Vantage.OUTSIDE, f"p-{address}", address, port, probe, facts or {}, START)


def archive_at_home(port: int = 104) -> Observation:
    """The image archive that anybody in the practice may search."""
    return Observation("dicom", Vantage.LAN, ARCHIVE.id, ARCHIVE.address, port, "dicom", ANSWERS, START)


def by_ipv6(*addresses: str) -> Observation:
    """The archive has these addresses of its own on the internet."""
    told: Facts = {"addresses": ", ".join(addresses)}
    return Observation("ipv6", Vantage.LAN, ARCHIVE.id, ARCHIVE.address, 0, "ipv6", told, START, "ipv6")


def said_by_box(protocol: str, port: int = 0, /, **facts: Fact) -> Observation:
    """What the box tells of itself."""
    transport = protocol if port == 0 else "tcp"
    return Observation("freebox", Vantage.BOX, BOX.id, BOX.address, port, protocol, facts, START, transport)


def forward(port: int, to: str, to_port: int, **facts: Fact) -> Observation:
    """The box lets this public port in."""
    return said_by_box("forward", port, to_address=to, to_port=to_port, enabled=True, **facts)


@dataclass(frozen=True)
class Told:
    """What one night came to, of one practice."""

    run: Run
    placed: Placing
    moved: Night
    log: tuple[Logged, ...]
    letter: Alert | None

    def mailed(self, port: int) -> list[ChangeKind]:
        """What the night's letter says of this port."""
        return [one.kind for one in self.letter.changes if one.finding.port == port] if self.letter else []

    def findings(self, port: int) -> dict[str, tuple[Status, Exposure]]:
        """By rule, what is known of this port after the night."""
        known = self.moved.findings.items()
        return {one.rule: (status, one.exposure) for one, status in known if one.port == port}

    def tonight(self, port: int) -> dict[str, Exposure]:
        """By rule, what tonight found at this port."""
        return {one.rule: one.exposure for one in self.run.findings if one.port == port}

    def changes(self, port: int) -> list[ChangeKind]:
        """What moved there."""
        return [one.kind for one in self.moved.changes if one.finding.port == port]

    def logged(self, port: int) -> list[Logged]:
        """The exposures of this public port, the ended ones too."""
        return [one for one in self.log if one.place[1] == port]


@dataclass(frozen=True)
class Practice:
    """One practice, and what is remembered of it."""

    store: Store

    def night(  # noqa: PLR0913 - what a night may be
        self,
        number: int,
        seen: Iterable[Observation] = (),
        asked: Iterable[Coverage] = (),
        *,
        public: Iterable[str] = (PUBLIC,),
        vantages: tuple[Vantage, ...] = (Vantage.LAN, Vantage.OUTSIDE),
        failures: Iterable[Failure] = (),
    ) -> Told:
        """One night, so many days after the first. What others state keeps its own date."""
        at, seen = START + timedelta(days=number), tuple(seen)
        addresses = {*public, *(one.address for one in seen if one.device.startswith("p-"))}
        run = Run(
            f"n{number}",
            SITE,
            at,
            at + timedelta(minutes=30),
            complete=True,
            vantages=vantages,
            devices=(ARCHIVE, BOX, *(Device(f"p-{one}", one, kind="internet") for one in sorted(addresses))),
            observations=tuple(replace(one, seen_at=at) if one.seen_at == START else one for one in seen),
            coverage=tuple(asked),
            failures=tuple(failures),
            findings=frozenset(self._judged(seen)),
            public=dict.fromkeys(public, "site-file"),
        )
        before = self.store.picture(SITE)
        run, placed = nightly.judged(run, self.store, PROBES)
        moved = compare(before, run, CATALOGUE.ladder, CATALOGUE.decisive, placed.outside())
        moved = self.store.recalled(run, moved, before.findings)
        news = newsroom(run, self.store, CATALOGUE, moved, Came(), NIGHTS)
        self.store.record(run, moved, (), nightly.logged(run, self.store, placed), told=news)
        return Told(run, placed, moved, tuple(self.store.exposures(SITE)), alert(run, news))

    def _judged(self, seen: Iterable[Observation]) -> Iterable[Finding]:
        """What holds of the things at home, as the scan itself judges them."""
        return Judging(PROBES, [], []).findings([one for one in seen if one.vantage is Vantage.LAN])

    def findings(self, port: int) -> dict[str, Exposure]:
        """By rule, what the store knows of this port."""
        return {one.rule: one.exposure for one in self.store.picture(SITE).findings if one.port == port}


@contextmanager
def practice(folder: Path) -> Iterator[Practice]:
    """A practice of which nothing is known yet."""
    with Store(folder) as store:
        store.remember(SITE, "A", "en")
        yield Practice(store)
