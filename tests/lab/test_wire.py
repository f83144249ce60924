"""Does the reader of captures count what is on the wire? By hand-made lines, and in the lab by real ones."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab import wire
from tests.lab.net import SCANNER, Lab
from tests.lab.wire import Frame, parse

if TYPE_CHECKING:
    from pathlib import Path

US, CARD = SCANNER
PACS, PRINTER = "10.77.0.10", "10.77.0.41"
THEIRS = "02:77:00:00:00:0a"


def line(moment: float, ports: tuple[int, int], flags: str, payload: int = 0, host: str = PACS) -> str:
    """A TCP packet; ports with ours first. From the host when its flags start with `<`."""
    ours, its = f"{US}.{ports[0]}", f"{host}.{ports[1]}"
    cards = f"{CARD} > {THEIRS}"
    if flags.startswith("<"):
        ours, its, flags, cards = its, ours, flags[1:], f"{THEIRS} > {CARD}"
    told = f", seq 1:{payload + 1}, ack 1, win 64, options [nop,nop,TS val 77 ecr 1], length {payload}"
    return (
        f"{moment:.6f} {cards}, ethertype IPv4 (0x0800), length {66 + payload}:"
        f" {ours} > {its}: Flags [{flags}]{told}"
    )


def seen(*lines: str) -> list[Frame]:
    return list(parse(lines))


def talk(start: float, port: int, *, host: str = PACS, service: int = 104) -> list[str]:
    """Handshake, 12 bytes, our FIN and theirs; one packet every 10 ms."""
    steps = ("S", "<S.", ".", "P.", "<.", "F.", "<F.", ".")
    return [
        line(start + number / 100, (port, service), flags, 12 if flags == "P." else 0, host)
        for number, flags in enumerate(steps)
    ]


START = 1795558257.0
REQUEST = (
    f"{START} {CARD} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42:"
    f" Request who-has 10.77.0.99 tell {US}, length 28"
)
REPLY = f"{START} {CARD} > {THEIRS}, ethertype ARP (0x0806), length 42: Reply {US} is-at {CARD}, length 28"
UDP = (
    f"{START} {CARD} > {THEIRS}, ethertype IPv4 (0x0800), length {{}}:"
    f" {US}.40000 > {PRINTER}.161:  GetRequest(28)  .1.3"
)
PING = (
    f"{START} {CARD} > {THEIRS}, ethertype IPv4 (0x0800), length 98:"
    f" {US} > {PACS}: ICMP echo request, id 1, seq 1, length 64"
)
IPV6 = (
    f"{START} {CARD} > 33:33:00:00:00:02, ethertype IPv6 (0x86dd), length 70:"
    " fe80::1 > ff02::2: ICMP6, router solicitation, length 16"
)


def test_a_tcp_packet_is_read_whole() -> None:
    [sent, got] = seen(line(START, (40000, 104), "P.", 12), line(START + 1, (40000, 104), "<.", 500))
    assert sent == Frame(START, True, PACS, 78, ("40000", "104"), "P.", "ip", 12)  # noqa: FBT003
    assert (got.sent, got.host, got.ports, got.payload) == (False, PACS, ("104", "40000"), 500)


def test_what_a_protocol_adds_to_the_line_is_not_its_length() -> None:
    told = line(START, (40000, 80), "P.", 99) + ": HTTP: GET /?a=, length 7 HTTP/1.1"
    assert [frame.payload for frame in seen(told)] == [99]


def test_udp_counts_by_the_frame_and_ping_carries_nothing_to_a_port() -> None:
    assert [f.payload for f in seen(UDP.format(42), UDP.format(102), PING)] == [0, 60, 0]
    assert [f.flags for f in seen(UDP.format(42), PING)] == [None, None]


def test_a_packet_without_flags_is_tcp() -> None:
    [frame] = seen(line(START, (1, 104), "none"))
    assert frame.flags == ""


def test_other_frames_have_a_kind_of_their_own_and_only_ours_are_kept() -> None:
    theirs = [text.replace(f"{CARD} >", f"{THEIRS} >") for text in (REQUEST, REPLY, IPV6)]
    assert [f.kind for f in seen(REQUEST, REPLY, IPV6, *theirs)] == ["arp-request", "arp-reply", "other"]
    assert [f.host for f in seen(REQUEST, REPLY, IPV6)] == ["10.77.0.99", "", ""]


def test_lines_that_continue_another_are_passed_over() -> None:
    assert seen("", "SMB PACKET: SMBnegprot (REQUEST)", "reading from file x", "\t0x0000:  4500") == []


def test_the_window_of_a_second_includes_its_start_and_not_its_end() -> None:
    assert wire.busiest_second([START, START + 0.5, START + 1.0]) == 2
    assert wire.busiest_second([START, START + 0.5, START + 0.999999]) == 3
    assert wire.busiest_second([START + n / 10 + 0.000001 for n in range(100)]) == 10
    assert wire.busiest_second([START] * 7) == 7
    assert wire.busiest_second([]) == 0


@given(st.lists(st.integers(0, 5_000_000)))
def test_the_window_slides_over_every_start(moments: list[int]) -> None:
    slow = max((sum(start <= m < start + 1_000_000 for m in moments) for start in moments), default=0)
    assert wire.busiest_second([START + m / 1_000_000 for m in moments]) == slow


def test_the_busiest_second_is_counted_for_each_host_and_for_all() -> None:
    slow = [line(START + n / 2, (1000 + n, 104), "S") for n in range(8)]
    fast = [line(START + 2 + n / 100, (2000 + n, 9100), "S", host=PRINTER) for n in range(20)]
    answers = [line(START + 2 + n / 100, (2000 + n, 9100), "<R.", host=PRINTER) for n in range(20)]
    capture = seen(*slow, *fast, *answers, REQUEST, IPV6)
    assert wire.busiest(capture) == {PACS: 2, PRINTER: 20}
    assert wire.overall(capture) == 22
    assert wire.overall(seen(REQUEST, REPLY, IPV6, PING, UDP.format(42))) == 5


def test_a_payload_is_one_that_carries_a_byte_to_the_port() -> None:
    capture = seen(
        *talk(START, 40000, host=PRINTER, service=9100),
        *talk(START, 40001, host=PACS, service=104),
        line(START, (9100, 22), "P.", 5),
        line(START, (40000, 9100), "<P.", 7, PRINTER),
        UDP.format(43),
        UDP.format(42),
    )
    told = wire.payloads(capture, (9100, 515))
    assert [(frame.host, frame.ports, frame.payload) for frame in told] == [(PRINTER, ("40000", "9100"), 12)]
    assert [frame.payload for frame in wire.payloads(capture, [161])] == [1]
    assert wire.payloads(capture, []) == []


def test_who_was_sent_anything_and_who_was_only_looked_for_are_told_apart() -> None:
    capture = seen(REQUEST, REPLY, IPV6, PING, UDP.format(42), line(START, (1, 104), "<S", host="10.77.0.77"))
    assert wire.destinations(capture) == {PACS, PRINTER}
    assert wire.looked_for(capture) == {"10.77.0.99"}


def test_a_knock_is_a_syn_of_ours() -> None:
    capture = seen(
        line(START, (1, 104), "S"),
        line(START, (1, 105), "SEW"),
        line(START, (2, 106), "<S"),
        line(START, (2, 107), "S."),
        line(START, (2, 108), "."),
    )
    assert wire.knocked(capture) == {(PACS, 104), (PACS, 105)}


def test_half_open_knocks_are_no_connections() -> None:
    capture = seen(
        *(line(START, (1, 104), flags) for flags in ("S", "<S.", "R")),
        *(line(START, (1, 105), flags) for flags in ("S", "<R.")),
        line(START, (1, 106), "S"),
        line(START, (1, 107), "."),
        *(line(START, (1, 108), flags) for flags in ("<S", "S.", "<.")),
        *(line(START, (1, 109), flags) for flags in ("S", "<S.", "R.")),
        *(line(START, (1, 110), flags) for flags in ("S", "<S.", "<P.", "<.", "R")),
    )
    assert (wire.established(capture), wire.live(capture)) == ({}, {})


def test_a_handshake_is_completed_by_our_ack() -> None:
    capture = seen(*talk(START, 40000), *talk(START + 5, 40001), *talk(START + 7, 40000, host=PRINTER))
    told = {host: [round(t - START, 2) for t in times] for host, times in wire.established(capture).items()}
    assert told == {PACS: [0.02, 5.02], PRINTER: [7.02]}
    assert wire.live(capture) == {PACS: 1, PRINTER: 1}


@pytest.mark.parametrize("end", ["F.", "<F.", "R.", "R", "<R.", "<R"])
def test_a_connection_ends_with_the_first_fin_or_reset_of_either_side(end: str) -> None:
    first = [line(START + n / 100, (40000, 104), flags) for n, flags in enumerate(("S", "<S.", "."))]
    second = [line(START + 1 + n / 100, (40001, 104), flags) for n, flags in enumerate(("S", "<S.", "."))]
    assert wire.live(seen(*first, line(START + 0.5, (40000, 104), end), *second)) == {PACS: 1}
    assert wire.live(seen(*first, *second, line(START + 1.5, (40000, 104), end))) == {PACS: 2}


def test_connections_at_once_are_counted_at_their_most_whatever_the_port() -> None:
    starts = [*talk(START, 40000)[:3], *talk(START + 1, 40001)[:3], *talk(START + 2, 40002, service=80)[:3]]
    again = [line(START + 9, (40000, 104), "S")]  # the end of the first was not seen
    ends = [line(START + 4, (40001, 104), "R"), line(START + 4, (40002, 80), "F.")]
    assert wire.live(seen(*starts, *ends, *again)) == {PACS: 3}
    assert wire.live(seen(*starts, *again, *talk(START + 9.1, 40000)[1:3])) == {PACS: 3}


def test_two_hosts_may_be_spoken_to_from_the_same_port() -> None:
    both = zip(talk(START, 40000), talk(START, 40000, host=PRINTER), strict=True)
    capture = seen(*(text for pair in both for text in pair))
    assert {host: len(times) for host, times in wire.established(capture).items()} == {PACS: 1, PRINTER: 1}
    assert wire.live(capture) == {PACS: 1, PRINTER: 1}
    knock = [line(START, (40000, 104), flags, host=PRINTER) for flags in ("S", "<S.")]
    assert wire.established(seen(*knock, line(START, (40000, 104), "."))) == {}


def test_data_with_the_ack_and_a_repeated_answer_change_nothing() -> None:
    steps = ("S", "S", "<S.", "<S.", "P.", "<S.", ".", "F.", "F.", "<F.", "<F.", ".")
    capture = seen(*(line(START + n / 100, (40000, 104), flags) for n, flags in enumerate(steps)))
    assert len(wire.established(capture)[PACS]) == 1
    assert wire.live(capture) == {PACS: 1}


def test_ports_and_connections_of_one_host() -> None:
    knocks = [line(START, (1, 22), "S"), line(START, (1, 22), "R")]
    sent = [frame for frame in seen(*talk(START, 40000), *knocks) if frame.sent]
    assert wire.connections(sent) == (2, 1)


KNOCKS = """
import socket, time
for _ in range(3):
    with socket.create_connection(("10.77.0.10", 104)) as one, socket.create_connection(("10.77.0.10", 104)):
        one.sendall(b"twelve bytes")
    time.sleep(0.4)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.sendto(b"", ("10.77.0.10", 161))
    udp.sendto(b"abc", ("10.77.0.10", 161))
    udp.settimeout(0.5)
with socket.socket() as nobody:
    nobody.settimeout(0.5)
    nobody.connect_ex(("10.77.0.99", 104))
"""
LISTEN = """
import socket
held = []
with socket.create_server(("10.77.0.10", 104)) as server:
    while True:
        held.append(server.accept())
"""


@pytest.mark.lab
def test_a_capture_of_known_content_is_read_as_it_is(tmp_path: Path) -> None:
    capture = tmp_path / "known.pcap"
    with Lab() as lab:
        host = lab.host("pacs", PACS, THEIRS)
        host.start([sys.executable, "-c", LISTEN], root=False, ready_port=104)
        with lab.capture(capture):
            done = lab.run([sys.executable, "-c", KNOCKS])
            assert done.returncode == 0, done.stderr
            lab.run(["nmap", "-n", "-Pn", "-sS", "-p104,105", PACS])
    assert wire.destinations(capture) == {PACS}
    assert {PACS, "10.77.0.99"} <= wire.looked_for(capture)
    assert wire.knocked(capture) == {(PACS, 104), (PACS, 105)}
    assert len(wire.established(capture)[PACS]) == 6
    assert [frame.payload for frame in wire.payloads(capture, [104, 161])] == [12, 12, 12, 3]
    assert wire.live(capture) == {PACS: 2}
    assert wire.busiest(capture).keys() == {PACS}
    assert wire.busiest(capture)[PACS] <= wire.overall(capture)
