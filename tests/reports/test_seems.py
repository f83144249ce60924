"""Is a device called what it seems to be, and is a guess told as a guess?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from netwatch.model import Device
from reports.phrase import Phrases
from reports.seems import called, evidence, hides, what

if TYPE_CHECKING:
    from netwatch.model import Fact, Facts

SAY = Phrases("en")
PRINTER = Device("m-1", "192.168.1.40", "00:1b:a9:00:00:28", "Brother Industries, LTD.", kind="printer")
UNKNOWN = replace(PRINTER, kind="unknown")


def told(**profile: Fact) -> Device:
    known: Facts = {"kind": "printer", "kind_by": "ipp", "confidence": "certain"}
    return replace(PRINTER, profile=known | profile)


def test_how_sure_it_is_is_told_with_whose_word_it_is() -> None:
    assert evidence(SAY, told(kind_by="ipp, mdns, wsd")) == (
        "printer: it says so itself (IPP, announcement to the whole network)."
    )
    assert evidence(SAY, told(confidence="likely")) == "very likely printer (source: IPP)."
    assert evidence(SAY, told(confidence="hint", kind_by="mac")) == (
        "perhaps printer; that is only a hint (network card)."
    )
    assert "only a hint (open ports, or the maker of the card)" in evidence(SAY, PRINTER)
    assert evidence(SAY, UNKNOWN) == "unknown: nothing that it shows tells what it is."
    assert evidence(SAY, told(kind_by="user")) == "printer: you said so."


def test_the_card_of_a_role_is_told_as_routers_and_as_no_machine() -> None:
    role = replace(UNKNOWN, mac="00:00:5e:00:01:33", vendor=None)
    assert what(SAY, role) == "address that routers share"
    assert "VRRP" in evidence(SAY, role)
    assert what(Phrases("fr"), role) == "adresse commune de routeurs"
    assert what(SAY, replace(role, kind="printer")) == "printer?"  # what it shows comes first


@pytest.mark.parametrize(
    ("device", "name"),
    [
        (told(), "Brother Industries printer"),
        (PRINTER, "Brother Industries printer?"),
        (replace(told(), maker="Brother", model="Brother HL-L2350DW"), "Brother HL-L2350DW printer"),
        (replace(told(), maker="Brother", model="HL-L2350DW"), "Brother HL-L2350DW printer"),
        (UNKNOWN, "unknown device, card by Brother Industries"),
        (replace(UNKNOWN, mac="0a:1b:a9:00:00:28", vendor=None), "device that hides its card"),
        (replace(UNKNOWN, mac=None, vendor=None), "unknown device"),
        (None, "unknown device"),
    ],
)
def test_a_device_is_called_what_it_seems_to_be(device: Device | None, name: str) -> None:
    assert what(SAY, device) == name


@pytest.mark.parametrize(
    ("vendor", "maker"),
    [
        ("Dell Inc.", "Dell"),
        ("GE Healthcare", "GE Healthcare"),
        ("Synology Incorporated", "Synology"),
        ("Samsung Electronics Co.,Ltd", "Samsung Electronics"),
        ("AVM GmbH", "AVM"),
        ("Cosmo Limited Editions", "Cosmo"),
        ("Sagemcom Broadband SAS", "Sagemcom Broadband"),
        ("Coretronic", "Coretronic"),
        ("AG Neovo", "AG Neovo"),
    ],
)
def test_a_maker_is_named_without_its_legal_form(vendor: str, maker: str) -> None:
    assert what(SAY, replace(UNKNOWN, vendor=vendor)) == f"unknown device, card by {maker}"


def test_its_own_name_comes_first() -> None:
    assert called(SAY, replace(told(), names=("BRW1", "x"))) == "BRW1, Brother Industries printer"
    assert called(SAY, told()) == "Brother Industries printer"


def test_a_card_that_is_not_seen_is_not_hidden() -> None:
    assert not hides(replace(PRINTER, mac=None))
    assert not hides(PRINTER)
    assert hides(replace(PRINTER, mac="0a:1b:a9:00:00:28"))
