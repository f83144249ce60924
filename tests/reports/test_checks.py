"""Is what CISA lists told as something to check, and never as a hole of this device?"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reports.checks import checks, evidence, sentence, short, summed
from reports.phrase import Phrases
from tests.reports.conftest import night
from tests.reports.forty import DSM, WINDOWS

if TYPE_CHECKING:
    from netwatch.model import Facts

EN, FR = Phrases("en"), Phrases("fr")


def test_it_says_how_many_the_newest_and_what_to_do() -> None:
    [one] = checks(DSM)
    assert sentence(EN, one) == (
        "CISA, the American agency for cybersecurity, lists 3 exploited holes of Synology DSM "
        "(newest: CVE-2026-1234, since 12 May 2026). 1 is known to be used by ransomware. The list names no "
        "versions, so this device may be mended already: check that its maker's mends are in."
    )
    assert "CVE-2026-1234, depuis le 12 mai 2026" in sentence(FR, one)
    assert short(EN, one) == "To be checked: 3 exploited holes (CISA)"


def test_the_chance_is_the_consultants() -> None:
    [one] = checks(DSM)
    assert "EPSS" not in sentence(EN, one)
    assert "94 % (EPSS)" in evidence(EN, one)
    assert "EPSS" not in evidence(EN, replace(one, chance=None))


@pytest.mark.parametrize("say", [EN, FR])
def test_no_device_is_called_vulnerable(say: Phrases) -> None:
    for one in checks(DSM):
        for told in (short(say, one), sentence(say, one), evidence(say, one)):
            assert not re.search("vulnérable|vulnerable|has a hole|touché par", told)


def test_what_is_the_consultants_is_not_told_to_everybody() -> None:
    both: Facts = DSM | {key.replace("01", "02"): value for key, value in WINDOWS.items()}
    assert [one.product for one in checks(both)] == ["Synology DSM", "Windows client"]
    assert [one.product for one in checks(both, everybody=True)] == ["Synology DSM"]


def test_a_product_is_summed_over_the_devices_that_have_it() -> None:
    known = [replace(one, profile=WINDOWS) for one in night().devices[:3]]
    [told] = summed(EN, known)
    assert told.startswith("Windows client: 171 exploited holes")
    assert told.endswith("On 3 devices.")


@pytest.mark.parametrize(
    "profile",
    [
        {},
        {"check_list": "2026-11-21"},
        {"check_01_holes": "many"},
        {"check_01_holes": 0},
        {"check_02_holes": 3},
    ],
)
def test_a_profile_without_any_tells_nothing(profile: Facts) -> None:
    assert checks(profile) == ()
