"""Is it exposed? The strongest thing known, never more than was proved, and silence is not repair.

The rows of the table are asked in tests/docs/test_verdict.py; here is what must hold of any statements.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.composition import RULES
from netwatch.judge import KNOWS, NIGHT, Says, Statement, explained, findings, shut, verdict
from netwatch.model import Exposure, Finding, Observation, Severity, Vantage
from netwatch.words import Catalogue

if TYPE_CHECKING:
    from netwatch.model import Facts

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
OUTSIDE = Vantage.OUTSIDE
DOORS = st.sampled_from(["", "203.0.113.7:104/tcp", "203.0.113.7:8104/tcp"])
STATEMENTS = st.builds(
    Statement,
    st.sampled_from(list(Vantage)),
    st.sampled_from(list(Says)),
    st.integers(-10, 0).map(lambda night: NOW + timedelta(days=night)),
    DOORS,
)
MANY = st.lists(STATEMENTS, max_size=8)


def said(says: Says, vantage: Vantage = OUTSIDE, night: float = 0, door: str = "") -> Statement:
    return Statement(vantage, says, NOW + timedelta(days=night), door)


@given(MANY)
def test_anything_has_a_verdict_and_it_is_the_row_s(statements: list[Statement]) -> None:
    told = explained(statements)
    assert verdict(statements) is told.exposure
    assert (told.by is None) == (told.exposure is Exposure.NOT_CHECKED)


@given(MANY, st.randoms(use_true_random=False))
def test_the_order_of_what_was_said_changes_nothing(statements: list[Statement], random: object) -> None:
    mixed = list(statements)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert explained(mixed) == explained(statements)
    assert explained([*statements, *statements]) == explained(statements)


@given(MANY)
def test_a_word_from_whoever_cannot_know_it_is_no_word(statements: list[Statement]) -> None:
    assert explained(statements) == explained([one for one in statements if one.says in KNOWS[one.vantage]])


@given(MANY)
def test_only_an_answer_to_a_question_from_outside_exposes(statements: list[Statement]) -> None:
    if verdict(statements) is Exposure.EXPOSED:
        assert any(one.vantage is OUTSIDE and one.says in {Says.ANSWERED, Says.OPEN} for one in statements)


@given(MANY, DOORS)
def test_what_answers_tonight_is_exposed_whatever_else_was_said(
    statements: list[Statement], door: str
) -> None:
    answered = replace(said(Says.ANSWERED, door=door), at=NOW + timedelta(seconds=1))
    assert verdict([*statements, answered]) is Exposure.EXPOSED


@given(MANY, STATEMENTS)
def test_no_word_of_the_box_or_of_others_makes_it_look_less_exposed(
    statements: list[Statement], more: Statement
) -> None:
    if more.vantage in {Vantage.BOX, Vantage.DECLARED, Vantage.SHODAN, Vantage.INTERNETDB}:
        assert verdict([*statements, more]).rank >= verdict(statements).rank


@given(MANY, DOORS)
def test_a_newer_answer_never_makes_it_look_less_exposed(statements: list[Statement], door: str) -> None:
    assert verdict([*statements, said(Says.OPEN, door=door)]).rank >= verdict(statements).rank


@given(MANY)
def test_what_was_reached_is_exposed_until_every_way_in_is_shut(statements: list[Statement]) -> None:
    reached = [one for one in statements if one.vantage is OUTSIDE and one.says in {Says.ANSWERED, Says.OPEN}]
    everywhere = [one for one in reached if not one.door]
    if everywhere:  # of each door: else the others may be open that nobody reached
        assert (verdict(statements) is Exposure.EXPOSED) != shut(statements)


@given(MANY)
def test_nothing_is_shut_where_nobody_asked_from_outside(statements: list[Statement]) -> None:
    inside = [one for one in statements if one.vantage is not OUTSIDE]
    assert not shut(inside)


def test_one_door_that_is_shut_does_not_hide_another_that_is_open() -> None:
    one, other = "203.0.113.7:104/tcp", "203.0.113.7:8104/tcp"
    both = [said(Says.ANSWERED, night=-1, door=one), said(Says.CLOSED, door=other)]
    assert verdict(both) is Exposure.EXPOSED
    assert not shut(both)
    assert verdict([*both, said(Says.CLOSED, door=one)]) is Exposure.INSIDE_ONLY


def test_the_verdict_names_what_decided_and_what_ended_it() -> None:
    before, closed = said(Says.REPORTED, Vantage.SHODAN, -9), said(Says.CLOSED)
    told = explained([before, closed])
    assert (told.row, told.by, told.ended) == ("reported-but-closed", before, closed)


def test_two_questions_of_one_night_are_not_two_nights() -> None:
    answered = said(Says.ANSWERED, night=-2)
    hours = NIGHT / timedelta(days=1)
    assert not shut([answered, said(Says.SILENT), said(Says.SILENT, night=-hours * 0.9)])
    assert shut([answered, said(Says.SILENT), said(Says.SILENT, night=-hours)])


def test_what_answers_and_is_closed_at_the_same_moment_is_still_exposed() -> None:
    assert verdict([said(Says.ANSWERED), said(Says.CLOSED)]) is Exposure.EXPOSED


# ------------------------------------------------------------------------------- the engine's own rules


def seen(  # noqa: PLR0913 - what an observation is made of
    protocol: str,
    facts: Facts | None = None,
    *,
    probe: str = "freebox",
    vantage: Vantage = Vantage.BOX,
    device: str = "box",
    port: int = 0,
) -> Observation:
    address = device.removeprefix("p-") if device.startswith("p-") else "192.168.1.1"
    return Observation(probe, vantage, device, address, port, protocol, facts or {}, NOW)


def rules(*observations: Observation, judged: tuple[Finding, ...] = ()) -> list[tuple[str, int, Exposure]]:
    return [(one.rule, one.port, one.exposure) for one in findings(observations, judged)]


def forward(port: int = 8104, **more: object) -> Observation:
    facts: Facts = {"to_address": "192.168.1.20", "to_port": 104, "enabled": True}
    return replace(seen("forward", facts, port=port), **more)  # type: ignore[arg-type]


def test_a_forward_that_the_box_lists_is_a_finding_and_is_not_called_proved() -> None:
    assert rules(forward()) == [("box-forward", 8104, Exposure.FORWARDED)]


@pytest.mark.parametrize("enabled", [False, True, None])
def test_a_forward_that_is_switched_off_is_none(*, enabled: bool | None) -> None:
    off = forward()
    off = replace(off, facts=off.facts | {"enabled": enabled})
    assert bool(rules(off)) is (enabled is not False)


def test_what_the_box_tells_over_upnp_is_for_the_upnp_probe() -> None:
    assert rules(forward(probe="upnp"), seen("upnp", {"enabled": True}, probe="upnp")) == []


def test_box_and_person_telling_the_same_make_one_finding_by_the_surer() -> None:
    declared = forward(probe="declared", vantage=Vantage.DECLARED)
    [one] = findings([declared, forward()])
    assert (one.probe, one.vantage) == ("freebox", Vantage.BOX)


@pytest.mark.parametrize(
    ("observation", "rule"),
    [
        (seen("dmz", {"to_address": "192.168.1.20", "enabled": True}), "box-dmz"),
        (seen("ipv6-firewall", {"enabled": False}), "box-ipv6-open"),
        (seen("upnp", {"enabled": True}), "box-upnp"),
    ],
)
def test_what_the_box_says_of_itself_has_its_rule(observation: Observation, rule: str) -> None:
    assert [told for told, *_ in rules(observation)] == [rule]


@pytest.mark.parametrize(
    "observation",
    [
        seen("dmz", {"to_address": "192.168.1.20", "enabled": False}),
        seen("dmz", {"enabled": True}),
        seen("ipv6-firewall", {"enabled": True}),
        seen("ipv6-firewall", {"enabled": None}),
        seen("upnp", {"enabled": False}),
        seen("listing", {"listing": "whole"}),
        seen("wan", {"address": "203.0.113.7"}),
        seen("dmz", {"to_address": "192.168.1.20", "enabled": True}, vantage=Vantage.LAN),
        seen("listing", {"listing": "empty"}, vantage=Vantage.SHODAN, probe="shodan", port=1),
    ],
)
def test_what_is_safe_or_unknown_has_none(observation: Observation) -> None:
    assert rules(observation) == []


REPORT = seen("dicom", {}, probe="shodan", vantage=Vantage.SHODAN, device="p-203.0.113.7", port=104)


def test_a_report_is_one_finding_and_none_where_it_was_found_closed() -> None:
    again = replace(REPORT, probe="internetdb", vantage=Vantage.INTERNETDB)
    [one] = findings([again, REPORT])
    assert (one.rule, one.probe, one.exposure) == ("reported-open", "shodan", Exposure.REPORTED)
    assert list(findings([REPORT], refuted={("p-203.0.113.7", 104, "tcp")})) == []


OPEN = seen("unknown", {"state": "open"}, probe="sweep", vantage=OUTSIDE, device="p-203.0.113.7", port=7777)
IMAGING = replace(OPEN, probe="dicom", protocol="dicom", facts={"association": "accepted"})


def test_a_port_open_to_the_internet_that_no_rule_speaks_of_is_a_finding() -> None:
    assert rules(OPEN) == [("port-reachable", 7777, Exposure.EXPOSED)]
    elsewhere = Finding("ssh-reachable", OPEN.device, 22)
    assert rules(OPEN, judged=(elsewhere,)) == [("port-reachable", 7777, Exposure.EXPOSED)]


def test_where_a_rule_of_a_probe_stands_there_is_no_second_one() -> None:
    assert rules(OPEN, IMAGING, judged=(IMAGING.finding("dicom-query-answered"),)) == []


def test_an_image_server_that_refuses_to_search_is_still_told_as_one() -> None:
    assert rules(OPEN, IMAGING) == [("imaging-reachable", 7777, Exposure.EXPOSED)]
    hidden = replace(IMAGING, facts={"tls": True, "client_certificate": "required"})
    assert rules(OPEN, hidden) == [("port-reachable", 7777, Exposure.EXPOSED)]


def test_a_port_that_is_open_inside_alone_is_no_finding() -> None:
    assert rules(replace(OPEN, vantage=Vantage.LAN)) == []


def test_every_rule_has_its_words_and_a_dmz_is_as_bad_as_it_gets() -> None:
    catalogue = Catalogue([RULES])
    known = {"box-forward", "box-dmz", "box-ipv6-open", "box-upnp", "reported-open", "port-reachable"}
    assert known | {"imaging-reachable"} <= set(catalogue.rules)
    assert catalogue["box-dmz"].at(Exposure.FORWARDED) is Severity.CRITICAL
    assert catalogue["box-forward"].at(Exposure.FORWARDED) is Severity.MEDIUM
