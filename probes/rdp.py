"""Must a visitor prove who he is before Windows' remote desktop opens? MS-RDPBCGR 2.2.1.1, 2.2.1.2, MS-CSSP.

Each connection asks for one kind of protection and hears which one the server takes: TLS alone, then TLS with
NLA (who knocks is known before a screen opens), then RDP's own old encryption. What counts is the protocol
that it selects, not that it answers: xrdp selects what nobody offered. Where NLA is taken, NTLM's NEGOTIATE
brings Windows' version and names; we leave at the challenge, whose answer would be a login. No user is named.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from annotated_types import Ge, Le

from netwatch.certificate import certificate_facts
from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.ntlm import NEGOTIATE, challenge_facts
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

SPACING = (
    0.2  # seconds between two connections, whatever the site's pace: some servers do not take them faster
)
RPC = 135  # open, it is a second sign that this is Windows

# MS-RDPBCGR 2.2.1.1.1: what is asked for. ANY: TLS, with NLA or without.
LEGACY, TLS, NLA = 0, 1, 2
ANY = TLS | NLA
CALLED = {LEGACY: "RDP security", TLS: "TLS", ANY: "TLS or NLA"}

# MS-RDPBCGR 2.2.1.2.1 and 2.2.1.2.2.
RESPONSE, FAILURE = b"\x02", b"\x03"
NO_TLS, NO_CERTIFICATE, NLA_REQUIRED = 2, 3, 5
REFUSALS = {1, 5, 6}  # of the old encryption: TLS, NLA, or NLA with a certificate is wanted
CONFIRM = 0xD0
OLD, ANSWER = 11, 19  # bytes, without and with a word on protection

# DER: a tag, then a length in this byte, or in so many that follow.
SEQUENCE, SHORT, LONG = 0x30, 0x7F, {0x81: 1, 0x82: 2}
MOST = 4096  # bytes of a TSRequest


class Answer(NamedTuple):
    """What a server says to one request; neither: nothing on protection, as very old ones do."""

    selected: int | None = None
    failure: int | None = None


@dataclass(frozen=True, slots=True)
class Rdp:
    """Up to three connection requests, and NTLM's first message. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "rdp"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (3389,)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, where it was heard, and where nobody knows: it is often moved."""
        return doors(target, ("rdp",), self.usual, anywhere=True)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """Ask, as often as it takes to know what the server takes; an error ends it with what is known."""
        told: dict[int, Answer] = {}
        more: Facts = {}
        while (asked := following(told)) is not None:
            try:
                if told:
                    time.sleep(SPACING)
                with egress.connect(target.address, port, patience=self.timeout) as line:
                    told[asked] = _ask(line, asked)
                    if asked == ANY:
                        more = _behind(line, told[asked], surely_windows=RPC in target.open_ports)
            except OtherProtocol:
                if not told:
                    raise
                yield target.observed(self.name, port, "rdp", judged(told) | more)
                raise ProbeError(Reason.PROTOCOL, "another answer than to the question before") from None
            except ProbeError:
                if told:
                    yield target.observed(self.name, port, "rdp", judged(told) | more)
                raise
            if told[asked] == Answer() and port in target.free:
                # Other protocols confirm a connection in the same words (ISO 8073): no proof here.
                raise ProbeError(Reason.MUTE, "a connection is confirmed, with no word of RDP")
        yield target.observed(self.name, port, "rdp", judged(told) | more)
        if any(answer.failure == NO_CERTIFICATE for answer in told.values()):
            raise ProbeError(Reason.BUSY, "the server has no certificate for now")

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """The old encryption is the worst, then a screen that opens to strangers; from outside, any."""
        if seen.protocol != "rdp":
            return
        if seen.facts.get("legacy") == "accepted":
            yield seen.finding("rdp-legacy-security")
        elif "tls" in str(seen.facts.get("security")).split(", "):
            yield seen.finding("rdp-no-nla")
        elif seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("rdp-reachable")


def following(told: Mapping[int, Answer]) -> int | None:
    """The next question, or None where what was told decides."""
    if TLS not in told:
        return TLS
    if Answer() in told.values() or any(answer.selected == LEGACY for answer in told.values()):
        return None
    if ANY not in told and told[TLS].failure not in {NO_TLS, NO_CERTIFICATE}:
        return ANY
    return LEGACY if LEGACY not in told else None


def judged(told: Mapping[int, Answer]) -> Facts:
    """`nla`, `security` (what is taken, the weakest first) and `legacy`, by the protocols selected."""
    chosen = {answer.selected for answer in told.values()}
    legacy, tls = LEGACY in chosen, TLS in chosen
    nla = NLA in chosen or any(answer.failure == NLA_REQUIRED for answer in told.values())
    refused = told.get(LEGACY, Answer()).failure in REFUSALS
    taken = {"rdp": legacy, "tls": tls, "nla": nla}
    if not (legacy or tls):
        needs = "required" if nla and refused else "unknown"
    elif nla:
        needs = "optional"
    else:
        # Who takes TLS might take NLA too, as long as it was not offered; who does not take TLS cannot.
        first, both = told.get(TLS, Answer()), told.get(ANY, Answer())
        without_tls = first.selected == LEGACY or first.failure == NO_TLS
        needs = "absent" if without_tls or both.selected in {LEGACY, TLS} else "unknown"
    return {
        "nla": needs,
        "security": ", ".join(word for word, yes in taken.items() if yes) or None,
        "legacy": "accepted" if legacy else "refused" if refused else "unknown",
    }


def _ask(line: Line, asked: int) -> Answer:
    """One connection request, without a cookie, and what is confirmed. X.224 13.3, MS-RDPBCGR 2.2.1.1."""
    wanted = b"\x01\x00\x08\x00" + asked.to_bytes(4, "little")
    line.send(b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00" + wanted, f"RDP request for {CALLED[asked]}")
    told = line.take(ANSWER)
    if not b"\x03\x00".startswith(told[:2]):
        raise OtherProtocol(told)
    told += line.read(max(0, OLD - len(told)))
    length = int.from_bytes(told[2:4], "big")
    if not told.startswith(b"\x03\x00") or told[5] != CONFIRM or told[4] != length - 5:
        raise OtherProtocol(told)
    if length == OLD:
        return Answer()
    if length != ANSWER:
        raise OtherProtocol(told)
    told += line.read(ANSWER - len(told))
    kind, value = told[11:12], int.from_bytes(told[15:19], "little")
    if kind == FAILURE:
        return Answer(failure=value)
    if kind != RESPONSE or value not in {LEGACY, TLS, NLA}:
        raise ProbeError(Reason.PROTOCOL, "a protocol is selected that nobody offered")
    return Answer(selected=value)


def _behind(line: Line, told: Answer, *, surely_windows: bool) -> Facts:
    """What the certificate and, where NLA is taken, the NTLM challenge say; nothing of who refuses that."""
    facts: Facts = {}
    with suppress(ProbeError):
        if told.selected in {TLS, NLA}:
            line.start_tls()
            facts |= certificate_facts(line.certificate)
        if told.selected == NLA:
            line.send(_ts_request(), "CredSSP NTLM NEGOTIATE")
            facts |= challenge_facts(_ts_answer(line), surely_windows=surely_windows)
    return facts


def _ts_request() -> bytes:
    """MS-CSSP 2.2.1: a TSRequest of version 6 with NTLM's NEGOTIATE."""
    token = NEGOTIATE
    for tag in (0x04, 0xA0, 0x30, 0x30, 0xA1):
        token = bytes([tag, len(token)]) + token
    content = b"\xa0\x03\x02\x01\x06" + token
    return bytes([SEQUENCE, len(content)]) + content


def _ts_answer(line: Line) -> bytes:
    """One DER sequence, and no more than that; nothing where it is none, or too long."""
    tag, length = line.read(2)
    if length in LONG:
        length = int.from_bytes(line.read(LONG[length]), "big")
    elif length > SHORT:
        return b""
    return line.read(length) if tag == SEQUENCE and length <= MOST else b""


PROBE: ProbeFactory = Rdp
