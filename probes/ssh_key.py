"""Which key does the SSH server show, and does it still offer what is broken? RFC 4253 6-8, RFC 5656.

Both sides say what they can do; then we begin a key exchange with a public value that is no secret's, and
read the key that the server shows in clear in its answer. There we leave: no secret is shared, no service is
asked for, no user is named. The key is a mark, by which a device is known again at another address. Where it
stops: at servers of the first version, and at those that take none of the exchanges below: their key stays
unknown.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256
from re import fullmatch
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

OURS = b"SSH-2.0-netwatch\r\n"
MARK = b"SSH-"
SECOND = (b"SSH-2.0-", b"SSH-1.99-")
LATER = (b"Exceeded MaxStar", b"Not allowed at t")  # OpenSSH, instead of its version
LONGEST, LINES = 255, 20  # bytes of a line, and lines before the one that counts
PACKET = 35_000  # bytes: RFC 4253 6.1
ASIDE = 8  # messages that mean nothing to us and may come before the one we wait for

DISCONNECT, IGNORE, DEBUG, KEXINIT, KEX_INIT, KEX_REPLY = 1, 2, 4, 20, 30, 31
LISTS, COOKIE = 10, 16

# The generator of P-256 (SEC 2, 2.4.2): a valid point, and anybody's.
POINT = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
U = bytes([9]) + bytes(31)  # the base point of Curve25519: RFC 7748 4.1

# What we can begin, the best first, and with which public value. For the groups any number below the prime
# does that has enough bits set: OpenSSH turns away those with fewer than four.
EXCHANGES = {
    b"curve25519-sha256": U,
    b"curve25519-sha256@libssh.org": U,
    b"ecdh-sha2-nistp256": POINT,
    b"diffie-hellman-group14-sha256": b"\x5a" * 256,
    b"diffie-hellman-group16-sha512": b"\x5a" * 512,
    b"diffie-hellman-group14-sha1": b"\x5a" * 256,
    b"diffie-hellman-group1-sha1": b"\x5a" * 128,
}
# Always in this order, so that it is the same key every night.
KEYS = (
    b"ssh-ed25519",
    b"ecdsa-sha2-nistp256",
    b"ecdsa-sha2-nistp384",
    b"ecdsa-sha2-nistp521",
    b"rsa-sha2-512",
    b"rsa-sha2-256",
    b"ssh-rsa",
    b"ssh-dss",
)
# Broken, or within reach of who has the means: RFC 9142, RFC 8758, RFC 6151. By how they begin.
WEAK = ("diffie-hellman-group1-sha1", "ssh-dss", "arcfour", "3des-cbc", "des-cbc", "hmac-md5")
BAD = frozenset(WEAK[:3])


@dataclass(frozen=True, slots=True)
class SshKey:
    """Versions, KEXINIT both ways, and one key exchange begun. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "ssh_key"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = ()  # those of the probe `ssh`, which hears it first
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where SSH was heard, and where the list of ports expects it."""
        return doors(target, ("ssh",))

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection, left before anything is agreed upon."""
        facts: Facts = {"host_key": None, "host_key_type": None, "weak": None}
        with egress.connect(target.address, port, patience=self.timeout) as line:
            second = _banner(line).startswith(SECOND)
            try:
                if second:
                    line.send(OURS, "SSH version")
                    theirs = _lists(_message(line, KEXINIT))
                    facts["weak"] = _weak(theirs)
                    facts |= _key(line, theirs)
            except ProbeError as error:
                yield target.observed(self.name, port, "ssh", facts)
                raise error from None
        yield target.observed(self.name, port, "ssh", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """What nobody should offer any more. That the internet reaches it is for the probe `ssh` to say."""
        weak = seen.facts.get("weak")
        if seen.protocol == "ssh" and isinstance(weak, str) and BAD & set(weak.split(", ")):
            yield seen.finding("ssh_key-weak")


def _banner(line: Line) -> bytes:
    """The server's version; lines may come before it."""
    opening = b""
    for _ in range(LINES):
        told = line.until(b"\n", LONGEST)
        if told.startswith(LATER):
            raise ProbeError(Reason.BUSY, "the server takes nobody for now")
        opening = opening or told[:16]
        if told.startswith(MARK):
            return told
    raise OtherProtocol(opening)


def _message(line: Line, wanted: int) -> bytes:
    """The payload of this message. RFC 4253 6: length, padding length, payload, padding."""
    for _ in range(ASIDE):
        length = int.from_bytes(line.read(4), "big")
        if not 2 <= length <= PACKET:  # noqa: PLR2004 - the padding's length, and a message number
            raise ProbeError(Reason.LIMIT, "a packet longer than SSH allows, or empty")
        packet = line.read(length)
        payload = packet[1 : max(1, length - packet[0])]
        kind = payload[0] if payload else IGNORE
        if kind == wanted:
            return payload[1:]
        if kind == DISCONNECT:  # a reason follows, which is not read
            raise ProbeError(Reason.CLOSED, "the server took its leave")
        if kind not in {IGNORE, DEBUG}:
            break
    raise ProbeError(Reason.PROTOCOL, "another message than SSH has there")


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """(a string, where the next thing begins). RFC 4251 5."""
    size = int.from_bytes(data[at : at + 4], "big")
    end = at + 4 + size
    if end > len(data):
        raise ProbeError(Reason.PROTOCOL, "a length beyond the end of its message")
    return data[at + 4 : end], end


def _lists(payload: bytes) -> tuple[list[bytes], ...]:
    """The ten lists of a KEXINIT: exchanges, keys, ciphers, MACs and compressions both ways, languages."""
    lists, at = [], COOKIE
    for _ in range(LISTS):
        names, at = _string(payload, at)
        lists.append(names.split(b","))
    return tuple(lists)


def _weak(theirs: Sequence[list[bytes]]) -> str:
    """Which of WEAK it offers, or `none`."""
    offered = [name.decode("latin-1") for names in theirs for name in names]
    found = [weak for weak in WEAK if any(name.startswith(weak) for name in offered)]
    return ", ".join(found) or "none"


def _key(line: Line, theirs: Sequence[list[bytes]]) -> Facts:
    """The mark of the key that it shows, and its kind; nothing where we could begin no exchange.

    For what is never used we agree to whatever comes first.
    """
    chosen = next((name for name in EXCHANGES if name in theirs[0]), None)
    if chosen is None or not set(KEYS) & set(theirs[1]):
        return {}
    firsts = [names[0] for names in theirs[2:8]]
    if not all(fullmatch(rb"[!-~]{1,64}", name) for name in firsts):
        raise ProbeError(Reason.PROTOCOL, "a name that SSH does not allow")
    lists = [chosen, b",".join(KEYS), *firsts, b"", b""]
    hello = bytes([KEXINIT]) + secrets.token_bytes(COOKIE) + b"".join(map(_told, lists)) + bytes(5)
    begin = bytes([KEX_INIT]) + _told(EXCHANGES[chosen])
    line.send(_packet(hello) + _packet(begin), "SSH KEXINIT and the beginning of a key exchange")
    blob = _string(_message(line, KEX_REPLY), 0)[0]
    kind = _string(blob, 0)[0]
    if kind not in KEYS:
        raise ProbeError(Reason.PROTOCOL, "a key of another kind than we know")
    return {"host_key": f"sha256:{sha256(blob).hexdigest()[:32]}", "host_key_type": kind.decode("ascii")}


def _told(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _packet(payload: bytes) -> bytes:
    """With its padding: at least four bytes, up to a multiple of eight."""
    padding = 4 + -(len(payload) + 9) % 8
    return _told(bytes([padding]) + payload + bytes(padding))


PROBE: ProbeFactory = SshKey
