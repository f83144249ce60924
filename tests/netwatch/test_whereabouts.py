"""From which address does the internet see us? Names and pages that tell, lie, stall and flood.

No page is where its name says: what is dialled leads to a server on loopback."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch import whereabouts
from netwatch.audit import Audit
from netwatch.connection import dial
from netwatch.errors import OutsideError
from netwatch.model import Reason
from netwatch.ours import is_public
from netwatch.probe import ProbeError
from netwatch.whereabouts import MOST, ask_echo, ask_name, source
from netwatch.words import messages
from tests.lab.interview import fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from netwatch.knock import Wire

URL, PAGE = "https://ip.example.org/plain", "ip.example.org"
MINE, MINE_6, ITS, ITS_6 = "82.64.0.10", "2a01:e34:ec00:10::5", "93.0.0.1", "2a02:8400:1::1"


def text(body: bytes | str, status: str = "200 OK", more: str = "") -> bytes:
    told = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(told)}\r\n{more}\r\n"
    return head.encode() + told


class Door:
    """Leads everywhere to one server, and remembers where it was to lead."""

    udp = False

    def __init__(self, peer: Peer | None, error: ProbeError | None = None) -> None:
        self.peer, self.error = peer, error
        self.dialled: list[tuple[str, int]] = []

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append((address, port))
        if self.error or self.peer is None:
            raise self.error or ProbeError(Reason.REFUSED, "the port is closed")
        return dial(self.peer.address, self.peer.port, seconds)

    def wire(self) -> Wire:
        raise NotImplementedError


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for ip.example.org, and one that trusts nobody else."""
    return certified(tmp_path_factory.mktemp("echo"), PAGE)


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    from cryptography import x509  # noqa: PLC0415 - slow to import
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, private)
    return server, ssl.create_default_context(cafile=str(pem))


def told_by(
    behave: Callable[[Talk], None],
    tls: tuple[ssl.SSLContext, ssl.SSLContext] | None,
    *,
    version: int = 4,
    seconds: float = 2.0,
    url: str | None = None,
) -> str:
    """The address, of a page that behaves so."""
    with Peer(behave, fresh_address(), tls=tls[0] if tls else None) as peer:
        return str(
            ask_echo(
                url or (URL if tls else URL.replace("https", "http")),
                Audit(),
                version=version,
                through=Door(peer),
                seconds=seconds,
                resolve=lambda _: [ITS, ITS_6],
                trust=tls[1] if tls else None,
            )
        )


def saying(*parts: bytes) -> Callable[[Talk], None]:
    def behave(talk: Talk) -> None:
        talk.some()
        for part in parts:
            talk.send(part)
        talk.end(half=True)

    return behave


def refused(
    word: str, behave: Callable[[Talk], None], tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        told_by(behave, tls)
    assert caught.value.message == f"address.{word}"
    for language in ("en", "fr"):
        assert messages(language)(caught.value.message, **caught.value.details)
    return caught.value


PAGES = {
    "a line": f"{MINE}\n",
    "json": json.dumps({"ip": MINE, "ip_decimal": 1379926026, "asn": "AS12322", "proxy": "9.8.7.6"}),
    "another json": json.dumps({"origin": MINE}),
    "html": f"<html><head><title>Current IP</title></head><body>Current IP Address: {MINE}</body></html>",
    "a sentence": f"You come from {MINE}.",
    "lines of words": f"fl=1\nh=ip.example.org\nip={MINE}\nts=1700000000.123\nhttp=http/1.1\nloc=FR\n",
    "both families": f"{MINE}\n{MINE_6}\n",
    "as ipv6 writes it": f"::ffff:{MINE}\n",
    "twice the same": f"{MINE} {MINE}",
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_address_is_read_whatever_the_page_s_form(
    page: str, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    assert told_by(saying(text(page)), tls) == MINE


def test_the_address_is_read_from_pieces(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    assert told_by(saying(b"HTTP/1.1 200 OK\r\n", b"\r\n82.64", b".0.10"), None) == MINE
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n82.64\r\n5\r\n.0.10\r\n0\r\n\r\n"
    assert told_by(saying(chunked), tls) == MINE


def test_a_body_without_a_length_ends_where_tls_says_so_and_nowhere_else(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    def behave(talk: Talk) -> None:
        talk.some()
        talk.send(b"HTTP/1.1 200 OK\r\n\r\n82.64.0.10")
        assert isinstance(talk.connection, ssl.SSLSocket)
        talk.connection.unwrap()

    assert told_by(behave, tls) == MINE
    refused("echo-broken", saying(b"HTTP/1.1 200 OK\r\n\r\n82.64.0.1"), tls)


class Lost(socket.socket):
    """What a tunnel hands out: where its own connection ends first, it says so."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        raise ProbeError(Reason.UNFINISHED, f"{size} {flags}")


class Ending(Door):
    """Its connections end without a word."""

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        return Lost(fileno=super().dial(address, port, seconds).detach())


def test_a_tunnel_that_ends_in_between_is_an_error_of_ours() -> None:
    url = "http://ip.example.org/"
    with Peer(saying(text(MINE)), fresh_address()) as peer, pytest.raises(OutsideError) as caught:
        ask_echo(url, Audit(), through=Ending(peer), resolve=lambda _: [ITS], seconds=2)
    assert (caught.value.message, caught.value.reason) == ("address.echo-unreachable", Reason.UNFINISHED)


def test_over_ipv6_the_page_is_asked_at_its_ipv6_address_for_ours(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    with Peer(saying(text(f"{MINE} {MINE_6}")), fresh_address(), tls=tls[0]) as peer:
        door = Door(peer)
        told = ask_echo(
            URL, Audit(), version=6, through=door, resolve=lambda _: [ITS, ITS_6], trust=tls[1], seconds=2
        )
    assert (str(told), door.dialled) == (MINE_6, [(ITS_6, 443)])


class Pair(Door):
    """As a tunnel does it: one end of a pair is handed out, and a thread carries what passes."""

    def dial(self, address: str, port: int, seconds: float) -> socket.socket:
        far = super().dial(address, port, seconds)
        ours, theirs = socket.socketpair()
        for one, other in ((theirs, far), (far, theirs)):
            threading.Thread(target=self.carry, args=(one, other), daemon=True).start()
        return ours

    @staticmethod
    def carry(one: socket.socket, other: socket.socket) -> None:
        with one, suppress(OSError):
            one.settimeout(5)
            while data := one.recv(4096):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


def test_the_page_is_asked_through_a_pair_of_sockets(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with Peer(saying(text(MINE)), fresh_address(), tls=tls[0]) as peer:
        door = Pair(peer)
        told = ask_echo(URL, Audit(), through=door, resolve=lambda _: [ITS], trust=tls[1], seconds=3)
    assert (str(told), door.dialled) == (MINE, [(ITS, 443)])


def test_one_page_is_asked_for_in_clear_words_and_nothing_of_ours_is_told() -> None:
    heard: list[bytes] = []

    def behave(talk: Talk) -> None:
        heard.append(talk.some())
        talk.send(text(MINE))
        talk.end(half=True)

    assert told_by(behave, None, url="http://ip.example.org:8080/plain?v=1") == MINE
    lines = heard[0].decode().split("\r\n")
    assert lines[0] == "GET /plain?v=1 HTTP/1.1"
    assert {line.partition(":")[0].lower() for line in lines[1:] if line} == {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
    }
    assert "Host: ip.example.org:8080" in lines


def test_what_was_asked_is_in_the_audit_log(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    audit = Audit()
    with Peer(saying(text(MINE)), fresh_address(), tls=tls[0]) as peer:
        ask_echo(URL, audit, through=Door(peer), resolve=lambda _: [ITS], trust=tls[1], seconds=2)
    looked_up, asked = audit.about(PAGE)
    assert (looked_up["question"], looked_up["sent"], looked_up["ended"]) == (
        "address",
        ["A, AAAA"],
        "1 addresses",
    )
    assert (asked["question"], asked["port"], asked["address"]) == ("address", 443, ITS)
    assert [one.partition(" (")[0] for one in asked["sent"]] == ["TLS handshake", "GET the page"]


REFUSED = {
    # its answer, the sentence, the reason
    "another page": (
        text("", "302 Found", "Location: https://elsewhere.example/\r\n"),
        "echo-redirect",
        "protocol",
    ),
    "not modified": (text("", "304 Not Modified"), "echo-redirect", "protocol"),
    "an error": (text(MINE, "503 Service Unavailable"), "echo-status", "protocol"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", "echo-status", "protocol"),
    "nothing": (text(""), "echo-no-address", "protocol"),
    "a private address": (text("192.168.1.20"), "echo-no-address", "protocol"),
    "a carrier's": (text("100.64.1.2"), "echo-no-address", "protocol"),
    "the other family's": (text(MINE_6), "echo-no-address", "protocol"),
    "a version": (text("v82.64.0.10 82.64.0.10.3 1.82.64.0.10 82.64.0.10a"), "echo-no-address", "protocol"),
    "json of another kind": (text('{"ip": [["82.64.0.10"]], "x": 1}'), "", ""),
    "json of private": (text('{"ip": "10.0.0.1", "host": "82.64.0.10"}'), "echo-no-address", "protocol"),
    "a nest": (text("[" * 4000), "echo-no-address", "protocol"),
    "two": (text("82.64.0.10, 9.8.7.6"), "echo-several", "protocol"),
    "many": (text(" ".join(f"82.64.0.{n}" for n in range(200))), "echo-several", "protocol"),
    "a book": (text(MINE + " " * MOST), "echo-large", "limit"),
    "a book without end": (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 100_000, "echo-large", "limit"),
    "headers without end": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "echo-large", "limit"),
    "no http": (b"SSH-2.0-OpenSSH\r\n", "echo-broken", "protocol"),
    "half of it": (b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n82.64.0.10", "echo-broken", "protocol"),
    "no answer": (b"", "echo-broken", "protocol"),
}


@pytest.mark.parametrize(("answer", "word", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_page_that_does_not_tell_one_address_of_the_internet_is_not_believed(
    answer: bytes, word: str, reason: str, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    if not word:
        assert told_by(saying(answer), tls) == MINE
        return
    error = refused(word, saying(answer), tls)
    assert error.reason == reason
    assert "82.64" not in str(error)
    assert error.__cause__ is None


def test_what_a_page_writes_is_in_no_error(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    for answer in (
        text("ZZCANARY"),
        b"ZZCANARY\r\n\r\n",
        text("x", "500 ZZCANARY"),
        text("x", "302 ZZCANARY"),
    ):
        with pytest.raises(OutsideError) as caught:
            told_by(saying(answer), tls)
        assert "ZZCANARY" not in f"{caught.value!r} {caught.value}"


def stall(talk: Talk) -> None:
    talk.hold()


def drip(talk: Talk) -> None:
    talk.some()
    talk.drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2000, 0.05)


@pytest.mark.parametrize("behave", [stall, drip])
@pytest.mark.parametrize("secure", [True, False])
def test_a_page_that_stalls_holds_nobody(
    behave: Callable[[Talk], None], *, secure: bool, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    with pytest.raises(OutsideError) as caught:
        told_by(behave, tls if secure else None, seconds=0.6)
    assert (caught.value.message, caught.value.reason) == ("address.echo-slow", Reason.TIMEOUT)


def test_a_server_that_never_ends_its_handshake_holds_nobody(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    with Peer(stall, fresh_address()) as peer, pytest.raises(OutsideError) as caught:
        ask_echo(URL, Audit(), through=Door(peer), seconds=0.6, resolve=lambda _: [ITS], trust=tls[1])
    assert caught.value.message == "address.echo-slow"


def flood(talk: Talk) -> None:
    talk.some()
    try:
        talk.send(b"HTTP/1.1 200 OK\r\n\r\n")
        talk.flood(b"8" * 4096, 50_000_000)
    except OSError as gone:
        raise Over from gone


def test_of_a_page_that_floods_little_is_taken(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with Peer(flood, fresh_address(), tls=tls[0]) as peer:
        with pytest.raises(OutsideError) as caught:
            ask_echo(URL, Audit(), through=Door(peer), seconds=5, resolve=lambda _: [ITS], trust=tls[1])
        assert caught.value.message == "address.echo-large"
    assert peer.sent < 4_000_000


def test_a_certificate_that_is_another_s_is_not_believed(
    tmp_path: Path, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    other = certified(tmp_path, "ip.example.net")
    for server, trust in ((other[0], other[1]), (other[0], tls[1]), (tls[0], ssl.create_default_context())):
        with (
            Peer(saying(text(MINE)), fresh_address(), tls=server) as peer,
            pytest.raises(OutsideError) as caught,
        ):
            ask_echo(URL, Audit(), through=Door(peer), seconds=2, resolve=lambda _: [ITS], trust=trust)
        assert (caught.value.message, caught.value.reason) == ("address.echo-certificate", Reason.UNPROVED)
        assert peer.received == 0  # not even the question


def test_a_server_without_tls_is_not_asked_in_clear_instead(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    heard: list[bytes] = []

    def behave(talk: Talk) -> None:
        heard.append(talk.some())
        talk.send(text(MINE))

    with Peer(behave, fresh_address()) as peer, pytest.raises(OutsideError) as caught:
        ask_echo(URL, Audit(), through=Door(peer), seconds=2, resolve=lambda _: [ITS], trust=tls[1])
    assert caught.value.message == "address.echo-unreachable"
    assert b"GET" not in heard[0]


def test_without_a_word_on_whom_to_trust_nobody_unknown_is(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    with Peer(saying(text(MINE)), fresh_address(), tls=tls[0]) as peer, pytest.raises(OutsideError) as caught:
        ask_echo(URL, Audit(), through=Door(peer), seconds=5, resolve=lambda _: [ITS])
    assert caught.value.message == "address.echo-certificate"


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.TIMEOUT, Reason.UNFINISHED])
def test_a_door_that_does_not_open_says_why(reason: Reason) -> None:
    audit = Audit()
    with pytest.raises(OutsideError) as caught:
        ask_echo(URL, audit, through=Door(None, ProbeError(reason)), resolve=lambda _: [ITS])
    assert (caught.value.message, caught.value.reason) == ("address.echo-unreachable", reason)
    assert audit.about(PAGE)[-1]["sent"] == []


NOWHERE = {
    "this machine": (["127.0.0.1"], "echo-near"),
    "a device of the practice": (["192.168.1.20", ITS], "echo-near"),
    "ipv6 only": ([ITS_6], "echo-no-host"),
    "nowhere": ([], "echo-no-host"),
}


@pytest.mark.parametrize(("leads", "word"), NOWHERE.values(), ids=NOWHERE)
def test_a_page_that_is_not_on_the_internet_is_not_asked(leads: list[str], word: str) -> None:
    door = Door(None)
    with pytest.raises(OutsideError) as caught:
        ask_echo(URL, Audit(), through=door, resolve=lambda _: leads)
    assert (caught.value.message, door.dialled) == (f"address.{word}", [])


@pytest.mark.parametrize("url", ["ftp://x/", "x", "https://[::1", "https://x:99999/", ""])
def test_what_is_no_page_is_told_so(url: str) -> None:
    with pytest.raises(OutsideError) as caught:
        ask_echo(url, Audit(), resolve=lambda _: [])
    assert caught.value.message == "address.echo-address"


def test_what_a_page_in_clear_says_is_worth_less() -> None:
    assert [source(url) for url in (URL, "HTTPS://x/", "http://x/")] == ["echo", "echo", "echo-in-clear"]


def test_a_name_gives_its_addresses_on_the_internet_and_no_others() -> None:
    audit = Audit()
    leads = [MINE_6, "192.168.1.1", MINE, MINE, "fe80::1%eth0", "::1", "not an address"]
    found = ask_name("cabinet.example.org", audit, resolve=lambda _: leads)
    assert [str(one) for one in found] == [MINE, MINE_6]
    assert audit.about("cabinet.example.org")[0]["ended"] == "7 addresses"


def test_of_a_name_with_a_thousand_addresses_a_few_are_taken() -> None:
    assert len(ask_name("x", Audit(), resolve=lambda _: [f"82.64.{n % 250}.1" for n in range(1000)])) == 16


def gone(number: int) -> Callable[[str], list[str]]:
    def resolve(_: str) -> list[str]:
        raise socket.gaierror(number, "ZZCANARY")

    return resolve


NAMES = {
    "no such name": (gone(socket.EAI_NONAME), "name-unknown", Reason.UNPROVED),
    "no address": (gone(socket.EAI_NODATA), "name-unknown", Reason.UNPROVED),
    "not now": (gone(socket.EAI_AGAIN), "name-trouble", Reason.PROTOCOL),
    "never": (gone(socket.EAI_FAIL), "name-trouble", Reason.PROTOCOL),
    "at home": (lambda _: ["192.168.1.1", "127.0.0.1"], "name-private", Reason.UNPROVED),
    "no addresses": (lambda _: [], "name-private", Reason.UNPROVED),
}


@pytest.mark.parametrize(("resolve", "word", "reason"), NAMES.values(), ids=NAMES)
def test_no_such_name_is_told_apart_from_a_name_service_in_trouble(
    resolve: Callable[[str], list[str]], word: str, reason: Reason
) -> None:
    with pytest.raises(OutsideError) as caught:
        ask_name("cabinet.example.org", Audit(), resolve=resolve)
    assert (caught.value.message, caught.value.reason) == (f"address.{word}", reason)
    assert "ZZCANARY" not in str(caught.value)
    for language in ("en", "fr"):
        assert "cabinet.example.org" in messages(language)(caught.value.message, **caught.value.details)


def test_a_label_that_no_name_can_have_is_no_name() -> None:
    with pytest.raises(OutsideError) as caught:
        ask_name("a" * 80 + ".example.org", Audit())
    assert caught.value.message == "address.name-unknown"


def test_a_resolver_that_never_answers_holds_nobody() -> None:
    free = threading.Event()

    def resolve(_: str) -> list[str]:
        free.wait(30)
        return []

    try:
        with pytest.raises(OutsideError) as caught:
            ask_name("cabinet.example.org", Audit(), seconds=0.2, resolve=resolve)
        assert (caught.value.message, caught.value.reason) == ("address.name-slow", Reason.TIMEOUT)
    finally:
        free.set()


def test_the_system_s_resolver_is_asked() -> None:
    assert "127.0.0.1" in whereabouts.system("localhost")


@given(st.binary(max_size=300) | st.text(alphabet='0123456789abcdef.: {}"ip', max_size=80).map(str.encode))
def test_any_page_gives_an_address_of_the_internet_or_an_error(body: bytes) -> None:
    for version in (4, 6):
        try:
            told = whereabouts._read(body, "x", version)
        except OutsideError:
            continue
        assert is_public(told)
        assert told.version == version


def test_an_address_that_was_read_is_one_that_was_written() -> None:
    assert whereabouts._read(b"2A01:E34:EC00:10:0:0:0:5", "x", 6) == ip_address(MINE_6)
