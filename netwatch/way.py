"""What is a probe given to ask with? The way out for one question; egress decides whether it may go."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netwatch.egress import Egress
    from netwatch.line import Line


@dataclass(frozen=True, slots=True)
class Way:
    """The way out for one question: what a probe is given."""

    egress: Egress
    question: str
    manner: str
    longest: float | None = None

    @contextmanager
    def connect(self, address: str, port: int, *, patience: float | None = None) -> Iterator[Line]:
        """One connection, alone on its device.

        Raises ScopeError where it may not leave, ProbeError where nobody takes it.
        """
        waits = [seconds for seconds in (patience, self.longest) if seconds is not None]
        with self.egress.talk(
            address, port, min(waits, default=None), self.question, self.manner
        ).line() as line:
            yield line

    def ask(  # noqa: PLR0913 - one datagram, and how it is answered
        self,
        address: str,
        port: int,
        data: bytes,
        what: str,
        *,
        patience: float | None = None,
        any_port: bool = False,
        to_group: bool = False,
    ) -> bytes:
        """One datagram and its answer. `what`: our word for it, in the audit log.

        Raises ScopeError where it may not leave, PortClosed where the device says that nothing is there,
        ProbeError(MUTE) in silence. `any_port`: the answer may come from another port of the device.
        `to_group`: it is sent to SSDP's multicast group, on a network that we are attached to; only what this
        device answers is taken, from any of its ports.
        """
        return self.egress.ask(
            address,
            port,
            data,
            what,
            patience,
            self.question,
            self.manner,
            any_port=any_port,
            to_group=to_group,
        )
