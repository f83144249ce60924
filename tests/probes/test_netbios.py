"""What name does a machine give itself? Answers by hand here; Samba's nmbd itself in tests/lab."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from netwatch.probe import PortClosed
from probes.netbios import QUESTION, Netbios
from tests.lab.interview import Asked, ask, canned, fresh_address

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBE = Netbios(timeout=1.0)
UNIQUE, GROUP = 0x0400, 0x8400


def status(*names: tuple[bytes, int, int]) -> bytes:
    """A node status of these names, suffixes and flags."""
    rows = b"".join(
        name.ljust(15)[:15] + bytes([suffix]) + flags.to_bytes(2, "big") for name, suffix, flags in names
    )
    data = bytes([len(names)]) + rows + bytes.fromhex("027700000029") + bytes(40)
    head = QUESTION[:2] + b"\x84\0\0\0\0\x01\0\0\0\0" + QUESTION[12:46] + b"\0\x21\0\x01" + bytes(4)
    return head + len(data).to_bytes(2, "big") + data


WINDOWS = status(
    (b"ACCUEIL", 0x00, UNIQUE),
    (b"CABINET", 0x00, GROUP),
    (b"ACCUEIL", 0x20, UNIQUE),
    (b"CABINET", 0x1E, GROUP),
    (b"MARIE.DURAND", 0x03, UNIQUE),
    (b"\x01\x02__MSBROWSE__\x02", 0x01, GROUP),
)


@contextmanager
def answering(told: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A machine that answers so on its port 137: its address, and what it was asked."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        address = fresh_address()
        sock.bind((address, 137))
        sock.settimeout(5)

        def serve() -> None:
            asked, sender = sock.recvfrom(2000)
            heard.append(asked)
            sock.sendto(told, sender)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield address, heard
        serving.join()


def asked(told: bytes) -> Asked:
    return canned(PROBE, told, port=137)


def test_the_machine_and_its_workgroup_are_told_and_nobody_else() -> None:
    found = asked(WINDOWS)
    assert found.facts == {"netbios_name": "ACCUEIL", "workgroup": "CABINET"}
    assert (found.protocol, found.seen[0].transport, found.rules) == ("netbios", "udp", [])
    assert "DURAND" not in repr(found.seen)


def test_one_question_of_the_standard_is_sent() -> None:
    with answering(WINDOWS) as (address, heard):
        found = ask(PROBE, address, 137)
    assert found.facts["netbios_name"] == "ACCUEIL"
    [sent] = heard
    assert len(sent) == 50
    assert sent[12:] == b"\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01"


@pytest.mark.parametrize(
    ("names", "machine", "group"),
    [
        ([(b"SEUL", 0x20, UNIQUE)], "SEUL", None),
        ([(b"CABINET", 0x00, GROUP)], None, "CABINET"),
        ([(b"MARIE", 0x03, UNIQUE), (b"AUTRE", 0x1C, GROUP)], None, None),
        ([], None, None),
        ([(b"DUPONT Jean", 0x00, UNIQUE)], None, None),
        ([(b"ZZTEST^PATIENT", 0x00, UNIQUE), (b"DUPONT-JEAN", 0x00, GROUP)], None, None),
        ([(b"PC-DUPONT", 0x00, UNIQUE), (b"WORKGROUP", 0x00, GROUP)], "PC-DUPONT", "WORKGROUP"),
        ([(bytes(15), 0x00, UNIQUE)], None, None),
    ],
)
def test_what_is_missing_is_unknown(
    names: list[tuple[bytes, int, int]], machine: str | None, group: str | None
) -> None:
    assert asked(status(*names)).facts == {"netbios_name": machine, "workgroup": group}


def test_a_list_that_is_shorter_than_it_says_is_read_as_far_as_it_goes() -> None:
    told = bytearray(status((b"ACCUEIL", 0x00, UNIQUE)))
    told[56] = 255
    assert asked(bytes(told[: 57 + 18])).facts["netbios_name"] == "ACCUEIL"
    assert asked(bytes(told[: 57 + 17])).facts["netbios_name"] is None


@pytest.mark.parametrize(
    "told", [b"x", b"\x00\x01" + WINDOWS[2:], WINDOWS[:56], WINDOWS[:46] + b"\0\x20" + WINDOWS[48:]]
)
def test_what_is_no_node_status_is_a_failure(told: bytes) -> None:
    found = asked(told)
    assert (found.seen, found.reason) == ([], Reason.PROTOCOL)


def test_silence_is_silence_and_a_closed_port_is_proof() -> None:
    assert asked(b"").reason is Reason.MUTE
    assert isinstance(ask(PROBE, fresh_address(), 137).error, PortClosed)


def test_it_is_asked_where_there_is_windows_file_sharing() -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", (22, 139))) == (137,)
    assert PROBE.wants(Target("d", "192.0.2.1", (445,))) == (137,)
    assert PROBE.wants(Target("d", "192.0.2.1", (22, 137))) == ()


def test_from_the_internet_it_is_a_finding() -> None:
    for vantage, rules in ((Vantage.LAN, []), (Vantage.OUTSIDE, ["netbios-reachable"])):
        seen = Target("d", "192.0.2.1", (), vantage).observed("netbios", 137, "netbios", {}, transport="udp")
        assert [finding.rule for finding in PROBE.judge(seen)] == rules


@given(st.binary(max_size=600), st.sampled_from([b"", QUESTION[:2], WINDOWS[:56], WINDOWS[:57]]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, before: bytes) -> None:
    found = asked(before + told)
    assert found.seen or found.error
