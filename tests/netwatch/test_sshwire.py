from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from netwatch.errors import OutsideError
from netwatch.model import PortState, Reason
from netwatch.probe import ProbeError
from netwatch.sshwire import Knocks
from netwatch.tunnel import Tunnel
from tests.lab.sshpeer import OPEN, SshPeer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.sshpeer import Answer

HERE = "192.0.2.1"
REFUSED = (2, b"Connection refused")


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Callable[..., tuple[SshPeer, Tunnel, Knocks]]]:
    """A server that decides so, a tunnel to it, and its wire."""
    ends: list[Callable[[], object]] = []

    def start(decide: Callable[[str, int], Answer]) -> tuple[SshPeer, Tunnel, Knocks]:
        peer = SshPeer(tmp_path, decide)
        peer.__enter__()
        tunnel = Tunnel(peer.settings())
        ends.extend((lambda: peer.__exit__(None, None, None), tunnel.close))
        knocks = tunnel.wire()
        assert isinstance(knocks, Knocks)
        return peer, tunnel, knocks

    yield start
    for end in reversed(ends):
        end()


def heard(wire: Knocks, count: int, seconds: float = 5.0) -> list[tuple[str, int, PortState | None]]:
    """So many answers, or what came in time."""
    told: list[tuple[str, int, PortState | None]] = []
    by = time.monotonic() + seconds
    while len(told) < count and time.monotonic() < by:
        told += wire.hear(0.05)
    return told


def test_each_answer_is_a_state_of_its_port_and_what_opened_is_ended_unused(
    wire: Callable[..., tuple[SshPeer, Tunnel, Knocks]],
) -> None:
    table: dict[int, Answer] = {
        1: OPEN,
        2: REFUSED,
        3: None,
        4: (2, b"Connection timed out"),
        5: (2, b"No route to host"),
        6: (2, b""),
        7: (2, b"refused"),
    }
    peer, _, knocks = wire(lambda _, port: table[port])
    for port in table:
        assert knocks.knock(HERE, port)
    states = {port: state for _, port, state in heard(knocks, 6)}
    assert states.pop(1) is PortState.OPEN
    assert states.pop(2) is PortState.CLOSED
    assert states == {4: PortState.FILTERED, 5: None, 6: None, 7: None}  # and nothing of 3
    by = time.monotonic() + 5
    while not peer.held[0].closed and time.monotonic() < by:
        time.sleep(0.01)
    assert peer.held[0].closed


def test_an_answer_that_comes_late_counts_until_its_device_is_done(
    wire: Callable[..., tuple[SshPeer, Tunnel, Knocks]],
) -> None:
    late = threading.Event()

    def decide(_: str, __: int) -> Answer:
        late.wait(5)
        return REFUSED

    _, _, knocks = wire(decide)
    knocks.knock(HERE, 1)
    knocks.knock("192.0.2.2", 1)
    knocks.forget(HERE, 1)
    knocks.done("192.0.2.2")
    late.set()
    assert heard(knocks, 2, 1.0) == [(HERE, 1, PortState.CLOSED)]


def test_silence_is_never_what_remains_of_a_connection_that_ended(
    wire: Callable[..., tuple[SshPeer, Tunnel, Knocks]],
) -> None:
    peer, _, knocks = wire(lambda _, port: None if port < 100 else REFUSED)
    for port in range(10):
        knocks.knock(HERE, port)
    peer.hang_up()
    with pytest.raises(ProbeError) as error:
        heard(knocks, 1)
    assert error.value.reason is Reason.UNFINISHED
    knocks.knock(HERE, 100)  # the next has a new connection
    assert heard(knocks, 1) == [(HERE, 100, PortState.CLOSED)]
    assert peer.connections == 2


def test_a_server_that_may_not_connect_is_said_so_and_no_port_is_closed(
    wire: Callable[..., tuple[SshPeer, Tunnel, Knocks]],
) -> None:
    _, _, knocks = wire(lambda *_: (1, b"Connection refused"))
    knocks.knock(HERE, 1)
    with pytest.raises(OutsideError) as error:
        heard(knocks, 1)
    assert error.value.message == "vantage.no-forwarding"


def test_a_server_that_has_no_room_left_is_no_silence(
    wire: Callable[..., tuple[SshPeer, Tunnel, Knocks]],
) -> None:
    _, _, knocks = wire(lambda *_: (2, b"Too many open files"))
    knocks.knock(HERE, 1)
    with pytest.raises(ProbeError) as error:
        heard(knocks, 1)
    assert error.value.reason is Reason.UNFINISHED


def test_what_a_device_left_unanswered_is_given_up_when_it_is_done(
    wire: Callable[..., tuple[SshPeer, Tunnel, Knocks]],
) -> None:
    peer, tunnel, knocks = wire(lambda *_: None)
    for port in range(30):
        knocks.knock(HERE, port)
    carrier = tunnel.carrier()
    carrier.hold(-1)
    knocks.done(HERE)
    carrier.join(5)
    assert not carrier.is_active()  # and the server's sockets with it
    with pytest.raises(ProbeError):
        tunnel.dial(HERE, 1, 0.1)
    assert peer.connections == 2


def test_the_wire_says_what_whoever_keeps_the_pace_must_know() -> None:
    assert (Knocks.name, Knocks.connects, Knocks.after_open) == ("ssh", True, 4)
    assert Knocks.patience > 1  # the second SYN of the server's kernel
