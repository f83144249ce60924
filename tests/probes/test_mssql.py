"""Which SQL Server answers? Hand-made servers only: none can be installed. Bytes as MS-TDS lays them out."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.mssql import Mssql
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Mssql(timeout=1.0)
HEARD: list[bytes] = []


def packet(held: bytes, kind: int = 4) -> bytes:
    return struct.pack(">BBHHBB", kind, 1, 8 + len(held), 0, 1, 0) + held


def answer(version: tuple[int, int, int] = (15, 0, 2000), encryption: int = 0) -> bytes:
    """A server's five options (MS-TDS 2.2.6.5): version, encryption, instance, thread, MARS."""
    values = [struct.pack(">BBHH", *version, 0), bytes([encryption]), b"\0", b"", b"\0"]
    at, rows = 5 * len(values) + 1, b""
    for number, value in enumerate(values):
        rows += struct.pack(">BHH", number, at, len(value))
        at += len(value)
    return packet(rows + b"\xff" + b"".join(values))


def server(told: bytes) -> Callable[[Talk], None]:
    """One that hears a PRELOGIN, answers it, and waits for a login."""

    def behave(talk: Talk) -> None:
        HEARD.append(talk.some())
        talk.send(told)
        talk.hold()

    return behave


RELEASES = [
    ((8, 0, 194), "SQL Server 2000", "8.0.194"),
    ((10, 0, 1600), "SQL Server 2008", "10.0.1600"),
    ((10, 50, 6000), "SQL Server 2008 R2", "10.50.6000"),
    ((15, 0, 2000), "SQL Server 2019", "15.0.2000"),
    ((16, 0, 1000), "SQL Server 2022", "16.0.1000"),
    ((17, 0, 4035), "SQL Server 2025", "17.0.4035"),
    ((99, 7, 1), "SQL Server", "99.7.1"),
]


@pytest.mark.parametrize(("numbers", "product", "version"), RELEASES)
def test_the_release_is_read_from_the_version(
    numbers: tuple[int, int, int], product: str, version: str
) -> None:
    with Peer(server(answer(numbers)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {
        "product": product, "version": version, "encryption": "offered", "authentication": "unknown"
    }  # fmt: skip
    assert (asked.protocol, asked.rules, asked.error) == ("mssql", [], None)


@pytest.mark.parametrize(
    ("wish", "word"), [(0, "offered"), (1, "required"), (2, "none"), (3, "required"), (9, None)]
)
def test_whether_it_wants_encryption_is_in_its_answer(wish: int, word: str | None) -> None:
    with Peer(server(answer(encryption=wish)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["encryption"] == word


def test_one_prelogin_is_sent_and_no_login() -> None:
    HEARD.clear()
    with Peer(server(answer()), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    [told] = HEARD
    assert (told[0], struct.unpack(">H", told[2:4])[0], peer.received) == (0x12, len(told), len(told))
    first, size = struct.unpack(">HH", told[8 + 6 : 8 + 10])
    assert told[8:9] + told[13:14] + told[18:19] == b"\x00\x01\xff"  # version, encryption, the end
    assert told[8 + first : 8 + first + size] == b"\0"  # "can be off"


STRANGE = [
    # no row of the encryption; rows that point nowhere; a version of two bytes; the end at once
    packet(b"\0\0\x06\0\x06\xff\x10\0\x03\xe8\0\0"),
    packet(b"\0\xff\xff\0\x06\x01\xff\xff\0\x01\xff"),
    packet(b"\0\0\x06\0\x02\xff\x10\0"),
    packet(b"\0\0\0\0\0\xff\xff\xff"),
]


@pytest.mark.parametrize("told", STRANGE)
def test_options_that_are_not_there_are_unknown(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts["encryption"], asked.error) == ("mssql", None, None)
    assert asked.facts["product"] == ("SQL Server 2022" if b"\x03\xe8" in told else "SQL Server")


@pytest.mark.parametrize(
    "told",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 400 Bad\r\n",
        b"-DENIED Redis",
        packet(b"\0" * 20, 0x12),
        b"\x04\x01\xff\xff\0\0\1\0",
    ],
)
def test_what_is_not_tds_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None) == ([], True)


def test_an_answer_of_tds_that_is_no_prelogin_is_a_failure() -> None:
    with Peer(server(packet(b"\xaa" + bytes(20))), fresh_address()) as peer:  # an error token
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


@pytest.mark.parametrize("told", [b"", b"\x04", answer()[:8], answer()[:-1]])
def test_a_server_that_stalls_is_a_failure(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.send(answer())
        try:
            talk.flood(b"x" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["version"] == "15.0.2000"
    assert peer.sent < 5_000_000


def test_only_from_the_internet_is_it_a_finding() -> None:
    outside = Target("d", "192.0.2.1", (1433,), Vantage.OUTSIDE)
    assert [f.rule for f in PROBE.judge(outside.observed("mssql", 1433, "mssql", {}))] == ["mssql-reachable"]
    assert list(PROBE.judge(outside.observed("mssql", 1433, "http", {}))) == []
    inside = Target("d", "192.0.2.1", (1433,))
    assert list(PROBE.judge(inside.observed("mssql", 1433, "mssql", {}))) == []


def test_it_is_asked_where_it_is_at_home_where_it_was_heard_and_where_nothing_is_known() -> None:
    target = Target(
        "d", "192.0.2.1", (80, 1433, 49_700, 50_000), before={50_000: "mssql"}, free=frozenset({49_700})
    )
    assert PROBE.wants(target) == (1433, 49_700, 50_000)


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\x04\x01", b"\x04\x01\x00\x20\0\0\1\0", answer()[:20]])
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, before: bytes) -> None:
    asked = canned(PROBE, before + told)
    assert asked.seen or asked.error or asked.other


@given(st.binary(min_size=6, max_size=400))
def test_any_options_give_facts_or_a_failure(held: bytes) -> None:
    asked = canned(PROBE, packet(b"\0" + held))
    assert asked.seen or asked.error or asked.other
