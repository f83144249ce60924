"""Is a silence counted, or a place called outside, only where that is sure?

Whoever could not have heard an answer knows nothing of a port. What a silence then means, night after night:
test_nights_outside.py.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

import pytest

from netwatch import beyond, sshwire
from netwatch.audit import Audit
from netwatch.beyond import Beyond
from netwatch.config import Site
from netwatch.egress import Egress
from netwatch.errors import OutsideError
from netwatch.halt import Halt
from netwatch.located import Locating
from netwatch.model import Exposure, Outcome, PortState, Reason, Run, Status, Vantage
from netwatch.outlet import Here
from netwatch.outside import Gathered, look
from netwatch.scope import Scope
from netwatch.slices import Round
from netwatch.sshwire import Knocks
from netwatch.tonight import Tonight
from netwatch.tunnel import Tunnel
from netwatch.vantage import outside as prove
from tests.lab.hurry import FAST
from tests.lab.interview import fresh_address
from tests.lab.nights import PUBLIC, QUERY, SITE, START, answered, archive_at_home, by_ipv6, knocked, practice
from tests.lab.nights import outside as seen_outside
from tests.lab.sshpeer import OPEN, SshPeer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from netwatch.outlet import Outlet
    from tests.lab.sshpeer import Answer

OWN = "2620:fe::50"
REFUSED = (2, b"Connection refused")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on this machine answers at once, or never."""
    monkeypatch.setattr(Knocks, "patience", 0.3)
    monkeypatch.setattr(sshwire, "ALIVE", 2.0)


@contextmanager
def tunnel_to(folder: Path, decide: Callable[[str, int], Answer]) -> Iterator[tuple[SshPeer, Tunnel]]:
    """A server that decides so, and the way through it."""
    with SshPeer(folder, decide) as peer, Tunnel(peer.settings()) as tunnel:
        yield peer, tunnel


def looked(outlet: Outlet, address: str = PUBLIC) -> Gathered:
    """The usual ports of this address, from there."""
    scope = Scope((), until=date.max, addresses=frozenset({ip_address(address)}))
    egress, gathered = Egress(scope, FAST, outlet=outlet), Gathered()
    try:
        look(gathered, [address], egress, (), Tonight(scope), Halt(), lambda *_: None, START)
    finally:
        egress.close()
    return gathered


def outcomes(gathered: Gathered) -> set[Outcome]:
    return {row.outcome for row in gathered.coverage}


@pytest.mark.parametrize("text", [b"Network is unreachable", b"No route to host", b"open failed", b""])
def test_where_no_packet_arrived_nothing_is_silent_and_a_failure_says_so(tmp_path: Path, text: bytes) -> None:
    def decide(address: str, _: int) -> Answer:
        return (2, text) if address == OWN else REFUSED

    with tunnel_to(tmp_path, decide) as (_, tunnel):
        nowhere, there = looked(tunnel, OWN), looked(tunnel)
    assert (outcomes(nowhere), outcomes(there)) == ({Outcome.NOT_ASKED}, {Outcome.CLOSED})
    assert [(one.address, one.reason) for one in nowhere.failures] == [(OWN, Reason.TIMEOUT)]
    assert [one.message for one in nowhere.troubles] == ["outside.no-way"]
    assert there.failures == []
    with practice(tmp_path / "data") as one:
        told = one.night(0, [archive_at_home(), by_ipv6(OWN)], [*nowhere.coverage, *there.coverage])
    assert told.tonight(104) == {QUERY: Exposure.NOT_CHECKED}


def test_where_other_ports_answer_a_port_to_which_there_is_no_way_is_kept_back_by_a_firewall(
    tmp_path: Path,
) -> None:
    def decide(_: str, port: int) -> Answer:
        return REFUSED if port == 443 else (2, b"No route to host")

    with tunnel_to(tmp_path, decide) as (_, tunnel):
        gathered = looked(tunnel)
    assert {(row.outcome, 443 in row.ports) for row in gathered.coverage} == {
        (Outcome.CLOSED, True),
        (Outcome.FILTERED, False),
    }
    assert gathered.failures == []


@pytest.mark.usefixtures("quick")
def test_a_server_that_freezes_silences_nothing_and_ends_no_exposure(tmp_path: Path) -> None:
    asked, over = list[int](), threading.Event()

    def decide(_: str, port: int) -> Answer:
        asked.append(port)
        if len(asked) > 20:
            over.wait(60)  # and it reads nothing any more, while its kernel still acknowledges
        return REFUSED

    with tunnel_to(tmp_path, decide) as (_, tunnel):
        try:
            frozen = looked(tunnel)
        finally:
            over.set()
    assert Outcome.FILTERED not in outcomes(frozen)
    assert [one.reason for one in frozen.failures] == [Reason.UNFINISHED]
    with practice(tmp_path / "data") as one:
        one.night(0, [seen_outside(8443)], answered(8443, "http"))
        one.night(1, asked=[knocked(Outcome.FILTERED, 8443)])
        told = one.night(2, asked=frozen.coverage)
        assert told.findings(8443) == {"http-reachable": (Status.UNVERIFIED, Exposure.EXPOSED)}
        assert [row.ended for row in told.logged(8443)] == [None]


@pytest.mark.usefixtures("quick")
def test_a_port_that_stays_silent_while_the_server_works_is_silent(tmp_path: Path) -> None:
    with tunnel_to(tmp_path, lambda _, port: None if port == 443 else REFUSED) as (_, tunnel):
        gathered = looked(tunnel)
    silent = [row.ports for row in gathered.coverage if row.outcome is Outcome.FILTERED]
    assert (silent, gathered.failures) == ([(443,)], [])


def stands_open(peer: SshPeer) -> bool:
    """Is a connection that the server made held open?"""
    return any(not channel.closed and not channel.eof_received for channel in peer.held)


def settled(met: Callable[[], bool]) -> bool:
    """Does it come to that soon?"""
    by = time.monotonic() + 5
    while not met() and time.monotonic() < by:
        time.sleep(0.01)
    return met()


@pytest.mark.parametrize("end", ["done", "closed", "late", "late and closed"])
def test_no_connection_stays_open_at_a_port_that_nobody_waits_for_any_more(tmp_path: Path, end: str) -> None:
    late = threading.Event()

    def decide(*_: object) -> Answer:
        late.wait(10)
        return OPEN

    with tunnel_to(tmp_path, decide) as (peer, tunnel):
        knocks = Knocks(tunnel)
        knocks.knock(PUBLIC, 9000)
        carrier = tunnel.carrier()  # holds it: it would take everything with it
        if "late" not in end:
            late.set()
            assert settled(lambda: bool(peer.held) and not knocks._told.empty())
        if end.endswith("closed"):
            knocks.close()
        else:
            knocks.done(PUBLIC)
        late.set()
        assert settled(lambda: bool(peer.held))
        assert settled(lambda: not stands_open(peer))
        assert carrier.active
        carrier.hold(-1)


def test_a_laptop_waits_for_the_second_packet_to_a_port_whose_first_was_lost() -> None:
    address = fresh_address()
    with socket.create_server((address, 0), backlog=0) as listener:
        port: int = listener.getsockname()[1]
        waiting = socket.create_connection((address, port))  # the queue is full: the next SYN is dropped
        wire = Here(connects=True).wire()
        wire.knock(address, port)
        listener.accept()[0].close()
        waiting.close()
        heard, by = list[tuple[str, int, PortState | None]](), time.monotonic() + wire.patience
        while not heard and time.monotonic() < by:
            heard += wire.hear(0.05)
        wire.close()
    assert heard == [(address, port, PortState.OPEN)]
    assert wire.repeats == 1  # which the pace counts
    near = Here().wire()
    assert near.repeats == 0
    near.close()


@pytest.mark.parametrize("stopped", [False, True])
def test_a_laptop_whose_line_broke_meanwhile_heard_no_silence(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    stopped: bool,  # noqa: FBT001 - a case: it was stopped before anybody could ask again
) -> None:
    halt = Halt()

    def one_look(gathered: Gathered, *_: object) -> None:
        gathered.coverage += [knocked(Outcome.FILTERED, 104), knocked(Outcome.CLOSED, 22)]
        gathered.rounds.append(Round(f"p-{PUBLIC}", now))
        if stopped:
            halt.now("stopped")

    proofs = iter([True, False])
    monkeypatch.setattr(Locating, "addresses", lambda *_: {PUBLIC: "site-file"})
    monkeypatch.setattr(Locating, "outside", lambda *_: next(proofs))
    monkeypatch.setattr(beyond, "look", one_look)
    now = datetime.now(UTC)
    scope = Scope((IPv4Network("192.168.1.0/24"),), until=date.max)
    site = Site.model_validate({"name": "A", "networks": ["192.168.1.0/24"]})
    with practice(tmp_path) as one:
        night = Beyond(site, one.store, (), Tonight(scope), Audit, halt, lambda *_: None, here=True)
        run = night.add_to(Run("r", SITE, now, now, complete=True, vantages=()))
    told = {port: row.outcome for row in run.coverage for port in row.ports}
    assert told == {104: Outcome.NOT_ASKED, 22: Outcome.CLOSED}
    assert Vantage.OUTSIDE in run.vantages
    assert run.rounds == ()
    assert not run.complete


NEAR, FAR = "2a01:e0a:1:23::9", "2a01:e0a:1:123::9"  # beside 2a01:e0a:1:2::/64: in its /56, and in another


@pytest.mark.parametrize(("peer", "echo"), [(NEAR, None), (NEAR, FAR), (FAR, NEAR)])
@pytest.mark.parametrize("ours", [["2a01:e0a:1:2::1"], ["2a01:e0a:1:2::1", "80.10.20.30"]])
def test_a_server_in_another_network_of_what_we_were_given_is_not_outside(
    peer: str, echo: str | None, ours: list[str]
) -> None:
    networks = (IPv4Network("192.168.1.0/24"), IPv6Network("2a01:e0a:1:2::/64"))
    with pytest.raises(OutsideError) as refused:
        prove(peer, None, echo, ours, networks)
    assert (refused.value.message, refused.value.details) == ("vantage.not-outside", {"address": NEAR})
    prove(FAR, None, None, ours, networks)
