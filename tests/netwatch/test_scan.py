"""Who is asked what? A broken probe never stops a scan, and what was not asked is said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, ClassVar

import pytest

from netwatch.egress import Egress, Pace, Scope
from netwatch.model import (
    Coverage,
    Device,
    Failure,
    Observation,
    Outcome,
    Reason,
    Run,
    Target,
    Vantage,
)
from netwatch.probe import ProbeError
from netwatch.scan import Scan, complete, together
from tests.lab.scps import scp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netwatch.model import Finding
    from netwatch.probe import Probe

NAME = "ZZCANARY^NAME"


@dataclass(frozen=True)
class Probing:
    """A probe that does what a test wants on port 11112."""

    name: ClassVar[str] = "probing"
    does: Callable[[Target, int, Egress], Iterable[Observation]]

    def wants(self, target: Target) -> tuple[int, ...]:
        return tuple(port for port in target.open_ports if port == 11112)

    def observe(self, target: Target, port: int, egress: Egress) -> Iterable[Observation]:
        return self.does(target, port, egress)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        return [seen.finding("rule")]


def scan(address: str, *probes: Probe, **more: object) -> Run:
    scope = Scope((IPv4Network(f"{address}/32"),), until=date.max)
    options = {"known": (), "extra_ports": (), "progress": lambda *_: None} | more
    with scp("silent", address, 11112):
        return Scan("site", Egress(scope, Pace(pause=0.0)), probes, **options).run()  # type: ignore[arg-type]


def coverage_of(run: Run, probe: str) -> list[Outcome]:
    return [row.outcome for row in run.coverage if row.probe == probe]


def test_an_observation_becomes_a_finding_and_coverage() -> None:
    def does(target: Target, port: int, _: Egress) -> Iterator[Observation]:
        yield target.observed("probing", port, "odd", {"fact": True})

    run = scan("127.83.0.1", Probing(does))
    assert {(f.rule, f.address, f.port) for f in run.findings} == {("rule", "127.83.0.1", 11112)}
    assert coverage_of(run, "probing") == [Outcome.ANSWERED]
    assert run.complete


def test_what_was_seen_before_a_failure_is_kept_and_the_failure_is_told() -> None:
    def does(target: Target, port: int, _: Egress) -> Iterator[Observation]:
        yield target.observed("probing", port, "odd", {"fact": True})
        raise ProbeError(Reason.TIMEOUT, "no answer in time")

    run = scan("127.83.0.2", Probing(does))
    assert len(run.findings) == 1
    assert [(f.reason, f.port) for f in run.failures] == [(Reason.TIMEOUT, 11112)]
    assert coverage_of(run, "probing") == [Outcome.NO_ANSWER]
    assert not run.complete


def test_a_bug_in_a_probe_stops_nothing_and_repeats_nothing_that_a_peer_said() -> None:
    def does(_target: Target, _port: int, _: Egress) -> Iterator[Observation]:
        raise KeyError(NAME)

    def fine(target: Target, port: int, _: Egress) -> Iterator[Observation]:
        yield target.observed("probing", port, "odd", {})

    run = scan("127.83.0.3", Probing(does), Probing(fine))
    [failure] = run.failures
    assert failure.reason is Reason.BUG
    assert failure.detail.startswith("KeyError in test_scan.py:")
    assert NAME not in repr(run)
    assert len(run.findings) == 1
    assert not run.complete


def test_a_probe_that_wants_out_of_scope_is_stopped_and_it_is_told() -> None:
    def does(_target: Target, port: int, egress: Egress) -> Iterator[Observation]:
        with egress.connect("127.83.99.99", port):
            return iter(())

    run = scan("127.83.0.4", Probing(does))
    assert [f.reason for f in run.failures] == [Reason.SCOPE]
    assert coverage_of(run, "probing") == [Outcome.NOT_ASKED]


def test_a_mute_port_leaves_a_run_complete() -> None:
    def does(_target: Target, _port: int, _: Egress) -> Iterator[Observation]:
        raise ProbeError(Reason.MUTE)

    run = scan("127.83.0.5", Probing(does))
    assert [f.reason for f in run.failures] == [Reason.MUTE]
    assert run.complete


def test_a_stop_keeps_what_was_seen_and_lists_what_was_not_asked() -> None:
    def stop(stage: str, _done: int, _total: int, _what: str) -> None:
        if stage == "ports":
            raise KeyboardInterrupt

    run = scan("127.83.0.6", Probing(lambda *_: ()), progress=stop)
    assert {row.outcome for row in run.coverage if row.probe == "sweep"} == {Outcome.NOT_ASKED}
    assert [f.reason for f in run.failures] == [Reason.UNFINISHED]
    assert [device.address for device in run.devices] == ["127.83.0.6"]
    assert not run.complete


def test_a_known_device_keeps_its_id() -> None:
    run = scan("127.83.0.7", known=(Device("d-77", "127.83.0.7"),))
    assert [device.id for device in run.devices] == ["d-77"]


def row(outcome: Outcome, *ports: int) -> Coverage:
    return Coverage("sweep", Vantage.LAN, "192.168.1.20", "d", ports, outcome)


def test_ports_of_one_outcome_are_gathered() -> None:
    gathered = together([row(Outcome.OPEN, 104), row(Outcome.CLOSED, 22), row(Outcome.OPEN, 80, 104)])
    assert gathered == (row(Outcome.OPEN, 80, 104), row(Outcome.CLOSED, 22))


def test_anything_left_unasked_or_unfinished_makes_a_run_incomplete() -> None:
    assert complete([], [row(Outcome.OPEN, 1), row(Outcome.FILTERED, 2), row(Outcome.EXCLUDED)])
    for outcome in (Outcome.TIMED_OUT, Outcome.NOT_ASKED, Outcome.FAILED):
        assert not complete([], [row(outcome)])
    assert not complete([Failure("sweep", Vantage.LAN, "", None, Reason.NMAP_MISSING)], [])


@pytest.mark.parametrize("broken", ["wants", "judge"])
def test_a_probe_that_breaks_outside_its_question_stops_nothing_either(broken: str) -> None:
    class Broken(Probing):
        pass

    def breaks(*_: object) -> None:
        raise KeyError(NAME)

    def does(target: Target, port: int, _: Egress) -> Iterator[Observation]:
        yield target.observed("probing", port, "odd", {})

    setattr(Broken, broken, breaks)
    run = scan("127.83.0.8", Broken(does))
    assert {failure.reason for failure in run.failures} == {Reason.BUG}
    assert NAME not in repr(run)
    assert Outcome.ANSWERED not in coverage_of(run, "probing")
    assert not run.complete
