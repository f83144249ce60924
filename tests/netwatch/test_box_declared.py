"""Is what a person said of the box kept as it was said, with a name and a date, and never as more?"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.box.declared import Declaration, Forward, observations, parse
from netwatch.errors import ConfigError
from netwatch.model import Target, Vantage
from tests.lab.interview import proper

BOX = Target("d1", "192.168.1.1", ())
DAY = date(2026, 11, 20)
PACS = Forward("tcp", 8104, 8104, "192.168.1.20", 11112)
FULL = Declaration(
    by="Dr Martin",
    on=DAY,
    forwards=(PACS, Forward("both", 8000, 8010, "192.168.1.30", 8000)),
    dmz="192.168.1.40",
    upnp=True,
    ipv6_firewall=False,
)

WRITTEN = {
    "8104/tcp=192.168.1.20:11112": PACS,
    "8104=192.168.1.20:11112": PACS,
    " 8104/TCP=192.168.1.20:11112 ": PACS,
    "104=192.168.1.20": Forward("tcp", 104, 104, "192.168.1.20", 104),
    "8000-8010/udp=192.168.1.30": Forward("udp", 8000, 8010, "192.168.1.30", 8000),
    "53/both=192.168.1.30:5353": Forward("both", 53, 53, "192.168.1.30", 5353),
}


@pytest.mark.parametrize(("text", "meant"), WRITTEN.items())
def test_a_forward_can_be_typed(text: str, meant: Forward) -> None:
    assert Forward.parse(text) == meant
    assert Forward.parse(str(meant)) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8104",
        "0=192.168.1.20",
        "70000=192.168.1.20",
        "9-8=192.168.1.20",
        "80=pacs",
        "80=192.168.1.300",
        "80=0.0.0.0",
        "80/icmp=192.168.1.20",
        "80=192.168.1.20:0",
        "1-9=192.168.1.20:65530",
        "80=192.168.1.20:80\n",
        "٨٠=192.168.1.20:80x",
    ],
)
def test_what_is_no_forward_is_said_so(text: str) -> None:
    if text.strip() == text or not text:
        with pytest.raises(ConfigError) as wrong:
            Forward.parse(text)
        assert wrong.value.message == "box.not-a-forward"
    else:
        assert Forward.parse(text).to_port == 80


def test_a_declaration_comes_back_as_it_was_kept() -> None:
    assert parse(FULL.to_text()) == FULL
    unseen = Declaration(by="Dr Martin", on=DAY)
    assert parse(unseen.to_text()) == unseen
    assert unseen.empty
    empty = Declaration(by="Dr Martin", on=DAY, forwards=(), dmz="")
    assert parse(empty.to_text()) == empty
    assert not empty.empty
    assert parse(None) is parse("") is None


def test_its_statements_are_that_persons_of_that_day() -> None:
    seen = observations(FULL, BOX)
    for one in seen:
        proper(one)
        assert (one.probe, one.vantage, one.device, one.address) == (
            "declared",
            Vantage.DECLARED,
            "d1",
            "192.168.1.1",
        )
        assert one.seen_at == datetime(2026, 11, 20, tzinfo=UTC)
        assert one.facts["by"] == "Dr Martin"
    told = [(one.protocol, one.port, one.transport) for one in seen]
    assert told == [
        ("forward", 8104, "tcp"),
        ("forward", 8000, "tcp"),
        ("forward", 8000, "udp"),
        ("listing", 0, "tcp"),
        ("dmz", 0, "tcp"),
        ("upnp", 0, "tcp"),
        ("ipv6-firewall", 0, "tcp"),
    ]
    assert seen[0].facts["to_address"] == "192.168.1.20"
    assert seen[0].facts["to_port"] == 11112
    assert "ports" not in seen[0].facts
    assert seen[1].facts["ports"] == "8000-8010"
    assert seen[3].facts["listing"] == "whole"
    assert seen[4].facts["to_address"] == "192.168.1.40"
    assert [one.facts["enabled"] for one in seen[4:]] == [True, True, False]


def test_a_page_that_was_not_seen_is_unknown_and_an_empty_one_is_empty() -> None:
    assert observations(Declaration(by="x", on=DAY), BOX) == []
    listing, dmz = observations(Declaration(by="x", on=DAY, forwards=(), dmz=""), BOX)
    assert (listing.facts["listing"], listing.facts["count"]) == ("whole", 0)
    assert (dmz.facts["enabled"], dmz.facts["to_address"]) == (False, None)


def changed(**other: Any) -> str:  # noqa: ANN401
    """What is stored, with something wrong in it."""
    return json.dumps(json.loads(FULL.to_text()) | other)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        "1" * 300_000,
        changed(version=2),
        changed(by=None),
        changed(by=""),
        changed(on="yesterday"),
        changed(on=None),
        changed(forwards=[["tcp", 8104]]),
        changed(forwards=[[["tcp"], 8104, 8104, "192.168.1.20", 1]]),
        changed(forwards=[["tcp", True, 8104, "192.168.1.20", 1]]),
        changed(forwards="8104"),
        changed(forwards=[["tcp", 1, 1, "192.168.1.20", 1]] * 501),
        changed(dmz="pacs"),
        changed(dmz=[]),
        changed(upnp="on"),
        changed(ipv6_firewall=1),
    ],
)
def test_a_damaged_declaration_says_so_and_is_not_taken_for_another(text: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        parse(text)
    assert wrong.value.message == "box.declaration-damaged"


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(ConfigError):
        assert parse(text) is None or isinstance(parse(text), Declaration)


FORWARDS = st.builds(
    lambda transport, first, more, to, port: Forward(transport, first, first + more, str(to), port),
    st.sampled_from(["tcp", "udp", "both"]),
    st.integers(1, 60_000),
    st.integers(0, 100),
    st.ip_addresses(v=4, network="192.168.0.0/16"),
    st.integers(1, 60_000),
)
TRUTHS = st.none() | st.booleans()
DECLARATIONS = st.builds(
    Declaration,
    by=st.just("Dr Martin"),
    on=st.dates(),
    forwards=st.none() | st.lists(FORWARDS, max_size=4).map(tuple),
    dmz=st.none() | st.just("") | st.just("192.168.1.9"),
    upnp=TRUTHS,
    ipv6_firewall=TRUTHS,
)


@given(DECLARATIONS)
def test_every_declaration_comes_back_and_makes_proper_facts(made: Declaration) -> None:
    assert parse(made.to_text()) == made
    for one in observations(made, BOX):
        proper(one)
    for rule in made.forwards or ():
        assert Forward.parse(str(rule)) == rule
