"""Is a document read within bounds, whatever it holds?"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import OutsideError
from netwatch.feeds.reading import MOST_VALUES, cve, day, parsed, rows, table

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_json_says_what_it_says(told: object) -> None:
    assert parsed(json.dumps(told).encode()) == told


@given(st.binary())
def test_any_bytes_are_read_without_trouble(body: bytes) -> None:
    parsed(body)


BOMBS = {
    "deep": b"[" * 900_000 + b"]" * 900_000,
    "deep objects": b'{"a":' * 100_000,
    "wide": b"[" + b"[]," * MOST_VALUES + b"0]",
    "number": b"1" * 5000,
    "number inside": b'{"result": ' + b"9" * 1_000_000 + b"}",
    "not a number": b"[NaN]",
    "endless": b"[-Infinity]",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "Latin-1": '{"a": "é"}'.encode("latin-1"),
    "cut": b'{"result": [',
    "two": b"{} {}",
    "page": b"<html>",
    "nothing": b"",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_is_no_document_for_us_is_none(bomb: str) -> None:
    assert parsed(BOMBS[bomb]) is None


def test_a_mark_of_byte_order_is_no_trouble() -> None:
    assert parsed('{"a": 1}'.encode("utf-8-sig")) == {"a": 1}


@pytest.mark.parametrize(
    "told",
    [None, True, 20240101, "", "2024-1-1", "20240101", "2024-W01-1", "2023-02-29", "0001-01-01", "9999-12-31",
     "2024-01-01T00:00:00", " 2024-01-01", "2024-01-01\n", "\uff12\uff10\uff12\uff14-01-01",
     "x" * 10_000, {}, []],
)  # fmt: skip
def test_what_is_no_day_is_none(told: object) -> None:
    assert day(told) is None


def test_a_day_is_one() -> None:
    assert day("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize(
    "told", [None, 1, "", "CVE-2024-123", "cve-2024-1234", "CVE-2024-1234,CVE-2024-1235", "CVE-2024-1234&x=1",
             "CVE-\uff12\uff10\uff12\uff14-1234", "CVE-2024-1234\n", "CVE-2024-" + "1" * 20],
)  # fmt: skip
def test_what_is_no_cve_is_none(told: object) -> None:
    assert cve(told) is None


def test_a_cve_is_one() -> None:
    assert cve("CVE-2024-1234567") == "CVE-2024-1234567"


@pytest.mark.parametrize(
    "told", [None, [], {}, {"rows": None}, {"rows": {}}, {"rows": [{}] * 4}, {"rows": [1, 2, {}]}]
)
def test_where_there_is_no_list_of_objects_that_is_said(told: Any) -> None:  # noqa: ANN401
    with pytest.raises(OutsideError) as raised:
        rows(told, "rows", 3, "EPSS")
    assert (raised.value.message, raised.value.details) == ("others.not-understood", {"who": "EPSS"})


def test_what_is_no_object_is_left_out() -> None:
    assert rows({"rows": [{"a": 1}, None]}, "rows", 3, "EPSS") == [{"a": 1}]
    assert table([1]) == {}
