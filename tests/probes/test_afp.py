"""Does the Apple file server take guests? Hand-made servers: Debian 12 has none (Netatalk left it)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.afp import HEADER, Afp
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Afp(timeout=1.0)
QUESTION = bytes.fromhex("00030001" + 24 * "0")


def names(*told: bytes) -> bytes:
    return bytes([len(told)]) + b"".join(bytes([len(one)]) + one for one in told)


def status(machine: bytes, *ways: bytes, name: bytes = b"Salle 2") -> bytes:
    """FPGetSrvrInfo's answer, as Apple's AFP Reference has it: offsets, flags, the name, then the rest."""
    fixed = 10 + 1 + len(name)
    kind = bytes([len(machine)]) + machine
    versions = names(b"AFP2.2", b"AFP3.4")
    at = (fixed, fixed + len(kind), fixed + len(kind) + len(versions))
    head = struct.pack(">HHHHH", *at, 0, 0x8FFB) + bytes([len(name)]) + name
    return head + kind + versions + names(*ways)


def answer(told: bytes, failed: int = 0, size: int | None = None) -> bytes:
    return HEADER.pack(1, 3, 1, failed, len(told) if size is None else size, 0) + told


def server(raw: bytes) -> Callable[[Talk], None]:
    def behave(talk: Talk) -> None:
        assert talk.read(16) == QUESTION
        talk.send(raw)
        talk.hold()

    return behave


def asked_of(raw: bytes) -> Asked:
    with Peer(server(raw), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (peer.connections, peer.received) == (1, 16)  # no login, whatever it offers
    return asked


WAYS = {
    # the ways in, authentication, guest, security, rules
    "guests": ((b"No User Authent", b"DHX2"), "none", "allowed", "dhx2, guest", ["afp-guest"]),
    "guests in other letters": ((b"NO USER AUTHENT",), "none", "allowed", "guest", ["afp-guest"]),
    "passwords": ((b"DHX2", b"DHCAST128", b"Recon1"), "password", "refused", "dhx, dhx2, reconnect", []),
    "in clear": ((b"Cleartxt Passwrd",), "password", "refused", "clear-text-password", []),
    "its own": ((b"Dr Dupont's own",), "password", "refused", None, []),
    "no way in": ((), "unknown", None, None, []),
}


@pytest.mark.parametrize(("ways", "authentication", "guest", "security", "rules"), WAYS.values(), ids=WAYS)
def test_the_ways_in_are_told_by_the_server(
    ways: tuple[bytes, ...],
    authentication: str,
    guest: str | None,
    security: str | None,
    rules: list[str],
) -> None:
    asked = asked_of(answer(status(b"Netatalk3.1.12", *ways)))
    assert asked.facts == {
        "authentication": authentication,
        "guest": guest,
        "security": security,
        "product": "Netatalk",
        "version": "3.1.12",
    }
    assert (asked.protocol, asked.rules, asked.error) == ("afp", rules, None)


@pytest.mark.parametrize(
    ("machine", "product"),
    [
        (b"Macmini6,2", "Macmini6,2"),
        (b"TimeCapsule8,119", "TimeCapsule8,119"),
        (b"Macintosh", "Macintosh"),
        (b"Dupont", None),
        (b"Mac de Claire", None),
        (b"x\x1b[31m", None),
        (b"", None),
    ],
)
def test_a_model_is_kept_and_a_name_is_not(machine: bytes, product: str | None) -> None:
    asked = asked_of(answer(status(machine, b"DHX2", name=b"ZZCANARY")))
    assert asked.facts["product"] == product
    assert "version" not in asked.facts
    assert "ZZCANARY" not in str(asked.seen)


def test_what_lies_behind_the_beginning_is_not_read() -> None:
    whole = status(b"Netatalk3.1.12", b"DHX2") + bytes(100_000)
    assert asked_of(answer(whole)).facts["authentication"] == "password"


BROKEN = {
    "an offset beyond its end": struct.pack(">HHHHH", 0, 0, 60_000, 0, 0),
    "a list that ends early": struct.pack(">HHH", 6, 6, 6) + b"\x05\x02ab",
    "a kind that ends early": struct.pack(">HHH", 7, 6, 6) + b"\x00\x09ab",
    "offsets that end early": b"\0\0\0",
    "nothing": b"",
}


@pytest.mark.parametrize("told", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_contradicts_itself_is_a_failure(told: bytes) -> None:
    asked = asked_of(answer(told))
    assert asked.reason is Reason.PROTOCOL
    assert (asked.protocol, asked.facts) == ("afp", {"authentication": "unknown"})


def test_an_answer_shorter_than_it_says_is_a_failure() -> None:
    asked = asked_of(answer(b"\0\x06\0\x06\0\x06", size=0xFFFFFFFF))
    assert (asked.protocol, asked.reason) == ("afp", Reason.TIMEOUT)


@pytest.mark.parametrize("failed", [-5000, -5019, 1])
def test_a_server_in_trouble_is_no_server_that_refuses_guests(failed: int) -> None:
    asked = asked_of(answer(status(b"Netatalk3.1.12", b"No User Authent"), failed=failed))
    assert (asked.facts, asked.reason, asked.rules) == ({"authentication": "unknown"}, Reason.BUSY, [])


@pytest.mark.parametrize(
    "raw",
    [b"SSH-2.0-x\r\n", b"\x01\x04\0\x01" + bytes(12), b"\0\x03\0\x01" + bytes(12), b"HTTP/1.1 400 x\r\n"],
)
def test_what_is_not_afp_is_said_to_be_something_else(raw: bytes) -> None:
    asked = asked_of(raw)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == raw[:16]


@pytest.mark.parametrize("raw", [b"", b"\x01\x03", HEADER.pack(1, 3, 1, 0, 10, 0)])
def test_a_server_that_stalls_is_a_failure(raw: bytes) -> None:
    assert asked_of(raw).reason is Reason.TIMEOUT


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.read(16)
        try:
            talk.flood(
                answer(status(b"Netatalk3.1.12", b"DHX2"), size=0x7FFFFFFF) + bytes(65_536), 100_000_000
            )
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["authentication"] == "password"
    assert peer.sent < 5_000_000


def test_from_the_internet_any_is_a_finding() -> None:
    target = Target("d", "192.0.2.1", (548,), Vantage.OUTSIDE)
    for guest, rule in (("refused", "afp-reachable"), (None, "afp-reachable"), ("allowed", "afp-guest")):
        seen = target.observed("afp", 548, "afp", {"guest": guest})
        assert [finding.rule for finding in PROBE.judge(seen)] == [rule]


def test_it_is_asked_where_it_is_at_home() -> None:
    target = Target("d", "192.0.2.1", (22, 548, 5480), free=frozenset({5480}))
    assert PROBE.wants(target) == (548,)


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", answer(b"", size=300), answer(b"\0\x06\0\x06\0\x06", size=100)]),
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, prefix: bytes) -> None:
    asked = canned(PROBE, prefix + told)
    assert asked.seen or asked.error or asked.other
