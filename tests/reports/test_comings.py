"""What does a doctor read of a new device, and of one that is gone? By mail, on the page, in 80 columns."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from netwatch.change import Change, ChangeKind, Coming, ComingKind
from netwatch.document import ComingPart, Document
from netwatch.model import Device, Finding
from netwatch.post import Alert, Content, Reader
from reports import page, table
from reports.comings import lines
from reports.mail import compose
from reports.phrase import Phrases

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from netwatch.model import Facts
    from netwatch.words import Catalogue

FOUND_AT = datetime(2026, 11, 23, 21, 4, tzinfo=UTC)
BEFORE = datetime(2026, 10, 20, 21, 4, tzinfo=UTC)
BROTHER: Facts = {"kind": "printer", "kind_by": "ipp, mdns", "confidence": "certain"}
PRINTER = Device(
    "m-1",
    "192.168.1.40",
    "00:1b:a9:00:00:28",
    "Brother Industries, LTD.",
    ("BRW001BA9",),
    "printer",
    "Brother",
    "HL-L2350DW",
    profile=dict(BROTHER),
)
HIDDEN = Device("m-2", "192.168.1.50", "0a:1b:a9:00:00:32")
ROUTED = Device("a-192.168.7.9", "192.168.7.9")
NAS = Device("m-3", "192.168.1.60", "00:11:32:00:00:01", "Synology Incorporated", ("NAS",), "nas")
OPEN = ((80, "tcp", "http"), (161, "udp", "snmp"), (9100, "tcp", "unknown"))
NEW = Coming(ComingKind.NEW, PRINTER, nights=40, since=BEFORE, open=OPEN)
PHONE = Coming(ComingKind.NEW, HIDDEN, nights=2, since=BEFORE)
FAR = Coming(ComingKind.NEW, ROUTED, nights=40, since=BEFORE)
VISITOR = Coming(ComingKind.NEW, replace(HIDDEN, address="192.168.1.150"), quiet=True)
GONE = Coming(ComingKind.GONE, NAS, nights=30, since=BEFORE)
BACK = Coming(ComingKind.BACK, NAS, quiet=True, since=BEFORE)
PACS = Finding("dicom-query-answered", "m-1", 104, address="192.168.1.40")


def mail(
    catalogue: Catalogue,
    *comings: Coming,
    language: str = "fr",
    site: str = "Cabinet Dupont",
    found: bool = False,
) -> Content:
    changes = (Change(ChangeKind.APPEARED, PACS),) if found else ()
    alert = Alert("cabinet-dupont", "r", changes, comings, urgent=found)
    return compose(site, alert, {"m-1": PRINTER}, catalogue, Reader(language), True, FOUND_AT)  # noqa: FBT003


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_mail_reads_as_agreed(catalogue: Catalogue, language: str, snapshot: SnapshotAssertion) -> None:
    told = mail(catalogue, NEW, PHONE, FAR, VISITOR, GONE, BACK, language=language)
    assert told.subject == snapshot(name="subject")
    assert told.text == snapshot(name="text")
    assert told.html == snapshot(name="html")


def test_the_subject_alone_tells_the_site_what_and_where(catalogue: Catalogue) -> None:
    assert mail(catalogue, NEW).subject == (
        "Cabinet Dupont : un nouvel appareil sur le réseau : BRW001BA9, imprimante Brother HL-L2350DW "
        "(192.168.1.40)"
    )
    three = mail(catalogue, NEW, PHONE, FAR, language="en").subject
    assert three.startswith(
        "Cabinet Dupont: 3 new devices on the network: BRW001BA9, Brother HL-L2350DW printer, "
    )
    assert "pas vu depuis 30 nuits : NAS, serveur" in mail(catalogue, GONE).subject
    assert mail(catalogue, NEW, GONE, language="en").subject.endswith("; a device not seen for a long time")


def test_an_alert_takes_the_devices_along_behind_what_is_worse(catalogue: Catalogue) -> None:
    told = mail(catalogue, NEW, GONE, found=True)
    assert re.search(r"n'importe qui .*; un nouvel appareil", told.subject)
    assert told.text.index("QUE NOUS AVONS") < told.text.index("NOUVEAU SUR LE RÉSEAU")
    assert "Un problème demande votre attention." in told.html


def test_a_hidden_card_is_explained_with_the_way_to_quieten_visitors(catalogue: Catalogue) -> None:
    told = " ".join(mail(catalogue, PHONE, language="en").text.split())
    assert "probably a telephone or a laptop that hides its own" in told
    assert '[[ranges]] with expect = "phones"' in told
    assert "only since 20 October 2026 (2 nights before this one)" in told
    plain = " ".join(mail(catalogue, NEW, language="en").text.split())
    assert "[[ranges]]" not in plain
    assert "only since" not in plain


def test_nothing_about_one_that_is_gone_sounds_repaired(catalogue: Catalogue) -> None:
    told = " ".join(mail(catalogue, GONE, language="en").text.split())
    assert "that it no longer answers repairs nothing" in told
    assert "NEW ON THE NETWORK" not in told


def test_forty_new_devices_are_one_mail_that_can_be_read(catalogue: Catalogue) -> None:
    many = [
        replace(NEW, device=replace(PRINTER, id=f"m-{n}", address=f"10.0.{n // 250}.{n % 250}"))
        for n in range(300)
    ]
    told = mail(catalogue, *many, language="en")
    assert told.subject.startswith("Cabinet Dupont: 300 new devices on the network")
    assert told.text.count("First seen") == 8
    assert "and 252 more" in told.text
    assert len(told.text.splitlines()) < 250


def test_names_do_no_harm(hostile: str, catalogue: Catalogue) -> None:
    device = Device(
        "m-9",
        "192.168.1.9",
        hostile,
        hostile,
        (hostile,),
        hostile,
        hostile,
        hostile,
        profile={"kind": hostile},
    )
    comings = [replace(one, device=device, quiet=False) for one in (NEW, GONE, BACK)]
    for language in ("fr", "en"):
        told = mail(catalogue, *comings, site=hostile, language=language)
        assert 0 < len(told.subject) <= 150
        assert "<script" not in told.html
        for part in (told.subject, told.text, told.html):
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", part)
        assert max(map(len, told.text.splitlines())) <= 72


def part(kind: ComingKind, device: int, *, quiet: bool = False) -> ComingPart:
    return ComingPart(kind, f"d{device}", f"192.168.1.{device}", quiet, 30, "2026-10-20T21:04:00Z")


@pytest.fixture
def told(document: Document) -> Document:
    comings = (
        part(ComingKind.NEW, 50),
        part(ComingKind.NEW, 77, quiet=True),
        part(ComingKind.BACK, 40, quiet=True),
        part(ComingKind.GONE, 30),
    )
    return replace(document, comings=comings)


def drawn(made: object) -> str:
    console = Console(width=80, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as caught:
        console.print(made)
    return caught.get()


def test_who_is_told_stands_before_who_was_expected(told: Document) -> None:
    say = Phrases("en")
    assert [(one.word, one.address) for one in lines(say, told)] == [
        ("New device", "192.168.1.50"),
        ("No longer seen", "192.168.1.30"),
        ("New, expected", "192.168.1.77"),
        ("Back again", "192.168.1.40"),
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_terminal_tells_them_in_80_columns(
    told: Document, catalogue: Catalogue, language: str, snapshot: SnapshotAssertion
) -> None:
    moved = drawn(table.changes("Cabinet", told, catalogue, language))
    summary = drawn(table.summary("Cabinet", told, catalogue, language))
    assert max(map(len, (moved + summary).splitlines())) <= 80
    assert moved == snapshot(name="diff")
    assert summary.count("192.168.1.50") == 1
    assert "192.168.1.77" not in summary


def test_a_night_with_devices_only_is_not_called_one_without_changes(
    told: Document, catalogue: Catalogue
) -> None:
    only = replace(told, changes=())
    assert "Nothing changed" not in drawn(table.changes("Cabinet", only, catalogue, "en"))
    assert "New device" in drawn(table.changes("Cabinet", only, catalogue, "en"))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_tells_them(told: Document, catalogue: Catalogue, language: str) -> None:
    html = page.render("Cabinet", told, catalogue, language)
    word = {"fr": "Nouvel appareil", "en": "New device"}[language]
    assert re.search(rf"<h3>{word}.*Brother", html)
    assert "192.168.1.77" in html


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "Déjà connu de netwatch par un autre site"), ("en", "from another site")]
)
def test_one_that_visits_is_a_line_of_a_mail_and_never_its_reason(
    catalogue: Catalogue, language: str, words: str
) -> None:
    visitor = replace(NEW, kind=ComingKind.ELSEWHERE, quiet=True)
    told = mail(catalogue, visitor, found=True, language=language)
    assert words in " ".join(told.text.split())
    assert words in told.html
    assert "netwatch" not in told.subject
    alone = mail(catalogue, visitor, PHONE, language=language)
    assert "192.168.1.40" not in alone.subject


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_and_the_terminal_tell_one_that_visits_last(
    told: Document, catalogue: Catalogue, language: str
) -> None:
    visitor = ComingPart(ComingKind.ELSEWHERE, "m-9", "192.168.1.77", quiet=True, nights=3, since=None)
    document = replace(told, comings=(visitor, *told.comings))
    say = Phrases(language)
    assert lines(say, document)[-1].word == say("comings.kind.elsewhere")
    word = {"fr": "par un autre site", "en": "from another site"}[language]
    assert word in " ".join(page.render("Cabinet", document, catalogue, language).split())
