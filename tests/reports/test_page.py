from __future__ import annotations

import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from netwatch.change import Before, ChangeKind
from netwatch.document import AcceptedPart, ChangePart, RoundPart
from netwatch.model import Exposure, Outcome, Severity, Vantage
from reports import page
from reports.phrase import Phrases
from tests.reports.conftest import STARTED
from tests.reports.internet import DICOM, HOME, PUBLIC, seen_from_outside

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from netwatch.document import Document
    from netwatch.words import Catalogue

NEVER = re.compile(
    r"\bsecured?\b|\bsafe|sécuris|en sécurité|\bconforme|\bcompliant|\bcertifi(?!cat)", re.IGNORECASE
)
REPAIRED = re.compile(r"(?<!rien ne prouve qu'il est )(?<!rien ne prouve que c'est )\bréparé", re.IGNORECASE)


class Reading(HTMLParser):
    """What a reader, and a browser that fetches, would take from a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag, and where it points."""
        self.tags.append(tag)
        self.links += [
            value or "" for name, value in attrs if name in {"src", "href", "action", "background"}
        ]

    def handle_data(self, data: str) -> None:
        """Words that are read."""
        if self.tags[-1:] != ["style"] and data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        """All words."""
        return "\n".join(self.words)


def read(document: Document, catalogue: Catalogue, language: str = "en", *public: str) -> Reading:
    return Reading(page.render("Cabinet Dupont", document, catalogue, language, public))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_reads_as_agreed(
    document: Document, catalogue: Catalogue, language: str, snapshot: SnapshotAssertion
) -> None:
    assert page.render("Cabinet Dupont", document, catalogue, language, ("203.0.113.7",)) == snapshot


def test_the_first_thing_read_is_how_fresh_and_complete_the_night_is(
    document: Document, catalogue: Catalogue
) -> None:
    words = read(document, catalogue).words
    assert words[1:4] == [
        "Check of 23 November 2026 at 22:04 — incomplete: 3 points could not be verified",
        "Cabinet Dupont",
        (
            "3 problems were found. The worst: the image server answers searches from anyone "
            "(192.168.1.20, port 11112)."
        ),
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_page_without_findings_promises_nothing(
    quiet: Document, catalogue: Catalogue, language: str
) -> None:
    text = read(quiet, catalogue, language).text
    assert not NEVER.search(text)
    assert "33 ports" in text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_page_claims_conformity_or_says_to_switch_off(
    document: Document, catalogue: Catalogue, language: str
) -> None:
    text = read(document, catalogue, language).text.lower()
    assert not NEVER.search(text)
    assert not re.search(r"switch (it|the \w+) off|turn (it|the \w+) off|éteignez (le|la|votre|vos)\b", text)


def test_a_finding_without_an_answer_is_never_told_as_repaired(
    document: Document, catalogue: Catalogue
) -> None:
    silent = replace(
        document,
        findings=tuple(part for part in document.findings if part.rule == "dicom-name-only"),
        changes=tuple(part for part in document.changes if part.kind == ChangeKind.UNVERIFIED),
    )
    text = read(silent, catalogue, "fr").text.replace("\u00a0", " ").replace("\u2019", "'")
    assert "pas de réponse cette fois : rien ne prouve que c'est réparé" in text
    assert not REPAIRED.search(text)
    assert "n'est plus" not in text.replace("n'est plus grave", "")


def test_a_finding_seen_only_from_inside_says_that_the_internet_was_not_checked(
    document: Document, catalogue: Catalogue
) -> None:
    text = read(document, catalogue).text
    assert "From the internet: not checked yet. We looked only from inside the practice." in text
    assert "exposed" not in text.lower()


@pytest.mark.parametrize(
    ("exposure", "sentence"),
    [
        (Exposure.EXPOSED, "From the internet: reachable. We saw it from outside."),
        (Exposure.FORWARDED, "It is not proved: we did not see it answer from outside."),
        (Exposure.REPORTED, "a third party says"),
        (Exposure.INSIDE_ONLY, "a test made from outside did not reach it"),
    ],
)
def test_each_degree_of_exposure_has_its_own_words(
    document: Document, catalogue: Catalogue, exposure: Exposure, sentence: str
) -> None:
    one = replace(document, findings=(replace(document.findings[0], exposure=exposure),))
    assert sentence in read(one, catalogue).text


def test_public_addresses_are_named_and_a_night_inside_says_that_nobody_looked(
    document: Document, catalogue: Catalogue
) -> None:
    told = read(document, catalogue, "en", "203.0.113.7", "203.0.113.8").text
    assert "Your addresses on the internet: 203.0.113.7, 203.0.113.8." in told
    assert "Nobody looked from the internet" in told
    assert "would prove nothing" in told
    assert "Nobody looked" not in read(seen_from_outside(), catalogue).text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_practice_as_the_internet_sees_it_is_told_before_the_findings(
    catalogue: Catalogue, language: str
) -> None:
    words = read(seen_from_outside(), catalogue, language).words
    say = Phrases(language, fine=True)
    assert words.index(say("outside.heading")) < words.index(say("page.card.heading"))
    assert words.index(say("outside.heading")) < 10


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_page_with_a_look_from_outside_reads_as_agreed(
    catalogue: Catalogue, language: str, snapshot: SnapshotAssertion
) -> None:
    words = read(seen_from_outside(), catalogue, language).words
    end = words.index(Phrases(language, fine=True)("page.gaps.heading"))
    assert "\n".join(words[:end]) == snapshot


def test_what_is_seen_from_both_sides_is_one_card_that_names_the_device_inside(catalogue: Catalogue) -> None:
    document = replace(
        seen_from_outside(),
        findings=tuple(f for f in seen_from_outside().findings if (f.rule, f.port) == (DICOM, 11112)),
        changes=(),
    )
    assert len(document.findings) == 2
    reading = read(document, catalogue)
    assert reading.tags.count("article") == 1
    card = reading.text.split("What we found", 1)[1].split("What changed", 1)[0]
    assert "PACS-CABINET (Synology)" in card
    assert "your internet address 203.0.113.7, port 11112" in card
    assert "Leads to: PACS-CABINET (Synology), 192.168.1.20, port 11112." in card
    assert "One problem was found" in reading.text


def test_a_finding_inside_that_no_public_port_repeats_says_which_port_leads_to_it(
    catalogue: Catalogue,
) -> None:
    text = read(seen_from_outside(), catalogue).text
    assert text.count("it was reached through port 11112 of your address 203.0.113.7.") == 1


def test_a_check_from_outside_alone_calls_no_device_absent(document: Document, catalogue: Catalogue) -> None:
    alone = seen_from_outside()
    alone = replace(alone, run=replace(alone.run, vantages=(Vantage.OUTSIDE,)), coverage=alone.coverage[-2:])
    assert "Absent devices" in read(document, catalogue).text
    text = read(alone, catalogue).text
    assert "Absent devices" not in text
    assert "looked from the internet only" in text
    assert "last looked at on 23 November 2026" in text


def test_what_was_tested_again_from_outside_is_not_told_as_seen_from_inside(catalogue: Catalogue) -> None:
    gone = ChangePart(ChangeKind.RESOLVED, DICOM, Severity.CRITICAL, PUBLIC, HOME, 11112, "", None)
    text = read(replace(seen_from_outside(), changes=(gone,)), catalogue).text
    assert "no longer the case, as seen from there" in text
    assert "as seen from inside the practice" not in text


def test_an_address_on_the_internet_is_no_device_of_the_practice(catalogue: Catalogue) -> None:
    html = page.render("Cabinet", seen_from_outside(), catalogue, "en")
    devices = html.split("<summary>Devices", 1)[1].split("</details>", 1)[0]
    assert "203.0.113.7" not in devices
    assert html.count("<details>") == 7


def test_every_kind_of_change_is_told_in_words(document: Document, catalogue: Catalogue) -> None:
    changes = tuple(
        ChangePart(kind, "dicom-query-answered", Severity.CRITICAL, "d20", "192.168.1.20", 11112, "", None)
        for kind in ChangeKind
    )
    text = read(replace(document, changes=changes), catalogue).text
    kinds = ["New", "Worse", "Checked for the first time", "Comes and goes"]
    kinds += ["No longer accepted", "Accepted only for a few more days", "No answer"]
    kinds += ["Same, at the new internet address", "Improved", "Resolved, retested", "Judged otherwise"]
    assert re.findall(r"^(.+): The image server answers searches from anyone$", text, re.MULTILINE) == kinds


def test_the_page_fetches_nothing_and_runs_nothing(document: Document, catalogue: Catalogue) -> None:
    html = page.render("Cabinet Dupont", document, catalogue, "fr")
    reading = Reading(html)
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(reading.tags)
    assert all(link.startswith("#finding-") for link in reading.links)
    assert "url(" not in html
    assert "http://" not in html
    assert "https://" not in html


def test_text_that_a_device_chose_does_no_harm(
    hostile_document: Document, hostile: str, catalogue: Catalogue
) -> None:
    html = page.render(hostile, hostile_document, catalogue, "fr", (hostile,))
    assert set(Reading(html).tags).isdisjoint({"script", "img"})
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", html)
    assert "P" * 161 not in html
    html.encode("utf-8")


def test_thirty_findings_of_one_rule_give_its_advice_once(document: Document, catalogue: Catalogue) -> None:
    finding = document.findings[0]
    many = tuple(replace(finding, address=f"192.168.1.{n}", device=f"x{n}") for n in range(100, 130))
    reading = read(replace(document, findings=many, changes=()), catalogue)
    assert reading.tags.count("article") == 30
    assert reading.text.count("What to do now") == 1
    assert set(reading.links) == {"#finding-1"}


def test_two_hundred_devices_stay_folded_away(document: Document, catalogue: Catalogue) -> None:
    device = document.devices[0]
    many = tuple(replace(device, id=f"x{n}", address=f"10.0.{n // 200}.{n % 200}") for n in range(200))
    html = page.render("Cabinet", replace(document, devices=many), catalogue, "en")
    assert html.count("<details>") == 4
    assert "<details open" not in html
    assert html.count('<th scope="row">livebox</th>') == 200


def test_the_language_is_declared_and_headings_are_in_order(document: Document, catalogue: Catalogue) -> None:
    for language in ("fr", "en"):
        html = page.render("Cabinet", document, catalogue, language)
        assert f'<html lang="{language}">' in html
        levels = [int(tag[1]) for tag in Reading(html).tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


PACE: dict[str, str | int | float | None] = {"packets": 40, "guarded": 10, "overall": 1000, "pause": 0.5}


@pytest.mark.parametrize(("language", "half"), [("en", "0.5 s"), ("fr", "0,5 s")])
def test_the_pace_is_told_and_who_answers_for_more(
    document: Document, catalogue: Catalogue, language: str, half: str
) -> None:
    kept = replace(document, run=replace(document.run, pace=PACE))
    told = read(kept, catalogue, language).text
    assert half in told
    assert "1000" in told
    assert "Dr Martin" not in told
    more = PACE | {"override_by": "Dr Martin", "override_reason": "<b>audit</b>"}
    told = read(replace(document, run=replace(document.run, pace=more)), catalogue, language).text
    assert told.index("Dr Martin") < told.index("PACS-CABINET"), "before the findings: it concerns the doctor"
    assert "<b>audit</b>" in told


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_was_spared_and_who_is_left_alone_is_told_and_never_as_good_news(
    document: Document, catalogue: Catalogue, language: str
) -> None:
    row = document.coverage[0]
    device = replace(document.devices[2], left_alone="2026-11-20T22:00:00Z", last_seen="2026-11-20T22:00:00Z")
    rows = (
        replace(row, address="192.168.1.50", outcome=Outcome.SPARED),
        replace(row, address="192.168.1.21", outcome=Outcome.LEFT_ALONE),
    )
    others = tuple(one for one in document.devices if one.id != device.id)
    told = read(
        replace(document, devices=(*others, device), coverage=rows, failures=()), catalogue, language
    ).text
    assert "192.168.1.50" in told
    assert "netwatch release" in told
    alone = {"en": "left alone until somebody decides", "fr": "laissé en paix jusqu'à ce que"}[language]
    assert alone in told.replace("\u2019", "'")
    assert not NEVER.search(told)


def test_how_far_the_whole_range_has_come_is_told_by_the_device_that_is_furthest_behind(
    document: Document, catalogue: Catalogue
) -> None:
    rounds = (RoundPart("d20", "2026-11-20T22:00:00Z", 9000), RoundPart("d21", "2026-11-20T22:00:00Z", 4200))
    assert "4200 of them" in read(replace(document, rounds=rounds), catalogue).text
    fresh = replace(document, rounds=(replace(rounds[0], ports=0),))
    assert "were not asked yet" in read(fresh, catalogue).text
    assert "65,535" not in read(document, catalogue).text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_audit_is_told_as_one_and_its_absence_too(
    document: Document, catalogue: Catalogue, language: str
) -> None:
    def flat(text: str) -> str:
        return " ".join(text.split())

    say = Phrases(language, fine=True)
    yes, no = flat(say("page.annex.audit")), flat(say("page.annex.no-audit"))
    plain = flat(read(document, catalogue, language).text)
    audit = flat(read(replace(document, run=replace(document.run, audit=True)), catalogue, language).text)
    assert (yes in plain, no in plain) == (False, True)
    assert (yes in audit, no in audit) == (True, False)


def test_a_forward_at_whose_port_something_answered_us_is_not_told_as_unproved(catalogue: Catalogue) -> None:
    document = seen_from_outside()
    forward = replace(
        document.findings[-2],
        rule="upnp-forward",
        device="d1",
        address="192.168.1.1",
        vantage=Vantage.BOX,
        exposure=Exposure.FORWARDED,
    )
    one = replace(document, findings=(forward,))
    assert "something answered us at this port" in read(one, catalogue).text
    alone = replace(one, services=())
    assert "something answered us at this port" not in read(alone, catalogue).text


def test_the_slices_of_an_address_on_the_internet_are_not_told_as_a_devices(catalogue: Catalogue) -> None:
    rounds = (RoundPart("d20", "2026-11-20T22:00:00Z", 9000), RoundPart(PUBLIC, "2026-11-20T22:00:00Z", 12))
    text = read(replace(seen_from_outside(), rounds=rounds), catalogue).text
    assert "9000 of them" in text
    assert "12 of them" not in text


WORD = AcceptedPart("Dr Martin", STARTED, "2027-06-30", "in June")
ONCE = Before(1, "2026-03-03T22:00:00Z", "2026-05-08T12:00:00Z")


TOLD = {
    "en": (
        "Accepted by Dr Martin until 30 June 2027 (decided on 23 November 2026): in June",
        "Again: was already there from 3 March 2026 to 8 May 2026, then proved gone.",
        "Accepted risks: 1",
        "critical: 1",
        "for the first time",
    ),
    "fr": (
        "Accepté par Dr Martin jusqu'au 30 juin 2027 (décidé le 23 novembre 2026) : in June",
        "De nouveau : déjà constaté du 3 mars 2026 au 8 mai 2026 ; revérifié ensuite",
        "Risques acceptés : 1",
        "critique : 1",
        "pour la première fois",
    ),
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_accepted_finding_and_one_that_is_back_are_told_with_all_that_is_known(
    document: Document, catalogue: Catalogue, language: str
) -> None:
    told, again, accepted, tally, first_time = TOLD[language]
    first, second, *rest = document.findings
    back = replace(second, first_seen=STARTED, before=ONCE)
    new = ChangePart(
        ChangeKind.APPEARED, back.rule, back.severity, back.device, back.address, back.port, "", None, ONCE
    )
    whole = replace(document, findings=(replace(first, accepted=WORD), back, *rest), changes=(new,))
    text = read(whole, catalogue, language).text.replace("\u00a0", " ").replace("\u2019", "'")
    assert text.count(told) == 1
    assert text.count(again) == 2, "on its card and under what changed"
    assert accepted in text
    assert tally in text, "what is accepted is not counted here"
    assert first_time not in text
