"""What is a probe? The contract every file of probes/ keeps, and the error it raises.

A probe is a frozen dataclass whose fields are its options: ``[probes.dicom] timeout = 2`` in a site
file is ``Dicom(timeout=2)``. `wants` and `judge` are pure; `observe` is the only one that asks the
network, and it asks through the Way it is given. Its manner, a word of classes.toml, says what kind of
question it is, and so which devices may be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from netwatch.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.model import Finding, Observation, Target
    from netwatch.way import Way


class ProbeError(Exception):
    """A question without an answer; scan.py turns it into a Failure in one place.

    `detail` is our own English sentence: nothing that a peer sent belongs in it.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class PortClosed(ProbeError):  # noqa: N818 - an answer, not an error
    """A UDP port that said so itself (ICMP port unreachable): proof that nothing is there."""

    def __init__(self) -> None:
        super().__init__(Reason.REFUSED, "the port is closed")


class OtherProtocol(Exception):  # noqa: N818 - an answer, not an error
    """Something answered, and it was not what the question is for. visit.py recognises it by its opening.

    `opening`: its first bytes, 16 at most, which are looked at and forgotten.
    """

    def __init__(self, opening: bytes) -> None:
        super().__init__("another protocol")
        self.opening = opening[:16]


class Probe(Protocol):
    """One question. `observe` is asked once per port; it may yield what it saw and then raise.

    `usual`: the TCP ports where what it asks for is at home: they are knocked at every night, though the list
    of ports (ports.toml) should not know them.
    """

    name: ClassVar[str]
    manner: ClassVar[str]
    usual: ClassVar[tuple[int, ...]]

    def wants(self, target: Target) -> tuple[int, ...]:
        """The ports of this target that the question is for, in the order to ask them. Pure.

        doors.py has what most probes want. A question over UDP names its port whatever is open.
        """
        ...

    def observe(self, target: Target, port: int, egress: Way) -> Iterable[Observation]:
        """Ask. Raises ProbeError when the answer did not come, after yielding what did; OtherProtocol
        where what came is not for this question."""
        ...

    def judge(self, seen: Observation) -> Iterable[Finding]:
        """Which rules hold. Pure, so that stored facts can be judged again."""
        ...


class ProbeFactory(Protocol):
    """A probe's class: its name, and its options as keyword arguments."""

    name: str

    def __call__(self, *args: Any, **options: Any) -> Probe:  # noqa: ANN401 - each probe has its own options
        """Make the probe."""
        ...
