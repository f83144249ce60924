"""Is a file that we write whole or not there, and ours alone?"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from netwatch.errors import StoreError
from netwatch.store.whole import whole

if TYPE_CHECKING:
    from pathlib import Path


def test_it_has_its_name_only_when_it_is_whole_and_is_ours_alone(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    with whole(target, force=False) as draft:
        draft.write_text("half")
        assert not target.exists()
        assert stat.S_IMODE(draft.stat().st_mode) == 0o600
        draft.write_text("all")
    assert target.read_text() == "all"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("killed", [KeyboardInterrupt, OSError("disk full"), StoreError("store.damaged")])
def test_what_was_there_stays_where_writing_ends_early(tmp_path: Path, killed: BaseException) -> None:
    target = tmp_path / "copy"
    target.write_text("before")
    with pytest.raises((KeyboardInterrupt, StoreError)), whole(target, force=True) as draft:
        draft.write_text("half")
        raise killed
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_text("before")
    with pytest.raises(StoreError, match=r"store\.file-exists"), whole(target, force=False):
        pytest.fail("it was begun")
    target.unlink()
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"store\.file-exists"), whole(target, force=False):
        pytest.fail("it was begun")


def test_a_link_is_replaced_and_what_it_leads_to_is_not(tmp_path: Path) -> None:
    other, target = tmp_path / "other", tmp_path / "copy"
    other.write_text("before")
    target.symlink_to(other)
    with whole(target, force=True) as draft:
        draft.write_text("all")
    assert (other.read_text(), target.read_text(), target.is_symlink()) == ("before", "all", False)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"store\.file-not-written"),
        whole(tmp_path / "no" / "copy", force=True),
    ):
        pytest.fail("it was begun")
