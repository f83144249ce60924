"""What does a consultant read of all sites? The subject alone tells; names do no harm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from netwatch.errors import ScopeError
from netwatch.glance import Glance
from netwatch.overview import Overview, Row, overview, remembered
from netwatch.post import Content, Reader
from reports.desk import MOST, compose

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
WHOLE = "2026-11-29T23:10:00Z"


def row(slug: str, name: str, *, late: bool = False, complete: str | None = WHOLE, **found: str) -> Row:
    counts = {level: list(found.values()).count(level) for level in set(found.values())}
    return Row(Glance(slug, name, complete, complete, late, counts, 0, 0, 0, 9, 0), found)


BEFORE = [row("a", "Cabinet Dupont", p="critical", q="low"), row("b", "Cabinet Noir", late=True)]
NOW_ROWS = [
    row("a", "Cabinet Dupont", p="critical", r="critical", s="high"),
    row("b", "Cabinet Noir"),
    row("c", "Imagerie du Port", late=True, complete="2026-11-25T23:10:00Z"),
    row("d", "Cabinet Blanc", late=True, complete=None),
]


def seen() -> Overview:
    return overview(NOW_ROWS, remembered(BEFORE), NOW - timedelta(days=1), NOW)


def letter(language: str, told: Overview | None = None, why: dict[str, str] | None = None) -> Content:
    return compose("Atelier", told or seen(), Reader(language), why or {})


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        (
            "fr",
            "Atelier : 4 sites : 2 sans surveillance, 2 problèmes critiques, 1 problème élevé, 2 nouveaux",
        ),
        ("en", "Atelier: 4 sites: 2 not watched, 2 critical open, 1 high open, 2 new"),
    ],
)
def test_the_subject_alone_tells(language: str, subject: str) -> None:
    assert letter(language).subject == subject


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "fr",
            [
                "SANS SURVEILLANCE : aucune nuit complète jusqu'ici.",
                "Problèmes ouverts : 2 critiques, 1 élevé.",
                "SANS SURVEILLANCE : aucune nuit complète depuis le",
                "Nouveau depuis la dernière lettre : 1 critique, 1 élevé",
                "N'est plus ouvert : 1 (disparu, preuve à l'appui, ou accepté).",
                "Ce site est de nouveau surveillé.",
                "Ce site figure pour la première fois",
            ],
        ),
        (
            "en",
            [
                "NOT WATCHED: no complete night yet.",
                "New since the last letter: 1 critical, 1 high",
                "No longer open: 1 (proved gone, or accepted).",
                "It is watched again.",
            ],
        ),
    ],
)
def test_both_parts_say_what_stands_what_moved_and_what_nobody_watches(
    language: str, words: list[str]
) -> None:
    told = letter(language)
    plain = " ".join(told.text.split())
    html = " ".join(told.html.replace("\u00a0", " ").replace("\u2019", "'").split())
    for word in words:
        assert word.lower() in plain.lower()
        assert word.lower() in html.lower()
    assert max(map(len, told.text.splitlines())) <= 72
    assert "<img" not in told.html


def test_the_worst_stands_first_and_the_unwatched_before_all() -> None:
    plain = letter("en").text
    order = [plain.index(name) for name in ("IMAGERIE DU PORT", "CABINET DUPONT", "CABINET NOIR")]
    assert order == sorted(order)
    assert plain.index("CABINET BLANC") < order[1]


@pytest.mark.parametrize(("language", "calm"), [("fr", "tous surveillés"), ("en", "all watched")])
def test_where_all_is_well_it_says_so_in_a_line(language: str, calm: str) -> None:
    rows = [row(str(number), f"Site {number}") for number in range(200)]
    told = letter(language, overview(rows, remembered(rows), NOW - timedelta(days=8), NOW))
    assert calm in told.subject
    assert len(told.text.splitlines()) < 40


def test_two_hundred_sites_in_trouble_are_a_letter_that_can_be_read() -> None:
    rows = [row(str(number), f"Site {number}", p="high") for number in range(200)]
    told = letter("en", overview(rows, None, None, NOW))
    assert f"And {200 - MOST} more sites" in told.text
    assert "200 high open" in told.subject


def test_why_a_scan_could_not_run_is_a_sentence() -> None:
    hindered = Row(row("a", "A").glance, {}, ScopeError("config.authorisation-missing"))
    told = letter("en", overview([hindered], None, None, NOW), {"a": "the authorisation has ended"})
    assert "The scan could not run: the authorisation has ended." in " ".join(told.text.split())
    assert "1 not watched" in told.subject


@pytest.mark.parametrize(
    "hostile", ["a\r\nBcc: x@y.example", "<script>alert(1)</script>", "\x1b[2J", "x" * 999]
)
def test_names_do_no_harm(hostile: str) -> None:
    told = compose(
        hostile, overview([row("a", hostile, p="high")], None, None, NOW), Reader("fr"), {"a": hostile}
    )
    assert len(told.subject.splitlines()) == 1
    assert len(told.subject) <= 150
    assert "<script" not in told.html
    for part in (told.subject, told.text, told.html, told.short):
        assert "\x1b" not in part
