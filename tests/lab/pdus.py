"""How do the bytes of a DICOM server look? PS3.8 9.3 (PDUs), PS3.7 6.3 and 9.3 (commands).

Written out by hand and apart from netwatch's own code and from its library, so that a mistake made in
one is not hidden by the same mistake in the other. Implicit VR little endian only.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.lab.peers import Talk

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
IMPLICIT = "1.2.840.10008.1.2"
VERIFICATION = "1.2.840.10008.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STORAGE = "1.2.840.10008.5.1.4.1.1."
C_STORE, C_FIND, C_ECHO = 0x0001, 0x0020, 0x0030
COMMANDS = {C_STORE: "C-STORE-RQ", C_FIND: "C-FIND-RQ", C_ECHO: "C-ECHO-RQ"}
NO_DATASET = 0x0101
MOST = 1_000_000  # bytes in a PDU that we take
IMPLEMENTATION = "2.25.329800735698586629295641978511506172918"
PENDING = 0xFF00


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asked: the fields of its association request, or of one DIMSE message."""

    called: str = ""
    calling: str = ""
    contexts: Mapping[int, str] = field(default_factory=dict)
    context: int = 0
    command: int = 0
    number: int = 0
    syntax: str = ""
    dataset: bytes = b""


def pdu(kind: int, body: bytes) -> bytes:
    """One protocol data unit."""
    return struct.pack(">BxI", kind, len(body)) + body


def abort() -> bytes:
    """A-ABORT by the service user."""
    return pdu(ABORT, bytes(4))


def rejection(result: int, source: int, reason: int) -> bytes:
    """A-ASSOCIATE-RJ."""
    return pdu(ASSOCIATE_RJ, bytes([0, result, source, reason]))


def acceptance(asked: Asked, offers: Callable[[str], bool], version: str, implementation: str) -> bytes:
    """A-ASSOCIATE-AC, with each proposed context accepted or not."""
    contexts = b"".join(
        _item(0x21, bytes([number, 0, 0 if offers(syntax) else 3, 0]) + _item(0x40, IMPLICIT.encode()))
        for number, syntax in asked.contexts.items()
    )
    user = (
        _item(0x51, struct.pack(">I", 16_384))
        + _item(0x52, implementation.encode())
        + _item(0x55, version.encode())
    )
    titles = asked.called.ljust(16).encode() + asked.calling.ljust(16).encode()
    body = struct.pack(">HH", 1, 0) + titles + bytes(32)
    body += _item(0x10, b"1.2.840.10008.3.1.1.1") + contexts + _item(0x50, user)
    return pdu(ASSOCIATE_AC, body)


def response(asked: Asked, status: int, *, dataset: bytes = b"") -> list[bytes]:
    """A DIMSE response, as the PDVs that a server puts into P-DATA."""
    syntax = asked.syntax.encode()
    fields = (
        _element(0, 0x0002, syntax + b"\0" * (len(syntax) % 2))
        + _element(0, 0x0100, struct.pack("<H", asked.command | 0x8000))
        + _element(0, 0x0120, struct.pack("<H", asked.number))
        + _element(0, 0x0800, struct.pack("<H", 0x0102 if dataset else NO_DATASET))
        + _element(0, 0x0900, struct.pack("<H", status))
    )
    command = _element(0, 0x0000, struct.pack("<I", len(fields))) + fields
    pdvs = [_pdv(asked.context, 3, command)]
    return [*pdvs, _pdv(asked.context, 2, dataset)] if dataset else pdvs


def record(name: str, number: str, born: str) -> bytes:
    """A patient's study, as an open archive would tell it."""
    texts = (
        (0x0008, 0x0052, "STUDY"),
        (0x0010, 0x0010, name),
        (0x0010, 0x0020, number),
        (0x0010, 0x0030, born),
        (0x0020, 0x000D, "2.25.1"),
    )
    return b"".join(
        _element(group, tag, (text + " " * (len(text) % 2)).encode()) for group, tag, text in texts
    )


def read(talk: Talk) -> tuple[int, bytes]:
    """One PDU: its type and its body. What is none is answered with A-ABORT, as real servers do."""
    kind, size = struct.unpack(">BxI", talk.read(6))
    if not ASSOCIATE_RQ <= kind <= ABORT or size > MOST:
        talk.send(abort())
        talk.end()
    return kind, talk.read(size) if size else b""


def request(body: bytes) -> Asked:
    """What an A-ASSOCIATE-RQ asks for."""
    contexts = {}
    for kind, item in _items(body[68:]):
        if kind == 0x20:
            [syntax] = [sub for sort, sub in _items(item[4:]) if sort == 0x30]
            contexts[item[0]] = syntax.rstrip(b"\0 ").decode()
    return Asked(called=_text(body[4:20]), calling=_text(body[20:36]), contexts=contexts)


def messages(talk: Talk) -> Iterator[tuple[int, Asked]]:
    """What comes on an association: (P_DATA, a whole DIMSE message), or (another PDU type, nothing)."""
    command, dataset = b"", b""
    while True:
        kind, body = read(talk)
        if kind != P_DATA:
            yield kind, Asked()
            continue
        while body:
            size, context, flags = struct.unpack(">IBB", body[:6])
            part, body = body[6 : 4 + size], body[4 + size :]
            command, dataset = (command + part, dataset) if flags & 1 else (command, dataset + part)
            if not flags & 2:
                continue
            fields = _fields(command)
            if flags & 1 and fields[0x0800] != NO_DATASET.to_bytes(2, "little"):
                continue
            yield (
                P_DATA,
                Asked(
                    context=context,
                    command=int.from_bytes(fields[0x0100], "little"),
                    number=int.from_bytes(fields[0x0110], "little"),
                    syntax=_text(fields[0x0002]),
                    dataset=dataset,
                ),
            )
            command, dataset = b"", b""


def _text(padded: bytes) -> str:
    """Without its padding."""
    return padded.decode("latin-1").strip("\0 ")


def _item(kind: int, body: bytes) -> bytes:
    """An item of an association PDU."""
    return struct.pack(">BxH", kind, len(body)) + body


def _items(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The items in it."""
    while body:
        kind, size = struct.unpack(">BxH", body[:4])
        yield kind, body[4 : 4 + size]
        body = body[4 + size :]


def _element(group: int, tag: int, value: bytes) -> bytes:
    """A data element, implicit VR little endian."""
    return struct.pack("<HHI", group, tag, len(value)) + value


def _fields(command: bytes) -> dict[int, bytes]:
    """A command set by element number."""
    fields = {}
    while command:
        _, tag, size = struct.unpack("<HHI", command[:8])
        fields[tag] = command[8 : 8 + size]
        command = command[8 + size :]
    return fields


def _pdv(context: int, flags: int, data: bytes) -> bytes:
    """A presentation data value; flags: 1 = command, 2 = last fragment."""
    return struct.pack(">IBB", len(data) + 2, context, flags) + data
