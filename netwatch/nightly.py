"""What happens in a night? scan -> judge -> diff -> store -> alert -> mail, in a screenful."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from netwatch import judge
from netwatch.alert import Delivery, alert, deliver, letters
from netwatch.config import require_authorisation
from netwatch.diff import compare
from netwatch.egress import Egress, Scope
from netwatch.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netwatch.config import Site
    from netwatch.model import Alert, Exposure, Letter, Run
    from netwatch.probe import Probe
    from netwatch.scan import Progress
    from netwatch.store import Store
    from netwatch.words import Catalogue

    # Writes an alert as (subject, text, html); the command line gives the one of reports/.
    Compose = Callable[[Alert, Run], tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Ended:
    """A night that was stored, and how its mail went."""

    run: Run
    delivery: Delivery


def night(  # noqa: PLR0913, PLR0917 - the composition root hands in everything it composed
    site: Site,
    store: Store,
    probes: tuple[Probe, ...],
    catalogue: Catalogue,
    progress: Progress,
    compose: Compose | None,
) -> Ended:
    """Do one night. `compose` is None where nobody is to be told.

    Raises ScopeError without a valid authorisation: then no packet leaves.
    """
    scope = scope_of(site, datetime.now().astimezone().date())
    with store.lock(site.slug):
        store.remember(site.slug, site.name, site.language)
        if compose is not None:
            deliver(store, site)  # what an earlier night could not hand over
        before = store.picture(site.slug)
        scan = Scan(
            site.slug, Egress(scope), probes, store.devices(site.slug), site.sweep.extra_ports, progress
        )
        run = scan.run()
        run = replace(run, findings=frozenset(replace(f, exposure=_exposure(run)) for f in run.findings))
        moved = compare(before, run, catalogue.ladder)
        news = alert(run, moved, catalogue)
        post: tuple[Letter, ...] = ()
        if news is not None and compose is not None:
            post = letters(site, *compose(news, run))
        with uninterrupted():
            store.record(run, moved, post)
            waiting = len(store.waiting(site.slug))
            delivery = deliver(store, site) if compose is not None else Delivery(0, waiting)
    return Ended(run, delivery)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait: a letter whose fate is not yet written down would be sent twice."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def scope_of(site: Site, today: date) -> Scope:
    """What the site file authorises. Public addresses are not in it: asked from inside they prove nothing."""
    authorisation = require_authorisation(site, today)
    return Scope(
        networks=site.networks,
        until=authorisation.until,
        excluded_addresses=site.exclude.addresses,
        excluded_macs=site.exclude.macs,
        excluded_ports=site.exclude.ports,
    )


def _exposure(run: Run) -> Exposure:
    """For now the LAN is the only vantage: nothing is known of the outside."""
    return judge.exposure(run.vantages, asked_outside=False)
