"""Must a visitor prove who he is first? Hand-made servers here; xrdp and FreeRDP themselves in tests/lab."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import probes.rdp
from netwatch.model import Reason, Target, Vantage
from netwatch.ntlm import NEGOTIATE
from probes.rdp import Rdp
from tests.lab.certificates import Tls, make
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from netwatch.model import Fact
    from tests.lab.interview import Asked

PROBE = Rdp(timeout=1.0)

# FreeRDP 2.11.7's answer to our NEGOTIATE, as it came: a TSRequest with a CHALLENGE. Its version is a lie.
CHALLENGE = bytes.fromhex(
    "30819fa003020106a17430723070a06e046c4e544c4d53535000020000000400040038000000358288e2f065f672246e3eab"
    "0000000000000000300030003c0000000601b11d0000000f56004d000200040056004d000100040056004d00040004007600"
    "6d000300040076006d000700080080cc18fd7d7cdd0100000000a522042050e20cb9a6b0555056d0eb19b6528040cb097f9a"
    "e31c0b5b28bb2a8161e2d869"
)
OLD = bytes.fromhex("0300000b06d00000123400")
NOTHING = {"nla": "unknown", "security": None, "legacy": "unknown"}


@pytest.fixture(autouse=True, scope="module")
def hurry() -> Iterator[None]:
    """Our own servers take connections as fast as they come."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probes.rdp, "SPACING", 0.0)
        yield


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """What a server shows that is called `poste-3`."""
    return Tls().context(make(tmp_path_factory.mktemp("tls"), "poste-3"))


def request(asked: int) -> bytes:
    """All that we may say in clear: no cookie, no name."""
    return bytes.fromhex("030000130ee0000000000001000800") + asked.to_bytes(4, "little")


def answer(kind: int, value: int) -> bytes:
    return bytes.fromhex("030000130ed00000123400") + bytes([kind, 0, 8, 0]) + value.to_bytes(4, "little")


def selects(value: int) -> bytes:
    return answer(2, value)


def fails(value: int) -> bytes:
    return answer(3, value)


@dataclass
class Desktop:
    """A server that answers each request as it was told, then with `credssp` over TLS, and remembers."""

    answers: Mapping[int, bytes]
    tls: ssl.SSLContext | None = None
    credssp: bytes = CHALLENGE
    asked: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    def behave(self, talk: Talk) -> None:
        """One connection."""
        self.times.append(time.monotonic())
        told = talk.read(19)
        asked = int.from_bytes(told[15:], "little")
        self.asked.append(asked)
        assert told == request(asked)
        talk.send(self.answers[asked])
        if self.tls is None or asked != 3:
            self.heard.append(talk.some())
            raise Over
        secure = talk.peer._wrap(talk.connection, self.tls)
        try:
            secure.do_handshake()
            self.heard.append(secure.recv(1000))
            secure.sendall(self.credssp)
            while more := secure.recv(1000):
                self.heard.append(more)
        finally:
            with talk.peer._lock:
                talk.peer._open.discard(secure)
            secure.close()


def asked_of(desktop: Desktop, *, probe: Rdp = PROBE, free: bool = False) -> Asked:
    """What the probe makes of it."""
    with Peer(desktop.behave, fresh_address()) as peer:
        ports = frozenset({peer.port}) if free else frozenset()
        return ask(probe, peer.address, peer.port, target=Target("d", peer.address, (peer.port,), free=ports))


SERVERS = [
    # ask 1, ask 3, ask 0 (None: not to be asked), nla, security, legacy, rules
    (fails(5), selects(2), fails(5), "required", "nla", "refused", []),  # FreeRDP /sec:nla
    (fails(5), selects(2), fails(1), "required", "nla", "refused", []),
    (fails(5), fails(5), fails(5), "required", "nla", "refused", []),  # of a kind that we did not offer
    (selects(1), selects(1), fails(1), "absent", "tls", "refused", ["rdp-no-nla"]),  # /sec:tls, xrdp tls
    (fails(2), None, selects(0), "absent", "rdp", "accepted", ["rdp-legacy-security"]),  # /sec:rdp
    (selects(0), None, None, "absent", "rdp", "accepted", ["rdp-legacy-security"]),  # xrdp rdp
    (selects(1), selects(1), selects(0), "absent", "rdp, tls", "accepted", ["rdp-legacy-security"]),  # xrdp
    (selects(1), selects(2), fails(1), "optional", "tls, nla", "refused", ["rdp-no-nla"]),
    (selects(1), selects(2), selects(0), "optional", "rdp, tls, nla", "accepted", ["rdp-legacy-security"]),
    (fails(5), selects(2), selects(0), "optional", "rdp, nla", "accepted", ["rdp-legacy-security"]),
    (fails(6), fails(6), fails(6), "unknown", None, "refused", []),
    (fails(2), None, fails(2), "unknown", None, "unknown", []),
    (selects(1), OLD, None, "unknown", "tls", "unknown", ["rdp-no-nla"]),
    (selects(1), fails(4), fails(4), "unknown", "tls", "unknown", ["rdp-no-nla"]),
]
HICCUPS: list[tuple[bytes, bytes | None, bytes | None, str, str | None, str, list[str]]] = [
    # the same, of a server that has lost its certificate
    (fails(3), None, fails(3), "unknown", None, "unknown", []),
    (fails(3), None, selects(0), "unknown", "rdp", "accepted", ["rdp-legacy-security"]),
    (selects(1), fails(3), fails(3), "unknown", "tls", "unknown", ["rdp-no-nla"]),
    (fails(5), selects(2), fails(3), "unknown", "nla", "unknown", []),
]


@pytest.mark.parametrize(
    ("first", "second", "third", "nla", "security", "legacy", "rules"), [*SERVERS, *HICCUPS]
)
def test_what_is_selected_decides(  # noqa: PLR0913, PLR0917 - a row of the table
    first: bytes,
    second: bytes | None,
    third: bytes | None,
    nla: str,
    security: str | None,
    legacy: str,
    rules: list[str],
) -> None:
    answers = {asked: told for asked, told in ((1, first), (3, second), (0, third)) if told is not None}
    desktop = Desktop(answers)
    asked = asked_of(desktop)
    assert asked.facts == {"nla": nla, "security": security, "legacy": legacy}
    reason = Reason.BUSY if fails(3) in answers.values() else None
    assert (asked.protocol, asked.rules, asked.reason) == ("rdp", rules, reason)
    assert desktop.asked == list(answers), "one connection to a question, and none too many"


NLA = {1: fails(5), 3: selects(2), 0: fails(5)}


def test_the_certificate_and_the_names_come_with_the_question_for_nla(tls: ssl.SSLContext) -> None:
    desktop = Desktop(NLA, tls)
    with Peer(desktop.behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    facts = asked.facts
    expected: dict[str, Fact] = {
        "nla": "required",
        "certificate_name": "poste-3",
        "certificate_self_signed": True,
        "version": "6.1.7601",
        "netbios_name": "VM",
        "netbios_domain": "VM",
        "dns_name": "vm",
    }
    assert {key: facts[key] for key in expected} == expected
    assert str(facts["certificate_key"]).startswith("sha256:")
    assert peer.connections == 3


def test_nobody_logs_in_and_the_challenge_is_not_answered(tls: ssl.SSLContext) -> None:
    desktop = Desktop(NLA, tls)
    asked_of(desktop)
    [said] = desktop.heard
    assert said.endswith(NEGOTIATE)
    assert len(said) == 57
    assert said[:2] == b"\x30\x37"


def test_freerdp_is_not_windows_7(tls: ssl.SSLContext) -> None:
    assert asked_of(Desktop(NLA, tls)).facts["product"] is None


def test_with_windows_own_port_open_it_is(tls: ssl.SSLContext) -> None:
    with Peer(Desktop(NLA, tls).behave, fresh_address()) as peer:
        target = Target("d", peer.address, (135, peer.port))
        facts = ask(PROBE, peer.address, peer.port, target=target).facts
    assert facts["product"] == "Windows 7 / Server 2008 R2"
    assert str(facts["support_ends"]).startswith("2020-01-14")


def test_a_certificate_is_read_where_there_is_no_nla(tls: ssl.SSLContext) -> None:
    desktop = Desktop({1: selects(1), 3: selects(1), 0: fails(1)}, tls)
    facts = asked_of(desktop).facts
    assert facts["certificate_name"] == "poste-3"
    assert "version" not in facts
    assert desktop.heard == [b""], "whoever does not take NLA is not asked for NTLM"


REFUSALS = [
    b"\x30\x82\xff\xff" + bytes(2000),  # 64 KiB are announced
    b"\x30\x84\xff\xff\xff\xff",  # 4 GiB
    b"\x30\x80" + bytes(100),  # no end
    b"\x02\x01\x05",
    b"\x30\x05\xa4\x03\x02\x01\x05",  # an error
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
]


@pytest.mark.parametrize("told", REFUSALS)
def test_who_does_not_answer_in_credssp_says_nothing_of_himself(tls: ssl.SSLContext, told: bytes) -> None:
    started = time.monotonic()
    asked = asked_of(Desktop(NLA, tls, credssp=told), probe=Rdp(timeout=20.0))
    assert time.monotonic() - started < 10.0, "nobody waits for what a length announces"
    assert (asked.facts["nla"], asked.facts["certificate_name"]) == ("required", "poste-3")
    assert "version" not in asked.facts
    assert asked.error is None


def test_who_is_silent_after_tls_says_nothing_of_himself(tls: ssl.SSLContext) -> None:
    asked = asked_of(Desktop(NLA, tls, credssp=b""))
    assert (asked.facts["nla"], asked.facts["certificate_name"]) == ("required", "poste-3")
    assert ("version" in asked.facts, asked.error) == (False, None)


@pytest.mark.parametrize("end", [Over, None])
def test_who_does_not_speak_tls_after_all_says_nothing_of_himself(end: type[Over] | None) -> None:
    def behave(talk: Talk) -> None:
        asked = talk.read(19)[15]
        talk.send(NLA[asked])
        talk.some()
        if end is not None:
            raise end
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"nla": "required", "security": "nla", "legacy": "refused"}
    assert asked.error is None


def test_a_very_old_server_is_unknown_and_never_safe() -> None:
    desktop = Desktop({1: OLD})
    asked = asked_of(desktop)
    assert (asked.facts, asked.rules, asked.error) == (NOTHING, [], None)
    assert desktop.asked == [1]


def test_where_nobody_expects_it_a_bare_confirmation_is_no_proof() -> None:
    asked = asked_of(Desktop({1: OLD}), free=True)
    assert (asked.seen, asked.reason) == ([], Reason.MUTE)


def test_it_is_found_on_a_port_where_nobody_expects_it() -> None:
    assert asked_of(Desktop(NLA), free=True).facts["nla"] == "required"


OTHERS = [
    b"SSH-2.0-x\r\n",
    b"HTTP/1.1 400 Bad Request\r\n",
    b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x02",  # DICOM's A-ABORT
    bytes.fromhex("0300000b068000001234c0"),  # ISO 8073: not taken
    bytes.fromhex("0300001611d00001000300c0010ac1020100c2020102"),  # a machine controller (ISO on TCP)
    b"\x03\x00\xff\xff\x0e\xd0" + bytes(20),  # 64 KiB are announced
    b"\x03\x00\x00\x00\x0e\xd0" + bytes(20),
    b"\x03\x00\x00\x13\x05\xd0" + bytes(20),  # two lengths that contradict each other
    b"\x03\x01" + bytes(20),
]


@pytest.mark.parametrize("told", OTHERS)
@pytest.mark.parametrize("free", [True, False])
def test_what_is_not_rdp_is_said_to_be_something_else_and_left_alone(told: bytes, *, free: bool) -> None:
    desktop = Desktop({1: told})
    asked = asked_of(desktop, free=free)
    assert asked.other is not None
    assert asked.other.opening
    assert (asked.seen, desktop.asked) == ([], [1])


@pytest.mark.parametrize("told", [b"", b"\x03", b"\x03\x00\x00\x13", selects(1)[:-1]])
def test_a_server_that_stalls_is_a_failure(told: bytes) -> None:
    asked = asked_of(Desktop({1: told}))
    assert (asked.seen, asked.reason) == ([], Reason.TIMEOUT)


@pytest.mark.parametrize("value", [3, 4, 8, 0x01000001])
def test_a_protocol_that_nobody_offered_is_not_believed(value: int) -> None:
    assert asked_of(Desktop({1: selects(value)})).reason is Reason.PROTOCOL
    assert asked_of(Desktop({1: answer(9, 1)})).reason is Reason.PROTOCOL


LATER = [
    (b"", Reason.TIMEOUT),
    (b"SSH-2.0-x\r\n", Reason.PROTOCOL),
    (selects(8), Reason.PROTOCOL),
]


@pytest.mark.parametrize(("told", "reason"), LATER)
def test_what_was_proved_before_a_failure_is_kept(told: bytes, reason: Reason) -> None:
    asked = asked_of(Desktop({1: selects(1), 3: told}))
    assert asked.facts == {"nla": "unknown", "security": "tls", "legacy": "unknown"}
    assert (asked.reason, asked.rules, asked.other) == (reason, ["rdp-no-nla"], None)


def test_nla_is_not_called_required_before_the_old_encryption_was_refused() -> None:
    asked = asked_of(Desktop({**NLA, 0: b""}))
    assert asked.facts == {"nla": "unknown", "security": "nla", "legacy": "unknown"}
    assert (asked.reason, asked.rules) == (Reason.TIMEOUT, [])


def test_an_answer_in_pieces_is_an_answer() -> None:
    def behave(talk: Talk) -> None:
        talk.read(19)
        for part in (selects(0)[:1], selects(0)[1:6], selects(0)[6:]):
            talk.send(part)
            time.sleep(0.02)
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        assert ask(PROBE, peer.address, peer.port).facts["legacy"] == "accepted"


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.read(19)
        talk.send(selects(0))
        try:
            talk.flood(b"\x01" * 65_536, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        assert ask(PROBE, peer.address, peer.port).facts["legacy"] == "accepted"
    assert peer.sent < 5_000_000


def test_two_connections_are_apart_whatever_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes.rdp, "SPACING", 0.2)
    desktop = Desktop(NLA)
    asked_of(desktop)
    assert len(desktop.times) == 3
    assert min(later - sooner for sooner, later in pairwise(desktop.times)) >= 0.2


def seen_from(vantage: Vantage, facts: dict[str, Fact]) -> list[str]:
    told = Target("d", "192.0.2.1", (3389,), vantage).observed("rdp", 3389, "rdp", facts)
    return [finding.rule for finding in PROBE.judge(told)]


def test_from_the_internet_any_desktop_is_a_finding() -> None:
    good: dict[str, Fact] = {"nla": "required", "security": "nla", "legacy": "refused"}
    assert seen_from(Vantage.LAN, good) == []
    assert seen_from(Vantage.OUTSIDE, good) == ["rdp-reachable"]
    assert seen_from(Vantage.OUTSIDE, dict(NOTHING)) == ["rdp-reachable"]
    assert seen_from(Vantage.OUTSIDE, {"security": "tls"}) == ["rdp-no-nla"], "one finding to a door"
    assert seen_from(Vantage.OUTSIDE, {"legacy": "accepted"}) == ["rdp-legacy-security"]


def test_what_another_protocol_says_is_not_judged() -> None:
    told = Target("d", "192.0.2.1", (3389,), Vantage.OUTSIDE).observed("rdp", 3389, "ssh", {})
    assert list(PROBE.judge(told)) == []


def test_it_is_asked_where_it_is_at_home_where_it_was_heard_and_where_nobody_knows() -> None:
    target = Target(
        "d",
        "192.0.2.1",
        (22, 80, 3389, 3390, 3391, 9000),
        spoken={80: "http"},
        before={3390: "rdp"},
        free=frozenset({9000}),
    )
    assert PROBE.wants(target) == (3389, 3390, 9000)


STARTS = [
    b"",
    b"\x03\x00\x00\x13\x0e\xd0",
    OLD,
    *(selects(n) for n in range(3)),
    *(fails(n) for n in (1, 2, 5)),
]


@given(st.lists(st.builds(bytes.__add__, st.sampled_from(STARTS), st.binary(max_size=80)), max_size=3))
def test_any_bytes_give_facts_or_a_failure(told: list[bytes]) -> None:
    asked = canned(PROBE, *told, port=3389)
    assert asked.seen or asked.error or asked.other
    for said, number in zip(asked.sent, (1, 3, 0), strict=False):
        assert said[:15] == request(number)[:15]
