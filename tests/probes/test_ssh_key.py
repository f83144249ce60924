"""Which key does it show, and is nothing agreed upon? Hand-made servers; real ones in tests/lab."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.ssh_key import EXCHANGES, SshKey
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBE = SshKey(timeout=1.0)
BANNER = b"SSH-2.0-OpenSSH_9.2p1\r\n"
MODERN = (
    "sntrup761x25519-sha512@openssh.com,curve25519-sha256",
    "rsa-sha2-512,ssh-ed25519",
    *["chacha20-poly1305@openssh.com,aes128-ctr"] * 2,
    *["umac-64-etm@openssh.com,hmac-sha2-256"] * 2,
    *["none,zlib@openssh.com"] * 2,
    *["", ""],
)
OLD = (
    "diffie-hellman-group1-sha1",
    "ssh-rsa,ssh-dss",
    *["3des-cbc,arcfour256,aes128-cbc"] * 2,
    *["hmac-md5-96,hmac-sha1"] * 2,
    *["none"] * 2,
    *["", ""],
)


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def packet(payload: bytes) -> bytes:
    padding = 4 + -(len(payload) + 9) % 8
    return string(bytes([padding]) + payload + bytes(padding))


def kexinit(lists: Sequence[str] = MODERN) -> bytes:
    told = b"".join(string(names.encode()) for names in lists)
    return packet(b"\x14" + bytes(16) + told + bytes(5))


KEY = string(b"ssh-ed25519") + string(b"k" * 32)
REPLY = packet(b"\x1f" + string(KEY) + string(bytes(32)) + string(b"signature"))


class Server:
    """Greets, says what it can do, answers the beginning of an exchange; keeps what it was sent."""

    def __init__(self, lists: Sequence[str] = MODERN, reply: bytes = REPLY, banner: bytes = BANNER) -> None:
        self.lists, self.reply, self.banner = lists, reply, banner
        self.line = b""
        self.messages: list[bytes] = []

    def __call__(self, talk: Talk) -> None:
        talk.send(self.banner)
        while not self.line.endswith(b"\n"):
            self.line += talk.read(1)
        talk.send(kexinit(self.lists))
        for _ in range(2):
            body = talk.read(int.from_bytes(talk.read(4), "big"))
            assert (4 + len(body)) % 8 == 0
            self.messages.append(body[1 : len(body) - body[0]])
        talk.send(self.reply)
        talk.hold()


def test_the_key_is_a_digest_of_what_it_shows() -> None:
    with Peer(Server(), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {
        "host_key": f"sha256:{sha256(KEY).hexdigest()[:32]}",
        "host_key_type": "ssh-ed25519",
        "weak": "none",
    }
    assert (asked.protocol, asked.rules, asked.error) == ("ssh", [], None)


def test_no_service_is_asked_for_and_nobody_is_named() -> None:
    server = Server()
    with Peer(server, fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert server.line == b"SSH-2.0-netwatch\r\n"
    assert [message[0] for message in server.messages] == [20, 30]  # KEXINIT, KEX_ECDH_INIT
    # not a byte besides: no NEWKEYS (21), no SERVICE_REQUEST (5), no USERAUTH_REQUEST (50)
    sent = len(server.line) + sum(len(packet(message)) for message in server.messages)
    assert (peer.received, peer.connections) == (sent, 1)


@pytest.mark.parametrize("exchange", [name.decode() for name in EXCHANGES])
def test_the_public_value_is_one_that_the_exchange_allows(exchange: str) -> None:
    server = Server((exchange, *MODERN[1:]))
    with Peer(server, fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    size = int.from_bytes(server.messages[1][1:5], "big")
    value = server.messages[1][5:]
    assert len(value) == size
    if "nistp256" in exchange:
        x, y = (int.from_bytes(part, "big") for part in (value[1:33], value[33:]))
        p = 2**256 - 2**224 + 2**192 + 2**96 - 1
        b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
        assert (value[0], size) == (4, 65)
        assert (y * y - x * x * x + 3 * x - b) % p == 0
    elif "curve25519" in exchange:
        assert value == b"\x09" + bytes(31)
    else:
        bits = {"group1-": 1024, "group14": 2048, "group16": 4096}[exchange[15:22]]
        number = int.from_bytes(value, "big")
        assert value[0] < 0x80  # a positive mpint
        assert 2 ** (bits - 8) < number < 2 ** (bits - 1)
        assert number.bit_count() > 4  # else OpenSSH turns it away


def test_we_agree_to_what_it_offers_first_of_what_is_never_used() -> None:
    server = Server(OLD)
    with Peer(server, fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    hello = server.messages[0]
    assert string(b"diffie-hellman-group1-sha1") in hello
    assert (hello.count(string(b"3des-cbc")), hello.count(string(b"hmac-md5-96"))) == (2, 2)


def test_what_is_broken_is_named_and_judged() -> None:
    with Peer(Server(OLD), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["weak"] == "diffie-hellman-group1-sha1, ssh-dss, arcfour, 3des-cbc, hmac-md5"
    assert asked.rules == ["ssh_key-weak"]


def test_what_is_only_old_is_named_and_no_finding() -> None:
    lists = (MODERN[0], MODERN[1], *["3des-cbc"] * 2, *["hmac-md5"] * 2, *MODERN[6:])
    with Peer(Server(lists), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["weak"], asked.rules) == ("3des-cbc, hmac-md5", [])


@pytest.mark.parametrize("lists", [("sntrup761x25519-sha512", *MODERN[1:]), (MODERN[0], "x", *MODERN[2:])])
def test_where_no_exchange_can_begin_the_key_is_unknown(lists: Sequence[str]) -> None:
    with Peer(Server(lists), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"host_key": None, "host_key_type": None, "weak": "none"}
    assert (asked.error, peer.received) == (None, len(b"SSH-2.0-netwatch\r\n"))


def test_a_server_of_the_first_version_is_not_spoken_to() -> None:
    with Peer(Server(banner=b"SSH-1.5-1.2.27\n"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"host_key": None, "host_key_type": None, "weak": None}
    assert (asked.error, peer.received) == (None, 0)


@pytest.mark.parametrize("told", [b"Exceeded MaxStartups\r\n", b"Not allowed at this time\r\n"])
def test_a_server_that_takes_nobody_for_now_is_no_other_protocol(told: bytes) -> None:
    asked = canned(PROBE, told, port=22)
    assert (asked.seen, asked.other, asked.reason) == ([], None, Reason.BUSY)


def test_a_key_of_a_kind_that_we_do_not_know_is_not_named() -> None:
    reply = packet(b"\x1f" + string(string(b"dupont-jean") + bytes(32)) + string(bytes(32)) + string(b"s"))
    asked = canned(PROBE, BANNER + kexinit() + reply, port=22)
    assert (asked.facts["host_key_type"], asked.facts["weak"], asked.reason) == (
        None,
        "none",
        Reason.PROTOCOL,
    )


def test_messages_that_mean_nothing_are_passed_over() -> None:
    with Peer(Server(reply=packet(b"\x02" + string(b"x")) + REPLY), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts["host_key_type"] == "ssh-ed25519"


REPLIES = [
    (packet(b"\x01" + bytes(4) + string(b"DUPONT^JEAN") + string(b"")), Reason.CLOSED),
    (packet(b"\x15"), Reason.PROTOCOL),
    (packet(b"\x02") * 20, Reason.PROTOCOL),
    (packet(b"\x1f\xff\xff\xff\xff"), Reason.PROTOCOL),
    (packet(b"\x1f\0\0\x10\0" + KEY), Reason.PROTOCOL),
    (packet(b"\x1f" + string(string(b"DUPONT^JEAN"))), Reason.PROTOCOL),
    (b"\x7f\xff\xff\xff", Reason.LIMIT),
    (b"\x00\x00\x00\x00", Reason.LIMIT),
    (b"", Reason.TIMEOUT),
    (REPLY[:40], Reason.TIMEOUT),
]


@pytest.mark.parametrize(("reply", "reason"), REPLIES)
def test_a_server_that_lies_or_stalls_leaves_what_it_offered(reply: bytes, reason: Reason) -> None:
    with Peer(Server(OLD, reply), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.reason, asked.facts["host_key"]) == (reason, None)
    assert asked.rules == ["ssh_key-weak"]
    assert "DUPONT" not in str(asked.seen) + str(asked.error)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        talk.send(BANNER)
        try:
            talk.flood(packet(b"\x02" + bytes(30_000)), 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.error is not None
    assert peer.sent < 5_000_000


def test_what_is_not_ssh_is_said_to_be_something_else() -> None:
    def behave(talk: Talk) -> None:
        talk.send(b"220 ready\r\n" * 40)
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None, peer.received) == ([], True, 0)


def test_from_the_internet_it_says_no_more_than_on_the_lan() -> None:
    target = Target("d", "192.0.2.1", (22,), Vantage.OUTSIDE)
    told = [target.observed("ssh_key", 22, "ssh", {"weak": weak}) for weak in ("none", "ssh-dss", None)]
    assert [[finding.rule for finding in PROBE.judge(seen)] for seen in told] == [[], ["ssh_key-weak"], []]


def test_it_is_asked_where_ssh_was_heard_or_is_expected() -> None:
    target = Target("d", "192.0.2.1", (22, 222, 80, 8022), spoken={222: "http", 8022: "ssh"})
    assert PROBE.wants(target) == (22, 8022)


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"SSH-2.0-x\n", BANNER + kexinit(), BANNER + kexinit(OLD)])
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, opening: bytes) -> None:
    asked = canned(PROBE, opening + told)
    assert asked.seen or asked.error or asked.other


@given(st.binary(max_size=400))
def test_any_payload_gives_facts_or_a_failure(payload: bytes) -> None:
    for told in (BANNER + packet(b"\x14" + payload), BANNER + kexinit() + packet(b"\x1f" + payload)):
        asked = canned(PROBE, told)
        assert asked.seen or asked.error
