from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from netwatch.model import Vantage
from reports.doors import doors
from reports.phrase import Phrases
from reports.said import Said
from tests.reports.internet import forward, seen_from_outside, service, statement

if TYPE_CHECKING:
    from netwatch.document import Document, StatementPart

BOX, DECLARED, SHODAN, INTERNETDB = Vantage.BOX, Vantage.DECLARED, Vantage.SHODAN, Vantage.INTERNETDB


def said(*statements: StatementPart, language: str = "en", document: Document | None = None) -> Said:
    part = document or replace(seen_from_outside(), services=())
    part = replace(part, statements=statements) if statements else part
    return Said(Phrases(language), part, doors(part))


def box(*statements: StatementPart, language: str = "en") -> str:
    return "\n".join(
        f"{who}: {line}" for who, lines in said(*statements, language=language).box() for line in lines
    )


def test_a_forward_is_told_with_its_device_its_program_and_its_date() -> None:
    told = box(forward(2222, "192.168.1.40", 22, comment="ssh"))
    assert told == (
        "UPnP, read 18 November 2026: port 2222 → accueil-pc (192.168.1.40, port 22); "
        "asked for by a program, “ssh”"
    )
    assert "only for 198.51.100.9" in box(forward(22, "192.168.1.40", 22, source="198.51.100.9"))
    assert "switched off" in box(forward(22, "192.168.1.40", 22, enabled=False))
    assert "ports 8000-8010 → 192.168.1.99, port 9000" in box(
        forward(8000, "192.168.1.99", 9000, ports="8000-8010")
    )
    assert "port 5060 (UDP)" in box(replace(forward(5060, "192.168.1.40", 5060), transport="udp"))


@pytest.mark.parametrize(
    ("language", "declared"),
    [("en", "Declared 18 November 2026 by Dr Martin"), ("fr", "Déclaré le 18 novembre 2026 par Dr Martin")],
)
def test_what_a_person_declared_is_told_as_theirs_with_the_day(language: str, declared: str) -> None:
    told = box(
        statement("declared", DECLARED, "dmz", enabled=True, to_address="192.168.1.20", by="Dr Martin"),
        language=language,
    )
    assert told.startswith(f"{declared}: ")
    assert "PACS-CABINET (192.168.1.20)" in told
    assert "DMZ" in told


def test_on_off_and_unknown_are_three_things() -> None:
    def wall(on: bool | None) -> str:  # noqa: FBT001 - what is tested
        return box(statement("livebox", BOX, "ipv6-firewall", enabled=on))

    assert "firewall is on" in wall(True)  # noqa: FBT003
    assert "firewall is off" in wall(False)  # noqa: FBT003
    assert wall(None) == ""
    assert "UPnP off" in box(statement("freebox", BOX, "upnp", enabled=False))
    assert "no DMZ" in box(statement("freebox", BOX, "dmz", enabled=False, to_address=None))
    off = box(statement("freebox", BOX, "dmz", enabled=False, to_address="192.168.1.20"))
    assert "everything" not in off


def test_an_empty_list_over_upnp_concludes_nothing_and_a_person_saw_that_there_was_none() -> None:
    assert "nothing can be concluded" in box(statement("upnp", BOX, "listing", listing="empty"))
    assert "not complete" in box(statement("upnp", BOX, "listing", listing="cut"))
    assert box(statement("upnp", BOX, "listing", listing="whole")) == ""
    none = box(statement("declared", DECLARED, "listing", listing="whole", count=0))
    assert "no forward on its page" in none


def test_upnp_that_answers_on_the_network_is_told_with_the_box() -> None:
    there = replace(
        service(1900, "upnp", enabled=True), vantage=Vantage.LAN, device="d1", address="192.168.1.1"
    )
    told = said(document=replace(seen_from_outside(), services=(there,), statements=())).box()
    assert [line for _, lines in told for line in lines] == [
        "any device of the practice may open a port by itself (UPnP on)"
    ]


def test_what_others_say_has_their_date_and_what_we_saw_of_it() -> None:
    told = said(document=seen_from_outside()).others()
    assert told == [
        "Shodan: port 443 (nginx) open, 18 November 2026. When we looked from outside, it was shut.",
        "Shodan: port 8080 open, 18 November 2026. We did not verify it.",
    ]


def test_what_others_say_and_answered_us_too_is_said() -> None:
    part = seen_from_outside()
    both = (
        *part.statements,
        statement("shodan", SHODAN, "dicom", 11112),
        statement("shodan", SHODAN, "ssh", 2222),
    )
    told = said(document=replace(part, statements=both)).others()
    assert any("11112" in line and "It answered us too." in line for line in told)
    assert any("2222" in line and "we did not see it answer" in line for line in told)


def test_knowing_nothing_is_not_told_as_good_news() -> None:
    [told] = said(statement("shodan", SHODAN, "listing", listing="empty")).others()
    assert "knows nothing" in told
    assert "does not say that nothing is open" in told
    cut, neighbours = said(
        statement("internetdb", INTERNETDB, "listing", listing="cut", neighbours=3)
    ).others()
    assert "more" in cut
    assert "3 ports" in neighbours


def test_without_a_date_of_theirs_none_is_made_up() -> None:
    [told] = said(statement("internetdb", INTERNETDB, "unknown", 8080, dated=False)).others()
    assert "without a date; read 18 November 2026" in told


def test_text_that_a_box_chose_does_no_harm(hostile: str) -> None:
    told = box(forward(2222, hostile, 22, comment=hostile, source=hostile, ports=hostile))
    told += "".join(said(statement("shodan", SHODAN, "http", 8080, product=hostile)).others())
    assert told.replace("\n", "").isprintable()
    assert "P" * 81 not in told
