"""Is somebody told that a scan could not run, also where nothing can be written down?"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from netwatch.errors import StoreError
from netwatch.exits import Exit
from netwatch.store import FILE, Store
from tests.lab.postoffice import office
from tests.netwatch.test_cli_scan import run, site
from tests.netwatch.test_ping import SECRET, watcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PING = "[ping]\nurl_env = 'NETWATCH_PING_URL'"
PAGE = 4096  # bytes, of an SQLite file


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["/usr/bin/env", "mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], check=False
    )
    if made.returncode:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("only root can make a small disk")
    yield disk
    subprocess.run(["/usr/bin/env", "umount", str(disk)], check=True)


def spoil(data: Path, first: int) -> None:
    """Overwrite every page of the database from this one on."""
    path = data / FILE
    content = bytearray(path.read_bytes())
    assert len(content) > first * PAGE
    content[first * PAGE :] = b"\xa5" * (len(content) - first * PAGE)
    path.write_bytes(content)


@pytest.mark.parametrize("first", [0, 1, 2, 6])
def test_a_damaged_database_is_told_by_mail_and_by_the_ping_and_how_to_mend_it(
    tmp_path: Path, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    with office() as post, watcher() as (address, asked):
        monkeypatch.setenv("NETWATCH_PING_URL", address)
        path = site(tmp_path, 14, post.port, ping=PING)
        assert run(data, "scan", path, "--no-alert").returncode == Exit.CLEAN
        spoil(data, first)
        ended = run(data, "scan", path, "--no-alert")
        assert (ended.returncode, post.mails) == (Exit.ERROR, []), "nobody was to be told"
        ended = run(data, "scan", path)
        assert ended.returncode == Exit.ERROR
        assert "netwatch backup" in ended.stderr
        assert "Traceback" not in ended.stderr
        [mail] = post.mails
        assert [one.split()[0] for one in asked] == [f"/{SECRET}/fail"]
    text = " ".join(mail.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
    assert str(mail["Subject"]) == "Cabinet 14: the check could not run"
    assert "netwatch backup" in text
    assert "Nothing was sent to any device" not in text, "who knows"


@pytest.mark.parametrize("command", ["findings", "devices", "services", "report", "tend", "diff", "outbox"])
def test_no_command_ends_in_a_traceback_where_the_database_is_damaged(tmp_path: Path, command: str) -> None:
    data, path = tmp_path / "data", site(tmp_path, 14)
    assert run(data, "scan", path, "--no-alert").returncode == Exit.CLEAN
    whole = (data / FILE).read_bytes()
    for first in (1, 3, 6, 10):
        (data / FILE).write_bytes(whole)
        spoil(data, first)
        ended = run(data, command, path)
        assert "Traceback" not in ended.stderr, (first, ended.stderr)


def test_a_full_disk_is_told_by_mail(tmp_path: Path, small: Path) -> None:
    data = small / "data"
    with office() as post:
        path = site(tmp_path, 14, post.port)
        assert run(data, "scan", path, "--no-alert").returncode == Exit.CLEAN
        with (small / "rest").open("wb", buffering=0) as rest, pytest.raises(OSError, match="No space"):
            while True:
                rest.write(b"x" * PAGE)
        ended = run(data, "scan", path)
        assert ended.returncode == Exit.ERROR
        assert "disk" in ended.stderr
        assert len(post.mails) == 1
        (small / "rest").unlink()
        assert run(data, "scan", path).returncode == Exit.CLEAN
        with Store(data) as store:
            assert store.notices.why("cabinet-14", "failed") is None


def test_a_scan_that_cannot_be_kept_is_told_once_where_that_can_be_written_down(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with office() as post:
        path = site(tmp_path, 14, post.port)
        (data / "audit").mkdir(parents=True)
        (data / "audit" / "cabinet-14").write_text("no folder")
        for _ in range(2):
            assert run(data, "scan", path).returncode == Exit.ERROR
        assert len(post.mails) == 1


def test_nobody_is_told_of_a_scan_that_another_one_keeps_from_running(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with office() as post:
        path = site(tmp_path, 14, post.port)
        run(data, "scan", path, "--no-alert")
        with Store(data) as store, store.lock("cabinet-14"):
            assert run(data, "scan", path).returncode == Exit.BUSY
        assert post.mails == []


def test_where_the_mail_does_not_leave_either_both_are_said(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / FILE).write_bytes(b"no database" * 1000)
    ended = run(data, "scan", site(tmp_path, 14, 9))
    assert ended.returncode == Exit.ERROR
    assert "mail.port" in ended.stderr
    assert FILE in ended.stderr


def test_a_locked_database_is_not_called_damaged(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.remember("a", "A", "en")
        with pytest.raises(StoreError, match="cannot-write"), store._writing() as db:
            db.execute("insert into nothing values (1)")
    shutil.rmtree(tmp_path)
