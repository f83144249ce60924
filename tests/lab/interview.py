"""How does a test ask a probe's question, of a real server or of bytes that nobody would believe?

`ask` goes through the real egress to a server that listens. `canned` gives the probe a Way whose peer says
exactly these bytes and hangs up: for fuzzing, thousands of times a minute, over the real Line.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Network
from itertools import count
from typing import TYPE_CHECKING

from netwatch.classes import table
from netwatch.egress import Egress
from netwatch.line import Line
from netwatch.model import Observation, Reason, Target
from netwatch.probe import OtherProtocol, PortClosed, ProbeError
from netwatch.scope import Scope
from tests.lab.hurry import FAST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netwatch.model import Fact
    from netwatch.probe import Probe

_HOSTS = count(1)
LONGEST_FACT = 200  # characters: facts are few and short


def fresh_address() -> str:
    """A loopback address of its own for each test, so that no gate or port is shared."""
    number = next(_HOSTS)
    return f"127.79.{number // 250}.{number % 250 + 1}"


@dataclass
class Asked:
    """What one question gave."""

    probe: Probe
    seen: list[Observation] = field(default_factory=list)
    error: ProbeError | None = None
    other: OtherProtocol | None = None
    sent: list[bytes] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, Fact]:
        """The facts of the last observation."""
        return dict(self.seen[-1].facts) if self.seen else {}

    @property
    def protocol(self) -> str | None:
        """Its protocol."""
        return self.seen[-1].protocol if self.seen else None

    @property
    def rules(self) -> list[str]:
        """What is judged of all that was seen."""
        return [finding.rule for seen in self.seen for finding in self.probe.judge(seen)]

    @property
    def reason(self) -> Reason | None:
        """Why a question stayed open."""
        return self.error.reason if self.error else None


def ask(  # noqa: PLR0913 - what an interview is made of
    probe: Probe,
    address: str,
    port: int,
    *,
    target: Target | None = None,
    is_a: str = "computer",
    profile: str = "",
    network: str = "",
) -> Asked:
    """Through the real egress. ScopeError, and whatever is a bug, is raised. `network`: of the site, where it
    is more than this address."""
    scope = Scope((IPv4Network(network or f"{address}/32"),), until=date.max)
    egress = Egress(scope, FAST, profile=profile)
    egress.classed(address, table()[is_a])
    try:
        way = egress.asking(probe.name, probe.manner)
        return _gathered(probe, target or Target("d", address, (port,)), port, way)
    finally:
        egress.close()


def _gathered(probe: Probe, target: Target, port: int, way: object) -> Asked:
    asked = Asked(probe)
    try:
        for seen in probe.observe(target, port, way):  # type: ignore[arg-type]
            asked.seen.append(seen)
    except PortClosed as closed:
        asked.error = closed
    except ProbeError as error:
        asked.error = error
    except OtherProtocol as other:
        asked.other = other
    return asked


@dataclass
class Canned:
    """A Way whose peers say what they were given, whatever they are asked, and hang up."""

    answers: Sequence[bytes]
    sent: list[bytes] = field(default_factory=list)
    asked: int = 0

    def _next(self) -> bytes:
        self.asked += 1
        return self.answers[self.asked - 1] if self.asked <= len(self.answers) else b""

    @contextmanager
    def connect(self, address: str, port: int, *, patience: float | None = None) -> Iterator[Line]:  # noqa: ARG002
        """One connection, with everything that it will ever say already on its way."""
        ours, theirs = socket.socketpair()
        says = self._next()
        feeding = threading.Thread(target=_feed, args=(theirs, says), daemon=True)
        feeding.start()
        line = Line(ours, patience=0.5, seconds=2.0, limit=65_536)
        try:
            yield line
        finally:
            line.close()
            feeding.join()
            self.sent.append(_drained(theirs))
            theirs.close()

    def ask(self, address: str, port: int, data: bytes, what: str, **_: object) -> bytes:  # noqa: ARG002
        """One datagram; silence where none is left."""
        self.sent.append(data)
        told = self._next()
        if not told:
            raise ProbeError(Reason.MUTE, "no answer over UDP")
        return told


def _feed(peer: socket.socket, says: bytes) -> None:
    try:
        peer.sendall(says)
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the probe had enough


def _drained(peer: socket.socket) -> bytes:
    peer.settimeout(0)
    told = b""
    try:
        while data := peer.recv(65_536):
            told += data
    except OSError:
        pass
    return told


def canned(probe: Probe, *answers: bytes, port: int = 7777, target: Target | None = None) -> Asked:
    """What the probe makes of these answers, one for each connection or datagram.

    Fails where anything comes out but facts that may be kept and the errors of the contract.
    """
    way = Canned(answers)
    asked = _gathered(probe, target or Target("d", "192.0.2.1", (port,)), port, way)
    asked.sent = way.sent
    for seen in asked.seen:
        proper(seen)
        list(probe.judge(seen))
    return asked


def proper(seen: Observation) -> None:
    """Facts are few, short, printable and JSON's own."""
    assert json.loads(json.dumps(seen.facts)) == seen.facts
    assert len(seen.facts) < 30
    for key, value in seen.facts.items():
        assert key.isidentifier(), key
        if isinstance(value, str):
            assert len(value) <= LONGEST_FACT, key
            assert value.isprintable(), (key, value)
