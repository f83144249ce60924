"""Do the hand-made servers do what their names say? Asked with pynetdicom, of whose code they use none."""

from __future__ import annotations

import random
import socket
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage
from pynetdicom import AE, _config, evt
from pynetdicom.transport import AssociationSocket

from tests.lab.canary import CANARIES, PATIENTS
from tests.lab.pdus import STUDY_ROOT_FIND, VERIFICATION, rejection
from tests.lab.scps import BEHAVIOURS, Scp, Tls, scp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pynetdicom.association import Association

    from tests.lab.pdus import Asked
    from tests.lab.peers import Peer, Talk


@pytest.fixture(autouse=True)
def _tidy_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client would print what it receives, and leave sockets open."""
    monkeypatch.setattr(_config, "LOG_HANDLER_LEVEL", "none")
    monkeypatch.setattr(_config, "LOG_RESPONSE_IDENTIFIERS", False)
    close = AssociationSocket.close

    def close_always(client: AssociationSocket) -> None:
        connection = client.socket
        close(client)
        if connection is not None:
            connection.close()

    # pynetdicom 3.0.4 forgets to, where the server was the first to leave
    monkeypatch.setattr(AssociationSocket, "close", close_always)


def associate(peer: Peer, called: str = "ANY-SCP", patience: float = 2.0, **options: object) -> Association:
    """With all that netwatch proposes."""
    client = AE("NETWATCH")
    client.acse_timeout = client.dimse_timeout = client.network_timeout = patience
    client.connection_timeout = patience
    for syntax in (VERIFICATION, STUDY_ROOT_FIND, SecondaryCaptureImageStorage):
        client.add_requested_context(syntax)
    return client.associate(peer.address, peer.port, ae_title=called, **options)  # type: ignore[arg-type]


def find(association: Association) -> list[int | None]:
    """The statuses of a query for a study that cannot exist; None: no answer."""
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.StudyInstanceUID = f"2.25.{random.getrandbits(128)}"
    answers = association.send_c_find(query, STUDY_ROOT_FIND)
    return [status.Status if "Status" in status else None for status, _ in answers]


def echo(association: Association) -> int | None:
    """The status; None: no answer."""
    status = association.send_c_echo()
    return status.Status if "Status" in status else None


def query(association: Association) -> int | None:
    """The last status of it."""
    return find(association)[-1]


def raw(peer: Peer, sent: bytes = b"", patience: float = 0.5) -> bytes:
    """What a peer says to these bytes, to its end or for so many seconds."""
    said, deadline = b"", time.monotonic() + patience
    with (
        socket.create_connection((peer.address, peer.port)) as connection,
        suppress(TimeoutError, ConnectionResetError),  # a reset is an end too
    ):
        connection.sendall(sent)
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            said += (data := connection.recv(65_536))
            if not data:
                break
    return said


def test_the_open_archive_answers_everything_and_counts() -> None:
    with scp("open_pacs", address="127.0.0.9") as peer:
        association = associate(peer)
        assert echo(association) == 0x0000
        assert find(association) == [0x0000]
        assert len(association.accepted_contexts) == 3
        association.release()
        assert association.is_released
    assert (peer.connections, peer.peak, peer.titles) == (1, 1, [("ANY-SCP", "NETWATCH")])
    assert peer.asked == ["A-ASSOCIATE-RQ", "C-ECHO-RQ", "C-FIND-RQ", "A-RELEASE-RQ"]
    assert peer.received > 200
    assert b"2.25." in peer.datasets[0]


@pytest.mark.parametrize(
    ("name", "codes"),
    [("titles", (1, 1, 7)), ("callers", (1, 1, 3)), ("busy", (2, 3, 1)), ("limit", (2, 3, 2))],
)
def test_a_refusing_server_gives_the_reason_of_its_name(name: str, codes: tuple[int, int, int]) -> None:
    # byte by byte: on a busy machine pynetdicom 3.0.4 sometimes takes a rejection for a lost connection
    with scp(name) as peer:
        assert raw(peer, association_request()) == bytes([3, 0, 0, 0, 0, 4, 0, *codes])
    assert peer.asked == ["A-ASSOCIATE-RQ"]


def test_a_server_that_checks_titles_lets_in_who_knows_its_own() -> None:
    with scp("titles:ARCHIVE") as peer:
        association = associate(peer, called="ARCHIVE")
        assert find(association) == [0x0000]
        association.release()


@pytest.mark.parametrize("code", [0x0122, 0x0124, 0xA700, 0xA900, 0xC001])
def test_a_query_meets_the_status_that_was_chosen(code: int) -> None:
    with scp(f"status:{code:#06x}") as peer:
        association = associate(peer)
        assert echo(association) == 0x0000
        assert find(association) == [code]
        association.release()


def test_the_refusals_that_have_a_name_of_their_own() -> None:
    with scp("refuses_queries") as peer:
        association = associate(peer)
        assert find(association) == [0x0124]
        association.release()
    with scp("echo_status_refused") as peer:
        association = associate(peer)
        assert echo(association) == 0x0122
        association.release()


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("find_not_offered", STUDY_ROOT_FIND),
        ("store_not_offered", SecondaryCaptureImageStorage),
    ],
)
def test_a_context_that_is_not_offered_is_refused_and_the_others_are_not(name: str, syntax: str) -> None:
    with scp(name) as peer:
        association = associate(peer)
        assert [context.abstract_syntax for context in association.rejected_contexts] == [syntax]
        association.release()


def test_the_leaking_server_tells_two_patients_to_whoever_asks() -> None:
    with scp("leaks") as peer:
        association = associate(peer)
        query = Dataset()
        query.QueryRetrieveLevel = "STUDY"
        query.StudyInstanceUID = "2.25.1234"
        told = list(association.send_c_find(query, STUDY_ROOT_FIND))
        association.release()
    assert [status.Status for status, _ in told] == [0xFF00, 0xFF00, 0x0000]
    names = [(str(one.PatientName), one.PatientID, one.PatientBirthDate) for _, one in told if one]
    assert names == list(PATIENTS)
    assert all(any(part in value for part in CANARIES) for patient in PATIENTS for value in patient)


def test_the_other_leaking_server_sends_records_without_stopping() -> None:
    told = 0
    with scp("leaks_at_once") as peer:
        association = associate(peer)
        query = Dataset()
        query.QueryRetrieveLevel = "STUDY"
        for status, _ in association.send_c_find(query, STUDY_ROOT_FIND):
            told += status.Status == 0xFF00
            if told > 100:
                break
        association.abort()
    assert told > 100


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("silent_after_associate", [None]),
        ("silent_after_echo", [0x0000, None]),
        ("silent_on_find", [0x0000, None]),
        ("closes_after_associate", []),
        ("closes_on_echo", [None]),
        ("closes_after_echo", [0x0000]),
        ("closes_on_find", [0x0000, None]),
        ("closes_after_find", [0x0000, 0x0000]),
        ("aborts_after_associate", []),
        ("aborts_after_echo", [0x0000]),
        ("aborts_on_find", [0x0000, None]),
        ("aborts_after_find", [0x0000, 0x0000]),
    ],
)
def test_a_server_goes_as_far_as_its_name_says(name: str, steps: list[int | None]) -> None:
    kinds: list[str] = []

    def note(event: evt.Event) -> None:
        kinds.append(type(event.pdu).__name__)

    with scp(name) as peer:
        handlers = [(evt.EVT_PDU_RECV, note)]
        association = associate(peer, patience=0.5, evt_handlers=handlers)
        assert association.acceptor.primitive is not None  # it was accepted, whatever came next
        for ask, expected in zip((echo, query), steps, strict=False):
            assert ask(association) == expected
        time.sleep(0.2)
        association.abort()
    assert ("A_ABORT_RQ" in kinds) == name.startswith("aborts_"), kinds


@pytest.mark.parametrize("name", ["silent", "printer"])
def test_a_silent_server_takes_what_it_is_sent_and_says_nothing(name: str) -> None:
    with scp(name) as peer:
        assert raw(peer, b"twelve bytes") == b""
    assert (peer.received, peer.sent) == (12, 0)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("garbage", b"\x9f"),
        ("http", b"HTTP/1.1 400 "),
        ("ssh_banner", b"SSH-2.0-"),
        ("aborts_after_connect", b"\x07\x00\x00\x00\x00\x04"),
    ],
)
def test_what_is_not_a_dicom_archive_opens_with_other_words(name: str, start: bytes) -> None:
    with scp(name) as peer:
        assert raw(peer, b"x").startswith(start)


def test_an_ssh_server_speaks_first() -> None:
    with scp("ssh_banner") as peer:
        assert raw(peer).startswith(b"SSH-2.0-")


@pytest.mark.parametrize("name", ["closes_after_connect", "closes_instead_of_associate"])
def test_a_server_that_closes_says_nothing(name: str) -> None:
    request = association_request()
    with scp(name) as peer:
        assert raw(peer, request) == b""
    assert (peer.connections, peer.sent) == (1, 0)


def test_a_dripping_server_sends_one_byte_a_second() -> None:
    with scp("drip") as peer:
        said = raw(peer, association_request(), patience=2.5)
    assert said in {b"\x02\x00\x00", b"\x02\x00"}


def association_request() -> bytes:
    """As the open archive received it from pynetdicom."""
    heard: list[bytes] = []

    def listen(talk: Talk, _: Asked) -> None:
        heard.append(talk.some())
        talk.send(rejection(1, 1, 1))
        talk.end()

    with scp(Scp(connect=listen)) as peer:
        associate(peer)
    return heard[0]


@pytest.mark.parametrize(("name", "most"), [("huge_length", 200_000_000), ("huge_pdv", 200_000_000)])
def test_a_flooding_server_stops_at_a_limit_of_its_own(name: str, most: int) -> None:
    does = BEHAVIOURS[name]
    step = does.associate if name == "huge_length" else does.find
    with scp(Scp(connect=step)) as peer, socket.create_connection((peer.address, peer.port)) as connection:
        header = connection.recv(6, socket.MSG_WAITALL)
        assert header[2:] == b"\xff\xff\xff\xff"
        while connection.recv(1 << 20):
            pass
    assert most <= peer.sent < most + 200_000


def test_connections_at_the_same_moment_are_counted() -> None:
    with scp("one_at_a_time") as peer:
        first, second = (socket.create_connection((peer.address, peer.port)) for _ in range(2))
        time.sleep(0.1)
        first.close()
        second.close()
    assert (peer.connections, peer.peak) == (2, 2)


def test_connections_one_after_the_other_are_never_counted_together() -> None:
    with scp("one_at_a_time") as peer:
        for _ in range(50):
            socket.create_connection((peer.address, peer.port)).close()
        association = associate(peer)
        assert echo(association) == 0x0000
        association.release()
    assert (peer.connections, peer.peak) == (51, 1)


@pytest.fixture
def anonymous() -> ssl.SSLContext:
    """A TLS client that checks nothing and shows nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_a_tls_server_lets_an_anonymous_client_in_and_a_plain_one_not(anonymous: ssl.SSLContext) -> None:
    with scp("tls_only") as peer:
        association = associate(peer, tls_args=(anonymous, None))
        assert find(association) == [0x0000]
        association.release()
        assert not raw(peer, association_request()).startswith(b"\x02")


def test_mutual_tls_asks_for_the_certificate_that_it_knows(anonymous: ssl.SSLContext) -> None:
    with scp("mutual_tls") as peer:
        with (
            socket.create_connection((peer.address, peer.port)) as connection,
            pytest.raises(ssl.SSLError, match="certificate required"),  # in TLS 1.3 only when reading
            anonymous.wrap_socket(connection) as secure,
        ):
            secure.recv(1)
        assert peer.certificate is not None
        anonymous.load_cert_chain(peer.certificate.certificate, peer.certificate.key)
        association = associate(peer, tls_args=(anonymous, None))
        assert echo(association) == 0x0000
        association.release()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_tls_server_speaks_the_version_that_was_chosen(
    anonymous: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    with (
        scp(Scp(tls=Tls(minimum=version, maximum=version))) as peer,
        socket.create_connection((peer.address, peer.port)) as connection,
        anonymous.wrap_socket(connection) as secure,
    ):
        assert secure.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]


def test_a_tls_greeting_to_a_plain_server_is_answered_with_an_abort() -> None:
    with scp("open_pacs") as peer:
        assert raw(peer, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc").startswith(b"\x07")


@pytest.fixture
def command() -> Iterator[subprocess.Popen[bytes]]:
    """The open archive, as a program."""
    argv = [sys.executable, "-m", "tests.lab.scps", "open_pacs", "--bind", "127.0.0.77", "--port", "11177"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_the_command_serves_until_it_is_told_to_stop(command: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.77", 11177)).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    command.terminate()
    assert command.wait(timeout=5) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.77", 11177))
