from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from netwatch.classes import table
from netwatch.document import CoveragePart, FailurePart
from netwatch.halt import AUTHORISATION, FELL_SILENT, STOPPED, WINDOW
from netwatch.model import Outcome, Reason, Vantage
from netwatch.visit import KEPT_BACK
from reports.annex import sheets
from reports.phrase import Phrases
from tests.reports.conftest import night
from tests.reports.internet import HOME, forward, seen_from_outside, statement

if TYPE_CHECKING:
    from netwatch.document import Document


def test_every_device_service_and_failure_has_its_row(document: Document) -> None:
    devices, services, coverage, failures = sheets(Phrases("fr"), document)
    assert len(devices.rows) == len(document.devices)
    assert len(services.rows) == len(document.services)
    assert len(failures.rows) == len(document.failures)
    assert coverage.rows
    for sheet in (devices, services, coverage, failures):
        assert {len(row) for row in sheet.rows} == {len(sheet.heads)}


def test_a_protocol_guessed_from_its_port_says_so(document: Document) -> None:
    services = sheets(Phrases("fr"), document)[1]
    protocols = {row[2]: row[3] for row in services.rows}
    assert protocols["3389/tcp"] == "RDP (supposé d'après le port)"
    assert protocols["104/tcp"] == "DICOM"


def test_coverage_tells_open_closed_and_silent_ports_of_a_device_in_one_row(document: Document) -> None:
    coverage = sheets(Phrases("en"), document)[2]
    [row] = [row for row in coverage.rows if row[1] == "192.168.1.40" and row[2] == "open ports"]
    assert row[4] == (
        ("open", "2762, 3389, 4242"),
        ("closed", "21-23, 443, 5900"),
        ("no reaction (filtered)", "445"),
    )


def test_a_failure_of_the_whole_check_is_not_pinned_on_a_device(document: Document) -> None:
    failure = FailurePart("sweep", Vantage.LAN, None, "", None, Reason.NMAP_FAILED, "died")
    failures = sheets(Phrases("en"), replace(document, failures=(failure,)))[3]
    assert failures.rows[0][0] == "whole network"


def test_the_annex_says_on_whose_word_an_address_is_ours_and_what_leads_where() -> None:
    found = {sheet.title: sheet for sheet in sheets(Phrases("en"), seen_from_outside())}
    [address] = found["Addresses on the internet"].rows
    assert address[:2] == (HOME, "the site file, a page that tells it")
    assert "3" in address
    links = {row[0]: row for row in found["Public ports, and where they lead"].rows}
    assert links[f"{HOME} 11112/tcp"][1:4] == (
        "PACS-CABINET",
        "192.168.1.20, port 11112",
        "The same certificate answers on both sides.",
    )
    said = found["What the box and others say"].rows
    assert {str(row[0]) for row in said} == {"UPnP", "Shodan"}
    assert all("18/11/2026" in row for row in said)


def test_a_night_inside_has_no_tables_of_the_internet() -> None:
    assert len(sheets(Phrases("en"), night())) == 4


SAID = {
    "": "5060",
    "unknown": "5060 (inconnu)",
    "computer": "5060 (ordinateur)",
    "other": "5060 (autre appareil)",
    "arp-response, localhost-response": "5060 (réponse ARP, cet ordinateur)",
    "its card is excluded": "5060 (sa carte réseau est exclue)",
    "since 2026-11-01T12:00:00Z": "5060 (depuis le 1er novembre 2026)",
    "since the flood": "5060 (since the flood)",
    KEPT_BACK: "5060 (leur silence ne prouve rien : l'hébergeur du serveur les retient peut-être)",
}


@pytest.mark.parametrize(("detail", "told"), SAID.items())
def test_why_a_port_was_not_asked_is_told_in_the_reader_s_language(
    document: Document, detail: str, told: str
) -> None:
    row = CoveragePart("sip_udp", Vantage.LAN, None, "192.168.1.20", "5060", Outcome.SPARED, detail)
    [seen] = sheets(Phrases("fr"), replace(document, coverage=(row,)))[2].rows
    label, outcomes = Phrases("fr")("phrase.outcome.spared"), seen[4]
    assert outcomes == ((label, told),)


def test_every_class_of_devices_and_every_end_of_a_scan_has_its_word(document: Document) -> None:
    details = [*table(), STOPPED, WINDOW, AUTHORISATION, FELL_SILENT]
    told = {
        language: [
            sheets(Phrases(language), replace(document, coverage=(ended(detail),)))[2].rows[0][4]
            for detail in details
        ]
        for language in ("fr", "en")
    }
    assert [
        english for english, french in zip(told["en"], told["fr"], strict=True) if english == french
    ] == []


def ended(detail: str) -> CoveragePart:
    """Something that was not asked, and why."""
    return CoveragePart("sweep", Vantage.LAN, None, "192.168.1.20", "", Outcome.SPARED, detail)


def test_a_forward_that_a_person_declared_is_told_with_who_and_when() -> None:
    declared = replace(
        forward(2222, "192.168.1.40", 22, by="Dr Martin"), vantage=Vantage.DECLARED, who="declared"
    )
    links = {"declared": "Declared 18 November 2026 by Dr Martin", "upnp": "UPnP, read 18 November 2026"}
    for one in (declared, forward(2222, "192.168.1.40", 22)):
        found = sheets(Phrases("en"), replace(seen_from_outside(), statements=(one,)))
        [sheet] = [sheet for sheet in found if sheet.title == "Public ports, and where they lead"]
        [row] = [row for row in sheet.rows if "2222" in row[0]]
        assert row[3] == links[one.who]


@pytest.mark.parametrize(("language", "label"), [("fr", "liste"), ("en", "list")])
def test_the_list_of_internetdb_is_no_list_of_forwards(language: str, label: str) -> None:
    one = statement("internetdb", Vantage.INTERNETDB, "listing", listing="whole")
    found = sheets(Phrases(language), replace(seen_from_outside(), statements=(one,)))
    facts = [cell for sheet in found for row in sheet.rows for cell in row if isinstance(cell, tuple)]
    assert label in {name for cell in facts for name, _ in cell}
