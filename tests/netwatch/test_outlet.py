"""Through which door do connections leave? This machine's own connects, or says what came of it."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

import pytest

from netwatch.egress import Egress
from netwatch.knock import Connect, HalfOpen
from netwatch.model import PortState, Reason
from netwatch.outlet import Here
from netwatch.probe import ProbeError
from netwatch.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.knock import Wire


@pytest.fixture(params=["127.93.0.1", "::1"])
def server(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        try:
            listening.bind((request.param, 0))
        except OSError:
            pytest.skip(f"this machine has no {request.param}")
        listening.listen()
        yield listening


def at(server: socket.socket) -> tuple[str, int]:
    address, port = server.getsockname()[:2]
    return address, port


def test_it_hands_over_a_connection_that_speaks_both_ways(server: socket.socket) -> None:
    with closing(Here().dial(*at(server), 5)) as ours, closing(server.accept()[0]) as theirs:
        assert ours.getpeername()[:2] == at(server)
        ours.sendall(b"to you")
        assert theirs.recv(100) == b"to you"
        theirs.sendall(b"and back")
        assert ours.recv(100, socket.MSG_PEEK) == ours.recv(100) == b"and back"


def test_a_closed_port_is_told_as_refused(server: socket.socket) -> None:
    address, port = at(server)
    server.close()
    with pytest.raises(ProbeError) as caught:
        Here().dial(address, port, 5)
    assert (caught.value.reason, caught.value.detail) == (Reason.REFUSED, "the port is closed")


def test_where_nobody_takes_the_connection_it_waits_no_longer_than_it_was_told() -> None:
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("127.93.0.2", 0))
        full.listen(0)
        waiting.connect(full.getsockname())  # the only place in the queue
        host, port = full.getsockname()
        with pytest.raises(ProbeError) as caught:
            Here().dial(host, port, 0.3)
    assert (caught.value.reason, caught.value.detail) == (Reason.TIMEOUT, "no connection in time")


def test_it_knocks_with_whole_connections_where_it_is_told_to() -> None:
    with closing(Here(connects=True).wire()) as wire:
        assert isinstance(wire, Connect)
        assert wire.connects


def test_else_it_knocks_half_open_where_it_may() -> None:
    try:
        HalfOpen().close()
        may = True
    except OSError:
        may = False
    with closing(Here().wire()) as wire:
        assert isinstance(wire, HalfOpen if may else Connect)


def test_each_wire_is_a_new_one() -> None:
    here = Here(connects=True)
    first, second = here.wire(), here.wire()
    assert first is not second
    first.close()
    assert second.knock("127.93.0.3", 9)
    second.close()


def test_its_wire_tells_open_from_closed(server: socket.socket) -> None:
    address, port = at(server)
    with closing(Here(connects=True).wire()) as wire:
        assert heard(wire, address, port) == (address, port, PortState.OPEN)
        server.close()
        assert heard(wire, address, port) == (address, port, PortState.CLOSED)


def heard(wire: Wire, address: str, port: int) -> tuple[str, int, PortState | None]:
    assert wire.knock(address, port)
    return next(one for _ in range(20) for one in wire.hear(0.5))


def test_datagrams_leave_by_it_and_it_is_the_door_where_no_other_is_named() -> None:
    egress = Egress(Scope((), until=date.max))
    with closing(egress):
        assert isinstance(egress.outlet, Here)
        assert egress.outlet.udp
    other = Here(connects=True)
    with closing(Egress(Scope((), until=date.max), outlet=other)) as egress:
        assert egress.outlet is other
        assert egress.way == "connect"
