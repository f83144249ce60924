"""Is it told who says what a device is, how sure that is, and who says otherwise?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from netwatch.recognised import Confidence
from reports.evidence import confidence, evidence, sources
from reports.phrase import Phrases
from tests.reports.conftest import night
from tests.reports.forty import forty

if TYPE_CHECKING:
    from netwatch.document import DevicePart
    from netwatch.model import Facts
    from reports.sheet import Cell

EN, FR = Phrases("en"), Phrases("fr")


def device(**profile: str | bool | None) -> DevicePart:
    facts: Facts = dict(profile)
    return replace(night().devices[1], profile=facts)


def row(one: DevicePart) -> tuple[Cell, ...]:
    [told] = evidence(EN, replace(night(), devices=(one,))).rows
    return told


def test_a_claim_has_its_source_and_who_disagrees_stands_beside_it() -> None:
    one = device(
        kind="medical-imaging",
        kind_by="dicom, mac",
        kind_other="workstation (smb)",
        confidence="certain",
        maker="GE",
        maker_by="user",
    )
    _, _, claims, _ = row(one)
    assert ("Kind", "imaging device (DICOM, its network card)") in claims
    assert ("Kind, as others say", "workstation (SMB)") in claims
    assert ("How sure is the kind", "it names itself") in claims
    assert ("Maker", "GE (a person)") in claims
    assert ("Network card", "00:11:32:aa:bb:14 Synology") in claims


def test_what_was_not_recognised_is_told_as_unknown() -> None:
    _, _, claims, rests_on = row(replace(device(), kind="unknown"))
    assert ("Kind", "unknown") in claims
    assert rests_on == (("Maintenance", "Unknown: what runs there was not recognised."),)


def test_an_age_rests_on_a_page_of_a_day_and_an_unknown_one_says_why() -> None:
    told: dict[str, str | bool | None] = {
        "age_product": "Samba",
        "age_version": "4.17",
        "age_state": "unknown",
        "age_why": "perhaps-packaged",
        "age_told_by": "smb",
        "age_source": "https://example.org/samba",
        "age_checked": "2026-09-01",
        "age_stale": True,
    }
    sentence = str(row(device(**told))[3])
    assert "https://example.org/samba, read 1 September 2026" in sentence
    assert "more than 45 days" in sentence
    assert "Why: its Linux may mend it without a new number." in sentence


def test_what_cisa_lists_is_told_to_the_consultant_of_a_windows_too() -> None:
    told = evidence(EN, forty())
    [console] = [one for one in told.rows if one[0] == "SCANNER-CT-CONSOLE"]
    assert "171 exploited holes" in str(console[3])


@pytest.mark.parametrize("say", [EN, FR])
def test_a_person_s_word_is_not_told_as_the_device_s_own(say: Phrases) -> None:
    theirs = confidence(say, device(confidence="certain", kind_by="user"))
    assert theirs
    assert theirs != confidence(say, device(confidence="certain", kind_by="ipp"))


@pytest.mark.parametrize("say", [EN, FR])
def test_every_confidence_has_its_word(say: Phrases) -> None:
    for one in Confidence:
        assert f"evidence.confidence.{one}" in say.messages.sentences
        assert confidence(say, device(confidence=one.value))


def test_a_source_without_a_word_is_told_as_it_is() -> None:
    assert sources(EN, "smb, something") == "SMB, something"
