"""Does each command get the right parts: the database, the site, its last night, in the right language?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from netwatch.change import Change, ChangeKind
from netwatch.composition import composer, configured, folder, last_night, open_store, read_site, rules, write
from netwatch.diff import Night
from netwatch.errors import ConfigError, NetwatchError, StoreError
from netwatch.model import Device, Finding, Run, Vantage
from netwatch.post import Alert, Reader

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.config import Site

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PACS = Device("d", "192.168.1.20")
FOUND = Finding("dicom-query-answered", "d", 104, probe="dicom", address="192.168.1.20")
RUN = Run("r", "cabinet", NOON, NOON, complete=True, vantages=(Vantage.LAN,), devices=(PACS,))


def site_file(at: Path, more: str = "", language: str = "fr") -> Path:
    path = at / "site.toml"
    lines = ['name = "Cabinet"', f'language = "{language}"', 'networks = ["192.168.1.0/24"]', more]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def site(at: Path, more: str = "") -> Site:
    return read_site(str(site_file(at, more)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A database that knows one night of `cabinet`, a French site."""
    with open_store(tmp_path / "data") as store:
        store.remember("cabinet", "Cabinet", "fr")
        store.record(RUN, Night({}, ()), ())
    return tmp_path / "data"


def test_the_database_lives_where_it_is_told_and_else_with_the_user_s_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert folder(tmp_path / "mine") == tmp_path / "mine"
    assert folder(None).name == "netwatch"


def test_a_site_is_found_by_its_file_and_by_its_short_name(data: Path, tmp_path: Path) -> None:
    by_file, by_name = last_night(str(site_file(tmp_path)), data, None), last_night("cabinet", data, None)
    assert by_file == by_name
    assert (by_name[0], by_name[1].run.id, by_name[2]) == ("Cabinet", "r", "fr")


def test_a_file_in_this_folder_is_a_file_even_without_its_ending(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_file(tmp_path).rename(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert last_night("mine", data, None)[0] == "Cabinet"


def test_the_option_decides_the_language_then_the_file_as_it_is_now(data: Path, tmp_path: Path) -> None:
    english = str(site_file(tmp_path, language="en"))
    assert last_night(english, data, None)[2] == "en"
    assert last_night(english, data, "fr")[2] == "fr"
    assert last_night("cabinet", data, None)[2] == "fr"


def test_public_addresses_are_known_only_with_the_site_file(data: Path, tmp_path: Path) -> None:
    path = site_file(tmp_path, 'public_addresses = ["8.8.8.8"]')
    assert last_night(str(path), data, None)[3] == ("8.8.8.8",)
    assert last_night("cabinet", data, None)[3] == ()


def test_a_site_without_a_night_and_a_site_nobody_knows_are_two_errors(data: Path) -> None:
    with open_store(data) as store:
        store.remember("new", "New", "en")
    with pytest.raises(StoreError, match=r"store\.no-run"):
        last_night("new", data, None)
    with pytest.raises(StoreError, match=r"store\.unknown-site: site=other, known=cabinet, new"):
        last_night("other", data, None)


@pytest.mark.parametrize("name", ["nowhere.toml", "folder/nowhere"])
def test_a_site_file_that_is_not_there_is_not_taken_for_a_short_name(data: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="not-found"):
        last_night(name, data, None)


def test_a_probe_gets_its_options_from_the_site_file(tmp_path: Path) -> None:
    [dicom] = [p for p in configured(site(tmp_path, "[probes.dicom]\ntimeout = 2.5")) if p.name == "dicom"]
    assert getattr(dicom, "timeout", None) == 2.5


def test_every_rule_of_every_probe_has_its_words() -> None:
    assert "dicom-query-answered" in rules().rules


def test_an_alert_is_written_in_its_reader_s_language_and_names_where(data: Path, tmp_path: Path) -> None:
    alert = Alert("cabinet", "r", (Change(ChangeKind.APPEARED, FOUND),))
    with open_store(data) as store:
        compose = composer(site(tmp_path), store, rules())
        told, english = (compose(alert, RUN, Reader(language)) for language in ("fr", "en"))
    assert "192.168.1.20" in told.subject + told.text
    assert "Le serveur d'images" in " ".join(told.text.split())
    assert "The image server" in " ".join(english.text.split())
    assert told.html.startswith("<!")


def test_a_file_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    write(tmp_path / "x", "é")
    assert (tmp_path / "x").read_bytes() == "é".encode()
    with pytest.raises(NetwatchError, match=r"cli\.cannot-write: path=.*nowhere"):
        write(tmp_path / "nowhere" / "x", "é")
