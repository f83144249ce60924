"""Is a file server without passwords recognised, and no file taken? tftpd-hpa itself in tests/lab."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.tftp import Tftp
from tests.lab.interview import ask, canned, fresh_address

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBE = Tftp(timeout=0.5)
NOT_FOUND = b"\0\x05\0\x01File not found\0"
DENIED = b"\0\x05\0\x02Access violation\0"
DATA = b"\0\x03\0\x01DUPONT^JEAN-PAUL\r\n" + b"x" * 490


class Server:
    """Answers one request from a port of its own, as TFTP does."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked = b""
        self.later: list[bytes] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((fresh_address(), 0))
        self.socket.settimeout(5)
        self.address, self.port = self.socket.getsockname()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        self.asked, sender = self.socket.recvfrom(2000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.bind((self.address, 0))
            own.settimeout(0.3)
            own.sendto(self.answer, sender)
            try:
                self.later.append(own.recv(2000))
            except OSError:
                return

    def close(self) -> None:
        self.thread.join()
        self.socket.close()


@pytest.fixture
def not_found() -> Iterator[Server]:
    server = Server(NOT_FOUND)
    yield server
    server.close()


@pytest.fixture
def generous() -> Iterator[Server]:
    server = Server(DATA)
    yield server
    server.close()


def test_an_error_from_a_port_of_its_own_proves_it(not_found: Server) -> None:
    asked = ask(PROBE, not_found.address, not_found.port)
    assert (asked.protocol, asked.facts, asked.rules) == ("tftp", {"authentication": "none"}, ["tftp-open"])
    assert asked.seen[0].transport == "udp"


def test_the_file_has_a_made_up_name_every_time(not_found: Server, generous: Server) -> None:
    ask(PROBE, not_found.address, not_found.port)
    ask(PROBE, generous.address, generous.port)
    for told in (not_found.asked, generous.asked):
        assert told.startswith(b"\0\x01netwatch-")
        assert told.endswith(b"\0octet\0")
        assert len(told) == 2 + 9 + 16 + 7
    assert not_found.asked != generous.asked


def test_data_is_neither_kept_nor_acknowledged(generous: Server) -> None:
    asked = ask(PROBE, generous.address, generous.port)
    generous.thread.join()
    assert (asked.facts, asked.rules) == ({"authentication": "none"}, ["tftp-open"])
    assert "DUPONT" not in str(asked.seen)
    assert generous.later == []


def test_a_server_that_says_no_before_it_looks_may_know_whom_it_serves() -> None:
    asked = canned(PROBE, DENIED)
    assert (asked.facts, asked.rules) == ({"authentication": "unknown"}, ["tftp-open"])


@pytest.mark.parametrize(
    "told", [b"\0", b"\0\x05", b"\0\x05\x01\0", b"\0\x04\0\0", b"SIP/2.0 400 DUPONT", b"\0\x06\0\0"]
)
def test_what_is_not_tftp_is_a_failure(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)
    assert "DUPONT" not in str(asked.error)


def test_silence_is_mute() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind((fresh_address(), 0))
        asked = ask(PROBE, *deaf.getsockname())
    assert (asked.seen, asked.reason) == ([], Reason.MUTE)


def test_from_the_internet_it_is_the_same_rule() -> None:
    target = Target("d", "192.0.2.1", (), Vantage.OUTSIDE)
    told = target.observed("tftp", 69, "tftp", {"authentication": "unknown"}, "udp")
    assert [finding.rule for finding in PROBE.judge(told)] == ["tftp-open"]
    assert [finding.transport for finding in PROBE.judge(told)] == ["udp"]


def test_its_port_is_asked_whatever_is_open() -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", (22,))) == (69,)


@given(st.binary(max_size=100), st.sampled_from([b"", b"\0\x05", b"\0\x03", b"\0\x05\0"]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, opening: bytes) -> None:
    asked = canned(PROBE, opening + told)
    assert asked.seen or asked.error
