"""Does a box open its ports to whoever asks by PCP? Answers by hand; miniupnpd itself in tests/lab."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason
from probes.pcp import QUESTION, Pcp
from tests.lab.interview import canned, proper

PROBE = Pcp(timeout=0.5)


def answer(result: int = 0, opcode: int = 0x80) -> bytes:
    return bytes([2, opcode, 0, result]) + bytes(20)


def test_a_box_that_answers_lets_devices_open_ports() -> None:
    [seen] = canned(PROBE, answer()).seen
    assert (seen.protocol, seen.transport, seen.facts["result"]) == ("pcp", "udp", "success")
    assert [one.rule for one in PROBE.judge(seen)] == ["pcp-on"]


def test_an_announce_is_all_that_is_sent() -> None:
    [sent] = canned(PROBE, answer()).sent
    assert sent == QUESTION
    assert (len(sent), sent[0], sent[1]) == (24, 2, 0)  # RFC 6887 7.1, 14.1


@pytest.mark.parametrize("told", [b"", b"\2", answer()[:10], answer(opcode=0x81), answer(opcode=0)])
def test_what_is_no_answer_to_it_is_no_fact(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert asked.seen == []
    assert asked.error is not None
    assert asked.error.reason in {Reason.PROTOCOL, Reason.MUTE}


@given(st.binary(max_size=60))
def test_whatever_comes_ends_in_facts_or_in_a_reason(told: bytes) -> None:
    for seen in canned(PROBE, told).seen:
        proper(seen)
