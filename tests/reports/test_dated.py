"""Is it said how old the data is that a judgement rests on, and that it is old?"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from netwatch.change import Change, ChangeKind
from netwatch.model import Device, Finding, Status
from netwatch.post import Alert
from netwatch.words import Catalogue
from reports import page, table
from reports.dated import lists, notes, pages
from reports.mail import compose
from reports.phrase import Phrases
from tests.reports.conftest import RULES, night

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from netwatch.document import Document
    from netwatch.model import Facts

EN, FR = Phrases("en"), Phrases("fr")
CATALOGUE = Catalogue([RULES])


def with_profiles(*profiles: Facts) -> Document:
    part = night()
    told = zip(part.devices, profiles, strict=False)
    return replace(part, findings=(), devices=tuple(replace(one, profile=facts) for one, facts in told))


def test_the_days_of_the_pages_and_of_the_list_are_told() -> None:
    document = with_profiles(
        {"age_checked": "2026-11-01", "age_stale": False, "check_list": "2026-11-21", "check_stale": False},
        {"age_checked": "2026-11-10", "age_stale": False, "check_list": "2026-11-21", "check_stale": False},
    )
    assert notes(EN, document) == [
        "The dates of support come from pages that were read from 1 November 2026 to 10 November 2026.",
        "CISA's list of exploited holes is that of 21 November 2026.",
    ]


@pytest.mark.parametrize(("say", "old"), [(EN, "more than 45 days"), (FR, "plus de 45 jours")])
def test_what_is_old_says_so_in_words(say: Phrases, old: str) -> None:
    document = with_profiles(
        {"age_checked": "2026-09-01", "age_stale": True, "check_list": "2026-09-02", "check_stale": True}
    )
    [of_pages], [of_list] = pages(say, document), lists(say, document)
    assert old in of_pages
    assert old in of_list
    fresh = with_profiles(
        {"age_checked": "2026-09-01", "age_stale": False, "check_list": "2026-09-02", "check_stale": False}
    )
    assert not any(old in told for told in notes(say, fresh))


def test_a_finding_s_page_counts_and_that_of_a_resolved_one_does_not() -> None:
    part = night()
    first = replace(part.findings[0], about={"product": "X", "checked": "2026-09-01", "stale": True})
    assert "45 days" in pages(EN, replace(part, findings=(first,)))[0]
    assert pages(EN, replace(part, findings=(replace(first, status=Status.RESOLVED),))) == []


def test_findings_that_rest_on_no_page_say_nothing_of_what_the_devices_rest_on() -> None:
    part = night()
    old = with_profiles({"age_checked": "2026-09-01", "age_stale": True}).devices
    assert OLD["en"] not in plain(table.findings("Cabinet", replace(part, devices=old), CATALOGUE, "en"))


def test_a_list_that_was_not_at_hand_is_told_as_such() -> None:
    assert "was not at hand" in lists(EN, with_profiles({}))[0]
    assert "manquait" in lists(FR, with_profiles({}))[0]


def test_a_device_that_was_not_seen_since_rests_on_an_older_list() -> None:
    document = with_profiles({"check_list": "2026-10-01"}, {"check_list": "2026-11-21"})
    assert "of 21 November 2026, and of 1 October 2026 for a device" in lists(EN, document)[0]


def test_a_practice_without_devices_says_nothing() -> None:
    assert notes(EN, replace(night(), devices=(), findings=())) == []


ABOUT: dict[str, str | int | bool | None] = {
    "product": "Windows 7",
    "version": "6.1.7601",
    "told_by": "smb",
    "state": "ended",
    "until": "2020-01-14",
    "source": "https://example.org/windows",
    "checked": "2026-09-01",
    "stale": True,
}
OLD = {"en": "more than 45 days", "fr": "plus de 45 jours"}
both_languages = pytest.mark.parametrize("language", ["en", "fr"])


def judged() -> Document:
    """A night whose finding rests on a page that was read long ago."""
    part = night()
    return replace(part, findings=(replace(part.findings[0], rule="support-ended", about=ABOUT),))


def plain(drawn: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(drawn)
    return " ".join(out.getvalue().split())


@both_languages
def test_a_finding_in_the_page_says_when_its_page_was_read_and_that_it_is_old(language: str) -> None:
    html = page.render("Cabinet", judged(), CATALOGUE, language)
    [card] = re.findall(r"<article.*?</article>", html, re.DOTALL)
    assert {"en": "read 1 September 2026", "fr": "lue le 1er septembre 2026"}[language] in card
    assert OLD[language] in card


@both_languages
@pytest.mark.parametrize("draw", [table.findings, table.summary])
def test_and_so_does_one_in_the_terminal(draw: Callable[..., RenderableType], language: str) -> None:
    told = plain(draw("Cabinet", judged(), CATALOGUE, language))
    assert {"en": "1 September 2026", "fr": "1er septembre 2026"}[language] in told
    assert OLD[language] in told
    fresh = replace(judged(), findings=(replace(judged().findings[0], about={**ABOUT, "stale": False}),))
    assert OLD[language] not in plain(draw("Cabinet", fresh, CATALOGUE, language))


@both_languages
def test_and_so_does_one_in_a_mail(language: str) -> None:
    finding = Finding("support-ended", "d20", 445, address="192.168.1.20", about=ABOUT)
    alert = Alert("cabinet", "one", (Change(ChangeKind.APPEARED, finding),))
    device = Device("d20", "192.168.1.20")
    at = datetime(2026, 11, 23, tzinfo=UTC)
    told = compose("Cabinet", alert, {"d20": device}, CATALOGUE, language, complete=True, found_at=at)
    for text in (told.text, told.html):
        assert {"en": "1 September 2026", "fr": "1er septembre 2026"}[language] in " ".join(text.split())
        assert OLD[language] in " ".join(text.split())
