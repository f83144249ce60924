"""Does a box open its ports to whoever asks by NAT-PMP? Answers by hand; miniupnpd itself in tests/lab."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from netwatch.probe import PortClosed
from probes.natpmp import QUESTION, Natpmp
from tests.lab.interview import ask, canned, fresh_address, proper

PROBE = Natpmp(timeout=0.5)
EPOCH = bytes(4)


def answer(address: bytes, result: int = 0) -> bytes:
    return b"\0\x80" + result.to_bytes(2, "big") + EPOCH + address


def test_a_box_that_answers_tells_its_address_and_lets_devices_open_ports() -> None:
    asked = canned(PROBE, answer(bytes([5, 39, 77, 1])))
    served, wan = asked.seen
    assert (served.protocol, served.transport, served.facts["enabled"]) == ("nat-pmp", "udp", True)
    assert (wan.vantage, wan.facts["address"]) == (Vantage.BOX, "5.39.77.1")
    assert [one.rule for one in PROBE.judge(served)] == ["natpmp-on"]


def test_only_the_two_bytes_that_change_nothing_are_sent() -> None:
    assert canned(PROBE, answer(bytes([5, 39, 77, 1]))).sent == [QUESTION] == [b"\0\0"]


def test_a_box_on_which_it_is_turned_off_is_no_finding() -> None:
    asked = canned(PROBE, answer(bytes(4), result=2))
    assert asked.seen
    assert not [one for seen in asked.seen for one in PROBE.judge(seen)]
    assert not [seen for seen in asked.seen if seen.protocol == "wan"]


@pytest.mark.parametrize(
    "told",
    [b"", b"\0", answer(b"\1\2\3"), answer(bytes(5)), b"\1" + answer(bytes(4))[1:], answer(bytes(4), 99)],
)
def test_what_is_no_answer_of_the_protocol_is_no_fact(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert asked.seen == []
    assert asked.error is not None
    assert asked.error.reason in {Reason.PROTOCOL, Reason.MUTE}


@given(st.binary(max_size=40))
def test_whatever_comes_ends_in_facts_or_in_a_reason(told: bytes) -> None:
    for seen in canned(PROBE, told).seen:
        proper(seen)


@pytest.mark.parametrize(
    ("result", "word", "on"),
    [(1, "unsupported-version", False), (3, "network-failure", True), (5, "unsupported-opcode", None)],
)
def test_a_refusal_may_leave_the_address_out_and_says_whether_it_is_on(
    result: int,
    word: str,
    on: bool | None,  # noqa: FBT001
) -> None:
    for told in (answer(b"", result), answer(bytes([5, 39, 77, 1]), result)):
        [seen] = canned(PROBE, told).seen
        assert seen.facts == {"enabled": on, "result": word}


@pytest.mark.parametrize("address", ["192.168.0.2", "100.64.3.4"])
def test_an_address_that_is_no_public_one_is_told_as_it_is(address: str) -> None:
    assert canned(PROBE, answer(IPv4Address(address).packed)).facts == {"address": address, "via": "nat-pmp"}


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "127.0.0.1"])  # noqa: S104
def test_an_address_that_no_box_can_have_is_not_told(address: str) -> None:
    assert [seen.protocol for seen in canned(PROBE, answer(IPv4Address(address).packed)).seen] == ["nat-pmp"]


def test_a_device_that_is_no_box_is_not_asked_and_a_box_says_itself_that_it_is_off() -> None:
    address = fresh_address()
    assert ask(PROBE, address, 5351, is_a="computer").reason is Reason.SCOPE
    off = ask(PROBE, address, 5351, is_a="box")
    assert (off.seen, isinstance(off.error, PortClosed)) == ([], True)


def test_it_is_asked_whatever_is_open() -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", (22, 80))) == (5351,)
