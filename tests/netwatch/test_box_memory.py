"""Is what we remember of a box readable by us only, and does it keep us from knocking twice?"""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.box import memory
from netwatch.errors import ConfigError, OutsideError, StoreError
from netwatch.model import Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from pathlib import Path


def refuse(where: Path, password: str) -> None:
    """The box says no."""
    with pytest.raises(OutsideError), memory.one_attempt(where, password):
        raise OutsideError("box.password-refused", Reason.CREDENTIALS)


def test_a_token_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    where = tmp_path / "box" / "cabinet"
    assert memory.token(where) is None
    memory.keep_token(where, "first")
    memory.keep_token(where, "second")
    assert memory.token(where) == "second"
    assert [file.name for file in where.iterdir()] == [memory.TOKEN]
    assert stat.S_IMODE((where / memory.TOKEN).stat().st_mode) == 0o600
    assert stat.S_IMODE(where.stat().st_mode) == 0o700


def test_a_token_that_others_could_read_is_not_used(tmp_path: Path) -> None:
    memory.keep_token(tmp_path, "token")
    (tmp_path / memory.TOKEN).chmod(0o644)
    with pytest.raises(ConfigError):
        memory.token(tmp_path)


def test_a_refused_password_is_remembered_and_not_kept(tmp_path: Path) -> None:
    refuse(tmp_path, "motdepasse-é")
    assert memory.refused(tmp_path, "motdepasse-é")
    assert not memory.refused(tmp_path, "another")
    [file] = tmp_path.iterdir()
    assert "motdepasse" not in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(OutsideError, match="password-known"), memory.one_attempt(tmp_path, "motdepasse-é"):
        pytest.fail("knocked again")


@pytest.mark.parametrize(
    "end", [ProbeError(Reason.TIMEOUT), OutsideError("box.busy", Reason.BUSY), KeyboardInterrupt()]
)
def test_an_attempt_that_was_not_judged_is_not_remembered(end: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(end)), memory.one_attempt(tmp_path, "secret"):
        raise end
    assert not memory.refused(tmp_path, "secret")


def test_an_attempt_that_dies_with_us_counts_as_refused(tmp_path: Path) -> None:
    with memory.one_attempt(tmp_path, "secret"):
        assert memory.refused(tmp_path, "secret")
    assert not memory.refused(tmp_path, "secret")


def test_where_nothing_can_be_remembered_nothing_is_tried(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(StoreError), memory.one_attempt(tmp_path / "box", "secret"):
        pytest.fail("tried")


@pytest.mark.parametrize("damage", ["", "x", "[]", "{}", '{"salt": "zz", "digest": 5}', '{"until": "soon"}'])
def test_a_damaged_file_is_as_good_as_none(damage: str, tmp_path: Path) -> None:
    for name in (memory.REFUSED, memory.LATER):
        (tmp_path / name).write_text(damage, encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    assert not memory.refused(tmp_path, "secret")
    assert memory.resting(tmp_path) is None


def test_a_rest_ends_and_a_clock_gone_wrong_makes_none_for_ever(tmp_path: Path) -> None:
    memory.rest(tmp_path, 20)
    now = datetime.now(UTC)
    assert memory.resting(tmp_path, now) is not None
    assert memory.resting(tmp_path, now + timedelta(hours=21)) is None
    (tmp_path / memory.LATER).write_text(json.dumps({"until": "2999-01-01T00:00:00+00:00"}), encoding="utf-8")
    assert memory.resting(tmp_path, now) is None


def test_a_person_can_have_it_forgotten(tmp_path: Path) -> None:
    memory.keep_token(tmp_path, "token")
    refuse(tmp_path, "secret")
    memory.rest(tmp_path, 20)
    memory.forget(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [memory.TOKEN]
    memory.forget(tmp_path, also_token=True)
    assert list(tmp_path.iterdir()) == []
