"""Are a rule's words true wherever the door was seen from: from inside only, and from the internet?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netwatch
import probes
from netwatch.words import LANGUAGES, PARTS, Catalogue

RULES = Catalogue([*probes.words(), Path(netwatch.__file__).parent / "rules.toml"])

# True of one verdict only: as if nobody but the own network could come, or as if nobody had looked yet.
ONE_SIDED = re.compile(
    r"(?i)n'importe quel (appareil|ordinateur) du réseau|intrus du réseau|ouvert à tout le réseau"
    r"|any (device|computer) on the network|intruder on the network|open to the whole network"
    r"|; si la box renvoie internet|; if the internet box forwards|si un jour la box|if one day the box"
    r"|et faites supprimer ce renvoi|and have that forwarding removed"
    r"|pas encore (si|vu)|not (yet )?know yet|not yet seen"
    r"|pas vérifié de l'extérieur|not verify it from outside"
)


@pytest.mark.parametrize("rule", sorted(RULES.rules))
def test_a_rule_s_words_are_true_from_inside_and_from_the_internet(rule: str) -> None:
    told = [" ".join(getattr(RULES[rule].words[one], part).split()) for one in LANGUAGES for part in PARTS]
    assert [found[0] for text in told for found in ONE_SIDED.finditer(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_of_a_rule_begins_with_a_mark_that_belongs_to_the_line_before(language: str) -> None:
    told = [getattr(rule.words[language], part) for rule in RULES.rules.values() for part in PARTS]
    assert [text for text in told if re.search(r"\n[:;?!»]", text)] == []
