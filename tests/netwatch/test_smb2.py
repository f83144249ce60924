"""Does one begin to talk SMB as the standard says, and does no answer fool or hold us?"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch import smb2
from netwatch.line import Line
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.smb2 import DIALECTS, Talk, little, negotiate, number

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def told(says: bytes) -> Iterator[tuple[Line, socket.socket]]:
    """A line to a peer that has said this and says no more; and the peer's end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(says)
        theirs.shutdown(socket.SHUT_WR)
        yield Line(ours, patience=2.0, seconds=5.0, limit=300_000), theirs


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def answer(body: bytes, status: int = 0, command: int = smb2.NEGOTIATE, session: int = 0) -> bytes:
    head = smb2.MAGIC2 + little(64, 2) + bytes(2) + little(status, 4) + little(command, 2) + bytes(26)
    return framed(head + little(session, 8) + bytes(16) + body)


def chosen(dialect: int, mode: int = 1) -> bytes:
    return answer(little(65, 2) + little(mode, 2) + little(dialect, 2) + bytes(58))


def test_names_are_written_as_netbios_writes_them() -> None:
    assert smb2.encoded(b"*SMBSERVER", 0x20) == b"\x20CKFDENECFDEFFCFGEFFCCACACACACACA\0"


def test_a_netbios_session_is_asked_for_by_the_name_that_every_server_knows() -> None:
    with told(b"\x82\0\0\0") as (line, peer):
        smb2.open_netbios(line)
        sent = peer.recv(1000)
    assert sent[:4] == b"\x81\0\0\x44"
    assert len(sent) == 4 + 0x44
    assert sent[4:38] == b"\x20CKFDENECFDEFFCFGEFFCCACACACACACA\0"


@pytest.mark.parametrize("says", [b"\x83\0\0\x01\x82", b"\x84\0\0\x06\xc0\0\x02\x01\0\x8b"])
def test_a_refused_netbios_session_is_for_later(says: bytes) -> None:
    with told(says) as (line, _), pytest.raises(ProbeError) as raised:
        smb2.open_netbios(line)
    assert raised.value.reason is Reason.BUSY


def test_what_is_no_netbios_session_is_told_by_its_first_bytes() -> None:
    with told(b"SSH-2.0-OpenSSH_9.2p1\r\n") as (line, _), pytest.raises(OtherProtocol) as raised:
        smb2.open_netbios(line)
    assert raised.value.opening == b"SSH-2.0-OpenSSH_"


@pytest.mark.parametrize(
    "says",
    [b"HTTP/1.1 400 Bad Request\r\n", b"\0\0\0\x05hello", b"\0\0\0\x40NOT SMB AT ALL", b"220 welcome\r\n"],
)
def test_what_is_no_smb_is_told_by_its_first_bytes(says: bytes) -> None:
    with told(says) as (line, _), pytest.raises(OtherProtocol) as raised:
        smb2.receive(line)
    assert raised.value.opening == says[:16]


def test_signs_of_life_are_passed_over() -> None:
    with told(b"\x85\0\0\0\x85\0\0\0" + chosen(0x0210)) as (line, _):
        assert smb2.receive(line)[:4] == smb2.MAGIC2


def test_a_server_that_only_gives_signs_of_life_is_left() -> None:
    with told(b"\x85\0\0\0" * 1000) as (line, _), pytest.raises(OtherProtocol):
        smb2.receive(line)
    assert line.received < 100


def test_a_message_that_is_announced_too_long_is_not_waited_for() -> None:
    with told(b"\0\xff\xff\xff" + smb2.MAGIC2 + bytes(1000)) as (line, _):
        with pytest.raises(ProbeError) as raised:
            smb2.receive(line)
        assert line.received == 8
    assert raised.value.reason is Reason.LIMIT


@pytest.mark.parametrize(
    ("mode", "signing"), [(0, "disabled"), (1, "enabled"), (2, "required"), (3, "required")]
)
def test_what_a_server_chose_is_read(mode: int, signing: str) -> None:
    with told(chosen(0x0302, mode)) as (line, _):
        assert negotiate(Talk(line), DIALECTS) == smb2.Negotiated(0x0302, signing)


@pytest.mark.parametrize("status", [0xC000_00BB, 0xC000_000D])
def test_a_server_that_takes_none_says_so(status: int) -> None:
    with told(answer(little(9, 2) + bytes(7), status)) as (line, _):
        assert negotiate(Talk(line), [0x0202]) is None


def test_an_offer_is_as_the_standard_wants_it() -> None:
    with told(chosen(0x0311)) as (line, peer):
        negotiate(Talk(line), DIALECTS)
        sent = peer.recv(1000)
    assert int.from_bytes(sent[:4], "big") == len(sent) - 4
    message = sent[4:]
    assert message[:6] == b"\xfeSMB\x40\0"
    assert (number(message, 64, 2), number(message, 66, 2), number(message, 68, 2)) == (36, 5, 1)
    assert [number(message, 100 + 2 * n, 2) for n in range(5)] == [0x0202, 0x0210, 0x0300, 0x0302, 0x0311]
    at = number(message, 92, 4)
    assert (at % 8, number(message, 96, 2)) == (0, 1)
    assert number(message, at, 2) == 1  # pre-authentication integrity
    assert len(message) == at + 8 + number(message, at + 2, 2)
    assert (number(message, at + 8, 2), number(message, at + 10, 2), number(message, at + 12, 2)) == (
        1,
        32,
        1,
    )


def test_an_offer_without_3_1_1_brings_no_context() -> None:
    with told(chosen(0x0210)) as (line, peer):
        negotiate(Talk(line), [0x0210, 0x0202])
        message = peer.recv(1000)[4:]
    assert message[92:] == bytes(8) + little(0x0202, 2) + little(0x0210, 2)


def test_messages_are_numbered_and_remember_their_session() -> None:
    says = chosen(0x0210) + answer(bytes(8), smb2.MORE_PROCESSING, smb2.SESSION_SETUP, session=0x1234)
    says += answer(bytes(8), 0, smb2.SESSION_SETUP, session=0x1234)
    with told(says) as (line, peer):
        talk = Talk(line)
        negotiate(talk, [0x0210])
        smb2.session_setup(talk, b"first", "first")
        smb2.session_setup(talk, b"second", "second")
        sent = peer.recv(4000)
    messages = []
    while sent:
        length = int.from_bytes(sent[:4], "big")
        messages.append(sent[4 : 4 + length])
        sent = sent[4 + length :]
    assert [(number(m, 12, 2), number(m, 24, 8), number(m, 40, 8)) for m in messages] == [
        (0, 0, 0),
        (1, 1, 0),
        (1, 2, 0x1234),
    ]
    at = number(messages[2], 76, 2)
    assert messages[2][at : at + number(messages[2], 78, 2)] == b"second"


def test_an_answer_that_asks_for_patience_is_followed_by_another() -> None:
    with told(answer(bytes(9), smb2.PENDING) + chosen(0x0300)) as (line, _):
        found = negotiate(Talk(line), DIALECTS)
    assert found is not None
    assert found.dialect == 0x0300


def test_a_server_that_asks_for_patience_without_end_is_left() -> None:
    with told(answer(bytes(9), smb2.PENDING) * 1000) as (line, _), pytest.raises(ProbeError) as raised:
        negotiate(Talk(line), DIALECTS)
    assert raised.value.reason is Reason.TIMEOUT
    assert line.received < 500


@pytest.mark.parametrize(
    "says", [framed(smb2.MAGIC1 + bytes(60)), answer(bytes(64), command=5), framed(smb2.MAGIC2 + bytes(30))]
)
def test_an_answer_to_another_question_is_none(says: bytes) -> None:
    with told(says) as (line, _), pytest.raises(ProbeError) as raised:
        negotiate(Talk(line), DIALECTS)
    assert raised.value.reason is Reason.PROTOCOL


def test_a_buffer_is_read_where_it_is_and_not_from_the_header() -> None:
    body = little(9, 2) + little(72, 2) + little(5, 2) + little(4, 2) + b"hello, world"
    seen = smb2.Answer(0, 0, 0, bytes(64) + body)
    assert seen.buffer(2, 4) == b"hello"
    assert seen.buffer(6, 4) == b""  # an offset of 4 would point into the header


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\0\0\0\x80\xfeSMB", chosen(0x0311)[:70], b"\x85\0\0\0"])
)
def test_any_bytes_give_an_answer_or_one_of_our_errors(says: bytes, before: bytes) -> None:
    with told(before + says) as (line, _):
        try:
            found = negotiate(Talk(line), DIALECTS)
        except (ProbeError, OtherProtocol):
            return
    assert found is None or found.signing in {"enabled", "required", "disabled"}
