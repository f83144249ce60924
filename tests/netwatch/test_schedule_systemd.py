"""Do the units say what was meant, whatever a site or its path is called? systemd reads them, too."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import time
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from netwatch.forms import Slug
from netwatch.schedule import Job, in_a_line
from netwatch.schedule.systemd import (
    HARDENED,
    hourly,
    quoted,
    recipe,
    removal,
    secrets,
    service,
    tending,
    timer,
)

CALMLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
JOB = Job(
    slug="cabinet-martin",
    name="Cabinet Martin",
    program=PurePosixPath("/usr/bin/true"),
    site=PurePosixPath("/srv/netwatch/cabinet.toml"),
    data=PurePosixPath("/var/lib/netwatch"),
    at=time(22, 30),
    spread=30,
    user="daemon",
    credentials=("mail-password",),
)
HOSTILE = "/srv/a \"b\" 'c' $HOME ${X} %n %% ; \\ \\n é #.toml"
MEAN = st.text(alphabet=" \"'\\%$;{}#nx", min_size=1, max_size=12)
PATHS = (
    (MEAN | st.text(min_size=1, max_size=40)).filter(in_a_line).map(lambda text: PurePosixPath(f"/{text}"))
)


def words(line: str) -> list[str]:
    """A line as systemd reads it where `:` leaves $ alone: quotes, backslashes, then specifiers."""
    found, rest = [], line
    while rest := rest.lstrip(" "):
        if rest[0] == '"':
            end = re.match(r'"((?:[^"\\]|\\.)*)"', rest)
            assert end is not None, rest
            word, rest = end[1], rest[end.end() :]
            assert not rest or rest[0] == " ", rest
        else:
            word, _, rest = rest.partition(" ")
        word = re.sub(r"\\(.)", lambda escape: escape[1] if escape[1] in '"\\' else f"<{escape[0]}>", word)
        assert "%" not in word.replace("%%", ""), "a specifier"
        found.append(word.replace("%%", "%"))
    return found


def of(text: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


@given(PATHS, PATHS)
@CALMLY
def test_whatever_the_paths_hold_the_command_is_the_one_that_was_meant(
    site: PurePosixPath, data: PurePosixPath
) -> None:
    job = replace(JOB, site=site, data=data)
    for text, verb in ((service(job), "scan"), (tending(job), "tend")):
        [command] = of(text, "ExecStart")
        assert command[0] == ":", "else a $ would be filled in"
        assert words(command[1:]) == list(job.command(verb))
        [writable] = of(text, "ReadWritePaths")
        assert words(writable) == [str(data)]


@given(st.text(max_size=60))
@CALMLY
def test_no_name_adds_a_line_or_a_specifier(name: str) -> None:
    for text in (service, timer, tending, hourly):
        made = text(replace(JOB, name=name))
        assert len(made.splitlines()) == len(text(JOB).splitlines())
        [described] = of(made, "Description")
        assert not described.endswith("\\")
        assert "%" not in described.replace("%%", "")


def test_it_runs_as_an_ordinary_user_with_one_capability_and_sees_its_secrets() -> None:
    text = service(JOB)
    assert of(text, "User") == ["daemon"]
    assert of(text, "AmbientCapabilities") == of(text, "CapabilityBoundingSet") == ["CAP_NET_RAW"]
    assert of(text, "LoadCredential") == [
        "mail-password:/etc/credstore/netwatch.cabinet-martin.mail-password"
    ]
    assert of(service(replace(JOB, credentials=())), "LoadCredential") == []
    assert list(secrets(JOB)) == ["mail-password"]


def test_what_is_no_failure_is_no_failed_unit() -> None:
    assert of(service(JOB), "SuccessExitStatus") == ["4 5 6"]


def test_a_missed_night_is_caught_up_and_the_hour_is_spread() -> None:
    text = timer(JOB)
    assert of(text, "OnCalendar") == ["*-*-* 22:30:00"]
    assert of(text, "Persistent") == ["yes"]
    assert of(text, "RandomizedDelaySec") == ["30min"]


def test_the_post_is_looked_after_every_hour_without_any_capability_and_with_the_same_secrets() -> None:
    text = tending(JOB)
    assert of(text, "User") == ["daemon"]
    assert of(text, "CapabilityBoundingSet") == [""]
    assert of(text, "AmbientCapabilities") == []
    assert "AF_PACKET" not in text
    assert of(text, "LoadCredential") == of(service(JOB), "LoadCredential") != []
    assert set(HARDENED.splitlines()) <= set(text.splitlines())
    assert of(hourly(JOB), "OnCalendar") == ["*-*-* *:15:00"]


def test_a_night_waits_for_the_post_that_is_being_handed_over_and_the_post_for_no_night() -> None:
    assert of(service(JOB), "After") == ["network-online.target", "netwatch-cabinet-martin.tend.service"]
    assert of(tending(JOB), "After") == ["network-online.target"]
    assert of(tending(JOB), "TimeoutStartSec") == ["15min"]


@given(st.times(), st.integers(0, 30))
def test_the_post_s_minute_is_none_in_which_a_night_may_begin(at: time, spread: int) -> None:
    minute = replace(JOB, at=at, spread=spread).tended
    assert 0 <= minute < 60
    assert (minute - at.minute) % 60 > spread


def test_what_is_installed_is_what_is_removed() -> None:
    assert {path for path, _ in recipe(JOB).files} == {path for path, _ in removal(JOB.slug).files}
    [enable] = [command for command in recipe(JOB).commands if "enable" in command]
    disabled = {command[-1] for command in removal(JOB.slug).commands if "disable" in command}
    assert set(enable[3:]) == disabled
    assert len(disabled) == 2


def test_no_other_site_s_units_bear_the_name_of_ours() -> None:
    names = [
        path for slug in ("cabinet", "cabinet-tend") for path, _ in recipe(replace(JOB, slug=slug)).files
    ]
    assert len(names) == len(set(names)) == 8
    with pytest.raises(ValidationError):
        TypeAdapter(Slug).validate_python("cabinet.tend")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
@pytest.mark.parametrize("site", [str(JOB.site), HOSTILE])
def test_systemd_s_own_checker_finds_nothing_to_say(tmp_path: Path, site: str) -> None:
    job = replace(JOB, site=PurePosixPath(site), name='Dr "X" % $Y \\')
    for path, text in recipe(job).files:
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(path) for path in sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, [line for line in told.stderr.splitlines() if "netwatch-" in line]) == (0, [])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
@pytest.mark.parametrize("text", [service(JOB), tending(JOB)])
def test_systemd_counts_the_services_as_well_guarded(tmp_path: Path, text: str) -> None:
    path = tmp_path / "netwatch-x.service"
    path.write_text(text, encoding="utf-8")
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "--no-pager", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-300:] + told.stderr


def test_a_quote_ends_no_word() -> None:
    assert quoted('a"b\\') == '"a\\"b\\\\"'
