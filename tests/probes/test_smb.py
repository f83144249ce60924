"""Which ages of file sharing does a server speak? Hand-made servers here; Samba and impacket in tests/lab."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Fact, Reason, Target, Vantage
from netwatch.smb2 import MORE_PROCESSING, little, number
from probes.smb import Smb
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

PROBE = Smb(timeout=1.0)
MODERN = (0x0202, 0x0210, 0x0300, 0x0302, 0x0311)
NOT_SUPPORTED = 0xC000_00BB
LOGIN = b"NTLMSSP\0\x03"  # what must never be sent


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def modern(command: int, body: bytes, status: int = 0) -> bytes:
    head = b"\xfeSMB" + little(64, 2) + bytes(2) + little(status, 4) + little(command, 2) + bytes(50)
    return framed(head + body)


def old(command: int, words: bytes, content: bytes = b"", status: int = 0, flags2: int = 0xC801) -> bytes:
    head = b"\xffSMB" + bytes([command]) + little(status, 4) + b"\x98" + little(flags2, 2) + bytes(20)
    return framed(head + bytes([len(words) // 2]) + words + little(len(content), 2) + content)


def challenge(version: tuple[int, int, int] = (10, 0, 17763)) -> bytes:
    names = b"".join(
        struct.pack("<HH", what, 2 * len(name)) + name.encode("utf-16-le")
        for what, name in ((2, "CABINET"), (1, "ACCUEIL"), (3, "accueil.cabinet.local"), (0, ""))
    )
    head = b"NTLMSSP\0" + little(2, 4) + bytes(8) + little(0xE28A_8215, 4) + bytes(16)
    head += little(len(names), 2) * 2 + little(56, 4)
    return head + struct.pack("<BBH", *version) + b"\0\0\0\x0f" + names


def chose_old(mode: int = 3, flags2: int = 0xC801) -> bytes:
    words = little(0, 2) + bytes([mode]) + bytes(31)
    return old(0x72, words, bytes(16), flags2=flags2)


REFUSED_OLD = old(0x72, little(0xFFFF, 2))


@dataclass
class Server:
    """What it takes, and what it does to others; `heard`: every message that came."""

    dialects: tuple[int, ...] = MODERN
    mode: int = 1
    smb1: bytes = REFUSED_OLD  # its whole answer; nothing: it hangs up
    version: tuple[int, int, int] = (10, 0, 17763)
    session: bool = False  # NetBIOS around it
    silent: frozenset[str] = frozenset()  # the kinds of message that it never answers
    ntlm: bool = True
    polite: bool = True  # it says that it takes none of the dialects, and does not hang up
    heard: list[bytes] = field(default_factory=list)

    def __call__(self, talk: Talk) -> None:
        if self.session:
            assert talk.read(0x48)[0] == 0x81
            talk.send(b"\x82\0\0\0")
        while True:
            message = talk.read(int.from_bytes(talk.read(4), "big"))
            self.heard.append(message)
            self._answer(talk, message)

    def _answer(self, talk: Talk, message: bytes) -> None:
        kind = "smb1" if message[:4] == b"\xffSMB" else "smb2"
        if kind in self.silent:
            talk.hold()
        if kind == "smb1" and message[4] == 0x73:
            talk.send(old(0x73, bytes(8), challenge(self.version), MORE_PROCESSING))
        elif kind == "smb1":
            if not self.smb1:
                raise Over
            talk.send(self.smb1)
        elif number(message, 12, 2) == 1:
            if not self.ntlm:
                raise Over
            token = challenge(self.version)
            body = little(9, 2) + bytes(2) + little(72, 2) + little(len(token), 2) + token
            talk.send(modern(1, body, MORE_PROCESSING))
        else:
            self._negotiate(talk, message)

    def _negotiate(self, talk: Talk, message: bytes) -> None:
        if not self.dialects:
            raise Over
        offered = {number(message, 100 + 2 * n, 2) for n in range(number(message, 66, 2))}
        taken = offered & set(self.dialects)
        if not taken and not self.polite:
            raise Over
        if not taken:
            talk.send(modern(0, little(9, 2) + bytes(7), NOT_SUPPORTED))
            return
        talk.send(modern(0, little(65, 2) + little(self.mode, 2) + little(max(taken), 2) + bytes(58)))


def asked(server: Server, probe: Smb = PROBE) -> Asked:
    with Peer(server, fresh_address()) as peer:
        found = ask(probe, peer.address, peer.port)
    assert peer.peak == 1
    assert peer.connections <= 6
    assert not any(LOGIN in message for message in server.heard)
    return found


def told(server: Server, *keys: str) -> tuple[Fact, ...]:
    facts = asked(server).facts
    return tuple(facts.get(key) for key in keys)


ALL = "2.0.2, 2.1, 3.0, 3.0.2, 3.1.1"
SERVERS = [
    # the server, then smb1, dialects, signing, and the rules
    (Server(), ("off", ALL, "enabled"), []),
    (Server(mode=3), ("off", ALL, "required"), []),
    (Server(mode=0), ("off", ALL, "disabled"), []),
    (Server(smb1=b""), ("off", ALL, "enabled"), []),
    (Server(smb1=old(0x72, b"", status=NOT_SUPPORTED)), ("off", ALL, "enabled"), []),
    (Server(smb1=modern(0, bytes(65))), ("off", ALL, "enabled"), []),
    (Server((0x0202, 0x0210), smb1=chose_old()), ("on", "2.0.2, 2.1", "enabled"), ["smb-smb1"]),
    (Server((0x0311,), mode=3), ("off", "3.1.1", "required"), []),
    (Server((0x0300, 0x0311)), ("off", "3.0, 3.1.1", "enabled"), []),
    (Server((0x0210, 0x0311), polite=False), ("off", "2.1, 3.1.1", "enabled"), []),
    (Server((), smb1=chose_old(0x03)), ("on", "none", "disabled"), ["smb-smb1"]),
    (Server((), smb1=chose_old(0x07)), ("on", "none", "enabled"), ["smb-smb1"]),
    (Server((), smb1=chose_old(0x0F)), ("on", "none", "required"), ["smb-smb1"]),
    (Server((0x9999,), smb1=chose_old()), ("on", "none", "disabled"), ["smb-smb1"]),
]


@pytest.mark.parametrize(("server", "facts", "rules"), SERVERS)
def test_what_a_server_speaks_is_told(server: Server, facts: tuple[str, ...], rules: list[str]) -> None:
    found = asked(server)
    assert tuple(found.facts[key] for key in ("smb1", "dialects", "signing")) == facts
    assert (found.protocol, found.rules, found.error) == ("smb", rules, None)


def test_smb1_is_asked_alone_and_once() -> None:
    server = Server()
    asked(server)
    [message] = [m for m in server.heard if m[:4] == b"\xffSMB"]
    assert message[32:] == b"\0" + little(12, 2) + b"\x02NT LM 0.12\0"


def test_a_server_of_two_dialects_is_asked_three_times_and_once_for_smb1() -> None:
    server = Server((0x0202, 0x0210))
    with Peer(server, fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert peer.connections == 4


def test_a_dialect_that_was_not_offered_is_not_taken_for_an_answer() -> None:
    class Stubborn(Server):
        """As impacket's: 2.0.2, whatever it is asked."""

        def _negotiate(self, talk: Talk, message: bytes) -> None:  # noqa: ARG002
            talk.send(modern(0, little(65, 2) + little(1, 2) + little(0x0202, 2) + bytes(58)))

    assert told(Stubborn(), "dialects", "smb1") == ("2.0.2", "off")


def test_the_challenge_tells_the_version_and_the_names() -> None:
    found = asked(Server()).facts
    assert found["version"] == "10.0.17763"
    assert "2019" in str(found["product"])
    assert (found["netbios_name"], found["netbios_domain"]) == ("ACCUEIL", "CABINET")


def test_of_a_login_only_the_first_message_is_sent_and_that_once() -> None:
    server = Server(smb1=chose_old())
    asked(server)
    begun = [m for m in server.heard if b"NTLMSSP\0" in m]
    assert len(begun) == 1
    assert b"NTLMSSP\0\x01\0\0\0" in begun[0]
    assert {number(m, 12, 2) for m in server.heard if m[:4] == b"\xfeSMB"} == {0, 1}


def test_samba_is_not_windows_7_and_windows_7_needs_to_stop_at_2_1() -> None:
    old_windows = Server((0x0202, 0x0210), version=(6, 1, 7601))
    assert told(old_windows, "product") == ("Windows 7 / Server 2008 R2",)
    pretender = Server(version=(6, 1, 7601))
    assert told(pretender, "product") == (None,)
    assert "support_ends" not in asked(pretender).facts
    assert told(Server((0x0202, 0x0210), version=(6, 1, 0)), "product") == ("Samba",)


def test_one_that_speaks_smb1_alone_tells_its_version_there() -> None:
    server = Server((), smb1=chose_old(), version=(5, 1, 2600))
    assert told(server, "version", "product") == ("5.1.2600", "Windows XP")
    asked_for = [m for m in server.heard if m[:5] == b"\xffSMB\x73"]
    assert len(asked_for) == 1
    assert number(asked_for[0], 32 + 1 + 8, 2) == 1  # a virtual circuit of 0 would end all others


def test_one_that_knows_no_extended_security_is_not_asked_for_its_version() -> None:
    server = Server((), smb1=chose_old(flags2=0xC001))
    assert told(server, "smb1", "version") == ("on", None)
    assert not any(m[4] == 0x73 for m in server.heard)


def test_one_that_tells_no_version_is_known_all_the_same() -> None:
    found = asked(Server(ntlm=False))
    assert (found.facts["dialects"], found.facts.get("version"), found.error) == (ALL, None, None)


def test_smb1_that_does_not_answer_is_unknown_and_a_failure() -> None:
    found = asked(Server(silent=frozenset({"smb1"})), Smb(timeout=0.5))
    assert (found.facts["smb1"], found.facts["dialects"]) == ("unknown", ALL)
    assert (found.reason, found.rules) == (Reason.TIMEOUT, [])


def test_smb1_is_found_where_newer_questions_meet_silence() -> None:
    found = asked(Server(smb1=chose_old(), silent=frozenset({"smb2"})), Smb(timeout=0.5))
    assert (found.facts["smb1"], found.facts["dialects"]) == ("on", None)
    assert (found.reason, found.rules) == (Reason.TIMEOUT, ["smb-smb1"])


def test_one_that_hangs_up_on_everything_has_no_smb1_that_is_off() -> None:
    found = asked(Server((), smb1=b""))
    assert (found.seen, found.reason) == ([], Reason.CLOSED)


def test_a_choice_that_cannot_be_is_a_failure_and_not_on() -> None:
    found = asked(Server(smb1=old(0x72, little(7, 2) + bytes(32))))
    assert (found.facts["smb1"], found.reason) == ("unknown", Reason.PROTOCOL)


@pytest.mark.parametrize("good", [1, 2, 3])
def test_what_was_proved_is_kept_when_later_answers_are_something_else(good: int) -> None:
    page = b"HTTP/1.1 400 Bad Request\r\n"
    newest, oldest = (
        modern(0, little(65, 2) + little(1, 2) + little(dialect, 2) + bytes(58))
        for dialect in (0x0311, 0x0202)
    )
    answers = [newest + page, oldest, modern(0, bytes(9), NOT_SUPPORTED)][:good]
    found = canned(PROBE, *answers, page, page)
    assert found.facts["dialects"] == ("3.1.1" if good == 1 else "2.0.2, 3.1.1")
    assert (found.facts["smb1"], found.other, found.reason) == ("unknown", None, Reason.PROTOCOL)


@pytest.mark.parametrize(
    "says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-dropbear\r\n", b"\0\0\0\x04ok!\n"]
)
def test_what_is_no_smb_is_handed_on_after_one_connection(says: bytes) -> None:
    with Peer(lambda talk: talk.send(says), fresh_address()) as peer:
        found = ask(PROBE, peer.address, peer.port)
    assert found.other is not None
    assert found.other.opening == says[:16]
    assert (found.seen, peer.connections) == ([], 1)


def test_a_server_that_stalls_costs_two_connections() -> None:
    with Peer(lambda talk: talk.hold(), fresh_address()) as peer:
        found = ask(Smb(timeout=0.5), peer.address, peer.port)
    assert (found.seen, found.reason, peer.connections) == ([], Reason.TIMEOUT, 2)


def test_a_server_that_announces_a_flood_is_not_waited_for() -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        try:
            talk.send(b"\0\xff\xff\xff\xfeSMB")
            talk.flood(bytes(65_536), 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        found = ask(PROBE, peer.address, peer.port)
    assert (found.seen, found.reason) == ([], Reason.LIMIT)
    assert peer.sent < 5_000_000


def netbios(
    server: Server, *, open_ports: tuple[int, ...], vantage: Vantage = Vantage.LAN
) -> tuple[Asked, int]:
    """Asked on 139, and how many connections that took."""
    with Peer(server, fresh_address(), 139) as peer:
        target = Target("d", peer.address, open_ports, vantage)
        return ask(PROBE, peer.address, 139, target=target), peer.connections


def test_on_139_a_netbios_session_comes_first() -> None:
    found, connections = netbios(Server(session=True, smb1=chose_old()), open_ports=(139,))
    assert (found.facts["smb1"], found.facts["dialects"], connections) == ("on", ALL, 6)


@pytest.mark.parametrize("dialects", [MODERN, ()])
def test_a_server_that_is_out_of_breath_has_not_turned_smb1_off(dialects: tuple[int, ...]) -> None:
    found = asked(Server(dialects, smb1=old(0x72, b"", status=0xC000_0205)))
    assert (found.facts["smb1"], found.rules, found.reason) == (
        "unknown",
        [],
        Reason.BUSY if dialects else Reason.CLOSED,
    )
    assert dialects or found.facts["dialects"] is None


def test_an_answer_in_smb2_that_is_an_error_is_no_refusal_either() -> None:
    found = asked(Server(smb1=modern(0, bytes(8), 0xC000_0205)))
    assert (found.facts["smb1"], found.reason) == ("unknown", Reason.BUSY)
    assert told(Server(smb1=modern(0, bytes(8), NOT_SUPPORTED)), "smb1") == ("off",)


def test_139_beside_445_is_the_same_server_and_only_opened() -> None:
    server = Server(session=True, smb1=chose_old())
    found, connections = netbios(server, open_ports=(139, 445))
    assert (found.protocol, found.facts, found.rules, connections) == ("smb", {"smb1": None}, [], 1)
    assert server.heard == []


def test_seen_from_outside_139_may_be_another_machine_than_445() -> None:
    server = Server(session=True)
    found, _ = netbios(server, open_ports=(139, 445), vantage=Vantage.OUTSIDE)
    assert (found.facts["dialects"], found.rules) == (ALL, ["smb-reachable"])


def test_a_refused_netbios_session_is_a_failure() -> None:
    with Peer(lambda talk: (talk.read(0x48), talk.send(b"\x83\0\0\x01\x82")), fresh_address(), 139) as peer:  # type: ignore[arg-type, func-returns-value]
        found = ask(PROBE, peer.address, 139)
    assert (found.seen, found.reason, peer.connections) == ([], Reason.BUSY, 1)


def test_it_is_asked_where_it_is_at_home_and_445_first() -> None:
    target = Target("d", "192.0.2.1", (80, 139, 445, 4455, 5555), spoken={4455: "smb", 80: "http"})
    assert PROBE.wants(target) == (445, 139, 4455)
    assert PROBE.wants(Target("d", "192.0.2.1", (445,), spoken={445: "http"})) == ()
    assert PROBE.wants(Target("d", "192.0.2.1", (8445,), free=frozenset({8445}))) == ()


@pytest.mark.parametrize(
    ("facts", "rules"),
    [({"smb1": "on"}, ["smb-smb1"]), ({"smb1": "off"}, ["smb-reachable"]), ({}, ["smb-reachable"])],
)
def test_from_the_internet_any_file_sharing_is_one_finding(facts: dict[str, Fact], rules: list[str]) -> None:
    seen = Target("d", "192.0.2.1", (445,), Vantage.OUTSIDE).observed("smb", 445, "smb", facts)
    assert [finding.rule for finding in PROBE.judge(seen)] == rules


def test_another_protocol_is_no_finding_of_this_probe() -> None:
    seen = Target("d", "192.0.2.1", (445,), Vantage.OUTSIDE).observed("smb", 445, "http", {"smb1": "on"})
    assert list(PROBE.judge(seen)) == []


CHOSE = modern(0, little(65, 2) + little(1, 2) + little(0x0302, 2) + bytes(58))
BEFORE = st.sampled_from(
    [b"", b"\0\0\0\x80\xfeSMB", CHOSE, CHOSE[:75], chose_old(), chose_old()[:50], REFUSED_OLD]
)


@given(st.lists(st.tuples(BEFORE, st.binary(max_size=200)), min_size=1, max_size=7))
def test_any_bytes_give_facts_or_a_failure(says: list[tuple[bytes, bytes]]) -> None:
    found = canned(PROBE, *(before + rest for before, rest in says))
    assert found.seen or found.error or found.other
    assert not any(LOGIN in sent for sent in found.sent)


@given(st.binary(max_size=200))
def test_any_challenge_gives_facts(rest: bytes) -> None:
    begun = modern(1, rest, MORE_PROCESSING) + modern(1, b"NTLMSSP\0\x02\0\0\0" + rest, MORE_PROCESSING)
    found = canned(PROBE, CHOSE + begun, *[modern(0, bytes(9), NOT_SUPPORTED)] * 2, REFUSED_OLD)
    assert (found.facts["dialects"], found.error) == ("3.0.2", None)
