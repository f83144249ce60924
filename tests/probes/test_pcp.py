"""Does a box open its ports to whoever asks by PCP? Answers by hand; miniupnpd itself in tests/lab."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target
from netwatch.probe import PortClosed
from probes.pcp import QUESTION, Pcp
from tests.lab.interview import ask, canned, fresh_address, proper

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


@pytest.mark.parametrize(
    "told",
    [b"", b"\2", answer()[:10], answer() + b"\0", answer() * 50, answer(opcode=0x81), answer(opcode=0)],
)
def test_what_is_no_answer_to_it_is_no_fact(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert asked.seen == []
    assert asked.error is not None
    assert asked.error.reason in {Reason.PROTOCOL, Reason.MUTE}


@given(st.binary(max_size=60))
def test_whatever_comes_ends_in_facts_or_in_a_reason(told: bytes) -> None:
    for seen in canned(PROBE, told).seen:
        proper(seen)


@pytest.mark.parametrize(
    ("result", "word", "on"),
    [(2, "not-authorised", None), (12, "address-mismatch", True), (1, "unsupported-version", None)],
)
def test_what_it_answers_says_whether_devices_may_open_ports(
    result: int,
    word: str,
    on: bool | None,  # noqa: FBT001
) -> None:
    asked = canned(PROBE, answer(result))
    assert asked.facts == {"enabled": on, "result": word}
    assert asked.rules == (["pcp-on"] if on else [])


def test_a_box_that_knows_nat_pmp_alone_has_no_pcp() -> None:
    asked = canned(PROBE, bytes([0, 0x80, 0, 1]) + bytes(4))
    assert (asked.facts, asked.rules) == ({"enabled": False, "result": "unsupported-version"}, [])


def test_a_box_of_another_version_says_only_that() -> None:
    assert canned(PROBE, bytes([1, 0x80, 0, 1]) + bytes(20)).facts["enabled"] is None
    assert canned(PROBE, bytes([1, 0x80, 0, 0]) + bytes(20)).seen == []


def test_a_device_that_is_no_box_is_not_asked_and_a_box_says_itself_that_it_is_off() -> None:
    address = fresh_address()
    assert ask(PROBE, address, 5351, is_a="computer").reason is Reason.SCOPE
    off = ask(PROBE, address, 5351, is_a="box")
    assert (off.seen, isinstance(off.error, PortClosed)) == ([], True)


def test_it_is_asked_whatever_is_open() -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", (22, 80))) == (5351,)
