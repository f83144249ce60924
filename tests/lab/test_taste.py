"""Does the judge of PDUs let real ones pass, and nothing that is nearly one?"""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab import pdus
from tests.lab.taste import taste

ECHO = "1.2.840.10008.1.1"


def item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(body)) + body


def context(number: int = 1, abstract: bytes = b"", transfer: bytes | None = None) -> bytes:
    abstract = abstract or item(0x30, ECHO.encode())
    transfer = item(0x40, pdus.IMPLICIT.encode()) if transfer is None else transfer
    return item(0x20, bytes([number, 0, 0, 0]) + abstract + transfer)


APPLICATION = item(0x10, b"1.2.840.10008.3.1.1.1")
USER = item(0x50, item(0x51, struct.pack(">I", 16_384)))


def request(
    items: bytes = APPLICATION + context() + USER,
    version: int = 1,
    called: bytes = b"ANY-SCP",
    calling: bytes = b"NETWATCH",
) -> bytes:
    """An A-ASSOCIATE-RQ."""
    body = struct.pack(">HH", version, 0) + called.ljust(16) + calling.ljust(16) + bytes(32) + items
    return pdus.pdu(pdus.ASSOCIATE_RQ, body)


def value(body: bytes = b"x", context: int = 1, flags: int = 3) -> bytes:
    """A presentation data value."""
    return struct.pack(">IBB", len(body) + 2, context, flags) + body


GOOD = {
    "a request": request(),
    "a request with two contexts": request(APPLICATION + context(1) + context(3) + USER),
    "data": pdus.pdu(pdus.P_DATA, value() + value(b"", flags=2)),
    "a release": pdus.pdu(pdus.RELEASE_RQ, bytes(4)),
    "an abort": pdus.abort(),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_whole_pdu_passes_and_leaves_nothing(name: str) -> None:
    assert taste(GOOD[name]) == (b"", "")


@pytest.mark.parametrize("name", GOOD)
def test_a_pdu_that_is_cut_is_waited_for(name: str) -> None:
    for end in range(len(GOOD[name])):
        assert taste(GOOD[name][:end]) == (GOOD[name][:end], "")


def test_several_pdus_pass_and_the_last_is_waited_for() -> None:
    assert taste(b"".join(GOOD.values()) + b"\x04\x00") == (b"\x04\x00", "")


@pytest.mark.parametrize("first", [0, 8, ord("G"), 0x0B, 0x16, 0x80, 0xFF])
def test_one_byte_is_enough_where_it_starts_no_pdu(first: int) -> None:
    assert taste(bytes([first]))[1] == f"not a DICOM PDU: it starts with {first:#04x}"
    assert taste(request() + bytes([first]))[1].startswith("not a DICOM PDU")


BAD = {
    "nmap's RDP question": b"\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00",
    "a release of 5 bytes": pdus.pdu(pdus.RELEASE_RQ, bytes(5)),
    "4 GB": b"\x04\x00\xff\xff\xff\xff",
    "an empty request": pdus.pdu(pdus.ASSOCIATE_RQ, b""),
    "version 2": request(version=2),
    "no called title": request(called=b""),
    "no calling title": request(calling=b""),
    "no application context": request(context() + USER),
    "two application contexts": request(APPLICATION * 2 + context() + USER),
    "no context": request(APPLICATION + USER),
    "no user information": request(APPLICATION + context()),
    "an item of another type": request(APPLICATION + context() + USER + item(0x60, b"")),
    "an item that is cut": request((APPLICATION + context() + USER)[:-1]),
    "a byte after the items": request(APPLICATION + context() + USER + b"\0"),
    "an even context": request(APPLICATION + context(2) + USER),
    "no abstract syntax": request(APPLICATION + context(abstract=item(0x40, b"1.2")) + USER),
    "two abstract syntaxes": request(APPLICATION + context(abstract=item(0x30, b"1.2") * 2) + USER),
    "no transfer syntax": request(APPLICATION + context(transfer=b"") + USER),
    "an empty context": request(APPLICATION + item(0x20, b"") + USER),
    "no maximum length": request(APPLICATION + context() + item(0x50, item(0x52, b"1.2"))),
    "no value": pdus.pdu(pdus.P_DATA, b""),
    "a value of 3 bytes": pdus.pdu(pdus.P_DATA, b"\0\0\0"),
    "a value without a header": pdus.pdu(pdus.P_DATA, struct.pack(">I", 0)),
    "a value that is cut": pdus.pdu(pdus.P_DATA, value(b"abc")[:-1]),
    "a byte after the value": pdus.pdu(pdus.P_DATA, value() + b"\0"),
    "a value of an even context": pdus.pdu(pdus.P_DATA, value(context=2)),
    "a value with other flags": pdus.pdu(pdus.P_DATA, value(flags=7)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_nearly_a_pdu_is_malformed(name: str) -> None:
    assert taste(BAD[name])[1].startswith(f"malformed PDU of type {BAD[name][0]}: ")


@given(st.binary(max_size=200))
def test_any_bytes_are_judged_without_an_error(data: bytes) -> None:
    for kind in (pdus.ASSOCIATE_RQ, pdus.P_DATA):
        rest, wrong = taste(pdus.pdu(kind, data))
        assert wrong or not rest
    taste(data)
