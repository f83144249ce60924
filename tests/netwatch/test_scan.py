"""Who is asked what? A broken probe never stops a scan, and what was not asked is said."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, ClassVar

import pytest

from netwatch.egress import Egress
from netwatch.halt import WINDOW, Halt
from netwatch.model import Coverage, Device, Failure, Observation, Outcome, Reason, Run, Target, Vantage
from netwatch.pace import Pace
from netwatch.portset import PortSet
from netwatch.probe import ProbeError
from netwatch.scan import Scan, complete, together
from netwatch.scope import Scope
from netwatch.slices import Round
from netwatch.tonight import Tonight
from tests.lab.hurry import FAST
from tests.lab.scps import scp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netwatch.model import Finding
    from netwatch.probe import Probe
    from netwatch.scan import Progress
    from netwatch.way import Way

NAME = "ZZCANARY^NAME"


@dataclass(frozen=True)
class Probing:
    """A probe that does what a test wants on port 11112."""

    name: ClassVar[str] = "probing"
    manner: ClassVar[str] = "dicom"
    usual: ClassVar[tuple[int, ...]] = ()
    does: Callable[[Target, int, Way], Iterable[Observation]]

    def wants(self, target: Target) -> tuple[int, ...]:
        return tuple(port for port in target.open_ports if port == 11112)

    def observe(self, target: Target, port: int, egress: Way) -> Iterable[Observation]:
        return self.does(target, port, egress)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        return [seen.finding("rule")]


def quiet(_stage: str, _done: int, _total: int, _what: str) -> None:
    """Nobody watches."""


def scan(  # noqa: PLR0913 - what a scan is made of
    address: str,
    *probes: Probe,
    known: tuple[Device, ...] = (),
    progress: Progress = quiet,
    halt: Halt | None = None,
    pace: Pace = FAST,
    before: frozenset[str] = frozenset(),
    **more: object,
) -> Run:
    """A scan of one address, where a server listens on 11112 and says nothing."""
    scope = Scope((IPv4Network(f"{address}/32"),), until=date.max)
    halt = halt or Halt()
    egress = Egress(scope, pace, stop=halt.asked)
    tonight = Tonight(scope, known=before, **more)  # type: ignore[arg-type]
    with scp("silent", address, 11112):
        return Scan("site", egress, probes, known, tonight, progress, halt).run()


def coverage_of(run: Run, probe: str) -> list[Outcome]:
    return [row.outcome for row in run.coverage if row.probe == probe]


def test_an_observation_becomes_a_finding_and_coverage() -> None:
    def does(target: Target, port: int, _: Way) -> Iterator[Observation]:
        yield target.observed("probing", port, "odd", {"fact": True})

    run = scan("127.83.0.1", Probing(does))
    assert {(f.rule, f.address, f.port) for f in run.findings} == {("rule", "127.83.0.1", 11112)}
    assert coverage_of(run, "probing") == [Outcome.ANSWERED]
    assert run.complete


def test_what_was_seen_before_a_failure_is_kept_and_the_failure_is_told() -> None:
    def does(target: Target, port: int, _: Way) -> Iterator[Observation]:
        yield target.observed("probing", port, "odd", {"fact": True})
        raise ProbeError(Reason.TIMEOUT, "no answer in time")

    run = scan("127.83.0.2", Probing(does))
    assert len(run.findings) == 1
    assert [(f.reason, f.port) for f in run.failures] == [(Reason.TIMEOUT, 11112)]
    assert coverage_of(run, "probing") == [Outcome.NO_ANSWER]
    assert not run.complete


def test_a_bug_in_a_probe_stops_nothing_and_repeats_nothing_that_a_peer_said() -> None:
    def does(_target: Target, _port: int, _: Way) -> Iterator[Observation]:
        raise KeyError(NAME)

    def fine(target: Target, port: int, _: Way) -> Iterator[Observation]:
        yield target.observed("probing", port, "odd", {})

    run = scan("127.83.0.3", Probing(does), Probing(fine))
    [failure] = run.failures
    assert failure.reason is Reason.BUG
    assert failure.detail.startswith("KeyError in test_scan.py:")
    assert NAME not in repr(run)
    assert len(run.findings) == 1
    assert not run.complete


def test_a_probe_that_wants_out_of_scope_is_stopped_and_it_is_told() -> None:
    def does(_target: Target, port: int, egress: Way) -> Iterator[Observation]:
        with egress.connect("127.83.99.99", port):
            return iter(())

    run = scan("127.83.0.4", Probing(does))
    assert [f.reason for f in run.failures] == [Reason.SCOPE]
    assert coverage_of(run, "probing") == [Outcome.NOT_ASKED]


def test_a_mute_port_leaves_a_run_complete() -> None:
    def does(_target: Target, _port: int, _: Way) -> Iterator[Observation]:
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
    assert run.stopped == "stopped"
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

    def does(target: Target, port: int, _: Way) -> Iterator[Observation]:
        yield target.observed("probing", port, "odd", {})

    setattr(Broken, broken, breaks)
    run = scan("127.83.0.8", Broken(does))
    assert {failure.reason for failure in run.failures} == {Reason.BUG}
    assert NAME not in repr(run)
    assert Outcome.ANSWERED not in coverage_of(run, "probing")
    assert not run.complete


def test_when_the_window_closes_the_scan_pauses_and_says_so() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    run = scan("127.83.0.9", Probing(lambda *_: ()), pace=Pace(), until=soon, why=WINDOW)
    assert run.stopped == WINDOW
    assert Reason.WINDOW in {failure.reason for failure in run.failures}
    swept = {row.outcome: PortSet.of(row.ports) for row in run.coverage if row.probe == "sweep"}
    assert swept[Outcome.CLOSED]
    assert 11112 in swept[Outcome.NOT_ASKED] | swept.get(Outcome.OPEN, PortSet())
    assert len(swept[Outcome.NOT_ASKED]) > 50
    assert not run.complete


def test_a_slice_of_the_whole_range_is_asked_from_the_second_night_on_and_goes_on_where_it_stopped() -> None:
    address, device = "127.83.0.10", "a-127.83.0.10"
    first = scan(address, nights=131)
    [begun] = first.rounds
    assert begun.done == ""
    options: dict[str, object] = {"nights": 131, "before": frozenset({device})}
    with scp("silent", address, 9):
        second = scan(address, **options, rounds={device: begun})  # type: ignore[arg-type]
    [round_] = second.rounds
    assert len(PortSet.parse(round_.done)) > 480
    assert 9 in PortSet.parse(round_.done)
    assert 9 in {seen.port for seen in second.observations}
    third = scan(address, **options, rounds={device: round_})  # type: ignore[arg-type]
    further = PortSet.parse(third.rounds[0].done) - PortSet.parse(round_.done)
    assert len(further) > 480
    assert not PortSet.parse(round_.done) - PortSet.parse(third.rounds[0].done)


def test_a_slice_that_the_window_cut_goes_on_the_next_night_where_it_stopped() -> None:
    address, device = "127.83.0.13", "a-127.83.0.13"
    pace = Pace(packets=500, guarded=500, overall=1000, pause=0.0)
    options: dict[str, object] = {"nights": 2, "before": frozenset({device}), "pace": pace}
    soon = datetime.now(UTC) + timedelta(seconds=3)
    cut = scan(address, **options, until=soon, why=WINDOW)  # type: ignore[arg-type]
    assert cut.stopped == WINDOW
    [begun] = cut.rounds
    done = PortSet.parse(begun.done)
    assert 0 < len(done) < 5000
    [missed] = [row for row in cut.coverage if row.outcome is Outcome.NOT_ASKED]
    assert missed.ports[-1] == 65_535
    soon = datetime.now(UTC) + timedelta(seconds=3)
    further = scan(address, **options, rounds={device: begun}, until=soon, why=WINDOW)  # type: ignore[arg-type]
    more = PortSet.parse(further.rounds[0].done)
    assert not done - more
    assert min(more - done) == max(done) + 1 or min(more - done) > max(done)


def test_all_ports_in_one_night_ends_the_round_and_finds_a_server_anywhere() -> None:
    with scp("open_pacs", "127.83.0.11", 51_004):
        run = scan("127.83.0.11", all_ports=True)
    found = {seen.port for seen in run.observations}  # with what listens on every address of this machine
    assert {11112, 51_004} <= found
    [row] = [row for row in run.coverage if row.outcome is Outcome.CLOSED]
    assert len(row.ports) == 65_535 - len(found) - 1  # 9999 is never knocked at
    assert run.rounds[0].done == ""
    assert run.complete


def test_those_that_were_not_come_to_for_longest_are_first() -> None:
    now = datetime.now(UTC)
    rounds = {
        "a": Round("a", now, usual=now - timedelta(days=1)),
        "b": Round("b", now, usual=now - timedelta(days=9)),
        "c": Round("c", now),
    }
    scope = Scope((IPv4Network("127.83.1.0/24"),), until=date.max)
    work = Scan("site", Egress(scope), (), (), Tonight(scope, rounds=rounds), quiet)
    order = work._planned(Device(name, f"127.83.1.{n}") for n, name in enumerate("abc", 1))
    assert [visit.device.id for visit in order] == ["c", "b", "a"]


def test_a_device_that_is_left_alone_is_told_and_not_touched() -> None:
    alone = Device("a-127.83.0.12", "127.83.0.12", left_alone="2026-11-20T22:00:00Z")
    run = scan("127.83.0.12", Probing(lambda *_: ()), known=(alone,))
    assert run.devices == ()
    assert [(row.outcome, row.device) for row in run.coverage if row.probe == "sweep"] == [
        (Outcome.LEFT_ALONE, "a-127.83.0.12")
    ]
    assert run.observations == ()


def test_two_cards_of_one_device_are_never_asked_at_once() -> None:
    cards, spans = ("127.83.0.40", "127.83.0.41"), []

    def does(target: Target, port: int, way: Way) -> Iterator[Observation]:
        with way.connect(target.address, port):
            began = time.monotonic()
            time.sleep(0.3)
            spans.append((began, time.monotonic()))
        yield target.observed("probing", port, "odd", {})

    scope = Scope(tuple(IPv4Network(f"{card}/32") for card in cards), until=date.max)
    known = (Device(f"a-{cards[0]}", cards[0]), Device(f"a-{cards[1]}", cards[1], part_of=f"a-{cards[0]}"))
    with scp("silent", cards[0], 11112), scp("silent", cards[1], 11112):
        Scan("site", Egress(scope, FAST), (Probing(does),), known, Tonight(scope), quiet, Halt()).run()
    [(_, ended), (began, _)] = sorted(spans)
    assert began >= ended


@pytest.mark.parametrize("asked", [False, True])
def test_nmap_is_let_guess_last_and_only_where_the_site_file_asks(
    monkeypatch: pytest.MonkeyPatch, *, asked: bool
) -> None:
    stages: list[str] = []
    monkeypatch.setattr("netwatch.scan.Detection.run", lambda *_: stages.append("detect"))
    scan("127.83.0.44", progress=lambda stage, *_: stages.append(stage), detect=asked)
    assert ("detect" in stages) is asked
    assert list(dict.fromkeys(stages))[-1] == ("detect" if asked else "range")


def test_what_is_missing_of_how_a_device_is_called_leaves_a_run_complete() -> None:
    failed = Failure("names", Vantage.LAN, "192.168.1.20", 80, Reason.TIMEOUT, "no answer in time")
    row = Coverage("names", Vantage.LAN, "192.168.1.0/24", None, (), Outcome.FAILED)
    assert complete([failed], [row])
    assert not complete([Failure("http", Vantage.LAN, "192.168.1.20", 80, Reason.TIMEOUT, "no answer")], [])
