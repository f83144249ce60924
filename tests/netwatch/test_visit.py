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
from netwatch.doors import doors
from netwatch.egress import Egress
from netwatch.halt import FELL_SILENT, Halt
from netwatch.model import LIVENESS, Device, Outcome, PortState, Reason
from netwatch.probe import OtherProtocol, PortClosed, ProbeError
from netwatch.scope import Scope
from netwatch.tonight import Tonight
from netwatch.visit import PATIENCE, Visit
from tests.lab.hurry import FAST
from tests.lab.peers import Peer, Talk
from tests.lab.scps import scp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netwatch.egress import Way
    from netwatch.knocking import Job
    from netwatch.model import Finding, Observation, Target


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


@dataclass(frozen=True)
class Spoken:
    """A probe for a protocol: it notes when it was asked, and says or raises what a test wants."""

    name: str
    does: Callable[[Target, int], Iterable[Observation]]
    word: str = ""
    anywhere: bool = True
    manner: str = "greet"
    log: list[tuple[str, int]] = field(default_factory=list)
    usual: ClassVar[tuple[int, ...]] = ()

    def wants(self, target: Target) -> tuple[int, ...]:
        return doors(target, (self.word or self.name,), anywhere=self.anywhere)

    def observe(self, target: Target, port: int, egress: Way) -> Iterable[Observation]:  # noqa: ARG002
        self.log.append((self.name, port))
        return self.does(target, port)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        raise NotImplementedError(seen)


def says(word: str) -> Callable[[Target, int], Iterable[Observation]]:
    """It is a server of this protocol."""

    def does(target: Target, port: int) -> Iterable[Observation]:
        yield target.observed("whatever", port, word, {})

    return does


def opens_with(opening: bytes) -> Callable[[Target, int], Iterable[Observation]]:
    """It is a server of another protocol."""

    def does(_target: Target, _port: int) -> Iterable[Observation]:
        raise OtherProtocol(opening)

    return does


def stays_mute(_target: Target, _port: int) -> Iterable[Observation]:
    """It does not answer."""
    raise ProbeError(Reason.TIMEOUT, "no answer in time")


def at(address: str, *ports: int) -> ExitStack:
    """A computer with these ports open."""
    stack = ExitStack()
    for port in (445, *ports):
        stack.enter_context(Peer(hold, address, port))
    return stack


FREE = 8000  # a port of which the number suggests a page, and nobody is sure


def test_the_gentlest_manner_comes_first_and_what_was_recognised_is_left_to_its_own_question() -> None:
    log: list[tuple[str, int]] = []
    probes = (
        Spoken("alpha", stays_mute, manner="web", log=log),
        Spoken("zeta", says("beta"), manner="greet", log=log),
        Spoken("beta", says("beta"), manner="web", anywhere=False, log=log),
    )
    with at("127.86.1.1", FREE), visit("127.86.1.1", *probes) as one:
        one.usual()
    assert log == [("zeta", FREE), ("beta", FREE)]


def test_another_protocol_is_recognised_by_its_opening_and_its_own_question_follows() -> None:
    log: list[tuple[str, int]] = []
    probes = (
        Spoken("ssh", says("ssh"), manner="hear", anywhere=False, log=log),
        Spoken("rdp", opens_with(b"SSH-2.0-x"), log=log),
    )
    with at("127.86.1.2", FREE), visit("127.86.1.2", *probes) as one:
        one.usual()
        assert [(seen.probe, seen.protocol) for seen in one.observations if seen.port == FREE][1:] == [
            ("rdp", "ssh"),
            ("whatever", "ssh"),
        ]
        assert one.failures == []
    assert log == [("rdp", FREE), ("ssh", FREE)]


def test_what_a_port_spoke_before_is_asked_first_and_nothing_else_where_it_still_does() -> None:
    log: list[tuple[str, int]] = []
    probes = (Spoken("alpha", stays_mute, log=log), Spoken("redis", says("redis"), log=log))
    before = {"d": {FREE: "redis"}}
    with at("127.86.1.3", FREE), visit("127.86.1.3", *probes, spoken=before) as one:
        one.usual()
    assert log == [("redis", FREE)]


def test_where_it_no_longer_speaks_that_it_is_a_failure_and_anything_may_be_asked() -> None:
    log: list[tuple[str, int]] = []
    probes = (Spoken("alpha", says("alpha"), log=log), Spoken("redis", stays_mute, log=log))
    before = {"d": {FREE: "redis"}}
    with at("127.86.1.4", FREE), visit("127.86.1.4", *probes, spoken=before) as one:
        one.usual()
        assert log == [("redis", FREE), ("alpha", FREE)]
        assert [(failure.probe, failure.reason) for failure in one.failures] == [("redis", Reason.TIMEOUT)]
        assert covered(one, "redis") == [(Outcome.NO_ANSWER, (FREE,))]


def test_a_port_nobody_vouched_for_that_answers_no_question_is_no_news_and_no_answer() -> None:
    with at("127.86.1.5", FREE), visit("127.86.1.5", Spoken("redis", stays_mute)) as one:
        one.usual()
        assert one.failures == []
        assert covered(one, "redis") == [(Outcome.NO_ANSWER, (FREE,))]


def test_a_device_of_which_nothing_is_known_has_no_free_port() -> None:
    log: list[tuple[str, int]] = []
    with Peer(hold, "127.86.1.6", FREE), visit("127.86.1.6", Spoken("redis", says("redis"), log=log)) as one:
        one.usual()
        assert one.is_a.name == "unknown"
    assert log == []


def test_a_udp_port_that_says_that_it_is_closed_is_covered_as_closed() -> None:
    def closed(_target: Target, _port: int) -> Iterable[Observation]:
        raise PortClosed

    with at("127.86.1.7", FREE), visit("127.86.1.7", Spoken("udp", closed)) as one:
        one.usual()
        assert covered(one, "udp") == [(Outcome.CLOSED, (FREE,))]
        assert one.failures == []


def test_what_comes_close_to_a_login_is_asked_in_an_audit_only_and_left_out_without_a_word() -> None:
    log: list[tuple[str, int]] = []
    probe = Spoken("deep", says("deep"), manner="audit", log=log)
    with at("127.86.1.8", FREE), visit("127.86.1.8", probe) as one:
        one.usual()
        assert (log, covered(one, "deep")) == ([], [])
        one.egress.profile = "audit"
        one.usual()
        assert log == [("deep", FREE)]


def test_not_even_an_audit_asks_that_of_a_device_that_may_be_medical() -> None:
    log: list[tuple[str, int]] = []
    probe = Spoken("deep", says("deep"), word="http", manner="audit", log=log)
    with Peer(hold, "127.86.1.9", FREE), visit("127.86.1.9", probe) as one:
        one.egress.profile = "audit"
        one.usual()
        assert covered(one, "deep") == [(Outcome.SPARED, (FREE,))]
    assert log == []


def test_silence_over_udp_is_no_answer_and_no_news() -> None:
    @dataclass(frozen=True)
    class OverUdp(Spoken):
        def wants(self, target: Target) -> tuple[int, ...]:  # noqa: ARG002
            return (161,)

    def mute(_target: Target, _port: int) -> Iterable[Observation]:
        raise ProbeError(Reason.MUTE, "no answer over UDP")

    with at("127.86.1.10", FREE), visit("127.86.1.10", OverUdp("snmp", mute)) as one:
        one.usual()
        assert one.failures == []
        assert covered(one, "snmp") == [(Outcome.NO_ANSWER, (161,))]
