"""What is a probe? The contract every file of probes/ keeps, and the error it raises.

A probe is a frozen dataclass whose fields are its options: ``[probes.dicom] timeout = 2`` in a site
file is ``Dicom(timeout=2)``. `wants` and `judge` are pure; `observe` is the only one that asks the
network, and it asks through the Way it is given. Its manner, a word of classes.toml, says what kind of
question it is, and so which devices may be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.egress import Way
    from netwatch.model import Finding, Observation, Reason, Target


class ProbeError(Exception):
    """A question without an answer; scan.py turns it into a Failure in one place.

    `detail` is our own English sentence: nothing that a peer sent belongs in it.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Probe(Protocol):
    """One question. `observe` is asked once per port; it may yield what it saw and then raise."""

    name: ClassVar[str]
    manner: ClassVar[str]

    def wants(self, target: Target) -> tuple[int, ...]:
        """The open ports of this target that the question is for, in the order to ask them. Pure."""
        ...

    def observe(self, target: Target, port: int, egress: Way) -> Iterable[Observation]:
        """Ask. Raises ProbeError when the answer did not come, after yielding what did."""
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
