"""Is a remote-control program known by its first words? Hand-made ones: none of them may be installed here.

The bytes are those of the sources that the probe names; RustDesk's are written from its own definitions.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.remote import ANYDESK, PCANYWHERE, RADMIN, RUSTDESK, Remote
from tests.lab import certificates
from tests.lab.certificates import Tls
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROBE = Remote(listen=0.2, timeout=1.0)
TEAMVIEWER = b"\x17\x24\x0a\x20\x00ABCD\x08\x13\x80" + bytes(5) + b"\x01\0\0\0\x11\x80" + bytes(14)
DAMEWARE = b"\x30\x11\0\0\0\0\0\0\xd7\xa3\x70\x3d\x0a\xd7\x0d\x40" + bytes(24)
RADMIN_3 = b"\x01\0\0\0\x25\x00\x00\x02\x12\x08\x02\x00\x00\x0a" + bytes(32)
RADMIN_2 = b"\x01\0\0\0\x25\x09\x00\x01\x10\x08\x01\x00\x09\x08" + bytes(32)
RADMIN_BARRED = b"\x01\0\0\0\x09\x00\x00\x10\x4f\x2f\x10\0\0\x04\0\0\0\x1c"
PCANYWHERE_SAYS = b"\0X\x08\0}\x08\r\n\0.\x08Please press <Enter>...\r\n"


def frame(message: bytes) -> bytes:
    """RustDesk's bytes_codec.rs, for a message of less than 64 bytes."""
    return bytes([len(message) << 2]) + message


def field(number: int, value: bytes) -> bytes:
    """Protobuf: a field that holds bytes."""
    key = number << 3 | 2
    return (bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])) + bytes([len(value)]) + value


CHALLENGE = frame(field(9, field(1, b"salted") + field(2, b"random")))  # Message.hash
REFUSAL = frame(field(8, field(1, b"Your ip is blocked by the peer")))  # Message.login_response.error
TOLD_PORT = frame(field(21, b"\x08\xd2\x85\x03"))  # RendezvousMessage.test_nat_response


def says(told: bytes, after: int = 0) -> Callable[[Talk], None]:
    """One that speaks, perhaps when it has heard so many bytes, and then waits."""

    def behave(talk: Talk) -> None:
        talk.read(after)
        talk.send(told)
        talk.hold()

    return behave


def at(port: int, address: str, number: int, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Ask a hand-made server as if it stood at the port where such programs are at home."""
    for name, home in {
        "RADMIN": RADMIN,
        "PCANYWHERE": PCANYWHERE,
        "ANYDESK": ANYDESK,
        "RUSTDESK": RUSTDESK,
    }.items():
        monkeypatch.setattr(f"probes.remote.{name}", (number,) if port in home else ())
    return ask(PROBE, address, number)


SPEAKING = [
    (TEAMVIEWER, "TeamViewer"),
    (DAMEWARE, "Dameware Mini Remote Control"),
    (b"SRS:Ready\0", "Splashtop"),
    (CHALLENGE, "RustDesk"),
    (REFUSAL, "RustDesk"),
]


@pytest.mark.parametrize(("told", "product"), SPEAKING)
def test_one_that_speaks_first_is_known_without_a_word_of_ours(told: bytes, product: str) -> None:
    with Peer(says(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts) == (
        "remote-control",
        {"authentication": "unknown", "product": product},
    )
    assert (asked.rules, asked.error) == (["remote-control"], None)
    assert (peer.received, peer.connections) == (0, 1)


WAITING = [
    # the port it stands at, bytes of our question, its answer, product
    (4899, 10, RADMIN_3, "RAdmin 3"),
    (4899, 10, RADMIN_2, "RAdmin 2"),
    (4899, 10, b"\x01\0\0\0\x25" + bytes(41), "RAdmin"),
    (4899, 10, RADMIN_BARRED, "RAdmin"),
    (5631, 4, PCANYWHERE_SAYS, "pcAnywhere"),
    (21115, 4, TOLD_PORT, "RustDesk server"),
    (21116, 4, TOLD_PORT, "RustDesk server"),
]


@pytest.mark.parametrize(("port", "size", "told", "product"), WAITING)
def test_one_that_waits_is_asked_its_own_first_question(
    port: int, size: int, told: bytes, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(says(told, size), fresh_address()) as peer:
        asked = at(port, peer.address, peer.port, monkeypatch)
    assert (asked.facts.get("product"), asked.rules, asked.error) == (product, ["remote-control"], None)
    assert (peer.received, peer.connections) == (size, 1)


def test_our_question_to_rustdesk_is_the_one_its_definitions_say() -> None:
    assert frame(field(20, b"")) == b"\x0c\xa2\x01\0"  # RendezvousMessage.test_nat_request


OTHERS = [
    (4899, 10, b"HTTP/1.1 400 Bad Request\r\n"),
    (4899, 10, b"\x01\0\0\0\x09" + bytes(40)),
    (4899, 10, b"HELLO"),
    (5631, 4, b"Please go away, there is nothing to see here, and never was, I tell you."),
    (21115, 4, b"\x0c\xa2\x01\0"),
    (21115, 4, b"\x1d\xaa\x01\x04"),
]


@pytest.mark.parametrize(("port", "size", "told"), OTHERS)
def test_an_answer_that_is_not_its_own_proves_nothing(
    port: int, size: int, told: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(says(told, size), fresh_address()) as peer:
        asked = at(port, peer.address, peer.port, monkeypatch)
    assert (asked.seen, asked.reason) == ([], Reason.MUTE)


def test_elsewhere_a_silent_one_hears_no_word_of_ours() -> None:
    with Peer(Talk.hold, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason, peer.received) == ([], Reason.MUTE, 0)


SPEAKING_OTHERS = [
    b"SSH-2.0-x\r\n",
    b"220 ready\r\n",
    b"\x17\x03\x03",
    b"\x30\x11\0\0\x01",
    frame(field(10, field(1, b"x"))),
    CHALLENGE[:1] + b"\x4a\x0f\x0a",
    b"\x4b" + CHALLENGE[1:],
    frame(field(9, field(2, b"random"))),
    b"\x00",
]


@pytest.mark.parametrize("told", SPEAKING_OTHERS)
def test_what_is_another_s_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(says(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.seen == []
    assert asked.other is not None
    assert asked.other.opening == told[:16]


@pytest.mark.parametrize("tls", [Tls(), Tls(maximum=ssl.TLSVersion.TLSv1_2), Tls(mutual=True)])
def test_anydesk_is_known_by_its_certificate(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = certificates.make(tmp_path, "AnyDesk Client")
    with Peer(Talk.hold, fresh_address(), tls=tls.context(pair)) as peer:
        asked = at(7070, peer.address, peer.port, monkeypatch)
    assert (asked.protocol, asked.facts["product"]) == ("remote-control", "AnyDesk")
    assert asked.facts["certificate_name"] == "AnyDesk Client"
    assert (asked.rules, asked.error) == (["remote-control"], None)
    assert (peer.received, peer.connections) == (0, 1)


def test_another_s_certificate_is_only_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = certificates.make(tmp_path, "cabinet.test")
    with Peer(Talk.hold, fresh_address(), tls=Tls().context(pair)) as peer:
        asked = at(7070, peer.address, peer.port, monkeypatch)
    assert (asked.protocol, asked.facts, asked.rules) == ("tls", {}, [])


def test_a_handshake_that_ends_without_a_certificate_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(says(b"\x15\x03\x03\0\x02\x02\x28", 5), fresh_address()) as peer:
        asked = at(7070, peer.address, peer.port, monkeypatch)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


def test_one_that_wants_our_certificate_first_stays_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = Tls(maximum=ssl.TLSVersion.TLSv1_2, mutual=True)
    pair = certificates.make(tmp_path, "AnyDesk Client")
    with Peer(Talk.hold, fresh_address(), tls=tls.context(pair)) as peer:
        asked = at(7070, peer.address, peer.port, monkeypatch)
    assert (asked.seen, asked.reason) == ([], Reason.PROTOCOL)


@pytest.mark.parametrize("port", [4899, 5631, 7070, 21115])
def test_a_server_that_floods_is_hung_up_on(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def behave(talk: Talk) -> None:
        talk.read(4)
        try:
            talk.flood(b"\x01" * 60_000, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = at(port, peer.address, peer.port, monkeypatch)
    assert asked.seen == []
    assert asked.error is not None
    assert peer.sent < 5_000_000


def test_from_the_internet_it_is_the_same_rule() -> None:
    target = Target("d", "192.0.2.1", (5938,), Vantage.OUTSIDE)
    told = target.observed("remote", 5938, "remote-control", {"product": "TeamViewer"})
    assert [finding.rule for finding in PROBE.judge(told)] == ["remote-control"]
    assert list(PROBE.judge(target.observed("remote", 5938, "tls", {}))) == []


def test_it_is_asked_where_such_programs_are_at_home_and_where_one_was_heard() -> None:
    ports = (22, 4899, 5938, 6129, 7070, 21117, 40000)
    target = Target("d", "192.0.2.1", ports, spoken={7070: "rtsp", 40000: "remote-control"})
    assert PROBE.wants(target) == (4899, 5938, 6129, 21117, 40000)


@given(st.binary(max_size=200), st.sampled_from([b"", TEAMVIEWER[:2], CHALLENGE, b"\x48\x4a"]))
def test_any_first_words_give_facts_or_a_failure(told: bytes, opening: bytes) -> None:
    asked = canned(PROBE, opening + told, port=5938)
    assert asked.seen or asked.error or asked.other


@given(
    st.binary(max_size=200),
    st.sampled_from(
        [b"", RADMIN_3[:5], RADMIN_BARRED[:5], PCANYWHERE_SAYS[:9], TOLD_PORT[:2], b"\x16\x03\x03"]
    ),
    st.sampled_from([4899, 5631, 7070, 21115]),
)
def test_any_answer_gives_facts_or_a_failure(told: bytes, opening: bytes, port: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netwatch.line.Line.listen", lambda *_: b"")  # it waited for our question
        asked = canned(PROBE, opening + told, port=port)
    assert asked.seen or asked.error
