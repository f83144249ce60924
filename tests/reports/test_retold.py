from __future__ import annotations

import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.words import messages
from reports.phrase import Phrases
from reports.retold import TOPICS, retold

ENGLISH = {
    name: str(text)
    for name, text in messages("en").sentences.items()
    if name.startswith(TOPICS) and ":<" not in text  # a line of a table is no failure's sentence
}


@pytest.mark.parametrize("name", sorted(ENGLISH))
def test_every_sentence_of_ours_is_found_again_and_told_in_french(name: str) -> None:
    details = {
        key: "1" if key in {"count", "port"} else "203.0.113.7"
        for _, key, _, _ in Formatter().parse(ENGLISH[name])
        if key
    }
    english = messages("en")(name, **details)
    told = retold(Phrases("fr"), english)
    assert told is not None
    french = messages("fr")(told.name, **details)
    assert told.text.casefold().rstrip(".") == " ".join(french.split()).casefold().rstrip(".")
    assert messages("en")(told.name, **details) == english


def test_it_stands_alone_as_a_sentence() -> None:
    detail = messages("en")("address.cgnat", box="100.64.0.1")
    told = retold(Phrases("fr", fine=True), detail)
    assert told is not None
    assert told.name == "address.cgnat"
    assert "100.64.0.1" in told.text
    assert re.match(r"[A-ZÀ-Ý].*\.$", told.text)


@given(st.text())
def test_what_is_no_sentence_of_ours_is_nothing(text: str) -> None:
    told = retold(Phrases("en"), text)
    assert told is None or messages("en").sentences[told.name]


def test_a_detail_that_is_filled_in_is_cleaned() -> None:
    detail = messages("en")("address.cgnat", box="\x1b[31m100.64.0.1\u202e")
    told = retold(Phrases("en"), detail)
    assert told is not None
    assert told.text.isprintable()
    assert retold(Phrases("en"), detail + "x" * 1000) is None
