"""Does it say what is wrong with this machine, and what to do? Real programs, a real store, a real server."""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime, timedelta
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

import pytest

from netwatch import doctor, smtp
from netwatch.diff import Night
from netwatch.doctor import Check, examine
from netwatch.model import Run, Vantage
from netwatch.store import Store
from netwatch.words import LANGUAGES, messages
from tests.lab.postoffice import free_port, office
from tests.lab.sshpeer import SshPeer

if TYPE_CHECKING:
    from pathlib import Path


def program(folder: Path, script: str) -> Path:
    """An nmap of our own."""
    folder.mkdir(exist_ok=True)
    path = folder / "nmap"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def site_file(
    folder: Path, *, days: int = 90, mail_port: int | None = None, recipients: str = '"dr@x.example"'
) -> Path:
    until = date.today() + timedelta(days=days)  # noqa: DTZ011 - the machine's own day is meant
    lines = ['name = "Cabinet"', 'networks = ["192.168.1.0/30"]', f"recipients = [{recipients}]"]
    lines += [f'[authorisation]\nby = "Dr"\nrole = "titulaire"\nuntil = {until}']
    lines += [f'[mail]\nhost = "127.0.0.1"\nport = {mail_port}\nsecurity = "none"'] if mail_port else []
    path = folder / "site.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def results(folder: Path, site: Path | None = None, language: str = "en") -> dict[str, Check]:
    return {check.name: check for check in examine(folder, site, messages(language))}


def test_a_machine_that_can_do_its_nights_is_told_so(tmp_path: Path) -> None:
    told = results(tmp_path)
    assert list(told) == ["nmap", "ARP", "database", "clock"]
    assert {check.state for name, check in told.items() if name != "ARP"} == {"ok"}
    assert told["ARP"].state == ("ok" if os.geteuid() == 0 else told["ARP"].state)
    assert told["nmap"].text.startswith("Nmap version 7")
    assert str(tmp_path) in told["database"].text


@pytest.mark.parametrize(("language", "word"), [("en", "Install it"), ("fr", "Installez-le")])
def test_without_nmap_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, word: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    check = results(tmp_path, language=language)["nmap"]
    assert check.state == "fail"
    assert word in check.text
    assert "apt install nmap" in check.text


@pytest.mark.parametrize(
    "script",
    ["exit 1", "echo", "echo rubbish", "printf '\\377\\376'", "kill -9 $$", "exec /nowhere/at/all"],
)
def test_an_nmap_that_does_not_run_is_said_with_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    path = program(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", str(path.parent))
    told = results(tmp_path)
    assert told["nmap"].state == "fail"
    assert str(path) in told["nmap"].text
    assert "ARP" not in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_database_that_cannot_be_used_is_said(tmp_path: Path, language: str) -> None:
    (tmp_path / "netwatch.db").write_bytes(b"no database at all" * 100)
    told = results(tmp_path, language=language)
    check = told[messages(language)("doctor.database")]
    assert check.state == "fail"
    assert "netwatch backup" in check.text
    assert told[messages(language)("doctor.clock")].state == "ok"  # one failure hides no other check


def test_a_clock_that_went_back_behind_the_last_night_is_said(tmp_path: Path) -> None:
    ahead = datetime.now(UTC) + timedelta(days=400)
    with Store(tmp_path) as store:
        store.remember("cabinet", "Cabinet", "fr")
        store.record(
            Run("r", "cabinet", ahead, ahead, complete=True, vantages=(Vantage.LAN,)), Night({}, ()), ()
        )
    assert results(tmp_path)["clock"].state == "fail"


def test_a_clock_before_this_release_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "RELEASED", date.today() + timedelta(days=2))  # noqa: DTZ011
    assert results(tmp_path)["clock"].state == "fail"


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (31, "ok"), (29, "warn"), (0, "warn"), (-1, "fail")])
def test_an_authorisation_that_ends_is_told_in_time(tmp_path: Path, days: int, state: str) -> None:
    assert results(tmp_path, site_file(tmp_path, days=days))["authorisation"].state == state


def test_a_site_file_with_an_error_names_the_key(tmp_path: Path) -> None:
    path = site_file(tmp_path)
    path.write_text(path.read_text().replace("networks", "netwoks"))
    check = results(tmp_path, path)["site file"]
    assert check.state == "fail"
    assert "netwoks" in check.text


def test_a_site_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert results(tmp_path, tmp_path / "nowhere.toml")["site file"].state == "fail"


def test_a_mail_server_is_greeted_and_nothing_is_mailed(tmp_path: Path) -> None:
    with office() as post:
        check = results(tmp_path, site_file(tmp_path, mail_port=post.port))["mail"]
    assert (check.state, post.mails) == ("ok", [])


def test_a_mail_server_that_is_down_is_said_with_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "SECONDS", 1.0)
    check = results(tmp_path, site_file(tmp_path, mail_port=free_port()))["mail"]
    assert check.state == "fail"
    assert "mail.port" in check.text


def test_nobody_to_tell_is_a_warning(tmp_path: Path) -> None:
    assert results(tmp_path, site_file(tmp_path))["mail"].state == "warn"
    assert results(tmp_path, site_file(tmp_path, mail_port=25, recipients=""))["mail"].state == "warn"


@pytest.mark.parametrize(
    ("listed", "there", "state"), [(True, True, "ok"), (True, False, "fail"), (False, True, "fail")]
)
def test_a_second_channel_is_looked_at_and_its_address_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, listed: bool, there: bool, state: str
) -> None:
    path = site_file(tmp_path)
    path.write_text(path.read_text() + '\n[notify]\nurls_file = "list"\n')
    if listed:
        (tmp_path / "list").write_text("bell = tgram://s3cret/1\n")
        (tmp_path / "list").chmod(0o600)
    found = ModuleSpec("apprise", None) if there else None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found if name == "apprise" else None)
    check = results(tmp_path, path)["short messages"]
    assert check.state == state
    assert ("bell" in check.text) is listed
    assert "s3cret" not in check.text


def test_an_nmap_that_may_not_start_is_told_apart_from_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError  # what Linux says of a file capability outside the bounding set

    monkeypatch.setattr("netwatch.doctor.subprocess.run", refused)
    told = next(iter(examine(tmp_path, None, messages("fr"))))
    assert told.state == "fail"
    assert "NET_RAW" in told.text


def with_tables(folder: Path, *lines: str) -> Path:
    path = site_file(folder)
    path.write_text("\n".join([path.read_text(encoding="utf-8"), *lines]), encoding="utf-8")
    return path


def test_the_server_outside_is_logged_in_to_and_nothing_is_asked_through_it(tmp_path: Path) -> None:
    with SshPeer(tmp_path) as peer:
        settings = peer.settings()
        table = f'[vantage.outside]\nssh = "{settings.ssh}"\nkey_file = "{settings.key_file}"'
        site = with_tables(tmp_path, table, f'known_hosts = "{settings.known_hosts}"')
        check = results(tmp_path, site)["server outside"]
        assert (check.state, str(settings.ssh) in check.text) == ("ok", True)
        assert (peer.wanted, peer.ran) == ([], [])


@pytest.mark.parametrize(("language", "name"), [("en", "server outside"), ("fr", "serveur extérieur")])
def test_a_server_outside_that_is_not_known_is_told_with_what_to_do(
    tmp_path: Path, language: str, name: str
) -> None:
    with SshPeer(tmp_path) as peer:
        (tmp_path / "none").write_text("", encoding="utf-8")
        table = f'[vantage.outside]\nssh = "netwatch@127.0.0.1:{peer.port}"\nkey_file = "{peer.key_file}"'
        site = with_tables(tmp_path, table, f'known_hosts = "{tmp_path / "none"}"')
        check = results(tmp_path, site, language)[name]
        assert check.state == "fail"
        assert "ssh-keyscan" in check.text or "host_key" in check.text
        assert peer.logins == []


def test_a_key_of_shodan_is_looked_for_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = with_tables(tmp_path, "[shodan]")
    monkeypatch.delenv("SHODAN_API_KEY", raising=False)
    assert results(tmp_path, site)["Shodan"].state == "fail"
    monkeypatch.setenv("SHODAN_API_KEY", "KeyOfNobody0123")
    check = results(tmp_path, site)["Shodan"]
    assert (check.state, "KeyOfNobody" in check.text) == ("ok", False)


@pytest.mark.parametrize(
    ("language", "day"),
    [("en", "valid until 1 January 2099 ("), ("fr", "valable jusqu'au 1er janvier 2099 (")],
)
def test_days_are_told_as_in_the_reports(tmp_path: Path, language: str, day: str) -> None:
    path = site_file(tmp_path)
    text = re.sub("until = .*", "until = 2099-01-01", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    told = {check.name: check.text for check in examine(tmp_path, path, messages(language))}
    assert told[messages(language)("doctor.authorisation")].startswith(day)
    assert not re.search(r"\d{4}-\d\d", told[messages(language)("doctor.clock")])


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_day_and_one_address_are_told_as_one(tmp_path: Path, language: str) -> None:
    path = site_file(tmp_path, days=1)
    text = path.read_text(encoding="utf-8").replace("192.168.1.0/30", "192.168.1.9/32")
    path.write_text(text, encoding="utf-8")
    told, words = results(tmp_path, path, language), messages(language)
    assert told[words("doctor.authorisation")].text.endswith({"en": "(1 day)", "fr": "(1 jour)"}[language])
    assert told[words("doctor.site")].text.endswith({"en": ", 1 address", "fr": ", 1 adresse"}[language])
