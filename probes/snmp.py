"""Does the device tell about itself to whoever says `public`? RFC 3416, RFC 1157, RFC 3418 2.

`public` is the password that devices leave the factory with, and so only a site file that says
`[probes.snmp] public = true` has it tried. One question reads two values: sysDescr, what the device is, and
sysName, how it is called; an agent that refuses both at once is asked for sysDescr alone. Of a description
that might hold somebody's name only what the product rules know is kept. The messages are written and read by
hand in the little BER they need (X.690): pysnmp would bring an event loop, a compiler of MIBs and sockets of
its own, past the one way out. Where it stops: that a device keeps silent does not say why, and whether the
same word lets others write is not tried.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.excerpt import excerpt
from netwatch.model import Reason
from netwatch.plain import discreet, hostname, plain, version
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORT = 161
COMMUNITY = b"public"
SYS_DESCR = bytes([0x2B, 6, 1, 2, 1, 1, 1, 0])  # 1.3.6.1.2.1.1.1.0
SYS_NAME = bytes([0x2B, 6, 1, 2, 1, 1, 5, 0])  # 1.3.6.1.2.1.1.5.0
VERSIONS = {"2c": 1, "1": 0}  # the one that most speak, then the one before it
INTEGER, STRING, NULL, OID, SEQUENCE, GET, RESPONSE = 0x02, 0x04, 0x05, 0x06, 0x30, 0xA0, 0xA2
LONGEST = 80  # characters of what it says it is
MOST = 4  # values of an answer that are looked at
# A machine's name as it left the factory, or where nobody gave it one.
NAMELESS = frozenset({"none", "noname", "default", "sysname", "unnamed", "localhost", "unknown"})

# Unix says `Linux NAME 6.1.0 #1 SMP ...`: the name of the machine is not ours to keep.
UNAME = r"^(?:{}) \S+ (\d[\w.+-]*)"
SYSTEMS = ("Linux", "FreeBSD", "NetBSD", "OpenBSD", "Darwin", "SunOS")
NODE = rf"^({'|'.join(SYSTEMS)}) \S+ (?=\d)"
WINDOWS = r"Software: Windows (?:\d+ )?Version (\d+\.\d+)"


@dataclass(frozen=True, slots=True)
class Snmp:
    """sysDescr and sysName, with the community `public`. `public`: may it be tried? `timeout`: seconds for an
    answer."""

    name: ClassVar[str] = "snmp"
    manner: ClassVar[str] = "snmp"
    usual: ClassVar[tuple[int, ...]] = ()
    public: bool = False
    timeout: Annotated[float, Ge(0.5), Le(60)] = 2.0

    def wants(self, target: Target) -> tuple[int, ...]:  # noqa: ARG002 - UDP: whatever is open
        """Port 161, where the site file allows a password to be tried."""
        return (PORT,) if self.public else ()

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One datagram, a second one where the first met silence, and one more where an agent of the first
        version refuses to answer both questions at once."""
        number = secrets.randbelow(0x7FFF_0000) + 0x1_0000

        def ask(spoken: str, *names: bytes) -> Answer:
            asked = _get(VERSIONS[spoken], number, *names)
            told = egress.ask(target.address, port, asked, f"SNMP v{spoken} GET", patience=self.timeout)
            return _answer(told, number)

        trouble = ProbeError(Reason.MUTE, "no answer over UDP")
        for spoken in VERSIONS:
            try:
                answer = ask(spoken, SYS_DESCR, SYS_NAME)
            except ProbeError as error:
                if error.reason is not Reason.MUTE:
                    raise
                trouble = error
                continue
            if answer.refused:  # RFC 1157 4.1.2: one name that it does not have, and nothing is told
                with suppress(ProbeError):  # it knows the community, whatever comes now
                    answer = ask(spoken, SYS_DESCR)
            facts: Facts = {"authentication": "none", "version": spoken, **_kept(answer)}
            yield target.observed(self.name, port, "snmp", facts, transport="udp")
            return
        raise trouble

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A password that everybody knows is none."""
        if seen.protocol == "snmp" and seen.facts.get("authentication") == "none":
            yield seen.finding("snmp-public")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent told: each name and its text. `refused`: an error in place of them."""

    refused: bool
    values: Mapping[bytes, bytes]


def _get(code: int, number: int, *names: bytes) -> bytes:
    """A GetRequest: version, community, then request-id, no error, and names without values."""
    asked = _put(SEQUENCE, *(_put(SEQUENCE, _put(OID, name), _put(NULL)) for name in names))
    request = _put(GET, _number(number), _number(0), _number(0), asked)
    return _put(SEQUENCE, _number(code), _put(STRING, COMMUNITY), request)


def _put(tag: int, *parts: bytes) -> bytes:
    """Tag, length, value. All of ours are shorter than 128 bytes."""
    value = b"".join(parts)
    return bytes([tag, len(value)]) + value


def _number(value: int) -> bytes:
    return _put(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _answer(told: bytes, number: int) -> Answer:
    """What it says. ProbeError where this is no answer to our question."""
    message = _take(told, SEQUENCE)[0]
    _, rest = _take(message, INTEGER)
    _, rest = _take(rest, STRING)
    answer, _ = _take(rest, RESPONSE)
    told_number, rest = _take(answer, INTEGER)
    if int.from_bytes(told_number, "big") != number:
        raise ProbeError(Reason.PROTOCOL, "an answer to another question")
    status, rest = _take(rest, INTEGER)
    _, rest = _take(rest, INTEGER)
    return Answer(any(status), dict(_texts(_take(rest, SEQUENCE)[0])))


def _texts(rest: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each name that has a text. noSuchObject and its like (RFC 3416 3) are none."""
    for _ in range(MOST):
        if not rest:
            return
        one, rest = _take(rest, SEQUENCE)
        name, value = _take(one, OID)
        if value[:1] == bytes([STRING]):
            yield name, _take(value, STRING)[0]


def _take(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """(the value of the first element, what follows it). X.690 8.1; lengths that a datagram can hold."""
    if len(data) < 2 or data[0] != tag:  # noqa: PLR2004 - a tag and a length
        raise ProbeError(Reason.PROTOCOL, "an answer that is not SNMP")
    size, at = data[1], 2
    if size > 0x80:  # noqa: PLR2004 - X.690 8.1.3.5: so many bytes of length follow
        at += size - 0x80
        size = int.from_bytes(data[2:at], "big")
    if at + size > len(data):
        raise ProbeError(Reason.PROTOCOL, "a length beyond the end of the datagram")
    return data[at : at + size], data[at + size :]


def _kept(answer: Answer) -> Facts:
    """`product`, `description` and `name`, as far as they may be kept."""
    described = answer.values.get(SYS_DESCR, b"")
    text = plain(described, 4 * LONGEST) or ""
    return {
        "product": _product(described),
        "description": excerpt("snmp", "description", re.sub(NODE, r"\1 ", text)),
        "name": _name(answer.values.get(SYS_NAME, b"")),
    }


def _name(told: bytes) -> str | None:
    """How the machine is called; nothing where that is what its kind of machine is called."""
    name = hostname(told)
    return name if name and name.lower() not in NAMELESS else None


def _product(told: bytes) -> str | None:
    """What it is, without the name that somebody gave it."""
    for system in SYSTEMS:
        if told.startswith(f"{system} ".encode()):
            release = version(told, UNAME.format(system))
            return f"{system} {release}" if release else system
    if release := version(told, WINDOWS):
        return f"Windows {release}"
    return discreet(told, LONGEST) or discreet(told.partition(b",")[0], LONGEST)


PROBE: ProbeFactory = Snmp
