"""Does the register's table say what is known, what is not, and what a spreadsheet may hold?"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

import netwatch
from netwatch.exposures import MOVED, Logged, Step, canonical
from netwatch.judge import Row
from netwatch.matching import KEYS, SOFT
from netwatch.model import Link, Observation, Vantage
from reports.exposures import exposures, to_csv, to_json
from reports.phrase import Phrases

FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)
STEP = Step(
    at=FIRST,
    row=Row.ANSWERED,
    vantage=Vantage.OUTSIDE,
    by="dicom",
    seen_at=FIRST,
    protocol="dicom",
    facts={"query": "answered"},
    evidence='[{"probe":"dicom"}]',
    digest="ab" * 32,
    link=Link("pacs", "192.168.1.20", 104, "mapping"),
)
ROW = Logged(("p-203.0.113.7", 8104, "tcp"), FIRST, FIRST + timedelta(days=9), (STEP,), patients=5300, id=1)
TOLD = replace(ROW, told_at=FIRST + timedelta(hours=1), told_to=("dr@example.fr",))
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])


def printed(drawn: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(drawn)
    return out.getvalue()


def shown(*rows: Logged, language: str = "en") -> str:
    """On one line, as a reader puts together what a column folded."""
    out = io.StringIO()
    Console(file=out, width=400).print(exposures("Cabinet", rows, language))
    return " ".join(out.getvalue().split())


def test_it_says_the_way_in_where_it_leads_what_proved_it_and_who_was_told() -> None:
    told = shown(TOLD)
    for part in (
        "203.0.113.7:8104",
        "192.168.1.20, port 104",
        "(port forward)",
        "query (C-FIND): answered",
        "5300 patients",
        "01/11/2026",
        "dr@example.fr",
    ):
        assert part in told


def test_seventy_two_hours_are_shown_only_where_a_mail_was_sent_and_as_an_if() -> None:
    assert "If this is a breach" not in shown(ROW)
    assert "No mail" in shown(ROW)
    assert "If this is a breach: to be notified at the latest 4 November 2026" in shown(TOLD)


@LANGUAGES
def test_what_is_not_known_is_said_as_plainly(language: str) -> None:
    say = Phrases(language)
    for rows in ((), (ROW,)):
        told = shown(*rows, language=language)
        assert say("exposures.unknown.who") in told
        assert say("exposures.unknown.before") in told


@LANGUAGES
@pytest.mark.parametrize("row", list(Row))
def test_every_row_of_the_verdict_and_every_way_of_matching_has_its_words(row: Row, language: str) -> None:
    say = Phrases(language)
    for by in (*KEYS, *SOFT, "mapping", "dmz", "address"):
        step = replace(STEP, row=row, link=Link("pacs", "192.168.1.20", 0, by))
        told = shown(replace(ROW, steps=(step,)), language=language)
        assert say(f"exposures.by.{by}") in told
        assert say(f"exposures.row.{row}") in told


def test_one_that_ended_says_by_whom_and_one_that_moved_is_not_called_shut() -> None:
    ended = replace(ROW, ended=FIRST + timedelta(days=10), ended_by="outside")
    assert "Seen shut 11/11/2026, by an attempt from the internet" in " ".join(shown(ended).split())
    assert "Over. It was reachable from the internet." in " ".join(shown(ended).split())
    moved = shown(replace(ended, ended_by=MOVED))
    assert "nothing proved shut" in moved
    assert "Seen shut" not in moved
    assert "Over." not in moved


def test_what_a_person_declared_is_told_with_who_and_when() -> None:
    seen = Observation(
        "declared", Vantage.DECLARED, "d1", "192.168.1.1", 8104, "forward", {"by": "Dr A"}, FIRST
    )
    step = replace(STEP, vantage=Vantage.DECLARED, by="declared", evidence=canonical([seen]))
    assert "Declared by Dr A, 01/11/2026" in shown(replace(ROW, steps=(step,)))
    for evidence in ("", "[]", "{}", "[7]", '[{"facts":{}}]'):
        bare = replace(step, evidence=evidence)
        assert "A declaration, 01/11/2026" in shown(replace(ROW, steps=(bare,)))


@LANGUAGES
def test_a_protocol_is_told_by_its_name_and_an_unknown_one_not_at_all(language: str) -> None:
    for protocol, name in (("dicom", "DICOM"), ("vnc", "VNC"), ("ike", "IPsec (IKE)")):
        told = shown(replace(ROW, steps=(replace(STEP, protocol=protocol),)), language=language)
        assert f": {name}, " in told.replace("\N{NO-BREAK SPACE}", " ")
    step = replace(STEP, protocol="unknown", facts={"state": "open"})
    assert "unknown" not in shown(replace(ROW, steps=(step,)), language=language)


def test_those_that_stand_come_first() -> None:
    ended = replace(ROW, place=("p-203.0.113.7", 22, "tcp"), ended=FIRST, ended_by="outside")
    told = shown(ended, replace(ROW, first_seen=FIRST + timedelta(days=1)))
    assert told.index("203.0.113.7:8104") < told.index("203.0.113.7:22")


def test_a_dmz_an_ipv6_address_and_udp_are_told_as_what_they_are() -> None:
    assert "every port (DMZ)" in shown(replace(ROW, place=("@box", 0, "tcp")))
    assert "[2001:db8::7]:443" in shown(replace(ROW, place=("p-2001:db8::7", 443, "tcp")))
    assert "(UDP)" in shown(replace(ROW, place=("p-203.0.113.7", 161, "udp")))


HOSTILE = "[bold]=cmd|' /C calc'!A0\x1b[31m\r\n"


@LANGUAGES
def test_no_line_is_wider_than_80_columns_and_no_text_is_markup(language: str) -> None:
    step = replace(STEP, protocol=HOSTILE, facts={"product": HOSTILE}, link=Link("d", HOSTILE, 1, HOSTILE))
    row = replace(TOLD, steps=(STEP, step), ended=FIRST, ended_by=HOSTILE)
    text = printed(exposures(HOSTILE, [row], language))
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    assert "[bold" in text


def test_the_json_holds_every_step_with_its_evidence_and_digest() -> None:
    told = json.loads(to_json("cabinet", [TOLD]))
    assert (told["schema"], told["site"]) == ("netwatch-exposures/1", "cabinet")
    [row] = told["exposures"]
    assert (row["public"], row["port"], row["inside_address"], row["inside_port"]) == (
        "203.0.113.7",
        8104,
        "192.168.1.20",
        104,
    )
    assert row["if_a_breach_at_the_latest"] == "2026-11-04T13:00:00Z"
    assert (row["steps"][0]["evidence"], row["steps"][0]["sha256"]) == (STEP.evidence, STEP.digest)


def test_the_csv_is_one_line_an_exposure_and_nothing_in_it_is_a_formula() -> None:
    hostile = replace(ROW, steps=(replace(STEP, protocol="=1+1"),))
    head, *rows = list(csv.reader(io.StringIO(to_csv([TOLD, hostile]))))
    assert [dict(zip(head, row, strict=True))["protocol"] for row in rows] == ["dicom", "'=1+1"]
    assert dict(zip(head, rows[0], strict=True))["first_seen"] == "2026-11-01T12:00:00Z"
    assert to_csv([]) == ",".join(head) + "\r\n"


def test_it_never_claims_a_breach_or_a_repair() -> None:
    for language in ("fr", "en"):
        text = (Path(netwatch.__file__).parents[1] / "reports" / f"exposures.{language}.toml").read_text()
        assert not re.search(r"(?i)\brepaired|réparé|conforme|compliant", text)
