from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from netwatch.document import AcceptedPart
from netwatch.model import Exposure, Severity, Status, Vantage
from reports.phrase import Phrases
from reports.verdict import answer, asides, by_address, freshness, ordered, ports_of
from tests.reports.conftest import STARTED, TONIGHT
from tests.reports.internet import seen_from_outside

if TYPE_CHECKING:
    from netwatch.document import Document
    from netwatch.words import Catalogue


def test_the_first_line_says_how_fresh_and_how_complete(document: Document) -> None:
    say = Phrases("fr")
    assert freshness(say, document) == (
        "Contrôle du 23 novembre 2026 à 22 h 04 — incomplet : 3 points n'ont pas pu être vérifiés"
    )
    whole = replace(document, run=replace(document.run, complete=True))
    assert freshness(say, whole).endswith("— complet")
    unexplained = replace(document, failures=(), coverage=())
    assert freshness(say, unexplained).endswith("— incomplet")


def test_the_answer_counts_what_was_seen_now_and_names_the_worst(
    document: Document, catalogue: Catalogue
) -> None:
    assert answer(Phrases("en"), document, catalogue) == (
        "3 problems were found. The worst: the image server answers searches from anyone "
        "(192.168.1.20, port 11112)."
    )


def test_a_night_that_proved_little_is_not_told_as_good(document: Document, catalogue: Catalogue) -> None:
    say = Phrases("en")
    unverified = [part for part in document.findings if part.status == Status.UNVERIFIED]
    forgotten = replace(document, findings=tuple(unverified))
    assert "not everything could be tested again" in answer(say, forgotten, catalogue)
    assert any("nothing proves that it is repaired" in line for line in asides(say, forgotten))
    nobody = replace(document, findings=(), devices=())
    assert answer(say, nobody, catalogue) == "No device answered: this check says nothing about your network."


def test_a_clean_night_says_what_was_asked(quiet: Document, catalogue: Catalogue) -> None:
    assert answer(Phrases("en"), quiet, catalogue) == (
        "No problem was found in what was checked: 5 devices, 33 ports asked, 5 services found. "
        "This says nothing about the rest."
    )


def test_what_is_proved_exposed_comes_before_what_is_only_severe(document: Document) -> None:
    first = replace(document.findings[2], severity=Severity.CRITICAL, exposure=Exposure.EXPOSED)
    assert ordered([*document.findings, first])[0] == first
    assert ordered(document.findings)[-1].status == Status.RESOLVED


def test_addresses_are_sorted_as_numbers_and_rubbish_comes_last() -> None:
    addresses = ["zzz", "fe80::1", "192.168.1.20", "192.168.1.9"]
    assert sorted(addresses, key=by_address) == ["192.168.1.9", "192.168.1.20", "fe80::1", "zzz"]


def test_ports_of_a_list_are_counted() -> None:
    assert [ports_of(text) for text in ("", "22", "22,80,104-105")] == [0, 1, 4]


def test_a_check_from_outside_alone_says_nothing_of_the_network(catalogue: Catalogue) -> None:
    document = replace(seen_from_outside(), findings=(), statements=(), services=())
    alone = replace(document, run=replace(document.run, vantages=(Vantage.OUTSIDE,)))
    say = Phrases("en")
    assert answer(say, alone, catalogue).startswith("Seen from the internet alone: no problem was found")
    assert "last looked at on 23 November 2026" in asides(say, alone)[0]
    assert "never looked at" in asides(say, replace(alone, looked={}))[0]
    assert asides(say, alone)[0].startswith("This check looked from the internet only. The network")
    assert asides(say, document) == []


def test_the_answer_names_the_public_port_and_the_device_behind_it(catalogue: Catalogue) -> None:
    told = answer(Phrases("en"), seen_from_outside(), catalogue)
    assert "(seen from the internet, port 11112 → PACS-CABINET)" in told
    assert told.startswith("4 problems were found.")


@pytest.mark.parametrize(
    ("language", "told"), [("en", "Nothing could be tried"), ("fr", "Rien n'a pu être essayé")]
)
def test_a_check_from_outside_in_which_nothing_was_tried_found_nothing_out(
    catalogue: Catalogue, language: str, told: str
) -> None:
    document = replace(seen_from_outside(), findings=(), statements=(), services=(), coverage=())
    alone = replace(document, run=replace(document.run, vantages=(Vantage.OUTSIDE,)))
    say = Phrases(language)
    assert answer(say, alone, catalogue).startswith(told)
    assert asides(say, alone) == [say("verdict.answer.not-inside", when=say.moments.date(TONIGHT))]


def accepted(document: Document, *ports: int) -> Document:
    part = AcceptedPart("Dr Martin", STARTED, "2027-06-30", "replaced in June")
    return replace(
        document,
        findings=tuple(
            replace(one, accepted=part if one.port in ports else None) for one in document.findings
        ),
    )


def test_what_is_accepted_is_told_apart_and_never_counted_as_nothing(
    document: Document, catalogue: Catalogue
) -> None:
    assert answer(Phrases("en"), accepted(document, 104), catalogue) == (
        "2 problems were found. The worst: the image server answers searches from anyone "
        "(192.168.1.20, port 11112). Accepted risks: 2, still there."
    ), "one of the two could not be tested again, and is told all the same"
    assert answer(Phrases("en"), accepted(document, 104, 11112), catalogue) == (
        "No problem was found in what was checked but what is accepted. This says nothing about the rest. "
        "Accepted risks: 4, still there."
    )
    assert answer(Phrases("fr"), accepted(document, 104, 11112), catalogue) == (
        "Dans ce qui a été contrôlé, aucun problème n'a été trouvé hormis ce qui est accepté. Cela ne dit "
        "rien du reste. Risques acceptés : 4, toujours là."
    )
    silent = accepted(replace(document, findings=document.findings[3:4]), 104)
    assert answer(Phrases("en"), silent, catalogue).endswith("Accepted risks: 1, still there.")


def test_what_is_accepted_stands_at_the_end_of_its_severity(document: Document) -> None:
    plain = [(one.rule, one.port) for one in ordered(document.findings)]
    told = ordered(accepted(document, 11112).findings)
    assert sorted((one.rule, one.port) for one in told) == sorted(plain), "nothing is left out"
    critical = [(one.port, one.accepted is not None) for one in told if one.severity == Severity.CRITICAL]
    assert critical == [(104, False), (11112, True)]
