"""Does every command do what its help says, on the right stream, with the right code, in both languages?

Scans run the installed command against servers on loopback addresses; nothing is replaced but nmap, and
that only where a broken one is the question.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from pydantic import TypeAdapter

from netwatch.cli import main
from netwatch.config import load
from netwatch.document import Document
from netwatch.exits import Exit
from netwatch.words import LANGUAGES, messages
from tests.lab.hurry import TABLES
from tests.lab.postoffice import Post, free_port, office
from tests.lab.scps import scp

if TYPE_CHECKING:
    from collections.abc import Iterator

NETWATCH = str(Path(sys.executable).with_name("netwatch"))
TITLE = {"en": "The image server answers searches", "fr": "Le serveur d'images répond aux recherches"}


def site_file(  # noqa: PLR0913 - what a test may want otherwise
    folder: Path,
    address: str,
    *,
    days: int | None = 30,
    language: str = "en",
    mail_port: int | None = None,
    recipients: tuple[str, ...] = ("dr@cabinet.example",),
    more: str = "",
) -> Path:
    """A practice of one address. `days`: how long its authorisation still lasts; None without one."""
    until = date.today() + timedelta(days=days or 0)  # noqa: DTZ011 - the machine's own day is meant
    lines = ['name = "Cabinet Exemple"', f'language = "{language}"', f'networks = ["{address}"]']
    lines += [f"recipients = {json.dumps(recipients)}", more]
    lines += (
        [f'[authorisation]\nby = "Dr Exemple"\nrole = "titulaire"\nuntil = {until}']
        if days is not None
        else []
    )
    lines += [f'[mail]\nhost = "127.0.0.1"\nport = {mail_port}\nsecurity = "none"'] if mail_port else []
    path = folder / "site.toml"
    path.write_text("\n".join([*lines, TABLES]), encoding="utf-8")
    return path


def run(*arguments: str | Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """The installed command. `path`: where it finds nmap."""
    environment = os.environ | ({"PATH": path} if path is not None else {})
    return subprocess.run(
        [NETWATCH, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=120,
    )


def invoke(*arguments: str | Path) -> Result:
    """The same, without a process of its own."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


@dataclass(frozen=True)
class Scanned:
    """A practice after one night: an open PACS at 127.84.0.1."""

    site: Path
    data: Path
    ended: subprocess.CompletedProcess[str]

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.ended.stdout))


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    folder = tmp_path_factory.mktemp("scanned")
    site, data = site_file(folder, "127.84.0.1"), folder / "data"
    with scp("open_pacs", "127.84.0.1", 11112):
        ended = run("scan", site, "--data", data, "--format", "json", "--no-alert")
    return Scanned(site, data, ended)


# ------------------------------------------------------------------------------------------------- scan


def test_json_is_one_document_on_stdout_and_nothing_else(scanned: Scanned) -> None:
    document = scanned.document  # json.loads accepts one document and only blanks around it
    TypeAdapter(Document).validate_python(document)
    assert (document["schema"], document["site"]) == ("netwatch/1", "cabinet-exemple")
    assert [(s["port"], s["protocol"], s["facts"]["query"]) for s in document["services"]] == [
        (11112, "dicom", "answered")
    ]
    assert scanned.ended.stderr == ""


def test_a_night_that_covered_all_ends_with_0_whatever_it_found(scanned: Scanned) -> None:
    assert scanned.document["run"]["complete"] is True
    assert "critical" in {finding["severity"] for finding in scanned.document["findings"]}
    assert scanned.ended.returncode == Exit.CLEAN


def fits(value: object, shape: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Enough of JSON Schema 2020-12 for ours; what it does not know is an error, not a yes."""
    if "$ref" in shape:
        return fits(value, schema["$defs"][shape["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in shape:
        return any(fits(value, one, schema) for one in shape["anyOf"])
    if "const" in shape or "enum" in shape:
        return value in shape.get("enum", [shape.get("const")])
    if shape["type"] == "object" and isinstance(value, dict):
        known, rest = shape.get("properties", {}), shape.get("additionalProperties", {"type": "none"})
        return set(shape.get("required", ())) <= set(value) and all(
            fits(one, known.get(key, rest), schema) for key, one in value.items()
        )
    if shape["type"] == "array" and isinstance(value, list):
        return all(fits(one, shape["items"], schema) for one in value)
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "null": (type(None),),
    }
    return type(value) in kinds.get(shape["type"], ())


def test_what_scan_prints_is_what_schema_says(scanned: Scanned) -> None:
    told = run("schema")
    assert (told.returncode, told.stderr) == (0, "")
    schema = json.loads(told.stdout)
    assert fits(scanned.document, schema, schema)
    for part in schema["required"]:
        assert not fits({k: v for k, v in scanned.document.items() if k != part}, schema, schema)
    assert not fits(scanned.document | {"findings": [{}]}, schema, schema)


def test_as_text_it_is_a_summary_of_80_columns(tmp_path: Path) -> None:
    site = site_file(tmp_path, "127.84.0.2", language="fr")
    with scp("open_pacs", "127.84.0.2", 11112):
        ended = run("scan", site, "--data", tmp_path, "--no-alert", "--fail-on", "high")
    assert ended.returncode == Exit.FINDINGS
    assert "127.84.0.2" in ended.stdout
    assert "Cabinet Exemple" in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert ended.stderr == ""


def test_an_alert_is_mailed_once_and_said_on_stderr(tmp_path: Path) -> None:
    with office() as post, scp("open_pacs", "127.84.0.3", 11112):
        site = site_file(tmp_path, "127.84.0.3", mail_port=post.port)
        first = run("scan", site, "--data", tmp_path, "--format", "json")
        second = run("scan", site, "--data", tmp_path, "--format", "json")
    assert len(post.mails) == 1
    assert first.stderr.strip() == messages("en")("cli.mail-sent", count=1)
    assert second.stderr == ""
    json.loads(first.stdout)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("days", "message"), [(None, "authorisation-missing"), (-1, "authorisation-ended")])
def test_without_a_valid_authorisation_no_packet_leaves(
    tmp_path: Path, language: str, days: int | None, message: str
) -> None:
    site = site_file(tmp_path, "127.84.0.4", days=days)
    with scp("open_pacs", "127.84.0.4", 11112) as peer:
        ended = run("scan", site, "--data", tmp_path / "data", "--format", "json", "--lang", language)
        assert peer.connections == 0
    assert (ended.returncode, ended.stdout) == (Exit.ERROR, "")
    until = date.today() - timedelta(days=1)  # noqa: DTZ011
    assert ended.stderr.strip() == messages(language)(f"config.{message}", by="Dr Exemple", until=until)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_in_the_site_file_names_its_keys(tmp_path: Path, language: str) -> None:
    site = site_file(tmp_path, "8.8.8.8", language=language, mail_port=99_999, more="langage = 3")
    ended = invoke("scan", site, "--data", tmp_path / "data")
    assert (ended.exit_code, ended.stdout) == (Exit.ERROR, "")
    for key in ("networks[0]", "mail.port", "langage"):
        assert f"  {key}{' : ' if language == 'fr' else ': '}" in ended.stderr
    assert messages(language)("config.invalid", path=site) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_error_in_a_probe_s_options_names_its_key_before_a_packet_leaves(tmp_path: Path) -> None:
    site = site_file(tmp_path, "127.84.0.5")
    site.write_text(site.read_text() + "\n[probes.dicom]\ntimeot = 2\n")
    with scp("open_pacs", "127.84.0.5", 11112) as peer:
        ended = invoke("scan", site, "--data", tmp_path / "data")
        assert peer.connections == 0
    assert ended.exit_code == Exit.ERROR
    assert "probes.dicom.timeot:" in ended.stderr
    assert "timeout" in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan",),
        ("scan", "x.toml", "--fail-on", "awful"),
        ("scan", "x.toml", "--lang", "de"),
        ("nothing",),
        ("mail", "x"),
    ],
)
def test_a_wrong_command_line_ends_with_2(arguments: tuple[str, ...]) -> None:
    ended = invoke(*arguments)
    assert (ended.exit_code, ended.stdout) == (Exit.USAGE, "")


# ------------------------------------------------------------------------- nmap missing, broken, killed

CUT = """\
case "$1" in -V) exec {nmap} -V;; esac
printf '<?xml version="1.0"?><nmaprun scanner="nmap"><host><status state="up" reason="user-set"/>'
kill -9 $$
"""
BROKEN = {
    "rubbish": 'case "$1" in -V) exec {nmap} -V;; esac\nprintf "\\377\\376 no xml <at> all"\n',
    "killed in the middle": CUT,
    "not an nmap": "echo hello\n",
    "exits with an error": 'case "$1" in -V) exec {nmap} -V;; esac\nexit 1\n',
}


def nmapless(folder: Path, script: str | None) -> str:
    """A PATH whose only program is an nmap that does this, or that holds none."""
    folder.mkdir()
    if script is not None:
        program = folder / "nmap"
        program.write_text("#!/bin/sh\n" + script.format(nmap=shutil.which("nmap")), encoding="utf-8")
        program.chmod(0o755)
    return str(folder)


def by_connect(folder: Path, path: str, address: str, language: str) -> tuple[dict[str, Any], str]:
    """(document, stderr) of a night that nmap did not carry."""
    site = site_file(folder, address, language=language)
    with scp("open_pacs", address, 11112):
        ended = run("scan", site, "--data", folder / "data", "--format", "json", "--no-alert", path=path)
    document: dict[str, Any] = json.loads(ended.stdout)
    assert [(s["port"], s["facts"]["query"]) for s in document["services"]] == [(11112, "answered")]
    assert document["run"]["complete"] is False
    assert ended.returncode == Exit.INCOMPLETE
    return document, ended.stderr


@pytest.mark.parametrize(("language", "word"), [("en", "Install it"), ("fr", "Installez-le")])
def test_without_nmap_the_servers_are_found_and_the_user_is_told_what_to_install(
    tmp_path: Path, language: str, word: str
) -> None:
    document, said = by_connect(tmp_path, nmapless(tmp_path / "bin", None), "127.84.0.6", language)
    assert {failure["reason"] for failure in document["failures"]} == {"nmap-missing"}
    assert word in said
    assert "apt install nmap" in said


@pytest.mark.parametrize("how", BROKEN)
def test_with_an_nmap_that_fails_the_servers_are_found_and_the_loss_is_said(tmp_path: Path, how: str) -> None:
    document, said = by_connect(tmp_path, nmapless(tmp_path / "bin", BROKEN[how]), "127.84.0.7", "en")
    assert {failure["reason"] for failure in document["failures"]} == {"nmap-failed"}
    assert said.strip() == messages("en")("cli.gap-nmap-failed")


# --------------------------------------------------------------------------------- what was seen, again


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("by", ["file", "short name"])
def test_findings_are_listed_in_the_language_asked_for(scanned: Scanned, language: str, by: str) -> None:
    site = scanned.site if by == "file" else "cabinet-exemple"
    ended = invoke("findings", site, "--data", scanned.data, "--lang", language)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert TITLE[language][:20] in " ".join(ended.stdout.split())
    assert max(map(len, ended.stdout.splitlines())) <= 80


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("command", "holds"), [("devices", "127.84.0.1"), ("diff", "127.84.0.1")])
def test_devices_and_what_moved_are_listed(scanned: Scanned, command: str, holds: str, language: str) -> None:
    ended = invoke(command, "cabinet-exemple", "--data", scanned.data, "--lang", language)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert holds in ended.stdout
    other = invoke(
        command, "cabinet-exemple", "--data", scanned.data, "--lang", {"en": "fr", "fr": "en"}[language]
    )
    assert other.stdout != ended.stdout


@pytest.mark.parametrize(
    ("command", "parts"),
    [("findings", ["findings"]), ("devices", ["devices"]), ("diff", ["changes", "comings"])],
)
def test_a_list_as_json_is_the_document_s_part(scanned: Scanned, command: str, parts: list[str]) -> None:
    told = json.loads(invoke(command, scanned.site, "--data", scanned.data, "--format", "json").stdout)
    assert told == {key: scanned.document[key] for key in ("schema", "site", "run", *parts)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_is_a_page_whose_path_is_told(scanned: Scanned, tmp_path: Path, language: str) -> None:
    target = tmp_path / "r.html"
    ended = invoke("report", "cabinet-exemple", "--data", scanned.data, "--lang", language, "-o", target)
    assert ended.stdout.splitlines() == [str(target)]
    page = target.read_text(encoding="utf-8")
    assert f'lang="{language}"' in page
    assert TITLE[language].split("'")[-1] in page.replace("&#39;", "'")


def test_a_report_has_a_name_where_none_is_given(
    scanned: Scanned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = invoke("report", "cabinet-exemple", "--data", scanned.data)
    assert Path(ended.stdout.strip()) == tmp_path / "netwatch-cabinet-exemple.html"
    assert (tmp_path / "netwatch-cabinet-exemple.html").is_file()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_that_cannot_be_written_is_said(scanned: Scanned, tmp_path: Path, language: str) -> None:
    target = tmp_path / "nowhere" / "r.html"
    ended = invoke("report", "cabinet-exemple", "--data", scanned.data, "--lang", language, "-o", target)
    assert (ended.exit_code, ended.stdout) == (Exit.ERROR, "")
    assert str(target) in ended.stderr


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("command", ["findings", "devices", "diff", "report"])
def test_an_unknown_site_is_answered_with_the_known_ones(
    scanned: Scanned, command: str, language: str
) -> None:
    ended = invoke(command, "cabinet-inconnu", "--data", scanned.data, "--lang", language)
    assert (ended.exit_code, ended.stdout) == (Exit.ERROR, "")
    assert "cabinet-inconnu" in ended.stderr
    assert "cabinet-exemple" in ended.stderr


def test_a_site_that_was_never_scanned_is_said_so(tmp_path: Path) -> None:
    ended = invoke("findings", site_file(tmp_path, "127.84.0.8"), "--data", tmp_path / "data")
    assert ended.exit_code == Exit.ERROR
    assert "netwatch scan" in ended.stderr


def test_the_database_lives_where_the_environment_says(
    scanned: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETWATCH_DATA", str(scanned.data))
    assert invoke("devices", "cabinet-exemple").exit_code == 0


# ------------------------------------------------------------------------------------------------- mail


def test_a_test_mail_reaches_every_recipient_and_is_said_for_each(tmp_path: Path) -> None:
    both = ("a@cabinet.example", "b@cabinet.example")
    with office() as post:
        site = site_file(tmp_path, "127.84.0.9", mail_port=post.port, recipients=both, language="fr")
        ended = invoke("mail", "test", site)
    assert ended.exit_code == 0
    assert post.recipients == [[one] for one in both]
    assert [one in line for one, line in zip(both, ended.stdout.splitlines(), strict=True)] == [True, True]
    assert post.mails[0]["Subject"] == "essai de netwatch : Cabinet Exemple"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_test_mail_that_one_recipient_s_server_refuses_reaches_the_other(
    tmp_path: Path, language: str
) -> None:
    both = ("a@cabinet.example", "b@cabinet.example")
    with office(Post(refuses={both[0]: "550 5.7.1 Relaying denied"})) as post:
        site = site_file(tmp_path, "127.84.0.9", mail_port=post.port, recipients=both)
        ended = invoke("mail", "test", site, "--lang", language)
    assert ended.exit_code == Exit.ERROR
    assert post.recipients == [[both[1]]]
    assert "mail.user" in ended.stderr


def test_a_mail_server_that_is_down_keeps_the_alert_until_it_is_flushed(tmp_path: Path) -> None:
    site = site_file(tmp_path, "127.84.0.10", mail_port=(port := free_port()))
    with scp("open_pacs", "127.84.0.10", 11112):
        ended = run("scan", site, "--data", tmp_path / "data")
    assert ended.returncode == Exit.CLEAN
    assert "mail.host" in ended.stderr
    assert "netwatch mail flush" in ended.stderr
    waits = invoke("mail", "flush", site, "--data", tmp_path / "data")
    assert waits.exit_code == Exit.ERROR
    with office(port=port) as post:
        codes = [invoke("mail", "flush", site, "--data", tmp_path / "data").exit_code for _ in range(2)]
    assert codes == [Exit.CLEAN, Exit.CLEAN]
    assert len(post.mails) == 1


@pytest.mark.parametrize("command", ["test", "flush"])
def test_mail_of_a_site_without_a_mail_server_says_what_is_missing(tmp_path: Path, command: str) -> None:
    ended = invoke("mail", command, site_file(tmp_path, "127.84.0.11"), "--lang", "en")
    if command == "test":
        assert ended.exit_code == Exit.ERROR
        assert "[mail]" in ended.stderr


# ------------------------------------------------------------------------------------ doctor, init, help


def test_doctor_is_content_with_a_machine_that_has_nmap(tmp_path: Path) -> None:
    ended = run("doctor", "--data", tmp_path)
    assert ended.returncode == 0
    assert "Nmap version" in ended.stdout


@pytest.mark.parametrize(("language", "word"), [("en", "Install it"), ("fr", "Installez-le")])
def test_doctor_without_nmap_fails_and_says_what_to_install(tmp_path: Path, language: str, word: str) -> None:
    ended = run("doctor", "--data", tmp_path, "--lang", language, path=nmapless(tmp_path / "bin", None))
    assert ended.returncode == Exit.ERROR
    assert word in ended.stdout


def test_doctor_speaks_the_language_of_the_site_file(tmp_path: Path) -> None:
    ended = invoke("doctor", site_file(tmp_path, "127.84.0.12", language="fr"), "--data", tmp_path)
    assert "base de données" in ended.stdout


OPTIONS = (
    "--name",
    "Cabinet",
    "--network",
    "192.168.1.0/24",
    "--by",
    "Dr",
    "--role",
    "titulaire",
    "--until",
    "2027-12-31",
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_init_writes_a_site_file_that_loads(tmp_path: Path, language: str) -> None:
    path = tmp_path / "site.toml"
    ended = invoke("init", path, *OPTIONS, "--recipient", "dr@x.example", "--lang", language)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout.strip() == messages(language)("cli.written", path=path)
    assert load(path).language == language
    assert [one.address for one in load(path).recipients] == ["dr@x.example"]


def test_init_overwrites_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("precious")
    ended = invoke("init", path, *OPTIONS)
    assert ended.exit_code == Exit.ERROR
    assert "--force" in ended.stderr
    assert path.read_text() == "precious"
    assert invoke("init", path, *OPTIONS, "--force").exit_code == 0


def test_init_without_a_person_names_what_is_missing_and_writes_nothing(tmp_path: Path) -> None:
    ended = invoke("init", tmp_path / "site.toml", "--name", "Cabinet", "--lang", "fr")
    assert ended.exit_code == Exit.ERROR
    assert "--by, --role, --until" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def every(group: Any = main, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401
    """Every command there is."""
    for name, command in group.commands.items():
        yield (*before, name)
        if hasattr(command, "commands"):
            yield from every(command, (*before, name))


@pytest.mark.parametrize("command", [(), *every()], ids=" ".join)
def test_every_command_and_every_option_explains_itself(command: tuple[str, ...]) -> None:
    ended = invoke(*command, "--help")
    assert ended.exit_code == 0
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert len(ended.stdout.splitlines()[2].strip()) > 20
    options = re.split(r"^Options:\n", ended.stdout, flags=re.MULTILINE)[-1].partition("\n\n")[0]
    explained = [re.search(r" {2,}[A-Z]|\n {6,}[A-Z]", option) for option in re.split(r"\n(?=  -)", options)]
    assert all(explained), options


def test_help_loads_nothing_that_is_slow() -> None:
    heavy = "{'pynetdicom', 'pydantic', 'rich', 'sqlite_utils', 'nmap', 'jinja2'}"
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, netwatch.cli; print({heavy} & set(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "set()"


def test_the_version_is_told() -> None:
    import netwatch  # noqa: PLC0415

    assert invoke("--version").stdout == f"netwatch, version {netwatch.__version__}\n"


def test_a_plan_sends_nothing_and_says_to_whom_how_fast_and_how_long(tmp_path: Path) -> None:
    site = site_file(tmp_path, "127.84.0.40", more='window = "22:00-06:00"')
    with scp("open_pacs", "127.84.0.40", 11112) as peer:
        told = invoke("plan", site, "--data", tmp_path)
        assert peer.connections == 0
    assert "Nothing was sent" in told.stdout
    assert "127.84.0.40/32" in told.stdout
    assert "22:00-06:00" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80
    plan = json.loads(invoke("plan", site, "--data", tmp_path, "--format", "json").stdout)
    assert (plan["schema"], plan["addresses"], plan["devices"]) == ("netwatch/plan-1", 1, [])
    assert not (tmp_path / "audit").exists()


def test_the_audit_log_says_what_was_sent_to_whom_and_when(scanned: Scanned) -> None:
    raw = invoke("audit", scanned.site, "--data", scanned.data, "--format", "json").stdout
    lines = [json.loads(line) for line in raw.splitlines()]
    assert {line["question"] for line in lines} >= {"discovery", "sweep", "dicom"}
    asked = next(line for line in lines if line["question"] == "dicom")
    assert any("C-FIND-RQ" in what for what in asked["sent"])
    told = invoke("audit", scanned.site, "--data", scanned.data).stdout
    assert "C-FIND-RQ" in told
    assert len(told.splitlines()) == len(lines)
    run = scanned.document["run"]["id"]
    assert invoke("audit", scanned.site, "--data", scanned.data, "--run", run).stdout == told
    none = invoke("audit", scanned.site, "--data", scanned.data, "--run", "../../x")
    assert none.exit_code == Exit.ERROR


@pytest.mark.parametrize("language", ["en", "fr"])
def test_before_the_first_scan_there_is_no_audit_log_and_it_is_said(tmp_path: Path, language: str) -> None:
    site = site_file(tmp_path, "127.84.0.41", language=language)
    told = invoke("audit", site, "--data", tmp_path)
    assert told.exit_code == Exit.ERROR
    assert ("journal" if language == "fr" else "audit log") in told.stderr


def test_a_device_that_is_left_alone_is_asked_again_once_a_person_says_so(tmp_path: Path) -> None:
    site = site_file(tmp_path, "127.84.0.42")
    first = run("scan", site, "--data", tmp_path, "--no-alert", "--format", "json")
    assert json.loads(first.stdout)["devices"][0]["left_alone"] is None
    with sqlite3.connect(tmp_path / "netwatch.db") as db:
        db.execute("update devices set left_alone = '2026-11-20T22:00:00Z'")
    second = json.loads(run("scan", site, "--data", tmp_path, "--no-alert", "--format", "json").stdout)
    assert [row["outcome"] for row in second["coverage"] if row["probe"] == "sweep"] == ["left-alone"]
    assert invoke("release", site, "127.84.0.99", "--data", tmp_path).exit_code == Exit.ERROR
    released = invoke("release", site, "127.84.0.42", "--data", tmp_path)
    assert (released.exit_code, "127.84.0.42" in released.stdout) == (0, True)
    third = json.loads(run("scan", site, "--data", tmp_path, "--no-alert", "--format", "json").stdout)
    assert "closed" in {row["outcome"] for row in third["coverage"] if row["probe"] == "sweep"}


def test_outside_the_window_nothing_is_sent_and_the_hours_are_named(tmp_path: Path) -> None:
    now = datetime.now().astimezone()
    window = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}"
    site = site_file(tmp_path, "127.84.0.43", more=f'window = "{window}"')
    with scp("open_pacs", "127.84.0.43", 11112) as peer:
        ended = invoke("scan", site, "--data", tmp_path)
        assert (ended.exit_code, peer.connections) == (Exit.CLOSED, 0)
    assert window in ended.stderr
    assert not (tmp_path / "audit").exists()


def test_a_pace_above_our_own_needs_a_name_and_the_report_shows_it(tmp_path: Path) -> None:
    site = site_file(tmp_path, "127.84.0.44")
    text = site.read_text(encoding="utf-8")
    site.write_text(text.partition("[pace.override]")[0], encoding="utf-8")
    refused = invoke("scan", site, "--data", tmp_path)
    assert refused.exit_code == Exit.ERROR
    assert "pace.packets" in refused.stderr
    site.write_text(text, encoding="utf-8")
    document = json.loads(run("scan", site, "--data", tmp_path, "--no-alert", "--format", "json").stdout)
    assert document["run"]["pace"]["override_by"] == "the tests"
    page = tmp_path / "page.html"
    invoke("report", site, "--data", tmp_path, "-o", page)
    assert "they have no patients" in page.read_text(encoding="utf-8")
