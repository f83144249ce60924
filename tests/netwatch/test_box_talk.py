"""What is believed of a value that a box sends? Only what it plainly is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.box.talk import SILENCES, address, entries, flag, handed, in_sentences, number, ports, sources
from netwatch.errors import NetwatchError, OutsideError
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.words import messages

ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (True, True),
        (0, False),
        ("1", True),
        ("false", False),
        (2, None),
        ("on", None),
        (1.0, None),
        ([], None),
    ],
)
def test_a_truth(value: object, meant: object) -> None:
    assert flag(value) is meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (5, 5),
        ("5", 5),
        (0, None),
        (11, None),
        (True, None),
        (5.0, None),
        ("5 ", None),
        ("\u0665", None),
        ("", None),
    ],
)
def test_a_number_between_one_and_ten(value: object, meant: object) -> None:
    assert number(value, 1, 10) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (8104, (8104, 8104)),
        ("8104", (8104, 8104)),
        ("8000-8010", (8000, 8010)),
        ("8000:8010", (8000, 8010)),
        ("8010-8000", None),
        ("1-2-3", None),
        ("-5", None),
        ("65536", None),
        ("", None),
    ],
)
def test_ports(value: object, meant: object) -> None:
    assert ports(value) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("192.168.1.20", "192.168.1.20"),
        ("2001:DB8::1", "2001:db8::1"),
        ("0.0.0.0", None),  # noqa: S104 - no address
        ("224.0.0.1", None),
        ("fe80::1%eth0", None),
        ("pacs", None),
        (3232235796, None),
    ],
)
def test_an_address(value: object, meant: object) -> None:
    assert address(value) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("198.51.100.9", "198.51.100.9"),
        ("198.51.100.0/24, 203.0.113.1", "198.51.100.0/24,203.0.113.1"),
        ("0.0.0.0", None),  # noqa: S104 - no address
        ("0.0.0.0/0", None),
        ("::/0", None),
        ("", None),
        ("somebody", None),
        (",".join(["198.51.100.9"] * 9), None),
    ],
)
def test_to_whom_a_forward_is_open(value: object, meant: object) -> None:
    assert sources(value) == meant


def test_a_list_says_whether_it_was_all_of_it() -> None:
    assert entries([{}, {}], 5) == ([{}, {}], True)
    assert entries({"a": {"b": 1}}, 5) == ([{"b": 1}], True)
    assert entries([{}, 5], 5) == ([{}], False)
    assert entries([{}] * 9, 5) == ([{}] * 5, False)
    assert entries("many", 5) == entries(None, 5) == ([], False)


@given(ANY)
def test_whatever_comes_is_judged_and_never_an_error(value: object) -> None:
    assert flag(value) in {True, False, None}
    for judge in (ports, address, sources, handed):
        judge(value)
    number(value, 0, 10)
    entries(value, 3)


@given(st.text())
def test_nothing_that_could_end_a_header_is_handed_back(text: str) -> None:
    if handed(text):
        assert text.isascii()
        assert text.isprintable()
        assert " " not in text


@pytest.mark.parametrize("error", [ProbeError(reason) for reason in Reason] + [OtherProtocol(b"SSH-2.0-x")])
def test_every_way_a_talk_can_end_has_a_sentence(error: Exception) -> None:
    with pytest.raises(NetwatchError) as told, in_sentences():
        raise error
    assert isinstance(told.value, OutsideError)
    for language in ("en", "fr"):
        assert messages(language)(told.value.message, **told.value.details)


def test_every_silence_has_its_own_sentence() -> None:
    assert len(set(SILENCES.values())) == len(SILENCES)
