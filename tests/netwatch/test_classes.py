"""Is a device asked only what its class may be asked? The table, and the evidence that puts it there."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes
from netwatch import classes
from netwatch.classes import (
    MANNERS,
    MEDICAL,
    SEEN_DICOM,
    UNKNOWN,
    class_of,
    kind_of,
    manner_order,
    rank,
    table,
)
from netwatch.identity import vendor
from netwatch.options import configure
from netwatch.ports import curated

EVIDENCE = classes._data()[1]
MAKERS = [maker for one in EVIDENCE for maker in one.makers]
WORDS = [word for one in EVIDENCE for word in one.words]
KINDS = sorted(kind for one in table().values() for kind in one.kinds)


@pytest.fixture(scope="module")
def registry() -> dict[str, str]:
    """The makers that pymanuf ships, each with the beginning of a card of theirs."""
    text = (resources.files("pymanuf") / "manuf.txt").read_text(encoding="utf-8")
    rows = (line.split("\t", 1) for line in text.splitlines() if "\t" in line and line[0] != "#")
    return {name.strip(): begins.partition("/")[0].strip() for begins, name in rows}


def card(begins: str) -> str:
    """A whole MAC: `00:11:22` or `00:11:22:30:00:00`."""
    return f"{begins}:00:00:00"[:17].lower()


def test_each_class_may_be_asked_this_and_nothing_else() -> None:
    assert {name: (one.guarded, one.manners) for name, one in table().items()} == {
        "medical": (True, ("knock", "dicom")),
        "unknown": (True, ("knock", "dicom")),
        "internet": (True, ("knock", "dicom", "hear", "ipp", "web", "greet", "options")),
        "printer": (False, ("knock", "ipp", "snmp")),
        "box": (False, ("knock", "hear", "upnp", "web", "snmp", "names", "detect")),
        "computer": (
            False,
            ("knock", "dicom", "hear", "ipp", "web", "greet", "options", "snmp", "names", "detect", "audit"),
        ),
        "other": (False, ("knock", "hear", "options")),
    }


def test_only_of_what_is_not_guarded_and_of_the_internet_side_unknown_ports_are_tried() -> None:
    assert {name for name, one in table().items() if one.explores} == {
        *("box", "computer", "internet", "other", "printer"),
    }


def test_devices_are_looked_at_again_and_an_address_on_the_internet_is_not() -> None:
    assert {name for name, one in table().items() if one.looked_at} == {"medical", "unknown"}
    assert [name for name, one in table().items() if one.name != name] == []


def test_the_most_careful_classes_come_first() -> None:
    assert list(table())[:2] == [MEDICAL, UNKNOWN]


def test_every_manner_of_a_probe_is_in_the_table_and_explained_in_it() -> None:
    text = Path(classes.__file__).with_suffix(".toml").read_text(encoding="utf-8")
    explained = set(re.findall(r"(?m)^#   (\w+) +\w", text))
    known = {manner for one in table().values() for manner in one.manners}
    assert known == explained
    assert {probe.manner for probe in configure(probes.load(), {})} <= known


def test_the_gentlest_manner_is_asked_first_and_an_audit_last() -> None:
    known = {manner for one in table().values() for manner in one.manners}
    assert set(MANNERS) == known
    assert sorted(known, key=manner_order)[:3] == ["knock", "dicom", "hear"]
    assert manner_order("greet") < manner_order("web"), "GET / would be a question for a record to a Redis"
    assert sorted([*known, "new"], key=manner_order)[-2:] == ["audit", "new"]


def test_every_kind_is_of_one_class() -> None:
    assert len(KINDS) == len(set(KINDS))
    assert {one.kind for one in EVIDENCE} | SEEN_DICOM | {UNKNOWN} <= set(KINDS)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("medical", "medical"),
        ("archive", "medical"),
        ("medical-imaging", "medical"),
        ("unknown", "unknown"),
        ("printer", "printer"),
        ("box", "box"),
        ("computer", "computer"),
        ("phone", "other"),
        ("camera", "other"),
    ],
)
def test_a_kind_has_its_class(kind: str, name: str) -> None:
    assert class_of(kind).name == name


@given(st.text().filter(lambda kind: kind not in KINDS))
def test_a_kind_that_nobody_knows_is_treated_as_an_unknown_device(kind: str) -> None:
    assert class_of(kind) is table()[UNKNOWN]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("declared", list(table()))
def test_what_a_person_declares_wins_unless_the_device_has_spoken_dicom(kind: str, declared: str) -> None:
    expected = MEDICAL if kind in {"archive", "medical-imaging"} else declared
    assert class_of(kind, declared).name == expected


@pytest.mark.parametrize("maker", MAKERS)
def test_every_maker_in_the_table_makes_a_card_that_counts_as_medical(
    maker: str, registry: dict[str, str]
) -> None:
    begins_so = re.compile(re.escape(maker), re.IGNORECASE).match
    theirs = {name: card(begins) for name, begins in registry.items() if begins_so(name)}
    assert theirs, "the registry knows no such maker"
    known = {name for name, mac in theirs.items() if vendor(mac) == name}
    assert known, "the registry gives no card of theirs this name"
    assert {kind_of(vendor(theirs[name]), ()) for name in known} == {MEDICAL}


@pytest.mark.parametrize("word", WORDS)
def test_every_word_in_the_table_is_in_the_name_of_a_maker(word: str, registry: dict[str, str]) -> None:
    theirs = {card(begins) for name, begins in registry.items() if word.lower() in name.lower()}
    assert theirs
    assert MEDICAL in {kind_of(vendor(mac), ()) for mac in theirs}


@pytest.mark.parametrize("maker", ["Synology Incorporated", "Dell Inc.", "Intel Corporate", "Apple, Inc."])
def test_a_usual_maker_of_computers_proves_nothing(maker: str, registry: dict[str, str]) -> None:
    assert vendor(card(registry[maker])) == maker
    assert kind_of(maker, ()) == UNKNOWN


@pytest.mark.parametrize(
    ("maker", "kind"),
    [
        ("stryker corporation", "medical"),
        ("STRYKER CORPORATION", "medical"),
        ("Not Stryker Corporation", "unknown"),
        ("Philips Patient Monitoring", "medical"),
        ("Philips Lighting BV", "unknown"),
        ("Canon Medical Systems", "medical"),
        ("Canon Inc.", "unknown"),
        ("Acme ultrasound Ltd", "medical"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_maker_is_known_by_the_beginning_of_its_name_or_by_a_word_in_it(
    maker: str | None, kind: str
) -> None:
    assert kind_of(maker, ()) == kind


@pytest.mark.parametrize(
    ("ports", "kind"),
    [
        ([], "unknown"),
        ([80, 443], "unknown"),
        ([104], "medical"),
        ([2761], "medical"),
        ([2762], "medical"),
        ([11112], "medical"),
        ([4242], "medical"),
        ([2575], "medical"),
        ([6661], "medical"),
        ([22], "computer"),
        ([445], "computer"),
        ([5986], "computer"),
        ([9100], "printer"),
        ([515], "printer"),
        ([631], "printer"),
        ([62078], "phone"),
        ([554], "camera"),
        ([554, 80], "unknown"),
        ([554, 443], "unknown"),
        ([554, 8080], "camera"),
        # The strongest first.
        ([445, 104], "medical"),
        ([9100, 11112], "medical"),
        ([62078, 22], "phone"),
        ([22, 631], "computer"),
        ([631, 554], "printer"),
    ],
)
def test_open_ports_tell_a_kind_the_strongest_first(ports: list[int], kind: str) -> None:
    assert kind_of(None, ports) == kind
    assert kind_of(None, reversed(ports)) == kind


@pytest.mark.parametrize(
    ("maker", "ports", "kind"),
    [
        (None, [], "box"),
        ("Synology Incorporated", [22, 445, 9100], "box"),
        (None, [104], "medical"),
        ("Stryker Corporation", [], "medical"),
    ],
)
def test_the_gateway_is_a_box_unless_it_looks_medical(maker: str | None, ports: list[int], kind: str) -> None:
    assert kind_of(maker, ports, gateway=True) == kind
    assert kind_of(maker, ports) != "box"


@given(
    st.none() | st.sampled_from(["Dell Inc.", "HP Inc.", *MAKERS]),
    st.sets(st.sampled_from([*curated(), 9999, 50_001])),
    st.sampled_from([104, 2575, 2761, 2762, 4242, 6661, 11112]),
    st.booleans(),
)
def test_nothing_else_that_is_open_makes_a_medical_port_less_medical(
    maker: str | None,
    ports: set[int],
    medical: int,
    gateway: bool,  # noqa: FBT001 - hypothesis hands over by position
) -> None:
    assert kind_of(maker, {*ports, medical}, gateway=gateway) == MEDICAL


def test_a_kind_ranks_the_higher_the_more_careful_it_asks_us_to_be() -> None:
    ranked = sorted(KINDS, key=rank)
    assert ranked[-3:] == ["medical", "medical-imaging", "archive"]
    assert {rank(kind) for kind in ranked[:-3]} == {0}
    assert rank("nobody knows") == 0 < rank("medical")
