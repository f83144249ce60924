"""Does the command line keep stdout for results, and speak the user's language even when things go wrong?"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.table import Table

from netwatch.arrival import Delivery
from netwatch.console import say, show, spoken, tell_delivery, tell_gaps, told, verdict, watched
from netwatch.document import CoveragePart, Document, FailurePart, FindingPart, RunPart
from netwatch.errors import ConfigError, DeliveryError, NetwatchError, ScopeError, StoreError
from netwatch.exits import Exit
from netwatch.model import Exposure, Outcome, Reason, Severity, Status, Vantage
from netwatch.post import Letter, Posted, State
from netwatch.words import LANGUAGES, messages

ALLOWED = '[authorisation]\nby = "Dr A"\nrole = "titulaire"\nuntil = 2099-01-01\n'


def night(
    *findings: tuple[Severity, Status], complete: bool = True, reasons: tuple[Reason, ...] = ()
) -> Document:
    at = "2026-11-23T22:00:00Z"
    return Document(
        schema="netwatch/1",
        site="cabinet",
        run=RunPart("r", at, at, complete, (Vantage.LAN,)),
        devices=(),
        services=(),
        findings=tuple(
            FindingPart("x", severity, "d", "192.168.1.20", 104, Exposure.NOT_CHECKED, status, "t", at, at)
            for severity, status in findings
        ),
        changes=(),
        failures=tuple(FailurePart("sweep", Vantage.LAN, None, "", None, reason, "") for reason in reasons),
        coverage=(),
    )


BAD, LITTLE = (Severity.CRITICAL, Status.OPEN), (Severity.LOW, Status.OPEN)


@pytest.mark.parametrize(
    ("document", "fail_on", "code"),
    [
        (night(), None, Exit.CLEAN),
        (night(BAD), None, Exit.CLEAN),
        (night(BAD), "critical", Exit.FINDINGS),
        (night(BAD), "info", Exit.FINDINGS),
        (night(LITTLE), "medium", Exit.CLEAN),
        (night(LITTLE), "low", Exit.FINDINGS),
        (night((Severity.HIGH, Status.UNVERIFIED)), "high", Exit.FINDINGS),
        (night((Severity.HIGH, Status.RESOLVED)), "high", Exit.CLEAN),
        (night(complete=False), None, Exit.INCOMPLETE),
        (night(BAD, complete=False), "high", Exit.FINDINGS),
        (night(LITTLE, complete=False), "high", Exit.INCOMPLETE),
    ],
)
def test_the_exit_code_says_what_is_worst(document: Document, fail_on: str | None, code: Exit) -> None:
    assert verdict(document, fail_on) is code


@pytest.mark.parametrize("error", [NetwatchError, ConfigError, ScopeError, StoreError, DeliveryError])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_is_one_sentence_on_stderr_and_exit_1(error: type[NetwatchError], language: str) -> None:
    @told
    def command(**_: object) -> None:
        raise error("mail.no-recipient")

    stopped = CliRunner().invoke(click.command()(lambda: command(lang=language)))
    assert stopped.exit_code == Exit.ERROR
    assert stopped.stdout == ""
    assert stopped.stderr == messages(language)("mail.no-recipient") + "\n"


def test_ctrl_c_is_told_without_a_traceback() -> None:
    @told
    def command(**_: object) -> None:
        raise KeyboardInterrupt

    stopped = CliRunner().invoke(click.command()(lambda: command(lang="fr")))
    assert (stopped.exit_code, stopped.stdout, stopped.stderr) == (Exit.ERROR, "", "interrompu\n")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ('language = "fr"', "fr"),
        ('language = "fr"\nnetworks = 3\nunknown = true', "fr"),
        ('language = "de"', "en"),
        ("language = 3", "en"),
        ('language = ["fr"]', "en"),
        ("not toml", "en"),
        ("", "en"),
        ("a = " + "[" * 100_000, "en"),
    ],
)
def test_a_site_file_s_language_is_spoken_even_where_the_file_is_wrong(
    tmp_path: Path, text: str, language: str
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    assert spoken(str(path)) == language


@pytest.mark.parametrize("site", [None, "", "cabinet", "/", "a\0b", "x" * 5000])
def test_where_there_is_no_site_file_english_is_spoken(site: str | None) -> None:
    assert spoken(site) == "en"


def test_bytes_that_are_no_text_are_no_reason_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert spoken(str(path)) == "en"


def test_results_go_to_stdout_and_words_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("a word")
    table = Table("name")
    table.add_row("x" * 500)
    show(table)
    out, err = capsys.readouterr()
    assert err == "a word\n"
    assert "a word" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_device_s_name_cannot_colour_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    show(Table("[bold]x[/bold]"))
    assert "\x1b" not in capsys.readouterr().out


def test_where_nobody_watches_no_progress_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    with watched(messages("en"), quiet=False) as progress:
        progress("hosts", 1, 2, "x")
    assert capsys.readouterr() == ("", "")


class Screen(io.StringIO):
    """A terminal, as far as a program can tell."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_a_person_watches_every_stage_has_its_words(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "200")
    words = messages(language)
    with watched(words, quiet=False) as progress:
        for stage in ("hosts", "ports", "range"):
            progress(stage, 0, 2, "")
            progress(stage, 2, 2, "192.168.1.20")
    assert not [s for s in ("hosts", "ports", "range") if words(f"cli.stage-{s}") not in screen.getvalue()]


def test_a_machine_that_reads_gets_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    with watched(messages("en"), quiet=True) as progress:
        progress("hosts", 0, 2, "")
    assert screen.getvalue() == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_gap_is_told_once_with_what_to_do(capsys: pytest.CaptureFixture[str], language: str) -> None:
    reasons = (Reason.NMAP_MISSING, Reason.NMAP_MISSING, Reason.TIMEOUT, Reason.UNFINISHED)
    tell_gaps(night(reasons=reasons), language)
    out, err = capsys.readouterr()
    words = messages(language)
    assert out == ""
    assert err.splitlines() == [words("cli.gap-nmap-missing"), words("cli.gap-unfinished")]
    assert "apt install nmap" in err


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_alert_that_waits_says_why_and_how_to_send_it(
    capsys: pytest.CaptureFixture[str], language: str
) -> None:
    error = DeliveryError("mail.unreachable", host="smtp.x.example", port=587, why="refused")
    tell_delivery(Delivery(1, 2, error), language)
    err = capsys.readouterr().err
    assert "netwatch mail flush" in err
    assert "smtp.x.example:587" in err
    assert messages(language)("cli.mail-sent", count=1) in err


def test_an_alert_that_nobody_gets_is_not_silent(capsys: pytest.CaptureFixture[str]) -> None:
    tell_delivery(Delivery(0, 1, DeliveryError("mail.no-recipient")), "en")
    assert messages("en")("mail.no-recipient") in capsys.readouterr().err
    tell_delivery(Delivery(0, 0), "en")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", [one for one in State if one not in {State.SENT, State.DROPPED}])
def test_each_alert_that_is_lost_is_told_with_its_number_and_what_to_type(
    capsys: pytest.CaptureFixture[str], language: str, state: State
) -> None:
    since = datetime(2026, 11, 21, 12, tzinfo=UTC)
    lost = Posted(12, Letter("<1@x>", "dr@x.example", "s", "t", "h"), state, since)
    tell_delivery(Delivery(0, 1, NetwatchError("mail.of-tomorrow"), (lost,)), language)
    err = capsys.readouterr().err
    assert "12" in err
    assert "dr@x.example" in err
    assert ("21 novembre 2026" if language == "fr" else "21 November 2026") in err
    assert "netwatch outbox" in err


def test_an_alert_that_has_not_arrived_is_in_the_exit_code_below_findings_and_above_gaps() -> None:
    assert verdict(night(), None, untold=True) is Exit.UNTOLD
    assert verdict(night(complete=False), None, untold=True) is Exit.UNTOLD
    assert verdict(night(BAD), "high", untold=True) is Exit.FINDINGS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", [1, 2, 30])
def test_who_was_asked_almost_nothing_is_named_with_what_to_do(
    capsys: pytest.CaptureFixture[str], language: str, number: int
) -> None:
    def row(last: int, detail: str) -> CoveragePart:
        address = f"192.168.1.{last}"
        return CoveragePart("rdp", Vantage.LAN, "d", address, "3389", Outcome.SPARED, detail)

    rows = (*(row(last, "unknown") for last in range(number, 0, -1)), row(99, "medical"))
    tell_gaps(replace(night(), coverage=rows), language)
    err = capsys.readouterr().err
    assert "[classes]" in err
    assert f"{number} " in err
    assert "192.168.1.1" in err
    assert "192.168.1.99" not in err
    assert len(err) < 700


COMMANDS = {
    "lines": ["schema"],
    "lines of a person's": ["box", "declare", "{site}", "--no-dmz"],
    "table": ["plan", "{site}"],
    "json": ["plan", "{site}", "--format", "json"],
    "exit code of its own": ["doctor", "{site}"],
}


def run(folder: Path, arguments: list[str], stdout: int) -> subprocess.CompletedProcess[str]:
    """A real command whose stdout is this."""
    site = folder / "site.toml"
    site.write_text(f'name = "A"\nlanguage = "fr"\nnetworks = ["127.0.0.1"]\n{ALLOWED}', encoding="utf-8")
    given = [argument.format(site=site) for argument in arguments]
    given += [] if given == ["schema"] else ["--data", str(folder / "data")]
    program = "from netwatch.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *given],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        env={key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"},
    )


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_where_stdout_is_full_every_command_says_so_in_one_sentence(
    tmp_path: Path, arguments: list[str]
) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = run(tmp_path, arguments, full.fileno())
    language = "en" if arguments == ["schema"] else "fr"
    assert ended.stderr == messages(language)("cli.cannot-print") + "\n"
    assert ended.returncode == Exit.ERROR


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_reader_who_hung_up_is_told_nothing(tmp_path: Path, arguments: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        ended = run(tmp_path, arguments, theirs)
    finally:
        os.close(theirs)
    assert ended.stderr == ""
    assert ended.returncode != 0


@pytest.mark.parametrize(
    ("columns", "width"),
    [("40", 40), ("100", 100), ("9", 40), ("", 80), ("0", 80), ("wide", 80), ("٤٠", 80), (None, 80)],
)
def test_a_table_is_as_wide_as_columns_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str | None, width: int
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    show("x" * 200)
    assert capsys.readouterr().out.index("\n") == width
