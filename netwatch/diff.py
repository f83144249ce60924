"""What moved between two nights? Pure: a picture of before, a run, and the changes between them.

Silence is not repair: a finding is resolved only where its port was found closed, or where its question
was asked and answered otherwise; else it is unverified. Asking more is not news: a finding on a port
that was never asked before is newly checked, not newly exposed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from netwatch.change import Change, ChangeKind, Outside
from netwatch.model import LIVENESS, Exposure, Finding, Outcome, Status, Vantage
from netwatch.portset import PortSet
from netwatch.unported import told_again

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
SAID = {Vantage.BOX, Vantage.DECLARED}  # by somebody who lists what there is
LISTING, WHOLE = "listing", "whole"
INTERNET = "p-"  # how the id of an address on the internet begins


@dataclass(frozen=True, slots=True)
class Picture:
    """What was known before tonight.

    `asked`: by (device, probe), the ports whose question was once answered; for the probe `sweep`, the
    ports once found not open. `facts`: by (device, probe, port), the last ones; `spoken`: the
    protocol that they were told in. `listed`: by (device, probe), boxes that told before what they forward.
    """

    findings: Mapping[Finding, Status] = field(default_factory=dict)
    devices: frozenset[str] = frozenset()
    asked: Mapping[tuple[str, str], Container[int]] = field(default_factory=dict)
    facts: Mapping[tuple[str, str, int], Facts] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    spoken: Mapping[tuple[str, str, int], str] = field(default_factory=dict)
    listed: frozenset[tuple[str, str]] = frozenset()

    def covers(self, address: str) -> bool:
        """Was this address ever looked at?"""
        return any(ip_address(address) in ip_network(network) for network in self.networks)


@dataclass(frozen=True, slots=True)
class Night:
    """What a run makes of the picture: each finding's status now, and what moved. `retired`: addresses on the
    internet that are the practice's no more; what was seen there is history."""

    findings: Mapping[Finding, Status]
    changes: tuple[Change, ...]
    retired: frozenset[str] = frozenset()


def compare(
    before: Picture,
    run: Run,
    ladder: Ladder,
    decisive: Decisive = lambda _: None,
    outside: Outside | None = None,
) -> Night:
    """The night. `compare(after, same run)` moves nothing."""
    outside = outside or Outside()
    retired = outside.retired
    former = [finding for finding in before.findings if finding.device in retired]
    kept = {finding: status for finding, status in before.findings.items() if finding.device not in retired}
    before = replace(before, findings=kept)
    now = {
        finding if finding in run.findings else outside.placed(finding): status
        for finding, status in _settle(before, run, ladder, decisive, outside).items()
    }
    changes = [
        *_more_exposed(before, run, now),
        *_moved(former, _arrivals(before, run, now, ladder)),
        *_departures(before, run, now, ladder),
    ]
    ordered = sorted(changes, key=lambda c: (c.finding.address, c.finding.port, c.finding.rule))
    return Night(now, tuple(ordered), retired)


def _moved(former: Iterable[Finding], arrivals: Iterable[Change]) -> Iterable[Change]:
    """What stood at a former address of the practice and stands at the new one is no news."""
    known = {(f.rule, f.port, f.transport): f for f in former}
    for change in arrivals:
        finding = change.finding
        same = known.get((finding.rule, finding.port, finding.transport))
        new = change.kind in {ChangeKind.APPEARED, ChangeKind.NEWLY_CHECKED} and at_internet(finding.device)
        yield Change(ChangeKind.MOVED, finding, same) if same is not None and new else change


def at_internet(device: str) -> bool:
    """Is this an address on the internet, and no device?"""
    return device.startswith(INTERNET)


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


def _told(before: Picture, run: Run) -> Callable[[Finding], bool]:
    """Has whoever said it listed everything tonight, or said otherwise of the very thing?"""
    called_out = told_again(before.facts, run.observations)
    whole = {
        (seen.device, seen.probe)
        for seen in run.observations
        if seen.protocol == LISTING and seen.facts.get(LISTING) == WHOLE
    }
    again = {(seen.device, seen.probe, seen.port, seen.transport) for seen in run.observations}

    def told(finding: Finding) -> bool:
        itself = (finding.device, finding.probe, finding.port, finding.transport) in again
        listed = bool(finding.port) and (finding.device, finding.probe) in whole
        unported = not finding.port and (finding.device, finding.probe) in called_out
        return unported or (finding.vantage in SAID and (listed or itself))

    return told


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
    before: Picture, run: Run, ladder: Ladder, decisive: Decisive, outside: Outside
) -> dict[Finding, Status]:
    """Every finding of before and of tonight, with its status now. A vantage from which nobody looked tonight
    has nothing to say."""
    answers = _answers(run.coverage)
    otherwise = _asked_otherwise(before, run)
    left_open = _left_open(before, run, decisive)
    told = _told(before, run)
    now: dict[Finding, Status] = {}
    for finding, status in before.findings.items():
        if finding in run.findings:
            continue
        if finding.vantage not in run.vantages:
            now[finding] = status
        elif _settled(finding, answers, otherwise, left_open) or told(finding) or outside.shut(finding):
            now[finding] = Status.RESOLVED
        else:
            now[finding] = Status.UNVERIFIED
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
            continue
        other = stood.get(_rung_key(finding, ladder)) if ladder(finding.rule) else None
        if other is not None:
            worse = _rung(finding, ladder) > _rung(other, ladder)
            worse = worse or finding.exposure.near > other.exposure.near
            yield Change(ChangeKind.WORSENED if worse else ChangeKind.IMPROVED, finding, other)
        else:
            yield Change(_novelty(before, run, finding), finding)


def _more_exposed(before: Picture, run: Run, now: Mapping[Finding, Status]) -> Iterable[Change]:
    """Findings that are nearer to the internet than they were; not where what was seen from outside, at the
    very service, tells it already."""
    seen = {
        (f.link.device, f.link.port)
        for f in run.findings
        if f.vantage is Vantage.OUTSIDE and f.link is not None
    }
    same = {f: f for f in before.findings}
    for finding, status in now.items():
        if finding not in same or status is Status.RESOLVED or finding.probe == LIVENESS:
            continue
        told = finding.exposure is Exposure.EXPOSED and (finding.device, finding.port) in seen
        if finding.exposure.near > same[finding].exposure.near and not told:
            yield Change(ChangeKind.WORSENED, finding, same[finding])


def _departures(before: Picture, run: Run, now: Mapping[Finding, Status], ladder: Ladder) -> Iterable[Change]:
    """Findings that are gone or silent tonight, less those that another rung replaced. Where the answer is
    as it was, nothing was repaired: our rules, or our tables, say otherwise now."""
    arrived = {_rung_key(f, ladder) for f, s in now.items() if s is Status.OPEN and ladder(f.rule)}
    for finding, status in before.findings.items():
        replaced = ladder(finding.rule) is not None and _rung_key(finding, ladder) in arrived
        if now[finding] is Status.RESOLVED and not replaced:
            same = _answered_alike(before, run, finding)
            yield Change(ChangeKind.REJUDGED if same else ChangeKind.RESOLVED, finding)
        elif now[finding] is Status.UNVERIFIED and status is Status.OPEN:
            yield Change(ChangeKind.UNVERIFIED, finding)


def _novelty(before: Picture, run: Run, finding: Finding) -> ChangeKind:
    """New in the world, or only new to us?"""
    if finding.probe == LIVENESS:
        return ChangeKind.APPEARED  # it answered minutes ago
    if _answered_alike(before, run, finding):
        return ChangeKind.NEWLY_CHECKED  # the same facts as before, judged by a rule we did not have
    if (finding.device, finding.probe, finding.port) in _asked_otherwise(before, run):
        return ChangeKind.NEWLY_CHECKED
    if finding.vantage in SAID and (finding.device, finding.probe) in before.listed:
        return ChangeKind.APPEARED
    if finding.device not in before.devices:
        return ChangeKind.APPEARED if before.covers(finding.address) else ChangeKind.NEWLY_CHECKED
    whose = (finding.probe, "sweep") if finding.transport == "tcp" else (finding.probe,)
    asked = any(finding.port in before.asked.get((finding.device, p), ()) for p in whose)
    return ChangeKind.APPEARED if asked else ChangeKind.NEWLY_CHECKED


def _answered_alike(before: Picture, run: Run, finding: Finding) -> bool:
    """Did it answer tonight as it did the last time?"""
    known = before.facts.get((finding.device, finding.probe, finding.port))
    return known is not None and known in (o.facts for o in run.observations if _about(o, finding))


def _about(observation: object, finding: Finding) -> bool:
    about = (observation.device, observation.probe, observation.port)  # type: ignore[attr-defined]
    return about == (finding.device, finding.probe, finding.port)


def _rung_key(finding: Finding, ladder: Ladder) -> tuple[str, str, int]:
    on = ladder(finding.rule)
    return (on[0] if on else finding.rule, finding.device, finding.port)


def _rung(finding: Finding, ladder: Ladder) -> int:
    return (ladder(finding.rule) or ("", 0))[1]
