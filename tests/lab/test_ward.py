"""Do the fragile devices of a lab stand where they should, suffer, and come back?"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.lab.fragile import Toll
from tests.lab.net import Lab
from tests.lab.ward import BEDS, ENGINE, GLASS, LPD, MODALITY, RAW, Bed, Ward

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

SAY = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) as talk:
    talk.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    talk.shutdown(socket.SHUT_WR)
    try:
        talk.recv(1)
    except ConnectionResetError:
        pass
"""


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    with Lab() as lab:
        yield Ward(lab, (*BEDS, GLASS))


def say(ward: Ward, bed: Bed) -> str:
    """What a web browser would do to it; the error, or nothing."""
    return ward.lab.run([sys.executable, "-c", SAY, bed.address, str(bed.port)]).stderr


def listening(ward: Ward) -> set[tuple[str, int]]:
    return {(host.address, port) for host in ward.lab.hosts.values() for port in host.listening()}


def test_every_device_suffers_and_is_as_new_after_a_restart(ward: Ward) -> None:
    for _ in range(2):
        ward.start()
        assert listening(ward) == {(bed.address, bed.port) for bed in ward.beds}
        assert [ward.toll(bed) for bed in ward.beds] == [Toll(bed.kind) for bed in ward.beds]
        assert ward.hurt() == []
        for bed in ward.beds:
            assert say(ward, bed) == ""
        deadline = time.monotonic() + 5
        while len(ward.hurt()) < len(ward.beds):
            assert time.monotonic() < deadline, ward.hurt()
            time.sleep(0.05)
        assert "ConnectionRefusedError" in say(ward, MODALITY)
        assert ward.toll(MODALITY).dead
        assert (ward.toll(RAW).pages, ward.toll(LPD).pages, ward.toll(ENGINE).bytes) == (1, 1, 18)
    assert ward.hurt()[:2] == [
        "modality 10.77.0.40:104: not a DICOM PDU: it starts with 0x47",
        "printer 10.77.0.41:9100: 1 pages, 18 bytes, 0 messages",
    ]


def test_only_who_was_hurt_is_named(ward: Ward) -> None:
    ward.start()
    assert say(ward, ENGINE) == ""
    deadline = time.monotonic() + 5
    while not ward.hurt():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ward.hurt() == ["hl7 10.77.0.42:2575: 0 pages, 18 bytes, 0 messages"]
