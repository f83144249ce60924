from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from netwatch.model import Exposure, Outcome, Status, Vantage
from reports.outside import Section, section
from reports.phrase import Phrases
from tests.reports.conftest import night
from tests.reports.internet import (
    DICOM,
    HOME,
    PACS,
    finding,
    forward,
    knock,
    seen_from_outside,
    service,
    statement,
)
from tests.reports.test_page import NEVER

if TYPE_CHECKING:
    from netwatch.document import Document
    from netwatch.model import Facts
    from netwatch.words import Catalogue


def told(document: Document, catalogue: Catalogue, language: str = "en") -> Section:
    return section(Phrases(language), document, catalogue)


def test_the_verdict_says_how_many_answer_and_where_the_worst_leads(catalogue: Catalogue) -> None:
    assert told(seen_from_outside(), catalogue).verdict == (
        "From the internet, one port of your practice answers: port 11112 → PACS-CABINET (Synology).",
        (
            "Your internet box says that it lets the internet in at one more port. "
            "Nothing proves yet that something answers there."
        ),
        "A third party reports one more open port. We did not verify it.",
    )


def test_nobody_asked_is_not_told_as_nothing_found(catalogue: Catalogue) -> None:
    assert told(night(), catalogue).verdict == (
        "Nobody looked from the internet: we do not know what answers there.",
    )


def test_silence_is_told_with_what_was_asked_and_says_nothing_of_the_rest(catalogue: Catalogue) -> None:
    quiet = replace(seen_from_outside(), services=(), findings=(), statements=())
    [verdict] = told(quiet, catalogue).verdict
    assert "nothing answered at the 3 ports" in verdict
    assert "23 November 2026" in verdict
    assert "says nothing about the others" in verdict


def test_what_was_only_said_is_never_told_as_answering(catalogue: Catalogue) -> None:
    document = replace(seen_from_outside(), services=(), findings=seen_from_outside().findings[1:-2])
    first, forwarded = told(document, catalogue).verdict[:2]
    assert "nothing answered" in first
    assert "at 2 ports" in forwarded
    assert "Nothing proves" in forwarded
    for row in told(document, catalogue).rows:
        assert row.verdict != Exposure.EXPOSED
        assert not any("answered us" in line for line in row.proof)


def test_a_dmz_is_told_first_among_what_the_box_says(catalogue: Catalogue) -> None:
    dmz = statement("declared", Vantage.DECLARED, "dmz", enabled=True, to_address="192.168.1.20")
    verdict = told(replace(seen_from_outside(), statements=(dmz,)), catalogue).verdict
    assert any("sends everything" in line and "PACS-CABINET" in line for line in verdict)
    off = replace(dmz, facts={"enabled": False, "to_address": None})
    assert not any(
        "everything" in v for v in told(replace(seen_from_outside(), statements=(off,)), catalogue).verdict
    )


def test_each_row_says_what_answers_where_it_leads_what_is_proved_and_since_when(
    catalogue: Catalogue,
) -> None:
    row = told(seen_from_outside(), catalogue).rows[0]
    assert (row.port, row.answers, row.since) == ("11112", "DICOM: DCMTK 3.6.7", "20 November 2026")
    assert "Leads to: PACS-CABINET (Synology), 192.168.1.20, port 11112." in row.leads
    assert row.proof == (
        "It answered us from the internet, 23 November 2026.",
        "The box says so too (UPnP).",
    )
    assert row.titles == ("The image server answers searches from anyone",)


def test_each_degree_of_proof_names_its_witness_and_its_date(catalogue: Catalogue) -> None:
    by_port = {row.port: row for row in told(seen_from_outside(), catalogue).rows}
    assert by_port["2222"].proof == (
        "The box says so (UPnP, 18 November 2026). Not proved: we did not see it answer from outside.",
    )
    assert by_port["8080"].proof == ("Shodan says that it saw it 18 November 2026. We did not verify it.",)
    assert by_port["443"].proof == (
        "Shodan saw it 18 November 2026; when we looked from outside, it was shut.",
    )
    assert by_port["443"].leads == ""
    assert by_port["8080"].leads.startswith("We do not know which device")
    declared = replace(
        forward(2222, "192.168.1.40", 22, by="Dr Martin"), vantage=Vantage.DECLARED, who="declared"
    )
    [row] = [
        r
        for r in told(replace(seen_from_outside(), statements=(declared,)), catalogue).rows
        if r.port == "2222"
    ]
    assert row.proof[0].startswith("Dr Martin read so on the box's pages")


def test_what_answered_before_and_not_now_is_not_told_as_closed(catalogue: Catalogue) -> None:
    silent = replace(finding(DICOM, 11112, PACS), status=Status.UNVERIFIED)
    document = replace(seen_from_outside(), findings=(silent,))
    section_ = told(document, catalogue)
    assert "nothing proves that it is closed" in section_.verdict[1]
    assert "Nothing proves that it is closed." in section_.rows[0].proof[0]


def test_what_nobody_tried_tonight_is_not_told_as_silent(catalogue: Catalogue) -> None:
    silent = replace(finding(DICOM, 11112, PACS), status=Status.UNVERIFIED)
    document = replace(seen_from_outside(), findings=(silent,), coverage=())
    section_ = told(document, catalogue)
    assert "was not tried this time" in section_.verdict[1]
    assert "It was not tried this time." in section_.rows[0].proof[0]
    assert "when we last asked" not in section_.verdict[1]


def test_a_port_that_opened_and_said_nothing_did_not_answer(catalogue: Catalogue) -> None:
    bare = replace(service(11112, "dicom"), facts={"protocol_from": "port"})
    [row] = [
        r for r in told(replace(seen_from_outside(), services=(bare,)), catalogue).rows if r.port == "11112"
    ]
    assert row.proof[0].startswith("It opens to the internet")


@pytest.mark.parametrize(
    ("tried", "facts", "said"),
    [
        ("9-8079", {}, "Shodan says that it saw it 18 November 2026. We did not verify it."),
        (
            "8080",
            {},
            "When we tried from outside nothing answered, which does not prove that it is closed.",
        ),
        ("8080", {"dated": False}, "Shodan says so, without a date"),
    ],
)
def test_what_others_report_is_told_with_what_our_own_try_made_of_it(
    catalogue: Catalogue,
    tried: str,
    facts: Facts,
    said: str,
) -> None:
    seen = seen_from_outside()
    statements = tuple(
        replace(one, facts=one.facts | facts) if one.port == 8080 else one for one in seen.statements
    )
    document = replace(seen, statements=statements, coverage=(knock(tried, Outcome.FILTERED),))
    [row] = [r for r in told(document, catalogue).rows if r.port == "8080"]
    assert said in row.proof[0]


def test_several_addresses_are_told_apart_and_one_is_not_repeated(catalogue: Catalogue) -> None:
    assert {row.address for row in told(seen_from_outside(), catalogue).rows} == {""}
    other = replace(service(443, "http"), device="p-198.51.100.9", address="198.51.100.9")
    document = replace(seen_from_outside(), services=(*seen_from_outside().services, other))
    assert {HOME, "198.51.100.9"} <= {row.address for row in told(document, catalogue).rows}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_section_never_says_that_all_is_well(catalogue: Catalogue, language: str) -> None:
    for document in (night(), seen_from_outside()):
        words = repr(told(document, catalogue, language))
        assert not NEVER.search(words)
        assert not re.search(r"exposed'|réparé|repaired", words.replace("'exposed'", ""))


def test_text_that_a_server_chose_does_no_harm(catalogue: Catalogue, hostile: str) -> None:
    document = replace(seen_from_outside(), services=(service(11112, hostile, product=hostile),))
    for row in told(document, catalogue).rows:
        for words in (row.answers, row.leads, row.short, *row.proof):
            assert words.isprintable()
            assert "P" * 81 not in words
