"""Do the fragile devices die of what they are said to die of, of nothing else, and count truly?"""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, _config

from tests.lab import pdus
from tests.lab.fragile import KINDS, Fragile, Toll, fragile, read, write
from tests.lab.net import Lab
from tests.lab.test_taste import BAD, request, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.net import Host

HELLO = b"\x0bMSH|^~\\&|LAB|LAB|||2026||ADT^A01|77|P|2.3\rPID|||1\r\x1c\r"


def reach(device: Fragile) -> socket.socket:
    """A connection to it."""
    return socket.create_connection((device.address, device.port), timeout=5)


def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what another thread or program does. Fails when it does not."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def say(device: Fragile, data: bytes) -> bytes:
    """What it answers to these bytes. We may be gone before it counts us, and then are no peak."""
    said = b""
    with reach(device) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        try:
            while part := connection.recv(65_536):
                said += part
        except ConnectionResetError:
            pass
    return said


def associate(device: Fragile) -> tuple[int, list[int]]:
    """(the status of C-ECHO, those of a C-FIND for a study that cannot exist), in one association."""
    client = AE("NETWATCH")
    client.acse_timeout = client.dimse_timeout = client.network_timeout = 5
    for syntax in (pdus.VERIFICATION, pdus.STUDY_ROOT_FIND):
        client.add_requested_context(syntax)
    association = client.associate(device.address, device.port)
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.StudyInstanceUID = f"2.25.{random.getrandbits(128)}"
    echoed = association.send_c_echo().Status
    found = [status.Status for status, _ in association.send_c_find(query, pdus.STUDY_ROOT_FIND)]
    association.release()
    assert association.is_released
    return echoed, found


def is_closed(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def killed(device: Fragile) -> str:
    """Why it died; fails where it lives, or its port is not closed for good."""
    until(lambda: device.dead)
    until(lambda: is_closed(device.address, device.port))
    time.sleep(0.05)
    assert is_closed(device.address, device.port)
    return device.why


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client would print what it receives."""
    monkeypatch.setattr(_config, "LOG_HANDLER_LEVEL", "none")


def test_the_modality_answers_as_an_archive_without_a_study_and_lives() -> None:
    with fragile("modality") as device:
        for _ in range(2):
            assert associate(device) == (0x0000, [0x0000])
            time.sleep(0.5)
        assert not device.dead
    assert device.asked == ["A-ASSOCIATE-RQ", "C-ECHO-RQ", "C-FIND-RQ", "A-RELEASE-RQ"] * 2
    assert (device.toll.connections, device.toll.peak, device.toll.hurt) == (2, 1, False)


def test_the_modality_bears_five_connections_in_a_second_and_two_at_once() -> None:
    with fragile("modality") as device:
        for number in (2, 4):
            with reach(device), reach(device):
                until(lambda number=number: device.connections == number)  # type: ignore[misc]
        reach(device).close()
        until(lambda: device.connections == 5)
        time.sleep(0.1)
        assert not device.dead
        assert associate_after(2.1, device) == (0x0000, [0x0000])
        assert not device.dead
    assert device.peak == 2


def associate_after(seconds: float, device: Fragile) -> tuple[int, list[int]]:
    time.sleep(seconds)
    return associate(device)


def test_three_connections_at_once_kill_the_modality_and_everyone_is_thrown_out() -> None:
    with fragile("modality") as device, ExitStack() as stack:
        talks = [stack.enter_context(reach(device)) for _ in range(3)]
        assert killed(device) == "3 connections at once"
        for talk in talks:
            assert talk.recv(1) == b""
    assert device.toll.hurt


def test_the_sixth_connection_within_two_seconds_kills_the_modality() -> None:
    with fragile("modality") as device:
        for number in range(6):
            assert not device.dead, number
            with reach(device):
                until(lambda number=number: device.connections == number + 1)  # type: ignore[misc]
        assert killed(device) == "6 connections within 2 seconds"
    assert device.peak == 1


@pytest.mark.parametrize("data", [b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01", b"\0", b"\r\n\r\n"])
def test_what_is_not_dicom_kills_the_modality(data: bytes) -> None:
    with fragile("modality") as device:
        say(device, data)
        assert killed(device) == f"not a DICOM PDU: it starts with {data[0]:#04x}"
    assert (device.toll.connections, device.toll.bytes) == (1, device.received)
    assert 0 < device.received <= len(data)


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_pdu_kills_the_modality(name: str) -> None:
    with fragile("modality") as device:
        say(device, BAD[name])
        assert killed(device).startswith("malformed PDU")


@pytest.mark.parametrize("end", [1, 5, 6, 100])
def test_a_pdu_that_ends_too_early_kills_the_modality(end: int) -> None:
    with fragile("modality") as device:
        say(device, request()[:end])
        assert killed(device) == "malformed PDU: the connection ended inside it"


def test_a_malformed_second_pdu_kills_the_modality() -> None:
    with fragile("modality") as device:
        say(device, request() + b"HELP\r\n")
        assert killed(device) == "not a DICOM PDU: it starts with 0x48"
    assert device.asked == ["A-ASSOCIATE-RQ"]


def test_a_command_that_is_none_kills_the_modality() -> None:
    with fragile("modality") as device:
        say(device, request() + pdus.pdu(pdus.P_DATA, value(b"no command set")))
        assert killed(device).startswith("malformed message")


def test_an_abort_and_an_empty_connection_do_not_kill_the_modality() -> None:
    with fragile("modality") as device:
        say(device, pdus.abort())
        say(device, request() + pdus.abort())
        say(device, b"")
        until(lambda: device.connections == 3)
        time.sleep(0.1)
        assert not device.dead


def test_a_stop_while_a_pdu_is_under_way_is_no_death() -> None:
    with fragile("modality") as device:
        talk = reach(device)
        talk.sendall(request()[:50])
        until(lambda: device.received == 50)
    talk.close()
    assert not device.dead


def test_who_comes_while_it_dies_is_neither_served_nor_counted() -> None:
    with fragile("printer") as device:
        device.stopping.set()
        with reach(device) as talk:
            assert talk.recv(1) == b""
    assert device.toll == Toll("printer")


def test_the_first_association_request_breaks_the_glass() -> None:
    with fragile("glass") as device:
        assert say(device, request()) == b""
        assert killed(device) == "an association request"


def test_connect_and_close_does_not_break_the_glass() -> None:
    with fragile("glass") as device:
        for _ in range(2):
            say(device, b"")
            time.sleep(0.5)
        assert not device.dead
    assert device.connections == 2


def test_the_glass_is_a_modality_for_the_rest() -> None:
    with fragile("glass") as device:
        say(device, b"\n")
        assert killed(device) == "not a DICOM PDU: it starts with 0x0a"


def test_the_printer_prints_a_page_for_every_connection_that_says_anything() -> None:
    with fragile("printer") as device:
        for data in (b"GET / HTTP/1.0\r\n\r\n", b"", b"x"):
            assert say(device, data) == b""
        until(lambda: device.connections == 3)
    assert device.toll == Toll("printer", connections=3, peak=device.peak, bytes=19, pages=2)
    assert device.toll.hurt


def test_a_page_is_counted_while_the_connection_is_still_open() -> None:
    with fragile("printer") as device, reach(device) as talk:
        talk.sendall(b"a")
        until(lambda: device.pages == 1)
        talk.sendall(b"b")
        until(lambda: device.received == 2)
        assert device.pages == 1


@pytest.mark.parametrize("name", KINDS)
def test_a_port_that_is_connected_to_and_closed_is_unhurt(name: str) -> None:
    with fragile(name) as device:
        for _ in range(2):
            reach(device).close()
            time.sleep(0.5)
    assert device.toll == Toll(name, connections=2, peak=device.peak)
    assert device.peak <= 1
    assert not device.toll.hurt


def test_the_engine_takes_messages_and_acknowledges_each_by_its_number() -> None:
    with fragile("hl7") as device:
        said = say(device, b"noise" + HELLO + HELLO.replace(b"|77|", b"|78|"))
    assert said.count(b"\x0b") == said.count(b"\x1c\r") == 2
    assert said.index(b"MSA|AA|77\r") < said.index(b"MSA|AA|78\r")
    heard = 5 + 2 * len(HELLO)
    assert device.toll == Toll("hl7", connections=1, peak=device.peak, bytes=heard, messages=2)
    assert device.toll.hurt


def test_a_message_may_come_byte_by_byte() -> None:
    with fragile("hl7") as device, reach(device) as talk:
        talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in HELLO:
            talk.sendall(bytes([byte]))
        assert talk.recv(1000).startswith(b"\x0bMSH|")
    assert device.messages == 1


@pytest.mark.parametrize("data", [b"GET / HTTP/1.0\r\n\r\n", b"\x0bMSH|", b"MSH|no start\x1c\r", b"\x1c\r"])
def test_what_is_no_frame_is_counted_as_bytes_only(data: bytes) -> None:
    with fragile("hl7") as device:
        assert say(device, data) == b""
    assert device.toll == Toll("hl7", connections=1, peak=device.peak, bytes=len(data))
    assert device.toll.hurt


def test_every_event_is_told_in_order() -> None:
    heard: list[Toll] = []
    with Fragile("printer", told=heard.append) as device:
        say(device, b"abc")
    assert heard[0] == Toll("printer", connections=1, peak=device.peak)
    assert heard[-1] == Toll("printer", connections=1, peak=device.peak, bytes=3, pages=1)
    assert [toll.bytes for toll in heard] == sorted(toll.bytes for toll in heard)


def test_a_death_is_told_before_the_port_closes() -> None:
    heard: list[bool] = []

    def hear(toll: Toll) -> None:
        if toll.dead:
            heard.append(device._listener.fileno() != -1)

    with Fragile("modality", told=hear) as device:
        say(device, b"?")
        killed(device)
    assert heard == [True]


def test_a_state_file_is_never_seen_half_written(tmp_path: Path) -> None:
    file = tmp_path / "state"
    write(file, Toll("printer"))
    with Fragile("printer", told=lambda toll: write(file, toll)) as device:
        for number in range(50):
            with reach(device) as talk:
                talk.sendall(b"page")
                while read(file).pages == number:  # while it is written
                    assert not device.stopping.is_set()
    assert read(file) == device.toll
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def command(name: str, address: str, port: int, state: Path) -> list[str]:
    where = ["--bind", address, "--port", str(port), "--state", str(state)]
    return [sys.executable, "-m", "tests.lab.fragile", name, *where]


def test_the_command_keeps_its_state_until_it_is_told_to_stop(tmp_path: Path) -> None:
    state = tmp_path / "modality.json"
    with subprocess.Popen(command("modality", "127.0.0.78", 11178, state), cwd=Path.cwd()) as process:
        try:
            until(lambda: state.exists() and not is_closed("127.0.0.78", 11178), 20)
            with socket.create_connection(("127.0.0.78", 11178)) as talk:
                talk.sendall(b"*1\r\n")
                assert talk.recv(1) == b""
            assert read(state).why == "not a DICOM PDU: it starts with 0x2a"
            until(lambda: is_closed("127.0.0.78", 11178))
            assert process.poll() is None  # dead, and still there to be asked
        finally:
            process.terminate()
        assert process.wait(timeout=5) == 0
    assert read(state).dead


@pytest.mark.lab
def test_half_open_knocks_and_real_tools_do_the_modality_no_harm() -> None:
    with Lab() as lab:
        host = lab.host("modality", "10.77.0.40", "02:77:00:00:00:28")
        state = lab.scratch / "modality.json"
        start(host, command("modality", host.address, 104, state))
        for _ in range(10):
            told = lab.run(["nmap", "-n", "-Pn", "-sS", "-p104", host.address]).stdout
            assert "104/tcp open" in told
        assert read(state) == Toll("modality")
        asked = ["-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=2.25.1"]
        for tool, *options in (["echoscu"], ["findscu", *asked]):
            done = lab.run([f"/usr/bin/{tool}", "-v", *options, host.address, "104"], root=True)
            assert done.returncode == 0, done.stdout + done.stderr
        toll = read(state)
        assert (toll.connections, toll.peak, toll.hurt) == (2, 1, False)


def start(host: Host, argv: list[str]) -> None:
    """From this folder, on that machine."""
    port = int(argv[argv.index("--port") + 1])
    host.start(argv, root=False, env={"PYTHONPATH": str(Path.cwd())}, ready_port=port)
