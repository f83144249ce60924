"""Has every rule its words, and every message its sentence, in both languages? Half of it does not load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netwatch.model import Exposure, Severity
from netwatch.words import LANGUAGES, PARTS, Catalogue, Messages, flatten, messages

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

WORDS = 'title = "t"\nrisk = "r"\nremedy = "m"\n'


def rule(name: str, *, severity: str = "high", ladder: str | None = None, without: Iterable[str] = ()) -> str:
    """A rule as TOML, less what `without` names (`fr`, `fr.title`, `references`)."""
    lines = [f"[{name}]"]
    lines += [f'severity = "{severity}"'] if "severity" not in without else []
    lines += ["references = []"] if "references" not in without else []
    lines += [f'ladder = "{ladder}"'] if ladder else []
    for language in LANGUAGES:
        if language not in without:
            lines.append(f"[{name}.{language}]")
            lines += [f'{part} = " the {part} "' for part in PARTS if f"{language}.{part}" not in without]
    return "\n".join(lines) + "\n"


def catalogue(folder: Path, *texts: str) -> Catalogue:
    paths = [folder / f"{number}.toml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return Catalogue(paths)


@pytest.mark.parametrize(
    "missing",
    ["severity", "references", *LANGUAGES, *(f"{one}.{part}" for one in LANGUAGES for part in PARTS)],
)
def test_a_rule_that_lacks_a_part_does_not_load_and_is_named(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ValueError, match=r"0\.toml: \[open-door\]: ") as refused:
        catalogue(tmp_path, rule("open-door", without={missing}))
    assert missing.rpartition(".")[2] in str(refused.value)


@pytest.mark.parametrize(
    "wrong", [rule("a", severity="awful"), 'a = "not a table"\n'], ids=["severity", "no table"]
)
def test_a_rule_that_is_wrong_does_not_load_and_its_file_is_named(tmp_path: Path, wrong: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        catalogue(tmp_path, wrong)


def test_a_rule_says_what_it_says_without_the_space_around_it(tmp_path: Path) -> None:
    known = catalogue(tmp_path, rule("open-door"))["open-door"]
    assert (known.severity, known.references, known.ladder) == (Severity.HIGH, (), None)
    assert {language: known.words[language].remedy for language in LANGUAGES} == dict.fromkeys(
        LANGUAGES, "the remedy"
    )


def test_the_rules_of_all_files_are_one_catalogue(tmp_path: Path) -> None:
    assert set(catalogue(tmp_path, rule("a"), rule("b") + rule("c")).rules) == {"a", "b", "c"}


def test_a_rule_we_no_longer_know_keeps_its_id_and_gets_no_invented_severity(tmp_path: Path) -> None:
    unknown = catalogue(tmp_path, rule("a"))["retired-rule"]
    assert unknown.severity is Severity.INFO
    assert [unknown.words[language].title for language in LANGUAGES] == ["retired-rule"] * 2
    assert catalogue(tmp_path, rule("a")).ladder("retired-rule") is None


def test_the_rungs_of_a_ladder_are_written_worst_first(tmp_path: Path) -> None:
    known = catalogue(
        tmp_path,
        rule("worst", ladder="l") + rule("alone") + rule("less", ladder="l") + rule("other", ladder="m"),
    )
    worst, less, other = known.ladder("worst"), known.ladder("less"), known.ladder("other")
    assert worst is not None
    assert less is not None
    assert other is not None
    assert worst[0] == less[0] != other[0]
    assert worst[1] > less[1]
    assert known.ladder("alone") is None


def test_a_sentence_is_filled_in(tmp_path: Path) -> None:
    (tmp_path / "scan.en.toml").write_text('done = "{count} devices"\n[deep]\nkey = "x"\n', encoding="utf-8")
    (tmp_path / "scan.fr.toml").write_text('done = "{count} appareils"\n', encoding="utf-8")
    english, french = Messages(tmp_path, "en"), Messages(tmp_path, "fr")
    assert english("scan.done", count=3) == "3 devices"
    assert french("scan.done", count=3) == "3 appareils"
    assert english("scan.deep.key") == "x"


def test_braces_in_what_fills_a_sentence_in_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "mail.en.toml").write_text('said = "it said {said}"\n', encoding="utf-8")
    assert (
        Messages(tmp_path, "en")("mail.said", said="{0} {said.__class__}") == "it said {0} {said.__class__}"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_that_nobody_wrote_is_an_error_and_not_an_empty_line(language: str) -> None:
    with pytest.raises(KeyError):
        messages(language)("cli.nobody-wrote-this")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_engine_speaks_both_languages(language: str) -> None:
    assert messages(language)("cli.interrupted") == {"en": "interrupted", "fr": "interrompu"}[language]


def test_tables_become_dotted_keys() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": 2}, "x.") == {"x.a.b.c": 1, "x.d": 2}


@pytest.mark.parametrize(
    ("inside", "exposed", "exposure", "told"),
    [
        ("low", "critical", Exposure.NOT_CHECKED, Severity.LOW),
        ("low", "critical", Exposure.INSIDE_ONLY, Severity.LOW),
        ("low", "critical", Exposure.REPORTED, Severity.HIGH),
        ("low", "critical", Exposure.FORWARDED, Severity.HIGH),
        ("low", "critical", Exposure.EXPOSED, Severity.CRITICAL),
        ("critical", "low", Exposure.EXPOSED, Severity.CRITICAL),
        ("high", "high", Exposure.FORWARDED, Severity.HIGH),
        ("medium", None, Exposure.EXPOSED, Severity.HIGH),
    ],
)
def test_a_door_is_worse_the_more_is_proved_of_the_internet_reaching_it(
    tmp_path: Path, inside: str, exposed: str | None, exposure: Exposure, told: Severity
) -> None:
    text = rule("door", severity=inside)
    if exposed:
        text = text.replace(f'severity = "{inside}"', f'severity = "{inside}"\nexposed = "{exposed}"')
    path = tmp_path / "door.toml"
    path.write_text(text, encoding="utf-8")
    assert Catalogue([path])["door"].at(exposure) is told
