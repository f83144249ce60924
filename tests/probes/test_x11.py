"""Is an open screen recognised, and not looked at? Hand-made servers here; Xvfb itself in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.x11 import X11
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = X11(timeout=1.0)


def little(number: int, size: int) -> bytes:
    return number.to_bytes(size, "little")


def success(
    maker: bytes = b"The X.Org Foundation", release: int = 12_101_007, size: int | None = None
) -> bytes:
    """X Window System Protocol, section 8: the beginning of a yes."""
    named = little(len(maker) if size is None else size, 2)
    fixed = little(release, 4) + bytes(12) + named + bytes(14)
    return b"\x01\0" + little(11, 2) + little(0, 2) + little(500, 2) + fixed + maker


def failed(reason: bytes) -> bytes:
    return bytes([0, len(reason)]) + little(11, 2) + little(0, 2) + little(-(-len(reason) // 4), 2) + reason


def server(answer: bytes) -> Callable[[Talk], None]:
    """One that hears our hello and answers it."""

    def behave(talk: Talk) -> None:
        assert talk.read(12) == b"l\0\x0b\0\0\0\0\0\0\0\0\0"
        talk.send(answer)
        talk.hold()

    return behave


ANSWERS = [
    # what it answers, authentication, product, version, rules
    (success(), "none", "The X.Org Foundation", "21.1.7", ["x11-open"]),
    (success(release=12_011_000), "none", "The X.Org Foundation", "1.20.11", ["x11-open"]),
    (success(release=7), "none", "The X.Org Foundation", None, ["x11-open"]),
    (success(b"Hummingbird Ltd.", 12_101_007), "none", "Hummingbird Ltd.", None, ["x11-open"]),
    (success(b"DUPONT JEAN"), "none", None, None, ["x11-open"]),
    (success("DUPONT J\xe9r\xf4me".encode("latin-1")), "none", None, None, ["x11-open"]),
    (success(b""), "none", None, None, ["x11-open"]),
    (success(b"A" * 40, size=60_000), "none", "A" * 40, None, ["x11-open"]),
    (failed(b"No protocol specified\n"), "password", None, None, []),
    (failed(b""), "password", None, None, []),
    (b"\x02" + bytes(5) + little(2, 2) + b"whoareu?", "password", None, None, []),
]


@pytest.mark.parametrize(("answer", "authentication", "product", "version", "rules"), ANSWERS)
def test_yes_and_no_are_read_from_its_first_byte(
    answer: bytes, authentication: str, product: str | None, version: str | None, rules: list[str]
) -> None:
    with Peer(server(answer), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"authentication": authentication, "product": product, "version": version}
    assert (asked.protocol, asked.rules, asked.error) == ("x11", rules, None)


def test_no_window_is_looked_at() -> None:
    with Peer(server(success() + bytes(4000)), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert (peer.received, peer.connections) == (12, 1)


@pytest.mark.parametrize("answer", [success(b"DUPONT^JEAN-PAUL"), failed(b"DUPONT^JEAN-PAUL is not here")])
def test_its_words_are_not_kept_where_they_could_be_a_person(answer: bytes) -> None:
    with Peer(server(answer), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen
    assert "DUPONT" not in str(asked.seen) + str(asked.error)


def test_a_server_without_a_place_left_is_unknown() -> None:
    with Peer(server(failed(b"Maximum number of clients reached")), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.reason, asked.facts["authentication"], asked.rules) == (Reason.BUSY, "unknown", [])


OTHERS = [b"HTTP/1.1 400 Bad", b"\x01\0\x0a\0\0\0\0\0", b"\0\0\0\0\0\0\0\0", b"\x03\0\x0b\0\0\0\0\0"]


@pytest.mark.parametrize("told", OTHERS)
def test_what_is_not_x11_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == told[:8]


TROUBLE = [
    (b"", None),
    (success()[:7], None),
    (success()[:20], "none"),
    (success(size=60_000), "none"),
    (failed(b"No protocol")[:12], "unknown"),
]


@pytest.mark.parametrize(("answer", "authentication"), TROUBLE)
def test_a_server_that_lies_or_stalls_is_a_failure_that_keeps_what_was_proved(
    answer: bytes, authentication: str | None
) -> None:
    with Peer(server(answer), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.reason is Reason.TIMEOUT
    assert [seen.facts["authentication"] for seen in asked.seen] == (
        [authentication] if authentication else []
    )


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.read(12)
        try:
            talk.send(success(b"", size=65_535))
            talk.flood(b"A" * 60_000, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["product"] == "A" * 40
    assert peer.sent < 5_000_000


def test_from_the_internet_any_screen_is_a_finding() -> None:
    target = Target("d", "192.0.2.1", (6000,), Vantage.OUTSIDE)
    told = [target.observed("x11", 6000, "x11", {"authentication": how}) for how in ("none", "password")]
    assert [[f.rule for f in PROBE.judge(seen)] for seen in told] == [["x11-open"], ["x11-reachable"]]


def test_each_display_has_a_port_of_its_own() -> None:
    target = Target("d", "192.0.2.1", (22, 6000, 6001, 6010, 6064), spoken={6001: "http"})
    assert PROBE.wants(target) == (6000, 6010)


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\x01\0\x0b\0\0\0\0\0", b"\0\xff\x0b\0\0\0\0\0", b"\x02"])
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, opening: bytes) -> None:
    asked = canned(PROBE, opening + told)
    assert asked.seen or asked.error or asked.other
