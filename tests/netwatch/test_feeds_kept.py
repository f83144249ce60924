"""Is what was fetched kept whole or not at all, and never used when it is not what was kept?"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwatch.feeds.kept import LARGEST, Kept, find, keep, where

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEPT = Kept({"vulnerabilities": [{"é": 1}]}, NOW, "https://x.example/kev.json", "asked", '"etag"', "Sat")


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    keep(tmp_path / "a" / "b", "kev", KEPT)
    assert find(tmp_path / "a" / "b", "kev", NOW) == KEPT
    keep(tmp_path / "a" / "b", "kev", replace(KEPT, etag=None, modified=None))
    assert find(tmp_path / "a" / "b", "kev", NOW) == replace(KEPT, etag=None, modified=None)
    assert stat.S_IMODE(where(tmp_path / "a" / "b", "kev").stat().st_mode) == 0o600


def test_where_nothing_is_kept_nothing_is_found(tmp_path: Path) -> None:
    assert find(tmp_path, "kev", NOW) is None
    assert find(tmp_path / "no" / "folder", "kev", NOW) is None


def test_every_byte_is_covered_by_the_checksum(tmp_path: Path) -> None:
    keep(tmp_path, "kev", KEPT)
    path = where(tmp_path, "kev")
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert find(tmp_path, "kev", NOW) is None
        path.write_bytes(whole[:place])
        assert find(tmp_path, "kev", NOW) is None
    path.write_bytes(whole + b"\n")
    assert find(tmp_path, "kev", NOW) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_file_is_read_without_trouble(tmp_path: Path, rest: bytes) -> None:
    where(tmp_path, "kev").write_bytes(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
    assert find(tmp_path, "kev", NOW) is None


RECORD: dict[str, Any] = {"format": 1, "feed": "kev", "fetched_at": NOW.isoformat()}


def write(folder: Path, record: object) -> None:
    rest = json.dumps(record).encode() + b"\n{}"
    where(folder, "kev").write_bytes(hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)


@pytest.mark.parametrize(
    "wrong",
    [{"format": 2}, {"format": None}, {"feed": "epss"}, {"fetched_at": None}, {"fetched_at": "2026-11-30"},
     {"fetched_at": 5}, {"fetched_at": "2026-12-02T12:00:00+00:00"}, {"fetched_at": "9" * 5000}],
)  # fmt: skip
def test_a_record_that_is_not_ours_or_of_the_future_is_not_used(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    write(tmp_path, RECORD)
    assert find(tmp_path, "kev", NOW) is not None
    write(tmp_path, RECORD | wrong)
    assert find(tmp_path, "kev", NOW) is None


def test_validators_of_another_kind_are_none(tmp_path: Path) -> None:
    write(tmp_path, RECORD | {"etag": 5, "modified": [], "url": None, "asked": {}})
    assert find(tmp_path, "kev", NOW) == Kept({}, NOW, "")


def test_a_feed_is_not_taken_for_another(tmp_path: Path) -> None:
    keep(tmp_path, "kev", KEPT)
    where(tmp_path, "kev").rename(where(tmp_path, "epss"))
    assert find(tmp_path, "epss", NOW) is None


def test_what_is_no_file_or_too_large_does_not_hold_us(tmp_path: Path) -> None:
    os.mkfifo(where(tmp_path, "kev"))
    assert find(tmp_path, "kev", NOW) is None
    where(tmp_path, "epss").mkdir()
    assert find(tmp_path, "epss", NOW) is None
    with where(tmp_path, "endoflife").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert find(tmp_path, "endoflife", NOW) is None


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fails_in_the_middle_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    keep(tmp_path, "kev", KEPT)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space"):
            keep(tmp_path, "kev", replace(KEPT, told={}, fetched=NOW + timedelta(hours=1)))
    assert find(tmp_path, "kev", NOW) == KEPT
    assert [one.name for one in tmp_path.iterdir()] == ["kev.feed"]
