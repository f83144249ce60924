"""Which name is asked for by LLMNR, and whose word counts? A real resolver is in test_real_names."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.llmnr import name, question

PC, OTHER = IPv4Address("192.168.1.22"), IPv4Address("192.168.1.23")
ASKED = b"\x0222\x011\x03168\x03192\x07in-addr\x04arpa\0\0\x0c\0\x01"
# As systemd-resolved 252 answers.
BY_RESOLVED = bytes.fromhex(
    "000780000001000100000000023232013002373702313007696e2d61646472046172706100000c0001c00c000c00010000001e000402766d00"
)


def answer(
    to: int = 7, flags: int = 0x8000, owner: bytes = b"\xc0\x0c", target: bytes = b"\x0ePC-SECRETARIAT\0"
) -> bytes:
    head = struct.pack(">6H", to, flags, 1, 1, 0, 0)
    return head + ASKED + owner + struct.pack(">HHIH", 12, 1, 30, len(target)) + target


def test_the_question_is_for_the_name_of_one_address() -> None:
    assert question(PC, 0xBEEF) == bytes.fromhex("beef 0000 0001 0000 0000 0000") + ASKED


def test_the_name_that_a_machine_gives_itself_is_read() -> None:
    assert name(answer(), PC, 7) == "PC-SECRETARIAT"
    assert name(BY_RESOLVED, IPv4Address("10.77.0.22"), 7) == "vm"
    assert name(answer(target=b"\x0ePC-SECRETARIAT\x07cabinet\x02fr\0"), PC, 7) == "PC-SECRETARIAT.cabinet.fr"


@pytest.mark.parametrize(
    "told",
    [
        answer(to=8),  # to another question
        answer(flags=0x0000),  # a question
        answer(flags=0x8003),  # an error
        answer(flags=0x8100),  # not sure of its name yet
        answer(owner=b"\x0223\xc0\x0f"),  # of another address
        answer(owner=b"\x02PC\0"),
        answer(target=b"\x05PC\xe2\x80\xae\0"),  # turns the line round
        answer(target=b"\x0aPC secret1\0"),
        answer(target=b"\0"),
        answer()[:-1],
        answer()[:40],
        b"",
    ],
)
def test_whatever_else_comes_is_no_name(told: bytes) -> None:
    assert name(told, PC, 7) is None


def test_a_machine_cannot_answer_for_another_address() -> None:
    assert name(answer(), OTHER, 7) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_taken(told: bytes) -> None:
    assert name(told, PC, 7) is None
    seen = name(answer()[:12] + told, PC, 7)
    assert seen is None or seen.isprintable()
