"""Does a stranger find an open share? Hand-made servers here; Samba and impacket themselves in tests/lab."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.model import Fact, Reason, Target
from netwatch.smb2 import MORE_PROCESSING, PENDING, little, number
from probes.smb_guest import EMPTY_PASSWORD, SmbGuest
from tests.lab.interview import Asked, ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

PROBE = SmbGuest(timeout=1.0)
DENIED, FAILED, NO_SUCH_SHARE, ODD = 0xC000_0022, 0xC000_006D, 0xC000_00CC, 0xC000_0205
CHALLENGE_OF_8 = b"12345678"
TARGET = little(2, 2) + little(4, 2) + "AB".encode("utf-16-le") + bytes(4)
DISKS = (("images", 0, "Jean DUPONT"), ("scans", 0, ""))
FILE = b"0123456789abcdef"


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def said(command: int, body: bytes, status: int = 0) -> bytes:
    head = b"\xfeSMB" + little(64, 2) + bytes(2) + little(status, 4) + little(command, 2) + bytes(26)
    return framed(head + little(77, 8) + bytes(16) + body)


def text(name: str) -> bytes:
    letters = name.encode("utf-16-le") + bytes(2)
    half = little(len(letters) // 2, 4)
    return half + bytes(4) + half + letters + bytes(-len(letters) % 4)


def listed(shares: tuple[tuple[str, int, str], ...], status: int = 0) -> bytes:
    """NetrShareEnum's answer in NDR: rows of pointers first, then the texts."""
    rows = b"".join(little(0x20004, 4) + little(kind, 4) + little(0x20008, 4) for _, kind, _ in shares)
    texts = b"".join(text(name) + text(remark) for name, _, remark in shares)
    head = little(1, 4) * 2 + little(0x20000, 4) + little(len(shares), 4) + little(0x20004, 4)
    return (
        head + little(len(shares), 4) + rows + texts + little(len(shares), 4) + bytes(4) + little(status, 4)
    )


def pdu(kind: int, rest: bytes, flags: int = 3) -> bytes:
    return (
        bytes([5, 0, kind, flags, 0x10, 0, 0, 0]) + little(16 + len(rest), 2) + bytes(2) + little(1, 4) + rest
    )


@dataclass
class Server:
    """Whom it lets in (`nobody`, `guest`: a status each), what it shows, and which shares open to whom."""

    nobody: int = 0
    guest: int = FAILED
    shares: tuple[tuple[str, int, str], ...] = DISKS
    shows: frozenset[str] = frozenset({"nobody", "guest"})
    opens: frozenset[tuple[str, str]] = frozenset()  # (who, share)
    ipc: int = 0
    pipe: int = 0
    begin: int = MORE_PROCESSING
    list_status: int = 0
    fault: bool = False
    pieces: int = 0  # bytes of one fragment; 0: all in one
    access: int = 0x001F_01FF
    closed: int = DENIED  # what it says of a share that does not open
    heard: list[bytes] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    entered: list[str] = field(default_factory=list)

    def __call__(self, talk: Talk) -> None:
        who, later = "", list[bytes]()
        while True:
            message = talk.read(int.from_bytes(talk.read(4), "big"))
            self.heard.append(message)
            command, body = number(message, 12, 2), message[64:]
            if command == 0:
                talk.send(said(0, little(65, 2) + little(1, 2) + little(0x0311, 2) + bytes(58)))
            elif command == 1 and b"NTLMSSP\0\x03" in message:
                who = self._login(message[message.index(b"NTLMSSP\0\x03") :])
                status = self.nobody if who == "nobody" else self.guest
                talk.send(said(1, bytes(9), PENDING) + said(1, little(9, 2) + bytes(6), status))
            elif command == 1:
                talk.send(said(1, little(9, 2) + bytes(6) + self._challenge(), self.begin))
            elif command == 3:
                talk.send(said(3, *self._tree(who, body)))
            elif command == 5:
                talk.send(said(5, bytes(64) + FILE, self.pipe if who in self.shows else DENIED))
            elif command == 11:
                later = self._called(body)
                talk.send(self._piece(11, later.pop(0)))
            elif command == 8:
                talk.send(self._piece(8, later.pop(0)))
            else:
                raise Over

    def _challenge(self) -> bytes:
        head = b"NTLMSSP\0" + little(2, 4) + bytes(8) + little(0x8289_8205, 4) + CHALLENGE_OF_8 + bytes(8)
        return head + little(len(TARGET), 2) * 2 + little(48, 4) + TARGET

    def _login(self, token: bytes) -> str:
        """As a server checks it: nobody brings no proof, and the other proves an empty password."""
        fields = [
            token[number(token, at + 4, 4) :][: number(token, at, 2)] for at in (12, 20, 28, 36, 44, 52)
        ]
        _, proof, domain, name, station, _ = fields
        assert domain == station == b""
        self.users.append(name.decode("utf-16-le"))
        if not name:
            assert proof == b""
            assert number(token, 60, 4) & 0x800
            return "nobody"
        key = hmac.digest(EMPTY_PASSWORD, name.decode("utf-16-le").upper().encode("utf-16-le"), "md5")
        assert proof[:16] == hmac.digest(key, CHALLENGE_OF_8 + proof[16:], "md5")
        assert TARGET in proof
        return "guest"

    def _tree(self, who: str, body: bytes) -> tuple[bytes, int]:
        path = body[8:].decode("utf-16-le").split("\\")
        assert path[:2] == ["", ""]
        assert path[2].startswith("127.")
        share = path[3]
        if share == "IPC$":
            return little(16, 2) + b"\x02" + bytes(9) + little(0x1F01FF, 4), self.ipc
        self.entered.append(share)
        return little(16, 2) + b"\x01" + bytes(9) + little(self.access, 4), (
            0 if (who, share) in self.opens else self.closed
        )

    def _called(self, body: bytes) -> list[bytes]:
        assert number(body, 4, 4) == 0x0011_C017
        assert body[8:24] == FILE
        told = body[number(body, 24, 4) - 64 :][: number(body, 28, 4)]
        if told[2] == 11:
            return [pdu(12, bytes(44))]
        assert number(told, 22, 2) == 15
        if self.fault:
            return [pdu(3, bytes(8) + little(5, 4) + bytes(4))]
        stub = listed(self.shares, self.list_status)
        size = self.pieces or len(stub)
        parts = [stub[at : at + size] for at in range(0, len(stub), size)]
        last = len(parts) - 1
        return [pdu(2, bytes(8) + part, 2 if at == last else 0) for at, part in enumerate(parts)]

    def _piece(self, command: int, part: bytes) -> bytes:
        if command == 8:
            return said(8, little(17, 2) + bytes([80, 0]) + little(len(part), 4) + bytes(8) + part)
        head = little(49, 2) + bytes(30) + little(64 + 48, 4) + little(len(part), 4) + bytes(8)
        return said(11, head + part)


def asked(server: Server) -> Asked:
    with Peer(server, fresh_address()) as peer:
        return ask(PROBE, peer.address, peer.port, profile="audit")


OPEN = frozenset({("nobody", "images"), ("guest", "images")})
GUESTS = frozenset({("guest", "scans")})
SERVERS = [
    # the server; guest, session, shares, share_opens; how many users came
    (Server(opens=OPEN), ("allowed", "anonymous", 2, True), 1),
    (Server(), ("allowed", "anonymous", 2, False), 2),
    (Server(shares=()), ("allowed", "anonymous", 0, False), 2),
    (Server(nobody=DENIED), ("refused", None, None, False), 2),
    (Server(nobody=FAILED, guest=0, opens=GUESTS), ("allowed", "guest", 2, True), 2),
    (Server(guest=0, opens=GUESTS), ("allowed", "guest", 2, True), 2),
    (Server(guest=0, shows=frozenset({"nobody"})), ("allowed", "anonymous", 2, False), 2),
    (Server(guest=0, shows=frozenset()), ("allowed", "guest", None, None), 2),
    (Server(shows=frozenset()), ("refused", None, None, False), 2),
    (Server(ipc=DENIED), ("refused", None, None, False), 2),
    (Server(ipc=NO_SUCH_SHARE), ("refused", None, None, False), 2),
    (Server(pipe=DENIED), ("refused", None, None, False), 2),
    (Server(fault=True), ("refused", None, None, False), 2),
    (Server(list_status=5), ("refused", None, None, False), 2),
    (Server(opens=OPEN, pieces=40), ("allowed", "anonymous", 2, True), 1),
    (Server(opens=OPEN, access=0x0010_0080), ("allowed", "anonymous", 2, False), 2),
    (Server(begin=DENIED), ("refused", None, None, False), 0),
]


@pytest.mark.parametrize(("server", "facts", "visitors"), SERVERS)
def test_what_a_stranger_is_given_is_told(server: Server, facts: tuple[Fact, ...], visitors: int) -> None:
    found = asked(server)
    keys = ("guest", "session", "shares", "share_opens")
    assert (tuple(found.facts[key] for key in keys), found.error) == (facts, None)
    assert found.rules == ["smb_guest-shares-open"] * (facts[-1] is True)
    assert len(server.users) == visitors


def test_nobody_comes_first_and_then_a_name_that_says_who_we_are() -> None:
    server = Server(nobody=DENIED)
    asked(server)
    assert server.users[0] == ""
    assert server.users[1].startswith("netwatch-")
    assert len(server.users[1]) == len("netwatch-") + 8


def test_the_made_up_name_is_another_one_each_time() -> None:
    server = Server(nobody=DENIED)
    asked(server)
    asked(server)
    assert len(set(server.users)) == 3


def test_at_the_first_share_that_opens_we_turn_round_and_no_file_is_asked_for() -> None:
    server = Server(opens=OPEN)
    asked(server)
    assert server.entered == ["images"]
    assert [number(message, 12, 2) for message in server.heard] == [0, 1, 1, 3, 5, 11, 11, 3]
    [created] = [message for message in server.heard if number(message, 12, 2) == 5]
    assert "srvsvc".encode("utf-16-le") in created


def test_only_disks_are_counted_and_knocked_at() -> None:
    printer, ipc, admin = ("copieur", 1, ""), ("IPC$", 3, ""), ("C$", 0x8000_0000, "")
    server = Server(shares=(*DISKS, printer, ipc, admin, ("IPC$", 0, ""), ("sauve$", 0, "")))
    found = asked(server).facts
    assert (found["shares"], found["share_names"]) == (3, "images, scans, sauve$")
    assert set(server.entered) == {"images", "scans", "sauve$"}


def test_a_name_that_looks_like_a_person_is_counted_and_not_kept_and_no_remark_is() -> None:
    found = asked(Server(shares=(*DISKS, ("DUPONT Jean", 0, "né le 01/02/1950"), ("dossiers 2024", 0, ""))))
    assert (found.facts["shares"], found.facts["share_names"]) == (4, "images, scans, +2")
    assert "DUPONT" not in repr(found.seen)


def test_names_are_few_and_short_and_a_comma_in_one_is_no_second() -> None:
    many = tuple((f"partage, numero {number}", 0, "") for number in range(300))
    server = Server(shares=many)
    found = asked(server).facts
    assert found["shares"] == 300
    names = str(found["share_names"])
    assert len(names) <= 180
    assert names.split(", ")[:2] == ["partage  numero 0", "partage  numero 1"]
    assert len(server.entered) == 20  # and by nobody only: the made-up name was refused


def test_what_is_neither_yes_nor_no_is_unknown() -> None:
    found = asked(Server(nobody=ODD))
    assert (found.seen, found.reason) == ([], Reason.PROTOCOL)


def test_a_refused_visitor_and_one_that_is_never_answered_are_unknown() -> None:
    server = Server(nobody=DENIED, guest=ODD)
    found = asked(server)
    assert (found.seen, found.reason) == ([], Reason.PROTOCOL)


def test_what_a_guest_was_given_is_kept_when_the_rest_fails() -> None:
    found = asked(Server(nobody=DENIED, guest=0, pipe=ODD))
    assert (found.facts["guest"], found.facts["shares"]) == ("allowed", None)
    assert (found.reason, found.rules) == (Reason.PROTOCOL, [])


def test_a_share_that_does_not_open_just_now_is_not_a_closed_one() -> None:
    found = asked(Server(closed=ODD))
    assert (found.facts["guest"], found.facts["shares"], found.facts["share_opens"]) == ("allowed", 2, None)
    assert (found.reason, found.rules) == (Reason.PROTOCOL, [])


def test_where_the_second_visitor_is_never_answered_no_share_is_called_closed() -> None:
    found = asked(Server(guest=ODD))
    assert (found.facts["guest"], found.facts["share_opens"], found.reason) == (
        "allowed",
        None,
        Reason.PROTOCOL,
    )


def test_fragments_without_end_are_left() -> None:
    found = asked(Server(pieces=2))
    assert (found.seen, found.reason) == ([], Reason.LIMIT)


def test_without_an_audit_nothing_is_sent() -> None:
    server = Server(opens=OPEN)
    with Peer(server, fresh_address()) as peer, pytest.raises(ScopeError):
        ask(PROBE, peer.address, peer.port)
    assert (peer.connections, server.heard) == (0, [])


def test_a_medical_device_is_not_audited() -> None:
    with Peer(Server(), fresh_address()) as peer, pytest.raises(ScopeError):
        ask(PROBE, peer.address, peer.port, profile="audit", is_a="medical")
    assert peer.connections == 0


def test_a_server_of_smb1_alone_is_unknown() -> None:
    def behave(talk: Talk) -> None:
        talk.some()

    with Peer(behave, fresh_address()) as peer:
        found = ask(PROBE, peer.address, peer.port, profile="audit")
    assert (found.seen, found.reason, peer.connections) == ([], Reason.CLOSED, 1)


def test_what_is_no_smb_is_handed_on() -> None:
    with Peer(lambda talk: talk.send(b"SSH-2.0-OpenSSH_9.2\r\n"), fresh_address()) as peer:
        found = ask(PROBE, peer.address, peer.port, profile="audit")
    assert (found.seen, found.other is not None, peer.connections) == ([], True, 1)


def test_a_server_that_stalls_is_asked_once() -> None:
    with Peer(lambda talk: talk.hold(), fresh_address()) as peer:
        found = ask(SmbGuest(timeout=0.5), peer.address, peer.port, profile="audit")
    assert (found.seen, found.reason, peer.connections) == ([], Reason.TIMEOUT, 1)


def test_on_139_a_netbios_session_comes_first() -> None:
    server = Server(opens=OPEN)

    def behave(talk: Talk) -> None:
        assert talk.read(0x48)[0] == 0x81
        talk.send(b"\x82\0\0\0")
        server(talk)

    with Peer(behave, fresh_address(), 139) as peer:
        found = ask(PROBE, peer.address, 139, profile="audit")
    assert found.rules == ["smb_guest-shares-open"]


def test_each_machine_is_visited_by_one_door() -> None:
    assert PROBE.wants(Target("d", "192.0.2.1", (139, 445))) == (445,)
    assert PROBE.wants(Target("d", "192.0.2.1", (139,))) == (139,)
    assert PROBE.wants(Target("d", "192.0.2.1", (80, 445), spoken={445: "http"})) == ()


CHOSE = said(0, little(65, 2) + little(1, 2) + little(0x0311, 2) + bytes(58))
BEGUN = CHOSE + said(1, bytes(8) + Server()._challenge(), MORE_PROCESSING)
SESSION = BEGUN + said(1, bytes(8))
TREE = SESSION + said(3, bytes(16))
PIPE = TREE + said(5, bytes(64) + FILE)
SERVER = Server()
BOUND = PIPE + SERVER._piece(11, pdu(12, bytes(44)))
ROWS = BOUND + SERVER._piece(11, pdu(2, bytes(8) + listed(DISKS)))[:150]
STAGES = st.sampled_from([b"", CHOSE, BEGUN, SESSION, TREE, PIPE, BOUND, ROWS, ROWS[:-40]])


@given(STAGES, st.binary(max_size=300), STAGES, st.binary(max_size=300))
def test_any_bytes_give_facts_or_a_failure(first: bytes, rest: bytes, second: bytes, more: bytes) -> None:
    found = canned(PROBE, first + rest, second + more)
    assert found.seen or found.error or found.other


@given(st.binary(max_size=400))
def test_any_list_of_shares_gives_facts_or_a_failure(stub: bytes) -> None:
    said_it = BOUND + SERVER._piece(11, pdu(2, bytes(8) + stub))
    found = canned(PROBE, said_it, said_it)
    assert found.seen or found.error


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_list_that_lies_about_its_lengths_costs_nothing(rows: int, letters: int) -> None:
    stub = bytearray(listed(DISKS))
    stub[12:16] = stub[20:24] = little(rows, 4)
    stub[24 + 24 + 8 : 24 + 24 + 12] = little(letters, 4)
    said_it = BOUND + SERVER._piece(11, pdu(2, bytes(8) + bytes(stub)))
    found = canned(PROBE, said_it, said_it)
    assert found.seen or found.error
