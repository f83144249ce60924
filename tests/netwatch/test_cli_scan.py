"""Does one site that fails stop no other, and is a scan that could not run told once?"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from netwatch.exits import Exit
from netwatch.notice import NoticeKind
from netwatch.store import Store
from tests.lab.hurry import TABLES
from tests.lab.postoffice import office
from tests.lab.scps import scp
from tests.netwatch.test_ping import SECRET, watcher

if TYPE_CHECKING:
    import pytest

NETWATCH = str(Path(sys.executable).with_name("netwatch"))


def site(folder: Path, number: int, port: int = 9, days: int = 2, **more: str) -> Path:
    until = date.today() + timedelta(days=days)  # noqa: DTZ011 - the machine's own day is meant
    lines = [
        f'name = "Cabinet {number}"',
        f'networks = ["127.86.{number}.1"]',
        'recipients = ["dr@cabinet.example"]',
        f'[authorisation]\nby = "Dr"\nrole = "titulaire"\nuntil = {until}',
        f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "n@cabinet.example"',
        *more.values(),
    ]
    path = folder / f"site-{number}.toml"
    path.write_text("\n".join([*lines, TABLES]), encoding="utf-8")
    return path


def run(data: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [NETWATCH, *map(str, arguments), "--data", str(data), "--lang", "en"]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_all_sites_are_scanned_and_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with scp("open_pacs", "127.86.3.1", 11112):
        for number in (1, 2, 3):
            assert run(data, "scan", site(tmp_path, number), "--no-alert").returncode == Exit.CLEAN
        site(tmp_path, 1, days=-1)
        (tmp_path / "site-2.toml").write_text("name = ")
        ended = run(data, "scan", "--all", "--no-alert", "--format", "json", "--fail-on", "high")
    assert ended.returncode == Exit.ERROR
    assert [one["site"] for one in json.loads(ended.stdout)] == ["cabinet-3"]
    assert "cabinet-1: " in ended.stderr
    assert "cabinet-2: " in ended.stderr
    with Store(data) as store:
        assert [len(store.notices.watch(f"cabinet-{n}").told) for n in (1, 2, 3)] == [0, 0, 0]


def test_the_worst_of_all_is_the_exit_code(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with scp("open_pacs", "127.86.4.1", 11112):
        for number in (4, 5):
            run(data, "scan", site(tmp_path, number), "--no-alert")
        assert run(data, "scan", "--all", "--no-alert", "--fail-on", "high").returncode == Exit.FINDINGS


def test_a_site_or_all_and_not_both(tmp_path: Path) -> None:
    for arguments in ((), (site(tmp_path, 6), "--all")):
        ended = run(tmp_path / "data", "scan", *arguments)
        assert ended.returncode == Exit.USAGE
        assert "--all" in ended.stderr


def test_a_scan_that_could_not_run_is_mailed_once_until_one_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with office() as post:
        run(data, "scan", site(tmp_path, 7, post.port))
        path = site(tmp_path, 7, post.port, days=-1)
        for _ in range(2):
            ended = run(data, "scan", path)
            assert ended.returncode == Exit.ERROR
        assert [mail["Subject"] for mail in post.mails] == ["Cabinet 7: the check could not run"]
        assert "Dr" in post.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
        run(data, "scan", site(tmp_path, 7, post.port))
        with Store(data) as store:
            assert store.notices.why("cabinet-7", NoticeKind.FAILED) is None


def test_tend_sends_that_the_first_scan_of_all_could_not_run(tmp_path: Path) -> None:
    data, path = tmp_path / "data", site(tmp_path, 9, days=-1)
    run(data, "scan", path)
    made = datetime.now(UTC) - timedelta(days=2)
    with sqlite3.connect(data / "netwatch.db") as db:
        db.execute("update outbox set next_try = null, created = ?", [f"{made:%Y-%m-%dT%H:%M:%SZ}"])
    assert run(data, "tend", path).returncode == Exit.UNTOLD
    with sqlite3.connect(data / "netwatch.db") as db:
        db.execute("update outbox set next_try = null")
    with office() as post:
        site(tmp_path, 9, post.port, days=-1)
        assert run(data, "tend", path).returncode == Exit.CLEAN
        assert [mail["Subject"] for mail in post.mails] == ["Cabinet 9: the check could not run"]


def test_sigterm_ends_the_scan_of_all_sites_and_not_of_one(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in (10, 11, 12):
        path = site(tmp_path, number)
        path.write_text(path.read_text().replace(TABLES, "").replace(f'{number}.1"', f'{number}.0/27"'))
        with Store(data) as store:
            store.remember(f"cabinet-{number}", f"Cabinet {number}", "en", str(path))
    line = [NETWATCH, "scan", "--all", "--no-alert", "--format", "json", "--data", str(data)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "cabinet-10" in process.stderr.readline()
    logs = data / "audit"
    for _ in range(200):
        if any(log.stat().st_size for log in logs.rglob("*.jsonl")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    told, heard = process.communicate(timeout=60)
    assert process.returncode == Exit.INCOMPLETE, heard
    assert [one["site"] for one in json.loads(told)] == ["cabinet-10"]


def test_a_scan_that_cannot_write_or_may_not_run_is_a_failure_for_who_expects_its_ping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, (ping,) = tmp_path / "data", ("[ping]\nurl_env = 'NETWATCH_PING_URL'",)
    with watcher() as (address, asked):
        monkeypatch.setenv("NETWATCH_PING_URL", address)
        path = site(tmp_path, 13, ping=ping)
        (data / "audit").mkdir(parents=True)
        (data / "audit" / "cabinet-13").write_text("no folder")
        assert run(data, "scan", path).returncode == Exit.ERROR
        assert [one.split()[0] for one in asked] == [f"/{SECRET}/fail"]
        monkeypatch.setenv("NETWATCH_PING_URL", "no address")
        ended = run(data, "scan", site(tmp_path, 13, days=-1, ping=ping))
    assert ended.returncode == Exit.ERROR
    assert "that day is over" in ended.stderr, "why it did not run is told whatever becomes of the ping"
