"""Which toolkit or maker does a peer hint at? Apart, and never more than its strings say."""

from __future__ import annotations

import pytest

from netwatch.implementation import Hint, recognised


@pytest.mark.parametrize(
    ("uid", "version", "hint"),
    [
        ("1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367", Hint("DCMTK", None, "DCMTK 3.6.7")),
        ("1.2.276.0.7230010.3.0.3.6.7", None, Hint("DCMTK", None, "DCMTK")),
        ("1.2.40.0.13.1.3", "dcm4che-5.31", Hint("dcm4che", None, "dcm4che")),
        ("1.2.840.113619.6.1", "GE_1", Hint(None, "GE", "GE")),
        ("1.2.392.200036.9125.5.1", "X", Hint(None, "Fujifilm", "Fujifilm")),
        ("1.2.392.200036.9116.2.5", "X", Hint(None, "Toshiba", "Toshiba")),
        ("1.2.392.200036.9107.1", "X", Hint(None, None, None)),
        ("1.2.8401.1", "X", Hint(None, None, None)),
        (None, "OFFIS_DCMTK_367", Hint(None, None, None)),
    ],
)
def test_strings_are_hints(uid: str | None, version: str | None, hint: Hint) -> None:
    assert recognised(uid, version) == hint
