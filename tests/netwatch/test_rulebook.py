"""Is a rule read as it is written, and a wrong one named? The products' own rules: test_recognise.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from netwatch.recognised import Confidence
from netwatch.rulebook import FOLDER, rules

ROOT = Path(__file__).parents[2]
GOOD = """
[[product]]
slug = "x"
kind = "printer"
source = "s"
rules = [{ read = "ipp.product", is = "X" }]
"""


def test_a_rule_of_a_few_lines_is_enough(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD, encoding="utf-8")
    [rule] = rules(tmp_path)
    assert (rule.product, rule.kind, rule.reads, rule.equals) == (
        "x",
        "printer",
        (("ipp", "product"),),
        ("x",),
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (GOOD.replace("kind =", "kin ="), "keys"),
        (GOOD.replace('"printer"', '"gadget"'), "kind gadget"),
        (GOOD.replace('source = "s"', ""), "no source"),
        (GOOD.replace('is = "X"', 'is = "X", like = "X"'), "either"),
        (GOOD.replace('is = "X"', 'like = "("'), "unterminated|missing"),
        (GOOD.replace("ipp.product", "ipp"), "no protocol and fact"),
        (GOOD.replace("ipp.product", "mac.vendor"), "network card"),
        (GOOD.replace('is = "X"', 'is = "X", confidence = "surely"'), "surely"),
        (GOOD.replace('slug = "x"', 'slug = "x"\nrole = "toy"'), "role toy"),
        (GOOD.replace("read = ", "reads = "), "read"),
        (GOOD.replace("ipp.product", "nmap.nmap_cpe"), "never certain"),
        (
            GOOD.replace("ipp.product", "nmap.nmap_cpe").replace('"X" }', '"X", confidence = "likely" }'),
            "hints at a kind",
        ),
    ],
)
def test_a_wrong_rule_is_named(tmp_path: Path, wrong: str, why: str) -> None:
    (tmp_path / "a.toml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"^a\.toml, x: .*(?:{why})"):
        rules(tmp_path)


def test_the_folder_is_shipped_with_the_package() -> None:
    assert FOLDER.parent == ROOT / "netwatch"
    assert len(list(FOLDER.glob("*.toml"))) > 5


def test_what_nmap_makes_of_an_answer_is_never_sure_and_makes_no_finding() -> None:
    told = [rule for rule in rules() if any(protocol == "nmap" for protocol, _ in rule.reads)]
    assert {rule.confidence for rule in told} == {Confidence.LIKELY, Confidence.HINT}
    assert all(rule.packaged for rule in told if rule.product)
    assert {rule.confidence for rule in told if rule.kind} == {Confidence.HINT}
