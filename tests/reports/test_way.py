from __future__ import annotations

from dataclasses import replace

import pytest

from netwatch.model import Exposure, Vantage
from reports.phrase import Phrases
from reports.way import arrow, leads, led, place, subject
from tests.reports.internet import DICOM, HOME, PACS, finding, seen_from_outside

DEVICES = {device.id: device for device in seen_from_outside().devices}
OPEN = finding(DICOM, 11112, PACS)
INSIDE = seen_from_outside().findings[0]
FORWARD = replace(
    INSIDE,
    rule="box-forward",
    device="d1",
    address="192.168.1.1",
    port=2222,
    vantage=Vantage.DECLARED,
    exposure=Exposure.FORWARDED,
    link=replace(PACS, by="mapping"),
)


def test_an_address_on_the_internet_is_called_the_readers_own() -> None:
    assert place(Phrases("en"), OPEN) == f"your internet address {HOME}, port 11112"
    assert place(Phrases("fr"), replace(OPEN, transport="udp")).endswith("port 11112 (UDP)")


def test_a_port_that_the_box_forwards_is_not_told_as_a_port_of_its_own_address() -> None:
    told = place(Phrases("en"), FORWARD)
    assert told == "public port 2222 of your internet box"
    assert place(Phrases("en"), replace(FORWARD, port=0)) == "your internet box"
    assert place(Phrases("en"), INSIDE) == "192.168.1.20, port 11112"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_where_a_port_leads_names_the_device_its_address_its_port_and_how_we_know(language: str) -> None:
    told = leads(Phrases(language), OPEN, DEVICES)
    assert "PACS-CABINET" in told
    assert "192.168.1.20, port 11112" in told
    assert {"fr": "Le même certificat", "en": "The same certificate"}[language] in told


def test_what_is_not_known_is_said_and_not_guessed() -> None:
    say = Phrases("en")
    assert leads(say, replace(OPEN, link=None), DEVICES).startswith("We do not know which device")
    assert "where we know no device" in led(say, replace(PACS, device=""), DEVICES)
    assert "a port of it that we do not know" in led(say, replace(PACS, port=0), DEVICES)
    assert leads(say, INSIDE, DEVICES) == "", "a device of the practice leads nowhere"


def test_a_subject_says_from_where_it_was_seen_and_what_is_not_proved() -> None:
    say = Phrases("en")
    assert subject(say, OPEN, DEVICES) == "seen from the internet, port 11112 → PACS-CABINET"
    assert subject(say, replace(OPEN, link=None), DEVICES) == "seen from the internet, port 11112"
    assert subject(say, FORWARD, DEVICES) == "port 2222 of the internet box → PACS-CABINET, not proved"
    reported = finding("reported-open", 443, None, Exposure.REPORTED, Vantage.SHODAN)
    assert subject(say, reported, DEVICES) == "port 443, reported by others, not verified"
    assert subject(say, INSIDE, DEVICES) == "192.168.1.20, port 11112, reachable from internet"
    assert subject(say, INSIDE, DEVICES, stands=False) == "192.168.1.20, port 11112"
    stranger = replace(OPEN, link=replace(PACS, device=""))
    assert subject(say, stranger, DEVICES).endswith("→ 192.168.1.20")


def test_a_narrow_column_has_an_arrow() -> None:
    say = Phrases("en")
    assert arrow(say, PACS, DEVICES) == "→ PACS-CABINET 192.168.1.20:11112"
    assert arrow(say, replace(PACS, address="2001:db8::7", device=""), DEVICES) == "→ [2001:db8::7]:11112"
    assert arrow(say, replace(PACS, port=0), DEVICES) == "→ PACS-CABINET 192.168.1.20"
    assert arrow(say, None, DEVICES) == ""


def test_a_name_that_a_device_chose_harms_neither_place_nor_subject(hostile: str) -> None:
    devices = DEVICES | {"d20": replace(DEVICES["d20"], names=(hostile,))}
    for language in ("fr", "en"):
        told = subject(Phrases(language), OPEN, devices)
        assert told.isprintable()
        assert len(told) <= 80


@pytest.mark.parametrize(
    ("language", "person", "either"),
    [
        ("en", "a person read it on its pages", "the internet box says so, or the person who read its pages"),
        ("fr", "une personne l'a lu sur ses pages", "la box le dit, ou la personne qui a lu ses pages"),
    ],
)
def test_what_a_person_declared_is_not_told_as_the_box_s_word(
    language: str, person: str, either: str
) -> None:
    say = Phrases(language)
    assert person in leads(say, FORWARD, DEVICES)
    assert person not in leads(say, replace(FORWARD, vantage=Vantage.BOX), DEVICES)
    assert either in led(say, replace(PACS, by="mapping"), DEVICES)
    assert person not in leads(say, replace(FORWARD, link=PACS), DEVICES), "the certificate tells"


def test_a_public_port_has_its_article_in_french() -> None:
    assert place(Phrases("fr"), FORWARD) == "le port public 2222 de votre box"
