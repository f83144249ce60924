"""Is what is kept read back, part by part, without trouble, and called old when it is?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from netwatch.feeds import FEEDS, STALE, Feeds, load
from netwatch.feeds.kept import Kept, keep, where
from tests.lab.feeds_server import endoflife, epss, hole, kev, product, release

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TOLD: dict[str, object] = {
    "endoflife": endoflife(product("debian", release("12", "2028-06-30", ended=False))),
    "kev": kev(hole("CVE-2017-7494")),
    "epss": epss("CVE-2017-7494"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, feed in enumerate(FEEDS):
        keep(tmp_path, feed, Kept(TOLD[feed], NOW - timedelta(days=number), "https://x.example"))
    return tmp_path


def test_all_that_is_kept_is_loaded_with_its_dates(folder: Path) -> None:
    feeds = load(folder, NOW)
    [cycle], [known] = feeds.cycles, feeds.kev
    assert (cycle.product, cycle.eol, cycle.checked) == ("debian", date(2028, 6, 30), date(2026, 11, 30))
    assert (known.cve, feeds.epss) == ("CVE-2017-7494", {"CVE-2017-7494": 0.97224})
    assert feeds.dated == {feed: NOW - timedelta(days=number) for number, feed in enumerate(FEEDS)}


def test_what_is_loaded_cannot_be_changed(folder: Path) -> None:
    feeds = load(folder, NOW)
    with pytest.raises(TypeError):
        feeds.epss["CVE-2017-7494"] = 0.0  # type: ignore[index]
    with pytest.raises(TypeError):
        feeds.dated["kev"] = NOW  # type: ignore[index]


@pytest.mark.parametrize("broken", FEEDS)
@pytest.mark.parametrize("how", ["missing", "damaged", "another shape"])
def test_a_part_that_cannot_be_used_is_empty_and_the_others_are_not(
    folder: Path, broken: str, how: str
) -> None:
    if how == "missing":
        where(folder, broken).unlink()
    elif how == "damaged":
        where(folder, broken).write_bytes(where(folder, broken).read_bytes()[:-2])
    else:
        keep(folder, broken, Kept({"rows": []}, NOW, "https://x.example"))
    feeds = load(folder, NOW)
    assert set(feeds.dated) == set(FEEDS) - {broken}
    parts = {"endoflife": feeds.cycles, "kev": feeds.kev, "epss": feeds.epss}
    assert {feed for feed in FEEDS if parts[feed]} == set(FEEDS) - {broken}


def test_where_nothing_is_kept_nothing_is_loaded(tmp_path: Path) -> None:
    assert load(tmp_path / "none", NOW) == Feeds()


def test_a_feed_is_stale_after_forty_five_days_when_it_is_not_there_and_when_it_is_of_the_future() -> None:
    feeds = Feeds(dated={"kev": NOW})
    assert timedelta(days=45) == STALE
    assert not feeds.stale("kev", NOW + STALE)
    assert feeds.stale("kev", NOW + STALE + timedelta(seconds=1))
    assert feeds.stale("epss", NOW)
    assert not feeds.stale("kev", NOW - timedelta(days=1))
    assert feeds.stale("kev", NOW - timedelta(days=2))
