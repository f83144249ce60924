"""Can a finding be accepted, listed and taken back by typing, in both languages?"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from netwatch.cli import main
from netwatch.diff import Night
from netwatch.exits import Exit
from netwatch.model import Device, Finding, Run, Status, Vantage
from netwatch.store import Store

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC).replace(microsecond=0)
UNTIL = NOW.astimezone().date() + timedelta(days=200)
DEVICE = Device("m-001132aabb01", "192.168.1.20", "00:11:32:aa:bb:01", names=("pacs",), kind="pacs")
QUERY, STORE = (
    Finding(rule, DEVICE.id, port, probe="dicom", address=DEVICE.address)
    for rule, port in (("dicom-query-answered", 104), ("dicom-store-negotiated", 11112))
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Store(tmp_path) as store:
        store.remember("cabinet", "Cabinet", "fr")
        found = dict.fromkeys((QUERY, STORE), Status.OPEN)
        run = Run(
            "r", "cabinet", NOW, NOW, complete=True, vantages=(Vantage.LAN,), devices=(DEVICE,),
            findings=frozenset(found),
        )  # fmt: skip
        store.record(run, Night(found, ()), ())
    return tmp_path


def run(data: Path, *arguments: str, lang: str | None = "en") -> Result:
    spoken = ["--lang", lang] if lang else []
    return CliRunner().invoke(main, [*arguments, "--data", str(data), *spoken])


def accept(data: Path, name: str, *, until: date = UNTIL, reason: str = "a new one", **more: Any) -> Result:  # noqa: ANN401 - for run
    told = ["--reason", reason, "--by", "Dr Martin", "--until", f"{until}"]
    return run(data, "accept", "cabinet", name, *told, **more)


def findings(data: Path) -> dict[int, dict[str, Any]]:
    told = json.loads(run(data, "findings", "cabinet", "--format", "json").stdout)
    return {one["port"]: one for one in told["findings"]}


def decisions(data: Path) -> list[dict[str, Any]]:
    told = json.loads(run(data, "decisions", "cabinet", "--format", "json").stdout)
    assert (told["schema"], told["site"]) == ("netwatch/decisions-1", "cabinet")
    return list(told["decisions"])


def test_the_id_that_is_shown_is_what_is_typed(data: Path) -> None:
    name = findings(data)[104]["id"]
    assert name in run(data, "findings", "cabinet").stdout
    told = accept(data, name[:4].upper())
    assert told.exit_code == Exit.CLEAN, told.output
    assert name in told.stdout
    assert findings(data)[104]["accepted"] == {
        "by": "Dr Martin",
        "at": decisions(data)[0]["at"],
        "until": f"{UNTIL}",
        "reason": "a new one",
    }
    assert findings(data)[11112]["accepted"] is None


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["accepted by Dr Martin", "a new one", "Accepted risks: 1, still there"]),
        ("fr", ["accepté par Dr Martin", "a new one", "Risques acceptés : 1, toujours là"]),
    ],
)
def test_what_is_accepted_stays_in_the_table_and_on_the_page(data: Path, lang: str, words: list[str]) -> None:
    accept(data, findings(data)[104]["id"])
    table = " ".join(run(data, "findings", "cabinet", lang=lang).stdout.split())
    page = data / "page.html"
    assert run(data, "report", "cabinet", "-o", str(page), lang=lang).exit_code == Exit.CLEAN
    text = page.read_text(encoding="utf-8").replace("\u00a0", " ")
    assert words[1] in text
    assert words[2] in text
    for word in words[0].split():
        assert word in table
    assert run(data, "findings", "cabinet", lang=lang).stdout.count("192.168.1.20") == 2


@pytest.mark.parametrize(
    ("lang", "standing", "back"),
    [("en", "accepted until", "taken back"), ("fr", "accepté jusqu'au", "retirée")],
)
def test_the_list_tells_what_stands_and_what_was(data: Path, lang: str, standing: str, back: str) -> None:
    assert run(data, "decisions", "cabinet", lang=lang).exit_code == Exit.CLEAN
    name = findings(data)[104]["id"]
    accept(data, name, lang=lang)
    told = run(data, "decisions", "cabinet", lang=lang).stdout
    assert standing in told
    assert max(map(len, told.splitlines())) <= 80
    assert run(data, "reopen", "cabinet", name[:3], "--by", "Dr Petit", lang=lang).exit_code == Exit.CLEAN
    told = run(data, "decisions", "cabinet", lang=lang).stdout
    assert back in told
    assert standing not in told
    assert findings(data)[104]["accepted"] is None
    [row] = decisions(data)
    assert (row["state"], row["ended_by"], row["by"], row["finding"]) == (
        "reopened",
        "Dr Petit",
        "Dr Martin",
        "counted",
    )
    assert run(data, "reopen", "cabinet", name, lang=lang).exit_code == Exit.ERROR


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_what_would_help_nobody_is_refused_with_a_sentence(data: Path, lang: str) -> None:
    name = findings(data)[104]["id"]
    for told in (
        accept(data, name, until=date(2020, 1, 1), lang=lang),
        accept(data, name, until=date(2099, 1, 1), lang=lang),
        accept(data, name, reason=" ", lang=lang),
        accept(data, "aaaaaa", lang=lang),
        run(data, "decisions", "nowhere", lang=lang),
    ):
        assert told.exit_code == Exit.ERROR
        assert told.stderr.strip()
        assert "Traceback" not in told.output
    assert decisions(data) == []


def test_a_decision_without_a_reason_a_name_or_an_end_is_no_command(data: Path) -> None:
    name = findings(data)[104]["id"]
    whole = {"--reason": "r", "--by": "b", "--until": f"{UNTIL}"}
    for missing in whole:
        given = [word for key, value in whole.items() if key != missing for word in (key, value)]
        assert run(data, "accept", "cabinet", name, *given).exit_code == Exit.USAGE
    assert (
        run(data, "accept", "cabinet", name, *["--reason", "r", "--by", "b", "--until", "june"]).exit_code
        == Exit.USAGE
    )


def test_a_hostile_reason_is_one_line_and_cut(data: Path) -> None:
    told = accept(data, findings(data)[104]["id"], reason="\x1b]0;x\x07<b>\n\u202eabc " + "x" * 5000)
    assert told.exit_code == Exit.CLEAN
    assert "too long" in told.stderr
    [row] = decisions(data)
    assert row["reason"].isprintable()
    assert len(row["reason"]) == 300
    page = data / "page.html"
    run(data, "report", "cabinet", "-o", str(page))
    assert "<b>" not in page.read_text(encoding="utf-8")
    for command in ("findings", "decisions"):
        shown = run(data, command, "cabinet").stdout
        assert "\x1b" not in shown
        assert max(map(len, shown.splitlines())) <= 80


def test_the_sites_language_is_spoken_where_none_is_asked_for(data: Path) -> None:
    assert "accepté" in accept(data, findings(data)[104]["id"], lang=None).stdout
    assert "Décision" in run(data, "decisions", "cabinet", lang=None).stdout
