"""Can the list of devices be handed over, and does a spreadsheet in French open it with a double click?"""

from __future__ import annotations

import csv as reader
import io
import re
from dataclasses import replace

import pytest

from reports.inventory import COLUMNS, csv
from reports.phrase import Phrases
from tests.reports.conftest import night
from tests.reports.forty import forty
from tests.reports.internet import seen_from_outside


def rows(told: bytes, separator: str = ",") -> list[dict[str, str]]:
    text = told.decode("utf-8-sig")
    return list(reader.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def test_every_device_is_a_line_with_all_that_is_known_and_no_public_address_is_one() -> None:
    document = seen_from_outside()
    told = rows(csv(document, "en"))
    assert [row["Id"] for row in told] == [one.id for one in document.devices if one.kind != "internet"]
    assert len(told[0]) == len(COLUMNS)
    [pacs] = [row for row in told if row["Address"] == "192.168.1.20"]
    assert pacs["Ports"]
    assert pacs["Network card (MAC)"]


def test_a_french_spreadsheet_finds_its_mark_and_its_semicolons() -> None:
    told = csv(forty(), "fr")
    assert told.startswith(b"\xef\xbb\xbfNom;Autres noms;Genre;")
    [console] = [row for row in rows(told, ";") if row["Nom"] == "SCANNER-CT-CONSOLE"]
    assert (console["Genre"], console["Maintenance"], console["Précision"]) == (
        "appareil d'imagerie",
        "Plus maintenu",
        "depuis le 14/10/2025",
    )
    assert console["Qui dit autre chose"] == "Genre, selon d'autres: poste de travail (SMB)"


def test_an_english_one_finds_commas() -> None:
    told = csv(forty(), "en")
    assert told.startswith(b"\xef\xbb\xbfName,Other names,Kind,")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_nothing_but_the_days_looks_like_a_number_or_a_day(language: str) -> None:
    document = forty()
    ports = (22, 80), (10, 11, 12), (7, 8)
    services = tuple(
        replace(document.services[0], device=f"d{at}", port=port)
        for at, some in enumerate(ports, start=1)
        for port in some
    )
    told = rows(csv(replace(document, services=services), language), ";" if language == "fr" else ",")
    say = Phrases(language)
    days = {say(f"inventory.{name}") for name in ("age-read", "check-list", "first", "last")}
    for row in told:
        for head, cell in row.items():
            assert head in days or not re.fullmatch(r"\d+[.,]\d+|\d+-\d+|\d+/\d+", cell), (head, cell)
    assert [row[say("inventory.ports")] for row in told[:3]] == ["22, 80", "10\u201312", "7\u20138"]


def test_a_word_that_is_old_says_so_and_the_age_of_what_is_unknown_too() -> None:
    told = {row["Address"]: row for row in rows(csv(forty(), "en"))}
    assert told["192.168.1.3"]["Source read on"] == "2026-09-01 (more than 45 days)"
    assert told["192.168.1.5"]["Maintenance"] == "Unknown"
    assert told["192.168.1.5"]["Program and version"] == ""


def test_a_list_of_cisa_that_is_old_says_so() -> None:
    document = night()
    first = replace(document.devices[0], profile={"check_list": "2026-09-01", "check_stale": True})
    [row] = rows(csv(replace(document, devices=(first,)), "en"))
    assert row["CISA's list of"] == "2026-09-01 (more than 45 days)"


def test_a_name_that_would_be_a_formula_is_none() -> None:
    document = night()
    first = replace(document.devices[0], names=("=HYPERLINK(1)",))
    [row] = rows(csv(replace(document, devices=(first,)), "en"))
    assert row["Name"] == "'=HYPERLINK(1)"
