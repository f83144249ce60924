"""Does the device tell about itself to whoever says `public`? RFC 3416, RFC 1157, RFC 3418 (sysDescr).

`public` is the password that devices leave the factory with, and so only a site file that says
`[probes.snmp] public = true` has it tried. One value is read, sysDescr: what the device is. The two messages
are written and read by hand in the little BER they need (X.690): pysnmp would bring an event loop, a compiler
of MIBs and sockets of its own, past the one way out. Where it stops: that a device keeps silent does not say
why, and whether the same word lets others write is not tried.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.model import Reason
from netwatch.plain import discreet, version
from netwatch.probe import ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORT = 161
COMMUNITY = b"public"
SYS_DESCR = bytes([0x2B, 6, 1, 2, 1, 1, 1, 0])  # 1.3.6.1.2.1.1.1.0
VERSIONS = {"2c": 1, "1": 0}  # the one that most speak, then the one before it
INTEGER, STRING, NULL, OID, SEQUENCE, GET, RESPONSE = 0x02, 0x04, 0x05, 0x06, 0x30, 0xA0, 0xA2
LONGEST = 80  # characters of what it says it is

# Unix says `Linux NAME 6.1.0 #1 SMP ...`: the name of the machine is not ours to keep.
UNAME = r"^(?:{}) \S+ (\d[\w.+-]*)"
SYSTEMS = ("Linux", "FreeBSD", "NetBSD", "OpenBSD", "Darwin", "SunOS")
WINDOWS = r"Software: Windows (?:\d+ )?Version (\d+\.\d+)"


@dataclass(frozen=True, slots=True)
class Snmp:
    """sysDescr, with the community `public`. `public`: may it be tried? `timeout`: seconds for an answer."""

    name: ClassVar[str] = "snmp"
    manner: ClassVar[str] = "snmp"
    usual: ClassVar[tuple[int, ...]] = ()
    public: bool = False
    timeout: Annotated[float, Ge(0.5), Le(60)] = 2.0

    def wants(self, target: Target) -> tuple[int, ...]:  # noqa: ARG002 - UDP: whatever is open
        """Port 161, where the site file allows a password to be tried."""
        return (PORT,) if self.public else ()

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One datagram, and a second one where the first met silence."""
        number = secrets.randbelow(0x7FFF_0000) + 0x1_0000
        trouble = ProbeError(Reason.MUTE, "no answer over UDP")
        for spoken, code in VERSIONS.items():
            asked = _get(code, number)
            try:
                told = egress.ask(target.address, port, asked, f"SNMP v{spoken} GET", patience=self.timeout)
            except ProbeError as error:
                if error.reason is not Reason.MUTE:
                    raise
                trouble = error
                continue
            facts: Facts = {"authentication": "none", "version": spoken, "product": _described(told, number)}
            yield target.observed(self.name, port, "snmp", facts, transport="udp")
            return
        raise trouble

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """A password that everybody knows is none."""
        if seen.protocol == "snmp" and seen.facts.get("authentication") == "none":
            yield seen.finding("snmp-public")


def _get(code: int, number: int) -> bytes:
    """A GetRequest: version, community, then request-id, no error, and one name without a value."""
    names = _put(SEQUENCE, _put(SEQUENCE, _put(OID, SYS_DESCR), _put(NULL)))
    asked = _put(GET, _number(number), _number(0), _number(0), names)
    return _put(SEQUENCE, _number(code), _put(STRING, COMMUNITY), asked)


def _put(tag: int, *parts: bytes) -> bytes:
    """Tag, length, value. All of ours are shorter than 128 bytes."""
    value = b"".join(parts)
    return bytes([tag, len(value)]) + value


def _number(value: int) -> bytes:
    return _put(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _described(told: bytes, number: int) -> str | None:
    """sysDescr, as far as it may be kept. ProbeError where this is no answer to our question."""
    message = _take(told, SEQUENCE)[0]
    _, rest = _take(message, INTEGER)
    _, rest = _take(rest, STRING)
    answer, _ = _take(rest, RESPONSE)
    told_number, rest = _take(answer, INTEGER)
    if int.from_bytes(told_number, "big") != number:
        raise ProbeError(Reason.PROTOCOL, "an answer to another question")
    _, rest = _take(rest, INTEGER)  # an error's status and index: it knows the community all the same
    _, rest = _take(rest, INTEGER)
    value = _take(_take(_take(rest, SEQUENCE)[0], SEQUENCE)[0], OID)[1]
    return _product(_take(value, STRING)[0]) if value[:1] == bytes([STRING]) else None


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
