"""Does `netwatch schedule` show before it writes, write what it showed, and say what will not work at night?

crontab and systemctl are stand-ins that keep what they are given; the real ones were tried by hand, and so
was the unit in a booted systemd (docs/schedule.md says with what result).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from netwatch.cli import main
from netwatch.exits import Exit
from netwatch.schedule import installing, systemd, whose
from netwatch.schedule.compose import COMPOSE

if TYPE_CHECKING:
    from collections.abc import Callable

SITE = """name = "Cabinet % Martin"
slug = "cabinet"
networks = ["192.168.1.0/24"]
window = "22:00-06:00"
[authorisation]
by = "Dr"
role = "titulaire"
until = 2027-12-31
[mail]
host = "smtp.example.org"
user = "alerts"
"""
# Keeps one table for each user, as crontab does, and for root's -u.
CRONTAB = """#!/bin/sh
user=me; [ "$1" = -u ] && { user=$2; shift 2; }
case $1 in
-l) [ -f "$0.$user" ] || { echo "no crontab for $user" >&2; exit 1; }; cat "$0.$user" ;;
-) cat >"$0.$user" ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
echo "$@" >>"$0.log"
case $1 in
is-active) echo active ;;
list-timers) echo '[{"next":1796076000000000,"unit":"x"}]' ;;
enable) [ ! -e "$0.refuses" ] || { echo "Failed: no" >&2; exit 1; } ;;
esac
"""


class Machine:
    """A folder with a site file, stand-ins for the schedulers, and the unit folder of a systemd."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site, self.data = folder, folder / "cab $x %n.toml", folder / "data"
        self.units, self.bin = folder / "units", folder / "bin"
        for path in (self.units, self.bin, self.data):
            path.mkdir()
        self.site.write_text(SITE)
        self.put("crontab", CRONTAB)
        self.put("systemctl", SYSTEMCTL)
        self.put("runuser", "#!/bin/sh\nexit 0\n")

    def put(self, name: str, script: str) -> None:
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def run(self, *words: str, site: str | Path | None = None, lang: str = "en") -> Result:
        command, *rest = words
        return CliRunner().invoke(
            main,
            ["schedule", command, str(site or self.site), "--data", str(self.data), "--lang", lang, *rest],
            catch_exceptions=False,
        )

    @property
    def log(self) -> list[str]:
        path = self.bin / "systemctl.log"
        return path.read_text().splitlines() if path.exists() else []

    def files(self) -> set[str]:
        return {path.name for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin), prepend=os.pathsep)
    monkeypatch.setattr(systemd, "UNITS", made.units)
    monkeypatch.delenv("SUDO_USER", raising=False)
    return made


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.mark.parametrize("kind", ["systemd", "cron", "loop"])
def test_print_shows_what_would_be_written_and_writes_nothing(machine: Machine, kind: str) -> None:
    before = machine.files()
    told = machine.run("install", "--with", kind, "--print", "--user", "daemon")
    assert told.exit_code == 0
    assert machine.files() == before
    assert machine.log == []
    for part in {
        "systemd": ["netwatch-cabinet.service", "OnCalendar=*-*-* 22:00:00", "$ systemctl daemon-reload"],
        "cron": ["# crontab -u daemon", "0 * * * * ", "''\\%n.toml"],
        "loop": [COMPOSE],
    }[kind]:
        assert part in told.stdout


@pytest.mark.usefixtures("as_root")
def test_what_was_printed_for_systemd_is_what_is_written(machine: Machine) -> None:
    shown = machine.run("install", "--with", "systemd", "--print", "--user", "daemon").stdout
    told = machine.run("install", "--with", "systemd", "--user", "daemon")
    assert told.exit_code == 0, told.output
    written = sorted(machine.units.iterdir())
    assert [path.name for path in written] == [
        *("netwatch-cabinet.service", "netwatch-cabinet.tend.service"),
        *("netwatch-cabinet.tend.timer", "netwatch-cabinet.timer"),
    ]
    assert all(path.read_text() in shown for path in written)
    assert machine.log == [
        "daemon-reload",
        "enable --now netwatch-cabinet.timer netwatch-cabinet.tend.timer",
    ]
    assert "every night at 22:00" in told.stdout
    assert "does not see the environment variable" in told.stderr

    there = machine.run("show", "--user", "daemon", site="cabinet")
    assert there.exit_code == 0
    assert "netwatch-cabinet.timer" in there.stdout
    assert "next night: " in there.stdout
    assert "also when nobody is logged in" in there.stdout
    assert "between the nights: every hour" in there.stdout
    assert "none yet" in there.stdout
    assert not (machine.data / "netwatch.db").exists(), "showing makes nothing"

    gone = machine.run("remove", "--user", "daemon", site="cabinet")
    assert gone.exit_code == 0
    assert list(machine.units.iterdir()) == []
    assert "clean --what=state netwatch-cabinet.timer" in machine.log
    assert machine.run("show", "--user", "daemon").exit_code == Exit.ERROR


@pytest.mark.usefixtures("as_root")
def test_a_credential_that_is_not_there_is_said_with_its_place(machine: Machine) -> None:
    machine.site.write_text(SITE + 'credential = "mail"\n')
    told = machine.run("install", "--with", "systemd", "--user", "daemon")
    assert "/etc/credstore/netwatch.cabinet.mail" in told.stderr
    assert "environment variable" not in told.stderr


@pytest.mark.usefixtures("as_root")
def test_show_says_where_nobody_looks_after_the_post_and_remove_takes_what_is_left(machine: Machine) -> None:
    machine.run("install", "--with", "systemd", "--user", "daemon")
    machine.put("systemctl", SYSTEMCTL.replace("is-active)", 'is-active) [ "${2#*.tend.}" = "$2" ] &&'))
    (machine.units / "netwatch-cabinet.tend.timer").unlink()
    told = machine.run("show", "--user", "daemon")
    assert "NOBODY" in told.stdout
    assert "SWITCHED OFF" not in told.stdout
    assert machine.run("remove", "--user", "daemon").exit_code == 0
    assert list(machine.units.iterdir()) == []


@pytest.mark.usefixtures("as_root")
def test_what_systemd_refuses_is_told(machine: Machine) -> None:
    (machine.bin / "systemctl.refuses").touch()
    told = machine.run("install", "--with", "systemd", "--user", "daemon")
    assert told.exit_code == Exit.ERROR
    assert "systemctl refused: Failed: no" in told.stderr


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.data.rmdir(), "is not there"),
        (lambda m: m.put("runuser", "#!/bin/sh\nexit 1\n"), "may not read"),
    ],
)
def test_what_would_fail_every_night_is_refused_now(
    machine: Machine, change: Callable[[Machine], None], said: str
) -> None:
    change(machine)
    told = machine.run("install", "--with", "systemd", "--user", "daemon")
    assert (told.exit_code, said in told.stderr) == (Exit.ERROR, True)
    assert list(machine.units.iterdir()) == []


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--user", "no-such-user"), "no user no-such-user"),
        (("--user", "x\ny"), "no user"),
        ((), "does not run as root"),
        (("--user", "daemon", "--at", "12:00"), "lies outside the window"),
    ],
)
def test_whom_or_when_nobody_can_scan_is_refused(machine: Machine, words: tuple[str, ...], said: str) -> None:
    told = machine.run("install", "--with", "systemd", *words)
    assert (told.exit_code, said in told.stderr) == (Exit.ERROR, True)


def test_without_root_systemd_is_not_written_and_the_command_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 2)
    told = machine.run("install", "--with", "systemd", "--user", "daemon", lang="fr")
    assert told.exit_code == Exit.ERROR
    assert "sudo " in told.stderr
    assert list(machine.units.iterdir()) == []


def test_a_crontab_gets_the_line_once_and_loses_it_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    table = machine.bin / "crontab.me"
    table.write_text("5 4 * * * true\n")
    for at in ("22:30", "23:10"):
        told = machine.run("install", "--with", "cron", "--at", at)
        assert told.exit_code == 0, told.output
    lines = table.read_text().splitlines()
    assert lines[0] == "5 4 * * * true"
    assert [line for line in lines if " loop " in line] == [lines[2]]
    assert lines[2].startswith("10 * * * * ")
    told = machine.run("show")
    assert "cron: crontab" in told.stdout
    assert ", 23:10" in told.stdout
    assert machine.run("remove").exit_code == 0
    assert table.read_text() == "5 4 * * * true\n"
    assert machine.run("remove").exit_code == Exit.ERROR


@pytest.mark.usefixtures("as_root")
def test_behind_sudo_it_is_who_typed_it_that_scans(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "daemon")
    told = machine.run("install", "--with", "cron")
    assert told.exit_code == 0
    assert (machine.bin / "crontab.daemon").is_file()


def test_on_another_machine_windows_task_can_only_be_printed(machine: Machine) -> None:
    site = machine.folder / "cabinet.toml"
    site.write_text(SITE)
    printed = machine.run("install", "--with", "windows", "--print", "--user", "Dr Martin", site=site)
    assert "schtasks /Create" in printed.stdout
    told = machine.run("install", "--with", "windows", "--user", "Martin", site=site)
    assert (told.exit_code, "--print" in told.stderr) == (Exit.ERROR, True)


@pytest.mark.parametrize(
    ("there", "found"), [(("container", "systemd"), "loop"), (("systemd",), "systemd"), ((), "cron")]
)
@pytest.mark.usefixtures("machine")
def test_the_scheduler_that_is_at_home_here_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], found: str
) -> None:
    monkeypatch.setattr(installing, "CONTAINER", (tmp_path / "container",))
    monkeypatch.setattr(installing, "RUNNING", tmp_path / "systemd")
    for name in there:
        (tmp_path / name).mkdir()
    assert installing.detect() == found


def test_where_no_scheduler_is_found_the_choices_are_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "detect", lambda: None)
    told = machine.run("install", "--user", "daemon")
    assert (told.exit_code, "systemd, cron, windows, loop" in told.stderr) == (Exit.ERROR, True)


def test_the_database_of_another_user_is_in_their_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whose, "home", lambda user: Path("/home") / user)
    assert whose.data(None, "x-y", lambda _: Path("/ours")) == Path("/home/x-y/.local/share/netwatch")
    assert whose.data(None, whose.oneself(), lambda _: Path("/ours")) == Path("/ours")
    assert whose.data(Path("/said"), "x-y", lambda given: given or Path("/ours")) == Path("/said")
