"""Does the directory of remote procedures answer? Hand-made servers here; Samba's own was asked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.msrpc import BIND, Msrpc
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

PROBE = Msrpc(timeout=1.0)


def answer(kind: int) -> bytes:
    return bytes([5, 0, kind, 3, 0x10, 0, 0, 0, 60, 0, 0, 0, 1, 0, 0, 0]) + bytes(44)


@pytest.mark.parametrize(("kind", "bind"), [(12, "accepted"), (13, "refused")])
def test_an_answer_to_a_bind_proves_it(kind: int, bind: str) -> None:
    heard = []

    def behave(talk: Talk) -> None:
        heard.append(talk.read(len(BIND)))
        talk.send(answer(kind))
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts, asked.rules, asked.error) == ("msrpc", {"bind": bind}, [], None)
    assert peer.connections == 1
    assert peer.received == len(BIND) == int.from_bytes(BIND[8:10], "little")
    assert heard == [BIND]


def test_it_binds_to_the_endpoint_mapper_and_calls_nothing() -> None:
    assert (BIND[:4], BIND[10:12]) == (b"\x05\0\x0b\x03", b"\0\0")  # a bind, and no login in it
    assert BIND[32:48].hex() == "0883afe11f5dc91191a408002b14a0fa"


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-x\r\n", b"\x05\x01\0\0\0\0"])
def test_what_is_no_remote_procedure_call_is_handed_on(says: bytes) -> None:
    with Peer(lambda talk: talk.send(says), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.other is not None
    assert asked.other.opening == says[:5]


@pytest.mark.parametrize("kind", [2, 3, 11, 255])
def test_an_answer_to_something_else_is_a_failure(kind: int) -> None:
    with Peer(lambda talk: talk.send(answer(kind)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


@pytest.mark.parametrize("says", [b"", b"\x05\0\x0c", answer(12)[:15]])
def test_a_server_that_stalls_is_a_failure(says: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.send(says)
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(Msrpc(timeout=0.5), peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        try:
            talk.flood(answer(12), 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"bind": "accepted"}
    assert peer.sent < 5_000_000


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard() -> None:
    target = Target("d", "192.0.2.1", (135, 445, 593, 49152), spoken={49152: "msrpc"}, free=frozenset({593}))
    assert PROBE.wants(target) == (135, 49152)
    assert PROBE.wants(Target("d", "192.0.2.1", (135,), spoken={135: "ssh"})) == ()


def test_from_the_internet_it_is_a_finding() -> None:
    for vantage, rules in ((Vantage.LAN, []), (Vantage.OUTSIDE, ["msrpc-reachable"])):
        seen = Target("d", "192.0.2.1", (135,), vantage).observed("msrpc", 135, "msrpc", {"bind": "refused"})
        assert [finding.rule for finding in PROBE.judge(seen)] == rules


@given(st.binary(max_size=100), st.sampled_from([b"", b"\x05\0", answer(12)[:9]]))
def test_any_bytes_give_facts_or_a_failure(says: bytes, before: bytes) -> None:
    asked = canned(PROBE, before + says)
    assert asked.seen or asked.error or asked.other
