"""Does a PostgreSQL server answer, and would it speak TLS? PostgreSQL manual, Message Formats: SSLRequest.

Its first question of all, `shall we encrypt?`, is answered with one letter and proves the product. After a
no we leave, and PostgreSQL does not even write it down. After a yes the TLS handshake shows its
certificate, on the same connection, and our leaving is one line in its log (15.20, measured). Where it
stops: whether a password is asked is another question (postgresql_trust, in an audit), and `authentication`
is that one's fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Le

from netwatch.certificate import certificate_facts
from netwatch.doors import doors
from netwatch.model import Reason, Vantage
from netwatch.probe import OtherProtocol, ProbeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netwatch.line import Line
    from netwatch.model import Facts, Finding, Observation, Target
    from netwatch.probe import ProbeFactory
    from netwatch.way import Way

SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
YES, NO = b"S", b"N"
QUIET = 0.3  # seconds: one letter and nothing after it is PostgreSQL; a word is not


@dataclass(frozen=True, slots=True)
class Postgresql:
    """SSLRequest, and the TLS handshake after a yes. `timeout`: seconds for each answer."""

    name: ClassVar[str] = "postgresql"
    manner: ClassVar[str] = "greet"
    usual: ClassVar[tuple[int, ...]] = (5432, 5433)
    timeout: Annotated[float, Ge(0.5), Le(60)] = 5.0

    def wants(self, target: Target) -> tuple[int, ...]:
        """Where it is at home, where it was heard, and what is silent until spoken to."""
        return doors(target, ("postgresql",), self.usual, anywhere=True)

    def observe(self, target: Target, port: int, egress: Way) -> Iterator[Observation]:
        """One connection."""
        with egress.connect(target.address, port, patience=self.timeout) as line:
            line.send(SSL_REQUEST, "SSLRequest")
            tls = _letter(line) == YES
            facts: Facts = {"product": "PostgreSQL", "tls": tls}
            try:
                if tls:
                    line.start_tls()
                    facts |= certificate_facts(line.certificate)
            except ProbeError as error:
                # It said yes: what it is stays proved, whatever became of the handshake.
                yield target.observed(self.name, port, "postgresql", facts)
                raise error from None
        yield target.observed(self.name, port, "postgresql", facts)

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """On the network a database is where it belongs; on the internet it is not."""
        if seen.protocol == "postgresql" and seen.vantage is Vantage.OUTSIDE:
            yield seen.finding("postgresql-reachable")


def _letter(line: Line) -> bytes:
    """Its yes or no. OtherProtocol where more comes, or something else, or the end: a server waits now."""
    told = line.take(1)
    try:
        more = line.listen(QUIET)
    except ProbeError as error:
        if error.reason is not Reason.CLOSED:
            raise
        raise OtherProtocol(told) from None
    if more or told not in {YES, NO}:
        raise OtherProtocol(told + more)
    return told


PROBE: ProbeFactory = Postgresql
