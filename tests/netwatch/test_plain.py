"""Is nothing kept that could be a patient, and does what servers really say survive?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.plain import discreet, model, plain, version
from tests.lab.canary import STORED

PEOPLE = [
    "DUPONT^JEAN",
    "DUPONT Jean",
    "Jean DUPONT",
    "Dupont, Jean",
    "O'BRIEN Mary",
    "LE-GOFF Yann",
    "Dossier de M. X",
    "Patient 12",
    "patients",
    "Liste des patientes",
    "né le 3 mai",
    "12/03/1961",
    "1961-03-12",
    "1 85 05 78 006 084 36",
    "185057800608436",
    "06 12 34 56 78",
    "Mme Durand",
]
WORDS = [
    "Synology DiskStation",
    "Freebox OS",
    "HP LaserJet M402dn",
    "nginx 1.22.1",
    "Orthanc Explorer",
    "Welcome to nginx!",
    "SRV-RADIO",
    "Connexion",
    "Livebox 6",
    "RouterOS v6.49.10",
    "Proxmox Virtual Environment",
    "backup",
    "Partage commun",
]


@pytest.mark.parametrize("told", PEOPLE)
def test_what_has_the_shape_of_a_person_or_a_record_is_not_kept(told: str) -> None:
    assert discreet(told) is None
    assert discreet(f"Accueil - {told} - page 2") is None
    assert discreet(told.encode()) is None


@pytest.mark.parametrize("told", [STORED[0], "1903-04-05", "19030405"])
def test_no_canary_of_the_lab_is_kept(told: str) -> None:
    assert discreet(told) is None


def test_where_nobody_vouches_for_a_text_two_capitals_are_enough() -> None:
    assert discreet("Jean Dupont", strict=True) is None
    assert discreet("DUPONT JEAN", strict=True) is None
    assert discreet("Welcome to nginx!", strict=True) == "Welcome to nginx!"


@pytest.mark.parametrize("told", WORDS)
def test_what_servers_really_say_is_kept(told: str) -> None:
    assert discreet(told) == told


def test_a_name_behind_the_cut_hides_the_whole() -> None:
    assert discreet("a" * 100 + " DUPONT^JEAN") is None


@given(st.text() | st.binary())
def test_what_is_kept_is_short_and_on_one_line(told: str | bytes) -> None:
    for kept in (plain(told), discreet(told)):
        assert kept is None or (0 < len(kept) <= 80 and kept.isprintable() and kept == kept.strip())


def test_escapes_and_line_ends_become_blanks() -> None:
    assert plain("a\x1b[31mb\r\nc\u202ed\x00") == "a [31mb c d"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("220 (vsFTPd 3.0.3)", "3.0.3"),
        ("220 (vsFTPd 3.0.3\x1b[0m)", "3.0.3"),
        ("220 ready", None),
        ("220 (vsFTPd <b>)", None),
    ],
)
def test_a_version_is_made_of_what_versions_are_made_of(told: str, kept: str | None) -> None:
    assert version(told, r"vsFTPd ([^)\s]+)") == kept


def test_a_version_is_never_longer_than_it_may_be() -> None:
    assert version("v" + "1" * 500, r"v(\d+)") == "1" * 40


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("EPSON Stylus Photo", "EPSON Stylus Photo"),
        ("Brother HL-L2350DW series", "Brother HL-L2350DW series"),
        ("HP LaserJet MFP M428fdw", "HP LaserJet MFP M428fdw"),
        ("DS-2CD2043G2-I", "DS-2CD2043G2-I"),
        ("HP DUPONT Jean", "HP"),
        ("Canon 12/03/1961", "Canon"),
        ("DUPONT JEAN", None),
        ("Jean Dupont", None),
        ("", None),
    ],
)
def test_a_device_is_known_by_its_model_and_never_by_a_person(told: str, kept: str | None) -> None:
    assert model(told) == kept
