"""Does `netwatch shodan` ask before it spends, keep to the site's own addresses, and conclude nothing from
silence?

The real commands and the real shodan library, against a server on loopback.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from netwatch import audit
from netwatch.cli_shodan import LOG, shodan
from netwatch.exits import Exit
from netwatch.words import LANGUAGES, messages
from tests.lab import shodan_server as lab
from tests.lab.shodan_server import KEY, ShodanServer, banner, host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE, OTHER = "9.9.9.9", "9.9.9.10"
SAYS = {language: messages(language) for language in LANGUAGES}
SCAN = "[shodan]\nscan = true"
MONITOR = "[shodan]\nmonitor = true"


def lately(days: float = 2) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).replace(tzinfo=None).isoformat()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ShodanServer]:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHODAN_API_KEY", KEY)
    with ShodanServer() as running:
        monkeypatch.setenv("SHODAN_API_URL", running.url)
        monkeypatch.setenv("INTERNETDB_URL", running.url)
        yield running


def site(  # noqa: PLR0913 - what a test may want otherwise
    folder: Path,
    tables: str = "[shodan]",
    *,
    addresses: tuple[str, ...] = (ONE,),
    more: str = "",
    days: int | None = 30,
    language: str = "en",
) -> Path:
    """A practice whose address never changes. `days`: how long it is authorised; None: not at all."""
    until = date.today() + timedelta(days=days or 0)  # noqa: DTZ011 - the machine's own day is meant
    lines = ['name = "Cabinet"', f'language = "{language}"', 'networks = ["192.168.1.0/24"]', more]
    lines += [f"public_addresses = {json.dumps(addresses)}"] if addresses else []
    if days is not None:
        lines += ["[authorisation]", 'by = "Dr Exemple"', 'role = "titulaire"', f"until = {until}"]
    path = folder / "site.toml"
    path.write_text("\n".join([*lines, tables]), encoding="utf-8")
    return path


def run(command: str, path: Path, *more: str, typed: str | None = None) -> Result:
    """The command, its data beside the site file."""
    arguments = [command, str(path), "--data", str(path.parent / "data"), *more]
    return CliRunner().invoke(shodan, arguments, input=typed, catch_exceptions=False)


# ------------------------------------------------------------------------------------------------------ show


@pytest.mark.parametrize("language", LANGUAGES)
def test_show_tells_the_credits_and_each_port_with_its_date(
    tmp_path: Path, server: ShodanServer, language: str
) -> None:
    server.hosts[ONE] = host(
        ONE, banner(3389, "rdp", "2026-11-01T10:11:12", product="Remote Desktop Protocol")
    )
    told = run("show", site(tmp_path, language=language))
    assert told.exit_code == Exit.CLEAN
    assert "99" in told.stdout.splitlines()[0]
    assert re.search(r"2026-11-01 10:11 UTC  tcp  3389  RDP +Remote Desktop", told.stdout)
    assert SAYS[language]("others.silence") in told.stdout
    assert told.stderr == ""


def test_show_asks_internetdb_only_where_a_use_is_stated(tmp_path: Path, server: ShodanServer) -> None:
    server.ports[ONE] = [11112]
    told = run("show", site(tmp_path))
    assert "does not say that nothing is open" in told.stdout
    assert server.told == ["GET /api-info", f"GET /shodan/host/{ONE}"]
    told = run("show", site(tmp_path, '[internetdb]\nuse = "own practice"'))
    assert re.search(r"undated +tcp 11112  unknown", told.stdout)
    assert server.told[-1] == f"GET /{ONE}"
    assert told.exit_code == Exit.CLEAN
    french = run("show", site(tmp_path, '[internetdb]\nuse = "cabinet"', language="fr"))
    assert re.search(r"sans date +tcp 11112  inconnu", french.stdout)


def test_one_watched_address_and_one_port_of_a_neighbour_s_are_told_as_one(
    tmp_path: Path, server: ShodanServer
) -> None:
    server.hosts[ONE] = host(ONE, banner(3389, "rdp", lately()), banner(443, "https", lately()))
    told = run("show", site(tmp_path, more='public_ports = "3000-4000"', language="fr")).stdout
    assert "1 autre port n'est pas à nous" in told
    assert re.search(r"Adresses surveillées : \d+ sur \d+$", told.splitlines()[0])


def test_show_as_json_is_one_document_without_the_key(tmp_path: Path, server: ShodanServer) -> None:
    server.hosts[ONE] = host(ONE, banner(3389, "rdp", lately()))
    told = json.loads(run("show", site(tmp_path), "--format", "json").stdout)
    assert told["plan"]["scans"] == 99
    assert [(one["port"], one["vantage"]) for one in told["statements"]] == [(3389, "shodan"), (0, "shodan")]
    assert told["failures"] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_address_without_an_answer_is_told_and_the_exit_code_says_so(
    tmp_path: Path, server: ShodanServer, language: str
) -> None:
    server.instead[f"/shodan/host/{ONE}"] = lab.html(503)
    told = run("show", site(tmp_path, language=language))
    assert told.exit_code == Exit.INCOMPLETE
    assert SAYS[language]("others.busy", who="Shodan") in told.stdout


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("tables", "addresses", "sentence"),
    [("", (ONE,), "others.not-configured"), ("[shodan]", (), "others.no-address")],
)
def test_what_is_missing_in_the_site_file_is_named(  # noqa: PLR0913, PLR0917 - fixtures and cases
    tmp_path: Path,
    server: ShodanServer,
    tables: str,
    addresses: tuple[str, ...],
    sentence: str,
    language: str,
) -> None:
    told = run("show", site(tmp_path, tables, addresses=addresses, language=language))
    assert (told.exit_code, told.stdout, server.asked) == (Exit.ERROR, "", [])
    assert told.stderr.strip() == SAYS[language](sentence)


@pytest.mark.parametrize("command", ["show", "scan", "monitor"])
def test_a_key_that_is_wrong_is_told_and_not_repeated(
    tmp_path: Path, server: ShodanServer, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("SHODAN_API_KEY", "NotTheRightKey")
    told = run(command, site(tmp_path, "[shodan]\nscan = true\nmonitor = true"))
    assert (told.exit_code, told.stdout) == (Exit.ERROR, "")
    assert told.stderr.strip() == SAYS["en"]("others.key-refused", who="Shodan")
    assert len(server.asked) == 1


@pytest.mark.parametrize("command", ["show", "scan", "monitor"])
def test_without_a_key_nobody_is_asked(
    tmp_path: Path, server: ShodanServer, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("SHODAN_API_KEY")
    told = run(command, site(tmp_path, "[shodan]\nscan = true\nmonitor = true"))
    assert told.exit_code == Exit.ERROR
    assert told.stderr.strip() == SAYS["en"]("others.no-key", who="Shodan")
    assert server.asked == []


# ------------------------------------------------------------------------------------------------------ scan


@pytest.mark.parametrize("typed", ["n\n", "\n"])
def test_a_scan_shows_the_credits_and_is_not_ordered_without_a_yes(
    tmp_path: Path, server: ShodanServer, typed: str
) -> None:
    told = run("scan", site(tmp_path, SCAN), typed=typed)
    assert told.exit_code == Exit.CLEAN
    assert "scans 99" in told.stderr
    assert ONE in told.stderr
    assert server.told == ["GET /api-info"]


def test_where_nobody_can_say_yes_nothing_is_ordered(tmp_path: Path, server: ShodanServer) -> None:
    told = run("scan", site(tmp_path, SCAN), typed="")
    assert told.exit_code == Exit.ERROR
    assert SAYS["en"]("others.scan-confirm") in told.stderr
    assert server.told == ["GET /api-info"]


def test_a_scan_that_is_wanted_is_followed_to_its_end_and_told(tmp_path: Path, server: ShodanServer) -> None:
    server.states = ["DONE"]
    server.hosts[ONE] = host(ONE, banner(3389, "rdp", lately(0)))
    told = run("scan", site(tmp_path, SCAN), typed="y\n")
    assert told.exit_code == Exit.CLEAN
    orders = [one for one in server.asked if str(one) == "POST /shodan/scan"]
    assert [one.query["ips"] for one in orders] == [ONE]
    assert "Scan credits left: 98" in told.stderr
    assert SAYS["en"]("others.scan-state", state="DONE") in told.stderr
    assert "3389" in told.stdout


def test_the_end_of_a_scan_proves_nothing_and_all_of_it_stands_in_the_log(
    tmp_path: Path, server: ShodanServer
) -> None:
    server.states = ["DONE"]
    told = run("scan", site(tmp_path, SCAN), "--yes")
    assert "nothing is known" in told.stdout
    assert "also where it did not look" in told.stderr
    assert "closed" not in told.output
    log = audit.folder(tmp_path / "data", "cabinet") / LOG
    assert [line["what"] for line in audit.read(log)] == ["plan", "order a scan", "scan state", "host"]
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY.encode() not in everything


def test_a_scan_that_does_not_end_is_incomplete_and_goes_on_elsewhere(
    tmp_path: Path, server: ShodanServer
) -> None:
    server.states = ["QUEUE"]
    told = run("scan", site(tmp_path, SCAN), "--yes", "--wait", "0")
    assert told.exit_code == Exit.INCOMPLETE
    assert SAYS["en"]("others.scan-waiting", state="QUEUE") in told.stderr
    assert told.stdout == ""


def test_without_enough_credits_nothing_is_ordered(tmp_path: Path, server: ShodanServer) -> None:
    server.plan["scan_credits"] = 1
    told = run("scan", site(tmp_path, SCAN, addresses=(ONE, OTHER)), "--yes")
    assert told.exit_code == Exit.ERROR
    assert SAYS["en"]("others.scan-poor", count=2, scans=1) in told.stderr
    assert server.told == ["GET /api-info"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("command", "tables", "more", "days", "sentence"),
    [
        ("scan", "[shodan]", "", 30, "others.scan-not-allowed"),
        ("monitor", SCAN, "", 30, "others.monitor-not-allowed"),
        ("scan", "", "", 30, "others.no-shodan"),
        ("monitor", "", "", 30, "others.no-shodan"),
        ("scan", SCAN, 'public_ports = "16384-32767"', 30, "others.shared"),
        ("monitor", MONITOR, 'public_ports = "16384-32767"', 30, "others.shared"),
        ("scan", SCAN, "", None, "config.authorisation-missing"),
        ("monitor", MONITOR, "", None, "config.authorisation-missing"),
        ("scan", SCAN, "", -1, "config.authorisation-ended"),
        ("monitor", MONITOR, "", -1, "config.authorisation-ended"),
    ],
)
def test_shodan_is_sent_nowhere_where_it_was_not_allowed(  # noqa: PLR0913, PLR0917 - one row each
    tmp_path: Path,
    server: ShodanServer,
    command: str,
    tables: str,
    more: str,
    days: int | None,
    sentence: str,
    language: str,
) -> None:
    told = run(command, site(tmp_path, tables, more=more, days=days, language=language))
    until = date.today() - timedelta(days=1)  # noqa: DTZ011
    assert (told.exit_code, told.stdout, server.asked) == (Exit.ERROR, "", [])
    assert told.stderr.strip() == SAYS[language](sentence, by="Dr Exemple", until=until)


@pytest.mark.parametrize("command", ["show", "scan", "monitor"])
def test_no_address_can_be_given_by_hand(tmp_path: Path, server: ShodanServer, command: str) -> None:
    told = run(command, site(tmp_path, "[shodan]\nscan = true\nmonitor = true"), "8.8.8.8")
    assert told.exit_code == Exit.USAGE
    assert server.asked == []


# --------------------------------------------------------------------------------------------------- monitor


def test_a_watch_is_made_then_follows_the_address_then_goes(tmp_path: Path, server: ShodanServer) -> None:
    server.alerts.append({"id": "THEIRS", "name": "x", "filters": {"ip": [ONE]}, "triggers": {}})
    did = [run("monitor", site(tmp_path, MONITOR)), run("monitor", site(tmp_path, MONITOR))]
    did.append(run("monitor", site(tmp_path, MONITOR, addresses=(OTHER,))))
    words = [SAYS["en"](f"others.watch-{word}", addresses=ONE) for word in ("created", "same")]
    words.append(SAYS["en"]("others.watch-changed", addresses=OTHER))
    assert [one.stdout.strip() for one in did] == words
    assert [(one["name"], one["filters"]) for one in server.alerts[1:]] == [
        ("netwatch cabinet", {"ip": [OTHER]})
    ]
    gone = [run("monitor", site(tmp_path, "[shodan]", days=None), "--remove") for _ in range(2)]
    assert [one.stdout.strip() for one in gone] == [
        SAYS["en"]("others.watch-removed"),
        SAYS["en"]("others.watch-none"),
    ]
    assert [one["id"] for one in server.alerts] == ["THEIRS"]


# ----------------------------------------------------------------------------------------------- afterwards


def test_its_log_never_counts_as_the_last_run(tmp_path: Path) -> None:
    folder = audit.folder(tmp_path, "cabinet")
    folder.mkdir(parents=True)
    for name in (LOG, "20261125T010203Z-1.jsonl"):
        (folder / name).touch()
    assert audit.newest(tmp_path, "cabinet").name != LOG
