"""Which ages of Windows file sharing does the server speak, and does it sign? MS-SMB2, MS-CIFS, RFC 1002.

We offer every dialect of SMB 2 and 3, then those that it did not choose, until it takes none; SMB1 is asked
alone, because among others it hides. The first half of a login (NTLM) tells the version; the second, which
would be the login, is never sent. Where it stops: no session, so no share is seen; smb_guest.py is for that.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.ntlm import challenge_facts, spnego_negotiate
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.smb2 import (
    DIALECTS,
    HEADER1,
    HEADER2,
    MAGIC1,
    Talk,
    little,
    negotiate,
    number,
    open_netbios,
    receive,
    send,
    session_setup,
    signing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

NETBIOS, DIRECT = 139, 445
WINDOWS_7 = 0x0210  # the newest dialect of Windows 7 and of Server 2008 R2
MAY_BE_OLD = {Reason.CLOSED, Reason.TIMEOUT, Reason.PROTOCOL}  # what a server of SMB1 makes of SMB2

# SMB1: MS-CIFS 2.2.3.1 and 2.2.4.52, MS-SMB 2.2.4.5 and 2.2.4.6.
NEGOTIATE, SESSION_SETUP = 0x72, 0x73
UNICODE, NT_STATUS, EXTENDED_SECURITY, LONG_NAMES = 0x8000, 0x4000, 0x0800, 0x0001  # flags2
CAN = 0x8000_0044  # extended security, NT status, Unicode
ENABLED, REQUIRED = 0x04, 0x08
FIRST, NONE = 0, 0xFFFF
# How SMB1 is refused for good (MS-ERREF 2.3, MS-CIFS 2.2.2.4): invalid parameter, not supported, access
# denied, not implemented, invalid SMB, bad command. Any other status may be another one tomorrow.
REFUSALS = {0xC000_000D, 0xC000_00BB, 0xC000_0022, 0xC000_0002, 0x0001_0002, 0x0016_0002}
LONG = 17  # words of the answer that chose "NT LM 0.12"


@dataclass(frozen=True, slots=True)
class Smb:
    """Negotiations, and no session. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "smb"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (DIRECT, NETBIOS)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, 445 first, and where it was heard. Windows knows no other port."""
        return tuple(sorted(doors(target, ("smb",), self.usual), key=lambda port: (port != DIRECT, port)))

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """At most five negotiations of SMB 2 and 3 and one of SMB1, each on a connection of its own.

        139 beside 445 is the same server: there only the session around SMB is opened.
        """
        way = _Way(egress, target.address, port, self.timeout)
        if _beside(target, port):
            with way.line():
                pass
            yield target.observed(self.name, port, "smb", {"smb1": None})  # it was not asked
            return
        modern, trouble = _modern(way)
        if trouble and not modern and trouble.reason not in MAY_BE_OLD:
            raise trouble
        old, further = _old(way, alive=bool(modern), alone="signing" not in modern)
        if old.get("smb1") in {"on", "off"} and trouble and trouble.reason is Reason.CLOSED:
            modern.setdefault("dialects", "none")  # it is alive, and hangs up where it takes none of them
            trouble = None
        if old or modern:
            unknown: Facts = {"smb1": "unknown", "dialects": None, "signing": None}
            yield target.observed(self.name, port, "smb", unknown | old | modern)
        if failed := trouble or further:
            raise failed

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """SMB1 is the worst; then any file sharing seen from outside. Signing is a fact only."""
        if seen.protocol != "smb":
            return
        if seen.facts.get("smb1") == "on":
            yield seen.finding("smb-smb1")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("smb-reachable")


def _beside(target: Target, port: int) -> bool:
    """Is this 139 of a machine that is asked on 445? From outside, a box may lead each to another machine."""
    here = target.vantage is Vantage.LAN and DIRECT in target.open_ports
    return port == NETBIOS and here and target.spoken.get(DIRECT, "smb") == "smb"


@dataclass(frozen=True, slots=True)
class _Way:
    """How this door is reached."""

    egress: Way
    address: str
    port: int
    patience: float

    @contextmanager
    def line(self) -> Iterator[Line]:
        """A fresh connection, ready for SMB."""
        with self.egress.connect(self.address, self.port, patience=self.patience) as line:
            if self.port == NETBIOS:
                open_netbios(line)
            yield line


def _modern(way: _Way) -> tuple[Facts, ProbeError | None]:
    """What is known of SMB 2 and 3: `dialects`, `signing` and what NTLM tells; and why it is not all."""
    left, taken = set(DIALECTS), list[int]()
    facts: Facts = {}
    challenge = b""
    trouble = None
    try:
        while left:
            with way.line() as line:
                talk = Talk(line)
                told = negotiate(talk, left)
                if told is None or told.dialect not in left:  # some answer with what was not offered
                    facts = facts or {"dialects": "none"}
                    break
                if not taken:
                    facts = {"signing": told.signing}
                    challenge = _challenge(talk)
            taken.append(told.dialect)
            left.remove(told.dialect)
    except ProbeError as error:
        trouble = error
    except OtherProtocol:
        if not taken:
            raise
        trouble = ProbeError(Reason.PROTOCOL, "no SMB any more")
    if taken:
        facts["dialects"] = ", ".join(DIALECTS[one] for one in sorted(taken))
        facts |= challenge_facts(challenge, surely_windows=max(taken) == WINDOWS_7)
    return facts, trouble


def _challenge(talk: Talk) -> bytes:
    """The answer to NTLM's first message. Whoever has none to give has negotiated all the same."""
    with suppress(ProbeError):
        return session_setup(talk, spnego_negotiate(), "NTLM NEGOTIATE").message
    return b""


def _old(way: _Way, *, alive: bool, alone: bool) -> tuple[Facts, ProbeError | None]:
    """What is known of SMB1; and why it is nothing.

    `alive`: it has just answered us in SMB2. `alone`: it chose no newer dialect, and tells its version here.
    """
    try:
        with way.line() as line:
            send(line, _message(NEGOTIATE, b"\0" + little(12, 2) + b"\x02NT LM 0.12\0"), "SMB1 NEGOTIATE")
            told = receive(line)
            status, chosen = _status(told), NONE
            if status and status not in REFUSALS:
                return {"smb1": "unknown"}, ProbeError(
                    Reason.BUSY, f"neither yes nor no: status {status:#010x}"
                )
            if not status:
                chosen = _chosen(told)
            if chosen == NONE:
                return {"smb1": "off"}, None
            facts: Facts = {"smb1": "on", "signing": signing(told[35], ENABLED, REQUIRED)}
            if alone and number(told, 10, 2) & EXTENDED_SECURITY:
                with suppress(ProbeError, OtherProtocol):
                    send(line, _message(SESSION_SETUP, _setup(spnego_negotiate())), "NTLM NEGOTIATE in SMB1")
                    facts |= challenge_facts(receive(line))
            return facts, None
    except ProbeError as error:
        if alive and error.reason is Reason.CLOSED:
            return {"smb1": "off"}, None
        return {}, error
    except OtherProtocol:
        if not alive:
            raise
        return {}, ProbeError(Reason.PROTOCOL, "no SMB any more")


def _status(told: bytes) -> int:
    """The status of an answer to a negotiation, in either language; 0 where it is another message."""
    if told[:4] != MAGIC1:
        return number(told, 8, 4) if len(told) >= HEADER2 and number(told, 12, 2) == 0 else 0
    return number(told, 5, 4) if told[4] == NEGOTIATE else 0


def _chosen(told: bytes) -> int:
    """FIRST where the one dialect that we offered was chosen, NONE where it was refused in any way."""
    if told[:4] != MAGIC1:  # it answers in SMB2
        return NONE
    if told[4] != NEGOTIATE:
        raise ProbeError(Reason.PROTOCOL, "an answer to another question")
    index = number(told, HEADER1 + 1, 2) if len(told) >= HEADER1 + 3 else NONE
    if index == FIRST and told[HEADER1] == LONG and len(told) > HEADER1 + 2 * LONG:
        return FIRST
    if index == NONE:
        return NONE
    raise ProbeError(Reason.PROTOCOL, "a dialect that was not offered")


def _message(command: int, rest: bytes) -> bytes:
    """An SMB1 message: its header, and what follows."""
    flags2 = UNICODE | NT_STATUS | EXTENDED_SECURITY | LONG_NAMES
    return MAGIC1 + bytes([command]) + bytes(4) + b"\x18" + little(flags2, 2) + bytes(20) + rest


def _setup(blob: bytes) -> bytes:
    """SESSION_SETUP_ANDX with extended security. A virtual circuit of 0 would end all others of ours."""
    words = b"\xff\0" + bytes(2) + little(4356, 2) + little(1, 2) + little(1, 2) + bytes(4)
    words += little(len(blob), 2) + bytes(4) + little(CAN, 4)
    content = blob + bytes(1 - len(blob) % 2) + bytes(4)  # two empty names, at an even place
    return bytes([len(words) // 2]) + words + little(len(content), 2) + content


PROBE: ProbeFactory = Smb
