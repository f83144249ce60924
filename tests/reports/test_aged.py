"""Is the age of a product told with its day, its page, and how old that word is?"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from netwatch.lifecycle import State
from reports import aged
from reports.aged import product, sentence, short, state
from reports.phrase import Phrases

EN, FR = Phrases("en"), Phrases("fr")
ENDED = {
    "product": "Windows client",
    "version": "10.0.15063",
    "told_by": "smb",
    "state": "ended",
    "until": "2018-10-09",
    "last_safe": None,
    "source": "https://example.org/windows",
    "checked": "2026-11-01",
    "stale": False,
}


def test_all_of_it_stands_in_one_sentence_in_both_languages() -> None:
    assert sentence(EN, ENDED) == (
        "Windows client, 10.0.15063 (it says so over SMB): no longer maintained since 9 October 2018. "
        "Source: https://example.org/windows, read 1 November 2026."
    )
    told = sentence(FR, ENDED)
    assert "plus maintenu depuis le 9 octobre 2018" in told
    assert "lue le 1er novembre 2026" in told or "lue le 1 novembre 2026" in told


def test_the_short_form_says_when_that_was_read_and_that_it_is_old() -> None:
    assert short(EN, ENDED) == (
        "Windows client 10.0.15063: no longer maintained since 9 October 2018 (read 01/11/2026)"
    )
    assert short(EN, ENDED | {"stale": True}).endswith("(read 01/11/2026, more than 45 days ago)")
    assert "il y a plus de 45 jours" in short(FR, ENDED | {"stale": True})


def test_a_teller_without_a_sentence_is_named_by_its_protocol() -> None:
    assert product(EN, ENDED | {"told_by": "ftp"}).endswith("(it says so over FTP)")


def test_a_word_that_is_old_says_so() -> None:
    assert "more than 45 days" in sentence(EN, ENDED | {"stale": True})
    assert "more than 45 days" not in sentence(EN, ENDED)


def test_what_is_below_the_first_safe_version_names_it() -> None:
    told = sentence(EN, ENDED | {"state": "unsafe", "last_safe": "1.12.11"})
    assert "older than 1.12.11, the first without a serious hole that is known" in told


@pytest.mark.parametrize("until", [None, "2027-01-31"])
@pytest.mark.parametrize("word", list(State))
def test_every_state_has_its_words_with_and_without_a_day(word: State, until: str | None) -> None:
    for say in (EN, FR):
        told = state(say, {"state": word.value, "until": until, "last_safe": "2"})
        assert told
        assert "{" not in told


def test_unknown_is_never_told_as_maintained() -> None:
    told = sentence(EN, ENDED | {"state": "unknown", "until": None, "source": None})
    assert "not known" in told
    assert "maintained until" not in told
    assert short(EN, ENDED | {"state": "unknown"}) == "Windows client 10.0.15063"


def test_where_nothing_was_recognised_nothing_is_told() -> None:
    assert (sentence(EN, {}), product(EN, {}), short(EN, {})) == ("", "", "")


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "a\r\nBcc: x", "\u202eevil"])
def test_words_that_a_device_chose_do_no_harm(hostile: str) -> None:
    told = sentence(EN, ENDED | {"version": hostile})
    assert not any(mark in told for mark in ("\x1b", "\r", "\n", "\u202e"))


def test_both_languages_say_the_same_things() -> None:
    keys = [
        set(tomllib.loads(Path(aged.__file__).with_suffix(f".{one}.toml").read_text(encoding="utf-8")))
        for one in ("en", "fr")
    ]
    assert keys[0] == keys[1]
