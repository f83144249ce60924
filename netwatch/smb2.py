"""How does one begin to talk SMB? MS-SMB2 2.2, MS-CIFS 2.2.4.52 and MS-SMB 2.2.4.5 (SMB1), RFC 1002 4.3.

Negotiation, the steps of a login, and what two probes need of both. Every answer is one message: its length
is bounded before it is read, its fields are read where they are, and a field that is missing counts as 0.
Where it stops: nothing is signed and nothing is encrypted; whoever needs that is not a stranger any more.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.line import Line

# By their number on the wire, the oldest first.
DIALECTS = {0x0202: "2.0.2", 0x0210: "2.1", 0x0300: "3.0", 0x0302: "3.0.2", 0x0311: "3.1.1"}
PREAUTH = 0x0311  # from here on, a negotiation brings its integrity context

MAGIC1, MAGIC2 = b"\xffSMB", b"\xfeSMB"
HEADER1, HEADER2 = 32, 64  # bytes
LONGEST = 131_072  # bytes of a message; MS-SMB2 lets a negotiation and a login be 64 KiB
KEEP_ALIVE, INTERIM = 3, 3  # messages that say nothing, which we pass over at most

NEGOTIATE, SESSION_SETUP = 0, 1
SIGNING_ENABLED, SIGNING_REQUIRED = 1, 2

SUCCESS = 0
PENDING = 0x0000_0103
MORE_PROCESSING = 0xC000_0016

# RFC 1002 4.3.1: the types of a NetBIOS session message.
MESSAGE, REQUEST, POSITIVE, NEGATIVE, RETARGET, ALIVE = 0x00, 0x81, 0x82, 0x83, 0x84, 0x85


def number(data: bytes, at: int, size: int) -> int:
    """Little-endian; 0 where the bytes are missing."""
    return int.from_bytes(data[at : at + size], "little")


def little(value: int, size: int) -> bytes:
    """Little-endian."""
    return value.to_bytes(size, "little")


def encoded(name: bytes, suffix: int) -> bytes:
    """A NetBIOS name as RFC 1001 14.1 writes it: 32 letters between a length and an end."""
    padded = name.ljust(15)[:15] + bytes([suffix])
    return b"\x20" + bytes(0x41 + half for byte in padded for half in divmod(byte, 16)) + b"\0"


def open_netbios(line: Line) -> None:
    """The session that port 139 wants before SMB. OtherProtocol, or ProbeError(BUSY) where it is refused."""
    names = encoded(b"*SMBSERVER", 0x20) + encoded(b"NETWATCH", 0x00)
    line.send(bytes([REQUEST, 0]) + len(names).to_bytes(2, "big") + names, "NetBIOS session request")
    told = line.read(4)
    if told[0] in {NEGATIVE, RETARGET} and told[1:3] == b"\0\0":
        raise ProbeError(Reason.BUSY, "the server refuses the NetBIOS session")
    if told != bytes([POSITIVE, 0, 0, 0]):
        raise _other(line, told)


def send(line: Line, message: bytes, what: str) -> None:
    """One message behind its length. RFC 1002 4.3.2, MS-SMB2 2.1."""
    line.send(len(message).to_bytes(4, "big") + message, what)


def receive(line: Line) -> bytes:
    """The next message, SMB1's or SMB2's. Raises OtherProtocol, and ProbeError(LIMIT) for too long a one."""
    for _ in range(KEEP_ALIVE):
        head = line.read(4)
        if head != bytes([ALIVE, 0, 0, 0]):
            break
    length = int.from_bytes(head[1:], "big")
    if head[0] != MESSAGE or length < HEADER1:
        raise _other(line, head)
    magic = line.read(4)
    if magic not in {MAGIC1, MAGIC2}:
        raise _other(line, head + magic)
    if length > LONGEST:
        raise ProbeError(Reason.LIMIT, f"a message of more than {LONGEST} bytes announced")
    return magic + line.read(length - 4)


def _other(line: Line, heard: bytes) -> OtherProtocol:
    """Not SMB: what else it is, a few bytes more may tell."""
    with suppress(ProbeError):
        heard += line.take(16 - len(heard))
    return OtherProtocol(heard)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of SMB2. `message`: with its header; an offset in it counts from its beginning."""

    status: int
    session: int
    tree: int
    message: bytes

    @property
    def body(self) -> bytes:
        """What follows the header."""
        return self.message[HEADER2:]

    def buffer(self, offset_at: int, length_at: int, size: int = 2) -> bytes:
        """What an offset and a length of `size` bytes, at these places of the body, point to."""
        offset, length = number(self.body, offset_at, size), number(self.body, length_at, size)
        return self.message[offset : offset + length] if offset >= HEADER2 else b""


@dataclass(slots=True)
class Talk:
    """One connection in SMB2: its messages are numbered, and remember their session and their tree."""

    line: Line
    asked: int = 0
    session: int = 0
    tree: int = 0

    def ask(self, command: int, body: bytes, what: str) -> Answer:
        """One command and its answer, whatever its status. Raises as `receive`, and ProbeError(PROTOCOL)."""
        header = (
            MAGIC2
            + little(HEADER2, 2)
            + little(0, 2)  # it costs one credit
            + little(0, 4)
            + little(command, 2)
            + little(8, 2)  # credits, for what follows
            + little(0, 8)
            + little(self.asked, 8)
            + little(0, 4)
            + little(self.tree, 4)
            + little(self.session, 8)
            + bytes(16)
        )
        send(self.line, header + body, what)
        self.asked += 1
        for _ in range(INTERIM):
            try:
                told = receive(self.line)
            except OtherProtocol:
                if self.asked == 1:
                    raise
                raise ProbeError(Reason.PROTOCOL, "no SMB any more") from None
            if told[:4] != MAGIC2 or len(told) < HEADER2 or number(told, 12, 2) != command:
                raise ProbeError(Reason.PROTOCOL, "an answer to another question")
            if number(told, 8, 4) != PENDING:
                return Answer(number(told, 8, 4), number(told, 40, 8), number(told, 36, 4), told)
        raise ProbeError(Reason.TIMEOUT, "the server asks for patience again and again")


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What a server chose. `dialect`: its number, which need not be one that was offered."""

    dialect: int
    signing: str


def negotiate(talk: Talk, dialects: Iterable[int]) -> Negotiated | None:
    """Offer these dialects, on a fresh connection. None where the server says that it speaks none of them."""
    answer = talk.ask(NEGOTIATE, _offer(sorted(dialects)), "SMB2 NEGOTIATE")
    if answer.status != SUCCESS or number(answer.body, 0, 2) != 65:  # noqa: PLR2004 - MS-SMB2 2.2.4
        return None
    mode = number(answer.body, 2, 2)
    return Negotiated(number(answer.body, 4, 2), signing(mode, SIGNING_ENABLED, SIGNING_REQUIRED))


def signing(mode: int, enabled: int, required: int) -> str:
    """A security mode in words."""
    return "required" if mode & required else "enabled" if mode & enabled else "disabled"


def _offer(dialects: list[int]) -> bytes:
    """The body of a NEGOTIATE. MS-SMB2 2.2.3; we are able to sign, and able to do nothing else."""
    listed = b"".join(little(one, 2) for one in dialects)
    start = little(36, 2) + little(len(dialects), 2) + little(SIGNING_ENABLED, 2) + bytes(6)
    start += secrets.token_bytes(16)  # who we are, for this connection
    if dialects[-1] < PREAUTH:
        return start + bytes(8) + listed
    listed += bytes(-(HEADER2 + 36 + len(listed)) % 8)  # a context begins at a multiple of 8
    at = HEADER2 + 36 + len(listed)
    integrity = little(1, 2) + little(32, 2) + little(1, 2) + secrets.token_bytes(32)  # SHA-512, salted
    context = little(1, 2) + little(len(integrity), 2) + bytes(4) + integrity
    return start + little(at, 4) + little(1, 2) + bytes(2) + listed + context


def session_setup(talk: Talk, blob: bytes, what: str) -> Answer:
    """One step of a login: MS-SMB2 2.2.5. The connection remembers the session that the answer names."""
    head = little(25, 2) + bytes([0, SIGNING_ENABLED]) + bytes(8)
    body = head + little(HEADER2 + 24, 2) + little(len(blob), 2) + bytes(8) + blob
    answer = talk.ask(SESSION_SETUP, body, what)
    talk.session = answer.session
    return answer
