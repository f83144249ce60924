"""Does a remote-control program wait for calls? By the public marks of each, and never as far as a login.

Most speak first; three are asked their own first question, which every viewer of theirs asks before anybody
has said who he is. Sources, read and not run: what nmap, nDPI and Nessus say of TeamViewer, RAdmin, Dameware
and Splashtop, metasploit's pcanywhere_tcp, RustDesk's own code (message.proto, rendezvous.proto,
bytes_codec.rs, server.rs). AnyDesk's certificate calls itself `AnyDesk Client`. Where it stops: Ammyy,
ScreenConnect's relay, LogMeIn and others have no mark that we know of; the sweep tells that a port is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.certificate import certificate_facts
from netwatch.doors import doors
from netwatch.model import Reason
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

WORD = "remote-control"
RADMIN, PCANYWHERE, ANYDESK, RUSTDESK = (4899,), (5631,), (7070,), (21115, 21116)

# What speaks first, and how it begins.
OPENINGS = (
    (b"\x17\x24", "TeamViewer"),
    (b"\x30\x11\0\0\0\0\0\0", "Dameware Mini Remote Control"),
    (b"SRS:Ready", "Splashtop"),
)
# RustDesk frames a message by its length times four, and a tag says what it holds (protobuf): the challenge
# of a login (`Hash`) or why there is none (`LoginResponse`), each with a text as its first field.
CHALLENGE, REFUSAL, TEXT = 0x4A, 0x42, 0x0A
# RustDesk's server: what is my port? `TestNatRequest`, and how `TestNatResponse` begins.
ASK_PORT, TOLD_PORT = b"\x0c\xa2\x01\0", b"\xaa\x01"
# RAdmin: its version message, how the answer begins, and how where our address is not welcome.
HELLO_RADMIN = b"\x01\0\0\0\x01\0\0\0\x08\x08"
RADMIN_YES, RADMIN_NO = b"\x01\0\0\0\x25", b"\x01\0\0\0\x09\0\0\x10"
RADMIN_VERSIONS = {b"\x01\x10\x08\x01": "RAdmin 2", b"\x02\x12\x08\x02": "RAdmin 3"}
HELLO_PCANYWHERE, PCANYWHERE_SAYS = bytes(4), b"Please press <"
FEW = 64  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Remote:
    """What it says unasked; where it says nothing, its own first question.

    `listen`: seconds to let it speak first. `timeout`: seconds for each answer.
    """

    name: ClassVar[str] = "remote"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (4899, 5631, 5938, 6129, 6783, 7070, 21115, 21116, 21118)
    listen: Annotated[float, Ge(0.1), Le(10)] = 1.5
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where these programs are at home, and where one was heard."""
        return doors(target, (WORD,), self.usual)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection. MUTE where nothing is proved: the sweep has told that the port is open."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            facts: Facts = {"authentication": "unknown"}
            if heard := line.listen(self.listen):
                facts["product"] = _opened(heard)
            elif port in ANYDESK:
                facts |= _anydesk(line)
            else:
                facts["product"] = _asked(line, port)
        if facts["product"]:
            yield target.observed(self.name, port, WORD, facts)
        elif heard:
            raise OtherProtocol(heard)
        else:  # TLS, and another's
            yield target.observed(self.name, port, "tls", {})

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """On the LAN, somebody should know of it; the internet should not reach it."""
        if seen.protocol == WORD:
            yield seen.finding("remote-control")


def _opened(heard: bytes) -> str | None:
    """Whose first words are these?"""
    known = next((product for mark, product in OPENINGS if heard.startswith(mark)), None)
    return known or ("RustDesk" if _is_rustdesk(heard) else None)


def _is_rustdesk(heard: bytes) -> bool:
    """A short frame with one message that it sends before a login."""
    if len(heard) < 4 or heard[0] % 4:  # noqa: PLR2004 - as far as the checks go
        return False
    return heard[1] in {CHALLENGE, REFUSAL} and heard[2] == heard[0] // 4 - 2 and heard[3] == TEXT


def _anydesk(line: Line) -> Facts:
    """Its certificate, after one TLS handshake."""
    line.start_tls()
    told = certificate_facts(line.certificate)
    name = told.get("certificate_name")
    return {"product": "AnyDesk" if isinstance(name, str) and "anydesk" in name.lower() else None} | told


def _asked(line: Line, port: int) -> str:
    """The first question of whoever is at home on this port. ProbeError where the answer is not its own."""
    product: str | None = None
    if port in RADMIN:
        product = _radmin(line)
    elif port in PCANYWHERE:
        line.send(HELLO_PCANYWHERE, "pcAnywhere's first bytes")
        product = "pcAnywhere" if PCANYWHERE_SAYS in _until(line, PCANYWHERE_SAYS) else None
    elif port in RUSTDESK:
        line.send(ASK_PORT, "RustDesk TestNatRequest")
        told = line.read(3)
        product = "RustDesk server" if told[1:] == TOLD_PORT and not told[0] % 4 else None
    if product is None:
        raise ProbeError(Reason.MUTE, "no mark of a remote-control program that we know")
    return product


def _radmin(line: Line) -> str | None:
    """RAdmin, with its version where it tells."""
    line.send(HELLO_RADMIN, "RAdmin version")
    told = line.read(5)
    if told not in {RADMIN_YES, RADMIN_NO[:5]}:
        return None
    told += line.read(6)
    if told.startswith(RADMIN_YES):
        return RADMIN_VERSIONS.get(told[7:], "RAdmin")
    return "RAdmin" if told.startswith(RADMIN_NO) else None


def _until(line: Line, mark: bytes) -> bytes:
    """The first bytes of an answer, until the mark is there or no more comes."""
    told = b""
    try:
        while len(told) < FEW and mark not in told:
            told += line.take(FEW - len(told))
    except ProbeError as error:
        if error.reason is Reason.UNFINISHED:
            raise
    return told


PROBE: ProbeFactory = Remote
