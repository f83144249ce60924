"""Is this DICOM, byte for byte? The PDUs of PS3.8 9.3 that a client sends, by their structure.

Stricter than any server needs to be: the fragile modality dies of what fails here. Where it stops: which
PDU may come when (PS3.8 9.2), and what a message says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab import pdus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def taste(data: bytes) -> tuple[bytes, str]:
    """(the PDU at the end that is not complete yet, what is wrong with those before it or nothing)."""
    while data:
        kind, size = data[0], int.from_bytes(data[2:6])
        if not pdus.ASSOCIATE_RQ <= kind <= pdus.ABORT:
            return data, f"not a DICOM PDU: it starts with {kind:#04x}"
        if len(data) < 6:
            break
        if size > pdus.MOST or (kind in EMPTY and size != 4):
            return data, f"malformed PDU of type {kind}: {size} bytes"
        if len(data) < 6 + size:
            break
        try:
            WHOLE.get(kind, len)(data[6 : 6 + size])
        except ValueError as error:
            return data, f"malformed PDU of type {kind}: {error}"
        data = data[6 + size :]
    return data, ""


def whole_request(body: bytes) -> None:
    """Is this an A-ASSOCIATE-RQ? PS3.8 9.3.2. Raises ValueError."""
    if len(body) < 68 or not body[1] & 1:
        raise ValueError("no association request of version 1")
    if not body[4:20].strip(b" \0") or not body[20:36].strip(b" \0"):
        raise ValueError("an AE title is empty")
    items = list(tiles(body[68:]))
    kinds = [kind for kind, _ in items]
    if kinds.count(0x10) != 1 or kinds.count(0x50) != 1 or set(kinds) != {0x10, 0x20, 0x50}:
        raise ValueError("an item is missing, or is of no known type")
    for kind, item in items:
        if kind == 0x20:
            within = [sub for sub, _ in tiles(item[4:])]
            if not (item and item[0] & 1 and within.count(0x30) == 1 and 0x40 in within):
                raise ValueError("a presentation context is not whole")
        elif kind == 0x50 and 0x51 not in [sub for sub, _ in tiles(item)]:
            raise ValueError("no maximum length")


def whole_values(body: bytes) -> None:
    """Is this a P-DATA-TF? PS3.8 9.3.5. Raises ValueError."""
    if not body:
        raise ValueError("no value in it")
    while body:
        size = int.from_bytes(body[:4])
        if not 2 <= size <= len(body) - 4 or not body[4] & 1 or body[5] > 3:
            raise ValueError("a value is not whole")
        body = body[4 + size :]


def tiles(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The items that fill it to its last byte. Raises ValueError where they do not."""
    while body:
        size = int.from_bytes(body[2:4])
        if len(body) < 4 + size:
            raise ValueError("an item is not whole")
        yield body[0], body[4 : 4 + size]
        body = body[4 + size :]


EMPTY = {pdus.ASSOCIATE_RJ, pdus.RELEASE_RQ, pdus.RELEASE_RP, pdus.ABORT}  # 4 bytes, PS3.8 9.3.4 to 9.3.8
WHOLE: dict[int, Callable[[bytes], object]] = {
    pdus.ASSOCIATE_RQ: whole_request,
    pdus.P_DATA: whole_values,
}
