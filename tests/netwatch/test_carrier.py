from __future__ import annotations

import logging
import queue
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.carrier import BEFORE_LOGIN, LONGEST, STUCK, WINDOW, Asked, Bounded, Carrier, Told, read
from netwatch.login import login
from tests.lab.sshpeer import OPEN, SshPeer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.sshpeer import Loose


@pytest.fixture
def answers() -> queue.SimpleQueue[tuple[Told, Any]]:
    return queue.SimpleQueue()


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[SshPeer]:
    with SshPeer(tmp_path) as running:
        yield running


def ask(carrier: Carrier, answers: queue.SimpleQueue[tuple[Told, Any]], port: int = 80) -> None:
    """Have it connect; what becomes of it goes into the queue."""
    carrier.ask(Asked("192.0.2.1", port, lambda _, told, channel: answers.put((told, channel))))


@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (2, b"Connection refused", Told.REFUSED),
        (2, b"Connection timed out", Told.TIMED_OUT),
        (2, b"Operation timed out", Told.TIMED_OUT),
        (2, b"No route to host", Told.AWAY),
        (2, b"Network is unreachable", Told.AWAY),
        (2, b"Too many open files", Told.SHORTAGE),
        (2, b"open failed", Told.UNKNOWN),
        (2, b"", Told.UNKNOWN),
        (2, b"Connection refused by a firewall of mine", Told.UNKNOWN),
        (1, b"open failed", Told.PROHIBITED),
        (1, b"Connection refused", Told.PROHIBITED),
        (3, b"", Told.PROHIBITED),
        (4, b"Connection refused", Told.SHORTAGE),
        (99, b"Connection refused", Told.UNKNOWN),
    ],
)
def test_only_the_systems_own_word_for_it_makes_a_closed_port(code: int, text: bytes, told: Told) -> None:
    assert read(code, text) is told


@given(st.integers(0, 2**32 - 1), st.binary())
def test_no_other_text_ever_makes_one(code: int, text: bytes) -> None:
    if text.strip().lower() != b"connection refused":
        assert read(code, text) is not Told.REFUSED


def test_each_answer_goes_to_whoever_asked_and_silence_is_counted(
    tmp_path: Path, answers: queue.SimpleQueue[tuple[Told, Any]]
) -> None:
    table = {1: OPEN, 2: (2, b"Connection refused"), 3: None, 4: (1, b"no"), 5: (2, b"\xff\xfe\x00")}
    with SshPeer(tmp_path, lambda _, port: table[port]) as peer:
        carrier = login(peer.settings(), None, 5)
        told = {}
        for port in (1, 2, 4, 5):
            ask(carrier, answers, port)
            told[port] = answers.get(timeout=5)[0]
        ask(carrier, answers, 3)
        assert told == {1: Told.OPENED, 2: Told.REFUSED, 4: Told.PROHIBITED, 5: Told.UNKNOWN}
        assert carrier.unanswered == 1
        carrier.close()
        assert answers.get(timeout=5) == (Told.LOST, None)
        assert carrier.unanswered == 0


def test_whoever_asks_a_dead_connection_is_told_so_too(
    peer: SshPeer, answers: queue.SimpleQueue[tuple[Told, Any]]
) -> None:
    carrier = login(peer.settings(), None, 5)
    peer.hang_up()
    carrier.join(5)
    ask(carrier, answers)
    assert answers.get(timeout=5) == (Told.LOST, None)


def test_a_server_that_sends_more_than_its_window_loses_the_connection(
    tmp_path: Path, answers: queue.SimpleQueue[tuple[Told, Any]]
) -> None:
    def flood(channel: Loose) -> None:
        channel.out_window_size = 100 * WINDOW  # it does not keep to ours
        channel.sendall(b"x" * 50 * WINDOW)

    with SshPeer(tmp_path, serve=flood) as peer:
        carrier = login(peer.settings(), None, 5)
        ask(carrier, answers)
        told, channel = answers.get(timeout=5)
        carrier.join(5)
        assert told is Told.OPENED
        assert not carrier.is_active()
        assert channel.lost
        assert len(channel.in_buffer) <= WINDOW


def test_a_channel_that_nobody_asked_for_is_no_news(
    peer: SshPeer, answers: queue.SimpleQueue[tuple[Told, Any]]
) -> None:
    carrier = login(peer.settings(), None, 5)
    for kind in (b"\x5b", b"\x5c"):  # open confirmation, open failure
        message = paramiko.Message(kind + (77).to_bytes(4, "big") + b"\0" * 12)
        peer.transports[-1]._send_message(message)
    ask(carrier, answers)
    assert answers.get(timeout=5)[0] is Told.OPENED
    carrier.close()


def pair() -> tuple[Bounded, socket.socket]:
    """Ours and the server's end."""
    ours, theirs = socket.socketpair()
    bounded = Bounded(fileno=ours.detach())
    bounded.settimeout(0.1)
    return bounded, theirs


def test_no_more_than_a_greetings_worth_is_read_before_the_login() -> None:
    ours, theirs = pair()
    with ours, theirs:
        feeding = threading.Thread(target=lambda: theirs.sendall(b"x" * (BEFORE_LOGIN + 1)))
        feeding.start()
        with pytest.raises(OSError, match="before the login"):
            while True:
                ours.recv(65_536)
        feeding.join()
        ours.quota = None
        theirs.sendall(b"y")
        assert ours.recv(10) == b"y"


def test_a_packet_longer_than_any_is_not_waited_for() -> None:
    ours, theirs = pair()
    with ours, theirs, pytest.raises(OSError, match="longer than any"):
        ours.recv(LONGEST + 1)


def test_a_server_that_takes_nothing_is_given_up_in_the_end() -> None:
    ours, theirs = pair()
    with ours, theirs:
        with pytest.raises(TimeoutError):
            while True:
                ours.send(b"x" * 65_536)
        ours._stuck = time.monotonic() - STUCK - 1
        with pytest.raises(BrokenPipeError):
            ours.send(b"x")


def test_nothing_that_a_server_says_reaches_any_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), SshPeer(tmp_path, lambda *_: (2, b"MARTIN^PAUL")) as peer:
        carrier = login(peer.settings(), None, 5)
        answers: queue.SimpleQueue[tuple[Told, Any]] = queue.SimpleQueue()
        ask(carrier, answers)
        answers.get(timeout=5)
        carrier.close()
    assert [record for record in caplog.records if record.name.startswith("paramiko")] == []


def test_a_tunnel_is_known_without_paramiko_being_read() -> None:
    code = "import sys, netwatch.tunnel; print('paramiko' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
