"""What may stand in a column of a row that anybody may have written?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.store.columns import fit, printable

KINDS = {"id": int, "port": int, "last_seen": str, "facts": str, "address": str, "vantage": str, "model": str}
ROW: dict[str, object] = {
    "id": 7,
    "port": 104,
    "last_seen": "2026-11-01T22:00:00Z",
    "facts": '{"query": "answered"}',
    "address": "192.168.1.20",
    "vantage": "lan",
    "model": "Écran d'été",
}


def fits(**values: object) -> bool:
    return fit("services", ROW | values, KINDS)


def test_a_row_of_ours_fits() -> None:
    assert fits()
    assert fits(model=None, facts=None)
    assert fits(address="2001:db8::1", vantage="box", port=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "7"),
        ("id", True),
        ("id", 7.0),
        ("id", 2**60),
        ("port", -1),
        ("port", 65_536),
        ("last_seen", 7),
        ("last_seen", "2026-11-01 22:00:00"),
        ("last_seen", "2026-13-01T22:00:00Z"),
        ("facts", "[]"),
        ("facts", '{"a": "\\u0007"}'),
        ("facts", '{"\\u0007": 1}'),
        ("facts", '{"a": [{"b": "\\ud800"}]}'),
        ("facts", "{" * 10_000),
        ("address", "example.org"),
        ("address", "fe80::1%eth0"),
        ("vantage", "moon"),
        ("model", "a\x00b"),
        ("model", "a\x9bb"),
        ("model", "x" * 10_001),
        ("model", b"x"),
    ],
)
def test_what_does_not_fit(name: str, value: object) -> None:
    assert not fits(**{name: value})


def test_a_row_has_each_column_and_no_other() -> None:
    assert not fits(more=1)
    assert not fit("services", {name: ROW[name] for name in list(ROW)[1:]}, KINDS)


def test_the_address_of_a_failure_may_be_a_network_or_nothing() -> None:
    assert fit("failures", ROW | {"address": "192.168.1.0/24"}, KINDS)
    assert fit("failures", ROW | {"address": ""}, KINDS)


def test_a_moment_has_been() -> None:
    soon, later = (f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (1, 48))
    assert fits(last_seen=soon)
    assert not fits(last_seen=later)


@given(st.text())
def test_what_is_printable_moves_no_cursor_and_can_be_written(text: str) -> None:
    if printable(text):
        assert "\x1b" not in text
        assert text.encode().decode() == text
