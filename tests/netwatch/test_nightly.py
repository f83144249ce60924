"""What happens in a night, whole: scan, judge, diff, store, alert, mail; and what a crash may do to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from netwatch.store.lock import held
from tests.lab.canary import CANARIES
from tests.lab.hurry import TABLES
from tests.lab.postoffice import Post, office
from tests.lab.scps import scp

NETWATCH = str(Path(sys.executable).with_name("netwatch"))
SMTP = 2526
TRIALS = 20


def site(folder: Path, network: int, hosts: int = 1, *, tables: str = TABLES, **top: object) -> Path:
    """A site file for 127.82.<network>.1 and the next ones; its mail server is 127.82.<network>.100."""
    addresses = ", ".join(f'"127.82.{network}.{last}"' for last in range(1, hosts + 1))
    until = date.today() + timedelta(days=2)  # noqa: DTZ011 - the machine's own day is meant
    lines = [
        'name = "Cabinet"',
        f"networks = [{addresses}]",
        'recipients = ["dr@cabinet.example"]',
        *(f"{key} = {json.dumps(value)}" for key, value in top.items()),
        f'[authorisation]\nby = "Dr"\nrole = "titulaire"\nuntil = {until}',
        f'[mail]\nhost = "127.82.{network}.100"\nport = {SMTP}\nsecurity = "none"',
    ]
    path = folder / f"site-{network}.toml"
    path.write_text("\n".join([*lines, tables]), encoding="utf-8")
    return path


def box(network: int, post: Post | None = None) -> AbstractContextManager[Post]:
    return office(post, host=f"127.82.{network}.100", port=SMTP)


def scan(path: Path, data: Path, *more: str) -> dict[str, Any]:
    ended = subprocess.run(
        [NETWATCH, "scan", str(path), "--data", str(data), "--format", "json", *more],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in {0, 3, 4}, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def test_one_night_one_open_pacs_one_mail(tmp_path: Path) -> None:
    path = site(tmp_path, 1)
    with box(1) as mails, scp("open_pacs", "127.82.1.1", 11112):
        scan(path, tmp_path / "data")
        assert len(mails.mails) == 1
        assert "127.82.1.1" in mails.mails[0]["Subject"]
        scan(path, tmp_path / "data")
        assert len(mails.mails) == 1, "an unchanged finding is never mailed again"


def test_a_pacs_that_starts_to_answer_is_mailed_and_one_that_stops_is_not(tmp_path: Path) -> None:
    path, data = site(tmp_path, 2, hosts=2), tmp_path / "data"
    with box(2) as mails:
        assert scan(path, data)["changes"] == []
        with scp("open_pacs", "127.82.2.2", 11112):
            assert {c["kind"] for c in scan(path, data)["changes"]} == {"appeared"}
            assert len(mails.mails) == 1
        assert {c["kind"] for c in scan(path, data)["changes"]} == {"resolved"}
        assert len(mails.mails) == 1


def test_while_the_mail_server_is_down_the_alert_is_kept_and_then_arrives_once(tmp_path: Path) -> None:
    path, data = site(tmp_path, 3), tmp_path / "data"
    with scp("open_pacs", "127.82.3.1", 11112):
        assert [one["state"] for one in scan(path, data)["undelivered"]] == ["waiting"]
        scan(path, data)
        with box(3) as mails:
            scan(path, data)
            assert mails.mails == [], "it was tried a moment ago: not yet due"
            for _ in range(2):
                flushed = [NETWATCH, "mail", "flush", str(path), "--data", str(data)]
                assert subprocess.run(flushed, capture_output=True, check=False).returncode == 0
            assert scan(path, data)["undelivered"] == []
            assert len(mails.mails) == 1


def test_no_alert_tells_nobody_now_or_later(tmp_path: Path) -> None:
    path, data = site(tmp_path, 4), tmp_path / "data"
    with box(4) as mails, scp("open_pacs", "127.82.4.1", 11112):
        scan(path, data, "--no-alert")
        scan(path, data)
        assert mails.mails == []


@pytest.mark.parametrize("behaviour", ["leaks", "leaks_at_once", "huge_pdv"])
def test_a_patient_that_a_server_sends_is_found_nowhere(tmp_path: Path, behaviour: str) -> None:
    network = 10 + ["leaks", "leaks_at_once", "huge_pdv"].index(behaviour)
    path, data = site(tmp_path, network), tmp_path / "data"
    with box(network) as mails, scp(behaviour, f"127.82.{network}.1", 11112) as peer:
        ended = subprocess.run(
            [NETWATCH, "scan", str(path), "--data", str(data)], capture_output=True, check=False
        )
        subprocess.run(
            [NETWATCH, "report", str(path), "--data", str(data), "-o", str(tmp_path / "r.html")], check=True
        )
        shown = subprocess.run(
            [NETWATCH, "findings", str(path), "--data", str(data), "--format", "json"],
            capture_output=True,
            check=True,
        ).stdout
        sent = peer.sent
    assert sent > 100
    assert mails.mails or behaviour == "huge_pdv"
    everything = ended.stdout + ended.stderr + shown + b"".join(bytes(mail) for mail in mails.mails)
    everything += b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"11112" in everything
    assert not [name for name in CANARIES if name.encode() in everything]


def test_ctrl_c_keeps_what_was_seen_and_says_that_the_rest_was_not_checked(tmp_path: Path) -> None:
    path, data = site(tmp_path, 5, hosts=30, tables=""), tmp_path / "data"
    with scp("open_pacs", "127.82.5.1", 11112):
        process = subprocess.Popen(
            [NETWATCH, "scan", str(path), "--data", str(data), "--format", "json", "--no-alert"],
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=60)[0]
    assert process.returncode == 4
    document = json.loads(told)
    assert document["run"]["complete"] is False
    assert "unfinished" in {failure["reason"] for failure in document["failures"]}
    assert "not-asked" in {row["outcome"] for row in document["coverage"]}


def test_two_scans_of_a_site_at_once_are_refused_with_words(tmp_path: Path) -> None:
    path, data = site(tmp_path, 6, tables="", language="fr"), tmp_path / "data"
    command = [NETWATCH, "scan", str(path), "--data", str(data), "--no-alert"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        while not list(data.glob("*.lock")):
            time.sleep(0.05)
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        first.wait()
    assert second.returncode == 5
    assert f"depuis le {date.today().day}" in second.stderr  # noqa: DTZ011 - the machine's own day is meant
    assert f"processus {first.pid}," in second.stderr


def test_a_scan_that_finds_another_at_work_hands_over_no_mail(tmp_path: Path) -> None:
    path, data = site(tmp_path, 7), tmp_path / "data"
    with scp("open_pacs", "127.82.7.1", 11112):
        scan(path, data)  # its alert waits: nobody takes mail yet
        with box(7) as mails, sqlite3.connect(data / "netwatch.db") as db:
            with held(data / "cabinet.lock"):
                refused = subprocess.run(
                    [NETWATCH, "scan", str(path), "--data", str(data)],
                    capture_output=True,
                    text=True,
                    check=False,
                )
            assert (refused.returncode, refused.stdout) == (5, "")
            assert mails.mails == []
            assert db.execute("select count(*) from runs").fetchone() == (1,)
            subprocess.run([NETWATCH, "mail", "flush", str(path), "--data", str(data)], check=True)
            assert len(mails.mails) == 1


def test_a_scan_outside_the_hours_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    now = datetime.now()  # noqa: DTZ005 - this machine's clock is meant
    opens, closes = (now + timedelta(hours=hours) for hours in (2, 3))
    path = site(tmp_path, 8, window=f"{opens:%H:%M}-{closes:%H:%M}")
    command = [NETWATCH, "scan", str(path), "--data", str(tmp_path / "data")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 6


def killed_at(folder: Path, network: int, when: float | str) -> Post:
    """A scan killed -9 after so many seconds or at a step of SMTP, then one that may end: what was mailed?"""
    data, path = folder / f"data-{network}", site(folder, network)
    shutil.copytree(folder / "before", data)
    running: list[subprocess.Popen[bytes]] = []

    def kill(step: str) -> None:
        if step == when and running:
            os.kill(running.pop().pid, signal.SIGKILL)

    with ExitStack() as stack:
        mails: Post = stack.enter_context(box(network, Post(on_step=kill)))
        stack.enter_context(scp("open_pacs", f"127.82.{network}.1", 11112))
        process = subprocess.Popen(
            [NETWATCH, "scan", str(path), "--data", str(data)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running.append(process)
        if isinstance(when, float):
            time.sleep(when)
            process.kill()
        process.wait()
        with sqlite3.connect(data / "netwatch.db") as db:
            assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        document = scan(path, data)
        assert [f["status"] for f in document["findings"] if f["severity"] == "critical"] == ["open"]
        scan(path, data)
    return mails


def test_killed_at_twenty_moments_no_alert_is_lost_or_doubled(tmp_path: Path) -> None:
    """A mail that was taken while we died may come again, under the same Message-ID; never another one."""
    first = site(tmp_path, 99)
    started = time.monotonic()
    scan(first, tmp_path / "before", "--no-alert")
    lasts = time.monotonic() - started
    first.unlink()  # moved, not copied: two files may not share one history
    moments: list[float | str] = ["connect", "mail", "rcpt", "data"]
    moments += [lasts * 1.3 * (n + 1) / (TRIALS - 4) for n in range(TRIALS - 4)]
    with ThreadPoolExecutor(5) as pool:
        boxes = list(pool.map(lambda n: killed_at(tmp_path, 100 + n, moments[n]), range(TRIALS)))
    assert [len(came.ids) for came in boxes] == [1] * TRIALS
    assert all(len(came.mails) == 1 for came, when in zip(boxes, moments, strict=True) if when != "data")


def test_an_alert_found_before_anybody_was_named_is_kept_and_then_arrives_once(tmp_path: Path) -> None:
    path, data = site(tmp_path, 7), tmp_path / "data"
    named = path.read_text(encoding="utf-8")
    path.write_text(named.replace('recipients = ["dr@cabinet.example"]', ""), encoding="utf-8")
    with box(7) as mails, scp("open_pacs", "127.82.7.1", 11112):
        scan(path, data)
        assert mails.mails == []
        path.write_text(named.replace("dr@cabinet.example", 'a@x.example", "b@x.example'), encoding="utf-8")
        scan(path, data)
        scan(path, data)
    assert sorted(mail["To"] for mail in mails.mails) == ["a@x.example", "b@x.example"]


def test_two_site_files_with_one_name_never_share_a_history(tmp_path: Path) -> None:
    path, data = site(tmp_path, 8), tmp_path / "data"
    scan(path, data, "--no-alert")
    rival = tmp_path / "rival.toml"
    shutil.copy(path, rival)
    refused = subprocess.run(
        [NETWATCH, "scan", str(rival), "--data", str(data)], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "slug" in refused.stderr
    path.unlink()
    assert scan(rival, data, "--no-alert")["changes"] == [], "a file that was moved takes its history along"


def test_a_server_on_a_port_of_its_own_is_found_within_the_nights_and_is_no_news_of_last_night(
    tmp_path: Path,
) -> None:
    path, data = site(tmp_path, 7, tables=TABLES.replace("nights = 0", "nights = 3")), tmp_path / "data"
    with box(7) as mails, scp("open_pacs", "127.82.7.1", 51_004):
        found = [{s["port"] for s in scan(path, data)["services"]} & {51_004} for _ in range(2)]
        third = scan(path, data)
        assert found == [set(), set()]
        assert 51_004 in {service["port"] for service in third["services"]}
        assert {c["kind"] for c in third["changes"]} == {"newly-checked"}
        assert len(mails.mails) == 1
        fourth = scan(path, data)
        assert fourth["changes"] == [], "known to be open, it is asked every night"
        assert {f["status"] for f in fourth["findings"]} == {"open"}
        assert len(mails.mails) == 1


def test_addresses_that_the_site_file_names_from_now_on_are_no_new_devices(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with box(9) as mails:
        scan(site(tmp_path, 9, hosts=1), data)
        document = scan(site(tmp_path, 9, hosts=4), data)
        assert len(document["devices"]) == 4
        assert document["comings"] == []
        assert mails.mails == []


def test_a_night_forgets_the_detail_of_what_is_old(tmp_path: Path) -> None:
    path, data = site(tmp_path, 22), tmp_path / "data"
    old = [scan(path, data, "--no-alert")["run"]["id"] for _ in range(2)]
    with sqlite3.connect(data / "netwatch.db") as db:
        db.execute("update runs set finished = '2020-01-01T00:00:00Z'")
    logs = data / "audit" / "cabinet"
    for name in old:
        (logs / f"{name}.jsonl").rename(logs / f"2020{name[4:]}.jsonl")
    last = scan(path, data, "--no-alert")["run"]["id"]
    with sqlite3.connect(data / "netwatch.db") as db:
        assert db.execute("select uid from runs").fetchall() == [(last,)]
    assert [log.name for log in logs.iterdir()] == [f"{last}.jsonl"]
