"""Does the lock keep others out exactly as long as its holder lives?"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from netwatch.errors import BusyError, StoreError
from netwatch.problem import sentence
from netwatch.store import lock
from netwatch.store.lock import held
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Holds the lock, and has a child that lives on: as a scan has its nmap.
HOLDER = """
import subprocess, sys
from pathlib import Path
from netwatch.store.lock import held
with held(Path(sys.argv[1])):
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cabinet.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        yield process
        process.kill()
        os.kill(child, 9)


@pytest.mark.parametrize(("language", "since"), [("en", "since"), ("fr", "depuis le")])
def test_who_is_refused_hears_who_holds_it_and_since_when(
    path: Path, holder: subprocess.Popen[str], language: str, since: str
) -> None:
    with pytest.raises(BusyError) as refused, held(path):
        pass
    told = sentence(refused.value, messages(language))
    assert f"{holder.pid}" in told
    assert since in told
    assert str(datetime.now().astimezone().year) in told


def test_a_lock_dies_with_its_process_even_where_a_child_lives_on(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.kill()
    holder.wait()
    assert path.exists(), "what is left behind locks nobody out"
    with held(path):
        pass


def test_it_is_free_again_after_an_error(path: Path) -> None:
    with pytest.raises(ValueError, match="x"), held(path):
        raise ValueError("x")
    with held(path):
        pass


@pytest.mark.parametrize(
    "written", [b"", b"\xff\x00", b"[]", b'{"pid": "x"}', b'{"pid": 1e999, "since": 3}', b"[" * 200]
)
def test_what_a_crash_or_a_stranger_left_in_it_stops_nobody(path: Path, written: bytes) -> None:
    path.write_bytes(written)
    with held(path):
        path.write_bytes(written)
        with pytest.raises(BusyError) as refused, held(path):
            pass
    assert refused.value.message == "store.busy"


def test_a_drive_without_locks_is_not_told_as_another_netwatch(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(_handle: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_lock", without)
    with pytest.raises(StoreError) as refused, held(path):
        pass
    assert refused.value.message == "store.cannot-write"
    assert not isinstance(refused.value, BusyError)


def test_who_has_patience_gets_it_as_soon_as_it_is_free(path: Path, holder: subprocess.Popen[str]) -> None:
    ending = threading.Timer(0.5, holder.kill)
    ending.start()
    with held(path, patience=60.0):
        ending.join()
