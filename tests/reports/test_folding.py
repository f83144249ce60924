from __future__ import annotations

from dataclasses import replace

from netwatch.change import ChangeKind
from netwatch.document import AcceptedPart, ChangePart, FindingPart
from netwatch.model import Severity, Status
from reports.folding import folded, folded_changes, place, twins
from tests.reports.internet import DICOM, HOME, PACS, PUBLIC, finding, seen_from_outside


def rows(findings: list[FindingPart]) -> list[tuple[str, str, int]]:
    return [(one.rule, one.device, one.port) for one in findings]


def test_what_is_seen_from_both_sides_is_told_once_and_as_from_outside() -> None:
    told = rows(folded(seen_from_outside().findings))
    assert (DICOM, PUBLIC, 11112) in told
    assert (DICOM, "d20", 11112) not in told
    assert (DICOM, "d21", 104) in told, "the same rule at another device is another trouble"
    assert ("dicom-store-negotiated", "d20", 11112) in told, "another rule at the same service is, too"


def test_two_ways_into_one_service_stay_two() -> None:
    told = folded([finding(DICOM, 11112, PACS), finding(DICOM, 4242, PACS)])
    assert [one.port for one in told] == [11112, 4242]


def test_what_is_shut_from_outside_hides_nothing_that_is_open_inside() -> None:
    inside = seen_from_outside().findings[0]
    for status in (Status.RESOLVED, Status.UNVERIFIED):
        both = [inside, replace(finding(DICOM, 11112, PACS), status=status)]
        assert folded(both) == both


def test_a_port_that_leads_to_nobody_we_know_is_nobodys_twin() -> None:
    inside = seen_from_outside().findings[0]
    assert place(inside) in twins([finding(DICOM, 11112, PACS)])
    assert not twins([finding(DICOM, 11112, None), finding(DICOM, 11112, replace(PACS, device=""))])
    assert place(inside) not in twins([finding(DICOM, 11112, replace(PACS, port=0))])
    assert place(inside) not in twins([replace(finding(DICOM, 11112, PACS), transport="udp")])


def test_a_change_is_told_once_where_both_sides_changed_alike() -> None:
    def change(kind: ChangeKind, device: str, address: str) -> ChangePart:
        return ChangePart(kind, DICOM, Severity.CRITICAL, device, address, 11112, "", None)

    document = seen_from_outside()
    outside = change(ChangeKind.APPEARED, PUBLIC, HOME)
    inside = change(ChangeKind.APPEARED, "d20", "192.168.1.20")
    assert folded_changes(replace(document, changes=(inside, outside))) == [outside]
    other = replace(inside, kind=ChangeKind.RESOLVED)
    assert folded_changes(replace(document, changes=(other, outside))) == [other, outside]


def test_what_is_accepted_hides_nothing_that_is_not() -> None:
    inside, outside = seen_from_outside().findings[0], finding(DICOM, 11112, PACS)
    assert folded([inside, outside]) == [outside]
    word = AcceptedPart("Dr Martin", "2026-11-23T20:58:12Z", "2027-06-30", "replaced in June")
    there, here = replace(outside, accepted=word), replace(inside, accepted=word)
    assert folded([inside, there]) == [inside, there]
    assert folded([here, outside]) == [here, outside]
    assert folded([here, there]) == [there]
