"""Does a reader ever meet pydantic's English, or a secret?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import pytest
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import core_schema

from netwatch.errors import ConfigError, ScopeError
from netwatch.problem import MISSING, SENTENCES, UNKNOWN, problems, sentence, shown, written
from netwatch.words import Messages, messages

if TYPE_CHECKING:
    from pathlib import Path


class Mode(StrEnum):
    """How."""

    FAST = "fast"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Options:
    """A probe's, one for each kind of value that a probe may ask for."""

    whole: Annotated[int, Ge(1), Le(9)] = 1
    real: Annotated[float, Gt(0), Lt(9)] = 1
    sure: bool = True
    text: Annotated[str, MinLen(2), MaxLen(4)] = "abc"
    word: Literal["clear", "tls"] = "clear"
    mode: Mode = Mode.FAST
    ports: Annotated[tuple[int, ...], MinLen(1), MaxLen(2)] = (1,)
    table: dict[str, int] | None = None
    token: str = ""


class Shape(BaseModel):
    """The same, as a model that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")
    timeout: float = Field(examples=["2.5"])
    inner: dict[str, int] = {}


def error_of(shape: type, value: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(shape).validate_python(value)
    return caught.value


def told(shape: type, value: object, language: str) -> str:
    return sentence(problems(error_of(shape, value), ("probes", "dicom"), shape), messages(language))


@pytest.mark.parametrize(
    ("option", "value", "essential"),
    [
        ("whole", "x", "x"),
        ("whole", 1.5, "1.5"),
        ("whole", 0, "1"),
        ("whole", 10, "9"),
        ("real", "x", "x"),
        ("real", 0, "0"),
        ("real", 9, "9"),
        ("sure", "x", "true"),
        ("text", 3, ""),
        ("text", "a", "2"),
        ("text", "abcde", "4"),
        ("word", "ssl", "clear, tls"),
        ("mode", "idle", "fast, slow"),
        ("ports", 3, ""),
        ("ports", [], "1"),
        ("ports", [1, 2, 3], "2"),
        ("table", 3, ""),
    ],
)
def test_an_option_is_told_by_its_key_and_in_both_languages_differently(
    option: str, value: object, essential: str
) -> None:
    english, french = (told(Options, {option: value}, language).split("\n")[1] for language in ("en", "fr"))
    for line, colon in ((english, ": "), (french, " : ")):
        assert line.startswith(f"  probes.dicom.{option}{colon}")
        assert essential in line.partition(": ")[2]
    assert english != french
    assert error_of(Options, {option: value}).errors()[0]["msg"] not in french + english


def test_an_item_of_a_list_is_told_by_its_place() -> None:
    assert "  probes.dicom.ports[1]: " in told(Options, {"ports": [1, "x"]}, "en")


def test_an_unknown_and_a_missing_option_are_answered_with_the_right_line() -> None:
    lines = told(Shape, {"timeut": 2}, "fr").split("\n")
    assert lines[1].startswith("  probes.dicom.timeout : ")
    assert "timeout = 2.5" in lines[1]
    assert lines[2].startswith("  probes.dicom.timeut : ")
    assert lines[2].partition(": ")[2].count("timeout") == 1


def test_a_value_under_a_secret_name_is_repeated_nowhere() -> None:
    error = problems(error_of(Options, {"token": 4242}))
    assert "4242" not in sentence(error, messages("en")) + str(error.problems[0])


def test_every_error_that_pydantic_knows_has_one_of_our_sentences() -> None:
    known = messages("en").sentences
    kinds = set(get_args(core_schema.ErrorType))
    assert {kind for kind in SENTENCES if kind not in kinds | {"string_sub_type", "path_type"}} == set()
    assert {name for name in SENTENCES.values() if f"config.{name}" not in known} == set()
    assert {*UNKNOWN, *MISSING} <= kinds
    assert "config.wrong" in known


@pytest.mark.parametrize(
    "kind", sorted({"uuid_parsing", "callable_type", "url_parsing", "time_delta_parsing"})
)
def test_an_error_that_nobody_foresaw_is_still_told_in_the_readers_language(kind: str) -> None:
    raw: Any = {"type": kind, "loc": ("odd",), "input": "x", "ctx": {"error": "in English"}}
    error = problems(ValidationError.from_exception_data("odd", [raw]))
    assert [problem.message for problem in error.problems] == ["config.wrong"]
    assert "in English" not in sentence(error, messages("fr"))


def test_twenty_mistakes_are_listed_and_the_others_counted() -> None:
    error = problems(error_of(Shape, {"timeout": 1, **{f"unlike-{n:02}": n for n in range(25)}}))
    lines = sentence(error, messages("en")).split("\n")
    assert len(lines) == 22
    assert lines[-1] == "  and 5 more"


def test_an_error_with_one_sentence_is_told_in_one_line() -> None:
    error = ScopeError("egress.excluded-port", port=80)
    assert sentence(error, messages("en")) == messages("en")("egress.excluded-port", port=80)


def test_an_error_of_a_site_file_starts_with_its_name(tmp_path: Path) -> None:
    text = 'invalid = "{path}:"\nline = "  {key}: {text}"\nodd = "odd {value}"\n'
    (tmp_path / "config.en.toml").write_text(text, encoding="utf-8")
    problem = ConfigError("config.odd", key="mail.port", value="7")
    error = ConfigError("config.invalid", problems=(problem,), path="a.toml")
    assert sentence(error, Messages(tmp_path, "en")) == "a.toml:\n  mail.port: odd 7"


@pytest.mark.parametrize(
    ("loc", "key"),
    [
        (("networks", 0), "networks[0]"),
        (("mail", "port"), "mail.port"),
        (("probes", "a b", "x"), 'probes."a b".x'),
        ((), ""),
    ],
)
def test_a_key_is_written_as_it_stands_in_the_file(loc: tuple[int | str, ...], key: str) -> None:
    assert written(loc) == key


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.dates(), st.lists(st.text())))
def test_what_is_shown_is_short_and_printable(value: object) -> None:
    assert len(shown(value)) <= 60
    assert shown(value).isprintable()


def test_a_number_longer_than_python_writes_is_not_shown() -> None:
    assert shown(16**6000) == "…"
