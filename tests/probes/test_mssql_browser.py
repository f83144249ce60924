"""Which instances does the SQL Server Browser name? Hand-made answers only: none can be installed."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from netwatch.probe import PortClosed
from probes.mssql_browser import MssqlBrowser
from tests.lab.interview import ask, canned, fresh_address

PROBE = MssqlBrowser(timeout=1.0)

# As MC-SQLR 4.2 shows it, with two instances.
TWO = (
    "ServerName;PC-DUPONT;InstanceName;MSSQLSERVER;IsClustered;No;Version;15.0.2000.5;tcp;1433;np;\\\\PC\\pipe\\q;;"
    "ServerName;PC-DUPONT;InstanceName;DENTAIRE;IsClustered;No;Version;12.0.2000.8;tcp;50123;;"
)


def answer(text: str, size: int | None = None) -> bytes:
    told = text.encode("latin-1")
    return b"\x05" + (len(told) if size is None else size).to_bytes(2, "little") + told


def test_instances_versions_and_ports_are_told_and_the_computer_s_name_is_not() -> None:
    asked = canned(PROBE, answer(TWO), port=1434)
    assert asked.facts == {
        "instances": "MSSQLSERVER, DENTAIRE",
        "version": "15.0.2000.5, 12.0.2000.8",
        "instance_ports": "1433, 50123",
    }
    assert (asked.protocol, asked.rules, asked.error) == ("mssql-browser", [], None)
    [seen] = asked.seen
    assert (seen.transport, seen.port) == ("udp", 1434)
    assert asked.sent == [b"\x03"]


def test_through_the_real_way_out_it_is_one_datagram_of_one_byte() -> None:
    address = fresh_address()
    heard: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((address, 0))
        listening.settimeout(3)

        def serve() -> None:
            told, sender = listening.recvfrom(100)
            heard.append(told)
            listening.sendto(answer(TWO), sender)

        serving = threading.Thread(target=serve)
        serving.start()
        asked = ask(PROBE, address, listening.getsockname()[1])
        serving.join()
    assert heard == [b"\x03"]
    assert asked.facts["instance_ports"] == "1433, 50123"


def test_a_closed_port_says_so_and_a_silent_one_is_mute() -> None:
    address = fresh_address()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((address, 0))
        port = silent.getsockname()[1]
        assert ask(PROBE, address, port).reason is Reason.MUTE
    assert isinstance(ask(PROBE, address, port).error, PortClosed)


def test_an_instance_that_is_named_like_a_person_is_not_named() -> None:
    text = "ServerName;X;InstanceName;DUPONT^JEAN;IsClustered;No;Version;DUPONT^JEAN;tcp;DUPONT;;"
    asked = canned(PROBE, answer(text))
    assert asked.facts == {"instances": None, "version": None, "instance_ports": None}


@pytest.mark.parametrize("port", ["0", "65536", "-1", "1433x", "²", "999999999999999999999"])
def test_what_is_no_port_is_not_told(port: str) -> None:
    text = f"ServerName;X;InstanceName;A;IsClustered;No;Version;9.00.1399.06;tcp;{port};;"
    asked = canned(PROBE, answer(text))
    assert asked.facts == {"instances": "A", "version": "9.00.1399.06", "instance_ports": None}


def test_a_lying_size_and_a_hundred_instances_keep_it_short() -> None:
    asked = canned(PROBE, answer(TWO, 0xFFFF))
    assert asked.facts["instances"] == "MSSQLSERVER, DENTAIRE"
    many = "".join(
        f"ServerName;X;InstanceName;I{n:03}ABCDEFGHIJKLMNOPQ;Version;1.{n};tcp;{n + 1};;" for n in range(100)
    )
    asked = canned(PROBE, answer(many))
    assert len(str(asked.facts["instances"]).split(", ")) == 8


@pytest.mark.parametrize(
    "told", [b"\x05", b"\x05\x00\x00", answer("Hello"), b"\x04" + answer(TWO)[1:], b"HTTP/1.1 400"]
)
def test_what_is_no_list_of_instances_is_a_failure(told: bytes) -> None:
    asked = canned(PROBE, told)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


@pytest.mark.parametrize(
    ("open_ports", "wanted"), [((445,), (1434,)), ((80, 135), (1434,)), ((1433,), (1434,)), ((22, 80), ())]
)
def test_only_a_computer_with_a_sign_of_windows_or_sql_server_is_asked(
    open_ports: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", open_ports)) == wanted


def test_only_from_the_internet_is_it_a_finding() -> None:
    outside = Target("d", "192.0.2.1", (), Vantage.OUTSIDE)
    [finding] = PROBE.judge(outside.observed("mssql_browser", 1434, "mssql-browser", {}, transport="udp"))
    assert (finding.rule, finding.transport) == ("mssql_browser-reachable", "udp")
    inside = Target("d", "192.0.2.1", ())
    assert list(PROBE.judge(inside.observed("mssql_browser", 1434, "mssql-browser", {}))) == []


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\x05", answer("ServerName;", 300), answer(TWO, 0xFFFF)])
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, before: bytes) -> None:
    asked = canned(PROBE, before + told)
    assert asked.seen or asked.error
