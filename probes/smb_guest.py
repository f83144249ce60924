"""Does Windows file sharing let a stranger in, and what would he see? MS-SMB2, MS-NLMP, MS-SRVS, MS-RPCE.

Only in the audit that the site's authorisation names: what is asked here comes close to a login. First
without any name (a null session); only if no share opens to that, with a made-up name and an empty password,
which some servers take for a guest's. The shares are listed and knocked at, one after the other, until one
opens: a list alone is shown to everybody by Samba as it is delivered, and does no harm. Where it stops: at
that door. No folder is listed and no file is seen.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason
from netwatch.ntlm import CHALLENGE, SIGNATURE, spnego_negotiate
from netwatch.plain import discreet
from netwatch.probe import OtherProtocol, ProbeError
from netwatch.smb2 import (
    DIALECTS,
    HEADER2,
    MORE_PROCESSING,
    SUCCESS,
    Talk,
    little,
    negotiate,
    number,
    open_netbios,
    session_setup,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

NETBIOS, DIRECT = 139, 445
MOST_NAMES, LONGEST = 20, 180  # names told, and characters of them all

# MS-ERREF 2.3: access denied, no such user, wrong password, logon failure, restricted, disabled, not granted
# this kind of logon, locked out, blocked by policy, no such share.
REFUSALS = {
    *(0xC000_0022, 0xC000_0064, 0xC000_006A, 0xC000_006D, 0xC000_006E, 0xC000_0072, 0xC000_015B),
    *(0xC000_0234, 0xC000_0418, 0xC000_00CC),
}
TREE_CONNECT, CREATE, READ, IOCTL = 3, 5, 8, 11
PIPE_TRANSCEIVE = 0x0011_C017
READ_AND_WRITE = 0x0012_019F  # a pipe is asked by writing to it
READ_DATA = 1

# MS-NLMP 2.2.2.5: Unicode, target, NTLM, always sign, extended session security, target information, 128, 56.
FLAGS, ANONYMOUS = 0xA088_8205, 0x800
EMPTY_PASSWORD = bytes.fromhex("31d6cfe0d16ae931b73c59d7e0c089c0")  # what NTLM makes of it
EPOCH = 116_444_736_000_000_000  # 1970 in tenths of microseconds since 1601

# C706 12.6, MS-SRVS 3.1.4.8: interface srvsvc 3.0, NetrShareEnum, level 1.
SRVSVC = bytes.fromhex("c84f324b7016d30112785a47bf6ee188") + little(3, 4)
NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860") + little(2, 4)
VERSION, HEAD = 5, 24  # of a fragment; bytes before what it carries
BIND, BIND_ACK, REQUEST, RESPONSE, FAULT = 11, 12, 0, 2, 3
SHARE_ENUM = 15
FRAGMENT, FRAGMENTS = 4280, 16  # bytes, and how many we listen to
LAST_FRAGMENT = 2
PIPE_ANSWER = 65_536
KIND, DISK, SPECIAL = 0xFF, 0, 0x8000_0000  # of a share; special: the administrators' own (C$, IPC$)
ROWS = 1000  # shares of one machine that we count


@dataclass(frozen=True, slots=True)
class SmbGuest:
    """Two sessions at most. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "smb_guest"
    manner: ClassVar[str] = "audit"
    usual: ClassVar[tuple[int, ...]] = (DIRECT, NETBIOS)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """One door of each machine: 139 only where there is no 445."""
        ports = doors(target, ("smb",), self.usual)
        return tuple(port for port in ports if port != NETBIOS or DIRECT not in ports)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """Nobody; then, only if no share opens to nobody, somebody who does not exist."""
        facts, trouble = self._visit(target, port, egress, "")
        if not trouble and not facts["share_opens"]:
            further, trouble = self._visit(target, port, egress, f"netwatch-{secrets.token_hex(4)}")
            if facts["guest"] == "refused" or further["share_opens"]:
                facts = further
        if trouble and not facts["share_opens"]:
            facts = facts | {"share_opens": None}  # to the other visitor one might
        if facts["guest"] != "unknown":
            yield target.observed(self.name, port, "smb", facts)
        if trouble:
            raise trouble

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A share that opened to a stranger; a session or a list of names alone is a fact."""
        if seen.protocol == "smb" and seen.facts.get("share_opens") is True:
            yield seen.finding("smb_guest-shares-open")

    def _visit(self, target: Target, port: int, egress: Way, user: str) -> tuple[Facts, ProbeError | None]:
        """What this visitor was given, and why it is not all. A null session that shows nothing is a no."""
        facts: Facts = {"guest": "unknown", "session": None, "shares": None, "share_names": None}
        facts["share_opens"] = None
        try:
            with egress.connect(target.address, port, patience=self.timeout) as line:
                if port == NETBIOS:
                    open_netbios(line)
                talk = Talk(line)
                if not _let_in(talk, user):
                    return facts | {"guest": "refused", "share_opens": False}, None
                if user:
                    facts |= {"guest": "allowed", "session": "guest"}
                names = _shares(talk, target.address)
                if names is None:
                    return (facts if user else facts | {"guest": "refused", "share_opens": False}), None
                facts |= {"guest": "allowed", "session": "guest" if user else "anonymous"}
                facts |= {"shares": len(names), "share_names": _told(names)}
                facts["share_opens"] = any(_opens(talk, target.address, name) for name in names[:MOST_NAMES])
        except ProbeError as error:
            return facts, error
        except OtherProtocol:
            if not user:
                raise
            return facts, ProbeError(Reason.PROTOCOL, "no SMB any more")
        return facts, None


def _told(names: list[str]) -> str | None:
    """Those that look like no person, one after the other, as far as they fit; of the others how many."""
    told: list[str] = []
    for name in [name.replace(",", " ") for one in names if (name := discreet(one))][:MOST_NAMES]:
        if len(", ".join([*told, name])) <= LONGEST:
            told.append(name)
    left = len(names) - len(told)
    return ", ".join([*told, f"+{left}"] if left else told) or None


def _let_in(talk: Talk, user: str) -> bool:
    """A session for this user, nobody if empty: opened, or refused. ProbeError where neither can be said."""
    if negotiate(talk, DIALECTS) is None:
        raise ProbeError(Reason.PROTOCOL, "no dialect of SMB 2 or 3")
    answer = session_setup(talk, spnego_negotiate(), "NTLM NEGOTIATE")
    if answer.status == MORE_PROCESSING:
        what = "NTLM AUTHENTICATE, a made-up name" if user else "NTLM AUTHENTICATE, nobody"
        answer = session_setup(talk, _wrapped(_authenticate(answer.message, user)), what)
    return _granted(answer.status)


def _granted(status: int) -> bool:
    """Yes or no; ProbeError for anything else."""
    if status not in {SUCCESS, *REFUSALS}:
        raise ProbeError(Reason.PROTOCOL, f"neither yes nor no: status {status:#010x}")
    return status == SUCCESS


def _authenticate(told: bytes, user: str) -> bytes:
    """MS-NLMP 2.2.1.3 and 3.3.2: the answer to this CHALLENGE, for nobody, or with an empty password."""
    at = told.find(CHALLENGE)
    if at < 0:
        raise ProbeError(Reason.PROTOCOL, "no challenge where one was announced")
    told = told[at:]
    name = user.encode("utf-16-le")
    if user:
        length, offset = number(told, 40, 2), number(told, 44, 4)
        key = _keyed(EMPTY_PASSWORD, user.upper().encode("utf-16-le"))
        now = little(EPOCH + time.time_ns() // 100, 8)
        proved = b"\x01\x01" + bytes(6) + now + secrets.token_bytes(8) + bytes(4)
        proved += told[offset : offset + length] + bytes(4)
        parts = [bytes(24), _keyed(key, told[24:32] + proved) + proved, b"", name, b"", b""]
    else:
        parts = [b"\0", b"", b"", b"", b"", b""]
    fields, payload = b"", b""
    for part in parts:  # the two responses, domain, user, workstation, session key
        fields += little(len(part), 2) * 2 + little(64 + len(payload), 4)
        payload += part
    flags = FLAGS if user else FLAGS | ANONYMOUS
    return SIGNATURE + little(3, 4) + fields + little(flags, 4) + payload


def _keyed(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "md5")


def _wrapped(token: bytes) -> bytes:
    """RFC 4178 4.2.2: the second token of SPNEGO."""
    for tag in (0x04, 0xA2, 0x30, 0xA1):
        token = bytes([tag, 0x82]) + len(token).to_bytes(2, "big") + token
    return token


def _tree(address: str, share: str) -> bytes:
    path = f"\\\\{address}\\{share}".encode("utf-16-le", "surrogatepass")
    return little(9, 2) + bytes(2) + little(HEADER2 + 8, 2) + little(len(path), 2) + path


def _opens(talk: Talk, address: str, share: str) -> bool:
    """Does this share let us in, to read? Nothing is read. MS-SMB2 2.2.10: the most that we may do there.

    ProbeError where it says neither yes nor no.
    """
    talk.tree = 0
    answer = talk.ask(TREE_CONNECT, _tree(address, share[:LONGEST]), "tree connect to a share")
    return _granted(answer.status) and bool(number(answer.body, 12, 4) & READ_DATA)


def _shares(talk: Talk, address: str) -> list[str] | None:
    """The names of the machine's disk shares; None where we are not to know them."""
    answer = talk.ask(TREE_CONNECT, _tree(address, "IPC$"), "tree connect to IPC$")
    if not _granted(answer.status):
        return None
    talk.tree = answer.tree
    pipe = "srvsvc".encode("utf-16-le")
    body = little(57, 2) + bytes(2) + little(2, 4) + bytes(16) + little(READ_AND_WRITE, 4) + bytes(4)
    body += little(7, 4) + little(1, 4) + bytes(4) + little(HEADER2 + 56, 2) + little(len(pipe), 2) + bytes(8)
    answer = talk.ask(CREATE, body + pipe, "open the pipe srvsvc")
    if not _granted(answer.status):
        return None
    file = answer.body[64:80].ljust(16, b"\0")
    bind = little(FRAGMENT, 2) * 2 + bytes(4) + little(1, 4) + little(0, 2) + little(1, 2) + SRVSVC + NDR
    if _called(talk, file, _pdu(BIND, bind), "bind srvsvc") is None:
        return None
    # No server name; level 1; room for nothing; as much as you like; from the beginning.
    stub = bytes(4) + little(1, 4) * 2 + little(0x20000, 4) + bytes(8) + little(0xFFFF_FFFF, 4) + bytes(4)
    request = little(len(stub), 4) + little(0, 2) + little(SHARE_ENUM, 2) + stub
    told = _called(talk, file, _pdu(REQUEST, request), "list the shares")
    return None if told is None else _disks(told)


def _pdu(kind: int, rest: bytes) -> bytes:
    """C706 12.6.3.1: little-endian, first and last fragment, call 1."""
    return (
        bytes([VERSION, 0, kind, 3, 0x10, 0, 0, 0])
        + little(16 + len(rest), 2)
        + bytes(2)
        + little(1, 4)
        + rest
    )


def _called(talk: Talk, file: bytes, pdu: bytes, what: str) -> bytes | None:
    """What follows the header of the answer, fragments joined; None for a fault or a refusal."""
    body = little(57, 2) + bytes(2) + little(PIPE_TRANSCEIVE, 4) + file + little(HEADER2 + 56, 4)
    body += little(len(pdu), 4) + bytes(12) + little(PIPE_ANSWER, 4) + little(1, 4) + bytes(4) + pdu
    answer = talk.ask(IOCTL, body, what)
    joined = b""
    for _ in range(FRAGMENTS):
        if not _granted(answer.status):
            return None
        told = answer.buffer(32, 36, 4) if not joined else answer.message[number(answer.body, 2, 1) :]
        kind = told[2:3]
        if kind == bytes([FAULT]):
            return None
        if len(told) < HEAD or told[0] != VERSION or kind not in {bytes([BIND_ACK]), bytes([RESPONSE])}:
            raise ProbeError(Reason.PROTOCOL, "an answer that is no remote procedure call's")
        joined += told[HEAD:]
        if told[3] & LAST_FRAGMENT:
            return joined
        body = little(49, 2) + bytes(2) + little(FRAGMENT, 4) + bytes(8) + file + bytes(17)
        answer = talk.ask(READ, body, f"{what}: the rest")
    raise ProbeError(Reason.LIMIT, f"more than {FRAGMENTS} fragments")


def _disks(stub: bytes) -> list[str] | None:
    """SHARE_INFO_1 in NDR (C706 14): rows of three pointers, then their texts, a name and a remark each.

    A remark is passed over unread.
    """
    if number(stub, len(stub) - 4, 4):
        return None
    rows = number(stub, 20, 4) if number(stub, 16, 4) else 0
    if rows > min(ROWS, len(stub) // 12):
        raise ProbeError(Reason.LIMIT, "more shares announced than told")
    at = 24 + 12 * rows
    names = []
    for row in range(rows):
        name_at, kind, remark_at = (number(stub, 24 + 12 * row + field, 4) for field in (0, 4, 8))
        texts = []
        for pointer in (name_at, remark_at):
            length = 2 * number(stub, at + 8, 4) if pointer else 0
            texts.append(stub[at + 12 : at + 12 + length])
            at += 12 + length + -length % 4 if pointer else 0
        name = texts[0].decode("utf-16-le", "replace").rstrip("\0")
        if kind & KIND == DISK and not kind & SPECIAL and name != "IPC$":  # impacket calls it a disk
            names.append(name)
    return names


PROBE: ProbeFactory = SmbGuest
