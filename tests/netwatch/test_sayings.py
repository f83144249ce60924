"""Does a person's word hold, and is what is one told as one?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.document import DevicePart
from netwatch.model import Device
from netwatch.sayings import USER, Saying, Sayings, What, called, chosen, ruled, shown

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
A, B, C = (
    Device("m-001132aabb01", "192.168.1.20", "00:11:32:aa:bb:01", names=("console",)),
    Device("m-001132aabb02", "192.168.1.77", "00:11:32:aa:bb:02", names=("console",)),
    Device("a-10.1.0.5", "10.1.0.5"),
)


def same(card: str, lead: str, by: str = USER) -> Saying:
    return Saying(card, What.SAME, lead, by, NOW)


def part(device: Device, **profile: str) -> DevicePart:
    return DevicePart(
        device.id,
        device.address,
        device.mac,
        None,
        device.names,
        "workstation",
        None,
        None,
        None,
        "",
        "",
        None,
        {**profile},
    )


def test_cards_of_cards_are_all_one() -> None:
    said = Sayings((same(B.id, A.id), same(C.id, B.id)))
    assert {said.lead(one.id) for one in (A, B, C)} == {A.id}
    assert said.together(B.id) == {A.id, B.id, C.id}
    assert said.together("m-other") == {"m-other"}


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), max_size=6))
def test_whatever_was_said_everybody_has_one_lead(pairs: list[tuple[str, str]]) -> None:
    said = Sayings(tuple(same(card, lead) for card, lead in pairs))
    for one in "abcd":
        assert one in said.together(one)
        assert said.lead(one) in "abcd"


def test_a_name_and_a_kind_are_those_of_all_its_cards() -> None:
    words = (
        Saying(A.id, What.NAME, "Console du scanner", USER, NOW),
        Saying(A.id, What.KIND, "medical-imaging", USER, NOW),
    )
    one, other, stranger = ruled((A, B, C), Sayings((same(B.id, A.id), *words)))
    assert (one.given, other.given, stranger.given) == ("Console du scanner", "Console du scanner", None)
    assert (other.given_kind, other.part_of, one.part_of) == ("medical-imaging", A.id, None)
    assert one.called == "Console du scanner"
    assert C.called is None


def test_where_one_card_is_left_alone_so_are_the_others() -> None:
    alone = Device(A.id, A.address, A.mac, left_alone="2026-11-24T02:00:00Z")
    assert [one.left_alone for one in ruled((alone, B, C), Sayings((same(B.id, A.id),)))] == [
        alone.left_alone,
        alone.left_alone,
        None,
    ]


def test_a_report_shows_the_persons_word_and_beside_it_what_was_heard() -> None:
    said = Sayings(
        (Saying(A.id, What.KIND, "medical-imaging", USER, NOW), Saying(A.id, What.NAME, "Scanner", USER, NOW))
    )
    told = shown(part(A, kind="workstation", kind_by="smb", confidence="likely"), said)
    assert told.names == ("Scanner", "console")
    assert told.profile == {
        "kind": "medical-imaging",
        "kind_by": USER,
        "confidence": "certain",
        "kind_other": "workstation (smb)",
    }
    assert shown(part(A), Sayings()) == part(A)


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("192.168.1.20", {A.id}),
        ("00:11:32:AA:BB:02", {B.id}),
        ("00-11-32-aa-bb-02", {B.id}),
        ("a-10.1.0.5", {C.id}),
        ("Console", {A.id, B.id}),
        ("", set()),
        ("nobody", set()),
    ],
)
def test_a_device_is_chosen_by_what_a_person_knows_of_it(wanted: str, meant: set[str]) -> None:
    assert set(chosen(wanted, (A, B, C), Sayings())) == meant


def test_by_name_two_cards_are_one_and_a_card_without_a_row_is_found_by_its_card() -> None:
    assert chosen("console", (A, B), Sayings((same(B.id, A.id),))) == (A.id,)
    gone = Sayings((same("m-001132aabb09", A.id, "host-key"),))
    assert chosen("00:11:32:aa:bb:09", (A,), gone) == ("m-001132aabb09",)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  Console \n du\tscanner ", "Console du scanner"), ("\x1b[31mx", "[31mx"), ("\x00", "")],
)
def test_a_name_is_one_printable_line(typed: str, kept: str) -> None:
    assert called(typed) == kept
    assert len(called("é" * 500)) <= 60
