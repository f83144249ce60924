"""Which questions is a device asked, in which order, and when is it enough?"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, ClassVar

from netwatch.doors import doors, turn
from netwatch.egress import Egress
from netwatch.halt import Halt
from netwatch.model import Device, Outcome, Reason
from netwatch.probe import OtherProtocol, PortClosed, ProbeError
from netwatch.questions import PATIENCE
from netwatch.scope import Scope
from netwatch.tonight import Tonight
from netwatch.visit import Visit
from tests.lab.hurry import FAST
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pytest

    from netwatch.model import Finding, Observation, Target
    from netwatch.way import Way


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
        assert one.failures == [], "another question had its answer"
        assert covered(one, "redis") == [(Outcome.NO_ANSWER, (FREE,))]


def test_a_port_nobody_vouched_for_that_answers_no_question_is_no_news_and_no_answer() -> None:
    with at("127.86.1.5", FREE), visit("127.86.1.5", Spoken("redis", stays_mute)) as one:
        one.usual()
        assert one.failures == []
        assert covered(one, "redis") == [(Outcome.EXPLORED, (FREE,))]


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
        assert covered(one, "snmp") == [(Outcome.EXPLORED, (161,))]


def test_a_device_that_turns_out_to_be_medical_gets_nothing_else_from_that_moment_on() -> None:
    log: list[tuple[str, int]] = []

    def is_dicom(target: Target, _port: int) -> Iterable[Observation]:
        yield target.observed("dicom", FREE, "dicom", {"association": "rejected"})

    probes = (
        Spoken("dicom", is_dicom, word="http", manner="dicom", log=log),
        Spoken("smb", says("smb"), manner="greet", log=log),
        Spoken("redis", says("redis"), manner="greet", log=log),
    )
    with at("127.86.1.11", FREE), visit("127.86.1.11", *probes) as one:
        one.usual()
        assert one.is_a.name == "medical"
    assert log == [("dicom", FREE)]


def test_eight_mute_ports_hide_no_server_at_its_own_port() -> None:
    log: list[tuple[str, int]] = []
    mute = (8000, 8001, 3000, 5000, 5001, 8008, 8080, 8081, 8082, 8083)

    def does(target: Target, port: int) -> Iterable[Observation]:
        if port in mute:
            raise ProbeError(Reason.MUTE)
        yield target.observed("redis", port, "redis", {})

    with at("127.86.1.12", *mute, 6379), visit("127.86.1.12", Spoken("redis", does, log=log)) as one:
        one.usual()
        assert log[0] == ("redis", 6379)
        assert covered(one, "redis")[0] == (Outcome.ANSWERED, (6379,))
        assert len(log) == 1 + PATIENCE, "the others wait for another night"
        assert {outcome for outcome, _ in covered(one, "redis")} == {Outcome.ANSWERED, Outcome.EXPLORED}


def test_every_free_port_has_its_turn_on_some_night() -> None:
    asked: set[int] = set()
    ports = tuple(range(20_000, 20_020))
    for night in range(3):
        asked |= set(turn(ports, night)[:PATIENCE])
    assert asked == set(ports)


def test_a_port_whose_own_question_failed_may_speak_anything() -> None:
    log: list[tuple[str, int]] = []
    probes = (
        Spoken("rdp", stays_mute, log=log),
        Spoken("vnc", says("vnc"), log=log),
    )
    with at("127.86.1.14", 3389), visit("127.86.1.14", *probes) as one:
        one.usual()
        assert log == [("rdp", 3389), ("vnc", 3389)]
        assert one.failures == []
        assert covered(one, "rdp") == [(Outcome.NO_ANSWER, (3389,))]


def test_when_the_time_for_a_device_is_over_the_rest_is_told_as_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("netwatch.questions.BUDGET", 0.3)

    def slow(target: Target, port: int) -> Iterable[Observation]:
        time.sleep(0.4)
        yield target.observed("redis", port, "redis", {})

    with at("127.86.1.13", 8000, 8001), visit("127.86.1.13", Spoken("redis", slow)) as one:
        one.usual()
        assert covered(one, "redis") == [(Outcome.ANSWERED, (8000,)), (Outcome.NOT_ASKED, (8001,))]
        assert one.observations[-1].protocol == "redis"


def test_a_second_question_to_the_same_server_that_stays_open_is_no_detour() -> None:
    def odd(_target: Target, _port: int) -> Iterable[Observation]:
        raise ProbeError(Reason.PROTOCOL, "half an answer")

    probes = (Spoken("smb", says("smb")), Spoken("smb_guest", odd, word="smb", anywhere=False))
    with at("127.86.1.15"), visit("127.86.1.15", *probes) as one:
        one.usual()
        assert [(failure.probe, failure.reason) for failure in one.failures] == [
            ("smb_guest", Reason.PROTOCOL)
        ]
