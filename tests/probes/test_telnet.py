"""Is a shell in clear recognised by its first words alone? Hand-made servers; inetutils' own in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.telnet import Telnet
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Telnet(timeout=1.0)


def says(*parts: bytes) -> Callable[[Talk], None]:
    """One that speaks first, perhaps in parts, and then waits."""

    def behave(talk: Talk) -> None:
        for part in parts:
            talk.send(part)
            talk.peer.stopping.wait(0.1 if len(parts) > 1 else 0)
        talk.hold()

    return behave


SHELLS = [
    ((b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27",), "unknown"),
    ((b"\xff\xfb\x01",), "unknown"),
    ((b"\xff\xfa\x18\x01\xff\xf0",), "unknown"),
    ((b"\r\nLogin: ",), "password"),
    ((b"Bienvenue\r\n", b"Nom de poste 3\r\n", b"Mot de passe : "), "password"),
    ((b"User Access Verification\r\n\r\n", b"Username: "), "password"),
]


@pytest.mark.parametrize(("parts", "authentication"), SHELLS)
def test_a_negotiation_or_a_prompt_is_a_shell_in_clear(parts: tuple[bytes, ...], authentication: str) -> None:
    with Peer(says(*parts), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts) == ("telnet", {"authentication": authentication})
    assert (asked.rules, asked.error) == (["telnet-login-in-clear"], None)


def test_nothing_is_answered() -> None:
    with Peer(says(b"\xff\xfb\x01\xff\xfd\x18login: "), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert (peer.received, peer.connections) == (0, 1)


def test_the_words_of_a_prompt_are_not_kept() -> None:
    with Peer(says(b"Echographe de DUPONT^JEAN-PAUL\r\nlogin: "), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen
    assert "DUPONT" not in str(asked.seen)


def test_a_silent_port_is_unknown() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.MUTE)


OTHERS = [
    b"SSH-2.0-x\r\n",
    b"220 login: ",
    b"\x00\x01\x02\x03",
    b"bonjour\r\n",
    b"\xff",
    b"catalogin: no\r\n",
]


@pytest.mark.parametrize("told", OTHERS)
def test_what_is_no_shell_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(says(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == told[:16]


def test_a_server_that_floods_or_drips_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        try:
            talk.flood(b"a" * 60_000, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.other is not None
    assert peer.sent < 5_000_000
    with Peer(lambda talk: talk.drip(b"a" * 500, 0.1), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.other is not None
    assert peer.sent < 20


def test_from_the_internet_it_is_the_same_rule() -> None:
    target = Target("d", "192.0.2.1", (23,), Vantage.OUTSIDE)
    told = target.observed("telnet", 23, "telnet", {"authentication": "unknown"})
    assert [finding.rule for finding in PROBE.judge(told)] == ["telnet-login-in-clear"]
    assert list(PROBE.judge(target.observed("telnet", 23, "ssh", {}))) == []


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard() -> None:
    target = Target("d", "192.0.2.1", (22, 23, 2323), spoken={2323: "telnet"})
    assert PROBE.wants(target) == (23, 2323)
    assert PROBE.wants(Target("d", "192.0.2.1", (23,), spoken={23: "ssh"})) == ()


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff", b"\xff\xfb", b"login", b"login:"]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, opening: bytes) -> None:
    asked = canned(PROBE, opening + told)
    assert asked.seen or asked.error or asked.other
