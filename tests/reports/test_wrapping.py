"""Does the text part of a mail read in a client that does nothing for it?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reports.wrapping import COLUMNS, wrapped


def test_a_list_goes_on_under_its_own_words() -> None:
    first, second = wrapped("  - " + "word " * 20).splitlines()
    assert first.startswith("  - word")
    assert second.startswith("    word")
    assert wrapped("12. " + "word " * 20).splitlines()[1].startswith("    word")


def test_signs_that_old_clients_spoil_are_plain() -> None:
    assert wrapped("l\u2019image\u00a0: 5\u00a0300") == "l'image : 5 300\n"


def test_what_is_longer_than_a_line_is_broken_and_empty_lines_stay() -> None:
    assert wrapped("a\n\nb") == "a\n\nb\n"
    assert max(map(len, wrapped("x" * 200).splitlines())) <= COLUMNS


@given(st.text(st.characters(categories=["L", "N", "P"]) | st.just(" "), max_size=400))
def test_no_line_is_longer_whatever_it_says(text: str) -> None:
    assert all(len(line) <= COLUMNS for line in wrapped(text).split("\n"))
