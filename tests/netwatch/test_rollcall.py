"""What goes on the link, and what of what comes back is believed? Pure; real hosts are in test_real_ipv6."""

from __future__ import annotations

import struct
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch import rollcall
from netwatch.rollcall import ALL_NODES, answered, echo, entries, neighbours, own

if TYPE_CHECKING:
    from pathlib import Path

US, DEVICE = IPv6Address("2a01:e34:ec00:10::5"), IPv6Address("2a01:e34:ec00:10::20")
MARK = bytes(range(12))
CARD = bytes.fromhex("027700000020")


def reply(mark: bytes = MARK, sender: IPv6Address = DEVICE, to: IPv6Address = US, hops: int = 64) -> bytes:
    return rollcall._packet(129, sender, to, mark, hops=hops)


def summed(packet: bytes) -> int:
    """RFC 8200 8.1, RFC 1071: all of it with its checksum is ones."""
    told = packet[8:40] + struct.pack(">II", len(packet) - 40, 58) + packet[40:]
    total: int = sum(struct.unpack(f">{len(told) // 2}H", told))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_the_packet_asks_all_nodes_of_this_link_and_crosses_no_router() -> None:
    packet = echo(US, MARK)
    assert (packet[0] >> 4, packet[6], packet[7], packet[40], packet[41]) == (6, 58, 1, 128, 0)
    assert (IPv6Address(packet[8:24]), IPv6Address(packet[24:40])) == (US, ALL_NODES)
    assert packet[44:] == MARK
    assert summed(packet) == 0xFFFF
    assert len(packet) == 56


def test_an_answer_to_it_names_who_answers() -> None:
    assert answered(reply(), US, MARK) == DEVICE
    labelled = b"\x6a\xbc\xde\xf0" + reply(hops=255)[4:]  # a traffic class and a flow label
    assert answered(labelled + bytes(6), US, MARK) == DEVICE


@pytest.mark.parametrize(
    "packet",
    [
        echo(US, MARK),
        reply(bytes(12)),
        reply(to=DEVICE),
        reply(sender=ALL_NODES),
        reply(sender=IPv6Address(0)),
        b"\x45" + reply()[1:],
        reply()[:-1],
        reply()[:6] + b"\x11" + reply()[7:],
        reply()[:42] + b"\0\0" + reply()[44:],
        b"",
    ],
)
def test_whatever_else_passes_is_no_answer(packet: bytes) -> None:
    assert answered(packet, US, MARK) is None


@given(st.binary(max_size=128))
def test_any_frame_is_taken(packet: bytes) -> None:
    assert answered(packet, US, MARK) is None


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def entry(state: int = 0x02, ago: int = 0, address: IPv6Address = DEVICE, card: bytes = CARD) -> bytes:
    """A neighbour as the kernel tells it, its attributes in the kernel's order."""
    body = struct.pack("=BxxxiHBB", 10, 2, state, 0, 1) + attribute(1, address.packed)
    body += (attribute(2, card) if card else b"") + attribute(4, struct.pack("=I", 1))
    return message(28, body + attribute(3, struct.pack("=IIII", ago, ago, ago, 0)))


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def test_neighbours_are_those_who_were_heard_a_short_time_ago() -> None:
    other = IPv6Address("2a01:e34:ec00:10::21")
    told = entry() + entry(0x04, 5900, other)
    assert entries(told, 60) == {DEVICE: CARD.hex(":"), other: CARD.hex(":")}
    assert entries(told, 58) == {DEVICE: CARD.hex(":")}


@pytest.mark.parametrize(
    "told", [entry(0x01), entry(0x20), entry(0x40), entry(card=b""), entry(card=b"12345678")]
)
def test_who_never_answered_or_has_no_card_is_no_neighbour(told: bytes) -> None:
    assert entries(told, 3600) == {}


@given(st.binary(max_size=200), st.integers(0, 60))
def test_any_table_is_taken(told: bytes, cut: int) -> None:
    entries(told, 3600)
    entries(message(28, told) + entry()[:cut], 3600)


def test_the_end_of_the_table_is_seen() -> None:
    assert rollcall._ended(entry() + message(3, bytes(4)))
    assert rollcall._ended(message(2, bytes(4)))
    assert rollcall._ended(b"")
    assert not rollcall._ended(entry())


def test_the_kernel_of_this_machine_tells_its_table() -> None:
    assert all(isinstance(address, IPv6Address) for address in neighbours(3600))


def test_own_addresses_are_those_that_may_be_used(tmp_path: Path) -> None:
    table = tmp_path / "if_inet6"
    flags = {"5": "80", "6": "a0", "7": "c0", "8": "01", "9": "88"}  # 6 deprecated, 7 tentative, 9 a double
    lines = [f"2a010e34ec0000100000000000000{n:0>3} 02 40 00 {flag}     eth0" for n, flag in flags.items()]
    table.write_text("\n".join([*lines, "rubbish", "zz 1 2 3 80 eth0", ""]), encoding="ascii")
    assert [(card, str(address)) for card, address in own(table)] == [
        ("eth0", "2a01:e34:ec00:10::5"),
        ("eth0", "2a01:e34:ec00:10::8"),
    ]
    assert list(own(tmp_path / "none")) == []
