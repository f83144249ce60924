"""Does the file server let files and passwords travel in clear? RFC 959, RFC 2389, RFC 4217.

It greets us, we ask what it can do, and we take our leave. Whether it lets strangers in is not asked: it
answers `USER anonymous` in the same way either way, and a password would be a login. Where it stops: a server
that will not say what it can do before a login leaves TLS unknown.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.plain import version
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

LONGEST, LINES = 512, 60  # bytes of a line, lines of a reply
READY, FEATURES, LATER = 220, 211, (120, 421)
NOOP = {200: "ftp", 530: "ftp", 250: "smtp"}  # RFC 959; before a login; RFC 5321
TLS = re.compile(rb"^(?:211-)? *AUTH\b.*\b(?:TLS|SSL)", re.IGNORECASE | re.MULTILINE)

# What a greeting says, and whose it is. What is not here could be the name of the practice.
PRODUCTS = (
    (b"NASFTPD Turbo station", "QNAP"),
    (b"vsFTPd", "vsFTPd"),
    (b"FileZilla Server", "FileZilla Server"),
    (b"Pure-FTPd", "Pure-FTPd"),
    (b"Microsoft FTP Service", "Microsoft FTP Service"),
    (b"ProFTPD", "ProFTPD"),
    (b"Synology", "Synology"),
    (b"DiskStation", "Synology"),
    (b"Serv-U", "Serv-U"),
    (b"FRITZ!Box", "FRITZ!Box"),
    (b"pyftpdlib", "pyftpdlib"),
    (b"Cerberus FTP Server", "Cerberus FTP Server"),
    (b"Xlight", "Xlight"),
    (b"CrushFTP", "CrushFTP"),
    (b"Core FTP Server", "Core FTP Server"),
    (b"Titan FTP Server", "Titan FTP Server"),
    (b"bftpd", "bftpd"),
    (b"JD FTP Server", "HP JetDirect"),
)
NUMBER = r"(?i)^(?:FTP )?(?:Server )?\(?(?:version )?[/_]?v?(\d+(?:\.\w+)*)"


@dataclass(frozen=True, slots=True)
class Ftp:
    """The greeting, FEAT, QUIT. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "ftp"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (21,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where something greeted us as FTP and SMTP do."""
        return doors(target, ("ftp", "ftp-or-smtp"), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection. Mail servers greet alike: where it is one, that is all that is told."""
        facts: Facts = {"product": None, "version": None, "tls": "unknown", "authentication": "unknown"}
        with egress.connect(target.address, port, patience=self.timeout) as line:
            greeting = _greeting(line)
            word = _word(greeting)
            facts |= _product(greeting)
            try:
                if word != "smtp":
                    word = _features(line, word, facts)
            except ProbeError as error:
                if word:
                    yield target.observed(self.name, port, word, facts)
                raise error from None
            with suppress(ProbeError):
                line.send(b"QUIT\r\n", "QUIT")
                line.until(b"\n", LONGEST)
        yield target.observed(self.name, port, word, facts if word == "ftp" else {})

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Without TLS everything can be read on the way; from the internet, any is a finding."""
        if seen.protocol != "ftp":
            return
        if seen.facts.get("tls") == "absent":
            yield seen.finding("ftp-in-clear")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("ftp-reachable")


def _greeting(line: Line) -> bytes:
    """What it says unasked. OtherProtocol where that is no greeting, ProbeError where it says: later."""
    opening = line.read(4)
    if not _is_code(opening):
        raise OtherProtocol(opening)
    code, told = _reply(line, opening)
    if code in LATER:
        raise ProbeError(Reason.BUSY, "the server says: later")
    if code != READY:
        raise OtherProtocol(opening)
    return told


def _is_code(head: bytes) -> bool:
    return head[:3].isdigit() and head[3:4] in {b" ", b"-", b"\r", b"\n"}


def _reply(line: Line, head: bytes = b"") -> tuple[int, bytes]:
    """(code, all lines). RFC 959 4.2: a long one ends with a line that begins with the code and a blank."""
    head = head or line.read(4)
    if not _is_code(head):
        raise ProbeError(Reason.PROTOCOL, "an answer that is no reply")
    told = head if head.endswith(b"\n") else head + line.until(b"\n", LONGEST)
    if head[3:] == b"-":
        for _ in range(LINES):
            more = line.until(b"\n", LONGEST)
            told += more
            if more[:3] == head[:3] and more[3:4] != b"-":
                break
        else:
            raise ProbeError(Reason.LIMIT, "a reply without end")
    return int(head[:3]), told


def _word(greeting: bytes) -> str:
    """`ftp`, `smtp`, or nothing where its greeting does not say, or says both."""
    said = [word for word in ("ftp", "smtp") if word.encode() in greeting.lower()]
    return said[0] if len(said) == 1 else ""


def _features(line: Line, word: str, facts: Facts) -> str:
    """Ask what it can do, and so what it is. A server that does not know the question may still be either."""
    line.send(b"FEAT\r\n", "FEAT")
    code, told = _reply(line)
    if code in LATER:
        raise ProbeError(Reason.BUSY, "the server says: later")
    if code == FEATURES:
        facts["tls"] = "offered" if TLS.search(told) else "absent"
        return "ftp"
    if word:
        return word
    line.send(b"NOOP\r\n", "NOOP")
    code, _ = _reply(line)
    if code in LATER:
        raise ProbeError(Reason.BUSY, "the server says: later")
    if code not in NOOP:
        raise OtherProtocol(b"220")
    return NOOP[code]


def _product(greeting: bytes) -> Facts:
    for mark, name in PRODUCTS:
        if mark in greeting:
            return {"product": name, "version": version(greeting.partition(mark)[2], NUMBER)}
    return {}


PROBE: ProbeFactory = Ftp
