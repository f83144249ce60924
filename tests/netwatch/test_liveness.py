"""Does a guarded device still answer after it was looked at? Of servers that stay, stop, stall, come back."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from netwatch import liveness
from netwatch.audit import Audit
from netwatch.composition import rules
from netwatch.egress import Egress
from netwatch.errors import ScopeError
from netwatch.liveness import LOOKS, RULE, SHORT, TOLD, judge, seen, sentence, silent_port, told
from netwatch.model import LIVENESS, PortState, Severity, Target
from netwatch.pace import Pace
from netwatch.ports import curated
from netwatch.portset import PortSet
from netwatch.scope import Scope
from tests.lab.scps import scp

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN, CLOSED = PortState.OPEN, PortState.CLOSED
QUICK = Pace(packets=10_000, guarded=10_000, overall=100_000, pause=0.0)


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three looks, close together."""
    monkeypatch.setattr(liveness, "LOOKS", (0.0, 0.05, 0.05))


@contextmanager
def way_to(address: str, **more: Any) -> Iterator[Egress]:  # noqa: ANN401 - any limit of a scope
    egress = Egress(Scope((IPv4Network(f"{address}/32"),), until=date.max, **more), QUICK)
    try:
        yield egress
    finally:
        egress.close()


def unused(address: str, count: int = 1) -> list[int]:
    """So many ports where nobody listens."""
    with ExitStack() as servers:
        opened = [servers.enter_context(socket.create_server((address, 0))) for _ in range(count)]
        return [int(server.getsockname()[1]) for server in opened]


@contextmanager
def stalled(address: str) -> Iterator[int]:
    """A port whose queue is full: Linux drops every further SYN, as a device does that hangs."""
    with ExitStack() as callers, socket.socket() as server:
        server.bind((address, 0))
        server.listen(0)
        port = int(server.getsockname()[1])
        for _ in range(20):
            caller = callers.enter_context(socket.socket())
            caller.settimeout(0.3)
            if caller.connect_ex((address, port)):
                break
        else:
            pytest.skip("this kernel never drops a SYN")
        yield port


def test_four_looks_take_some_fifteen_seconds() -> None:
    assert LOOKS == (0.0, 2.0, 4.0, 8.0)


def test_a_device_whose_ports_stay_open_is_well() -> None:
    with (
        scp("open_pacs", "127.91.0.1") as one,
        scp("silent", "127.91.0.1") as other,
        way_to("127.91.0.1") as egress,
    ):
        assert silent_port(egress, "127.91.0.1", {one.port: OPEN, other.port: OPEN}) is None
        assert (one.received, other.received) == (0, 0), "a look is a knock, not a byte"


def test_a_port_whose_server_stopped_is_named() -> None:
    with scp("open_pacs", "127.91.0.2") as stays, scp("open_pacs", "127.91.0.2") as stops:
        pass
    with scp("open_pacs", "127.91.0.2", stays.port), way_to("127.91.0.2") as egress:
        before = {stays.port: OPEN, stops.port: OPEN}
        assert silent_port(egress, "127.91.0.2", before) == stops.port
        assert len(egress.audit.about("127.91.0.2")) == 1 + 3, "it was looked at as often as was promised"


def test_of_two_silent_ports_the_first_is_named_and_the_other_left_in_peace() -> None:
    first, second = unused("127.91.0.3", 2)
    with way_to("127.91.0.3") as egress:
        assert silent_port(egress, "127.91.0.3", {first: OPEN, second: OPEN}) == first
        assert {entry["ports"] for entry in egress.audit.about("127.91.0.3")} == {str(first)}


def test_a_closed_port_that_still_answers_is_enough() -> None:
    with way_to("127.91.0.4") as egress:
        [port] = unused("127.91.0.4")
        assert silent_port(egress, "127.91.0.4", {port: CLOSED}) is None
        assert len(egress.audit.about("127.91.0.4")) == 1


def test_a_closed_port_that_has_opened_is_an_answer_too() -> None:
    with scp("silent", "127.91.0.5") as peer, way_to("127.91.0.5") as egress:
        assert silent_port(egress, "127.91.0.5", {peer.port: CLOSED}) is None


@pytest.mark.parametrize("before", [OPEN, CLOSED])
def test_a_port_that_answered_and_drops_every_knock_is_named(before: PortState) -> None:
    with stalled("127.91.0.6") as port, way_to("127.91.0.6") as egress:
        assert silent_port(egress, "127.91.0.6", {port: before}) == port


def test_a_device_that_comes_back_while_we_wait_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "LOOKS", (0.0, 1.0, 2.0))
    [port] = unused("127.91.0.7")
    with ExitStack() as later, way_to("127.91.0.7") as egress:
        back = threading.Timer(0.5, lambda: later.enter_context(scp("silent", "127.91.0.7", port)))
        back.start()
        assert silent_port(egress, "127.91.0.7", {port: OPEN}) is None
        back.join()
        assert len(egress.audit.about("127.91.0.7")) > 1


def test_with_nothing_that_answered_before_nothing_is_asked() -> None:
    with way_to("127.91.0.8") as egress:
        assert silent_port(egress, "127.91.0.8", {}) is None
        assert egress.audit.about("127.91.0.8") == ()


def test_a_look_is_held_to_the_scope_as_any_packet_is() -> None:
    with way_to("127.91.0.11") as egress, pytest.raises(ScopeError, match="outside-networks"):
        silent_port(egress, "127.91.0.12", {104: OPEN})


SWEPT: dict[str, Any] = {
    "at": "2026-11-23T22:04:05.123Z",
    "question": "sweep",
    "to": "192.168.1.20",
    "way": "half-open",
    "ports": "22,80-81",
    "knocks": 3,
    "seconds": 0.3,
    "stopped": False,
}
ASKED: dict[str, Any] = {
    "at": "2026-11-23T22:04:09.000Z",
    "question": "dicom",
    "to": "192.168.1.20",
    "port": 104,
    "sent": ["A-ASSOCIATE-RQ (204 bytes)", "C-ECHO-RQ (68 bytes)"],
    "ended": "310 bytes received",
}
TARGET = Target("d", "192.168.1.20", (104,))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (SWEPT, "22:04:05 UTC, sweep, 22,80-81: 3 SYN"),
        (ASKED, "22:04:09 UTC, dicom, 104: A-ASSOCIATE-RQ (204 bytes), C-ECHO-RQ (68 bytes)"),
        (ASKED | {"sent": [], "ended": "no connection"}, "22:04:09 UTC, dicom, 104: SYN"),
    ],
)
def test_a_line_of_the_log_is_told_in_no_language(entry: dict[str, Any], said: str) -> None:
    assert sentence(entry) == said


@pytest.mark.parametrize("ports", [curated(), range(1, 60_000, 2), [10_000 + 2 * n for n in range(500)]])
def test_a_long_list_of_ports_is_cut_between_two_ports(ports: list[int]) -> None:
    whole = str(PortSet.of(ports))
    said = sentence(SWEPT | {"ports": whole, "knocks": len(ports)})
    shown = said.removeprefix("22:04:05 UTC, sweep, ").removesuffix(f": {len(ports)} SYN")
    assert len(shown) <= SHORT
    assert shown.endswith(",…")
    assert whole.startswith(f"{shown[:-2]},")
    assert len(shown[:-2].split(",")) > 4
    assert len(said) < 80


def test_a_list_of_ports_that_fits_is_whole() -> None:
    ports = str(PortSet.of(range(1, 30, 2)))[:SHORT]
    assert sentence(SWEPT | {"ports": ports}) == f"22:04:05 UTC, sweep, {ports}: 3 SYN"


def test_what_was_really_sent_is_what_is_told() -> None:
    with scp("silent", "127.91.0.13") as peer, way_to("127.91.0.13") as egress:
        egress.knock("127.91.0.13", peer.port)
        with egress.asking("dicom", "dicom").connect("127.91.0.13", peer.port) as line:
            line.send(b"x" * 20, "C-ECHO-RQ")
        swept, asked = told(seen(TARGET, 104, egress.audit.about("127.91.0.13")))
    assert swept.endswith(f" UTC, sweep, {peer.port}: 1 SYN")
    assert asked.endswith(f" UTC, dicom, {peer.port}: C-ECHO-RQ (20 bytes)")


def test_what_was_refused_was_not_sent_and_is_not_told() -> None:
    refused = {
        "at": "2026-11-23T22:04:07.000Z",
        "question": "web",
        "port": 9100,
        "refused": "egress.silent-port",
    }
    assert told(seen(TARGET, 104, [SWEPT, refused, ASKED])) == (sentence(SWEPT), sentence(ASKED))


def test_the_last_lines_are_told_in_the_order_in_which_they_were_sent() -> None:
    said = [SWEPT | {"knocks": number} for number in range(30)]
    observation = seen(TARGET, 104, said)
    assert told(observation) == tuple(f"22:04:05 UTC, sweep, 22,80-81: {n} SYN" for n in range(30 - TOLD, 30))
    shuffled = dict(sorted(observation.facts.items(), reverse=True))
    assert told(replace(observation, facts=shuffled | {"other": "x"})) == told(observation)
    assert told(seen(TARGET, 104, [])) == ()


def test_what_is_known_is_where_it_fell_silent_and_can_be_stored() -> None:
    observation = seen(TARGET, 104, [SWEPT, ASKED])
    assert (observation.probe, observation.device, observation.port) == (LIVENESS, "d", 104)
    assert json.loads(json.dumps(observation.facts)) == observation.facts


def test_a_device_that_fell_silent_is_a_critical_finding_with_words_in_both_languages() -> None:
    [finding] = judge(seen(TARGET, 104, [ASKED]))
    assert (finding.rule, finding.device, finding.port, finding.probe) == (RULE, "d", 104, LIVENESS)
    rule = rules()[finding.rule]
    assert rule.severity is Severity.CRITICAL
    assert all(words.remedy and words.title != RULE for words in rule.words.values())


def test_the_log_that_is_told_is_the_one_of_this_device() -> None:
    log = Audit()
    log.write("dicom", "192.168.1.20", port=104, sent=["C-ECHO-RQ (68 bytes)"])
    log.write("dicom", "192.168.1.2", port=104, sent=["C-FIND-RQ (68 bytes)"])
    [line] = told(seen(TARGET, 104, log.about("192.168.1.20")))
    assert "C-ECHO-RQ" in line


def test_our_own_looks_do_not_crowd_out_the_question_that_may_have_done_it() -> None:
    asked = {
        "at": "2026-11-24T22:00:00.000Z",
        "question": "dicom",
        "port": 104,
        "sent": ["C-ECHO-RQ (68 bytes)"],
    }
    looks = [{"at": "2026-11-24T22:00:01.000Z", "question": "liveness", "ports": "104", "knocks": 1}] * 30
    told = liveness.told(liveness.seen(Target("d", "192.168.1.20", (104,)), 104, [asked, *looks]))
    assert [line for line in told if "C-ECHO-RQ" in line] == list(told)
    assert len(told) == 1
