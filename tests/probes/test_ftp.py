"""Does it offer TLS, and is it FTP at all? Hand-made servers here, aiosmtpd too; vsftpd in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.ftp import Ftp
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Over, Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBE = Ftp(timeout=1.0)
TLS = b"211-Features:\r\n AUTH TLS\r\n EPRT\r\n PBSZ\r\n211 End\r\n"
PLAIN = b"211-Features:\r\n EPRT\r\n AUTHOR TLS\r\n MDTM\r\n211 End\r\n"
BYE = b"221 Goodbye.\r\n"


class Server:
    """Greets, and answers each command as it is told; keeps what it was sent."""

    def __init__(self, greeting: bytes, answers: Mapping[bytes, bytes]) -> None:
        self.greeting, self.answers = greeting, {b"QUIT": BYE} | dict(answers)
        self.commands: list[bytes] = []

    def __call__(self, talk: Talk) -> None:
        talk.send(self.greeting)
        while True:
            line = b""
            while not line.endswith(b"\r\n"):
                line += talk.read(1)
            self.commands.append(line.strip())
            talk.send(self.answers.get(line.strip(), b"500 Unknown command.\r\n"))


SERVERS = [
    # greeting, answer to FEAT, product, version, tls, rules
    (b"220 (vsFTPd 3.0.3)\r\n", PLAIN, "vsFTPd", "3.0.3", "absent", ["ftp-in-clear"]),
    (b"220 (vsFTPd 3.0.3)\r\n", TLS, "vsFTPd", "3.0.3", "offered", []),
    (
        b"220 ProFTPD 1.3.8b Server\r\n",
        b"211 no-features\r\n",
        "ProFTPD",
        "1.3.8b",
        "absent",
        ["ftp-in-clear"],
    ),
    (
        b"220-FileZilla Server version 0.9.41 beta\r\n220-x\r\n220 ftp\r\n",
        b"211-F:\r\n AUTH SSL\r\n211 End\r\n",
        "FileZilla Server",
        "0.9.41",
        "offered",
        [],
    ),
    (b"220 NASFTPD Turbo station 1.3.5a Server (ProFTPD)\r\n", TLS, "QNAP", "1.3.5a", "offered", []),
    (
        b"220 Microsoft FTP Service\r\n",
        b"211-E:\r\n AUTH TLS;TLS-C;SSL;TLS-P;\r\n211 END\r\n",
        *("Microsoft FTP Service", None, "offered", []),
    ),
    (b"220 DiskStation FTP server ready.\r\n", b"530 Please login.\r\n", "Synology", None, "unknown", []),
    (b"220 FTP Cabinet DUPONT\r\n", b"502 no\r\n", None, None, "unknown", []),
    (
        b"220---- Welcome to Pure-FTPd [privsep] [TLS] ----\r\n220-You are user 1.\r\n220 Bye\r\n",
        b"211-x\r\n211-AUTH TLS\r\n211 End.\r\n",
        "Pure-FTPd",
        None,
        "offered",
        [],
    ),
]


@pytest.mark.parametrize(("greeting", "features", "product", "version", "tls", "rules"), SERVERS)
def test_what_a_server_can_do_is_read_from_what_it_says(  # noqa: PLR0913, PLR0917 - a row of the table
    greeting: bytes, features: bytes, product: str | None, version: str | None, tls: str, rules: list[str]
) -> None:
    with Peer(Server(greeting, {b"FEAT": features}), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"product": product, "version": version, "tls": tls, "authentication": "unknown"}
    assert (asked.protocol, asked.rules, asked.error) == ("ftp", rules, None)


def test_nobody_logs_in() -> None:
    server = Server(b"220 (vsFTPd 3.0.3)\r\n", {b"FEAT": PLAIN})
    with Peer(server, fresh_address()) as peer:
        ask(PROBE, peer.address, peer.port)
    assert server.commands == [b"FEAT", b"QUIT"]
    assert (peer.received, peer.connections) == (12, 1)


def test_what_a_practice_calls_itself_is_not_kept() -> None:
    greeting = b"220-Serveur FTP de DUPONT^JEAN-PAUL\r\n220 pret\r\n"
    with Peer(Server(greeting, {b"FEAT": b"211-DUPONT\r\n211 End\r\n"}), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.protocol == "ftp"
    assert "DUPONT" not in str(asked.seen) + str(asked.error)


class Deaf:
    """An SMTP handler that takes no mail."""


def test_a_mail_server_is_told_as_one_and_is_no_finding() -> None:
    address = fresh_address()
    smtp = Controller(Deaf(), hostname=address, port=2525)
    smtp.start()
    try:
        asked = ask(PROBE, address, 2525)
    finally:
        smtp.stop()
    assert (asked.protocol, asked.facts, asked.rules, asked.error) == ("smtp", {}, [], None)


def test_a_mail_server_that_says_so_is_asked_nothing() -> None:
    server = Server(b"220 mail.cabinet.test ESMTP Postfix\r\n", {})
    with Peer(server, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, server.commands) == ("smtp", [b"QUIT"])


HIDING = [
    # answer to NOOP, protocol
    (b"250 OK\r\n", "smtp"),
    (b"200 OK\r\n", "ftp"),
    (b"530 Please login.\r\n", "ftp"),
]


@pytest.mark.parametrize(("noop", "protocol"), HIDING)
@pytest.mark.parametrize("greeting", [b"220 ready\r\n", b"220 ftp.cabinet.test ESMTP\r\n"])
def test_a_server_that_does_not_say_what_it_is_is_known_by_how_it_does_nothing(
    greeting: bytes, noop: bytes, protocol: str
) -> None:
    server = Server(greeting, {b"NOOP": noop})
    with Peer(server, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.rules) == (protocol, [])
    assert server.commands == [b"FEAT", b"NOOP", b"QUIT"]


def test_a_server_that_stays_neither_is_left_as_it_is() -> None:
    with Peer(Server(b"220 ready\r\n", {}), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None) == ([], True)


@pytest.mark.parametrize("told", [b"SSH-2.0-x\r\n", b"RFB 003.008\n", b"\xff\xfb\x01\x00", b"200 hello\r\n"])
def test_what_is_not_ftp_is_said_to_be_something_else(told: bytes) -> None:
    with Peer(Server(told, {}), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None, peer.received) == ([], True, 0)


def test_a_server_that_says_later_is_busy() -> None:
    with Peer(Server(b"421 Too many connections.\r\n", {}), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.reason, peer.received) == ([], Reason.BUSY, 0)


@pytest.mark.parametrize("told", [b"421 Too many users.\r\n", b"500 What?\r\n421 Too many users.\r\n"])
def test_a_server_that_says_later_to_the_question_is_unknown(told: bytes) -> None:
    named = canned(PROBE, b"220 FTP ready\r\n" + told + BYE, port=21)
    assert named.facts["tls"] == "unknown"
    assert named.reason is (Reason.BUSY if told.startswith(b"421") else None)
    unnamed = canned(PROBE, b"220 ready\r\n" + told + BYE, port=21)
    assert (unnamed.seen, unnamed.reason) == ([], Reason.BUSY)


TROUBLE = [
    # greeting, answer to FEAT, reason, is it known to be FTP?
    (b"", b"", Reason.TIMEOUT, False),
    (b"220", b"", Reason.TIMEOUT, False),
    (b"220-FTP\r\n" * 100, b"", Reason.LIMIT, False),
    (b"220 " + b"FTP" * 500, b"", Reason.LIMIT, False),
    (b"220 ready\r\n", b"", Reason.TIMEOUT, False),
    (b"220 FTP\r\n", b"", Reason.TIMEOUT, True),
    (b"220 FTP\r\n", b"211-x\r\n", Reason.TIMEOUT, True),
    (b"220 FTP\r\n", b"211-x\r\n" * 100, Reason.LIMIT, True),
    (b"220 FTP\r\n", b"DUPONT^JEAN\r\n", Reason.PROTOCOL, True),
]


@pytest.mark.parametrize(("greeting", "features", "reason", "known"), TROUBLE)
def test_a_server_that_lies_or_stalls_is_a_failure(
    greeting: bytes, features: bytes, reason: Reason, *, known: bool
) -> None:
    with Peer(Server(greeting, {b"FEAT": features}), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.reason, asked.rules) == (reason, [])
    assert [seen.facts["tls"] for seen in asked.seen] == ["unknown"] * known
    assert "DUPONT" not in str(asked.seen) + str(asked.error)


def test_a_server_that_floods_is_hung_up_on() -> None:
    def behave(talk: Talk) -> None:
        try:
            talk.flood(b"220-FTP\r\n" * 5000, 100_000_000)
        except OSError as gone:
            raise Over from gone

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.reason is Reason.LIMIT
    assert peer.sent < 5_000_000


def test_a_server_that_does_not_say_goodbye_costs_nothing() -> None:
    with Peer(Server(b"220 FTP\r\n", {b"FEAT": TLS, b"QUIT": b""}), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["tls"], asked.error) == ("offered", None)


def test_from_the_internet_any_is_a_finding() -> None:
    target = Target("d", "192.0.2.1", (21,), Vantage.OUTSIDE)

    def rules(tls: str) -> list[str]:
        return [f.rule for f in PROBE.judge(target.observed("ftp", 21, "ftp", {"tls": tls}))]

    assert (rules("absent"), rules("offered"), rules("unknown")) == (
        ["ftp-in-clear"],
        ["ftp-reachable"],
        ["ftp-reachable"],
    )
    assert list(PROBE.judge(target.observed("ftp", 25, "smtp", {}))) == []


def test_it_is_asked_where_it_is_at_home_and_where_something_greeted_alike() -> None:
    target = Target("d", "192.0.2.1", (21, 25, 80, 2121), spoken={2121: "ftp-or-smtp", 80: "http"})
    assert PROBE.wants(target) == (21, 2121)


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"220 ", b"220 FTP\r\n", b"220 FTP\r\n211-", b"220 x\r\n500 \r\n"]),
)
def test_any_bytes_give_facts_or_a_failure(told: bytes, opening: bytes) -> None:
    asked = canned(PROBE, opening + told)
    assert asked.seen or asked.error or asked.other
