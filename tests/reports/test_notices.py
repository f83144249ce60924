"""Does what is said of the watching itself say what is known, and never more?"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html import unescape
from typing import TYPE_CHECKING

import pytest

from netwatch.model import Severity
from netwatch.notice import Notice, NoticeKind, Week
from netwatch.post import Reader, Role
from reports.notices import compose

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from netwatch.post import Content

NOW = datetime(2026, 11, 30, 7, 30, tzinfo=UTC)
QUIET = Week(5, 6, 41, 38, {Severity.HIGH: 1, Severity.LOW: 3}, 2, 0, NOW - timedelta(days=2))
EMPTY = Week(0, 0, 0, 0)
NOTICES = {
    "week": Notice(NoticeKind.WEEK, "a", NOW, QUIET),
    "told": Notice(NoticeKind.WEEK, "a", NOW, Week(7, 7, 1, 1, letters=1)),
    "none": Notice(NoticeKind.WEEK, "a", NOW, EMPTY),
    "overdue": Notice(
        NoticeKind.OVERDUE, "a", NOW, None, NOW - timedelta(days=3), NOW - timedelta(hours=9), "window"
    ),
    "never": Notice(NoticeKind.OVERDUE, "a", NOW),
    "failed": Notice(NoticeKind.FAILED, "a", NOW, why="config.authorisation-ended"),
}
both = pytest.mark.parametrize("language", ["fr", "en"])


def told(name: str, language: str = "fr", site: str = "Cabinet Dupont", why: str = "Parce que.") -> Content:
    return compose(site, NOTICES[name], Reader(language), why)


@both
@pytest.mark.parametrize("name", list(NOTICES))
def test_a_notice_reads_as_agreed(name: str, language: str, snapshot: SnapshotAssertion) -> None:
    one = told(name, language)
    assert one.subject == snapshot(name="subject")
    assert one.text == snapshot(name="text")
    assert one.short == snapshot(name="short")


def test_the_html_part_says_the_same_fetches_nothing_and_runs_nothing() -> None:
    for name in NOTICES:
        one = told(name)
        flat = " ".join(unescape(re.sub(r"<[^>]+>", " ", one.html)).replace("\u2019", "'").split())
        for line in re.sub(r"\s+", " ", one.text.replace("--", "")).split(". "):
            assert line.strip()[:30].lower() in flat.lower()
        assert not re.search(r"src=|href=|<script|<img|url\(", one.html)


def test_a_week_without_a_complete_night_is_never_told_as_quiet() -> None:
    one = told("none", "en")
    assert "nothing new" not in f"{one.subject} {one.text}".lower()
    assert "this silence says nothing" in one.subject


def test_the_same_for_both_roles_and_no_detail_of_the_network() -> None:
    for name, notice in NOTICES.items():
        doctor, consultant = (compose("C", notice, Reader("en", role), "w") for role in Role)
        assert doctor == consultant
        assert not re.search(r"\d+\.\d+\.\d+\.\d+|port \d", doctor.text), name


@both
def test_whatever_the_site_and_the_reason_are_called_a_subject_is_one_line(
    hostile: str, language: str
) -> None:
    for name in NOTICES:
        one = told(name, language, hostile, hostile)
        assert 0 < len(one.subject) <= 150
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", one.subject)
        EmailMessage()["Subject"] = one.subject
        assert "<script" not in one.html
        assert max(len(line) for line in one.text.splitlines()) <= 72 or hostile.strip()
