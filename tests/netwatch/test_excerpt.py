"""What of a device's words is kept: what rules know of them, and nothing else that could be a person."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.excerpt import LONGEST, excerpt
from netwatch.model import Device, Observation, Vantage
from netwatch.recognise import fitting, recognise

BANNERS = tomllib.loads(Path(__file__).with_name("banners.toml").read_text(encoding="utf-8"))["banner"]
WHOLE = [one for one in BANNERS if "description" in one.get("facts", {})]
SEEN = Observation(
    "snmp", Vantage.LAN, "d", "192.0.2.7", 161, "snmp", {}, datetime(2026, 11, 30, 3, tzinfo=UTC), "udp"
)


def described(text: str) -> str | None:
    return excerpt("snmp", "description", text)


def recognised(text: str | None) -> list[str | None]:
    told = recognise(Device("d", "192.0.2.7"), [replace(SEEN, facts={"description": text})])
    claims = (told.kind, told.maker, told.model, told.product, told.version)
    return [claim.value if claim else None for claim in claims]


@pytest.mark.parametrize("banner", WHOLE, ids=[one["facts"]["description"] for one in WHOLE])
def test_as_much_is_recognised_in_what_is_kept_as_in_the_whole(banner: dict[str, Any]) -> None:
    text = banner["facts"]["description"]
    assert recognised(described(text)) == recognised(text)


def test_the_corpus_has_descriptions_that_are_not_kept_whole() -> None:
    cut = [text for one in WHOLE if described(text := one["facts"]["description"]) != text]
    assert len(WHOLE) > 40
    assert len(cut) > 20


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("RICOH MP 3053 1.09 / RICOH Network Printer C model", "RICOH MP 3053 1.09 /"),
        ("VMware ESXi 7.0.0 build-15843807 VMware, Inc. x86_64", "VMware ESXi 7.0.0 build-15843807"),
        ("RouterOS RB750Gr3", "RouterOS RB750Gr3"),
        ("Brother NC-8500h de DUPONT Jean", "Brother NC-8500h"),
        ("DUPONT Jean, Brother NC-8500h", None),
        ("HP LaserJet DUPONT Jean", None),
        ("Poste de Jean Dupont", None),
        ("RouterOS jean@dupont", None),
        ("DUPONT^JEAN", None),
        ("; AXIS P5534-E; ZZCANARY MARIE 19010203; 5.40.9.2;", None),
        ("", None),
    ],
)
def test_what_no_rule_reads_and_could_be_somebodys_is_not_kept(text: str, kept: str | None) -> None:
    assert described(text) == kept


@given(st.text(max_size=600), st.sampled_from([one["facts"]["description"] for one in WHOLE]))
def test_what_is_kept_is_short_and_printable_and_tells_what_the_whole_tells(text: str, opening: str) -> None:
    for told in (text, f"{opening} {text}", f"{opening}{text}"):
        kept = described(told)
        if kept is not None:
            assert len(kept) <= LONGEST
            assert kept.isprintable()


def test_a_fact_that_no_rule_reads_is_kept_as_far_as_it_is_nobodys() -> None:
    assert fitting("snmp", "nobody", "RouterOS RB750Gr3") == ()
    assert excerpt("nobody", "nobody", "RouterOS RB750Gr3") == "RouterOS RB750Gr3"
    assert excerpt("nobody", "nobody", "Brother NC-8500h de DUPONT Jean") is None
