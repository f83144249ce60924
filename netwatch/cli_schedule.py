"""What can be typed about nights that run by themselves, and about the post between them?
`netwatch schedule install|remove|show`.

Where it stops: a password is never asked for, shown or written; what the timer cannot see of it is said.
"""

from __future__ import annotations

import re
import shlex
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netwatch.composition import folder, read_site, rules, slug_of, stored
from netwatch.console import say, told
from netwatch.errors import ConfigError, StoreError
from netwatch.exits import Exit
from netwatch.schedule import CRON, KINDS, LOOP, SYSTEMD, WINDOWS, Job, fitting, hour, whose
from netwatch.switches import at_hour, data, lang, site_argument
from netwatch.words import messages

if TYPE_CHECKING:
    from datetime import time

    from netwatch.config import Site
    from netwatch.schedule.installing import Installed
    from netwatch.words import Messages

POSIX_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII | re.IGNORECASE)


@click.group()
def schedule() -> None:
    """Have a site scanned every night, whether somebody is logged in or not."""


@schedule.command()
@site_argument
@at_hour
@click.option("--with", "kind", type=click.Choice(KINDS), help="Which scheduler; else the one found here.")
@click.option("--user", help="Who scans; else you, also behind sudo.")
@click.option("--print", "only_print", is_flag=True, help="Show what would be written and run; do nothing.")
@lang
@data
@told
def install(  # noqa: PLR0913, PLR0917 - click hands over a command's options one by one
    site: str,
    at: datetime | None,
    kind: str | None,
    user: str | None,
    only_print: bool,  # noqa: FBT001
    lang: str | None,
    data: Path | None,
) -> None:
    """Have it done every night, once; a night missed while the machine was off is caught up once.

    Every hour in between, `netwatch tend` sends what waits and says when no complete night has run.

    For systemd, root is needed; the scan itself runs as an ordinary user.
    """
    from netwatch.schedule import compose, installing  # noqa: PLC0415 - slow to import

    practice = read_site(site)
    words = messages(lang or practice.language)
    kind = kind or installing.detect()
    if kind is None:
        raise ConfigError("schedule.no-scheduler", known=", ".join(KINDS))
    job = _job(practice, Path(site), data, user, at.time() if at else None)
    if kind != WINDOWS and not POSIX_USER.fullmatch(job.user):
        raise ConfigError("schedule.no-user", user=ascii(job.user))
    if kind == LOOP:
        click.echo(compose.COMPOSE, nl=False)
        say(words("schedule.loop-how"))
        return
    if only_print:
        for line in _printed(kind, job):
            click.echo(line)
        return
    if kind == WINDOWS and sys.platform != "win32":
        raise ConfigError("schedule.not-windows")
    if not installing.may_install(kind, job.user, whose.oneself()):
        raise ConfigError("schedule.needs-root", command=whose.again())
    if kind == SYSTEMD:
        _check(job)
    installing.install(kind, job)
    start = f"{job.at:%H:%M}"
    click.echo(words("schedule.installed", site=job.slug, kind=words(f"schedule.kind-{kind}"), at=start))
    _warn(kind, practice, job, words)


@schedule.command()
@site_argument
@click.option("--user", help="Whose crontab; else yours, also behind sudo.")
@lang
@data
@told
def remove(site: str, user: str | None, lang: str | None, data: Path | None) -> None:  # noqa: ARG001 - as the others
    """Take the schedule of a site away; its database stays."""
    from netwatch.schedule import installing  # noqa: PLC0415 - slow to import

    slug, language = slug_of(site, lang)
    words, scanner = messages(language), user or whose.scanner()
    found = installing.shown(slug, scanner)
    if not found:
        raise ConfigError("schedule.none", site=slug)
    for one in found:
        if not installing.may_install(one.kind, scanner, whose.oneself()):
            raise ConfigError("schedule.needs-root", command=whose.again())
        installing.remove(one.kind, slug, scanner)
        click.echo(words("schedule.removed", site=slug, kind=words(f"schedule.kind-{one.kind}")))


@schedule.command()
@site_argument
@click.option("--user", help="Whose crontab and database; else yours, also behind sudo.")
@lang
@data
@told
def show(site: str, user: str | None, lang: str | None, data: Path | None) -> None:
    """Is it there, when is the next night, when was the last, and would it run with nobody logged in?"""
    from netwatch.schedule import installing  # noqa: PLC0415 - slow to import
    from netwatch.schedule.loop import health  # noqa: PLC0415

    slug, language = slug_of(site, lang)
    words, scanner = messages(language), user or whose.scanner()
    kept = whose.data(data, scanner, folder)
    found = list(installing.shown(slug, scanner))
    troubles = health(kept, datetime.now())  # noqa: DTZ005 - this machine's clock
    if troubles is not None:
        found.append(installing.Installed(LOOP, str(kept), on=not troubles, unattended=True))
    for one in found:
        for line in _told(one, words):
            click.echo(line)
    for trouble in troubles or ():
        say(trouble, "yellow")
    click.echo(_last(kept, slug, language))
    if not found:
        raise ConfigError("schedule.none", site=slug)
    sys.exit(Exit.CLEAN if any(one.on for one in found) else Exit.ERROR)


def _job(practice: Site, site: Path, data: Path | None, user: str | None, at: time | None) -> Job:
    """All that a scheduler must know. Raises ConfigError."""
    scanner = user or whose.scanner()
    if not user and scanner == "root":
        raise ConfigError("schedule.say-user")
    start, spread = hour(practice.window, at)
    parts = (getattr(practice, name) for name in type(practice).model_fields)
    names = dict.fromkeys(getattr(part, "credential", None) for part in parts)
    return Job(
        slug=practice.slug,
        name=practice.name,
        program=fitting(whose.program()),
        site=fitting(site.absolute()),
        data=fitting(whose.data(data, scanner, folder).absolute()),
        at=start,
        spread=spread,
        user=scanner,
        credentials=tuple(str(name) for name in names if name),
    )


def _printed(kind: str, job: Job) -> tuple[str, ...]:
    """What would be written, and what run."""
    from netwatch.schedule import cron, systemd, windows  # noqa: PLC0415

    if kind == CRON:
        return (f"# crontab -u {job.user}", cron.block(job).rstrip())
    recipe = systemd.recipe(job) if kind == SYSTEMD else windows.recipe(job)
    files = [f"# {path}\n{text}" for path, text in recipe.files]
    return (*files, *(f"$ {shlex.join(command)}" for command in recipe.commands))


def _check(job: Job) -> None:
    """Could this user do it? What would else fail at night is said now. Raises ConfigError."""
    from netwatch.schedule import installing  # noqa: PLC0415

    if whose.home(job.user) is None:
        raise ConfigError("schedule.no-user", user=job.user)
    if not Path(job.data).is_dir():
        raise ConfigError("schedule.no-data", folder=job.data, user=job.user)
    for path in (Path(job.program), Path(job.site)):
        if not installing.may_read(job.user, path):
            raise ConfigError("schedule.cannot-read", user=job.user, path=path)


def _warn(kind: str, practice: Site, job: Job, words: Messages) -> None:
    """The password that a night will look for in vain."""
    from netwatch.schedule import installing  # noqa: PLC0415

    if kind == SYSTEMD:
        for path in installing.missing_secrets(job):
            say(words("schedule.no-secret", path=path), "yellow")
    settings = practice.mail
    if settings is None or not settings.user or settings.password_file:
        return
    if kind != SYSTEMD or not settings.credential:
        say(words("schedule.password-unseen"), "yellow")


def _told(one: Installed, words: Messages) -> tuple[str, ...]:
    """What is there, when it comes next, and whether it needs somebody."""
    kind = words(f"schedule.kind-{one.kind}")
    lines = [words("schedule.there" if one.on else "schedule.off", kind=kind, where=one.where)]
    if one.next is not None:
        lines.append(words("schedule.next", day=one.next.date(), time=f"{one.next:%H:%M}"))
    lines.append(words("schedule.unattended" if one.unattended else "schedule.attended"))
    lines.append(words("schedule.tended" if one.tended else "schedule.untended"))
    return tuple(lines)


def _last(kept: Path, slug: str, language: str) -> str:
    """When the last scan ended, and how. Makes no database where there is none."""
    from netwatch.store import FILE, Store  # noqa: PLC0415 - slow to import

    words = messages(language)
    if not (kept / FILE).is_file():
        return words("schedule.never")
    try:
        with Store(kept) as store:
            run = stored(store, slug, rules(), language).run
    except StoreError:
        return words("schedule.never")
    ended = datetime.fromisoformat(run.finished).astimezone()
    key = "schedule.last" if run.complete else "schedule.last-incomplete"
    return words(key, day=date(ended.year, ended.month, ended.day), time=f"{ended:%H:%M}")
