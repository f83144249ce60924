"""Which name does a resolver tell, and which tell nothing? Answers by hand; dnsmasq's is what it sent."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.ptr import name, question, refused

PC = IPv4Address("192.168.1.20")
ASKED = b"\x0220\x011\x03168\x03192\x07in-addr\x04arpa\0\0\x0c\0\x01"


def labels(text: str) -> bytes:
    return b"".join(bytes([len(one)]) + one.encode() for one in text.split(".")) + b"\0"


def answer(called: str = "PC-ACCUEIL.lan", to: int = 7, flags: int = 0x8580) -> bytes:
    """As dnsmasq 2.90 answers."""
    target = labels(called)
    head = struct.pack(">6H", to, flags, 1, 1, 0, 0)
    return head + ASKED + struct.pack(">HHHIH", 0xC00C, 12, 1, 0, len(target)) + target


def test_the_question_is_for_one_address_and_asks_nobody_else() -> None:
    assert question(PC, 0xBEEF) == bytes.fromhex("beef 0000 0001 0000 0000 0000") + ASKED
    assert question(PC, 0xBEEF, recursive=True) == bytes.fromhex("beef 0100 0001 0000 0000 0000") + ASKED


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ("PC-ACCUEIL.lan", "PC-ACCUEIL"),
        ("pc1.cabinet-durand.fr", "pc1.cabinet-durand.fr"),
        ("imprimante.fritz.box", "imprimante"),
        ("nas", "nas"),
        ("MacBook-de-Dr-Martin.home", "MacBook-de-Dr-Martin"),
        ("poste20.home.arpa", "poste20"),
        ("hp1020.lan", "hp1020"),
    ],
)
def test_the_name_is_told_without_the_ending_of_every_home(called: str, shown: str) -> None:
    assert name(answer(called), PC, 7) == shown


@pytest.mark.parametrize(
    "called",
    [
        "192-168-1-20.box",
        "192-168-1-20.lan.example.net",
        "ip192.168.1.20",
        "20.1.168.192.in-addr.arpa",
        "host-1-20.lan",
        "dhcp-001-020.lan",
        "c0a80114.lan",
        "unknown",
        "unknown-a4b1c2d3e4f5.lan",
        "a4-b1-c2-d3-e4-f5.lan",
        "localhost",
        "android-12.home",
        "iPhone.home",
        "host20.lan",
        "lan",
        "box",
        "PC secret1",
        "x\u202ey",
        "<script>",
        "patient-zzcanary-one-19010203.lan",
        "zzid-one-1902-03-04.lan",
    ],
)
def test_a_name_that_any_device_could_have_tells_nothing(called: str) -> None:
    told = name(answer(called), PC, 7)
    assert told in {None, called} if called in {"lan", "box"} else told is None


@pytest.mark.parametrize(
    "told",
    [
        answer(to=8),
        answer(flags=0x0100),
        answer(flags=0x8583),
        answer().replace(b"\xc0\x0c", b"\xc0\x0f"),
        answer()[:-1],
        b"",
    ],
)
def test_what_is_no_answer_about_this_address_is_no_name(told: bytes) -> None:
    assert name(told, PC, 7) is None
    assert name(answer(), IPv4Address("192.168.1.21"), 7) is None


def test_a_resolver_may_refuse_to_answer_for_itself_alone() -> None:
    assert refused(struct.pack(">6H", 7, 0x8005, 1, 0, 0, 0) + ASKED, 7)
    for other in (
        answer(),
        struct.pack(">6H", 8, 0x8005, 1, 0, 0, 0),
        struct.pack(">6H", 7, 5, 1, 0, 0, 0),
        b"\x00",
    ):
        assert not refused(other, 7)


@given(st.binary(max_size=300))
def test_any_bytes_are_taken(told: bytes) -> None:
    for one in (told, answer()[:12] + told, answer()[: 12 + len(ASKED)] + told):
        shown = name(one, PC, 7)
        assert shown is None or shown.isprintable()
        assert refused(one, 7) in {True, False}
