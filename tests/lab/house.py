"""Who lives in the network of one practice, night by night? Each night is compared, told and stored as a real
one is; the packets are left out.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import probes
from netwatch import nightly
from netwatch.alert import alert
from netwatch.arrival import letters
from netwatch.composition import composer
from netwatch.config import Site
from netwatch.diff import compare
from netwatch.editing import newsroom
from netwatch.model import Coverage, Device, Observation, Outcome, Run, Vantage
from netwatch.store import Store
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from netwatch.change import Coming
    from netwatch.post import Alert, Letter

START = datetime(2026, 11, 1, 22, tzinfo=UTC)
HOME = "192.168.1.0/24"
PROBES = tuple(make() for make in probes.load().values())
CATALOGUE = Catalogue(probes.words())


def card(number: int, *, hidden: bool = False) -> str:
    """A network card's address: of a maker, or made up."""
    return f"{'0a' if hidden else '00'}:1b:a9:00:{number // 256:02x}:{number % 256:02x}"


def device(number: int, *, hidden: bool = False, kind: str = "unknown", **more: Any) -> Device:  # noqa: ANN401 - of any field
    """A device with a card of its own, at the address of its number."""
    mac = card(number, hidden=hidden)
    told = {"address": f"192.168.1.{number}", "mac": mac, "kind": kind} | more
    return Device(f"m-{mac.replace(':', '')}", **told)


def looked(network: str = HOME, how: str = "arp-response", outcome: Outcome = Outcome.ANSWERED) -> Coverage:
    """How devices were looked for in a network."""
    return Coverage("discovery", Vantage.LAN, network, None, (), outcome, how)


def opened(one: Device, *ports: int) -> tuple[Observation, ...]:
    """These ports of a device are open, and nothing is known of what answers there."""
    return tuple(
        Observation(
            "sweep",
            Vantage.LAN,
            one.id,
            one.address,
            port,
            "unknown",
            {"state": "open"},
            START,
            "tcp",
            proved=False,
        )
        for port in ports
    )


@dataclass(frozen=True)
class Told:
    """What a night told: who came and went, the alert, and the letter of it."""

    comings: tuple[Coming, ...]
    alert: Alert | None
    post: tuple[Letter, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """Who came and went, by address; what nobody is mailed of in brackets."""
        return {
            one.device.address: f"({one.kind.value})" if one.quiet else one.kind.value for one in self.comings
        }


@dataclass
class House:
    """One practice, and what is remembered of it."""

    store: Store
    site: Site
    nights: list[Told] = field(default_factory=list)

    def night(
        self,
        number: float,
        who: Iterable[Device],
        searched: Iterable[Coverage] = (looked(),),
        seen: Iterable[Observation] = (),
        **more: Any,  # noqa: ANN401 - any field of a run
    ) -> Told:
        """One night, so many days after the first."""
        at, here = START + timedelta(days=number), tuple(who)
        swept = (Coverage("sweep", Vantage.LAN, one.address, one.id, (80,), Outcome.CLOSED) for one in here)
        run = Run(
            f"n{number}",
            self.site.slug,
            at,
            at + timedelta(minutes=30),
            complete=True,
            vantages=(Vantage.LAN,),
            devices=here,
            observations=tuple(replace(one, seen_at=at) for one in seen),
            coverage=(*searched, *swept),
        )
        return self.record(replace(run, **more))

    def record(self, run: Run) -> Told:
        """The line of nightly.py, behind the scan."""
        before = self.store.picture(self.site.slug)
        again = nightly.known_again(run, self.store)
        run, placed = nightly.judged(again.run, self.store, PROBES)
        moved = compare(before, run, CATALOGUE.ladder, CATALOGUE.decisive, placed.outside())
        came = nightly.arrivals(run, self.store, self.site)
        told = newsroom(run, self.store, CATALOGUE, moved, came, self.site.mails.closed_nights)
        news = alert(run, told, came.comings)
        post: tuple[Letter, ...] = ()
        if news is not None:
            compose = composer(self.site, self.store, CATALOGUE)
            post = letters(self.site, partial(compose, news, run))
        exposed = nightly.logged(run, self.store, placed)
        self.store.record(run, moved, post, exposed, again=again, came=came, told=told)
        self.nights.append(Told(came.comings, news, post))
        return self.nights[-1]


@contextmanager
def house(folder: Path, **keys: Any) -> Iterator[House]:  # noqa: ANN401 - any key of a site file
    """A practice of which nothing is known yet."""
    site = Site.model_validate(
        {"name": "Cabinet Dupont", "networks": [HOME], "recipients": ["dr@cabinet.example"]} | keys
    )
    with Store(folder) as store:
        store.remember(site.slug, site.name, site.language)
        yield House(store, site)
