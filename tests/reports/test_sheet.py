"""Has a table of the annex a title and heads in words?"""

from __future__ import annotations

from reports.phrase import Phrases
from reports.sheet import sheet


def test_heads_are_words_and_rows_are_kept() -> None:
    made = sheet(Phrases("en"), "devices", "device address", [("pacs", "192.168.1.20")])
    assert made.title == "Devices: who says so"
    assert made.heads == ("Device", "Address")
    assert made.rows == (("pacs", "192.168.1.20"),)
