"""How does a schedule come onto this machine, go from it, and what does the machine say of it?

The only module here that writes files or runs the schedulers' own commands. systemd and the Task Scheduler
are given files and commands (a Recipe); a crontab is read, changed in its own lines, and handed back.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from netwatch.errors import ConfigError
from netwatch.schedule import CRON, LOOP, SYSTEMD, WINDOWS, Recipe, cron, nights, systemd, windows

if TYPE_CHECKING:
    from netwatch.schedule import Job

CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))
RUNNING = Path("/run/systemd/system")  # sd_booted(3)
PATIENCE = 60  # seconds for a command


@dataclass(frozen=True, slots=True)
class Installed:
    """What a scheduler says of a site. `where`: its file or name; `on`: will it come to pass;
    `unattended`: also while nobody is logged in; `next`: when, where the scheduler says so; `tended`: is the
    post looked after between the nights?"""

    kind: str
    where: str
    on: bool
    unattended: bool
    next: datetime | None = None
    tended: bool = True


def detect() -> str | None:
    """Which scheduler is at home here, or None."""
    if sys.platform == "win32":
        return WINDOWS
    if any(mark.exists() for mark in CONTAINER):
        return LOOP
    if RUNNING.is_dir():
        return SYSTEMD
    return CRON if shutil.which("crontab") else None


def may_install(kind: str, user: str, oneself: str) -> bool:
    """Have we the right to? Somebody else's crontab and the system's units are root's."""
    root = sys.platform == "win32" or os.geteuid() == 0
    return root or (kind == CRON and user == oneself)


def install(kind: str, job: Job) -> None:
    """Put it there, in the place of what was there for this site. Raises ConfigError."""
    if kind == CRON:
        _hand_back(job.user, cron.added(_crontab(job.user), job))
        return
    recipe = systemd.recipe(job) if kind == SYSTEMD else windows.recipe(job)
    for path, text in recipe.files:
        _write(Path(path), text, "utf-8" if kind == SYSTEMD else "utf-16")
    _run(recipe)
    for path, _ in recipe.files if kind == WINDOWS else ():
        Path(path).unlink(missing_ok=True)  # the Task Scheduler has a copy of its own


def remove(kind: str, slug: str, user: str) -> None:
    """Take it away. Raises ConfigError where that cannot be done."""
    if kind == CRON:
        _hand_back(user, cron.without(_crontab(user), slug))
        return
    if kind == WINDOWS:
        *rest, night = windows.removal(slug).commands
        for command in rest:
            _asked(*command)  # may be gone already; the nights' own task may not
        _run(Recipe((), (night,)))
        return
    recipe = systemd.removal(slug)
    for command in recipe.commands:
        _asked(*command)  # half gone already is no reason to stop half way
    for path, _ in recipe.files:
        try:
            Path(path).unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError("cli.cannot-write", path=path, why=error.strerror) from error
    _asked("systemctl", "daemon-reload")


def shown(slug: str, user: str) -> tuple[Installed, ...]:
    """Every schedule of this site on this machine."""
    found = (_in_systemd(slug), _in_crontab(slug, user), _in_windows(slug))
    return tuple(one for one in found if one is not None)


def may_read(user: str, path: Path) -> bool:
    """May this user read that file, through every folder above it? Asked by becoming them, as root."""
    if sys.platform == "win32" or os.geteuid() != 0 or not shutil.which("runuser"):
        return True
    return _started("runuser", "-u", user, "--", "test", "-r", str(path)).returncode == 0


def missing_secrets(job: Job) -> tuple[Path, ...]:
    """The files from which systemd is to take secrets, and which are not there."""
    return tuple(Path(path) for path in systemd.secrets(job).values() if not Path(path).is_file())


def _in_systemd(slug: str) -> Installed | None:
    name = f"{systemd.unit(slug)}.timer"
    path = Path(systemd.UNITS / name)
    if not path.is_file():
        return None
    told = _asked("systemctl", "is-active", name)
    upcoming = None
    listed = _asked("systemctl", "list-timers", "--output=json", name)
    if listed is not None:
        try:
            [row] = json.loads(listed)
            upcoming = datetime.fromtimestamp(int(row["next"]) / 1e6)  # noqa: DTZ006 - this clock's
        except (ValueError, TypeError, KeyError, OverflowError, OSError):
            upcoming = None
    day = _asked("systemctl", "is-active", f"{systemd.between(slug)}.timer")
    active, tended = ((one or "").strip() == "active" for one in (told, day))
    return Installed(SYSTEMD, str(path), on=active, unattended=True, next=upcoming, tended=tended)


def _in_crontab(slug: str, user: str) -> Installed | None:
    if not shutil.which("crontab"):
        return None
    try:
        table = _crontab(user)
    except ConfigError:
        return None
    if not cron.holds(table, slug):
        return None
    at, now = cron.at(table, slug), datetime.now()  # noqa: DTZ005 - this machine's clock
    upcoming = None if at is None else nights.following(at, now)
    return Installed(CRON, f"crontab -u {user}", on=True, unattended=True, next=upcoming)


def _in_windows(slug: str) -> Installed | None:
    if not shutil.which("schtasks"):
        return None
    told = _asked("schtasks", "/Query", "/TN", windows.task_name(slug), "/XML")
    task = None if told is None else of_task(slug, told)
    if task is None:
        return None
    day = _asked("schtasks", "/Query", "/TN", windows.between(slug), "/XML")
    other = None if day is None else of_task(slug, day)
    return replace(task, tended=other is not None and other.on)


def of_task(slug: str, told: str) -> Installed | None:
    """What a task's own XML says; None for what is no such thing."""
    space = {"t": windows.SPACE}
    try:
        task = fromstring(told.partition("?>")[2] or told)
        logon = task.findtext(".//t:LogonType", "", space)
        on = task.findtext("./t:Settings/t:Enabled", "true", space) == "true"
        at = datetime.fromisoformat(task.findtext(".//t:StartBoundary", "", space))
    except (ParseError, DefusedXmlException, ValueError):
        return None
    now = datetime.now()  # noqa: DTZ005 - this machine's clock
    upcoming = nights.following(time(at.hour, at.minute), now)
    return Installed(
        WINDOWS, windows.task_name(slug), on=on, unattended=logon in {"Password", "S4U"}, next=upcoming
    )


def _crontab(user: str) -> str:
    """The crontab of a user; none is an empty one. Raises ConfigError where it may not be read."""
    ended = _started("crontab", *_whose(user), "-l")
    if ended.returncode and "no crontab" not in ended.stderr:
        raise _refused("crontab", ended.stderr)
    return ended.stdout if ended.returncode == 0 else ""


def _hand_back(user: str, table: str) -> None:
    ended = _started("crontab", *_whose(user), "-", typed=table)
    if ended.returncode:
        raise _refused("crontab", ended.stderr)


def _whose(user: str) -> tuple[str, ...]:
    """Nobody but root may name a user to crontab, not even themselves."""
    return ("-u", user) if os.geteuid() == 0 else ()


def _run(recipe: Recipe) -> None:
    for command in recipe.commands:
        ended = _started(*command, asking="/RP" in command)
        if ended.returncode:
            raise _refused(command[0], ended.stderr)


def _asked(*command: str) -> str | None:
    """What a command says, whatever it returns; None where there is no such command, or it says nothing."""
    try:
        return _started(*command).stdout or None
    except ConfigError:
        return None


def _started(
    *command: str, typed: str | None = None, asking: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run it in English, and to its end. `asking`: it asks the person who sits there."""
    try:
        return subprocess.run(
            command,
            input=typed,
            stdin=None if typed is not None or asking else subprocess.DEVNULL,
            capture_output=not asking,
            encoding="utf-8",
            errors="replace",
            timeout=None if asking else PATIENCE,
            check=False,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _refused(command[0], str(error)) from error


def _refused(command: str, said: str | None) -> ConfigError:
    lines = (said or "").strip().splitlines()
    return ConfigError("schedule.refused", command=command, why=lines[-1] if lines else "-")


def _write(path: Path, text: str, encoding: str) -> None:
    """Whole or not at all. Raises ConfigError."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(text, encoding=encoding, newline="\n")
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        raise ConfigError("cli.cannot-write", path=path, why=error.strerror) from error
