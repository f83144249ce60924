"""Does a consultant see at a glance which site is not watched, and what stands open where?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from netwatch.cli import main
from netwatch.diff import Night
from netwatch.model import Device, Finding, Run, Status, Vantage
from netwatch.store import Store

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC).replace(microsecond=0)
PACS = Finding("dicom-query-answered", "d", 104, probe="dicom", address="192.168.1.20")
OLD = Finding("dicom-name-only", "d", 105, probe="dicom", address="192.168.1.20")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Store(tmp_path) as store:
        night(store, "calm", timedelta(hours=9))
        night(store, "open", timedelta(hours=9), PACS, silent=(OLD,))
        night(store, "blind", timedelta(hours=40))
        night(store, "partial", timedelta(hours=40))
        night(store, "partial", timedelta(hours=2), complete=False)
        store.remember("never", "Jamais", "fr")
    return tmp_path


def night(
    store: Store,
    slug: str,
    ago: timedelta,
    *found: Finding,
    silent: tuple[Finding, ...] = (),
    complete: bool = True,
) -> None:
    at = NOW - ago
    store.remember(slug, f"Cabinet {slug}", "fr")
    run = Run(
        f"{slug}-{at:%d%H}", slug, at, at, complete=complete, vantages=(Vantage.LAN,),
        devices=(Device("d", "192.168.1.20"),), findings=frozenset({*found, *silent}),
    )  # fmt: skip
    store.record(run, Night(dict.fromkeys(run.findings, Status.OPEN), ()), ())
    if silent:
        later = Run(
            f"{slug}-again",
            slug,
            at,
            at,
            complete=complete,
            vantages=(Vantage.LAN,),
            findings=frozenset(found),
        )
        statuses = dict.fromkeys(found, Status.OPEN) | dict.fromkeys(silent, Status.UNVERIFIED)
        store.record(later, Night(statuses, ()), ())


def rows(data: Path) -> dict[str, dict[str, object]]:
    told = json.loads(CliRunner().invoke(main, ["sites", "--format", "json", "--data", str(data)]).stdout)
    assert told["schema"] == "netwatch/sites-1"
    return {one["site"]: one for one in told["sites"]}


def test_each_site_says_when_it_was_last_watched_whole(data: Path) -> None:
    told = rows(data)
    assert {slug: one["late"] for slug, one in told.items()} == {
        "calm": False, "open": False, "blind": True, "partial": True, "never": True,
    }  # fmt: skip
    assert told["never"]["complete"] is None
    assert told["partial"]["last"] > told["partial"]["complete"]  # type: ignore[operator]


def test_what_stands_open_is_counted_by_severity_and_silence_beside_it(data: Path) -> None:
    one = rows(data)["open"]
    assert (one["open"], one["unverified"], one["accepted"]) == ({"critical": 1, "low": 1}, 1, 0)


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr", ["sans surveillance", "5 sites, dont 3 sans"]), ("en", ["not watched", "5 sites, of which 3"])],
)
def test_the_unwatched_come_first_and_nothing_is_wider_than_a_terminal(
    data: Path, language: str, words: list[str]
) -> None:
    shown = (
        CliRunner()
        .invoke(main, ["sites", "--lang", language, "--data", str(data)], env={"COLUMNS": "80"})
        .stdout
    )
    flat = " ".join(shown.split())
    for word in words:
        assert word in flat
    assert shown.index("blind") < shown.index("Cabinet open") < shown.index("Cabinet calm")
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_a_machine_without_a_site_says_so(tmp_path: Path) -> None:
    shown = CliRunner().invoke(main, ["sites", "--data", str(tmp_path), "--lang", "en"])
    assert "No site was scanned here yet." in shown.stdout
