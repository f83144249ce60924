"""Which rules hold, of what was seen? A probe that breaks on it stops nothing, and has answered nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from netwatch.judging import Judging
from netwatch.model import LIVENESS, Coverage, Observation, Outcome, Reason, Vantage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.model import Failure, Finding, Target
    from netwatch.way import Way

SEEN = Observation(
    "fine", Vantage.LAN, "d", "192.168.1.20", 104, "dicom", {}, datetime(2026, 11, 25, 2, tzinfo=UTC)
)
ROW = Coverage("breaks", Vantage.LAN, "192.168.1.20", "d", (104,), Outcome.ANSWERED)


@dataclass(frozen=True)
class Fine:
    """One rule holds wherever it saw something."""

    name: ClassVar[str] = "fine"
    manner: ClassVar[str] = "hear"
    usual: ClassVar[tuple[int, ...]] = ()
    judged: list[Observation] = field(default_factory=list)

    def wants(self, target: Target) -> tuple[int, ...]:
        return target.open_ports

    def observe(self, target: Target, port: int, egress: Way) -> Iterable[Observation]:
        raise NotImplementedError

    def judge(self, seen: Observation) -> Iterable[Finding]:
        self.judged.append(seen)
        yield seen.finding("a-rule")


@dataclass(frozen=True)
class Breaks(Fine):
    """It breaks after its first rule, on what a peer said."""

    name: ClassVar[str] = "breaks"

    def judge(self, seen: Observation) -> Iterable[Finding]:
        yield seen.finding("half-a-rule")
        raise ValueError(str(seen.facts))


def judging(*rows: Coverage) -> tuple[Judging, list[Failure], list[Coverage]]:
    failures: list[Failure] = []
    coverage = list(rows)
    return Judging((Fine(), Breaks()), failures, coverage), failures, coverage


def test_each_probe_judges_its_own_and_nobody_what_is_of_no_probe() -> None:
    one, failures, _ = judging()
    found = one.findings([SEEN, replace(SEEN, port=105), replace(SEEN, probe="sweep")])
    assert found == {SEEN.finding("a-rule"), replace(SEEN, port=105).finding("a-rule")}
    fine = one.probes[0]
    assert isinstance(fine, Fine)
    assert [seen.port for seen in fine.judged] == [104, 105]
    assert failures == []


def test_a_device_that_fell_silent_is_judged_without_a_probe() -> None:
    one, failures, _ = judging()
    assert [f.device for f in one.findings([replace(SEEN, probe=LIVENESS)])] == ["d"]
    assert failures == []


def test_a_probe_that_breaks_leaves_a_bug_without_a_peers_words_and_the_others_go_on() -> None:
    one, failures, _ = judging(ROW)
    secret = replace(SEEN, probe="breaks", facts={"said": "DUPONT^JEAN"})
    assert one.findings([secret, SEEN]) == {SEEN.finding("a-rule")}
    (failure,) = failures
    assert (failure.probe, failure.vantage, failure.address, failure.port, failure.device) == (
        "breaks",
        Vantage.LAN,
        "192.168.1.20",
        104,
        "d",
    )
    assert failure.reason is Reason.BUG
    assert failure.detail.startswith("ValueError in test_judging.py:")
    assert "DUPONT" not in failure.detail


def test_what_a_broken_probe_asked_has_no_answer_and_what_else_was_asked_keeps_its_own() -> None:
    others = (
        replace(ROW, probe="fine"),
        replace(ROW, ports=(105,)),
        replace(ROW, address="192.168.1.21"),
    )
    one, _, coverage = judging(ROW, *others)
    one.findings([replace(SEEN, probe="breaks")])
    assert coverage == [replace(ROW, outcome=Outcome.NO_ANSWER), *others]


def test_it_breaks_once_for_each_observation() -> None:
    one, failures, coverage = judging(ROW, replace(ROW, ports=(105,)))
    one.findings([replace(SEEN, probe="breaks"), replace(SEEN, probe="breaks", port=105)])
    assert [failure.port for failure in failures] == [104, 105]
    assert {row.outcome for row in coverage} == {Outcome.NO_ANSWER}
