"""What happens to one device in a night? One thing after the other, and a look back whether it is well."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from netwatch import liveness
from netwatch.egress import Egress
from netwatch.halt import FELL_SILENT, Halt
from netwatch.knocking import States
from netwatch.model import LIVENESS, Device, Outcome, PortState, Reason
from netwatch.portset import PortSet
from netwatch.probe import ProbeError
from netwatch.questions import PATIENCE
from netwatch.scope import Scope
from netwatch.tonight import Tonight
from netwatch.visit import Visit
from tests.lab.hurry import FAST
from tests.lab.peers import Peer, Talk
from tests.lab.scps import scp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netwatch.knocking import Job
    from netwatch.model import Finding, Observation, Target
    from netwatch.way import Way


@dataclass(frozen=True)
class Asking:
    """A probe that notes which ports it was asked about, and does what a test wants."""

    name: ClassVar[str] = "asking"
    manner: ClassVar[str] = "dicom"
    usual: ClassVar[tuple[int, ...]] = ()
    does: Callable[[Target, int, Way], None] = lambda *_: None
    ports: list[int] = field(default_factory=list)

    def wants(self, target: Target) -> tuple[int, ...]:
        return target.open_ports

    def observe(self, target: Target, port: int, egress: Way) -> Iterable[Observation]:
        self.ports.append(port)
        self.does(target, port, egress)
        return ()

    def judge(self, seen: Observation) -> Iterable[Finding]:
        raise NotImplementedError(seen)


@dataclass(frozen=True)
class Greeting(Asking):
    """The same in a manner that is not for everybody."""

    name: ClassVar[str] = "greeting"
    manner: ClassVar[str] = "greet"


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "LOOKS", (0.0, 0.1, 0.2))


@contextmanager
def visit(address: str, *probes: Any, **more: object) -> Iterator[Visit]:  # noqa: ANN401 - classes of the tests
    scope = Scope((IPv4Network(f"{address}/32"),), until=date.max)
    halt = Halt()
    egress = Egress(scope, FAST, stop=halt.asked)
    try:
        yield Visit(Device("d", address), egress, Tonight(scope, **more), probes, halt)  # type: ignore[arg-type]
    finally:
        egress.close()


def covered(one: Visit, probe: str) -> list[tuple[Outcome, tuple[int, ...]]]:
    return [(row.outcome, row.ports) for row in one.coverage if row.probe == probe]


def hold(talk: Talk) -> None:
    talk.hold()


def test_what_is_asked_of_a_device_depends_on_what_it_turns_out_to_be() -> None:
    asking, greeting = Asking(), Greeting()
    with Peer(hold, "127.86.0.1", 8000), visit("127.86.0.1", asking, greeting) as one:
        one.usual()
        assert one.is_a.name == "unknown"
        assert (asking.ports, greeting.ports) == ([8000], [])
        assert covered(one, "greeting") == [(Outcome.SPARED, (8000,))]
    asking, greeting = Asking(), Greeting()
    with (
        Peer(hold, "127.86.0.2", 8000),
        Peer(hold, "127.86.0.2", 445),
        visit("127.86.0.2", asking, greeting) as one,
    ):
        one.usual()
        assert (one.device.kind, one.is_a.name) == ("computer", "computer")
        assert greeting.ports == [445, 8000]


def test_a_declared_class_wins() -> None:
    greeting = Greeting()
    with (
        Peer(hold, "127.86.0.3", 445),
        visit("127.86.0.3", greeting, declared={"127.86.0.3": "medical"}) as one,
    ):
        one.usual()
        assert one.is_a.name == "medical"
        assert greeting.ports == []


def test_ports_that_print_or_book_are_found_open_and_nobody_asks_them() -> None:
    asking = Asking()
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer(hold, "127.86.0.4", port)) for port in (515, 2575, 9100)]
        one = stack.enter_context(visit("127.86.0.4", asking))
        one.usual()
        assert one.states.ports(PortState.OPEN) == (515, 2575, 9100)
        assert asking.ports == []
        assert covered(one, "asking") == [(Outcome.SPARED, (515, 2575, 9100))]
        assert [peer.received for peer in peers] == [0, 0, 0]


def test_a_well_device_is_looked_at_again_and_the_scan_goes_on() -> None:
    with scp("open_pacs", "127.86.0.5", 104), visit("127.86.0.5", Asking()) as one:
        one.usual()
        assert not one.halt.asked()
        assert covered(one, LIVENESS)[-1] == (Outcome.ANSWERED, (104,))


def test_a_device_that_stops_answering_stops_everything_and_says_what_it_was_sent() -> None:
    def hurts(target: Target, port: int, egress: Way) -> None:
        with egress.connect(target.address, port) as line:
            line.send(b"x", "A-WORD-RQ")
        peer.__exit__(None, None, None)

    asking = Asking(hurts)
    with (
        Peer(hold, "127.86.0.6", 104) as peer,
        Peer(hold, "127.86.0.6", 11112),
        visit("127.86.0.6", asking) as one,
    ):
        one.usual()
        assert one.halt.why == FELL_SILENT
        assert Reason.FELL_SILENT in {failure.reason for failure in one.failures}
        assert one.device.left_alone
        told = next(seen for seen in one.observations if seen.probe == "liveness")
        assert (told.port, [f.rule for f in liveness.judge(told)]) == (104, ["device-stopped-answering"])
        assert any("dicom" not in line and "A-WORD-RQ (1 bytes)" in line for line in liveness.told(told))
        assert one.egress.scope.require("127.86.0.6")
        with pytest.raises(Exception, match="left-alone"):
            one.egress.knock("127.86.0.6", 11112)


def test_a_device_that_fell_silent_while_its_ports_were_looked_at_is_not_asked_any_more() -> None:
    asking = Asking()
    with Peer(hold, "127.86.0.7", 104) as peer, visit("127.86.0.7", asking) as one:
        sweep = one.egress.sweep

        def dies(address: str, ports: Iterable[int], **more: Any) -> Job:  # noqa: ANN401
            job = sweep(address, ports, **more)
            if len(tuple(ports)) > 1:
                peer.__exit__(None, None, None)
            return job

        one.egress.sweep = dies  # type: ignore[method-assign]
        one.usual()
        assert asking.ports == []
        assert one.halt.why == FELL_SILENT


def test_a_device_that_was_hurt_is_known_although_the_scan_was_stopped_meanwhile() -> None:
    def hurts(_target: Target, _port: int, _: Way) -> None:
        peer.__exit__(None, None, None)
        one.halt.now("stopped")

    with Peer(hold, "127.86.0.14", 104) as peer, visit("127.86.0.14", Asking(hurts)) as one:
        one.usual()
        assert one.halt.why == "stopped"
        assert one.device.left_alone
        assert Reason.FELL_SILENT in {failure.reason for failure in one.failures}
        assert covered(one, LIVENESS)[-1] == (Outcome.NO_ANSWER, (104,))


def test_a_service_that_dies_in_the_slice_is_noticed_though_another_one_lives() -> None:
    with (
        Peer(hold, "127.86.0.15", 80),
        Peer(hold, "127.86.0.15", 104) as peer,
        visit("127.86.0.15", nights=300, known=frozenset({"d"})) as one,
    ):
        one.usual()
        peer.__exit__(None, None, None)
        one.further()
        assert one.halt.why == FELL_SILENT
        assert next(seen for seen in one.observations if seen.probe == LIVENESS).port == 104


def test_a_computer_that_goes_away_stops_nothing() -> None:
    def ends(_target: Target, port: int, _: Way) -> None:
        if port == 8000:
            peer.__exit__(None, None, None)

    with (
        Peer(hold, "127.86.0.8", 445),
        Peer(hold, "127.86.0.8", 8000) as peer,
        visit("127.86.0.8", Asking(ends)) as one,
    ):
        one.usual()
        assert not one.halt.asked()
        assert one.device.left_alone is None


def test_after_so_many_mute_ports_a_device_is_asked_no_more_and_it_is_told() -> None:
    def mute(*_: object) -> None:
        raise ProbeError(Reason.MUTE)

    asking = Asking(mute)
    ports = (81, 3000, 5000, 5001, 8000, 8001, 8008, 8080, 8081, 8082)
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(Peer(hold, "127.86.0.9", port))
        one = stack.enter_context(visit("127.86.0.9", asking))
        one.usual()
    assert asking.ports == list(ports[:PATIENCE])
    assert covered(one, "asking")[-1] == (Outcome.NOT_ASKED, ports[PATIENCE:])


def test_a_stop_between_two_questions_leaves_the_rest_not_asked() -> None:
    def stop(*_: object) -> None:
        one.halt.now("stopped")

    asking = Asking(stop)
    with (
        Peer(hold, "127.86.0.10", 8000),
        Peer(hold, "127.86.0.10", 8080),
        visit("127.86.0.10", asking) as one,
    ):
        one.usual()
        one.further()
        assert asking.ports == [8000]
        assert covered(one, "asking") == [(Outcome.ANSWERED, (8000,)), (Outcome.NOT_ASKED, (8080,))]
        assert one.device.left_alone is None


def test_a_port_that_opened_in_the_slice_is_asked_and_the_others_are_not_asked_twice() -> None:
    asking = Asking()
    with (
        Peer(hold, "127.86.0.11", 8000),
        Peer(hold, "127.86.0.11", 5),
        visit("127.86.0.11", asking, nights=200, known=frozenset({"d"})) as one,
    ):
        one.usual()
        one.further()
        assert asking.ports == [8000, 5]
        outcomes = {row.outcome: row.ports for row in one.swept()}
        assert outcomes[Outcome.OPEN] == (5, 8000)
        assert 6 in outcomes[Outcome.CLOSED]
        assert Outcome.NOT_ASKED not in outcomes


def test_what_a_stopped_sweep_did_not_come_to_is_not_asked() -> None:
    with visit("127.86.0.12") as one:
        threading.Timer(0.0, one.halt.now, ("stopped",)).start()
        time.sleep(0.1)
        one._knock(one.tonight.nightly("d"))
        [row] = one.swept()
        assert (row.outcome, row.detail) == (Outcome.NOT_ASKED, "stopped")
        assert len(row.ports) > 100


def test_a_silence_where_packets_may_be_kept_back_proves_nothing() -> None:
    with visit("127.86.0.13", kept_back=frozenset({25, 465})) as one:
        one.states = States([(22, PortState.FILTERED), (25, PortState.FILTERED), (465, PortState.OPEN)])
        one.planned = PortSet.of([22, 25, 465])
        told = {row.outcome: row.ports for row in one.swept()}
    assert told == {Outcome.FILTERED: (22,), Outcome.EXPLORED: (25,), Outcome.OPEN: (465,)}
