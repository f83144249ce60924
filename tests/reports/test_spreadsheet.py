"""Is a table for a spreadsheet whole, and nothing in it calculated?"""

from __future__ import annotations

import csv
import io

import pytest

from reports.spreadsheet import to_csv


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_without_rows_there_are_heads() -> None:
    assert to_csv(("a", "b"), ()) == "a,b\r\n"


def test_what_is_not_known_is_empty_and_what_needs_quotes_has_them() -> None:
    assert read(to_csv(("a", "b"), [{"a": None, "b": 'say "x", y\nz'}])) == [{"a": "", "b": 'say "x", y\nz'}]


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_nothing_is_calculated(formula: str) -> None:
    [row] = read(to_csv(("a",), [{"a": formula}]))
    assert row["a"].startswith("'")
