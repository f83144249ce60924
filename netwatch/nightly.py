"""What happens in a night? scan -> judge -> diff -> store -> alert -> mail, in a screenful."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import partial
from typing import TYPE_CHECKING

from netwatch import judge
from netwatch.alert import Delivery, alert, deliver, letters
from netwatch.audit import Audit, folder
from netwatch.config import require_audit, require_authorisation
from netwatch.diff import compare
from netwatch.egress import AUDIT as PROFILE
from netwatch.egress import Egress
from netwatch.errors import ScopeError
from netwatch.halt import AUDIT, AUTHORISATION, WINDOW, Halt
from netwatch.scan import Scan, name
from netwatch.scope import Scope
from netwatch.tonight import Tonight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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
    *,
    all_ports: bool = False,
    audit: bool = False,
) -> Ended:
    """Do one night. `compose` is None where nobody is to be told.

    Raises ScopeError without a valid authorisation, for an audit that it does not name, and outside the
    site's hours: then no packet leaves.
    """
    now = datetime.now().astimezone()
    scope_of(site, now.date())
    if audit:
        require_audit(site)
    with store.lock(site.slug):
        store.remember(site.slug, site.name, site.language)
        if compose is not None:
            deliver(store, site)  # what an earlier night could not hand over
        before = store.picture(site.slug)
        whole = tonight(site, store, probes, now, all_ports=all_ports)
        run = _scan(site, store, probes, progress, whole, profile=PROFILE if audit else "")
        run = replace(run, findings=frozenset(replace(f, exposure=_exposure(run)) for f in run.findings))
        moved = compare(before, run, catalogue.ladder, catalogue.decisive)
        news = alert(run, moved, catalogue)
        post: tuple[Letter, ...] = ()
        if news is not None and compose is not None:
            post = letters(site, *compose(news, run))
        with uninterrupted():
            store.record(run, moved, post)
            waiting = len(store.waiting(site.slug))
            delivery = deliver(store, site) if compose is not None else Delivery(0, waiting)
    return Ended(run, delivery)


def _scan(  # noqa: PLR0913 - what a scan is made of
    site: Site, store: Store, probes: tuple[Probe, ...], progress: Progress, tonight: Tonight, *, profile: str
) -> Run:
    """The scan itself, with its audit log beside the database."""
    halt = Halt()
    started = datetime.now(UTC).replace(microsecond=0)
    named = name(started)
    log = Audit(folder(store.folder, site.slug) / f"{named}.jsonl", partial(halt.now, AUDIT))
    egress = Egress(tonight.scope, site.pace.pace(), log, halt.asked, profile=profile)
    try:
        scan = Scan(
            site.slug, egress, probes, store.devices(site.slug), tonight, progress, halt, started, named
        )
        run = scan.run()
    finally:
        egress.close()
    allowed = site.pace.override
    if allowed is None:
        return run
    return replace(run, pace={**run.pace, "override_by": allowed.by, "override_reason": allowed.reason})


def tonight(
    site: Site, store: Store, probes: Iterable[Probe], now: datetime, *, all_ports: bool = False
) -> Tonight:
    """What a scan that starts now is to cover. Raises ScopeError outside the site's hours."""
    scope = scope_of(site, now.date())
    clock = now.replace(tzinfo=None)
    closes = site.window.closes(clock) if site.window else None
    if site.window is not None and closes is None:
        opens = f"{site.window.opens(clock):%H:%M}"
        raise ScopeError("config.window-closed", window=site.window, opens=opens)
    last = datetime.combine(scope.until, time.max) if scope.until < date.max else None
    ends = [(end.astimezone(), why) for end, why in ((closes, WINDOW), (last, AUTHORISATION)) if end]
    until, why = min(ends, default=(None, ""))
    covered = covering(site, store, probes, scope, all_ports=all_ports)
    return replace(covered, until=until, why=why, number=now.date().toordinal())


def covering(site: Site, store: Store, probes: Iterable[Probe], scope: Scope, *, all_ports: bool) -> Tonight:
    """What the site file asks for and what is known, whatever the hour."""
    return Tonight(
        scope=scope,
        homes=tuple(sorted({port for probe in probes for port in probe.usual})),
        extra_ports=site.sweep.extra_ports,
        nights=site.sweep.whole_range_nights,
        all_ports=all_ports,
        gateway=str(site.gateway) if site.gateway else None,
        declared=site.classes.declared(),
        known=frozenset(device.id for device in store.devices(site.slug)),
        rounds=store.rounds(site.slug),
        open_before=store.open_ports(site.slug),
        clear=store.clear_ports(site.slug),
        spoken=store.spoken(site.slug),
    )


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
    return bounds(site, require_authorisation(site, today).until)


def bounds(site: Site, until: date) -> Scope:
    """The networks of the site file less what it excludes."""
    return Scope(
        networks=site.networks,
        until=until,
        excluded_addresses=site.exclude.addresses,
        excluded_macs=site.exclude.macs,
        excluded_ports=site.exclude.ports,
        silent_ports=site.exclude.silent_ports,
    )


def _exposure(run: Run) -> Exposure:
    """For now the LAN is the only vantage: nothing is known of the outside."""
    return judge.exposure(run.vantages, asked_outside=False)
