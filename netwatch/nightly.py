"""What happens in a night? scan -> judge -> diff -> store -> alert -> mail, in a screenful."""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import partial
from typing import TYPE_CHECKING

from netwatch import aging, comings, exposures, feeds, judge, to_check
from netwatch.alert import alert
from netwatch.arrival import Delivery, deliver, letters, standing
from netwatch.audit import Audit, folder
from netwatch.beyond import Beyond
from netwatch.config import require_audit, require_authorisation
from netwatch.diff import at_internet, compare
from netwatch.editing import newsroom
from netwatch.egress import AUDIT as PROFILE
from netwatch.egress import Egress
from netwatch.errors import HoursError
from netwatch.halt import AUDIT, AUTHORISATION, WINDOW, Halt
from netwatch.judge import OTHERS
from netwatch.judging import Judging
from netwatch.keeping import tidy
from netwatch.kernel import routes
from netwatch.lifecycle import Cycle, Table
from netwatch.met import as_careful, met, shared
from netwatch.model import LIVENESS, Vantage
from netwatch.others import FRESH
from netwatch.placing import placing
from netwatch.scan import Scan, name
from netwatch.scope import Scope
from netwatch.tonight import Tonight

FEEDS = "feeds"  # beside the database
PATIENCE = 3.0  # seconds: a command that names a device must not cost the night

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from netwatch.change import Came
    from netwatch.config import Site
    from netwatch.errors import NetwatchError
    from netwatch.met import Met
    from netwatch.model import Run
    from netwatch.placing import Placing
    from netwatch.post import Alert, Content, Letter, Reader
    from netwatch.probe import Probe
    from netwatch.scan import Progress
    from netwatch.store import Store
    from netwatch.words import Catalogue

    # Writes an alert for one kind of reader; the command line gives the one of reports/.
    Compose = Callable[[Alert, Run, Reader], Content]


@dataclass(frozen=True, slots=True)
class Ended:
    """A night that was stored, and how its mail went. `troubles`: who outside could not be asked, and why."""

    run: Run
    delivery: Delivery
    troubles: tuple[NetwatchError, ...] = ()


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
    outside: bool = False,
) -> Ended:
    """Do one night. `compose` is None where nobody is to be told. `outside`: this machine stands outside, and
    nothing inside is asked.

    Raises ScopeError without a valid authorisation, for an audit that it does not name, and outside the
    site's hours: then no packet leaves.
    """
    now = datetime.now().astimezone()
    scope_of(site, now.date())
    if audit:
        require_audit(site)
    with store.lock(site.slug, PATIENCE):
        store.remember(site.slug, site.name, site.language)
        if compose is not None:
            deliver(store, site)  # what an earlier night could not hand over
        before = store.picture(site.slug)
        whole = tonight(site, store, probes, now, all_ports=all_ports)
        run, beyond = _scan(
            site, store, probes, progress, whole, profile=PROFILE if audit else "", here=outside
        )
        again = known_again(run, store)
        run, placed = judged(again.run, store, probes)
        moved = compare(before, run, catalogue.ladder, catalogue.decisive, placed.outside())
        moved = store.recalled(run, moved, before.findings)
        came = arrivals(run, store, site)
        gone_after, mute = site.mails.closed_nights, compose is None
        news = newsroom(run, store, catalogue, moved, came, gone_after, mute=mute)
        letter = alert(run, news, came.comings)
        post: tuple[Letter, ...] = ()
        if letter is not None and compose is not None:
            post = letters(site, partial(compose, letter, run))
        with uninterrupted():
            exposed = logged(run, store, placed)
            store.record(run, moved, post, exposed, again=again, came=came, told=news)
            delivery = deliver(store, site) if compose is not None else standing(store, site.slug)
            tidy(store, site, now)
    return Ended(run, delivery, tuple(beyond.gathered.troubles))


def _scan(  # noqa: PLR0913 - what a scan is made of
    site: Site,
    store: Store,
    probes: tuple[Probe, ...],
    progress: Progress,
    tonight: Tonight,
    *,
    profile: str,
    here: bool,
) -> tuple[Run, Beyond]:
    """The scan itself, inside and then beyond, with its audit log beside the database."""
    halt = Halt()
    started = datetime.now(UTC).replace(microsecond=0)
    named = name(started)

    def log() -> Audit:
        return Audit(folder(store.folder, site.slug) / f"{named}.jsonl", partial(halt.now, AUDIT))

    egress = Egress(tonight.scope, site.pace.pace(), log(), halt.asked, profile=profile)
    try:
        scan = Scan(
            site.slug, egress, probes, store.devices(site.slug), tonight, progress, halt, started, named
        )
        run = scan.nothing() if here else scan.run()
    finally:
        egress.close()
    beyond = Beyond(site, store, probes, tonight, log, halt, progress, here)
    run = beyond.add_to(run)
    allowed = site.pace.override
    if allowed is not None:
        pace = {**run.pace, "override_by": allowed.by, "override_reason": allowed.reason}
        run = replace(run, pace=pace)
    return run, beyond


def judged(run: Run, store: Store, probes: tuple[Probe, ...]) -> tuple[Run, Placing]:
    """The run with all that holds, each finding where it stands seen from all sides."""
    failures, coverage = list(run.failures), list(run.coverage)
    outside = [o for o in run.observations if o.vantage is Vantage.OUTSIDE or o.probe == LIVENESS]
    findings = run.findings | Judging(probes, failures, coverage).findings(outside)
    run = replace(run, failures=tuple(failures), coverage=tuple(coverage))
    known, devices = store.known(run.site), store.devices(run.site)
    log = store.exposures(run.site, only_open=True)
    earlier, led = exposures.remembered(log), exposures.led(log)
    placed = placing(run, known, store.asked_outside(run.site), devices, earlier, led)
    table, today = lifecycles(store.folder, run.finished), run.finished.date()
    who = aging.profiles(run.devices, placed.observations)
    findings |= frozenset(dict.fromkeys(aging.findings(who, run.observations, table, today)))
    if others := tuple(shared((*devices, *run.devices), placed.observations)):
        who = aging.profiles(run.devices, (*placed.observations, *others))
    run = replace(
        run,
        devices=tuple(
            device if at_internet(device.id) else aging.recognised(device, who[device.id, 0], table, today)
            for device in run.devices
        ),
    )
    run = to_check.told(run, who, table, feeds.load(store.folder / FEEDS, run.finished))
    recent = [o for o in run.observations if o.vantage not in OTHERS or run.finished - o.seen_at <= FRESH]
    findings |= frozenset(judge.findings(recent, findings, placed.refuted()))
    return replace(run, findings=frozenset(map(placed.placed, findings))), placed


def known_again(run: Run, store: Store) -> Met:
    """Who was met, each as who it is."""
    return met(run, store.devices(run.site), store.known(run.site), store.said(run.site))


def arrivals(run: Run, store: Store, site: Site) -> Came:
    """Which devices came, and which are gone."""
    expected = comings.Expected(site.ranges, site.gone_nights, site.exclude.macs)
    return comings.came(run, store.acquaintance(site.slug), expected)


def lifecycles(data: Path, now: datetime) -> Table:
    """The table of lifecycles, with what was refreshed of it."""
    told = (
        Cycle(one.product, one.cycle, one.eol, one.source, one.checked)
        for one in feeds.load(data / FEEDS, now).cycles
    )
    return Table.load().with_feed(told)


def logged(run: Run, store: Store, placed: Placing) -> exposures.Added:
    """What this night adds to the log of exposures."""
    log = store.exposures(run.site, only_open=True)
    return exposures.night(log, placed.words, run.observations, placed.led, run.started, placed.retired)


def tonight(
    site: Site, store: Store, probes: Iterable[Probe], now: datetime, *, all_ports: bool = False
) -> Tonight:
    """What a scan that starts now is to cover. Raises ScopeError outside the site's hours."""
    scope = scope_of(site, now.date())
    clock = now.replace(tzinfo=None)
    closes = site.window.closes(clock) if site.window else None
    if site.window is not None and closes is None:
        opens = f"{site.window.opens(clock):%H:%M}"
        raise HoursError("config.window-closed", window=site.window, opens=opens)
    last = datetime.combine(scope.until, time.max) if scope.until < date.max else None
    ends = [(end.astimezone(), why) for end, why in ((closes, WINDOW), (last, AUTHORISATION)) if end]
    until, why = min(ends, default=(None, ""))
    covered = covering(site, store, probes, scope, all_ports=all_ports)
    return replace(covered, until=until, why=why, number=now.date().toordinal())


def covering(site: Site, store: Store, probes: Iterable[Probe], scope: Scope, *, all_ports: bool) -> Tonight:
    """What the site file asks for and what is known, whatever the hour."""
    devices = store.devices(site.slug)
    return Tonight(
        scope=scope,
        homes=tuple(sorted({port for probe in probes for port in probe.usual})),
        extra_ports=site.sweep.extra_ports,
        nights=site.sweep.whole_range_nights,
        all_ports=all_ports,
        gateway=gateway(site),
        declared=site.classes.declared(),
        known=frozenset(device.id for device in devices),
        as_careful=as_careful(devices, store.said(site.slug)),
        rounds=store.rounds(site.slug),
        open_before=store.open_ports(site.slug),
        clear=store.clear_ports(site.slug),
        spoken=store.spoken(site.slug),
        detect=site.sweep.detect,
    )


def gateway(site: Site) -> str | None:
    """The internet box: that of the site file, else where this machine sends what is not for its networks."""
    if site.gateway is not None:
        return str(site.gateway)
    with suppress(OSError):
        ways = sorted((way for way in routes() if way.network.prefixlen == 0), key=lambda way: way.metric)
        for way in ways:
            if way.gateway is not None and any(way.gateway in network for network in site.networks):
                return str(way.gateway)
    return None


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
    """What the site file authorises inside. No public address: asked from there it proves nothing."""
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
