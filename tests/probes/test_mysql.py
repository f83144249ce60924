"""What does MySQL say of itself? Hand-made servers here; MariaDB itself in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.mysql import Mysql
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Mysql(timeout=1.0)
PLAIN, WITH_TLS = 0xF7FE, 0xFFFE  # MariaDB 10.11.19's, without and with TLS


def packet(held: bytes) -> bytes:
    return len(held).to_bytes(3, "little") + b"\0" + held


def greeting(version: bytes, can: int = PLAIN) -> bytes:
    """Protocol::HandshakeV10."""
    held = b"\x0a" + version + b"\0" + b"\x03\0\0\0" + b"saltsalt" + b"\0" + can.to_bytes(2, "little")
    return packet(held + b"\x08\x02\0\xff\x81\x15" + bytes(10) + b"moresaltsalt\0mysql_native_password\0")


def error(code: int, text: bytes) -> bytes:
    return packet(b"\xff" + code.to_bytes(2, "little") + text)


def server(told: bytes) -> Callable[[Talk], None]:
    """One that speaks first, and then waits for a login."""

    def behave(talk: Talk) -> None:
        talk.send(told)
        talk.hold()

    return behave


GREETINGS = [
    # its version, what is kept of it
    (b"5.5.5-10.11.19-MariaDB-0+deb12u1", "MariaDB", "10.11.19"),  # measured
    (b"11.4.2-MariaDB-ubu2404", "MariaDB", "11.4.2"),
    (b"5.5.68-MariaDB", "MariaDB", "5.5.68"),
    (b"8.0.36", "MySQL", "8.0.36"),
    (b"5.7.44-log", "MySQL", "5.7.44"),
    (b"5.5.5-m3", "MySQL", "5.5.5"),
    (b"8.4.0-commercial DUPONT^JEAN", "MySQL", "8.4.0"),
    (b"DUPONT^JEAN", "MySQL", None),
    (b"", "MySQL", None),
]


@pytest.mark.parametrize(("version", "product", "kept"), GREETINGS)
def test_the_version_and_the_product_are_in_the_greeting(
    version: bytes, product: str, kept: str | None
) -> None:
    with Peer(server(greeting(version)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {
        "product": product, "version": kept, "tls": False, "security": None, "authentication": "unknown"
    }  # fmt: skip
    assert (asked.protocol, asked.rules, asked.error) == ("mysql", [], None)


@pytest.mark.parametrize(("can", "tls"), [(PLAIN, False), (WITH_TLS, True)])
def test_whether_it_offers_tls_is_in_its_flags(can: int, tls: bool) -> None:  # noqa: FBT001
    with Peer(server(greeting(b"8.0.36", can)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["tls"] is tls


def test_not_a_byte_is_sent() -> None:
    with Peer(server(greeting(b"8.0.36")), fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert (peer.received, peer.connections) == (0, 1)


BLOCKED = (
    b"Host 'pc-x.lab' is blocked because of many connection errors; unblock with 'mariadb-admin flush-hosts'"
)
ERRORS = [
    # as MariaDB 10.11.19 says the first two
    (1130, b"Host '10.77.0.2' is not allowed to connect to this MariaDB server", "MariaDB", "host-refused"),
    (1129, BLOCKED, "MariaDB", "host-blocked"),
    (1130, b"Host '10.77.0.2' is not allowed to connect to this MySQL server", "MySQL", "host-refused"),
    (1129, b"Host is blocked; unblock with 'mysqladmin flush-hosts'", None, "host-blocked"),  # either of them
    (1053, b"#08S01Server shutdown in progress", None, None),
]


@pytest.mark.parametrize(("code", "text", "product", "security"), ERRORS)
def test_a_server_that_refuses_us_is_there_all_the_same(
    code: int, text: bytes, product: str | None, security: str | None
) -> None:
    with Peer(server(error(code, text)), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {
        "product": product, "version": None, "tls": None, "security": security, "authentication": "unknown"
    }  # fmt: skip
    assert (asked.protocol, asked.rules, asked.error) == ("mysql", [], None)


def test_a_server_that_is_full_is_seen_and_asked_again_tomorrow() -> None:
    with Peer(server(error(1040, b"Too many connections")), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.reason) == ("mysql", Reason.BUSY)


@pytest.mark.parametrize(
    "told",
    [
        b"SSH-2.0-x\r\n",
        b"220 ftp\r\n",
        b"-DENIED Redis is running",
        b"\x05\0\0\x01\x0aabcd",
        b"\0\0\x01\0\x0a",
    ],
)
def test_what_is_not_mysql_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == told[:16]


@pytest.mark.parametrize("told", [b"", b"\x4a", greeting(b"8.0.36")[:7], greeting(b"8.0.36")[:-1]])
def test_a_server_that_stalls_is_a_failure(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


@pytest.mark.parametrize("length", [b"\xff\xff", b"\x01\x04", b"\0\0"])
def test_a_length_that_no_greeting_has_is_not_waited_for(length: bytes) -> None:
    with Peer(server(length + b"\0\0\x0a8.0.36\0"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.send(greeting(b"8.0.36"))
        try:
            talk.flood(b"x" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["version"] == "8.0.36"
    assert peer.sent < 5_000_000


def test_only_from_the_internet_is_it_a_finding() -> None:
    outside = Target("d", "192.0.2.1", (3306,), Vantage.OUTSIDE)
    assert [f.rule for f in PROBE.judge(outside.observed("mysql", 3306, "mysql", {}))] == ["mysql-reachable"]
    assert list(PROBE.judge(outside.observed("mysql", 3306, "http", {}))) == []
    inside = Target("d", "192.0.2.1", (3306,))
    assert list(PROBE.judge(inside.observed("mysql", 3306, "mysql", {}))) == []


def test_it_is_asked_where_it_is_at_home_and_where_it_was_heard() -> None:
    target = Target(
        "d", "192.0.2.1", (3306, 3307, 3308, 3309), spoken={3308: "mysql"}, free=frozenset({3309})
    )
    assert PROBE.wants(target) == (3306, 3307, 3308)


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\x20\0\0\0\x0a", b"\x20\0\0\0\xff", greeting(b"8.0.36")])
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, before: bytes) -> None:
    asked = canned(PROBE, before + told)
    assert asked.seen or asked.error or asked.other
