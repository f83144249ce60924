"""What does the internet see of the practice? The same questions as inside, to its address alone."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, ClassVar

from netwatch.egress import Egress
from netwatch.errors import OutsideError
from netwatch.halt import WINDOW, Halt
from netwatch.model import Outcome, Reason, Vantage
from netwatch.outlet import Here
from netwatch.outside import STAGE, Gathered, at, look
from netwatch.scope import Scope
from netwatch.tonight import Tonight
from tests.lab.hurry import FAST
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netwatch.model import Finding, Observation, Target
    from netwatch.way import Way

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Hearing:
    """A probe that hears what a server says unasked."""

    name: ClassVar[str] = "hearing"
    manner: ClassVar[str] = "hear"
    usual: ClassVar[tuple[int, ...]] = ()
    ports: list[int] = field(default_factory=list)
    does: Callable[[], object] = lambda: None

    def wants(self, target: Target) -> tuple[int, ...]:
        return target.open_ports

    def observe(self, target: Target, port: int, egress: Way) -> Iterable[Observation]:
        self.ports.append(port)
        self.does()
        with egress.connect(target.address, port, patience=2) as line:
            yield target.observed(self.name, port, "ssh", {"said": line.read(5).decode()})

    def judge(self, seen: Observation) -> Iterable[Finding]:
        raise NotImplementedError(seen)


def greet(talk: Talk) -> None:
    talk.send(b"hello")
    talk.end()


@contextmanager
def looking(
    *addresses: str, probe: Hearing, halt: Halt | None = None, **more: object
) -> Iterator[tuple[Callable[[], Gathered], list[tuple[str, int, int, str]]]]:
    halt = halt or Halt()
    scope = Scope((), until=date.max, addresses=frozenset(map(ip_address, addresses)))
    egress = Egress(scope, FAST, stop=halt.asked, outlet=Here(connects=True))
    progress: list[tuple[str, int, int, str]] = []

    def run() -> Gathered:
        gathered = Gathered()
        tonight = Tonight(scope, **more)  # type: ignore[arg-type]
        look(gathered, addresses, egress, (probe,), tonight, halt, lambda *told: progress.append(told), NOW)
        return gathered

    try:
        yield run, progress
    finally:
        egress.close()


def outcomes(gathered: Gathered, probe: str) -> dict[tuple[str, Outcome], tuple[int, ...]]:
    return {(row.address, row.outcome): row.ports for row in gathered.coverage if row.probe == probe}


def test_what_answers_at_our_address_is_seen_from_outside_as_an_address_on_the_internet() -> None:
    probe = Hearing()
    with Peer(greet, "127.94.0.1", 8000), looking("127.94.0.1", probe=probe) as (run, _):
        gathered = run()
    assert [(one.id, one.address, one.kind) for one in gathered.devices] == [
        ("p-127.94.0.1", "127.94.0.1", "internet")
    ]
    assert gathered.devices == [at("127.94.0.1")]
    assert probe.ports == [8000]
    said = [seen for seen in gathered.observations if seen.probe == "hearing"]
    assert [(seen.device, seen.port, seen.facts) for seen in said] == [
        ("p-127.94.0.1", 8000, {"said": "hello"})
    ]
    assert {seen.vantage for seen in gathered.observations} == {Vantage.OUTSIDE}
    assert {row.vantage for row in gathered.coverage} == {Vantage.OUTSIDE}
    swept = outcomes(gathered, "sweep")
    assert swept["127.94.0.1", Outcome.OPEN] == (8000,)
    assert 104 in swept["127.94.0.1", Outcome.CLOSED]
    assert outcomes(gathered, "hearing") == {("127.94.0.1", Outcome.ANSWERED): (8000,)}
    assert gathered.failures == []


def test_every_address_is_asked_and_its_round_is_told() -> None:
    addresses = ("127.94.0.2", "127.94.0.3")
    probe = Hearing()
    with Peer(greet, "127.94.0.3", 8000), looking(*addresses, probe=probe) as (run, progress):
        gathered = run()
    assert [one.address for one in gathered.devices] == list(addresses)
    assert [(one.device, one.usual) for one in gathered.rounds] == [
        (f"p-{address}", NOW) for address in addresses
    ]
    knocks = sum(len(row.ports) for row in gathered.coverage if row.probe == "sweep")
    assert progress[-1] == (STAGE, 4, 4, str(knocks))
    assert [done for _, done, _, _ in progress] == sorted(done for _, done, _, _ in progress)


def test_a_port_that_leads_to_a_medical_device_is_asked_nothing_that_such_a_device_is_not() -> None:
    probe = Hearing()
    with (
        Peer(greet, "127.94.0.4", 8000) as peer,
        looking("127.94.0.4", probe=probe, leads={8000: "medical"}) as (run, _),
    ):
        gathered = run()
        assert peer.received == 0
    assert probe.ports == []
    assert outcomes(gathered, "hearing") == {("127.94.0.4", Outcome.SPARED): (8000,)}


def test_an_address_that_is_not_ours_is_not_even_knocked_at() -> None:
    probe, halt, gathered = Hearing(), Halt(), Gathered()
    egress = Egress(Scope((), until=date.max), FAST, outlet=Here(connects=True))
    try:
        with Peer(greet, "127.94.0.5", 8000) as peer:
            look(
                gathered,
                ["127.94.0.5"],
                egress,
                (probe,),
                Tonight(egress.scope),
                halt,
                lambda *_: None,
                NOW,
            )
            assert (peer.connections, probe.ports) == (0, [])
    finally:
        egress.close()
    assert {row.outcome for row in gathered.coverage} == {Outcome.NOT_ASKED}
    assert gathered.rounds[0].usual is None


def test_after_a_stop_nothing_is_sent_and_everything_is_left_as_not_asked_with_the_reason() -> None:
    probe, halt = Hearing(), Halt()
    halt.now(WINDOW)
    with Peer(greet, "127.94.0.6", 8000) as peer, looking("127.94.0.6", probe=probe, halt=halt) as (run, _):
        gathered = run()
        assert (peer.connections, probe.ports) == (0, [])
    assert [(row.probe, row.outcome, row.detail) for row in gathered.coverage] == [
        ("sweep", Outcome.NOT_ASKED, WINDOW)
    ]
    assert gathered.observations == []
    assert gathered.rounds[0].usual is None


def test_a_stop_in_the_middle_keeps_what_was_learnt_and_leaves_the_rest_not_asked() -> None:
    halt = Halt()
    probe = Hearing(does=lambda: halt.now(WINDOW))
    with (
        Peer(greet, "127.94.0.7", 8000),
        Peer(greet, "127.94.0.7", 8001),
        Peer(greet, "127.94.0.8", 8000) as later,
        looking("127.94.0.7", "127.94.0.8", probe=probe, halt=halt, extra_ports=(8001,)) as (run, _),
    ):
        gathered = run()
        assert later.connections == 0
    assert probe.ports == [8000]
    assert outcomes(gathered, "sweep")["127.94.0.7", Outcome.OPEN] == (8000, 8001)
    assert outcomes(gathered, "hearing")["127.94.0.7", Outcome.NOT_ASKED] == (8001,)
    assert outcomes(gathered, "sweep")["127.94.0.8", Outcome.NOT_ASKED] == ()


def test_ctrl_c_ends_it_between_two_questions_and_what_was_learnt_is_kept() -> None:
    halt = Halt()
    pressed = False

    def press(*_: object) -> None:
        nonlocal pressed
        if not pressed:
            pressed = True
            raise KeyboardInterrupt

    def until_stopped() -> None:
        assert halt.wait(5)

    hearing = Hearing(does=until_stopped)
    scope = Scope((), until=date.max, addresses=frozenset({ip_address("127.94.0.9")}))
    egress = Egress(scope, FAST, stop=halt.asked, outlet=Here(connects=True))
    gathered = Gathered()
    try:
        with Peer(greet, "127.94.0.9", 8000):
            look(gathered, ["127.94.0.9"], egress, (hearing,), Tonight(scope), halt, press, NOW)
    finally:
        egress.close()
    assert halt.why == "stopped"
    assert [one.address for one in gathered.devices] == ["127.94.0.9"]
    assert outcomes(gathered, "sweep")["127.94.0.9", Outcome.OPEN] == (8000,)


def test_whoever_cannot_be_asked_leaves_a_failure_in_english_and_what_to_tell_the_user() -> None:
    gathered = Gathered()
    error = OutsideError("outside.same-network", Reason.UNPROVED, address="192.168.1.7")
    gathered.refused("outside", Vantage.OUTSIDE, error)
    (failure,) = gathered.failures
    assert (failure.probe, failure.vantage, failure.reason) == (
        "outside",
        Vantage.OUTSIDE,
        Reason.UNPROVED,
    )
    assert "leave its wifi or its cable" in failure.detail
    assert "192.168.1.7" in failure.detail
    assert gathered.troubles == [error]
    gathered.not_asked("sweep", Vantage.OUTSIDE, ["9.9.9.9", "9.9.9.10"], "unproved")
    assert [(row.address, row.outcome, row.detail) for row in gathered.coverage] == [
        ("9.9.9.9", Outcome.NOT_ASKED, "unproved"),
        ("9.9.9.10", Outcome.NOT_ASKED, "unproved"),
    ]
