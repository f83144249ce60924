"""What moved between two nights? Pure: a picture of before, a run, and the changes between them.

Silence is not repair: a finding is resolved only where its port was found closed, or where its question
was asked and answered otherwise; else it is unverified. Asking more is not news: a finding on a port
that was never asked before is newly checked, not newly exposed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from netwatch.model import LIVENESS, Change, ChangeKind, Finding, Outcome, Status
from netwatch.portset import PortSet

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from netwatch.model import Coverage, Facts, Run

    # The ladder of a rule and its rung there, or None for a rule that stands alone.
    Ladder = Callable[[str], tuple[str, int] | None]
    # The fact that decides whether a rule holds, or None.
    Decisive = Callable[[str], str | None]

UNTOLD = (None, "unknown")  # a fact that was not learnt
ASKED = {Outcome.ANSWERED, Outcome.CLOSED, Outcome.FILTERED}
GONE = {Outcome.ANSWERED, Outcome.CLOSED}


@dataclass(frozen=True, slots=True)
class Picture:
    """What was known before tonight.

    `asked`: by (device, probe), the ports whose question was once answered; for the probe `sweep`, the
    ports once found not open. `facts`: by (device, probe, port), the last ones; `spoken`: the
    protocol that they were told in.
    """

    findings: Mapping[Finding, Status] = field(default_factory=dict)
    devices: frozenset[str] = frozenset()
    asked: Mapping[tuple[str, str], Container[int]] = field(default_factory=dict)
    facts: Mapping[tuple[str, str, int], Facts] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    spoken: Mapping[tuple[str, str, int], str] = field(default_factory=dict)

    def covers(self, address: str) -> bool:
        """Was this address ever looked at?"""
        return any(IPv4Address(address) in IPv4Network(network) for network in self.networks)


@dataclass(frozen=True, slots=True)
class Night:
    """What a run makes of the picture: each finding's status now, and what moved."""

    findings: Mapping[Finding, Status]
    changes: tuple[Change, ...]


def compare(before: Picture, run: Run, ladder: Ladder, decisive: Decisive = lambda _: None) -> Night:
    """The night. `compare(after, same run)` moves nothing."""
    now = _settle(before, run, _answers(run.coverage), ladder, decisive)
    changes = [
        *_arrivals(before, run, now, ladder),
        *_departures(before, now, ladder),
    ]
    return Night(
        now, tuple(sorted(changes, key=lambda c: (c.finding.address, c.finding.port, c.finding.rule)))
    )


# By (device, probe): the ports that tonight's answers settle.
Answers = dict[tuple[str, str], PortSet]


def _answers(coverage: Iterable[Coverage]) -> Answers:
    """What tonight's answers settle; a closed port settles every probe's."""
    answers: Answers = {}
    for row in coverage:
        if row.device is not None and row.outcome in GONE:
            key = (row.device, row.probe)
            answers[key] = answers.get(key, PortSet()) | PortSet.of(row.ports)
    return answers


def _left_open(before: Picture, run: Run, decisive: Decisive) -> frozenset[Finding]:
    """Findings whose question was answered tonight without the fact that decides them: a server that says
    "not now", or whose answer was cut, has proved nothing. Another protocol in its place has."""
    told = {(seen.device, seen.probe, seen.port): seen for seen in run.observations}
    open_ones = set()
    for finding in before.findings:
        key = (finding.device, finding.probe, finding.port)
        seen, fact = told.get(key), decisive(finding.rule)
        same = seen is not None and before.spoken.get(key, seen.protocol) == seen.protocol
        if seen is not None and same and fact is not None and seen.facts.get(fact) in UNTOLD:
            open_ones.add(finding)
    return frozenset(open_ones)


def _settled(
    finding: Finding,
    answers: Answers,
    otherwise: frozenset[tuple[str, str, int]],
    left_open: frozenset[Finding],
) -> bool:
    def answered(probe: str) -> bool:
        return finding.port in answers.get((finding.device, probe), ())

    question = (finding.device, finding.probe, finding.port)
    knocked = finding.transport == "tcp" and answered("sweep")  # a closed TCP port says nothing of UDP
    told = answered(finding.probe) and question not in otherwise and finding not in left_open
    return knocked or told


def _asked_otherwise(before: Picture, run: Run) -> frozenset[tuple[str, str, int]]:
    """Questions put under other names than last time: the answer to one says nothing of the other."""
    return frozenset(
        key
        for seen in run.observations
        if (key := (seen.device, seen.probe, seen.port)) in before.facts
        and "asked_as" in before.facts[key]
        and "asked_as" in seen.facts
        and before.facts[key]["asked_as"] != seen.facts["asked_as"]
    )


def _settle(
    before: Picture, run: Run, answers: Answers, ladder: Ladder, decisive: Decisive
) -> dict[Finding, Status]:
    """Every finding of before and of tonight, with its status now."""
    otherwise = _asked_otherwise(before, run)
    left_open = _left_open(before, run, decisive)
    now = {
        finding: Status.RESOLVED if _settled(finding, answers, otherwise, left_open) else Status.UNVERIFIED
        for finding in before.findings
        if finding not in run.findings
    }
    unproved = {_rung_key(f, ladder): f for f, status in now.items() if status is Status.UNVERIFIED}
    for finding in run.findings:
        higher = unproved.get(_rung_key(finding, ladder)) if ladder(finding.rule) else None
        if higher is not None and _rung(higher, ladder) > _rung(finding, ladder):
            continue  # the worse rung was not disproved tonight: it stands, unverified
        now[finding] = Status.OPEN
        if higher is not None:
            now[higher] = Status.RESOLVED  # replaced by a worse one
    return now


def _arrivals(before: Picture, run: Run, now: Mapping[Finding, Status], ladder: Ladder) -> Iterable[Change]:
    """Findings of tonight that were not there, and those that are more exposed."""
    stood = {_rung_key(f, ladder): f for f in before.findings if ladder(f.rule)}
    same = {f: f for f in before.findings}
    for finding in sorted(run.findings, key=lambda f: (f.address, f.port, f.rule)):
        if finding not in now or now[finding] is not Status.OPEN:
            continue
        if finding in same and finding.probe != LIVENESS:  # a device that falls silent again is news again
            if finding.exposure.rank > same[finding].exposure.rank:
                yield Change(ChangeKind.WORSENED, finding, same[finding])
            continue
        other = stood.get(_rung_key(finding, ladder)) if ladder(finding.rule) else None
        if other is not None:
            worse = _rung(finding, ladder) > _rung(other, ladder)
            yield Change(ChangeKind.WORSENED if worse else ChangeKind.IMPROVED, finding, other)
        else:
            yield Change(_novelty(before, run, finding), finding)


def _departures(before: Picture, now: Mapping[Finding, Status], ladder: Ladder) -> Iterable[Change]:
    """Findings that are gone or silent tonight, less those that another rung replaced."""
    arrived = {_rung_key(f, ladder) for f, s in now.items() if s is Status.OPEN and ladder(f.rule)}
    for finding, status in before.findings.items():
        replaced = ladder(finding.rule) is not None and _rung_key(finding, ladder) in arrived
        if now[finding] is Status.RESOLVED and not replaced:
            yield Change(ChangeKind.RESOLVED, finding)
        elif now[finding] is Status.UNVERIFIED and status is Status.OPEN:
            yield Change(ChangeKind.UNVERIFIED, finding)


def _novelty(before: Picture, run: Run, finding: Finding) -> ChangeKind:
    """New in the world, or only new to us?"""
    if finding.probe == LIVENESS:
        return ChangeKind.APPEARED  # it answered minutes ago
    known = before.facts.get((finding.device, finding.probe, finding.port))
    if known is not None and known in (o.facts for o in run.observations if _about(o, finding)):
        return ChangeKind.NEWLY_CHECKED  # the same facts as before, judged by a rule we did not have
    if (finding.device, finding.probe, finding.port) in _asked_otherwise(before, run):
        return ChangeKind.NEWLY_CHECKED
    if finding.device not in before.devices:
        return ChangeKind.APPEARED if before.covers(finding.address) else ChangeKind.NEWLY_CHECKED
    whose = (finding.probe, "sweep") if finding.transport == "tcp" else (finding.probe,)
    asked = any(finding.port in before.asked.get((finding.device, p), ()) for p in whose)
    return ChangeKind.APPEARED if asked else ChangeKind.NEWLY_CHECKED


def _about(observation: object, finding: Finding) -> bool:
    about = (observation.device, observation.probe, observation.port)  # type: ignore[attr-defined]
    return about == (finding.device, finding.probe, finding.port)


def _rung_key(finding: Finding, ladder: Ladder) -> tuple[str, str, int]:
    on = ladder(finding.rule)
    return (on[0] if on else finding.rule, finding.device, finding.port)


def _rung(finding: Finding, ladder: Ladder) -> int:
    on = ladder(finding.rule)
    return on[1] if on else 0
