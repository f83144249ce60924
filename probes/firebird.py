"""Does a Firebird server answer, and in which protocol? Firebird: src/remote/protocol.h (op_connect).

We say which protocols we know, without a user, a database or a password, hear which one the server would
take, and leave with its word for that (op_disconnect). Nothing is written in its log (3.0.11, measured).

Where it stops: a server that wants an encrypted connection (as Firebird 3 and later do by default) asks for
a user before it names a protocol. Whether a password is asked is not known: `authentication` stays unknown.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
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

CONNECT, ACCEPT, REJECT, DISCONNECT, ATTACH = 1, 3, 4, 6, 19
GO_ON, ACCEPT_DATA, ACCEPT_IF = 92, 94, 98
CONNECT_VERSION, GENERIC, LAZY_SEND = 3, 1, 5
# 10 is InterBase's too; with this flag it is Firebird's alone. Servers look at ten of them at most.
FIREBIRD = 0x8000
PROTOCOLS = (10, *(FIREBIRD | number for number in (11, 12, 13, 14, 15, 16, 17, 18, 19)))
WORD, LONGEST = 4, 1024  # bytes: of an XDR word, of a string
GLANCE = 0.2  # seconds


@dataclass(frozen=True, slots=True)
class Firebird:
    """An op_connect in nobody's name. `timeout`: seconds for the answer."""

    name: ClassVar[str] = "firebird"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (3050, 3051)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, and where it was heard."""
        return doors(target, ("firebird",), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(_connect(), "op_connect, no user")
            facts = _answer(line)
            with suppress(ProbeError):  # it may have left before us
                line.send(struct.pack(">i", DISCONNECT), "op_disconnect")
        yield target.observed(self.name, port, "firebird", facts | {"authentication": "unknown"})

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """On the network a database is where it belongs; on the internet it is not."""
        if seen.protocol == "firebird" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("firebird-reachable")


def _connect() -> bytes:
    """P_CNCT in XDR: a database of no name, no user, the protocols, the later the better."""
    words = [CONNECT, ATTACH, CONNECT_VERSION, GENERIC, 0, len(PROTOCOLS), 0]
    for weight, protocol in enumerate(PROTOCOLS, 1):
        words += [protocol, GENERIC, 0, LAZY_SEND, weight]
    return struct.pack(f">{len(words)}i", *words)


def _answer(line: Line) -> Facts:
    """What the server says of itself. OtherProtocol where it says none of the words that it may say."""
    told = line.take(WORD)
    while len(told) < WORD and not any(told[:3]):
        told += line.take(WORD - len(told))
    word = int.from_bytes(told, "big") if len(told) == WORD else 0
    facts: Facts = {"product": None, "protocol_version": None, "encryption": None}
    if word in {ACCEPT, ACCEPT_DATA, ACCEPT_IF}:
        protocol = _word(line) & 0xFFFF  # a short that was made long, sign and all
        if protocol not in PROTOCOLS or _word(line) != GENERIC:
            raise ProbeError(Reason.PROTOCOL, "a protocol that was not offered")
        _word(line)
        facts |= {
            "product": "Firebird" if protocol & FIREBIRD else None,  # 10 is spoken by InterBase too
            "protocol_version": protocol & ~FIREBIRD,
            "encryption": "offered" if word == ACCEPT_IF else "none",
        }
        if word != ACCEPT:
            _strings(line, 2)
            _word(line)
            _strings(line, 1)
    elif word == GO_ON:  # "say who you are": Firebird's since protocol 13, where encryption is wished for
        _strings(line, 4)
        facts |= {"product": "Firebird", "encryption": "offered"}
    elif word != REJECT:
        with suppress(ProbeError):
            told += line.listen(GLANCE)  # more of it, to know it by
        raise OtherProtocol(told)
    return facts


def _word(line: Line) -> int:
    """The next word."""
    return int.from_bytes(line.read(WORD), "big")


def _strings(line: Line, count: int) -> None:
    """So many strings, read so that they are not left lying, and forgotten."""
    for _ in range(count):
        size = _word(line)
        if size > LONGEST:
            raise ProbeError(Reason.PROTOCOL, "a string of an impossible length")
        line.read(size + -size % WORD)


PROBE: ProbeFactory = Firebird
