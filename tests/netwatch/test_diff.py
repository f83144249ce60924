"""What moved between two nights? Silence is not repair, and asking more is not news."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes
from netwatch.change import ChangeKind
from netwatch.diff import Picture, compare
from netwatch.model import (
    Coverage,
    Exposure,
    Fact,
    Facts,
    Finding,
    Observation,
    Outcome,
    Run,
    Status,
    Vantage,
)
from netwatch.words import Catalogue

CATALOGUE = Catalogue(probes.words())
ANSWERED, LEAKED, NAME = "dicom-query-answered", "dicom-patient-sent", "dicom-name-only"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def finding(rule: str = ANSWERED, device: str = "d", port: int = 104) -> Finding:
    return Finding(rule, device, port, probe="dicom", address="192.168.1.20")


def row(outcome: Outcome, *ports: int, probe: str = "dicom", device: str | None = "d") -> Coverage:
    return Coverage(probe, Vantage.LAN, "192.168.1.20", device, ports, outcome)


def a_run(
    *coverage: Coverage, findings: frozenset[Finding] = frozenset(), seen: tuple[Observation, ...] = ()
) -> Run:
    return Run(
        "r",
        "s",
        NOON,
        NOON,
        complete=True,
        vantages=(Vantage.LAN,),
        coverage=coverage,
        findings=findings,
        observations=seen,
    )


def known(*findings: Finding, status: Status = Status.OPEN, **more: object) -> Picture:
    return replace(Picture(dict.fromkeys(findings, status), devices=frozenset({"d"})), **more)  # type: ignore[arg-type]


def kinds(before: Picture, run: Run) -> list[tuple[ChangeKind, str]]:
    return [(c.kind, c.finding.rule) for c in compare(before, run, CATALOGUE.ladder).changes]


@pytest.mark.parametrize(
    "answer",
    [row(Outcome.ANSWERED, 104), row(Outcome.CLOSED, 104, probe="sweep")],
    ids=["asked again and answered otherwise", "its port is closed"],
)
def test_a_finding_proved_gone_is_resolved(answer: Coverage) -> None:
    assert kinds(known(finding()), a_run(answer)) == [(ChangeKind.RESOLVED, ANSWERED)]


@pytest.mark.parametrize(
    "silence",
    [
        (),
        (row(Outcome.NO_ANSWER, 104),),
        (row(Outcome.FILTERED, 104, probe="sweep"),),
        (row(Outcome.OPEN, 104, probe="sweep"),),
        (row(Outcome.TIMED_OUT, probe="sweep"),),
        (row(Outcome.NOT_ASKED, 104),),
        (row(Outcome.EXCLUDED, probe="sweep"),),
        (row(Outcome.ANSWERED, 104, device="another"),),
        (row(Outcome.ANSWERED, 4242),),
    ],
    ids=[
        "vanished",
        "no answer",
        "filtered",
        "only swept",
        "timed out",
        "stopped",
        "excluded",
        "other host",
        "other port",
    ],
)
def test_silence_leaves_a_finding_unverified_and_never_resolved(silence: tuple[Coverage, ...]) -> None:
    night = compare(known(finding()), a_run(*silence), CATALOGUE.ladder)
    assert night.findings == {finding(): Status.UNVERIFIED}
    assert [c.kind for c in night.changes] == [ChangeKind.UNVERIFIED]


def test_an_unverified_finding_is_told_once() -> None:
    assert kinds(known(finding(), status=Status.UNVERIFIED), a_run()) == []


def test_a_port_that_was_closed_before_appears() -> None:
    before = known(asked={("d", "sweep"): frozenset({104})})
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({finding()}))
    assert kinds(before, run) == [(ChangeKind.APPEARED, ANSWERED)]


def test_a_server_that_newly_answers_on_a_port_asked_before_appears() -> None:
    before = known(asked={("d", "dicom"): frozenset({104})})
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({finding()}))
    assert kinds(before, run) == [(ChangeKind.APPEARED, ANSWERED)]


def test_a_port_never_asked_before_is_newly_checked_not_newly_exposed() -> None:
    before = known(asked={("d", "sweep"): frozenset({4242})})
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({finding()}))
    assert kinds(before, run) == [(ChangeKind.NEWLY_CHECKED, ANSWERED)]


def test_a_new_device_on_a_network_that_was_looked_at_appears() -> None:
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({finding()}))
    seen_before = Picture(networks=("192.168.1.0/24",))
    assert kinds(seen_before, run) == [(ChangeKind.APPEARED, ANSWERED)]
    assert kinds(Picture(networks=("192.168.2.0/24",)), run) == [(ChangeKind.NEWLY_CHECKED, ANSWERED)]


def test_the_same_facts_under_a_new_rule_are_no_news() -> None:
    facts = {"query": "answered"}
    seen = Observation("dicom", Vantage.LAN, "d", "192.168.1.20", 104, "dicom", dict(facts), NOON)
    before = known(asked={("d", "dicom"): frozenset({104})}, facts={("d", "dicom", 104): facts})
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({finding()}), seen=(seen,))
    assert kinds(before, run) == [(ChangeKind.NEWLY_CHECKED, ANSWERED)]


def test_a_higher_rung_worsens_and_is_told_once() -> None:
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({finding()}))
    [change] = compare(known(finding(NAME)), run, CATALOGUE.ladder).changes
    assert (change.kind, change.previous) == (ChangeKind.WORSENED, finding(NAME))


def test_a_lower_rung_that_was_proved_improves() -> None:
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({finding(NAME)}))
    night = compare(known(finding()), run, CATALOGUE.ladder)
    assert [(c.kind, c.finding.rule) for c in night.changes] == [(ChangeKind.IMPROVED, NAME)]
    assert night.findings == {finding(): Status.RESOLVED, finding(NAME): Status.OPEN}


def test_a_lower_rung_with_the_question_unanswered_hides_nothing() -> None:
    run = a_run(row(Outcome.NO_ANSWER, 104), findings=frozenset({finding(NAME)}))
    night = compare(known(finding()), run, CATALOGUE.ladder)
    assert night.findings == {finding(): Status.UNVERIFIED}


def test_more_exposed_is_worse() -> None:
    now = replace(finding(), exposure=Exposure.EXPOSED)
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({now}))
    assert kinds(known(finding()), run) == [(ChangeKind.WORSENED, ANSWERED)]


def test_one_port_never_speaks_for_another() -> None:
    run = a_run(row(Outcome.CLOSED, 104, probe="sweep"))
    night = compare(known(finding(port=104), finding(port=4242)), run, CATALOGUE.ladder)
    assert night.findings == {finding(port=104): Status.RESOLVED, finding(port=4242): Status.UNVERIFIED}


FINDINGS = st.builds(
    finding,
    st.sampled_from([ANSWERED, LEAKED, NAME, "dicom-store-negotiated"]),
    st.sampled_from(["d", "e"]),
    st.sampled_from([104, 4242]),
)
ROWS = st.builds(
    lambda outcome, ports, probe, device: row(outcome, *ports, probe=probe, device=device),
    st.sampled_from(list(Outcome)),
    st.sets(st.sampled_from([104, 4242])),
    st.sampled_from(["dicom", "sweep"]),
    st.sampled_from(["d", "e"]),
)


def one_rung_each(findings: set[Finding]) -> frozenset[Finding]:
    """A probe puts at most one rung of a ladder on a port."""
    kept = {((CATALOGUE.ladder(f.rule) or (f.rule,))[0], f.device, f.port): f for f in findings}
    return frozenset(kept.values())


@given(st.sets(FINDINGS), st.lists(ROWS), st.sets(FINDINGS))
def test_the_changes_lead_from_one_night_to_the_other(
    old: set[Finding], rows: list[Coverage], new: set[Finding]
) -> None:
    before = known(*one_rung_each(old))
    run = a_run(*rows, findings=one_rung_each(new))
    night = compare(before, run, CATALOGUE.ladder)
    told = dict(before.findings)
    for change in night.changes:
        if change.previous is not None:
            told.pop(change.previous)
        if change.kind is ChangeKind.RESOLVED:
            told.pop(change.finding)
        else:
            told[change.finding] = Status.UNVERIFIED if change.kind is ChangeKind.UNVERIFIED else Status.OPEN
    assert told == {f: s for f, s in night.findings.items() if s is not Status.RESOLVED}


@given(st.sets(FINDINGS), st.lists(ROWS))
def test_the_same_night_twice_moves_nothing(findings: set[Finding], rows: list[Coverage]) -> None:
    run = a_run(*rows, findings=one_rung_each(findings))
    assert compare(known(*run.findings), run, CATALOGUE.ladder).changes == ()


def test_an_answer_under_another_name_settles_nothing_and_is_no_news() -> None:
    place, now = ("d", "dicom", 104), {"asked_as": "NETWATCH > PACS2"}
    before = known(finding(), facts={place: {"asked_as": "NETWATCH > PACS1"}})
    seen = Observation("dicom", Vantage.LAN, "d", "192.168.1.20", 104, "dicom", dict(now), NOON)
    assert kinds(before, a_run(row(Outcome.ANSWERED, 104), seen=(seen,))) == [
        (ChangeKind.UNVERIFIED, ANSWERED)
    ]
    asked = replace(before, findings={}, asked={("d", "dicom"): frozenset({104})})
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({finding()}), seen=(seen,))
    assert kinds(asked, run) == [(ChangeKind.NEWLY_CHECKED, ANSWERED)]


def test_a_device_that_falls_silent_again_after_it_was_released_is_news_again() -> None:
    fell = Finding("device-stopped-answering", "d", 104, probe="liveness", address="192.168.1.20")
    now = datetime.now(UTC)
    run = Run("r", "cabinet", now, now, complete=False, vantages=(Vantage.LAN,), findings=frozenset({fell}))
    before = Picture(findings={fell: Status.UNVERIFIED}, devices=frozenset({"d"}))
    [change] = compare(before, run, lambda _: None).changes
    assert (change.kind, change.finding) == (ChangeKind.APPEARED, fell)


OVER_UDP = Finding("snmp-public", "d", 161, "udp", probe="snmp", address="192.168.1.20")


def test_a_closed_tcp_port_says_nothing_of_udp() -> None:
    night = compare(known(OVER_UDP), a_run(row(Outcome.CLOSED, 161, probe="sweep")), CATALOGUE.ladder)
    assert night.findings == {OVER_UDP: Status.UNVERIFIED}


def test_a_udp_port_that_said_itself_that_it_is_closed_settles_its_finding() -> None:
    run = a_run(row(Outcome.CLOSED, 161, probe="snmp"))
    assert kinds(known(OVER_UDP), run) == [(ChangeKind.RESOLVED, "snmp-public")]


@pytest.mark.parametrize(
    ("asked", "kind"), [("sweep", ChangeKind.NEWLY_CHECKED), ("snmp", ChangeKind.APPEARED)]
)
def test_what_is_new_over_udp_was_asked_over_udp_before(asked: str, kind: ChangeKind) -> None:
    before = known(asked={("d", asked): frozenset({161})})
    run = a_run(row(Outcome.ANSWERED, 161, probe="snmp"), findings=frozenset({OVER_UDP}))
    assert kinds(before, run) == [(kind, "snmp-public")]


OPEN_DOOR = Finding("redis-no-password", "d", 6379, probe="redis", address="192.168.1.20")


def heard(protocol: str, **facts: Fact) -> tuple[Observation, ...]:
    return (Observation("redis", Vantage.LAN, "d", "192.168.1.20", 6379, protocol, facts, NOON),)


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (heard("redis", authentication="password"), Status.RESOLVED),
        (heard("redis", authentication="unknown"), Status.UNVERIFIED),
        (heard("redis", authentication=None), Status.UNVERIFIED),
        (heard("redis"), Status.UNVERIFIED),
        (heard("ssh"), Status.RESOLVED),  # another protocol stands there now
    ],
    ids=["a password", "not now", "cut short", "nothing", "another protocol"],
)
def test_an_answer_without_the_fact_that_decides_settles_nothing(
    seen: tuple[Observation, ...], status: Status
) -> None:
    key = ("d", "redis", 6379)
    before = known(OPEN_DOOR, facts={key: {"authentication": "none"}}, spoken={key: "redis"})
    run = a_run(row(Outcome.ANSWERED, 6379, probe="redis"), seen=seen)
    night = compare(before, run, CATALOGUE.ladder, lambda _: "authentication")
    assert night.findings == {OPEN_DOOR: status}
    closed = a_run(row(Outcome.CLOSED, 6379, probe="sweep"), seen=seen)
    assert compare(before, closed, CATALOGUE.ladder, lambda _: "authentication").findings == {
        OPEN_DOOR: Status.RESOLVED
    }


def test_what_answers_as_it_did_and_is_no_finding_any_more_was_not_repaired() -> None:
    """Our rules, or our table of versions, say otherwise now."""
    finding = Finding("dicom-query-answered", "d", 104, probe="dicom", address="192.168.1.20")
    facts: Facts = {"association": "accepted", "query": "answered"}
    answer = Observation("dicom", Vantage.LAN, "d", "192.168.1.20", 104, "dicom", facts, NOON)
    before = known(finding, facts={("d", "dicom", 104): facts})
    asked = row(Outcome.ANSWERED, 104)
    assert kinds(before, a_run(asked, seen=(answer,))) == [(ChangeKind.REJUDGED, "dicom-query-answered")]
    otherwise = replace(answer, facts={"association": "accepted", "query": "refused"})
    assert kinds(before, a_run(asked, seen=(otherwise,))) == [(ChangeKind.RESOLVED, "dicom-query-answered")]
    closed = row(Outcome.CLOSED, 104, probe="sweep")
    assert kinds(before, a_run(closed)) == [(ChangeKind.RESOLVED, "dicom-query-answered")]


def test_a_lower_rung_nearer_to_the_internet_is_worse() -> None:
    near = replace(finding(NAME), exposure=Exposure.FORWARDED)
    run = a_run(row(Outcome.ANSWERED, 104), findings=frozenset({near}))
    [change] = compare(known(finding()), run, CATALOGUE.ladder).changes
    assert (change.kind, change.finding.rule) == (ChangeKind.WORSENED, NAME)
