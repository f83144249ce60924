"""Would a doctor know the devices again, and is what is unknown told as unknown?"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netwatch.lifecycle import State, Why
from netwatch.model import Status
from netwatch.recognised import KINDS
from reports import devices
from reports.devices import FAMILIES, WORST, about, age, families, opened, tally, to_check
from reports.phrase import Phrases
from tests.reports.conftest import hostile_night, night
from tests.reports.forty import forty
from tests.reports.internet import seen_from_outside

if TYPE_CHECKING:
    from netwatch.document import Document
    from netwatch.model import Facts
    from reports.devices import Row

EN, FR = Phrases("en"), Phrases("fr")


def rows(say: Phrases, document: Document) -> dict[str, Row]:
    return {row.address: row for family in families(say, document) for row in family.rows}


def test_every_device_is_in_one_family_and_no_address_on_the_internet_is_a_device() -> None:
    for document in (forty(), seen_from_outside()):
        known = [one.address for one in document.devices if one.kind != "internet"]
        told = [row.address for family in families(FR, document) for row in family.rows]
        assert sorted(told) == sorted(known)


def test_a_row_says_what_the_device_is_in_words() -> None:
    row = rows(FR, forty())["192.168.1.2"]
    assert (row.name, row.kind, row.made) == (
        "SCANNER-CT-CONSOLE",
        "appareil d'imagerie",
        "GE Healthcare Revolution Maxima",
    )
    assert (row.software, row.age, row.detail, row.read) == (
        "Windows 10 1607 10.0.14393",
        "Plus maintenu",
        "depuis le 14/10/2025",
        "lu le 10/11/2026",
    )
    assert row.services == ("imagerie (DICOM)", "partage de fichiers", "partage d'écran")


def test_what_is_not_known_is_told_as_unknown() -> None:
    told = rows(EN, forty())
    nameless, stranger, phone = told["192.168.1.5"], told["192.168.1.36"], told["192.168.1.39"]
    assert (nameless.name, nameless.kind, nameless.age) == ("Medical device", "name unknown", "Unknown")
    assert (stranger.name, stranger.kind, stranger.made, stranger.software) == ("Unnamed device", "", "", "")
    assert (phone.name, phone.kind) == ("iPhone-du-Dr-Martin", "kind unknown")
    assert stranger.detail == "what runs there was not recognised"


def test_a_page_that_was_read_long_ago_says_so_in_the_row() -> None:
    assert rows(EN, forty())["192.168.1.3"].read == "read 01/09/2026, more than 45 days ago"


def test_a_device_that_was_not_seen_is_told_as_such() -> None:
    told = rows(EN, night())
    assert [row.address for row in told.values() if not row.seen] == ["192.168.1.30"]


def test_the_age_is_the_worst_of_what_is_known_to_run_there() -> None:
    document = night()
    ended: Facts = {"product": "Windows 7", "state": "ended", "until": "2020-01-14"}
    device = replace(document.devices[1], profile={"age_product": "Orthanc", "age_state": "supported"})
    finding = replace(document.findings[0], about=ended)
    whole = replace(document, devices=(device,), findings=(finding,))
    assert about(whole, device) == ended
    mended = replace(whole, findings=(replace(finding, status=Status.RESOLVED),))
    assert about(mended, device)["product"] == "Orthanc"


def test_a_port_that_nobody_recognised_is_counted_and_a_guess_is_one() -> None:
    services = [one for one in night().services if one.device in {"d40", "d50"}]
    assert opened(EN, services) == (
        "remote desktop (by its port)",
        "imaging (DICOM)",
        "1 port of unknown use",
    )


def test_the_tally_counts_every_device_once() -> None:
    told = tally(EN, rows(EN, forty()).values())
    assert told == (
        "39 devices are known, 35 seen in this check. Their programs: 1 to be updated, "
        "2 no longer maintained, 4 that end soon, 5 maintained, 27 unknown."
    )


def test_only_what_everybody_is_told_is_on_the_list_to_check() -> None:
    [(where, [told])] = to_check(EN, forty())
    assert where == "PACS-CABINET, 192.168.1.3"
    assert "Synology DSM" in told


@pytest.mark.parametrize("say", [EN, FR])
def test_every_kind_has_its_word_and_its_family(say: Phrases) -> None:
    placed = {kind for kinds in FAMILIES.values() for kind in kinds}
    for kind in KINDS:
        assert f"phrase.kind.{kind}" in say.messages.sentences
        assert kind in placed


@pytest.mark.parametrize("say", [EN, FR])
def test_every_state_and_every_reason_has_its_words(say: Phrases) -> None:
    assert set(WORST) == set(State)
    for state in State:
        word, detail = age(say, {"state": state, "until": "2027-01-31", "last_safe": "2"})
        assert word
        assert detail
    for why in Why:
        assert f"aged.why.{why}" in say.messages.sentences


def test_both_languages_have_a_word_for_the_same_services() -> None:
    told = [
        tomllib.loads(Path(devices.__file__).with_suffix(f".{one}.toml").read_text(encoding="utf-8"))
        for one in ("en", "fr")
    ]
    assert told[0]["service"].keys() == told[1]["service"].keys()
    for name in told[0]["service"]:
        assert f"annex.protocols.{name}" in EN.messages.sentences


def test_words_that_a_device_chose_do_no_harm(hostile: str) -> None:
    for row in rows(EN, hostile_night(hostile)).values():
        for text in (row.name, row.kind, row.made, row.software, *row.services):
            assert not any(mark in text for mark in ("\x1b", "\r", "\n", "\u202e", "\x9b"))


def test_two_cards_are_one_row_with_all_that_stands_open_and_the_latest_address() -> None:
    document = forty()
    console, printer = document.devices[1], document.devices[20]
    part = replace(
        printer, part_of=console.id, last_seen="2030-01-01T00:00:00Z", first_seen="2001-01-01T00:00:00Z"
    )
    merged = replace(document, devices=tuple(part if one is printer else one for one in document.devices))
    told = rows(EN, merged)
    assert console.address not in told
    row = told[part.address]
    assert (row.name, row.cards) == (console.called, (f"{console.address} {console.mac}",))
    ports = {one.port for one in document.services if one.device in {console.id, part.id}}
    assert set(row.ports) == ports > {one.port for one in document.services if one.device == part.id}
    assert (
        sum(len(family.rows) for family in families(EN, merged))
        == sum(len(family.rows) for family in families(EN, document)) - 1
    )


def test_a_persons_name_stands_before_the_names_heard() -> None:
    document = forty()
    named = replace(document.devices[1], given="Scanner du sous-sol")
    told = rows(EN, replace(document, devices=(*document.devices[:1], named, *document.devices[2:])))
    assert told[named.address].name == "Scanner du sous-sol"
