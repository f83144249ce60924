"""Does a box open its ports to whoever asks by NAT-PMP? Answers by hand; miniupnpd itself in tests/lab."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Vantage
from probes.natpmp import QUESTION, Natpmp
from tests.lab.interview import canned, proper

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
