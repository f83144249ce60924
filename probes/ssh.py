"""Which SSH does it speak, and does it still speak the first? RFC 4253 4.2, 5.1.

The server says its version before it is spoken to; we hear it and leave without a word. Whether it takes
passwords only a user name would tell, and none is ever sent. Where it stops: distributions repair an old
version and leave its name, so the version is a name and proves no weakness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.opening import UNKNOWN, recognise
from netwatch.plain import version
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

MARK = b"SSH-"
LATER = (b"Exceeded MaxStar", b"Not allowed at t")  # OpenSSH, instead of its version
LONGEST, LINES = 255, 20  # bytes of a line, and lines that may come before the one that counts

# How their software begins, and what it is called. What is not here could be anybody's words.
PRODUCTS = (
    (b"OpenSSH_for_Windows", "OpenSSH for Windows"),
    (b"OpenSSH", "OpenSSH"),
    (b"dropbear", "dropbear"),
    (b"libssh", "libssh"),
    (b"APACHE-SSHD", "Apache MINA SSHD"),
    (b"SSHD-CORE", "Apache MINA SSHD"),
    (b"AsyncSSH", "AsyncSSH"),
    (b"paramiko", "Paramiko"),
    (b"Cisco", "Cisco"),
    (b"ROSSSH", "MikroTik"),
    (b"HUAWEI", "Huawei"),
    (b"RomSShell", "RomSShell"),
    (b"Mocana", "Mocana"),
    (b"mod_sftp", "ProFTPD mod_sftp"),
    (b"Serv-U", "Serv-U"),
    (b"WeOnlyDo", "WeOnlyDo"),
    (b"Sun_SSH", "Sun SSH"),
)


@dataclass(frozen=True, slots=True)
class Ssh:
    """The line that comes unasked. `timeout`: seconds to wait for it."""

    name: ClassVar[str] = "ssh"
    manner: ClassVar[str] = "hear"
    usual: ClassVar[tuple[int, ...]] = (22, 222, 2222)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it was heard."""
        return doors(target, ("ssh",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, and not a byte from us."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            told = _banner(line, self.timeout)
        yield target.observed(self.name, port, "ssh", _facts(told))

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """The first version is broken wherever it is heard; any, where the internet reaches it."""
        if seen.protocol != "ssh":
            return
        if seen.facts.get("protocol_1") == "offered":
            yield seen.finding("ssh-protocol-1")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("ssh-reachable")


def _banner(line: Line, seconds: float) -> bytes:
    """The first line that begins with `SSH-`; a server may say others before it."""
    heard = line.listen(seconds)
    if not heard:
        raise ProbeError(Reason.TIMEOUT, "no version in time")
    if recognise(heard) not in {UNKNOWN, "ssh"} or not _is_text(heard):
        raise OtherProtocol(heard)
    try:
        for _ in range(LINES):
            if (told := line.until(b"\n", LONGEST)).startswith(MARK):
                return told
    except ProbeError as error:
        if heard.startswith(MARK) or error.reason is Reason.UNFINISHED:
            raise
    if heard.startswith(LATER):
        raise ProbeError(Reason.BUSY, "the server takes nobody for now")
    raise OtherProtocol(heard)


def _is_text(heard: bytes) -> bool:
    return all(byte >= 32 or byte in b"\r\n\t" for byte in heard)  # noqa: PLR2004 - the first that prints


def _facts(told: bytes) -> Facts:
    """`SSH-2.0-OpenSSH_9.2p1 Debian-2` in the field's words."""
    spoken = version(told, r"^SSH-(\d{1,2}\.\d{1,2})-")
    software = told.split(b"-", 2)[-1]
    return {"version": spoken, "product": _product(software), "protocol_1": _first(spoken)}


def _first(spoken: str | None) -> str | None:
    """Is the first version spoken? RFC 4253 5.1: who speaks both says 1.99."""
    if spoken is None:
        return None
    return "offered" if spoken.startswith("1.") else "absent"


def _product(software: bytes) -> str | None:
    for mark, name in PRODUCTS:
        if software.startswith(mark):
            number = version(software[len(mark) :], r"^[ _/-]?(\d\S*)")
            return f"{name} {number}" if number else name
    return None


PROBE: ProbeFactory = Ssh
