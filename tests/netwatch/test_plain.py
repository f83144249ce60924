"""Is nothing kept that could be a patient, and does what servers really say survive?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.plain import discreet, hostname, model, plain, recorded, version
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
    "M. Dupont",
    "J.Dupont",
    "Dupont J.",
    "dupont jean",
    "DUPONT-JEAN",
    "Dupont_Jean",
    "dupont.jean",
    "Dupont/Jean",
    "DUPONT (Jean)",
    "Jean-Pierre Martin",
    "Charles de Gaulle",
    "Dupont 1975 Jean",
    "MAŁECKI Paweł",
    "Δημου Νικος",
    "J\ufffdr\ufffdme",
    "185/05/78/006/084",
    "1_85_05_2A_006_084_36",
    "1.85.05.78.006.084.36",
    "19750312",
    "12.03.1975",
    "12-03-75",
    "3/12/1975",
    "1975.3.12",
    "12 mars 1975",
    "1er mai 1961",
    "ZZTEST^PATIENT",
    "jean.dupont@clinique.fr",
    "Dr Dupont",
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
    "login page",
    "welcome to nginx",
    "The X.Org Foundation",
    "Hummingbird Ltd.",
    "AnyDesk Client",
    "Windows Server 2019",
    "Cisco Adaptive Security Appliance",
    "D-Link DCS-932L",
    "TP-LINK Archer",
    "Hewlett-Packard LaserJet",
    "Serv-U",
    "Partage de fichiers",
    "MSSQLSERVER",
    "DS-2CD2043G2-I",
]
HOSTS = [
    "POSTE-3",
    "poste-3.cabinet.lan",
    "CABINET",
    "WORKGROUP",
    "MARTIN",
    "PC-DUPONT",
    "SRV-RADIO",
    "DESKTOP-AB12CD3",
    "WIN-ABCDEFG",
    "nas.local",
    "localhost.localdomain",
    "mail.chu-lyon.fr",
    "*.example.org",
    "www.clinique-martin.fr",
    "SALLE-SCANNER",
    "NPI3A2B4C",
    "raspberrypi",
]
VERSIONS = (
    "9.2p1 10.11.19-MariaDB 2022.83 5.3.0-TS 18.9.0~dfsg 6.1.0-18-amd64 13.1-RELEASE-p9 V5.7.3 1.05"
    " 15.0.2000.5 7.0.15 2.4.57 3.5.28-beta 5.15.0-91-generic 10.0.22631.3007 8.1.2-1ubuntu2.14 1.1.1k-fips"
)


@pytest.mark.parametrize("told", PEOPLE)
def test_what_has_the_shape_of_a_person_or_a_record_is_not_kept(told: str) -> None:
    assert discreet(told) is None
    assert discreet(f"Accueil - {told} - page 2") is None
    assert discreet(told.encode()) is None


@pytest.mark.parametrize("told", [STORED[0], "1903-04-05", "19030405"])
def test_no_canary_of_the_lab_is_kept(told: str) -> None:
    assert discreet(told) is None


def test_behind_a_maker_s_name_two_words_may_be_a_model() -> None:
    assert discreet("Stylus Lumina", strict=False) == "Stylus Lumina"
    assert discreet("Lumina Bravia", strict=False) == "Lumina Bravia"
    assert discreet("Lumina Bravia") is None
    assert discreet("Lumina, Bravia", strict=False) is None
    assert discreet("MAŁECKI Paweł", strict=False) is None


@pytest.mark.parametrize("told", HOSTS)
def test_the_name_of_a_machine_is_kept(told: str) -> None:
    assert hostname(told) == told
    assert hostname(told.encode()) == told


@pytest.mark.parametrize(
    "told", [*PEOPLE, "nas_2 ", "nas 2", "nas;2", "-nas", "srv-123456", "jean.dupont.clinique.fr", ""]
)
def test_what_has_not_the_shape_of_a_machine_s_name_is_not_kept(told: str) -> None:
    assert hostname(told) in {None, "nas_2"}


@pytest.mark.parametrize(
    "told",
    ["patient-dupont", "PC-19030405", "dupont-03041903", "dossier_zzcanary", "zz^one", "poste-1903-04-05"],
)
def test_a_machine_that_is_called_like_a_record_is_told(told: str) -> None:
    assert recorded(told)


@pytest.mark.parametrize(
    "told", [*HOSTS, "borne-patients", "pc-patient-accueil", "BRN30055C6F279F", "BRW123456789012", "srv-20"]
)
def test_a_machine_that_is_called_like_one_is_not(told: str) -> None:
    assert not recorded(told)


def test_a_machine_s_name_is_cut_only_after_it_was_looked_at() -> None:
    assert hostname("x" * 70) == "x" * 60
    assert hostname("x" * 61 + ".dupont.jean") is None


@pytest.mark.parametrize("told", VERSIONS.split())
def test_a_real_version_is_kept_whole(told: str) -> None:
    assert version(told, r"^(\S+)") == told


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("DUPONT-JEAN.19750312", None),
        ("1_DUPONT-JEAN-19750312", None),
        ("DUPONT-JEAN_19750312", None),
        ("175036278901234", None),
        ("1.85.05.78.006.084.36", None),
        ("06.12.34.56.78", None),
        ("12.03.1975", None),
        ("1975.03.12", None),
        ("1-LEE-ANN", None),
        ("MARTIN", None),
        ("1.0.19750312", "1.0"),
        ("1.0-MARTIN", "1.0"),
        ("1.0.123456.2", "1.0"),
        ("2022.12.01", "2022.12"),
    ],
)
def test_a_version_ends_before_what_could_be_a_person(told: str, kept: str | None) -> None:
    assert version(told, r"^(\S+)") == kept


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
    assert version("v" + "1.2." * 100, r"v([\d.]+)") == "1.2." * 10


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
