"""Does `netwatch box` keep what a person says, pair a box, and show what is known, in both languages?"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from click.testing import CliRunner, Result

from netwatch.box import memory
from netwatch.box.declared import Declaration, Forward, parse
from netwatch.cli_box import box
from netwatch.exits import Exit
from netwatch.store import Store
from netwatch.words import messages
from tests.lab import certificates
from tests.lab.boxes import Bbox, Box, Freebox, rule, served
from tests.lab.hurry import TABLES

if TYPE_CHECKING:
    import ssl
    from contextlib import AbstractContextManager

B = TypeVar("B", bound=Box)
HERE = "192.168.7.1"
TODAY = date.today()  # noqa: DTZ011 - the machine's own day is meant


def site_file(  # noqa: PLR0913 - what a test may want otherwise
    folder: Path,
    *,
    gateway: str | None = HERE,
    days: int | None = 30,
    language: str = "en",
    window: str = "",
    more: str = "",
) -> Path:
    """A practice with a box."""
    lines = ['name = "Cabinet Exemple"', f'language = "{language}"', f'networks = ["{gateway or HERE}"]']
    lines += [f'gateway = "{gateway}"'] if gateway else []
    lines += [f'window = "{window}"'] if window else []
    if days is not None:
        until = TODAY + timedelta(days=days)
        lines += [f'[authorisation]\nby = "Dr Exemple"\nrole = "titulaire"\nuntil = {until}']
    path = folder / "site.toml"
    path.write_text("\n".join([*lines, TABLES, more]), encoding="utf-8")
    return path


def run(folder: Path, *arguments: str | Path) -> Result:
    """`netwatch box ...`, with its data in `folder`."""
    return CliRunner().invoke(box, [*map(str, arguments), "--data", str(folder / "data")])


def kept(folder: Path) -> Declaration | None:
    """What a night reads of it."""
    with Store(folder / "data") as store:
        return parse(store.declaration("cabinet-exemple"))


def test_what_the_options_say_is_kept_with_who_and_when(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        "declare",
        site_file(tmp_path),
        *("--forward", "8104/tcp=192.168.1.20:11112", "--forward", "53/both=192.168.1.30"),
        *("--dmz", "192.168.1.40", "--upnp", "on", "--ipv6-firewall", "off", "--on", "2026-11-20"),
    )
    assert told.exit_code == 0, told.output
    assert kept(tmp_path) == Declaration(
        by="Dr Exemple",
        on=date(2026, 11, 20),
        forwards=(
            Forward("tcp", 8104, 8104, "192.168.1.20", 11112),
            Forward("both", 53, 53, "192.168.1.30", 53),
        ),
        dmz="192.168.1.40",
        upnp=True,
        ipv6_firewall=False,
    )
    assert "port 8104/tcp leads to 192.168.1.20, port 11112" in told.output
    assert "EVERYTHING" in told.output
    assert "declared on 20 November 2026 by Dr Exemple" in told.output


def test_a_page_that_no_option_speaks_of_is_not_seen(tmp_path: Path) -> None:
    told = run(tmp_path, "declare", site_file(tmp_path), "--no-forwards", "--no-dmz", "--by", "Mme Durand")
    assert told.exit_code == 0, told.output
    assert kept(tmp_path) == Declaration(by="Mme Durand", on=TODAY, forwards=(), dmz="")
    assert "UPnP: not seen" in told.output


@pytest.mark.parametrize(
    ("language", "first", "unseen"),
    [
        ("en", "Declared on 1 November 2026 by Dr Exemple:", ["UPnP: not seen", "IPv6 firewall: not seen"]),
        ("fr", "Déclaré le 1er novembre 2026 par Dr Exemple :", ["UPnP : non vu", "pare-feu IPv6 : non vu"]),
    ],
)
def test_what_was_declared_is_told_with_its_day_and_with_the_pages_not_seen(
    tmp_path: Path, language: str, first: str, unseen: list[str]
) -> None:
    site = site_file(tmp_path, language=language)
    declared = run(tmp_path, "declare", site, "--no-dmz", "--on", "2026-11-01")
    for told in (declared.stdout, run(tmp_path, "show", site).stdout):
        lines = [line.strip() for line in told.replace("\N{NO-BREAK SPACE}", " ").splitlines()]
        assert [line for line in (first, *unseen) if line not in lines] == []


def test_the_last_word_counts_and_can_be_taken_back(tmp_path: Path) -> None:
    site = site_file(tmp_path)
    run(tmp_path, "declare", site, "--upnp", "on")
    run(tmp_path, "declare", site, "--upnp", "off")
    made = kept(tmp_path)
    assert made is not None
    assert made.upnp is False
    assert run(tmp_path, "declare", site, "--clear").exit_code == 0
    assert kept(tmp_path) is None


WRONG = {
    ("--forward", "pacs"): "is not a forward",
    ("--forward", "1=192.168.1.2", "--no-forwards"): "contradict",
    ("--dmz", "192.168.1.2", "--no-dmz"): "contradict",
    ("--dmz", "pacs"): "not an address",
    ("--dmz", ""): "not an address",
    ("--dmz", "8.8.8.8"): "8.8.8.8 is no device of the practice",
    ("--dmz", "127.0.0.1"): "127.0.0.1 is no device of the practice",
    ("--forward", "8080/tcp=8.8.8.8:80"): "8.8.8.8 is no device of the practice",
    ("--forward", "8080=100.64.0.9"): "100.64.0.9 is no device of the practice",
    ("--upnp", "on", "--on", str(TODAY + timedelta(days=1))): "still to come",
    (): "nobody to ask",
}


@pytest.mark.parametrize(("options", "sentence"), WRONG.items())
def test_what_is_wrong_is_said_and_nothing_is_kept(
    options: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    told = run(tmp_path, "declare", site_file(tmp_path), *options)
    assert told.exit_code == Exit.ERROR
    assert sentence in told.stderr
    assert kept(tmp_path) is None


def test_without_an_authorisation_somebody_must_be_named(tmp_path: Path) -> None:
    site = site_file(tmp_path, days=None)
    assert "--by" in run(tmp_path, "declare", site, "--upnp", "on").stderr
    assert run(tmp_path, "declare", site, "--upnp", "on", "--by", "Mme Durand").exit_code == 0


def on_a_terminal(folder: Path, site: Path, *typed: str) -> subprocess.CompletedProcess[str]:
    """A person at a real terminal."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, "".join(f"{line}\n" for line in typed).encode())
        program = "from netwatch.cli_box import box; box()"
        return subprocess.run(
            [sys.executable, "-c", program, "declare", str(site), "--data", str(folder / "data")],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_person_is_asked_shown_what_was_understood_and_asked_whether_it_is_right(tmp_path: Path) -> None:
    site = site_file(tmp_path, language="fr")
    forwards = ["8080/tcp=8.8.8.8:80", "8104/tcp=192.168.1.20:11112", ""]
    pages = ["", "oui", *forwards, "non", "non", "oui", "non"]
    refused = on_a_terminal(tmp_path, site, *pages, "non")
    assert "8.8.8.8 n'est pas l'adresse d'un appareil du cabinet" in refused.stderr
    assert refused.returncode == Exit.ERROR
    assert "Non conservé" in refused.stdout
    assert kept(tmp_path) is None
    agreed = on_a_terminal(tmp_path, site, *pages, "oui")
    assert agreed.returncode == 0, agreed.stderr
    assert "le port 8104/tcp mène à 192.168.1.20" in agreed.stdout
    made = kept(tmp_path)
    assert made is not None
    assert (made.by, made.on, made.dmz, made.ipv6_firewall) == ("Dr Exemple", TODAY, None, False)


# ------------------------------------------------------------------------------- asking the box itself


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """It speaks TLS with a certificate of its own, on a port where not everybody may listen."""
    if os.geteuid() != 0 and int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) > 443:
        pytest.skip("needs the right to listen on port 443")
    return certificates.Tls().context(certificates.make(tmp_path, "box"))


def at_home(box: B, tls: ssl.SSLContext) -> AbstractContextManager[B]:
    """On the port where boxes listen."""
    return served(box, tls=tls, port=443)


def test_a_box_that_was_paired_is_shown_with_what_was_declared(tmp_path: Path, tls: ssl.SSLContext) -> None:
    with at_home(Freebox(rules=[rule()]), tls) as freebox:
        site = site_file(tmp_path, gateway=freebox.address, more='[box]\nkind = "freebox"')
        run(tmp_path, "declare", site, "--upnp", "on")
        memory.keep_token(memory.folder(tmp_path / "data", "cabinet-exemple"), Freebox.token)
        told = run(tmp_path, "show", site)
    assert told.exit_code == 0, told.output
    assert f"Declared on {messages('en').day(TODAY)} by Dr Exemple" in told.stdout
    assert "UPnP: on" in told.stdout
    assert "What the box (Freebox) says now" in told.stdout
    assert "port 8104/tcp leads to 192.168.1.20, port 11112" in told.stdout
    assert "address on the internet: 203.0.113.7" in told.stdout
    [log] = (tmp_path / "data" / "audit" / "cabinet-exemple").iterdir()
    assert log.name == "0-box.jsonl"
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {line["question"] for line in lines} == {"box"}
    assert len(lines) == len(freebox.questions)


def test_a_pairing_tells_the_person_in_french_what_to_press(tmp_path: Path, tls: ssl.SSLContext) -> None:
    with at_home(Freebox(presses=["granted"]), tls) as freebox:
        site = site_file(tmp_path, gateway=freebox.address, language="fr", more='[box]\nkind = "freebox"')
        told = run(tmp_path, "pair", site)
    assert told.exit_code == 0, told.output
    assert "façade" in told.stderr
    assert "Oui" in told.stderr
    token = memory.folder(tmp_path / "data", "cabinet-exemple") / memory.TOKEN
    assert token.read_text(encoding="utf-8") == Freebox.token
    assert Freebox.token not in told.output


def test_a_pairing_that_is_refused_is_said_and_keeps_nothing(tmp_path: Path, tls: ssl.SSLContext) -> None:
    with at_home(Freebox(presses=["denied"]), tls) as freebox:
        site = site_file(tmp_path, gateway=freebox.address, more='[box]\nkind = "freebox"')
        told = run(tmp_path, "pair", site)
    assert told.exit_code == Exit.ERROR
    assert "said no" in told.stderr
    assert not (memory.folder(tmp_path / "data", "cabinet-exemple") / memory.TOKEN).exists()


def test_a_password_that_was_put_right_is_tried_at_once(
    tmp_path: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETWATCH_BOX_PASSWORD", "Bb-secret-1")
    with at_home(Bbox(password="set later"), tls) as bbox:
        site = site_file(tmp_path, gateway=bbox.address, more='[box]\nkind = "bbox"')
        assert run(tmp_path, "show", site).exit_code == Exit.ERROR
        again = run(tmp_path, "show", site)
        assert "refused this very password" in again.stderr
        assert len(bbox.questions) == 1
        bbox.password = "Bb-secret-1"  # noqa: S105 - the owner sets it on the box
        told = run(tmp_path, "pair", site)
    assert told.exit_code == 0, told.output
    assert "accepts the password" in told.stdout
    assert "Bb-secret-1" not in f"{told.output}{again.output}"


@pytest.mark.parametrize(("days", "sentence"), [(None, "authorisation"), (-1, "authorisation")])
@pytest.mark.parametrize("command", ["show", "pair"])
def test_without_an_authorisation_no_box_is_asked(
    command: str, days: int | None, sentence: str, tmp_path: Path, tls: ssl.SSLContext
) -> None:
    with at_home(Freebox(), tls) as freebox:
        more = '[box]\nkind = "freebox"'
        site = site_file(tmp_path, gateway=freebox.address, days=days, more=more)
        told = run(tmp_path, command, site)
    assert told.exit_code == Exit.ERROR
    assert sentence in told.stderr
    assert freebox.questions == []


def test_without_a_gateway_or_a_table_the_person_is_told_what_to_write(tmp_path: Path) -> None:
    site = site_file(tmp_path, gateway=None, more='[box]\nkind = "freebox"')
    assert "set gateway" in run(tmp_path, "show", site).stderr
    site = site_file(tmp_path)
    shown = run(tmp_path, "show", site)
    assert shown.exit_code == 0
    assert "Nothing was declared" in shown.stdout
    assert "no [box] table" in shown.stderr
    assert run(tmp_path, "pair", site).exit_code == Exit.ERROR


def test_an_excluded_gateway_is_not_asked(tmp_path: Path, tls: ssl.SSLContext) -> None:
    with at_home(Freebox(), tls) as freebox:
        more = f'[box]\nkind = "freebox"\n[exclude]\naddresses = ["{freebox.address}"]'
        site = site_file(tmp_path, gateway=freebox.address, more=more)
        told = run(tmp_path, "pair", site)
    assert told.exit_code == Exit.ERROR
    assert "excluded" in told.stderr
    assert freebox.questions == []


def test_outside_the_hours_no_box_is_asked_but_one_can_be_paired(tmp_path: Path, tls: ssl.SSLContext) -> None:
    soon, later = (datetime.now() + timedelta(hours=hours) for hours in (2, 3))  # noqa: DTZ005 - this clock's
    with at_home(Freebox(presses=["granted"]), tls) as freebox:
        window, more = f"{soon:%H:%M}-{later:%H:%M}", '[box]\nkind = "freebox"'
        site = site_file(tmp_path, gateway=freebox.address, window=window, more=more)
        shown = run(tmp_path, "show", site)
        assert shown.exit_code == Exit.CLOSED
        assert window in shown.stderr
        assert freebox.questions == []
        assert run(tmp_path, "pair", site).exit_code == 0
