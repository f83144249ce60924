"""What does one knock say? The truth about a port, without a byte; half-open, without a connection."""

from __future__ import annotations

import os
import socket
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.knock import Connect, HalfOpen, best
from netwatch.model import PortState
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.knock import Wire

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="raw packets need root")
WIRES = [pytest.param(HalfOpen, marks=AS_ROOT), Connect]


def hold(talk: Talk) -> None:
    talk.hold()


@contextmanager
def opened(kind: type[Wire]) -> Iterator[Wire]:
    wire = kind()
    try:
        yield wire
    finally:
        wire.close()


def heard(wire: Wire, seconds: float = 1.0) -> list[tuple[str, int, PortState | None]]:
    """All answers that come within a second."""
    told: list[tuple[str, int, PortState | None]] = []
    end = time.monotonic() + seconds
    while not told and time.monotonic() < end:
        told += wire.hear(0.1)
    return told


@pytest.mark.parametrize("kind", WIRES)
def test_open_and_closed_are_told_apart(kind: type[Wire]) -> None:
    with opened(kind) as wire, Peer(hold, "127.84.0.1", 4801):
        assert wire.knock("127.84.0.1", 4801)
        assert heard(wire) == [("127.84.0.1", 4801, PortState.OPEN)]
        assert wire.knock("127.84.0.1", 4802)
        assert heard(wire) == [("127.84.0.1", 4802, PortState.CLOSED)]


@pytest.mark.parametrize("kind", WIRES)
def test_no_byte_is_sent(kind: type[Wire]) -> None:
    with opened(kind) as wire, Peer(hold, "127.84.0.2", 4801) as peer:
        wire.knock("127.84.0.2", 4801)
        heard(wire)
        time.sleep(0.2)
        assert peer.received == 0


@AS_ROOT
def test_half_open_the_device_s_program_never_hears_of_it() -> None:
    with opened(HalfOpen) as wire, Peer(hold, "127.84.0.3", 4801) as peer:
        for _ in range(3):
            wire.knock("127.84.0.3", 4801)
            assert heard(wire)
        time.sleep(0.2)
        assert peer.connections == 0


@AS_ROOT
def test_what_a_device_repeats_of_an_earlier_answer_does_not_show_it_alive() -> None:
    with opened(HalfOpen) as wire, socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as liar:
        assert isinstance(wire, HalfOpen)
        with Peer(hold, "127.84.0.7", 4801):
            wire.knock("127.84.0.7", 4801)
            number = wire._sent[socket.inet_aton("127.84.0.7")][4801]
            assert heard(wire) == [("127.84.0.7", 4801, PortState.OPEN)]
        # The server is gone. Its SYN-ACK of before comes once more, from where it came.
        liar.bind(("127.84.0.7", 0))
        again = struct.pack(
            ">HHIIBBHHH", 4801, wire._port, 1, number + 1 & 0xFFFFFFFF, 0x50, 0x12, 1024, 0, 0
        )
        liar.sendto(again, ("127.0.0.1", 0))
        assert heard(wire, 0.3) == []
        wire.knock("127.84.0.7", 4801)
        liar.sendto(again, ("127.0.0.1", 0))
        assert heard(wire) == [("127.84.0.7", 4801, PortState.CLOSED)]


def test_a_connect_is_closed_at_once() -> None:
    with opened(Connect) as wire, Peer(hold, "127.84.0.4", 4801) as peer:
        for _ in range(3):
            wire.knock("127.84.0.4", 4801)
            assert heard(wire)
            time.sleep(0.1)
        assert peer.connections == 3
        assert peer.peak <= 1


def test_a_forgotten_connect_leaves_nothing_behind() -> None:
    with opened(Connect) as wire:
        wire.knock("127.84.0.5", 4801)
        wire.forget("127.84.0.5", 4801)
        wire.forget("127.84.0.5", 4801)
        assert heard(wire, 0.2) == []


@AS_ROOT
@pytest.mark.parametrize("flags", [0x12, 0x14])
def test_an_answer_that_nobody_asked_for_is_not_believed(flags: int) -> None:
    # A stranger on the network says "open" of a port that we did not knock at, or did not see our number.
    with opened(HalfOpen) as wire, socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as liar:
        ours = wire._port  # type: ignore[attr-defined]
        head = struct.pack(">HHIIBBHHH", 4801, ours, 1, 12_345, 0x50, flags, 1024, 0, 0)
        liar.sendto(head, ("127.84.0.6", 0))
        assert heard(wire, 0.3) == []


@AS_ROOT
def test_whatever_a_packet_holds_reading_it_raises_nothing() -> None:
    with opened(HalfOpen) as wire:

        @given(st.binary(max_size=128))
        def holds(packet: bytes) -> None:
            assert wire._read(packet) is None  # type: ignore[attr-defined]

        holds()


def test_the_best_way_is_half_open_where_this_process_may() -> None:
    with opened(best) as wire:  # type: ignore[arg-type]
        assert wire.name == ("half-open" if os.geteuid() == 0 else "connect")
