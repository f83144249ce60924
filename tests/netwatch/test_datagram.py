"""Is one question over UDP one datagram, bounded in time, and is silence told apart from a closed port?"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.classes import table
from netwatch.datagram import GROUP
from netwatch.egress import Egress
from netwatch.errors import ScopeError
from netwatch.model import Reason
from netwatch.outlet import Here
from netwatch.pace import Pace
from netwatch.probe import PortClosed, ProbeError
from netwatch.scope import Scope
from tests.lab.hurry import FAST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PORT = 1161


@contextmanager
def server(address: str, *answers: bytes, other_port: bool = False) -> Iterator[list[bytes]]:
    """One that answers each datagram with all of these. Yields what it heard."""
    heard: list[bytes] = []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        socket.socket(type=socket.SOCK_DGRAM) as aside,
    ):
        sock.bind((address, PORT))
        aside.bind((address, 0))
        sock.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    data, client = sock.recvfrom(2048)
                except TimeoutError:
                    continue
                heard.append(data)
                for answer in answers:
                    (aside if other_port else sock).sendto(answer, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield heard
        finally:
            over.set()
            thread.join()


@contextmanager
def egress(address: str, pace: Pace = FAST, stop: Callable[[], bool] = lambda: False) -> Iterator[Egress]:
    one = Egress(Scope((IPv4Network(f"{address}/32"),), until=date.max), pace, stop=stop)
    one.classed(address, table()["computer"])
    try:
        yield one
    finally:
        one.close()


def test_the_answer_comes_back_and_one_datagram_was_sent() -> None:
    with server("127.91.0.1", b"pong", b"again") as heard, egress("127.91.0.1") as out:
        assert out.asking("q", "greet").ask("127.91.0.1", PORT, b"ping", "PING") == b"pong"
    assert heard == [b"ping"]


def test_what_was_sent_is_in_the_audit_log_in_words() -> None:
    with server("127.91.0.2", b"pong"), egress("127.91.0.2") as out:
        out.asking("q", "greet").ask("127.91.0.2", PORT, b"ping", "PING")
        [entry] = out.audit.about("127.91.0.2")
    assert (entry["question"], entry["port"], entry["transport"]) == ("q", PORT, "udp")
    assert (entry["sent"], entry["ended"]) == (["PING (4 bytes)"], "4 bytes received")


@pytest.mark.parametrize("any_port", [False, True])
def test_a_port_that_says_that_it_is_closed_is_closed(any_port: bool) -> None:  # noqa: FBT001
    with egress("127.91.0.3") as out, pytest.raises(PortClosed):
        out.asking("q", "greet").ask("127.91.0.3", PORT, b"ping", "PING", patience=2, any_port=any_port)


def test_silence_is_no_answer_and_ends() -> None:
    with server("127.91.0.4"), egress("127.91.0.4") as out, pytest.raises(ProbeError) as silent:
        out.asking("q", "greet").ask("127.91.0.4", PORT, b"ping", "PING", patience=0.6)
    assert silent.value.reason is Reason.MUTE
    assert not isinstance(silent.value, PortClosed)


def test_an_answer_from_another_port_counts_only_where_the_protocol_has_it_so() -> None:
    with server("127.91.0.5", b"pong", other_port=True), egress("127.91.0.5") as out:
        way = out.asking("q", "greet")
        assert way.ask("127.91.0.5", PORT, b"ping", "PING", any_port=True) == b"pong"
        with pytest.raises(ProbeError):
            way.ask("127.91.0.5", PORT, b"ping", "PING", patience=0.5)


def test_an_answer_from_another_machine_is_not_heard() -> None:
    with server("127.91.0.6"), egress("127.91.0.6") as out, socket.socket(type=socket.SOCK_DGRAM) as liar:
        liar.bind(("127.91.0.66", 0))
        ports: list[int] = []
        sendto = socket.socket.sendto

        def watched(self: socket.socket, *args: object) -> int:
            sent = sendto(self, *args)  # type: ignore[call-overload]
            if self is not liar:
                ports.append(self.getsockname()[1])
                liar.sendto(b"lie", ("127.0.0.1", ports[-1]))
            return int(sent)

        with pytest.MonkeyPatch.context() as patch, pytest.raises(ProbeError) as silent:
            patch.setattr(socket.socket, "sendto", watched, raising=False)
            out.asking("q", "greet").ask("127.91.0.6", PORT, b"ping", "PING", patience=0.6, any_port=True)
    assert ports
    assert silent.value.reason is Reason.MUTE


@pytest.mark.parametrize(
    ("port", "manner"), [(9100, "greet"), (47_808, "greet"), (PORT, "snmp"), (104, "greet")]
)
def test_what_tcp_may_not_be_asked_udp_may_not_either(port: int, manner: str) -> None:
    address = "127.91.0.7"
    with egress(address) as out:
        out.classed(address, table()["unknown"] if manner == "snmp" else table()["computer"])
        with pytest.raises(ScopeError):
            out.asking("q", manner).ask(address, port, b"ping", "PING", patience=0.2)


def test_another_address_is_out_of_scope() -> None:
    with egress("127.91.0.8") as out, pytest.raises(ScopeError, match="outside-networks"):
        out.asking("q", "greet").ask("127.91.0.9", PORT, b"ping", "PING")


def test_after_a_stop_nothing_is_asked() -> None:
    with server("127.91.0.10", b"pong") as heard, egress("127.91.0.10", stop=lambda: True) as out:
        with pytest.raises(ProbeError) as stopped:
            out.asking("q", "greet").ask("127.91.0.10", PORT, b"ping", "PING")
        assert stopped.value.reason is Reason.UNFINISHED
    assert heard == []


def test_two_questions_to_a_device_are_a_pause_apart() -> None:
    with server("127.91.0.11", b"pong"), egress("127.91.0.11", Pace(pause=0.4)) as out:
        way = out.asking("q", "greet")
        begun = time.monotonic()
        for _ in range(3):
            way.ask("127.91.0.11", PORT, b"ping", "PING")
        assert time.monotonic() - begun > 0.8


@contextmanager
def member(address: str, *answers: bytes, from_address: str = "") -> Iterator[list[tuple[str, bytes]]]:
    """One that hears what is sent to SSDP's group on loopback, and answers with all of these.

    Yields what it heard, and from whom. `from_address`: from where it answers, else from its own.
    """
    heard: list[tuple[str, bytes]] = []
    with socket.socket(type=socket.SOCK_DGRAM) as ear, socket.socket(type=socket.SOCK_DGRAM) as mouth:
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ear.bind((GROUP, 1900))
        joined = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
        ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        mouth.bind((from_address or address, 0))
        ear.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    data, client = ear.recvfrom(2048)
                except TimeoutError:
                    continue
                heard.append((client[0], data))
                for answer in answers:
                    mouth.sendto(answer, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield heard
        finally:
            over.set()
            thread.join()


def search(out: Egress, address: str, port: int = 1900, manner: str = "upnp") -> bytes:
    out.classed(address, table()["box"])
    return out.asking("q", manner).ask(address, port, b"ping", "M-SEARCH", patience=0.6, to_group=True)


def test_a_search_is_one_datagram_to_the_group_on_the_device_s_own_card() -> None:
    with member("127.91.0.20", b"here", b"here again") as heard, egress("127.91.0.20") as out:
        assert search(out, "127.91.0.20") == b"here"
        [entry] = out.audit.about("127.91.0.20")
    assert heard == [("127.0.0.1", b"ping")]
    assert entry["sent"] == [f"M-SEARCH, to {GROUP} (4 bytes)"]
    assert (entry["port"], entry["transport"], entry["ended"]) == (1900, "udp", "4 bytes received")


def test_what_another_device_answers_to_a_search_is_not_heard() -> None:
    with (
        member("127.91.0.21", b"lie", from_address="127.91.0.66") as heard,
        egress("127.91.0.21") as out,
        pytest.raises(ProbeError) as silent,
    ):
        search(out, "127.91.0.21")
    assert silent.value.reason is Reason.MUTE
    assert len(heard) == 1


def test_a_crowd_that_answers_a_search_ends_it() -> None:
    with (
        member("127.91.0.22", *[b"lie"] * 200, from_address="127.91.0.66"),
        egress("127.91.0.22") as out,
        pytest.raises(ProbeError) as silent,
    ):
        search(out, "127.91.0.22")
    assert silent.value.reason is Reason.MUTE


@pytest.mark.parametrize(("port", "manner"), [(3702, "upnp"), (1900, "web")])
def test_no_other_question_goes_to_a_group(port: int, manner: str) -> None:
    with (
        member("127.91.0.23", b"here") as heard,
        egress("127.91.0.23") as out,
        pytest.raises(ScopeError, match="not-attached"),
    ):
        search(out, "127.91.0.23", port, manner)
    assert heard == []


def test_a_device_on_another_network_is_not_searched_for() -> None:
    """8.8.8.8 is on no network that this machine is attached to; nothing is sent, to nobody."""
    with member("127.91.0.24", b"here") as heard, egress("8.8.8.8") as out:
        with pytest.raises(ScopeError, match="not-attached"):
            search(out, "8.8.8.8")
        [entry] = out.audit.about("8.8.8.8")
    assert heard == []
    assert "not-attached" in entry["refused"]


def test_who_may_not_be_asked_over_udp_is_not_searched_for_either() -> None:
    class Elsewhere(Here):
        udp = False

    scope = Scope((IPv4Network("127.91.0.25/32"),), until=date.max)
    out = Egress(scope, FAST, outlet=Elsewhere())
    with member("127.91.0.25", b"here") as heard:
        with pytest.raises(ScopeError, match="no-udp"):
            search(out, "127.91.0.25")
        with pytest.raises(ScopeError, match="outside-networks"):
            search(out, "127.91.0.26")
    out.close()
    assert heard == []


def test_searches_are_a_pause_apart_and_count_as_packets_to_the_device() -> None:
    with member("127.91.0.27", b"here"), egress("127.91.0.27", Pace(pause=0.4)) as out:
        begun = time.monotonic()
        for _ in range(3):
            search(out, "127.91.0.27")
        assert time.monotonic() - begun > 0.8


@pytest.mark.parametrize(
    "excluded",
    [
        {"excluded_addresses": (IPv4Network("127.91.0.99/32"),)},
        {"excluded_macs": frozenset({"02:00:00:00:00:01"})},
    ],
)
def test_nothing_goes_to_a_group_that_somebody_hears_who_is_excluded(excluded: dict[str, Any]) -> None:
    with member("127.91.0.24", b"here") as heard, egress("127.91.0.24") as out:
        out.scope = replace(out.scope, networks=(IPv4Network("127.91.0.0/24"),), **excluded)
        with pytest.raises(ScopeError, match="excluded"):
            search(out, "127.91.0.24")
    assert heard == []
