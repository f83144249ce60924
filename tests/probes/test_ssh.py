"""Is the version of SSH read as it is told, and nothing said? Hand-made servers; real ones in tests/lab."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.ssh import Ssh
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Ssh(timeout=1.0)


def says(told: bytes) -> Callable[[Talk], None]:
    """One that speaks first, and then waits."""

    def behave(talk: Talk) -> None:
        talk.send(told)
        talk.hold()

    return behave


BANNERS = [
    # what it says, version, product, protocol_1, rules
    (b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", "2.0", "OpenSSH 9.2p1", "absent", []),
    (b"SSH-2.0-OpenSSH_for_Windows_8.1\r\n", "2.0", "OpenSSH for Windows 8.1", "absent", []),
    (b"SSH-2.0-dropbear_2022.83\r\n", "2.0", "dropbear 2022.83", "absent", []),
    (b"SSH-2.0-dropbear\r\n", "2.0", "dropbear", "absent", []),
    (b"SSH-1.99-Cisco-1.25\n", "1.99", "Cisco 1.25", "offered", ["ssh-protocol-1"]),
    (b"SSH-1.5-1.2.27\n", "1.5", None, "offered", ["ssh-protocol-1"]),
    (b"SSH-2.0-CABINET DUPONT\r\n", "2.0", None, "absent", []),
    (b"SSH-strange-OpenSSH_9\r\n", None, "OpenSSH 9", None, []),
    (b"Bonjour\r\nSSH-2.0-libssh_0.9.6\r\n", "2.0", "libssh 0.9.6", "absent", []),
]


@pytest.mark.parametrize(("told", "version", "product", "first", "rules"), BANNERS)
def test_what_it_speaks_is_read_from_its_first_line(
    told: bytes, version: str | None, product: str | None, first: str | None, rules: list[str]
) -> None:
    with Peer(says(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"version": version, "product": product, "protocol_1": first}
    assert (asked.protocol, asked.rules, asked.error) == ("ssh", rules, None)


def test_not_a_byte_is_sent_and_one_connection_made() -> None:
    with Peer(says(b"SSH-2.0-OpenSSH_9.2p1\r\n" + bytes(2000)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["product"] == "OpenSSH 9.2p1"
    assert (peer.received, peer.connections) == (0, 1)


def test_what_a_practice_calls_itself_is_not_kept() -> None:
    with Peer(says(b"Cabinet DUPONT Jean\r\nSSH-2.0-DUPONT_Jean DUPONT\r\n"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen
    assert "DUPONT" not in str(asked.seen)


@pytest.mark.parametrize("told", [b"220 ready\r\n", b"RFB 003.008\n", b"\xff\xfb\x01", b"\x00\x01\x02\x03"])
def test_what_is_not_ssh_is_said_to_be_something_else(told: bytes) -> None:
    patient, began = Ssh(timeout=10.0), time.monotonic()
    with Peer(says(told), fresh_address()) as peer:
        asked = ask(patient, peer.address, peer.port)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == told[:16]
    assert time.monotonic() - began < patient.timeout / 2  # it is not waited for


@pytest.mark.parametrize("told", [b"Exceeded MaxStartups\r\n", b"Not allowed at this time\r\n"])
def test_a_server_that_takes_nobody_for_now_is_no_other_protocol(told: bytes) -> None:
    asked = canned(PROBE, told, port=22)
    assert (asked.seen, asked.other, asked.reason) == ([], None, Reason.BUSY)


def test_lines_without_end_are_something_else() -> None:
    with Peer(says(b"bonjour\r\n" * 100 + b"SSH-2.0-OpenSSH_9\r\n"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None) == ([], True)


def test_a_silent_server_is_a_failure() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


@pytest.mark.parametrize(("told", "reason"), [(b"SSH-2.0-", Reason.TIMEOUT), (b"SSH-" * 200, Reason.LIMIT)])
def test_a_server_that_does_not_come_to_the_end_of_its_line_is_a_failure(told: bytes, reason: Reason) -> None:
    with Peer(says(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], reason)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        try:
            talk.flood(b"SSH" * 20_000, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert peer.sent < 5_000_000


def test_from_the_internet_any_is_a_finding_and_the_first_version_a_worse_one() -> None:
    target = Target("d", "192.0.2.1", (22,), Vantage.OUTSIDE)

    def rules(first: str) -> list[str]:
        told = target.observed("ssh", 22, "ssh", {"protocol_1": first})
        return [finding.rule for finding in PROBE.judge(told)]

    assert rules("absent") == ["ssh-reachable"]
    assert rules("offered") == ["ssh-protocol-1"]


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard() -> None:
    target = Target("d", "192.0.2.1", (22, 80, 2222, 8022), spoken={2222: "http", 8022: "ssh"})
    assert PROBE.wants(target) == (22, 8022)


@given(st.binary(max_size=600), st.sampled_from([b"", b"SSH-", b"SSH-2.0-", b"x\nSSH-1.99-OpenSSH_"]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, opening: bytes) -> None:
    asked = canned(PROBE, opening + told)
    assert asked.seen or asked.error or asked.other
