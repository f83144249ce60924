"""Does the MongoDB server answer a stranger without a password? MongoDB wire protocol (OP_MSG), bsonspec.org.

`hello`, which every driver says first, proves the product and is answered to anybody. Then one `count` of a
collection that cannot exist (random) in the database `local`, which every server has: code 13 means that a
password is wanted, a zero that none is. Counting what is not there reads nothing, and unlike in a database
of a random name nothing can come into being, not even a folder of an old server or an entry of a router.

Where it stops: any other answer leaves `authentication` unknown, a router's (mongos) among them, which has
no `local`.
"""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

    Command = dict[str, int | str]

HEADER, LONGEST = 16, 16_384
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
UNAUTHORIZED = 13
HIGHEST = 1000  # no wire version will be
GIVES_UP = {Reason.CLOSED, Reason.TIMEOUT}

# The newest wire version that a release speaks (mongo: wire_version.h; DRIVERS-2314, 2595, 2885).
RELEASES: Mapping[float, str] = {
    2: "2.6",
    3: "3.0",
    4: "3.2",
    5: "3.4",
    6: "3.6",
    7: "4.0",
    8: "4.2",
    9: "4.4",
    13: "5.0",
    17: "6.0",
    21: "7.0",
    25: "8.0",
}

# BSON: how many bytes a value takes, and how the numbers among them are read.
SIZES = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}
NUMBERS = {0x01: "<d", 0x08: "<?", 0x10: "<i", 0x12: "<q"}
TEXT, DOCUMENT, ARRAY, BINARY = 0x02, 0x03, 0x04, 0x05


@dataclass(frozen=True, slots=True)
class Mongodb:
    """`hello`, and one `count` of nothing. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "mongodb"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (27017,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, where it was heard, and what is silent until spoken to."""
        return doors(target, ("mongodb",), self.usual, anywhere=True)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection; a second one where it is expected and too old for the first (before 3.6)."""
        try:
            yield from self._asked(target, port, egress, OP_MSG)
        except _Deaf as error:
            if port not in doors(target, ("mongodb",), self.usual):
                raise error.cause from None
            try:
                yield from self._asked(target, port, egress, OP_QUERY)
            except _Deaf as again:
                raise again.cause from None

    def _asked(self, target: Target, port: int, egress: Way, way: int) -> Iterator[Observation]:
        """Both questions, in messages of this kind."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            hello: Command = {"hello": 1, "$db": "admin"} if way == OP_MSG else {"isMaster": 1}
            line.send(_request(1, "admin", hello, way), "hello" if way == OP_MSG else "isMaster")
            try:
                told = _answer(line, 1)
            except ProbeError as error:
                if error.reason in GIVES_UP:
                    raise _Deaf(error) from None
                raise
            facts: Facts = {"product": "MongoDB", **_versions(told), "authentication": "unknown"}
            try:
                nothing: Command = {"count": f"netwatch_{secrets.token_hex(16)}"}
                if way == OP_MSG:
                    nothing["$db"] = "local"
                line.send(_request(2, "local", nothing, way), "count of a collection that cannot exist")
                facts["authentication"] = _asked_for(_answer(line, 2))
            except (ProbeError, OtherProtocol) as error:
                yield target.observed(self.name, port, "mongodb", facts)
                if isinstance(error, OtherProtocol):
                    raise ProbeError(Reason.PROTOCOL, "no answer to the second question") from None
                raise error from None
        yield target.observed(self.name, port, "mongodb", facts)
        if facts["authentication"] == "unknown":
            raise ProbeError(Reason.BUSY, "neither yes nor no to the second question")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Open to all, or at least in sight of the internet."""
        if seen.protocol != "mongodb":
            return
        if seen.facts.get("authentication") == "none":
            yield seen.finding("mongodb-no-password")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("mongodb-reachable")


class _Deaf(Exception):  # noqa: N818 - a reason to ask in the old way
    """It did not answer the first question."""

    def __init__(self, cause: ProbeError) -> None:
        super().__init__()
        self.cause = cause


def _request(number: int, database: str, command: Command, way: int) -> bytes:
    """A command as OP_MSG: flags, one section of kind 0; or as OP_QUERY: of one document of DATABASE.$cmd."""
    if way == OP_MSG:
        body = struct.pack("<IB", 0, 0) + _document(command)
    else:
        body = (
            struct.pack("<I", 0)
            + f"{database}.$cmd".encode()
            + struct.pack("<xii", 0, -1)
            + _document(command)
        )
    return struct.pack("<iiii", HEADER + len(body), number, 0, way) + body


def _document(fields: Command) -> bytes:
    """Numbers and words as BSON."""
    told = b""
    for name, value in fields.items():
        if isinstance(value, int):
            told += b"\x10" + name.encode() + struct.pack("<xi", value)
        else:
            told += b"\x02" + name.encode() + struct.pack("<xi", len(value) + 1) + value.encode() + b"\0"
    return struct.pack("<i", len(told) + 5) + told + b"\0"


def _answer(line: Line, number: int) -> Mapping[str, float]:
    """The numbers of an answer to this request. OtherProtocol where it is none."""
    told = line.take(HEADER)
    while len(told) < HEADER and (number.to_bytes(4, "little").startswith(told[8:12]) and not any(told[2:4])):
        told += line.take(HEADER - len(told))
    length, _, to, way = struct.unpack("<iiii", told.ljust(HEADER, b"\xff"))
    if to != number or way not in {OP_REPLY, OP_MSG}:
        raise OtherProtocol(told)
    before = 5 if way == OP_MSG else 20  # flags and the kind of section; flags, cursor, two counts
    if not HEADER + before + 5 <= length <= LONGEST:
        raise ProbeError(Reason.PROTOCOL, "an answer of an impossible length")
    return _numbers(line.read(length - HEADER)[before:])


def _numbers(document: bytes) -> Mapping[str, float]:
    """The numbers of a BSON document by their names, as far as it can be read; all else is passed over."""
    found: dict[str, float] = {}
    at = 4
    while at < len(document) and (kind := document[at]):
        end = document.find(b"\0", at)
        if end < 0:
            break
        name, at = document[at + 1 : end].decode("utf-8", "replace"), end + 1
        held = int.from_bytes(document[at : at + 4], "little")
        if kind in {TEXT, DOCUMENT, ARRAY, BINARY}:
            size = held + {TEXT: 4, BINARY: 5}.get(kind, 0)
        elif kind in SIZES:
            size = SIZES[kind]
        else:
            break
        value = document[at : at + size]
        if kind in NUMBERS and len(value) == size:
            found[name] = struct.unpack(NUMBERS[kind], value)[0]
        at += size
    return found


def _versions(told: Mapping[str, float]) -> Facts:
    """`version`: the release that speaks so; `wire_versions`: from and to."""
    oldest, newest = told.get("minWireVersion", -1), told.get("maxWireVersion", -1)
    if not all(isinstance(one, int) and 0 <= one < HIGHEST for one in (oldest, newest)):
        return {"version": None, "wire_versions": None}
    return {"version": RELEASES.get(newest), "wire_versions": f"{int(oldest)}-{int(newest)}"}


def _asked_for(told: Mapping[str, float]) -> str:
    """What the answer to the count says of a password."""
    if told.get("ok") == 1 and told.get("n") == 0:
        return "none"
    return "password" if told.get("ok") == 0 and told.get("code") == UNAUTHORIZED else "unknown"


PROBE: ProbeFactory = Mongodb
