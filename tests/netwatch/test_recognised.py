"""How are claims weighed, when they agree and when they do not?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.recognised import (
    KINDS,
    MEDICAL,
    NOTHING,
    Claim,
    Confidence,
    Software,
    kind_of,
    names_of,
    software_of,
    version_of,
    weighed,
)

CERTAIN, LIKELY, HINT = Confidence.CERTAIN, Confidence.LIKELY, Confidence.HINT


def says(source: str, value: str, confidence: Confidence = LIKELY, port: int = 0) -> Claim:
    return Claim(value, source, f"{source} says {value}", confidence, port)


def test_without_a_claim_nothing_holds() -> None:
    assert (weighed([]), version_of([]), kind_of([])) == (None, None, NOTHING)
    assert NOTHING.value == "unknown"


def test_the_surer_one_holds_and_the_other_is_kept() -> None:
    found = weighed([says("http", "A"), says("ipp", "B", CERTAIN)])
    assert found is not None
    assert (found.value, found.source, [one.value for one in found.others]) == ("B", "ipp", ["A"])


@pytest.mark.parametrize(
    ("ours", "theirs", "holds"),
    [
        ([LIKELY, LIKELY], CERTAIN, "ours"),
        ([CERTAIN, CERTAIN], CERTAIN, "ours"),
        ([LIKELY, LIKELY], LIKELY, "ours"),
        ([HINT, HINT], LIKELY, "theirs"),
        ([HINT, HINT], HINT, "ours"),
        ([LIKELY, HINT], CERTAIN, "theirs"),  # a hint is no second voice
        ([LIKELY], CERTAIN, "theirs"),
    ],
)
def test_two_sources_that_agree_outrank_one(ours: list[Confidence], theirs: Confidence, holds: str) -> None:
    claims = [says(f"o{at}", "ours", one) for at, one in enumerate(ours)] + [says("z", "theirs", theirs)]
    found = weighed(claims)
    assert found is not None
    assert found.value == holds


def test_one_source_that_repeats_itself_is_one() -> None:
    found = weighed([says("http", "A", port=80), says("http", "A", port=443), says("ipp", "B", CERTAIN)])
    assert found is not None
    assert (found.value, found.also) == ("B", ())


def test_two_ways_of_writing_one_thing_agree() -> None:
    found = weighed(
        [says("ipp", "HL-L2350DW"), says("mdns", "HL-L2350DW series"), says("snmp", "hl l2350dw")]
    )
    assert found is not None
    assert (found.others, set(found.sources)) == ((), {"ipp", "mdns", "snmp"})


@pytest.mark.parametrize("medical", MEDICAL)
def test_a_hint_of_a_medical_device_stands_before_everything(medical: str) -> None:
    others = [says(f"s{at}", one, CERTAIN) for at, one in enumerate(("printer", "printer", "nas", "server"))]
    found = kind_of([*others, says("mac", medical, HINT)])
    assert (found.value, {one.value for one in found.others}) == (medical, {"printer", "nas", "server"})


def test_of_medical_kinds_the_surer_holds_and_of_equals_the_more_careful() -> None:
    found = kind_of([says("mac", "archive", HINT), says("dicom", "medical-imaging")])
    assert found.value == "medical-imaging"
    assert kind_of([says("a", "medical-imaging"), says("b", "archive")]).value == "archive"


def test_a_longer_version_agrees_with_its_beginning() -> None:
    found = version_of([says("http", "7.2"), says("mdns", "7.2-64570")])
    assert found is not None
    assert (found.value, found.also, found.others) == ("7.2-64570", ("http",), ())


@pytest.mark.parametrize(
    ("one", "other"), [("7.2", "7.21"), ("1", "10"), ("6.49", "7.15"), ("9.2p1", "9.2p12")]
)
def test_a_version_is_not_the_beginning_of_a_longer_number(one: str, other: str) -> None:
    found = version_of([says("a", one), says("b", other)])
    assert found is not None
    assert {found.value, *(told.value for told in found.others)} == {one, other}


def test_what_is_told_was_said_by_its_source() -> None:
    found = version_of([says("ipp", "7.2", CERTAIN), says("http", "7.2.1", LIKELY)])
    assert found is not None
    assert (found.value, found.text) == ("7.2", "ipp says 7.2")


def test_software_is_told_once_and_the_careful_reading_of_it() -> None:
    one = says("ssh", "openssh", CERTAIN, 22)
    plain, packaged = Software("openssh", "9.2p1", one), Software("openssh", "9.2p1", one, packaged=True)
    silent = Software("openssh", None, says("ssh", "openssh", CERTAIN, 222))
    assert software_of([plain, silent, packaged]) == (packaged,)
    assert software_of([silent]) == (silent,)


def test_a_name_of_the_network_is_the_name() -> None:
    found = names_of([says("network", "Accueil.local"), says("mdns", "accueil"), says("dns", "autre")])
    assert [(one.value, one.also) for one in found] == [("accueil", ("network",)), ("autre", ())]


CLAIMS = st.lists(
    st.builds(
        says,
        st.sampled_from(["http", "ipp", "mdns", "snmp"]),
        st.sampled_from([*KINDS, "7.2", "7.2.1", "7.2-1", "7", ""]),
        st.sampled_from(list(Confidence)),
        st.sampled_from([0, 80]),
    ),
    max_size=9,
)


@given(claims=CLAIMS, data=st.data())
def test_the_order_of_claims_does_not_matter(claims: list[Claim], data: st.DataObject) -> None:
    other = data.draw(st.permutations(claims))
    for weigh in (weighed, version_of, kind_of):
        assert weigh(claims) == weigh(other)


@given(claims=CLAIMS)
def test_no_value_is_lost(claims: list[Claim]) -> None:
    found = kind_of(claims)
    assert {found.value, *(one.value for one in found.others)} - {"unknown"} == {one.value for one in claims}


@pytest.mark.parametrize(
    ("claims", "holds"),
    [
        ([says("nmap", "a much longer name"), says("http", "B")], "B"),
        ([says("nmap", "A", port=1), says("nmap", "A", port=2), says("http", "B")], "B"),
        ([says("nmap", "A"), says("http", "A"), says("upnp", "B", CERTAIN)], "B"),
        ([says("nmap", "A", HINT), says("ports", "B", HINT)], "B"),
        ([says("nmap", "A"), says("ports", "B", HINT)], "A"),
    ],
)
def test_nmap_is_no_second_voice_and_stands_below_who_is_as_sure(claims: list[Claim], holds: str) -> None:
    found = weighed(claims)
    assert found is not None
    assert found.value == holds
    assert weighed(reversed(claims)) == found


def test_where_nmap_says_the_same_the_device_is_told_as_the_one_who_said_it() -> None:
    found = weighed([says("nmap", "A", port=1), says("ssh", "A", port=22)])
    assert found is not None
    assert (found.source, found.also) == ("ssh", ("nmap",))
