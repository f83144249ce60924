"""Does the network disk ask for a password? iSCSI: RFC 7143 6.3, 11.12, 11.13.

For an audit: whatever is asked of iSCSI is a Login Request, and servers write down one that comes to nothing.
A discovery session, which opens no disk, tells which there are; they are counted and not named. Then some are
asked to let us in without a password, in a first message that leaves its stage open: a disk that would take
us says so, and we hang up before there is a session. Where it stops: a server that knows its callers by their
name alone may refuse ours and take another's.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

OURS = b"InitiatorName=iqn.2026-01.invalid.netwatch:check\0"
DISKS = 4  # asked at most; the first that opens is enough
LONGEST, NAME = 8192, 223  # bytes of an answer, and of a disk's name: RFC 7143 4.2.7.1
ROUNDS = 3  # of a login that wants to go on talking

# RFC 7143 11.1.2: what is sent at once, and its answers. 11.12.3: the stages, and the wish to end the first.
IMMEDIATE, LOGIN, TEXT, LOGOUT = 0x40, 0x03, 0x04, 0x06
LOGIN_ANSWER, TEXT_ANSWER, REJECT = 0x23, 0x24, 0x3F
OPERATIONAL, ON_TO_WORK, FINAL = 0x04, 0x83, 0x80
FIRST = (1).to_bytes(4, "big")  # CmdSN: what is immediate does not count
# 11.13.5: (class, detail). A server that does not know our name says another.
SUCCESS, NOT_WITHOUT_PASSWORD = (0, 0), (2, 1)
NOT_US = {(2, 2), (2, 3), (2, 4)}  # not for our name, or no such disk (any more)
TOO_MANY, NOT_NOW = (2, 6), 3  # connections; the class of what is the server's own trouble
HEADER, STATUS = 48, 36


@dataclass(frozen=True, slots=True)
class Iscsi:
    """A discovery, then the beginning of a login at each disk. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "iscsi"
    manner: ClassVar[str] = "audit"
    usual: ClassVar[tuple[int, ...]] = (3260,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home."""
        return doors(target, ("iscsi",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection for the discovery, and one for each disk."""
        facts: Facts = {
            "authentication": "unknown",
            "discovery": "unknown",
            "targets": None,
            "open_to_all": None,
        }
        proved = False
        try:
            with egress.connect(target.address, port, patience=self.timeout) as line:
                talk = Talk(line)
                facts["discovery"] = talk.login(b"SessionType=Discovery\0", to_the_end=True)
                proved = True
                disks = talk.disks() if facts["discovery"] == "none" else None
            if disks is not None:
                facts["targets"] = len(disks)
                facts |= self._asked(target, port, egress, disks[:DISKS])
            elif facts["discovery"] in {"password", "refused"}:
                facts["open_to_all"] = False
        except ProbeError as error:
            if proved or error.reason is Reason.BUSY:
                yield target.observed(self.name, port, "iscsi", facts)
            raise error from None
        yield target.observed(self.name, port, "iscsi", facts)

    def _asked(self, target: Target, port: int, egress: Way, disks: list[bytes]) -> Facts:
        """Does each of these disks keep us out, and by a password? The first that does not is enough."""
        told, busy = set[str](), None
        for disk in disks:
            try:
                with egress.connect(target.address, port, patience=self.timeout) as line:
                    told.add(Talk(line).login(b"SessionType=Normal\0TargetName=" + disk + b"\0"))
            except ProbeError as error:
                if error.reason is not Reason.BUSY:
                    raise
                busy = error
            if "none" in told:
                return {"authentication": "none", "open_to_all": True}
        if busy:
            raise busy
        kept = told <= {"password", "refused"}
        return {
            "authentication": "password" if told == {"password"} else "unknown",
            "open_to_all": False if kept else None,
        }

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A disk that lets anybody in; from outside, any."""
        if seen.protocol != "iscsi":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("iscsi-no-password")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("iscsi-reachable")


@dataclass(slots=True)
class Talk:
    """A connection. `session`: its number (ISID), of the random kind. `expects`: the next answer's."""

    line: Line
    session: bytes = field(default_factory=lambda: b"\x80" + secrets.token_bytes(5) + bytes(2))
    expects: int = 0

    def login(self, keys: bytes, *, to_the_end: bool = False) -> str:
        """`none` where we would get in as we are, `password` where not without one, `refused` where not under
        our name, else `unknown`. Raises ProbeError(BUSY) where the server says that it is in trouble.

        We begin in the stage that comes after the password: a server that wants one says so at once. Only
        `to_the_end` asks to leave that stage, after which there is a session.
        """
        text = OURS + keys
        for _ in range(ROUNDS):
            flags = OPERATIONAL | (ON_TO_WORK if to_the_end else 0)
            self._send("iSCSI login, no password", LOGIN, flags, text, self.session)
            answer, text = self._receive(LOGIN_ANSWER)[0], b""
            status = (answer[STATUS], answer[STATUS + 1])
            if status == TOO_MANY or status[0] == NOT_NOW:
                raise ProbeError(Reason.BUSY, "the server says: not now")
            if status != SUCCESS:
                kept_out = "refused" if status in NOT_US else "unknown"
                return "password" if status == NOT_WITHOUT_PASSWORD else kept_out
            if not to_the_end or answer[1] & FINAL:
                return "none"
        return "unknown"

    def disks(self) -> list[bytes]:
        """Which disks it names; then goodbye."""
        self._send("iSCSI SendTargets", TEXT, FINAL, b"SendTargets=All\0", bytes(8), b"\xff" * 4)
        _, told = self._receive(TEXT_ANSWER)
        self._send("iSCSI logout", LOGOUT, FINAL, b"", bytes(8))
        named = (key.partition(b"=")[2] for key in told.split(b"\0") if key.startswith(b"TargetName="))
        return [name for name in named if 0 < len(name) <= NAME]

    def _send(  # noqa: PLR0913, PLR0917 - the fields of a header
        self, what: str, order: int, flags: int, text: bytes, session: bytes, more: bytes = bytes(4)
    ) -> None:
        """RFC 7143 11.2: a header of 48 bytes, and text that is filled up to four; to be done at once."""
        head = bytes([IMMEDIATE | order, flags, 0, 0]) + len(text).to_bytes(4, "big") + session
        task = order.to_bytes(4, "big")  # one of each kind
        head += task + more + FIRST + self.expects.to_bytes(4, "big") + bytes(16)
        self.line.send(head + text + bytes(-len(text) % 4), what)

    def _receive(self, wanted: int) -> tuple[bytes, bytes]:
        """(header, text). OtherProtocol where the first byte of all is no answer of iSCSI's."""
        opening, line = not self.expects, self.line
        first = line.read(1)
        if opening and first[0] not in {LOGIN_ANSWER, REJECT}:
            raise OtherProtocol(first + line.take(15))
        header = first + line.read(HEADER - 1)
        if first[0] != wanted:
            raise ProbeError(Reason.PROTOCOL, "not the answer to what was asked")
        self.expects = (int.from_bytes(header[24:28], "big") + 1) & 0xFFFFFFFF or 1
        extra, size = 4 * header[4], int.from_bytes(header[5:8], "big")
        if extra + size > LONGEST:
            raise ProbeError(Reason.LIMIT, "an answer longer than we read")
        return header, line.read(extra + size + -size % 4)[extra : extra + size]


PROBE: ProbeFactory = Iscsi
