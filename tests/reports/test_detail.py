"""Is a doctor told what to act on, and not what only a specialist can use; a consultant everything?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from netwatch.model import Device, Exposure, Facts, Finding, Link, Vantage
from reports.detail import Detail
from reports.phrase import Phrases

PACS = Device("d20", "192.168.1.20", names=("PACS-CABINET",))
INSIDE = Finding("dicom-query-answered", "d20", 11112, address="192.168.1.20")
LINK = Link("d20", "192.168.1.20", 104, "certificate")
PUBLIC = replace(
    INSIDE,
    device="p-203.0.113.7",
    address="203.0.113.7",
    vantage=Vantage.OUTSIDE,
    exposure=Exposure.EXPOSED,
    link=LINK,
)
OLD: Facts = {
    "product": "Windows 10",
    "version": "10.0.19041",
    "told_by": "smb",
    "state": "ended",
    "until": "2025-10-14",
    "source": "https://endoflife.example/windows",
    "checked": "2026-11-01",
}


def detail(language: str = "fr", *, full: bool) -> Detail:
    return Detail(Phrases(language), {"d20": PACS}, full=full)


def test_both_are_told_where_it_is_inside() -> None:
    for full in (True, False):
        assert detail(full=full).place(INSIDE) == "192.168.1.20, port 11112"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_of_a_public_port_a_doctor_is_told_the_port_and_no_address(language: str) -> None:
    told = detail(language, full=False)
    assert "11112" in told.place(PUBLIC)
    assert "203.0.113.7" not in told.place(PUBLIC)
    assert "203.0.113.7" in detail(language, full=True).place(PUBLIC)


def test_how_we_know_where_a_port_leads_is_the_consultant_s() -> None:
    assert "certificat" in detail(full=True).leads(PUBLIC)
    assert detail(full=False).leads(PUBLIC) == "Dans le cabinet : 192.168.1.20, port 104"
    anywhere = replace(PUBLIC, link=replace(LINK, port=0))
    assert detail(full=False).leads(anywhere) == "Dans le cabinet : 192.168.1.20"
    assert detail(full=False).leads(INSIDE) == ""


@pytest.mark.parametrize("link", [None, replace(LINK, device="gone"), replace(LINK, device="")])
def test_where_no_device_can_be_named_a_doctor_is_told_that_nobody_knows(link: Link | None) -> None:
    told = detail(full=False).leads(replace(PUBLIC, link=link))
    assert told == "Nous ne savons pas à quel appareil du cabinet il mène. " + told.partition("mène. ")[2]
    assert "192.168" not in told


def test_an_old_product_is_told_to_both_and_who_says_so_and_where_to_one() -> None:
    told = replace(INSIDE, about=OLD)
    for part in ("SMB", "endoflife.example"):
        assert part in detail(full=True).about(told)
        assert part not in detail(full=False).about(told)
    expected = "Windows 10 10.0.19041 : plus maintenu depuis le 14 octobre 2025 (lu le 01/11/2026)"
    assert detail(full=False).about(told) == expected
    assert detail(full=False).about(INSIDE) == ""


def test_the_practice_s_own_addresses_are_the_consultant_s() -> None:
    for count in (("203.0.113.7",), ("203.0.113.7", "203.0.113.8")):
        assert "203.0.113.7" in detail(full=True).addresses(count)
        assert "203.0.113.7" not in detail(full=False).addresses(count)
        assert "essayée" in detail(full=False).addresses(count)
    assert detail(full=False).addresses(()) == ""


def test_a_small_change_is_told_by_its_device_and_to_a_consultant_by_its_place() -> None:
    assert detail(full=False).where(INSIDE, "PACS") == "PACS"
    assert detail(full=True).where(INSIDE, "PACS") == "PACS, 192.168.1.20, port 11112"
