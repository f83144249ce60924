"""Does a telephone answer over UDP? Hand-made ones here; Kamailio itself in tests/lab."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.model import Reason, Target, Vantage
from netwatch.probe import PortClosed
from probes.sip_udp import SipUdp
from tests.lab.interview import ask, canned, fresh_address

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBE = SipUdp(timeout=0.5)
PORT = 5060


@contextmanager
def telephone(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """One that sends all of these for each datagram. Yields its address and what it heard."""
    heard: list[bytes] = []
    over = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        address = fresh_address()
        sock.bind((address, PORT))
        sock.settimeout(0.05)

        def serve() -> None:
            while not over.is_set():
                try:
                    data, caller = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                heard.append(data)
                for answer in answers:
                    sock.sendto(answer, caller)

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield address, heard
        finally:
            over.set()
            serving.join()


def head(status: str = "200 OK", *lines: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join((f"SIP/2.0 {status}", "CSeq: 1 OPTIONS", *lines, "Content-Length: 0", "", "")).encode()


def test_a_telephone_is_told_by_its_model_and_one_options_is_sent_that_names_nobody() -> None:
    answer = head("200 OK", "User-Agent: Yealink SIP-T46S 66.84.0.15 805ec0112233")
    with telephone(answer) as (address, heard):
        asked = ask(PROBE, address, PORT, is_a="other")
    [seen] = asked.seen
    assert (seen.transport, seen.protocol, seen.port) == ("udp", "sip", PORT)
    assert asked.facts == {
        "product": "Yealink SIP-T46S",
        "version": "66.84.0.15",
        "authentication": "unknown",
    }
    [said] = [one.decode("ascii") for one in heard]
    assert said.startswith(
        f"OPTIONS sip:{address}:{PORT} SIP/2.0\r\nVia: SIP/2.0/UDP netwatch.invalid;rport;"
    )
    assert said.endswith("\r\nContent-Length: 0\r\n\r\n")
    assert not re.search(r"REGISTER|INVITE|SUBSCRIBE|MESSAGE|Authorization|@", said)
    for field in ("To", "From", "CSeq", "Call-ID", "Max-Forwards", "Via"):
        assert said.count(f"\r\n{field}: ") == 1, field


def test_of_a_telephone_that_floods_one_datagram_is_read() -> None:
    with telephone(*[head()] * 50) as (address, heard):
        asked = ask(PROBE, address, PORT, is_a="other")
    assert (len(asked.seen), len(heard), asked.error) == (1, 1, None)


def test_a_telephone_that_stays_silent_is_a_failure_and_a_closed_port_says_so() -> None:
    with telephone() as (address, _):
        assert ask(PROBE, address, PORT, is_a="other").reason is Reason.MUTE
    asked = ask(PROBE, fresh_address(), PORT, is_a="other")
    assert isinstance(asked.error, PortClosed)
    assert asked.seen == []


@pytest.mark.parametrize("status", ["401 Unauthorized", "407 Proxy Authentication Required"])
def test_an_exchange_that_wants_a_password_for_this_question_has_one(status: str) -> None:
    asked = canned(PROBE, head(status, 'WWW-Authenticate: Digest realm="DUPONT"'))
    assert asked.facts["authentication"] == "password"
    assert "DUPONT" not in str(asked.seen)


@pytest.mark.parametrize(
    "told", [b"HTTP/1.1 200 OK\r\n\r\n", b"\x00" * 40, b"SIP/2.0 OK\r\n\r\n", b"SIP/1.0 200 OK"]
)
def test_what_is_not_sip_is_a_failure_and_no_telephone(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert (asked.reason, asked.seen) == (Reason.PROTOCOL, [])


def test_what_follows_the_head_is_not_looked_at() -> None:
    asked = canned(PROBE, head() + b"\r\nServer: DUPONT 1.0\r\n")
    assert asked.facts["product"] is None


def test_from_the_internet_any_telephone_is_a_finding_and_in_the_practice_it_is_none() -> None:
    for vantage, rules in ((Vantage.LAN, []), (Vantage.OUTSIDE, ["sip_udp-reachable"])):
        seen = Target("d", "192.0.2.1", (), vantage).observed("sip_udp", PORT, "sip", {}, transport="udp")
        assert [finding.rule for finding in PROBE.judge(seen)] == rules


@pytest.mark.parametrize(
    ("ports", "spoken", "ports_asked"),
    [
        ((), {}, (PORT,)),
        ((80, 443), {}, (PORT,)),
        ((22, 80), {}, (PORT,)),
        ((135, 139, 445), {}, ()),
        ((445, 5061), {}, (PORT,)),
        ((445, 5080), {5080: "sip"}, (PORT,)),
    ],
)
def test_it_is_asked_of_all_but_the_computers_of_an_office(
    ports: tuple[int, ...], spoken: dict[int, str], ports_asked: tuple[int, ...]
) -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", ports, spoken=spoken)) == ports_asked


@pytest.mark.parametrize("is_a", ["medical", "unknown", "printer", "box"])
def test_it_is_asked_of_nothing_that_may_be_harmed(is_a: str) -> None:
    with pytest.raises(ScopeError, match=r"egress\.class"):
        ask(PROBE, fresh_address(), PORT, is_a=is_a)


@given(st.binary(max_size=300), st.sampled_from([b"", b"SIP/2.0 200 OK\r\n", b"SIP/2.0 200 OK\r\nServer: "]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, begins: bytes) -> None:
    asked = canned(PROBE, begins + told)
    assert asked.seen or asked.error
