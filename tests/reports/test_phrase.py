from __future__ import annotations

import ast
import re
import tomllib
import unicodedata
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes
import reports
from netwatch.change import ChangeKind
from netwatch.model import Device, Exposure, Outcome, Reason, Severity, Status, Vantage
from netwatch.words import Catalogue, flatten
from reports.phrase import Phrases, clean, lower_first, steps, typeset
from tests.reports.telling import Telling, facts_told, protocols_told

FOLDER = Path(reports.__file__).parent
TOPICS = sorted(path.name.removesuffix(".fr.toml") for path in FOLDER.glob("*.fr.toml"))


def keys(topic: str, language: str) -> dict[str, str]:
    return flatten(tomllib.loads((FOLDER / f"{topic}.{language}.toml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("topic", TOPICS)
def test_both_languages_say_the_same_things_with_the_same_details(topic: str) -> None:
    french, english = keys(topic, "fr"), keys(topic, "en")
    assert french.keys() == english.keys()
    for key, sentence in french.items():
        details = {name for _, name, _, _ in Formatter().parse(sentence) if name}
        assert details == {name for _, name, _, _ in Formatter().parse(english[key]) if name}, key


def test_templates_never_branch_on_the_language() -> None:
    for path in (FOLDER / "templates").iterdir():
        conditions = re.findall(r"{%-? *(?:if|elif|set|for) [^%]*%}", path.read_text(encoding="utf-8"))
        assert not [condition for condition in conditions if "language" in condition]


def test_every_value_of_the_model_has_its_words() -> None:
    for language in ("fr", "en"):
        say = Phrases(language)
        for topic, values in {
            "phrase.severity": Severity,
            "phrase.status": Status,
            "phrase.status-short": Status,
            "phrase.exposure": Exposure,
            "phrase.exposure-short": Exposure,
            "phrase.change": ChangeKind,
            "phrase.vantage": Vantage,
            "phrase.outcome": Outcome,
            "phrase.reason": Reason,
            "page.changes.explain": ChangeKind,
            "outside.verdict-short": Exposure,
            "page.gaps.title.reason": Reason,
            "page.gaps.plain.reason": Reason,
        }.items():
            assert all(say(f"{topic}.{value}") for value in values)


@given(st.text())
def test_nothing_invisible_survives_cleaning(text: str) -> None:
    line = clean(text, 30)
    assert len(line) <= 30
    assert all(unicodedata.category(c)[0] != "C" for c in line)
    assert line.splitlines() in ([], [line])


def test_an_escape_sequence_leaves_no_residue() -> None:
    assert clean("\x1b[1;31mPACS\x1b[0m \x1b]0;owned\x07\x9b2JX") == "PACS X"


def test_a_detail_is_cleaned_and_never_read_as_a_sentence() -> None:
    say = Phrases("en")
    assert say("phrase.place", address="a\r\nb{port}", port=1) == "a b{port}, port 1"


def test_what_is_about_no_port_is_placed_at_its_address() -> None:
    for language in ("fr", "en"):
        assert Phrases(language).place("192.168.1.20", 0) == Phrases(language).place("192.168.1.20", None)
        assert Phrases(language).place("192.168.1.20", 0) == "192.168.1.20"


def test_french_sentences_break_where_a_printer_would_break_them() -> None:
    assert typeset("n'est là : « oui » ?") == "n\u2019est là\u00a0: «\u00a0oui\u00a0»\u00a0?"


def test_a_title_can_stand_inside_a_sentence() -> None:
    assert lower_first("Le serveur") == "le serveur"
    assert lower_first("PACS ouvert") == "PACS ouvert"
    assert lower_first("") == ""


def test_a_remedy_is_told_step_by_step() -> None:
    assert steps("- one\ntwo\n- three - four") == ["one two", "three - four"]
    assert steps("all\nin one") == ["all in one"]
    assert steps("") == []


def test_a_device_is_called_by_its_name_else_by_its_kind() -> None:
    say = Phrases("fr")
    assert say.name(Device("d", "10.0.0.1", names=("PACS",), vendor="Synology")) == "PACS (Synology)"
    assert say.name(Device("d", "10.0.0.1", kind="printer")) == "imprimante"
    assert say.name(Device("d", "10.0.0.1")) == say.name(None) == "appareil sans nom"


def test_a_rule_we_no_longer_know_keeps_the_title_it_had() -> None:
    words = Phrases("fr").rule(Catalogue([]), "gone-rule", "Un ancien\ntitre")
    assert words.title == "Un ancien titre"
    assert not words.risk


def test_facts_without_a_value_are_left_out_and_ours_are_in_words() -> None:
    facts = Phrases("fr").facts({"query": "answered", "tls": False, "product": None, "odd": "x\x07y"})
    assert facts == [("recherche (C-FIND)", "répondue"), ("TLS", "non"), ("odd", "x y")]


def test_several_values_of_ours_are_each_in_words_and_a_fact_of_many_lines_has_one_label() -> None:
    say = Phrases("fr")
    assert say.facts({"security": "none, tls, x"}) == [("protection", "aucune, TLS, x")]
    assert say.facts({"share_names": "a" * 170}) == [("noms des partages", "a" * 159 + "…")]
    assert [label for label, _ in say.facts({"sent_01": "x", "sent_12": "y"})] == ["envoyé", "envoyé"]


def test_the_code_is_read_as_it_is_written() -> None:
    text = """
WORD = "door"
TABLE = {1: "one", 2: "two"}
def asked(answer) -> str:
    return "yes" if answer else TABLE.get(answer, "none")
def seen(target) -> Facts:
    if target:
        return {"a": "on" if target else "off", **{"b": TABLE[target]}, "k": asked(1)}
    told = {"not": "told"}
    return {"c": {"x": "y"}.get(target, "z")} | {"d": None}
def observe(self, facts: Facts):
    more: Facts = {"e": True}
    more |= {"f": "word"}
    facts["g"] = "yes"
    facts.update(h="no")
    facts.setdefault("i", "one")
    yield target.observed(self.name, port, WORD, facts | {"j": 5})
    yield target.observed(self.name, port, "gate", {})
"""
    read = Telling(ast.parse(text))
    assert read.protocols == {"door", "gate"}
    assert read.facts == {
        "a": {"on", "off"}, "b": {"one", "two"}, "c": {"y", "z"}, "d": set(), "e": set(), "f": {"word"},
        "g": {"yes"}, "h": {"no"}, "i": {"one"}, "j": set(), "k": {"yes", "one", "two", "none"},
    }  # fmt: skip


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_fact_that_a_probe_tells_has_its_label_and_no_label_is_left_over(language: str) -> None:
    labels = {key.removeprefix("fact.") for key in keys("phrase", language) if key.startswith("fact.")}
    assert labels == set(facts_told())


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_word_of_ours_that_a_fact_may_be_is_in_words(language: str) -> None:
    labels = keys("phrase", language)
    wanted = {f"value.{key}.{word}" for key, words in facts_told().items() for word in words}
    assert wanted == {key for key in labels if key.startswith("value.")}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_protocol_has_its_name_and_every_question_too(language: str) -> None:
    labels = keys("annex", language)
    named = {key.removeprefix("protocols.") for key in labels if key.startswith("protocols.")}
    assert named == protocols_told()
    asked = {key.removeprefix("question.") for key in labels if key.startswith("question.")}
    beyond = {"address", "outside", "ipv6", "names", "freebox", "livebox", "bbox", "shodan", "internetdb"}
    assert asked == {"detect", "discovery", "liveness", "scan", "sweep", *beyond, *probes.load()}


def test_a_step_keeps_the_space_that_holds_a_line_together() -> None:
    assert steps("- un cabinet\u00a0: deux\n  trois\n- quatre") == ["un cabinet\u00a0: deux trois", "quatre"]
