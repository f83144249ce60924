"""Is what waits sent between the nights, quietly where nothing is due, and never while a night is at work?"""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING

from netwatch.exits import Exit
from netwatch.store import Store
from tests.lab.postoffice import office
from tests.lab.scps import scp
from tests.netwatch.test_cli_scan import NETWATCH, run, site

if TYPE_CHECKING:
    from pathlib import Path


def test_tend_sends_what_waits_and_asks_no_device(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with scp("open_pacs", "127.86.8.1", 11112) as peer:
        path = site(tmp_path, 8)
        assert run(data, "tend", path).stdout == ""
        run(data, "scan", path)
        before = peer.connections
        with office() as post:
            site(tmp_path, 8, post.port)
            run(data, "mail", "flush", path)
            assert len(post.mails) == 1
            ended = run(data, "tend", path)
            assert (ended.returncode, ended.stdout, ended.stderr) == (Exit.CLEAN, "", "")
            assert len(post.mails) == 1
        assert peer.connections == before


def test_tend_is_silent_where_a_night_is_at_work_and_says_so_in_its_exit_code(tmp_path: Path) -> None:
    data, path = tmp_path / "data", site(tmp_path, 9)
    run(data, "scan", path, "--no-alert")
    with Store(data) as store, store.lock("cabinet-9"):
        ended = run(data, "tend", path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (Exit.BUSY, "", "")


def test_tend_says_to_who_types_it_that_nothing_is_due(tmp_path: Path) -> None:
    seen, spoken = pty.openpty()
    ended = subprocess.run(
        [NETWATCH, "tend", str(site(tmp_path, 9)), "--data", str(tmp_path / "data")],
        stdout=spoken,
        check=False,
    )
    os.close(spoken)
    assert ended.returncode == Exit.CLEAN
    assert b"nothing is due" in os.read(seen, 1000)
    os.close(seen)


def test_a_letter_that_is_lost_is_told_by_the_exit_code_of_tend(tmp_path: Path) -> None:
    data, path = tmp_path / "data", site(tmp_path, 9)
    with scp("open_pacs", "127.86.9.1", 11112):
        run(data, "scan", path)
    with Store(data) as store:
        store.outbox._db.execute("update outbox set state = 'given-up'")
        store.outbox._db.conn.commit()
    ended = run(data, "tend", path)
    assert ended.returncode == Exit.UNTOLD
    assert ended.stderr
