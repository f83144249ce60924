"""What can be typed about the internet box? `netwatch box declare`, `box pair`, `box show`.

What is asked of the box is written to the site's audit log `0-box`.
"""

from __future__ import annotations

import platform
import sys
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netwatch.composition import claim, open_store, read_site
from netwatch.console import say, told
from netwatch.errors import ConfigError, HoursError, NetwatchError
from netwatch.exits import Exit
from netwatch.switches import data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.box.declared import Declaration, Forward
    from netwatch.config import Site
    from netwatch.model import Observation, Target
    from netwatch.store import Store
    from netwatch.way import Way
    from netwatch.words import Messages

LOG = "0-box.jsonl"  # sorts before every run's: the last run stays the last
ON_OFF = click.Choice(["on", "off"])


@click.group()
def box() -> None:
    """The internet box: what it says of itself, or what you see on its pages."""


@box.command()
@site_argument
@click.option(
    "--forward",
    "rules",
    multiple=True,
    metavar="PORT/tcp=ADDRESS:PORT",
    help="A port forward that the page shows; repeatable. 8000-8010/udp=192.168.1.30:8000 for several ports.",
)
@click.option("--no-forwards", is_flag=True, help="The page of the forwards is empty.")
@click.option("--dmz", metavar="ADDRESS", help="The DMZ is on and leads there.")
@click.option("--no-dmz", is_flag=True, help="The DMZ is off.")
@click.option("--upnp", type=ON_OFF, help="UPnP as the page shows it.")
@click.option("--ipv6-firewall", type=ON_OFF, help="The IPv6 firewall as the page shows it.")
@click.option("--by", help="Who looked; else who gave the authorisation.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="When; else today.")
@click.option("--clear", is_flag=True, help="What was declared no longer counts.")
@lang
@data
@told
def declare(  # noqa: PLR0913, PLR0917 - click hands over a command's options one by one
    site: str,
    rules: tuple[str, ...],
    no_forwards: bool,  # noqa: FBT001
    dmz: str | None,
    no_dmz: bool,  # noqa: FBT001
    upnp: str | None,
    ipv6_firewall: str | None,
    by: str | None,
    day: datetime | None,
    clear: bool,  # noqa: FBT001
    lang: str | None,
    data: Path | None,
) -> None:
    """Say what the box's pages show: forwards, DMZ, UPnP, IPv6 firewall. Sends nothing.

    Asks a person, unless the options say it. A page that no option speaks of counts as not seen.
    """
    from netwatch.box import questions  # noqa: PLC0415 - slow to import
    from netwatch.box.declared import Declaration  # noqa: PLC0415

    practice = read_site(site)
    words = messages(lang or practice.language)
    if clear:
        _keep(practice, site, data, "")
        click.echo(words("box.cleared"))
        return
    today = date.today()  # noqa: DTZ011 - the person's own day is meant
    on = day.date() if day else today
    if on > today:
        raise ConfigError("box.future", day=on)
    who = by or (practice.authorisation.by if practice.authorisation else None)
    made = Declaration(
        by=who or "",
        on=on,
        forwards=_rules(rules, none=no_forwards),
        dmz=_leads(dmz, off=no_dmz),
        upnp=None if upnp is None else upnp == "on",
        ipv6_firewall=None if ipv6_firewall is None else ipv6_firewall == "on",
    )
    asks = made.empty
    if asks and not sys.stdin.isatty():
        raise ConfigError("box.say-what")
    if asks:
        made = questions.asked(words, who, on)
    if not made.by:
        raise ConfigError("box.say-who")
    _show_declared(made, words)
    if asks and not questions.confirmed(words):
        click.echo(words("box.dropped"))
        sys.exit(Exit.ERROR)
    _keep(practice, site, data, made.to_text())
    click.echo(words("box.kept", on=made.on, by=made.by))


@box.command()
@site_argument
@lang
@data
@told
def pair(site: str, lang: str | None, data: Path | None) -> None:
    """Let netwatch in: for a Freebox, a button on the box; for others, try the password now.

    Asks the box now, whatever the hours of the site file: somebody stands there. Forgets that a password was
    refused before.
    """
    from netwatch.box import ask, freebox, memory  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    words = messages(lang or practice.language)
    if practice.box is None:
        raise ConfigError("box.no-box")
    with open_store(data) as store, _reached(practice, site, store, hours=False) as (way, target):
        where = memory.folder(store.folder, practice.slug)
        memory.forget(where)
        if practice.box.kind == freebox.NAME:
            freebox.pair(way, target, where, _this_machine(), lambda: say(words("box.press")))
            click.echo(words("box.paired"))
            return
        telling = ask(practice.box, way, target, where)
    _troubles(telling.troubles, words)
    if not telling.observations:
        sys.exit(Exit.ERROR)
    click.echo(words("box.let-in"))


@box.command()
@site_argument
@lang
@data
@told
def show(site: str, lang: str | None, data: Path | None) -> None:
    """Show what was declared of the box and, where [box] is set, ask the box now."""
    from netwatch.box import ask, declared, memory  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    words = messages(lang or practice.language)
    with open_store(data) as store:
        made = declared.parse(store.declaration(practice.slug))
        if made is None:
            click.echo(words("box.none-declared"))
        else:
            _show_declared(made, words)
        if practice.box is None:
            say(words("box.no-box"))
            return
        with _reached(practice, site, store) as (way, target):
            telling = ask(practice.box, way, target, memory.folder(store.folder, practice.slug))
    if telling.observations:
        click.echo(words("box.title-told", kind=practice.box.kind.capitalize()))
        _say_all(telling.observations, words)
    if telling.troubles:
        say(words("box.not-told"), "yellow")
        _troubles(telling.troubles, words)
        sys.exit(Exit.INCOMPLETE if telling.observations else Exit.ERROR)


@contextmanager
def _reached(practice: Site, site: str, store: Store, *, hours: bool = True) -> Iterator[tuple[Way, Target]]:
    """(the way to the gateway, the gateway), with an audit log of its own and no scan beside it.

    Raises ScopeError without a valid authorisation, and outside the site's hours unless told otherwise.
    """
    from netwatch import audit  # noqa: PLC0415 - slow to import
    from netwatch.box import MANNER  # noqa: PLC0415
    from netwatch.classes import table  # noqa: PLC0415
    from netwatch.egress import Egress  # noqa: PLC0415
    from netwatch.model import Target  # noqa: PLC0415
    from netwatch.nightly import scope_of  # noqa: PLC0415

    now = datetime.now().astimezone()
    scope = scope_of(practice, now.date())
    window, clock = practice.window, now.replace(tzinfo=None)
    if hours and window is not None and window.closes(clock) is None:
        raise HoursError("config.window-closed", window=window, opens=f"{window.opens(clock):%H:%M}")
    if practice.gateway is None:
        raise ConfigError("box.no-gateway")
    gateway = str(practice.gateway)
    with store.lock(practice.slug):
        claim(store, practice, Path(site))
        log = audit.folder(store.folder, practice.slug) / LOG
        egress = Egress(scope, practice.pace.pace(), audit.Audit(log))
        try:
            egress.classed(gateway, table()["box"])
            device = gateway
            for known in store.devices(practice.slug):
                if known.address == gateway:
                    device = known.id
                    if known.mac in practice.exclude.macs:
                        egress.bar(gateway)
                    if known.left_alone:
                        egress.bar(gateway, "egress.left-alone")
            yield egress.asking("box", MANNER), Target(device, gateway, ())
        finally:
            egress.close()


def _keep(practice: Site, site: str, data: Path | None, text: str) -> None:
    with open_store(data) as store:
        claim(store, practice, Path(site))
        store.declare(practice.slug, text)


def _rules(given: tuple[str, ...], *, none: bool) -> tuple[Forward, ...] | None:
    from netwatch.box.declared import Forward  # noqa: PLC0415

    if given and none:
        raise ConfigError("box.either-or", one="--forward", other="--no-forwards")
    return tuple(Forward.parse(one) for one in given) if given or none else None


def _leads(given: str | None, *, off: bool) -> str | None:
    """Where the DMZ leads; "" where it is off."""
    from netwatch.box.declared import inside  # noqa: PLC0415

    if given is not None and off:
        raise ConfigError("box.either-or", one="--dmz", other="--no-dmz")
    if given is None:
        return "" if off else None
    return inside(given)


def _this_machine() -> str:
    """How the panel of the box calls us."""
    from netwatch.plain import plain  # noqa: PLC0415

    return plain(platform.node(), 40) or "netwatch"


def _troubles(troubles: Iterable[NetwatchError], words: Messages) -> None:
    for error in troubles:
        say(words(error.message, **error.details), "red")


def _show_declared(made: Declaration, words: Messages) -> None:
    """What it says, and what it says nothing about."""
    from netwatch.box.declared import observations  # noqa: PLC0415
    from netwatch.model import Target  # noqa: PLC0415

    click.echo(words("box.title-declared", on=made.on, by=made.by))
    _say_all(observations(made, Target("", "", ())), words)
    for key, page in (
        ("forwards", made.forwards),
        ("dmz", made.dmz),
        ("upnp", made.upnp),
        ("ipv6", made.ipv6_firewall),
    ):
        if page is None:
            click.echo("  " + words(f"box.unseen-{key}"))


def _say_all(observations: Iterable[Observation], words: Messages) -> None:
    for seen in observations:
        key, details = _sentence(seen, words)
        click.echo("  " + words(key, **details))


def _sentence(seen: Observation, words: Messages) -> tuple[str, dict[str, object]]:
    """(which sentence says it, what fills it in)."""
    facts: dict[str, object] = dict(seen.facts)
    enabled = facts.get("enabled")
    on = "unknown" if enabled is None else "on" if enabled else "off"
    if seen.protocol == "forward":
        more = "" if facts["enabled"] else words("box.says-forward-off")
        ports = facts.get("ports", seen.port)
        return "box.says-forward", {**facts, "ports": ports, "transport": seen.transport, "more": more}
    if seen.protocol == "wan":
        more = words("box.says-wan-ports", ports=facts["ports"]) if "ports" in facts else ""
        return "box.says-wan", {**facts, "more": more}
    if seen.protocol == "listing":
        return f"box.says-listing-{facts['listing']}", facts
    return f"box.says-{'ipv6' if seen.protocol == 'ipv6-firewall' else seen.protocol}-{on}", facts
