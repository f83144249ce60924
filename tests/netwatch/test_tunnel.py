from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from netwatch.audit import Audit
from netwatch.errors import OutsideError
from netwatch.model import PortState, Reason
from netwatch.probe import ProbeError
from netwatch.tunnel import COMMAND, MANY, MOST_LOST, TOO_MANY, Tunnel
from tests.lab.sshpeer import OPEN, SshPeer

if TYPE_CHECKING:
    from pathlib import Path

    from netwatch.outlet import Outlet
    from tests.lab.sshpeer import Answer

HERE = "192.0.2.1"


def until(true: object, seconds: float = 5.0) -> bool:
    """Does it become true?"""
    assert callable(true)
    by = time.monotonic() + seconds
    while not true() and time.monotonic() < by:
        time.sleep(0.01)
    return bool(true())


def test_it_is_an_outlet_that_says_where_it_leads(tmp_path: Path) -> None:
    audit = Audit()
    with SshPeer(tmp_path) as peer, Tunnel(peer.settings(), audit=audit) as tunnel:
        outlet: Outlet = tunnel
        assert not outlet.udp
        assert tunnel.peer == "127.0.0.1"
        outlet.dial(HERE, 80, 5).close()
        assert peer.wanted == [(HERE, 80)]
        [entry] = audit.about("127.0.0.1")
        assert (entry["question"], entry["port"], entry["sent"]) == ("vantage", peer.port, ["SSH login"])


@pytest.mark.parametrize(
    ("says", "address"),
    [
        (b"198.51.100.7 50000 192.0.2.1 22\n", "198.51.100.7"),
        (b"::ffff:198.51.100.7 50000 192.0.2.1 22\n", "198.51.100.7"),
        (b"2001:db8::7 50000 2001:db8::1 22\n", "2001:db8::7"),
        (b"198.51.100.7\n", "198.51.100.7"),
        (b"198.51.100.7", None),  # cut
        (b"\n", None),
        (b"This account is currently not available.\n", None),
        (b"198.51.100.7<script> 1\n", None),
        (b"fe80::1%\x1b[31mMARTIN 1\n", "fe80::1"),
        (b"\xff\xfe\n", None),
        (b"9" * 100_000, None),
        (None, None),
    ],
)
def test_the_address_it_sees_us_at_is_an_address_or_nothing(
    says: bytes | None, address: str | None, tmp_path: Path
) -> None:
    with SshPeer(tmp_path, says=says) as peer, Tunnel(peer.settings()) as tunnel:
        assert tunnel.seen_from() == address
        assert tunnel.seen_from() == address
        assert peer.ran == ([COMMAND.encode()] if says is not None else [])  # once, and nothing else
        assert until(lambda: tunnel.carrier().hold(-1) or True)  # type: ignore[func-returns-value]


def test_the_question_under_way_has_no_answer_and_the_next_has_a_new_connection(tmp_path: Path) -> None:
    asked = threading.Event()

    def decide(_: str, port: int) -> Answer:
        asked.set()
        return None if port == 1 else (2, b"Connection refused")

    with SshPeer(tmp_path, decide) as peer, Tunnel(peer.settings()) as tunnel:
        threading.Thread(target=lambda: asked.wait(5) and peer.hang_up()).start()  # type: ignore[func-returns-value]
        for port, reason in ((1, Reason.UNFINISHED), (2, Reason.REFUSED)):
            with pytest.raises(ProbeError) as error:
                tunnel.dial(HERE, port, 10)
            assert error.value.reason is reason
        assert peer.connections == 2


def test_a_server_that_always_hangs_up_is_given_up(tmp_path: Path) -> None:
    with SshPeer(tmp_path, lambda *_: None) as peer:
        peer.decide = lambda *_: peer.hang_up()
        with Tunnel(peer.settings()) as tunnel:
            for _ in range(MOST_LOST):
                with pytest.raises(ProbeError):
                    tunnel.dial(HERE, 1, 5)
                until(lambda: not tunnel._used or not tunnel._used.active)
            with pytest.raises(OutsideError) as error:
                tunnel.dial(HERE, 1, 5)
            assert error.value.message == "vantage.lost"
            assert peer.connections == MOST_LOST


def test_a_server_that_does_not_come_back_is_not_tried_for_ever(tmp_path: Path) -> None:
    with SshPeer(tmp_path) as peer, Tunnel(peer.settings()) as tunnel:
        peer.leave()
        until(lambda: not tunnel._used or not tunnel._used.active)
        words = []
        for _ in range(MOST_LOST + 2):
            with pytest.raises(OutsideError) as error:
                tunnel.dial(HERE, 1, 5)
            words.append(error.value.message)
        assert words[0] == "vantage.unreachable"
        assert words[-1] == "vantage.lost"


def test_many_silent_ports_get_a_fresh_connection_and_no_port_is_closed_for_it(
    tmp_path: Path,
) -> None:
    most = [0]

    def decide(_: str, port: int) -> Answer:
        return {7: OPEN, 2000: (2, b"Connection refused")}.get(port)  # type: ignore[return-value]

    with SshPeer(tmp_path, decide) as peer, Tunnel(peer.settings(), apart=0.2) as tunnel:
        wire = tunnel.wire()
        told: list[tuple[str, int, PortState | None]] = []
        flying: list[int] = []
        for port in [*range(1, 1201), 7, 2000]:
            assert wire.knock(HERE, port)
            flying.append(port)
            if len(flying) > 20:
                wire.forget(HERE, flying.pop(0))
            told += wire.hear(0.001)
            most[0] = max(most[0], tunnel._used.unanswered if tunnel._used else 0)
        by = time.monotonic() + 5
        while len(told) < 3 and time.monotonic() < by:
            told += wire.hear(0.05)
        assert sorted({(port, state) for _, port, state in told}) == [
            (7, PortState.OPEN),
            (2000, PortState.CLOSED),
        ]
        assert most[0] <= TOO_MANY
        assert peer.connections > 2
        assert until(lambda: wire.done(HERE) or len(tunnel._old) == 0)  # type: ignore[func-returns-value]


def test_a_conversation_outlives_the_change_to_a_fresh_connection(tmp_path: Path) -> None:
    def echo(channel: object) -> None:
        while data := channel.recv(100):  # type: ignore[attr-defined]
            channel.sendall(data)  # type: ignore[attr-defined]

    def decide(_: str, port: int) -> Answer:
        return OPEN if port == 1 else None

    with SshPeer(tmp_path, decide, serve=echo) as peer, Tunnel(peer.settings()) as tunnel:
        talking = tunnel.dial(HERE, 1, 5)
        talking.settimeout(5)
        wire = tunnel.wire()
        for port in range(100, 100 + MANY):
            wire.knock(HERE, port)
        wire.done(HERE)
        tunnel.dial(HERE, 1, 5).close()
        assert peer.connections == 2
        talking.sendall(b"still here")
        assert talking.recv(100) == b"still here"
        talking.close()
        assert until(lambda: tunnel.rest() or not tunnel._old)  # type: ignore[func-returns-value]


def test_a_stop_ends_the_wait_for_a_server_that_says_nothing(tmp_path: Path) -> None:
    from tests.lab.peers import Peer, Talk  # noqa: PLC0415

    with Peer(Talk.hold) as mute, SshPeer(tmp_path) as peer:
        settings = peer.settings(ssh=f"u@127.0.0.1:{mute.port}", host_key="SHA256:" + "A" * 43)
        with pytest.raises(ProbeError) as error:
            Tunnel(settings, lambda: mute.connections > 0, seconds=3).open()
        assert error.value.reason is Reason.UNFINISHED


def test_a_server_that_says_nothing_is_left_in_time(tmp_path: Path) -> None:
    from tests.lab.peers import Peer, Talk  # noqa: PLC0415

    with Peer(Talk.hold) as mute, SshPeer(tmp_path) as peer:
        settings = peer.settings(ssh=f"u@127.0.0.1:{mute.port}", host_key="SHA256:" + "A" * 43)
        with pytest.raises(OutsideError) as error:
            Tunnel(settings, seconds=1).open()
        assert error.value.message in {"vantage.too-slow", "vantage.not-ssh"}


def test_when_it_is_closed_nothing_is_left_and_nothing_more_is_asked(tmp_path: Path) -> None:
    with SshPeer(tmp_path) as peer:
        with Tunnel(peer.settings()) as tunnel:
            talking = tunnel.dial(HERE, 1, 5)
        with pytest.raises(ProbeError) as error:
            tunnel.dial(HERE, 1, 5)
        assert error.value.reason is Reason.UNFINISHED
        talking.close()
        assert until(lambda: not [t for t in peer.transports if t.is_alive()])
