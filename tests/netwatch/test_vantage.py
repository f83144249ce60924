from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.vantage import outside
from netwatch.words import LANGUAGES, Messages

OURS, OURS_NEW, SERVER, OTHER = "80.10.20.30", "80.10.99.99", "51.15.1.2", "51.15.9.9"
OURS6, OURS6_NEAR, SERVER6 = "2a01:e0a:1:2::1", "2a01:e0a:1:2:3:4:5:6", "2001:41d0:1:2::9"
LAN = (IPv4Network("192.168.1.0/24"), IPv6Network("2a01:e0a:1:2::/64"))
NOT_OUTSIDE, UNPROVED, PROVED = "vantage.not-outside", "vantage.unproved", None

# peer, seen_from, told_by_echo, ours, verdict: each row of the table in outside's docstring, more than once.
ROWS = [
    # what the page told is at home
    (SERVER, OURS, OURS, [OURS], NOT_OUTSIDE),
    (SERVER, None, OURS, [OURS], NOT_OUTSIDE),
    ("10.8.0.1", "10.8.0.2", OURS, [OURS], NOT_OUTSIDE),
    (
        SERVER,
        OURS_NEW,
        OURS_NEW,
        [OURS],
        NOT_OUTSIDE,
    ),  # the address changed: it sees us where it stands itself
    (SERVER, OURS, "192.168.1.9", [OURS], NOT_OUTSIDE),
    (SERVER, OURS, "127.0.0.1", [OURS], NOT_OUTSIDE),
    (SERVER6, OURS6, OURS6_NEAR, [OURS6], NOT_OUTSIDE),
    # the server is reached at home
    (OURS, None, None, [OURS], NOT_OUTSIDE),
    (OURS, "192.168.1.1", OTHER, [OURS], NOT_OUTSIDE),
    ("192.168.1.5", None, None, [OURS], NOT_OUTSIDE),
    ("192.168.1.5", "192.168.1.2", SERVER, [OURS], NOT_OUTSIDE),
    ("127.0.0.1", "127.0.0.1", SERVER, [OURS], NOT_OUTSIDE),
    ("fe80::1", None, SERVER, [OURS], NOT_OUTSIDE),
    (OURS6_NEAR, None, None, [OURS6], NOT_OUTSIDE),
    (OURS_NEW, OURS_NEW, None, [OURS], NOT_OUTSIDE),
    # it sees us as only the practice's own network does
    (SERVER, "192.168.1.2", None, [OURS], NOT_OUTSIDE),
    (OURS_NEW, "192.168.1.2", OURS_NEW, [OURS], NOT_OUTSIDE),  # hairpin, with an address that changed
    # the page told an address elsewhere
    (SERVER, OURS, SERVER, [OURS], PROVED),
    (SERVER, None, OTHER, [OURS], PROVED),
    ("10.8.0.1", "10.8.0.2", SERVER, [OURS], PROVED),  # reached through a VPN
    (SERVER, "10.0.0.7", SERVER, [OURS], PROVED),  # behind its hoster's own translation
    (SERVER, OURS, SERVER, [], PROVED),
    (SERVER6, OURS6, SERVER6, [OURS], PROVED),
    # the page told a private one: somebody there answers for the internet
    (SERVER, OURS, "10.0.0.4", [OURS], UNPROVED),
    (SERVER, None, "100.64.0.4", [OURS], UNPROVED),
    # no page, and the server is reached elsewhere
    (SERVER, OURS, None, [OURS], PROVED),
    (SERVER, None, None, [OURS], PROVED),
    (SERVER, OURS_NEW, None, [OURS], PROVED),
    (SERVER, OURS, None, [], PROVED),
    (SERVER6, OURS6, None, [OURS], PROVED),
    (SERVER6, None, None, [OURS], PROVED),  # the site's IPv6 network is known
    # the same, but it sees us at a private address
    (SERVER, "10.0.0.7", None, [OURS], UNPROVED),
    (SERVER, "100.64.3.4", None, [OURS], UNPROVED),
    # it is reached privately, and no page told
    ("10.8.0.1", "10.8.0.2", None, [OURS], UNPROVED),
    ("10.8.0.1", None, None, [OURS], UNPROVED),
    ("100.64.0.1", OURS, None, [OURS], UNPROVED),
    # nothing to compare it with
    (SERVER, None, None, [], UNPROVED),
    (SERVER, None, SERVER, [], UNPROVED),
    (SERVER, None, None, [OURS6], UNPROVED),
]


@pytest.mark.parametrize(("peer", "seen_from", "echo", "ours", "verdict"), ROWS)
def test_each_row_of_the_table_holds(
    peer: str, seen_from: str | None, echo: str | None, ours: list[str], verdict: str | None
) -> None:
    if verdict is None:
        outside(peer, seen_from, echo, map(ip_address, ours), LAN)
        return
    with pytest.raises(OutsideError) as error:
        outside(peer, seen_from, echo, map(ip_address, ours), LAN)
    assert (error.value.message, error.value.reason) == (verdict, Reason.UNPROVED)


def test_an_ipv6_server_cannot_be_told_from_ours_where_we_know_none_of_our_own() -> None:
    with pytest.raises(OutsideError, match="unproved"):
        outside(SERVER6, None, None, [OURS], [IPv4Network("192.168.1.0/24")])


def test_a_machine_that_stands_outside_itself_is_proved_by_a_page_alone() -> None:
    outside(None, None, OTHER, [OURS], LAN)
    for echo, word in ((None, "vantage.unproved-here"), (OURS, "vantage.not-outside-here")):
        with pytest.raises(OutsideError) as error:
            outside(None, None, echo, [OURS], LAN)
        assert error.value.message == word


@given(st.ip_addresses(), st.none() | st.ip_addresses(), st.none() | st.ip_addresses())
def test_nothing_that_touches_the_practice_is_ever_proved(peer: object, seen: object, echo: object) -> None:
    for bad in ({"peer": OURS}, {"echo": OURS}, {"seen": "192.168.1.77"}):
        told = {"peer": peer, "seen": seen, "echo": echo} | bad
        with pytest.raises(OutsideError):
            outside(
                str(told["peer"]),
                str(told["seen"]) if told["seen"] else None,
                str(told["echo"]) if told["echo"] else None,
                [OURS],
                LAN,
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_has_a_sentence_that_names_the_address(language: str) -> None:
    say = Messages(Path(outside.__code__.co_filename).parent / "words", language)
    for word in ("not-outside", "unproved", "not-outside-here"):
        assert OURS in say(f"vantage.{word}", address=OURS)
    assert say("vantage.unproved-here", address="None")
