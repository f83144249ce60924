"""Do the sentences say who accepts what, and what was there before?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from netwatch.change import Before, Change, ChangeKind
from netwatch.document import AcceptedPart
from netwatch.model import Finding
from reports import decided
from reports.phrase import Phrases

if TYPE_CHECKING:
    from netwatch.document import Document
    from netwatch.words import Catalogue

ACCEPTED = AcceptedPart("Dr Martin", "2026-11-30T12:00:00Z", "2027-06-30", "replaced in June")
ONCE = Before(1, "2026-03-03T22:00:00Z", "2026-05-08T22:00:00Z")
GONE = " ; revérifié ensuite, ce n'était plus le cas."
FINDING = Finding("dicom-query-answered", "d20", 11112)


def test_who_until_when_and_why() -> None:
    assert decided.accepted(Phrases("en"), ACCEPTED) == (
        "Accepted by Dr Martin until 30 June 2027 (decided on 30 November 2026): replaced in June"
    )
    assert decided.accepted(Phrases("fr"), ACCEPTED) == (
        "Accepté par Dr Martin jusqu'au 30 juin 2027 (décidé le 30 novembre 2026) : replaced in June"
    )
    assert decided.accepted_short(Phrases("en"), ACCEPTED) == (
        "accepted by Dr Martin until 30/06/2027: replaced in June"
    )
    assert decided.accepted(Phrases("en"), None) == decided.accepted_short(Phrases("fr"), None) == ""


@pytest.mark.parametrize(
    ("language", "before", "told"),
    [
        ("en", ONCE, "Again: was already there from 3 March 2026 to 9 May 2026, then proved gone."),
        ("fr", ONCE, f"De nouveau : déjà constaté du 3 mars 2026 au 9 mai 2026{GONE}"),
        (
            "en",
            replace(ONCE, times=400, last_seen=ONCE.first_seen),
            "Again: was already there 400 times, the last time on 3 March 2026, then proved gone.",
        ),
        (
            "fr",
            replace(ONCE, times=11),
            f"De nouveau : déjà constaté 11 fois, la dernière du 3 mars 2026 au 9 mai 2026{GONE}",
        ),
    ],
)
def test_when_it_was_there_before_in_one_line_however_often(language: str, before: Before, told: str) -> None:
    assert decided.again(Phrases(language), before) == told
    short = decided.again_short(Phrases(language), before)
    assert len(short) < 70
    assert "03/03/2026" in short
    assert decided.again(Phrases(language), None) == decided.again_short(Phrases(language), None) == ""


def test_what_is_back_is_called_so(document: Document) -> None:
    change = replace(document.changes[0], kind=ChangeKind.APPEARED)
    say = Phrases("en")
    assert decided.label(say, change) == "New"
    assert decided.label(say, replace(change, before=ONCE)) == "Again"
    assert decided.label(say, replace(change, kind=ChangeKind.WORSENED, before=ONCE)) == "Worse"


@pytest.mark.parametrize(("language", "word"), [("en", "accepted until"), ("fr", "accepté jusqu'au")])
def test_a_mail_says_that_it_is_back_and_accepted_and_until_when(
    catalogue: Catalogue, language: str, word: str
) -> None:
    say = Phrases(language)
    new = Change(ChangeKind.APPEARED, FINDING)
    assert decided.known(say, catalogue, new) == ""
    back = replace(new, before=ONCE, until=date(2027, 6, 30))
    told = decided.known(say, catalogue, back)
    assert told.startswith(decided.again(say, ONCE))
    assert word in told
    worse = Change(ChangeKind.WORSENED, FINDING, replace(FINDING, rule="dicom-name-only"))
    assert (
        ""
        != decided.known(say, catalogue, worse)
        != decided.known(say, catalogue, replace(worse, previous=FINDING))
    )


def test_only_what_is_accepted_counts_as_accepted(document: Document) -> None:
    findings = [*document.findings, replace(document.findings[0], accepted=ACCEPTED)]
    assert decided.count(findings) == 1
