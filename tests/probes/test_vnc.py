"""Does the screen-sharing server ask for a password? Hand-made servers here; x11vnc itself in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.vnc import Vnc
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Vnc(timeout=1.0)


def server(types: bytes, greeting: bytes = b"RFB 003.008\n") -> Callable[[Talk], None]:
    """One that greets, hears our version, and lists these types."""

    def behave(talk: Talk) -> None:
        talk.send(greeting)
        talk.read(12)
        talk.send(types)
        talk.hold()

    return behave


LISTS = [
    # what it sends, security, authentication, rules
    (b"\x01\x01", "none", "none", ["vnc-no-password"]),
    (b"\x01\x02", "vnc-password", "password", []),
    (b"\x02\x02\x01", "none, vnc-password", "none", ["vnc-no-password"]),
    (b"\x02\x10\x13", "tight, vencrypt", "unknown", []),
    (b"\x02\x02\x13", "vnc-password, vencrypt", "unknown", []),
    (b"\x01\xc8", "200", "password", []),
]


@pytest.mark.parametrize(("told", "security", "authentication", "rules"), LISTS)
def test_what_a_server_asks_for_is_read_from_its_list(
    told: bytes, security: str, authentication: str, rules: list[str]
) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"version": "3.8", "security": security, "authentication": authentication}
    assert (asked.protocol, asked.rules, asked.error) == ("vnc", rules, None)


def test_no_way_in_is_chosen_and_the_screen_is_never_opened() -> None:
    with Peer(server(b"\x01\x01"), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert peer.received == len(b"RFB 003.008\n")
    assert peer.connections == 1


def test_a_server_of_3_3_decides_alone() -> None:
    with Peer(server(b"\x00\x00\x00\x01", b"RFB 003.003\n"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["authentication"] == "none"
    assert asked.facts["version"] == "3.3"


def test_a_server_that_offers_nothing_is_unknown_and_its_reason_is_not_read() -> None:
    with Peer(server(b"\x00\x00\x00\x00\x10DUPONT^JEAN-PAUL"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.reason, asked.facts["authentication"], asked.rules) == (Reason.BUSY, "unknown", [])
    assert "DUPONT" not in str(asked.seen) + str(asked.error)


def test_a_server_of_3_3_that_turns_us_away_has_not_been_given_a_password() -> None:
    told = b"\x00\x00\x00\x00\x00\x00\x00\x1aToo many security failures"
    with Peer(server(told, b"RFB 003.003\n"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.reason, asked.facts["security"], asked.facts["authentication"]) == (
        Reason.BUSY,
        None,
        "unknown",
    )


@pytest.mark.parametrize(("types", "security"), [(b"\x01\x02", "vnc-password"), (b"\x01\x13", "vencrypt")])
def test_a_repaired_server_says_what_it_asks_for_now(types: bytes, security: str) -> None:
    with Peer(server(types), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["security"], asked.rules) == (security, [])


def test_what_is_not_vnc_is_said_to_be_something_else() -> None:
    with Peer(lambda talk: talk.send(b"SSH-2.0-x\r\n"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None) == ([], True)


@pytest.mark.parametrize("greeting", [b"", b"RFB 003.008\n", b"RFB "])
def test_a_server_that_stalls_is_a_failure(greeting: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.send(greeting)
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.reason is Reason.TIMEOUT
    assert [seen.facts["authentication"] for seen in asked.seen] == ["unknown"] * (len(greeting) == 12)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.send(b"RFB 003.008\n")
        try:
            talk.flood(b"\x01" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["authentication"] == "none"
    assert peer.sent < 5_000_000


def test_from_the_internet_any_screen_is_a_finding() -> None:
    seen = Target("d", "192.0.2.1", (5900,), Vantage.OUTSIDE)
    told = seen.observed("vnc", 5900, "vnc", {"authentication": "password"})
    assert [finding.rule for finding in PROBE.judge(told)] == ["vnc-reachable"]


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard() -> None:
    target = Target("d", "192.0.2.1", (22, 5800, 5900, 5901, 5999), spoken={5999: "vnc", 5901: "ssh"})
    assert PROBE.wants(target) == (5900, 5999)


@given(st.binary(max_size=300), st.sampled_from([b"", b"RFB ", b"RFB 003.008\n", b"RFB 003.003\n"]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, greeting: bytes) -> None:
    asked = canned(PROBE, greeting + told)
    assert asked.seen or asked.error or asked.other
