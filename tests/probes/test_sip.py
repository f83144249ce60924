"""Does a telephone answer over TCP? Hand-made exchanges here; Kamailio itself in tests/lab."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.model import Reason, Target, Vantage
from probes.sip import Sip
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Sip(timeout=1.0)


def head(status: str = "200 OK", *lines: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join((f"SIP/2.0 {status}", "CSeq: 1 OPTIONS", *lines, "Content-Length: 0", "", "")).encode()


def exchange(answer: bytes) -> tuple[Callable[[Talk], None], list[bytes]]:
    """One that says this to whatever comes, and keeps what came."""
    heard: list[bytes] = []

    def behave(talk: Talk) -> None:
        heard.append(talk.some())
        talk.send(answer)
        while True:
            heard.append(talk.some())

    return behave, heard


AGENTS = [
    ("Server: kamailio (5.6.3 (x86_64/linux))", "kamailio", "5.6.3"),
    ("Server: Asterisk PBX 16.28.0~dfsg-0+deb11u1", "Asterisk PBX", "16.28.0~dfsg-0"),
    ("Server: FPBX-16.0.19(18.6.0)", "FPBX", "16.0.19"),
    ("User-Agent: Yealink SIP-T46S 66.84.0.15 805ec0112233", "Yealink SIP-T46S", "66.84.0.15"),
    ("user-agent: Grandstream GXP2170 1.0.11.3", "Grandstream GXP2170", "1.0.11.3"),
    ("User-Agent: Cisco/SPA504G-7.6.2", "Cisco/SPA504G", "7.6.2"),
    ("User-Agent: 3CXPhoneSystem 18.0", "3CXPhoneSystem", "18.0"),
    ("User-Agent: Panasonic KX-HDV130 0080f0a1b2c3", "Panasonic KX-HDV130", None),
    ("Server: Gateway", "Gateway", None),
    ("Server: \x00<script>", None, None),
    ("Organization: Cabinet Dupont", None, None),
]


@pytest.mark.parametrize(("line", "product", "version"), AGENTS)
def test_an_exchange_is_told_by_the_name_of_its_program(
    line: str, product: str | None, version: str | None
) -> None:
    asked = canned(PROBE, head("200 OK", line))
    assert asked.facts == {"product": product, "version": version, "authentication": "unknown"}
    assert (asked.protocol, asked.rules, asked.error) == ("sip", [], None)


def test_one_options_is_sent_that_names_nobody() -> None:
    behave, heard = exchange(head())
    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, is_a="other")
        where = f"{peer.address}:{peer.port}"
    said = b"".join(heard).decode("ascii")
    assert said.startswith(f"OPTIONS sip:{where};transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP ")
    assert said.endswith("\r\nContent-Length: 0\r\n\r\n")
    assert not re.search(r"REGISTER|INVITE|SUBSCRIBE|MESSAGE|Authorization|@", said)
    # RFC 3261 8.1.1: the fields that every request must have
    for field in ("To", "From", "CSeq", "Call-ID", "Max-Forwards", "Via"):
        assert said.count(f"\r\n{field}: ") == 1, field
    assert (peer.connections, asked.protocol) == (1, "sip")


@pytest.mark.parametrize("status", ["401 Unauthorized", "407 Proxy Authentication Required"])
def test_an_exchange_that_wants_a_password_for_this_question_has_one(status: str) -> None:
    asked = canned(PROBE, head(status, 'WWW-Authenticate: Digest realm="DUPONT"'))
    assert asked.facts["authentication"] == "password"
    assert "DUPONT" not in str(asked.seen)


def test_a_telephone_that_refuses_is_one_all_the_same() -> None:
    asked = canned(PROBE, head("404 Not Found"))
    assert (asked.protocol, asked.facts["authentication"], asked.error) == ("sip", "unknown", None)


@pytest.mark.parametrize("opening", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_what_is_not_sip_is_said_to_be_something_else(opening: bytes) -> None:
    asked = canned(PROBE, opening)
    assert (asked.seen, asked.other is not None) == ([], True)


@pytest.mark.parametrize("told", [b"SIP/9.0 200 OK\r\n\r\n", b"SIP/2.0 OK\r\n\r\n"])
def test_a_status_line_that_lies_is_a_failure(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert (asked.reason, asked.seen) == (Reason.PROTOCOL, [])


@pytest.mark.parametrize("opening", [b"", b"SI", b"SIP/2.0 200 OK\r\nServer: "])
def test_an_exchange_that_stalls_is_a_failure(opening: bytes) -> None:
    behave, _ = exchange(opening)
    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, is_a="other")
    assert (asked.reason, asked.seen) == (Reason.TIMEOUT, [])


def test_an_exchange_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(b"SIP/2.0 200 OK\r\nServer: ")
        try:
            talk.flood(b"x" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port, is_a="other")
    assert asked.reason is Reason.LIMIT
    assert peer.sent < 5_000_000


def test_from_the_internet_any_telephone_is_a_finding_and_in_the_practice_it_is_none() -> None:
    for vantage, rules in ((Vantage.LAN, []), (Vantage.OUTSIDE, ["sip-reachable"])):
        seen = Target("d", "192.0.2.1", (5060,), vantage).observed("sip", 5060, "sip", {})
        assert [finding.rule for finding in PROBE.judge(seen)] == rules


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard() -> None:
    target = Target("d", "192.0.2.1", (22, 5060, 5160, 5170), before={5160: "sip"}, free=frozenset({5170}))
    assert PROBE.wants(target) == (5060, 5160)


@pytest.mark.parametrize("is_a", ["medical", "unknown", "printer", "box"])
def test_it_is_asked_of_nothing_that_may_be_harmed(is_a: str) -> None:
    with pytest.raises(ScopeError, match=r"egress\.class"):
        ask(PROBE, fresh_address(), 5060, is_a=is_a)


@given(st.binary(max_size=300), st.sampled_from([b"", b"SIP/2.0 200 OK\r\n", b"SIP/2.0 200 OK\r\nServer: "]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, begins: bytes) -> None:
    for ends in (b"", b"\r\n\r\n"):
        asked = canned(PROBE, begins + told + ends)
        assert asked.seen or asked.error or asked.other
