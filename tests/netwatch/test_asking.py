"""Does `netwatch init` ask a person, and never wait for one who is not there? On a real terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from netwatch import asking
from netwatch.config import load
from netwatch.errors import ConfigError

if TYPE_CHECKING:
    from netwatch.init import Answers

NETWATCH = str(Path(sys.executable).with_name("netwatch"))
GIVEN: dict[str, Any] = {
    "name": "Cabinet Martin",
    "network": ("192.168.7.0/24",),
    "by": "Dr Martin",
    "role": "titulaire",
    "until": datetime(2027, 12, 31),  # noqa: DTZ001 - as click hands it over
}


def answers(given: dict[str, Any], language: str = "en") -> Answers:
    """What is known without a terminal."""
    known: list[Answers] = []

    @click.command()
    def command() -> None:
        known.append(asking.answers(language, given))

    ended = CliRunner().invoke(command, catch_exceptions=False)
    assert ended.output == ""
    return known[0]


def on_a_terminal(folder: Path, typed: list[str], *options: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of `netwatch init` where a person typed these lines beforehand."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, "".join(f"{line}\n" for line in typed).encode())
        ended = subprocess.run(
            [NETWATCH, "init", str(folder / "site.toml"), *options],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return ended.returncode, ended.stdout, ended.stderr


def test_options_answer_everything() -> None:
    more = {
        "gateway": "192.168.7.1",
        "recipient": ("a@x.example",),
        "mail_host": "smtp.x.example",
        "mail_port": 465,
    }
    told = answers(GIVEN | more, "fr")
    assert (told.name, told.language, told.networks) == ("Cabinet Martin", "fr", ("192.168.7.0/24",))
    assert (told.by, told.role, told.until) == ("Dr Martin", "titulaire", date(2027, 12, 31))
    assert (told.gateway, told.recipients) == ("192.168.7.1", ("a@x.example",))
    assert (told.mail_host, told.mail_port) == ("smtp.x.example", 465)


@pytest.mark.parametrize("key", ["name", "by", "role", "until"])
def test_where_nobody_can_be_asked_the_missing_option_is_named(key: str) -> None:
    with pytest.raises(ConfigError, match=f"--{key}"):
        answers({k: v for k, v in GIVEN.items() if k != key})


def test_all_missing_options_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as missing:
        answers({})
    assert str(missing.value.details["options"]).startswith("--name, --by, --role, --until")


def test_a_person_is_asked_for_what_the_options_left_open(tmp_path: Path) -> None:
    typed = ["Dr Martin", "titulaire", "31/12/2027", "2027-12-31", "a@x.example, b@x.example", "", ""]
    code, out, err = on_a_terminal(
        tmp_path, typed, "--name", "Cabinet Martin", "--network", "192.168.7.0/24", "--lang", "fr"
    )
    assert code == 0, err
    site = load(tmp_path / "site.toml")
    assert (site.name, site.language, site.mail) == ("Cabinet Martin", "fr", None)
    assert site.authorisation is not None
    assert (site.authorisation.by, site.authorisation.until) == ("Dr Martin", date(2027, 12, 31))
    assert tuple(one.address for one in site.recipients) == ("a@x.example", "b@x.example")
    assert "2027-12-31" in err  # the day that was no day is asked for again
    assert out.count("\n") == 1


def test_what_a_person_types_cannot_break_out_of_its_place(tmp_path: Path) -> None:
    hostile = 'x"\\ [mail] # \'\'\' """'
    typed = [hostile, hostile, "2027-12-31", "", ""]
    code, _, err = on_a_terminal(tmp_path, typed, "--name", hostile, "--network", "192.168.7.0/24")
    assert code == 0, err
    written = tomllib.loads((tmp_path / "site.toml").read_text(encoding="utf-8"))
    assert (written["name"], written["authorisation"]["by"]) == (hostile, hostile)
    assert "mail" not in written


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": ""}, "fr"),
        ({"LANG": "C", "LC_ALL": "fr_BE"}, "fr"),
        ({"LANG": "de_DE"}, "en"),
        ({}, "en"),
    ],
)
def test_the_terminal_s_language_is_proposed(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str
) -> None:
    for name in ("LANG", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert asking.language() == language
