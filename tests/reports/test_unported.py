"""Does any report speak of a port where a finding has none? What a device called out to the whole network."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from netwatch.change import Change, ChangeKind
from netwatch.document import ChangePart
from netwatch.model import Device, Finding, Severity, Status
from netwatch.post import Alert
from reports import table
from reports.mail import compose
from reports.page import render
from tests.reports.conftest import night

if TYPE_CHECKING:
    from netwatch.document import Document
    from netwatch.model import Facts
    from netwatch.words import Catalogue

ABOUT: Facts = {
    "product": "Synology DSM",
    "version": "6.2-25426",
    "told_by": "mdns",
    "state": "ended",
    "until": "2023-10-01",
    "source": "https://example.org/dsm",
    "checked": "2026-11-01",
}
PORTLESS = re.compile(r"port\W{0,3}0\b|192\.168\.1\.20:0\b", re.IGNORECASE)


def told() -> Document:
    """The night, with a finding and a change about no port."""
    document = night()
    one = replace(
        document.findings[0],
        rule="support-ended",
        severity=Severity.MEDIUM,
        port=0,
        status=Status.OPEN,
        about=ABOUT,
    )
    moved = replace(document.changes[0], kind=ChangeKind.NEWLY_CHECKED, rule="support-ended", port=0)
    assert isinstance(moved, ChangePart)
    return replace(document, findings=(one, *document.findings), changes=(moved, *document.changes))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_names_the_device_and_no_port(catalogue: Catalogue, language: str) -> None:
    page = render("Cabinet", told(), catalogue, language)
    assert "Synology DSM" in page
    assert "192.168.1.20" in page
    assert not PORTLESS.search(re.sub(r"<[^>]*>", "", page))


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("view", [table.summary, table.findings, table.changes, table.devices])
def test_the_tables_name_no_port(catalogue: Catalogue, language: str, view: object) -> None:
    console = Console(width=160, file=StringIO(), force_terminal=False)
    console.print(view("Cabinet", told(), catalogue, language))  # type: ignore[operator]
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert shown.strip()
    assert not PORTLESS.search(shown)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", [ChangeKind.APPEARED, ChangeKind.NEWLY_CHECKED, ChangeKind.RESOLVED])
def test_the_mail_and_its_subject_name_no_port(catalogue: Catalogue, language: str, kind: ChangeKind) -> None:
    found = Finding("support-ended", "d20", 0, "mdns", "mdns", "192.168.1.20", about=dict(ABOUT))
    devices = {"d20": Device("d20", "192.168.1.20", names=("DiskStation",))}
    alert = Alert("cabinet", "3f2c9a", (Change(kind, found),))
    mail = compose(
        "Cabinet", alert, devices, catalogue, language, complete=True,
        found_at=datetime(2026, 11, 23, 21, 4, tzinfo=UTC),
    )  # fmt: skip
    assert "192.168.1.20" in mail.text
    for told_ in (mail.subject, mail.text, re.sub(r"<[^>]*>", "", mail.html)):
        assert not PORTLESS.search(told_)
