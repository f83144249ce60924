"""What is each device asked tonight, and how carefully? Never a port too many, and never on a mere guess."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwatch.classes import table
from netwatch.model import Device
from netwatch.ports import curated
from netwatch.portset import EVERY, LAST, PortSet
from netwatch.scope import Scope
from netwatch.slices import Round
from netwatch.tonight import Tonight

SCOPE = Scope((IPv4Network("192.168.1.0/24"),), until=date.max)
CARD = "00:11:32:aa:bb:cc"
BEGAN = datetime(2026, 11, 23, 22, tzinfo=UTC)
NONE = PortSet()
EVERY_PORT = frozenset(EVERY)

# Ports of the list, near them, and the one that nobody knocks at.
PORTS = st.sets(st.sampled_from([*curated(), 9999]) | st.integers(1, LAST), max_size=20)


def a_scope(excluded: set[int]) -> Scope:
    return replace(SCOPE, excluded_ports=frozenset(excluded))


def device(address: str = "192.168.1.20", **more: object) -> Device:
    return Device("d", address, **more)  # type: ignore[arg-type]


@given(PORTS, PORTS, PORTS)
def test_every_night_are_the_usual_ports_the_sites_own_and_those_once_open_but_none_that_is_excluded(
    extra: set[int], opened: set[int], excluded: set[int]
) -> None:
    tonight = Tonight(
        a_scope(excluded), extra_ports=tuple(extra), open_before={"d": frozenset(opened), "other": EVERY_PORT}
    )
    assert set(tonight.nightly("d")) == ({*curated()} | extra | opened) - excluded - {9999}
    assert set(tonight.nightly("new")) == ({*curated()} | extra) - excluded - {9999}


@given(PORTS)
def test_nobody_is_ever_asked_what_is_excluded_or_the_port_that_prints_by_itself(excluded: set[int]) -> None:
    tonight = Tonight(a_scope(excluded))
    assert set(tonight.never()) == excluded | {9999}


def test_on_its_first_night_a_device_is_asked_no_slice() -> None:
    tonight = Tonight(SCOPE, nights=14, known=frozenset({"other"}))
    assert tonight.slice("d") == NONE


@pytest.mark.parametrize(("nights", "size"), [(14, 13), (2, 1), (366, 365)])
def test_from_its_second_night_on_it_is_asked_one(nights: int, size: int) -> None:
    tonight = Tonight(SCOPE, nights=nights, known=frozenset({"d"}))
    rest = EVERY - tonight.nightly("d") - PortSet.of([9999])
    assert tonight.slice("d") == rest.first(-(-len(rest) // size))


def test_without_nights_no_slice_is_asked() -> None:
    assert Tonight(SCOPE, nights=0, known=frozenset({"d"})).slice("d") == NONE


def test_a_slice_goes_on_where_the_device_left_off_and_not_where_another_did() -> None:
    rounds = {"d": Round("d", BEGAN, "1-2000"), "other": Round("other", BEGAN, "1-60000")}
    tonight = Tonight(SCOPE, nights=14, known=frozenset({"d", "other", "new"}), rounds=rounds)
    assert next(iter(tonight.slice("d"))) == 2001
    assert next(iter(tonight.slice("other"))) == 60_001
    assert next(iter(tonight.slice("new"))) == 1


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("nights", [0, 14])
def test_all_ports_at_once_is_everything_that_is_left_for_everybody(nights: int, *, known: bool) -> None:
    rounds = {"d": Round("d", BEGAN, "1-60000")}
    tonight = Tonight(
        SCOPE, nights=nights, all_ports=True, known=frozenset({"d"} if known else ()), rounds=rounds
    )
    usual = PortSet.of([*curated(), 9999])
    assert tonight.slice("d") == EVERY - usual - PortSet.parse("1-60000")
    assert tonight.slice("new") == EVERY - usual


@settings(deadline=None)
@given(PORTS, PORTS, PORTS, st.booleans(), st.integers(0, 20))
def test_a_slice_never_holds_a_usual_an_excluded_or_a_done_port(
    excluded: set[int],
    opened: set[int],
    done: set[int],
    all_ports: bool,  # noqa: FBT001 - hypothesis hands over by position
    nights: int,
) -> None:
    tonight = Tonight(
        a_scope(excluded),
        nights=nights,
        all_ports=all_ports,
        known=frozenset({"d"}),
        open_before={"d": frozenset(opened)},
        rounds={"d": Round("d", BEGAN, str(PortSet.of(done)))},
    )
    asked = tonight.slice("d")
    assert not [port for port in {*excluded, *opened, *done, *curated(), 9999} if port in asked]
    assert bool(asked) == (all_ports or nights > 0)


def test_a_device_is_of_the_class_that_its_kind_says() -> None:
    tonight = Tonight(SCOPE)
    assert tonight.is_a(device(kind="printer")).name == "printer"
    assert tonight.is_a(device()).name == "unknown"
    assert tonight.is_a(device(kind="toaster")).name == "unknown"


def test_a_declared_class_is_found_by_address_and_by_card() -> None:
    tonight = Tonight(SCOPE, declared={"192.168.1.20": "computer", CARD: "medical"})
    assert tonight.is_a(device()).name == "computer"
    assert tonight.is_a(device("192.168.1.77", mac=CARD)).name == "medical"
    assert tonight.is_a(device("192.168.1.77", mac="00:11:32:aa:bb:cd", kind="printer")).name == "printer"
    assert tonight.is_a(device("192.168.1.77")).name == "unknown"


@pytest.mark.parametrize("kind", ["archive", "medical-imaging"])
def test_a_device_that_spoke_dicom_stays_medical_whatever_is_declared(kind: str) -> None:
    tonight = Tonight(SCOPE, declared={"192.168.1.20": "computer"})
    assert tonight.is_a(device(kind=kind)).name == "medical"
    assert tonight.is_a(device(kind="medical")).name == "computer"


@pytest.mark.parametrize("kind", ["computer", "printer", "camera", "phone", "box", "other", "unknown"])
def test_without_a_card_it_may_be_another_device_by_now_and_starts_as_unknown(kind: str) -> None:
    tonight = Tonight(SCOPE)
    expected = tonight.expected(device(kind=kind))
    assert expected.kind == "unknown"
    assert tonight.is_a(expected) is table()["unknown"]
    assert tonight.is_a(expected).guarded


@pytest.mark.parametrize("kind", ["computer", "printer", "camera", "phone", "box", "other"])
def test_with_a_card_it_is_what_it_was(kind: str) -> None:
    assert Tonight(SCOPE).expected(device(mac=CARD, kind=kind)).kind == kind


@pytest.mark.parametrize("kind", ["medical", "medical-imaging", "archive"])
@pytest.mark.parametrize("mac", [None, CARD])
def test_what_was_medical_stays_medical_with_or_without_a_card(kind: str, mac: str | None) -> None:
    tonight = Tonight(SCOPE, gateway="192.168.1.20")
    expected = tonight.expected(device(mac=mac, kind=kind))
    assert expected.kind == kind
    assert tonight.is_a(expected).name == "medical"


def test_the_maker_of_a_card_makes_it_medical_before_a_packet_is_sent() -> None:
    tonight = Tonight(SCOPE)
    for kind in ("unknown", "computer", "printer"):
        seen = device(mac=CARD, vendor="Stryker Corporation", kind=kind)
        assert tonight.expected(seen).kind == "medical"


def test_what_else_is_known_of_a_device_stays_known() -> None:
    seen = device(mac=CARD, names=("PACS",), vendor="Synology", kind="computer", left_alone="2026-11-20")
    assert Tonight(SCOPE).expected(seen) == seen
    assert Tonight(SCOPE).expected(replace(seen, mac=None)) == replace(seen, mac=None, kind="unknown")


def test_the_box_is_known_by_the_address_of_the_gateway_even_without_a_card() -> None:
    tonight = Tonight(SCOPE, gateway="192.168.1.1")
    assert tonight.is_gateway(device("192.168.1.1"))
    assert not tonight.is_gateway(device("192.168.1.11"))
    assert tonight.expected(device("192.168.1.1", kind="computer")).kind == "box"
    assert tonight.expected(device("192.168.1.11")).kind == "unknown"
    assert not Tonight(SCOPE).is_gateway(device("192.168.1.1"))


def test_told_two_things_of_a_device_the_more_careful_one_holds() -> None:
    device = Device("d", "192.168.1.20", mac="00:11:22:33:44:55")
    declared = {"192.168.1.20": "computer", "00:11:22:33:44:55": "medical"}
    assert (
        Tonight(Scope((IPv4Network("192.168.1.0/24"),), until=date.max), declared=declared).is_a(device).name
        == "medical"
    )


@pytest.mark.parametrize(
    ("heard", "given", "declared", "expected"),
    [
        ("medical", "workstation", None, "computer"),
        ("workstation", "medical-imaging", None, "medical"),
        ("archive", "workstation", None, "medical"),
        ("unknown", "printer", None, "printer"),
        ("unknown", "printer", "medical", "medical"),
        ("workstation", None, None, "computer"),
    ],
)
def test_a_persons_word_decides_what_a_device_is_asked_unless_it_speaks_dicom(
    heard: str, given: str | None, declared: str | None, expected: str
) -> None:
    one = device(kind=heard, given_kind=given)
    tonight = Tonight(SCOPE, declared={one.address: declared} if declared else {})
    assert tonight.is_a(one).name == expected


def test_of_two_cards_the_more_careful_one_decides_for_both() -> None:
    one = device(kind="workstation")
    assert Tonight(SCOPE, as_careful={"d": "archive"}).is_a(one).name == "medical"
    assert Tonight(SCOPE, as_careful={"other": "archive"}).is_a(one).name == "computer"
