"""How do we hold an association without ever receiving a record? Hostile bytes at every step."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwatch.association import (
    Aborted,
    Accepted,
    Association,
    NotDicom,
    RecordSent,
    Rejected,
    command_fields,
    identifier,
)
from netwatch.line import Line
from netwatch.model import Reason
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = b"ZZCANARY^SECRET"


@contextmanager
def saying(answer: bytes) -> Iterator[Association]:
    """An association whose peer has already said this, and hung up."""
    ours, theirs = socket.socketpair()

    def speak() -> None:
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)

    writer = threading.Thread(target=speak)
    writer.start()
    line = Line(ours, patience=2.0, seconds=5.0, limit=200_000)
    try:
        yield Association(line, "NETWATCH", "ANY-SCP")
    finally:
        writer.join()
        line.close()
        theirs.close()


def pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxI", kind, len(body)) + body


def pdv(data: bytes, control: int) -> bytes:
    return struct.pack(">IBB", len(data) + 2, 3, control) + data


def find_response(status: int) -> bytes:
    return struct.pack("<HHIHHHIH", 0, 0x0100, 2, 0x8020, 0, 0x0900, 2, status)


def test_the_three_numbers_of_a_rejection_are_kept() -> None:
    with saying(pdu(3, bytes([0, 2, 3, 1]))) as talk:
        assert talk.request() == Rejected(2, 3, 1)


def test_an_abort_and_another_protocol_are_two_things() -> None:
    with saying(pdu(7, bytes(4))) as talk, pytest.raises(Aborted):
        talk.request()
    with saying(b"HTTP/1.1 400 Bad Request\r\n") as talk, pytest.raises(NotDicom) as other:
        talk.request()
    assert other.value.opening == b"HTTP/1"


def test_a_dataset_is_not_read_even_where_it_comes_first() -> None:
    with saying(pdu(4, pdv(SECRET * 100, 0) + pdv(find_response(0), 3))) as talk:
        with pytest.raises(RecordSent):
            talk.find()
        assert talk.line.received == 12


def test_a_command_in_fragments_over_several_pdus_is_put_together() -> None:
    command = find_response(0xA700)
    parts = pdu(4, pdv(command[:5], 1) + pdv(command[5:9], 1)) + pdu(4, pdv(command[9:], 3))
    with saying(parts) as talk:
        assert talk.find() == 0xA700


def test_the_dataset_behind_a_pending_status_stays_in_the_socket() -> None:
    with saying(pdu(4, pdv(find_response(0xFF00), 3) + pdv(SECRET * 100, 2))) as talk:
        assert talk.find() == 0xFF00
        assert talk.line.received < 60


@pytest.mark.parametrize("size", [0, 1, 0xFFFFFFFF, 5_000])
def test_a_command_of_impossible_length_is_refused(size: int) -> None:
    head = struct.pack(">BxI", 4, 0xFFFFFFFF) + struct.pack(">IBB", size, 3, 3)
    with saying(head + SECRET) as talk, pytest.raises(ProbeError) as refused:
        talk.find()
    assert refused.value.reason is Reason.LIMIT
    assert "ZZCANARY" not in str(refused.value)


def test_the_answer_to_another_question_is_no_answer() -> None:
    echo = struct.pack("<HHIHHHIH", 0, 0x0100, 2, 0x8030, 0, 0x0900, 2, 0)
    with saying(pdu(4, pdv(echo, 3))) as talk, pytest.raises(ProbeError) as refused:
        talk.find()
    assert refused.value.reason is Reason.PROTOCOL


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["request", "find", "echo"]), st.integers(0, 8))
def test_whatever_a_peer_says_ends_in_an_answer_or_our_own_error(body: bytes, step: str, kind: int) -> None:
    # Any other exception, and this test fails.
    with saying(pdu(kind, body)) as talk, suppress(Aborted, NotDicom, RecordSent, ProbeError):
        assert isinstance(getattr(talk, step)(), Accepted | Rejected | int)


@given(st.binary(max_size=300))
def test_command_fields_never_raise(command: bytes) -> None:
    assert all(0 <= value <= 0xFFFF for value in command_fields(command).values())


def test_the_identifier_is_even_and_new_each_time() -> None:
    first, second = identifier(), identifier()
    assert first != second
    assert len(first) % 2 == 0
    assert b"\x10\x00" not in first[:4], "no patient group"
