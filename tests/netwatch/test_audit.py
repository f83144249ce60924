"""What was sent to whom, and when? Written as it happens, for its owner only, one line for each thing."""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch import audit
from netwatch.audit import RECENT, Audit, folder, newest, read
from netwatch.errors import StoreError
from netwatch.words import LANGUAGES, messages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = [
    '10.0.0.1"}\n{"at": "never", "question": "none", "to": "192.168.1.99"}',
    "10.0.0.1\r\nx",
    "\x1b[2J\x1b]0;title\x07",
    "a\u2028b\u2029c\x85d\x00e",
    "\ud800 lonely",
    "é中💀",
]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Audit]:
    """The log of a run, in a folder that is not there yet."""
    opened = Audit(folder(tmp_path / "data", "cabinet") / "run.jsonl")
    yield opened
    opened.close()


def path(log: Audit) -> Path:
    assert log.path is not None
    return log.path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Audit(tmp_path / "cabinet" / "run.jsonl").close()
    finally:
        os.umask(before)
    assert mode(tmp_path / "cabinet" / "run.jsonl") == 0o600
    assert mode(tmp_path / "cabinet") == 0o700


def test_what_happens_is_written_at_once_each_on_a_line_of_its_own(log: Audit) -> None:
    log.write("dicom", "192.168.1.20", port=104, sent=["C-ECHO-RQ (68 bytes)"], ended="74 bytes received")
    log.write("sweep", "192.168.1.21", ports="22,80-81", knocks=3, seconds=0.1, stopped=False)
    first, second = path(log).read_text(encoding="ascii").splitlines()
    assert json.loads(first) | {"at": ""} == {
        "at": "",
        "question": "dicom",
        "to": "192.168.1.20",
        "port": 104,
        "sent": ["C-ECHO-RQ (68 bytes)"],
        "ended": "74 bytes received",
    }
    assert json.loads(second)["knocks"] == 3


def test_every_line_says_when_in_utc(log: Audit) -> None:
    log.write("sweep", "192.168.1.20")
    [entry] = read(path(log))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["at"])
    assert abs(datetime.now(UTC) - datetime.fromisoformat(entry["at"])) < timedelta(minutes=5)
    assert audit.now() >= entry["at"]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_an_address_holds_it_stays_one_line_of_plain_text(log: Audit, text: str) -> None:
    log.write("dicom", text, port=104, refused="egress.not-an-address")
    raw = path(log).read_bytes()
    assert raw.count(b"\n") == 1
    assert raw.endswith(b"\n")
    assert not re.search(rb"[^\x20-\x7e\n]", raw)
    [entry] = read(path(log))
    assert (entry["to"], entry["refused"]) == (text, "egress.not-an-address")


def test_what_was_written_is_read_back_in_order(log: Audit) -> None:
    for number in range(100):
        log.write("sweep", f"192.168.1.{number}", knocks=number)
    assert [entry["knocks"] for entry in read(path(log))] == list(range(100))


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_a_crash_cut_off_is_left_out_and_the_others_are_kept(log: Audit, cut: int) -> None:
    for number in range(3):
        log.write("sweep", "192.168.1.20", knocks=number)
    whole = path(log).read_bytes()
    path(log).write_bytes(whole[:-cut])
    assert [entry["knocks"] for entry in read(path(log))] == ([0, 1, 2] if cut == 1 else [0, 1])


@pytest.mark.parametrize("odd", ["", "\n", "12", '"text"', "[]", "null", "\x00\x00\x00", "{", "NaN"])
def test_a_line_that_is_no_entry_is_left_out(log: Audit, odd: str) -> None:
    log.write("sweep", "192.168.1.20", knocks=1)
    with path(log).open("a", encoding="utf-8") as file:
        file.write(f"{odd}\n")
    log.write("sweep", "192.168.1.20", knocks=2)
    assert [entry["knocks"] for entry in read(path(log))] == [1, 2]


def test_a_log_that_is_opened_again_is_continued(log: Audit) -> None:
    log.write("sweep", "192.168.1.20", knocks=1)
    again = Audit(path(log))
    again.write("sweep", "192.168.1.20", knocks=2)
    again.close()
    assert [entry["knocks"] for entry in read(path(log))] == [1, 2]


def test_after_the_end_nothing_is_written_and_nothing_breaks(log: Audit) -> None:
    log.write("sweep", "192.168.1.20", knocks=1)
    log.close()
    log.close()
    log.write("sweep", "192.168.1.20", knocks=2)
    assert [entry["knocks"] for entry in read(path(log))] == [1]


def test_the_last_lines_about_a_device_are_at_hand_and_only_those(log: Audit) -> None:
    for number in range(2 * RECENT):
        log.write("sweep", "192.168.1.20", knocks=number)
        log.write("sweep", "192.168.1.21", knocks=-number)
    log.write("sweep", "192.168.1.2", knocks=1)
    assert [entry["knocks"] for entry in log.about("192.168.1.20")] == list(range(RECENT, 2 * RECENT))
    assert [entry["knocks"] for entry in log.about("192.168.1.2")] == [1]
    assert log.about("192.168.1.99") == ()
    assert len(list(read(path(log)))) == 4 * RECENT + 1, "the file keeps everything"


def test_what_is_at_hand_is_what_the_file_says(log: Audit) -> None:
    log.write("dicom", "192.168.1.20", port=104, sent=["C-ECHO-RQ (68 bytes)"])
    assert log.about("192.168.1.20") == tuple(read(path(log)))


def test_without_a_path_it_is_only_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = Audit()
    log.write("sweep", "192.168.1.20", knocks=1)
    assert [entry["knocks"] for entry in log.about("192.168.1.20")] == [1]
    log.close()
    assert list(tmp_path.iterdir()) == []


def test_threads_that_write_at_once_do_not_mix_their_lines(log: Audit) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        for each in range(50):
            log.write("sweep", f"192.168.1.{number}", ports="1-" * 500, knocks=each)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = list(read(path(log)))
    assert len(entries) == 8 * 50
    for number in range(8):
        mine = [entry["knocks"] for entry in entries if entry["to"] == f"192.168.1.{number}"]
        assert mine == list(range(50))


def refusal(error: pytest.ExceptionInfo[StoreError]) -> str:
    """The id; the sentence can be said in every language."""
    for language in LANGUAGES:
        assert messages(language)(error.value.message, **error.value.details)
    return error.value.message


def test_a_folder_that_is_a_file_cannot_hold_a_log(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("")
    for where in (tmp_path / "audit" / "run.jsonl", folder(tmp_path, "cabinet") / "run.jsonl"):
        with pytest.raises(StoreError) as error:
            Audit(where)
        assert refusal(error) == "store.cannot-write"


def test_a_log_that_is_a_folder_cannot_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        Audit(tmp_path)
    assert refusal(error) == "store.cannot-write"
    with pytest.raises(StoreError) as error:
        list(read(tmp_path))
    assert refusal(error) == "store.no-audit"


def test_a_log_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        list(read(tmp_path / "run.jsonl"))
    assert refusal(error) == "store.no-audit"


def test_the_log_of_the_last_run_is_found_by_its_name(tmp_path: Path) -> None:
    where = folder(tmp_path, "cabinet")
    names = ["20261123T220000Z-ffffff", "20261124T220000Z-000000", "20251231T220000Z-aaaaaa"]
    for name in names:
        Audit(where / f"{name}.jsonl").close()
    Audit(folder(tmp_path, "other") / "20991231T000000Z-aaaaaa.jsonl").close()
    (where / "zzz.txt").write_text("")
    assert newest(tmp_path, "cabinet") == where / f"{names[1]}.jsonl"


@pytest.mark.parametrize("there", [True, False])
def test_a_site_without_a_log_says_so(tmp_path: Path, *, there: bool) -> None:
    if there:
        folder(tmp_path, "cabinet").mkdir(parents=True)
    with pytest.raises(StoreError) as error:
        newest(tmp_path, "cabinet")
    assert refusal(error) == "store.no-audit"
