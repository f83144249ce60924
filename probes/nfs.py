"""Which folders does the file server lend to everybody? NFS: RFC 1813, RFC 1833, RFC 5531.

On 111 the portmapper says where the mount service listens, and that one says to whom each folder is lent: the
folders are counted, and not named. On 2049 an empty call proves NFS. Nothing is mounted, no file is seen.
Where it stops: a folder lent to all may still ask for Kerberos, which only a mount would tell.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.doors import doors, settled
from netwatch.errors import ScopeError
from netwatch.model import Reason, Vantage
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

PORTMAPPER = 111
MOUNTD = (892, 20_048)  # where it mostly is: knocked at, and asked only where the portmapper says so
XID, CALL, REPLY, RPC = 0x6E657477, 0, 1, 2  # RFC 5531 9
NO_ONE = bytes(16)  # AUTH_NONE, twice: who asks, and how it is verified
ACCEPTED, SUCCESS, SYSTEM_ERROR = 0, 0, 5
LAST = 0x80000000  # RFC 5531 11: the last fragment of a record
FRAGMENTS, LONGEST = 16, 32_768  # of a record, and its bytes
SURELY_NOT = 1 << 20  # bytes that no answer to us has: these four bytes are another protocol's

# Programs, their versions and procedures: RFC 1833 3, RFC 1813 3.3.0 and appendix I.
MAP, NFS, MOUNT = 100_000, 100_003, 100_005
GETPORT, NULL, EXPORT, TCP = 3, 0, 5, 6
VERSIONS = (4, 3)
# How servers write "everybody": Linux and Ganesha, the whole of IPv4, Windows. So is an empty list.
EVERYBODY = {b"*", b"0.0.0.0/0", b"0.0.0.0/0.0.0.0", b"(everyone)", b"All Machines"}


@dataclass(frozen=True, slots=True)
class Nfs:
    """Where is it, and to whom does it lend? `timeout`: seconds for each answer."""

    name: ClassVar[str] = "nfs"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (PORTMAPPER, 2049, *MOUNTD)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """The portmapper, and NFS itself. Neither is ever moved: clients would not find it."""
        return doors(target, ("nfs", "rpcbind"), (PORTMAPPER, 2049))

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection; from the portmapper on one more, to the mount service of the same device."""
        if port != PORTMAPPER and "rpcbind" not in {target.spoken.get(port), target.before.get(port)}:
            yield from self._null(target, port, egress)
            return
        facts: Facts = {"nfs": None, "exports": None, "open_to_all": None}
        try:
            with egress.connect(target.address, port, patience=self.timeout) as line:
                mount, nfs = _port(line, MOUNT), _port(line, NFS)
            if mount or nfs:
                facts["nfs"] = True
            elif mount == nfs == 0:  # where neither is, nothing is lent
                facts |= {"nfs": False, "open_to_all": False}
            if mount and mount in target.open_ports and not _taken(target, mount):
                with _far(), egress.connect(target.address, mount, patience=self.timeout) as line:
                    facts |= _exports(_call(line, "MOUNT EXPORT", (MOUNT, 3, EXPORT)))
        except (ProbeError, ScopeError) as error:
            if facts["nfs"] is not None or (isinstance(error, ProbeError) and error.reason is Reason.BUSY):
                yield target.observed(self.name, port, "rpcbind", facts)
            raise error from None
        yield target.observed(self.name, port, "rpcbind", facts)

    def _null(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """An empty call of each version; whatever answers one is NFS."""
        versions = list[str]()
        with egress.connect(target.address, port, patience=self.timeout) as line:
            try:
                for one in VERSIONS:
                    versions += [str(one)] * (_call(line, "NFS NULL", (NFS, one, NULL)) is not None)
            except ProbeError as error:
                if versions:
                    yield target.observed(self.name, port, "nfs", _spoken(versions))
                raise error from None
        yield target.observed(self.name, port, "nfs" if versions else "rpc", _spoken(versions))

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """What is lent to everybody; from outside, anything of it."""
        outside = seen.vantage is Vantage.OUTSIDE
        if seen.protocol == "rpcbind" and seen.facts.get("open_to_all"):
            yield seen.finding("nfs-open-to-all")
        elif seen.protocol == "nfs" and outside:
            yield seen.finding("nfs-reachable")
        elif seen.protocol == "rpcbind" and outside:
            yield seen.finding("nfs-portmapper-reachable")


def _spoken(versions: list[str]) -> Facts:
    return {"versions": ", ".join(versions) or None, "authentication": "unknown"}


def _taken(target: Target, port: int) -> bool:
    """Does something else answer there? Then the portmapper is wrong, and that one is left alone."""
    return port in target.clear or port in target.spoken or settled(port)


@contextmanager
def _far() -> Iterator[None]:
    """What another port speaks is no word about the one that was asked."""
    try:
        yield
    except OtherProtocol:
        raise ProbeError(Reason.PROTOCOL, "the mount service speaks something else") from None


def _port(line: Line, program: int) -> int | None:
    """Where this program listens over TCP; 0: nowhere; None: the portmapper does not say. RFC 1833 3.2."""
    told = _call(line, "PORTMAP GETPORT", (MAP, 2, GETPORT), _words(program, 3, TCP, 0))
    port = told.word() if told else None
    return port if port is None or port <= 0xFFFF else None  # noqa: PLR2004 - ports have 16 bits


def _exports(told: Xdr | None) -> Facts:
    """`exports`: how many folders are lent; `open_to_all`: is one of them to everybody? RFC 1813, 5.2.5."""
    if told is None:
        return {}
    exports, open_to_all = 0, False
    while told.word():
        told.counted()
        exports += 1
        groups, everybody = 0, False
        while told.word():
            groups += 1
            everybody |= told.counted() in EVERYBODY
        open_to_all |= everybody or not groups
    return {"exports": exports, "open_to_all": open_to_all}


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def _call(line: Line, what: str, procedure: tuple[int, int, int], more: bytes = b"") -> Xdr | None:
    """What a procedure (program, version, number) returns; None where there is none, or none for us.

    Raises ProbeError(BUSY) where the server says that it is in trouble (RFC 5531 9: SYSTEM_ERR).
    """
    call = _words(XID, CALL, RPC, *procedure) + NO_ONE + more
    line.send(_words(LAST | len(call)) + call, what)
    told = _record(line)
    answer = Xdr(told)
    if (answer.word(), answer.word()) != (XID, REPLY):
        raise OtherProtocol(told)
    if answer.word() != ACCEPTED:
        return None
    answer.word()
    answer.counted()  # how the server proves itself: it does not
    status = answer.word()
    if status == SYSTEM_ERROR:
        raise ProbeError(Reason.BUSY, "the server says that it is in trouble")
    return answer if status == SUCCESS else None


def _record(line: Line) -> bytes:
    """One record, of some fragments. RFC 5531 11; a length is believed only where it is a small one."""
    told = bytearray()
    for _ in range(FRAGMENTS):
        mark = line.read(4)
        size = int.from_bytes(mark, "big") & ~LAST
        if size > LONGEST - len(told):
            if not told and size > SURELY_NOT:
                raise OtherProtocol(mark + line.take(12))
            raise ProbeError(Reason.LIMIT, "an answer longer than we read")
        told += line.read(size)
        if mark[0] & 0x80:
            return bytes(told)
    raise ProbeError(Reason.LIMIT, "an answer in more pieces than we read")


class Xdr:
    """An answer, read from its beginning. RFC 4506; ProbeError(PROTOCOL) where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def word(self) -> int:
        """Four bytes: a number, or whether something follows."""
        return int.from_bytes(self._take(4), "big")

    def counted(self) -> bytes:
        """Bytes behind their number, filled up to four."""
        size = self.word()
        told = self._take(size)
        self._take(-size % 4)
        return told

    def _take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise ProbeError(Reason.PROTOCOL, "an answer that ends too early")
        self.at += size
        return self.data[self.at - size : self.at]


PROBE: ProbeFactory = Nfs
