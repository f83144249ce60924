"""Does the loop do each site's night once, end at once when told to, and say truly how it is?

The netwatch that it starts is a script of the test's own, but at the end, and in tests/lab/image.sh.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time as clock
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from netwatch.schedule import loop, nights
from netwatch.schedule.loop import BEAT, STALE, Loop, health
from netwatch.schedule.nights import FOLDER, Kept
from netwatch.words import messages

NETWATCH = Path(sys.executable).with_name("netwatch")
NOW = datetime(2026, 11, 30, 22, 30)  # noqa: DTZ001 - wall-clock time
SITE = """name = "{name}"
networks = ["127.61.0.1"]
[authorisation]
by = "Dr"
role = "titulaire"
until = {until}
"""


class Trial:
    """A loop over a folder, with a clock that we set and a netwatch that we wrote."""

    def __init__(self, folder: Path, script: str = "exit 0") -> None:
        self.sites, self.data, self.program = folder / "sites", folder / "data", folder / "netwatch"
        self.sites.mkdir()
        self.lines: list[tuple[str, bool]] = []
        self.now = NOW - timedelta(minutes=1)
        self.does(script)
        self.loop = self.started()

    def started(self) -> Loop:
        """Anew, as after a restart."""
        words = messages("en")
        loop = Loop(
            self.sites, self.data, self.program, words, lambda line, bad: self.lines.append((line, bad))
        )
        loop.now = lambda: self.now
        return loop

    def does(self, script: str) -> None:
        """What the netwatch that it starts does; it notes its words first."""
        self.program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >>"{self.program}.log"\n{script}\n')
        self.program.chmod(0o755)

    def add(self, name: str, more: str = "") -> None:
        until = date.today() + timedelta(days=9)  # noqa: DTZ011 - the machine's own day is meant
        (self.sites / f"{name}.toml").write_text(more + SITE.format(name=name, until=until))

    def started_with(self, verb: str) -> list[str]:
        """The site files about which it was started so."""
        log = self.program.with_name("netwatch.log")
        words = log.read_text().split("|") if log.exists() else []
        return [Path(later).name for word, later in pairwise(words) if word == verb]

    @property
    def started_scans(self) -> list[str]:
        return self.started_with("scan")

    def look(self, at: datetime | None = None) -> tuple[str, ...]:
        self.now = at or self.now
        return self.loop.look()


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


def test_each_site_has_its_night_once_and_a_line_of_its_own(trial: Trial) -> None:
    trial.add("a")
    trial.add("b")
    assert trial.look() == ()
    assert trial.started_scans == []
    for minute in range(3):
        assert trial.look(NOW + timedelta(minutes=minute)) == ()
    assert trial.started_scans == ["a.toml", "b.toml"]
    assert trial.lines == [("2026-11-30 22:30  a: complete", False), ("2026-11-30 22:30  b: complete", False)]


def test_each_site_s_post_is_looked_after_every_hour_but_not_after_its_scan(trial: Trial) -> None:
    trial.add("a")
    trial.add("b")
    trial.look()
    assert trial.started_with("tend") == ["a.toml", "b.toml"], "a restart may have come late"
    for minute in range(0, 59, 5):
        trial.look(NOW + timedelta(minutes=minute))
    trial.look(NOW + timedelta(minutes=59, seconds=30))
    assert trial.started_scans == trial.started_with("tend") == ["a.toml", "b.toml"]
    trial.look(NOW + timedelta(minutes=61))
    trial.look(NOW + timedelta(minutes=62))
    assert trial.started_with("tend") == ["a.toml", "b.toml"] * 2
    assert len(trial.lines) == 2, "the nights alone"


def test_a_clock_that_was_set_back_does_not_leave_the_post_alone(trial: Trial) -> None:
    trial.add("a")
    trial.look(NOW + timedelta(days=300))
    trial.look(NOW + timedelta(minutes=5))
    assert trial.started_with("tend") == ["a.toml"] * 2


@pytest.mark.parametrize(("code", "troubles"), [(7, 1), (1, 1), (5, 0)])
def test_post_that_fails_stops_nothing_and_is_told_once_until_it_goes(
    trial: Trial, code: int, troubles: int
) -> None:
    for name in ("a", "b"):
        trial.add(name)
    trial.does(f'case "$1 $2" in tend*a.toml) printf "mail 3 is \\033[31mlost\\n" >&2; exit {code};; esac')
    told = trial.look()
    trial.look(NOW - timedelta(seconds=30))
    assert [line for line in told if "mail 3 is" in line] == list(told)
    assert len(told) == troubles
    assert all("\033" not in line for line in told)
    assert len(trial.lines) == troubles
    assert health(trial.data, trial.now) == told
    assert trial.started_with("tend") == ["a.toml", "b.toml"]
    trial.does("exit 0")
    assert trial.look(NOW) == ()
    assert trial.started_scans == ["a.toml", "b.toml"]


def test_post_that_a_mail_server_holds_up_is_stopped(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "A_WHILE", timedelta(seconds=0.1))
    trial.add("a")
    trial.does("exec sleep 600")
    [trouble] = trial.look()
    assert "a: " in trouble
    assert "could not all be sent" in trouble


def test_a_restart_in_the_night_makes_no_second_one(trial: Trial) -> None:
    trial.add("a")
    trial.look()
    trial.look(NOW)
    trial.loop = trial.started()
    trial.look(NOW + timedelta(hours=1))
    assert trial.started_scans == ["a.toml"]


def test_five_nights_asleep_are_one_scan(trial: Trial) -> None:
    trial.add("a")
    trial.look()
    trial.look(NOW)
    for minute in range(5):
        trial.look(NOW + timedelta(days=5, hours=11, minutes=minute))
    assert trial.started_scans == ["a.toml"] * 2


def test_one_site_that_fails_stops_no_other_and_is_told_with_its_reason(trial: Trial) -> None:
    for name in ("a", "b"):
        trial.add(name)
    trial.does(
        'case "$1 $2" in scan*a.toml) echo 1 >&2; printf "the \\033[31mdisk is full\\n" >&2; exit 1;; esac'
    )
    trial.look()
    [trouble] = trial.look(NOW)
    assert trial.started_scans == ["a.toml", "b.toml"]
    assert trial.lines == [
        ("2026-11-30 22:30  a: FAILED (exit code 1): the [31mdisk is full", True),
        ("2026-11-30 22:30  b: complete", False),
    ]
    assert "the night of 30 November 2026 failed" in trouble
    assert health(trial.data, NOW) == (trouble,)
    trial.does("exit 0")
    assert trial.look(NOW + timedelta(days=1)) == ()
    assert health(trial.data, trial.now) == ()


@pytest.mark.parametrize(
    ("code", "said"), [(3, "with findings"), (4, "incomplete: why"), (5, "another scan")]
)
def test_a_night_that_ended_as_it_may_is_no_trouble(trial: Trial, code: int, said: str) -> None:
    trial.add("a")
    trial.does(f'[ "$1" = scan ] || exit 0; echo why >&2; exit {code}')
    trial.look()
    assert trial.look(NOW) == ()
    [(line, bad)] = trial.lines
    assert said in line
    assert not bad


def test_a_night_that_was_stopped_before_it_stored_anything_is_done_after_a_restart(trial: Trial) -> None:
    trial.add("a")
    trial.look()
    trial.does("sleep 60")
    stopping = threading.Timer(0.5, trial.loop.stop)
    stopping.start()
    trial.look(NOW)
    assert "still to be done" in trial.lines[0][0]
    trial.does("exit 4")
    trial.loop = trial.started()
    trial.look(NOW + timedelta(minutes=2))
    trial.look(NOW + timedelta(minutes=3))
    assert trial.started_scans == ["a.toml"] * 2


def test_a_broken_site_file_is_told_once_and_mended_without_a_restart(trial: Trial) -> None:
    (trial.sites / "a.toml").write_text("name = 3")
    [first] = trial.look()
    trial.look(NOW)
    assert "a.toml" in first
    assert len(trial.lines) == 1
    trial.add("a")
    assert trial.look(NOW + timedelta(minutes=1)) == ()
    trial.look(NOW + timedelta(days=1))
    assert trial.started_scans == ["a.toml"]


def test_a_site_keeps_to_the_hours_of_its_window(trial: Trial) -> None:
    trial.add("a", 'window = "01:00-04:00"\n')
    trial.look()
    trial.look(NOW)
    assert trial.started_scans == []
    trial.look(NOW + timedelta(hours=2, minutes=30))
    assert trial.started_scans == ["a.toml"]


def test_a_clock_from_before_this_release_begins_no_night(trial: Trial) -> None:
    trial.add("a")
    trial.look()
    trial.loop.not_before = date(2027, 1, 1)
    [trouble] = trial.look(NOW)
    assert "clock" in trouble
    assert trial.started_scans == []


def test_where_nothing_can_be_remembered_no_night_begins_over_and_over(trial: Trial) -> None:
    trial.add("a")
    trial.data.write_text("no folder")
    for minute in range(3):
        [trouble] = trial.look(NOW + timedelta(minutes=minute))
        assert "remembered" in trouble
    assert trial.started_scans == []
    assert len(trial.lines) == 1


def test_an_empty_folder_is_a_trouble_that_says_what_is_missing(trial: Trial) -> None:
    [trouble] = trial.look()
    assert "*.toml" in trouble


def test_a_netwatch_that_cannot_be_started_is_a_failed_night(trial: Trial) -> None:
    trial.add("a")
    trial.look()
    trial.program.unlink()
    [trouble] = trial.look(NOW)
    assert "failed" in trouble


def test_a_night_that_was_missed_and_is_not_yet_caught_up_is_said(trial: Trial) -> None:
    trial.add("a", 'window = "22:00-06:00"\n')
    trial.look()
    trial.look(NOW - timedelta(minutes=30))
    [trouble] = trial.look(NOW + timedelta(days=4, hours=12))
    assert "was not done" in trouble


def test_health_is_of_a_loop_that_lives(trial: Trial) -> None:
    assert health(trial.data, NOW) is None
    trial.add("a")
    trial.look()
    assert health(trial.data, trial.now) == ()
    assert health(trial.data, trial.now + STALE * 2) is None
    (trial.data / FOLDER / BEAT).write_text('{"beat": "x"}')
    assert health(trial.data, trial.now) is None


# ------------------------------------------------------------------------------- the command itself


def due_now(folder: Path) -> tuple[Path, Path]:
    """A site whose night is due, and its data."""
    until = date.today() + timedelta(days=9)  # noqa: DTZ011
    (folder / "a.toml").write_text(SITE.format(name="a", until=until))
    nights.remember(folder / "data" / FOLDER, "a", Kept(datetime(2026, 1, 1)))  # noqa: DTZ001
    return folder, folder / "data"


def command(*words: str | Path) -> list[str]:
    at = f"{datetime.now():%H:%M}"  # noqa: DTZ005 - this machine's clock
    return [str(NETWATCH), "loop", *map(str, words), "--at", at]


def test_once_does_the_night_that_is_due_and_then_nothing(tmp_path: Path) -> None:
    folder, data = due_now(tmp_path)
    beat = data / FOLDER / BEAT
    for line in ("a: ", ""):
        told = subprocess.run(
            command(folder, "--data", data, "--once"),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert told.returncode == 0, told.stderr
        assert line in told.stdout
    assert told.stdout == ""
    assert not beat.exists(), "what ends at once is no loop that lives"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_the_scan_that_runs_and_what_was_seen_is_kept(
    tmp_path: Path, number: signal.Signals
) -> None:
    folder, data = due_now(tmp_path)
    process = subprocess.Popen(
        command(folder, "--data", data), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    while not list(data.glob("audit/*/*")) and process.poll() is None:
        clock.sleep(0.05)
    process.send_signal(number)
    told = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert len(told.splitlines()) == 1, told
    assert "a: " in told
    kept = nights.recall(data / FOLDER, "a", datetime.now())  # noqa: DTZ005
    assert kept.code in {0, 4} or kept.night is None, "what stored nothing is still due"


def test_check_says_how_the_loop_is(tmp_path: Path) -> None:
    def check() -> subprocess.CompletedProcess[str]:
        words = [str(NETWATCH), "loop", str(tmp_path), "--data", str(tmp_path / "data"), "--check"]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    assert (check().returncode, "no loop" in check().stdout) == (1, True)
    nights.write(tmp_path / "data" / FOLDER / BEAT, {"beat": datetime.now(), "troubles": []})  # noqa: DTZ005
    assert (check().returncode, check().stdout.strip()) == (0, "all is well")
    nights.write(tmp_path / "data" / FOLDER / BEAT, {"beat": datetime.now(), "troubles": ["x\ny"]})  # noqa: DTZ005
    assert (check().returncode, check().stdout.strip()) == (1, "x y")
    assert os.listdir(tmp_path) == ["data"]  # noqa: PTH208 - nothing else was made
