from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from netwatch.change import Before, ChangeKind
from netwatch.document import AcceptedPart, ChangePart, Document
from netwatch.model import Exposure, Severity, Vantage
from netwatch.words import Catalogue
from reports import table
from reports.annex import sheets
from reports.phrase import Phrases
from tests.reports.internet import seen_from_outside

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from netwatch.model import Facts

Draw = Callable[[str, Document, Catalogue, str], RenderableType]
TABLES: tuple[Draw, ...] = (
    table.summary, table.findings, table.devices, table.changes, table.services, table.outside,
)  # fmt: skip
every_table = pytest.mark.parametrize("draw", TABLES)
both_languages = pytest.mark.parametrize("language", ["fr", "en"])


def printed(drawn: RenderableType, *, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=colour, color_system="standard" if colour else None)
    console.print(drawn)
    return out.getvalue()


@every_table
@both_languages
def test_no_line_is_wider_than_80_columns(
    draw: Draw, language: str, document: Document, catalogue: Catalogue
) -> None:
    text = printed(draw("Cabinet Dupont", document, catalogue, language))
    assert max(cell_len(line) for line in text.splitlines()) <= 80


@both_languages
def test_the_summary_reads_as_agreed(
    language: str, document: Document, catalogue: Catalogue, snapshot: SnapshotAssertion
) -> None:
    text = printed(table.summary("Cabinet Dupont", document, catalogue, language))
    assert "\n".join(line.rstrip() for line in text.splitlines()) == snapshot


@every_table
def test_nothing_is_cut_off_at_the_edge(draw: Draw, document: Document, catalogue: Catalogue) -> None:
    narrow = printed(draw("Cabinet", document, catalogue, "fr"))
    out = io.StringIO()
    Console(file=out, width=300).print(draw("Cabinet", document, catalogue, "fr"))

    def letters(text: str) -> str:
        return "".join(sorted(re.sub(r"[\s─]", "", text)))

    assert letters(narrow) == letters(out.getvalue())


@every_table
def test_text_that_a_device_chose_is_neither_markup_nor_control(
    draw: Draw, hostile_document: Document, hostile: str, catalogue: Catalogue
) -> None:
    text = printed(draw(hostile, hostile_document, catalogue, "en"))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", text)
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    if hostile.startswith("["):
        assert "[bold" in text
        assert "💀" not in text


def test_colours_mean_severity_and_the_word_is_written_too(document: Document, catalogue: Catalogue) -> None:
    finding = document.findings[0]
    looks = {"critical": "1;31", "high": "31", "medium": "33", "low": "36", "info": "2"}
    for severity in Severity:
        one = replace(document, findings=(replace(finding, severity=severity),))
        text = printed(table.findings("Cabinet", one, catalogue, "en"), colour=True)
        assert f"\x1b[{looks[severity]}m{severity}" in text


def test_an_answer_that_did_not_come_is_written_as_such(document: Document, catalogue: Catalogue) -> None:
    text = printed(table.findings("Cabinet", document, catalogue, "fr"))
    [row] = [line for line in text.splitlines() if "192.168.1.30:104" in line]
    assert "non revérifié" in row
    assert "résolu" not in row


def test_a_night_inside_says_that_the_internet_was_not_tried(
    document: Document, catalogue: Catalogue
) -> None:
    assert "nothing was tried" in printed(table.findings("Cabinet", document, catalogue, "en"))
    exposed = replace(document, findings=(replace(document.findings[0], exposure=Exposure.FORWARDED),))
    assert "forwarded by" in printed(table.findings("Cabinet", exposed, catalogue, "en"))


def test_an_empty_night_promises_nothing(quiet: Document, catalogue: Catalogue) -> None:
    empty = replace(quiet, devices=(), services=())
    for draw in TABLES:
        for language in ("fr", "en"):
            text = printed(draw("Cabinet", empty, catalogue, language))
            assert text.strip()
            assert not re.search(r"\bsecure|\bsafe|sécuris|conforme|complian", text, re.IGNORECASE)


def test_a_protocol_guessed_from_its_port_says_so(document: Document, catalogue: Catalogue) -> None:
    assert "guessed" in printed(table.services("Cabinet", document, catalogue, "en"))


def test_an_absent_device_says_so(document: Document, catalogue: Catalogue) -> None:
    text = printed(table.devices("Cabinet", document, catalogue, "en"))
    assert text.count("not seen") == 1


MARKS = {
    "certificate_key": "sha256:01",
    "host_key": "sha256:02",
    "favicon": "sha256:03",
    "printer_uuid": "04-04",
}


def test_marks_are_left_to_the_annex_and_what_speaks_over_udp_says_so(
    document: Document, catalogue: Catalogue
) -> None:
    facts: Facts = {"protocol_from": "answer", "state": "open", "authentication": "none", **MARKS}
    told = replace(document.services[0], protocol="sip", port=5060, transport="udp", facts=facts)
    one = replace(document, services=(told,))
    text = printed(table.services("Cabinet", one, catalogue, "en"))
    assert "SIP (UDP)" in text
    assert "password: none asked for" in text
    assert not [mark for mark in MARKS.values() if mark in text]
    assert "open" not in text
    annex = str(sheets(Phrases("en"), one)[1].rows)
    assert [mark for mark in MARKS.values() if mark not in annex] == []


def test_what_is_seen_from_both_sides_is_one_row_that_says_where_it_leads(catalogue: Catalogue) -> None:
    document = seen_from_outside()
    text = printed(table.findings("Cabinet", document, catalogue, "en"))
    assert "203.0.113.7:11112" in text
    assert "→ PACS-CABINET" in text
    rows = [line for line in text.splitlines() if line.startswith("critical")]
    assert len(rows) == 2
    assert not [row for row in rows if "192.168.1.20:11112" in row]


def test_a_service_inside_that_was_reached_says_through_which_public_port(catalogue: Catalogue) -> None:
    text = printed(table.findings("Cabinet", seen_from_outside(), catalogue, "en"))
    assert "by port 11112" in text


def test_a_public_port_that_leads_nobody_knows_where_says_so(catalogue: Catalogue) -> None:
    document = seen_from_outside()
    lost = replace(document, findings=(replace(document.findings[-2], link=None),))
    assert "→ not known" in printed(table.findings("Cabinet", lost, catalogue, "en"))


def test_a_forward_is_told_by_its_public_port_and_not_as_one_of_the_boxs_own(catalogue: Catalogue) -> None:
    document = seen_from_outside()
    forward = replace(
        document.findings[-2],
        rule="upnp-forward",
        device="d1",
        address="192.168.1.1",
        port=2222,
        vantage=Vantage.BOX,
        exposure=Exposure.FORWARDED,
    )
    text = printed(table.findings("Cabinet", replace(document, findings=(forward,)), catalogue, "en"))
    assert "public port 2222" in text
    assert "192.168.1.1:2222" not in text
    assert "→ PACS-CABINET" in text


def test_addresses_on_the_internet_stand_apart_from_the_devices(catalogue: Catalogue) -> None:
    text = printed(table.devices("Cabinet", seen_from_outside(), catalogue, "en"))
    assert "Your internet address 203.0.113.7: last asked from outside 23/11/2026" in " ".join(text.split())
    assert "203.0.113.7" not in text.split("Your internet address")[0]
    summary = printed(table.summary("Cabinet", seen_from_outside(), catalogue, "en"))
    assert "5 devices seen, 5 services." in summary
    assert "From the internet: 1 open port." in summary


def test_a_service_that_was_reached_from_outside_is_marked(catalogue: Catalogue) -> None:
    text = printed(table.services("Cabinet", seen_from_outside(), catalogue, "en"), colour=True)
    assert text.count("from the internet") == 1
    assert "\x1b[1;31m203.0.113.7:11112" in text


def test_a_check_from_outside_alone_counts_no_devices_and_misses_none(catalogue: Catalogue) -> None:
    alone = seen_from_outside()
    alone = replace(alone, run=replace(alone.run, vantages=(Vantage.OUTSIDE,)))
    text = printed(table.summary("Cabinet", alone, catalogue, "en"))
    assert "devices seen" not in text
    assert "known device" not in text
    assert "looked from the internet only" in " ".join(text.split())
    assert "not seen" not in printed(table.devices("Cabinet", alone, catalogue, "en"))


def test_a_look_that_was_wanted_and_did_not_happen_is_not_told_as_one(catalogue: Catalogue) -> None:
    wanted = seen_from_outside()
    wanted = replace(wanted, coverage=wanted.coverage[:-2])
    assert "nothing was tried" in printed(table.findings("Cabinet", wanted, catalogue, "en"))


@both_languages
def test_what_is_accepted_and_what_is_back_reads_as_agreed(
    language: str, document: Document, catalogue: Catalogue, snapshot: SnapshotAssertion
) -> None:
    first, second, *rest = document.findings
    word = AcceptedPart("Dr Martin", "2026-11-23T20:58:12Z", "2027-06-30", "replaced in June " * 20)
    before = Before(11, "2026-03-03T22:00:00Z", "2026-05-08T12:00:00Z")
    findings = (
        replace(first, id="k7m2qp", accepted=word),
        replace(second, id="wdwtfr", before=before),
        *rest,
    )
    new = ChangePart(
        ChangeKind.APPEARED, second.rule, second.severity, second.device, second.address, second.port, "",
        None, before,
    )  # fmt: skip
    told = replace(document, findings=findings, changes=(new,))
    text = printed(table.findings("Cabinet Dupont", told, catalogue, language))
    text += printed(table.changes("Cabinet Dupont", told, catalogue, language))
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "\n".join(line.rstrip() for line in text.splitlines()) == snapshot
