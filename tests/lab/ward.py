"""Which fragile devices join a network of the lab, and what became of each?

``with Lab() as lab: ward = Ward(lab); ward.start() ... ward.toll(MODALITY)``. Each is a program of its own
(`python -m tests.lab.fragile`) that keeps its toll in a file, so that it can be asked when it is dead.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.fragile import Toll, read
from tests.lab.net import GATEWAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.lab.net import Host, Lab

ROOT = Path(__file__).parents[2]  # where `tests.lab` is found


@dataclass(frozen=True, slots=True)
class Bed:
    """Where a fragile device stands. `kind`: one of fragile.KINDS."""

    kind: str
    address: str
    port: int

    @property
    def name(self) -> str:
        """For a host and for a file: `modality-40`."""
        return f"{self.kind}-{self.address.rpartition('.')[2]}"

    def __str__(self) -> str:
        """`modality 10.77.0.40:104`."""
        return f"{self.kind} {self.address}:{self.port}"


MODALITY = Bed("modality", "10.77.0.40", 104)
RAW, LPD, ODD = (Bed("printer", "10.77.0.41", port) for port in (9100, 515, 9999))
ENGINE = Bed("hl7", "10.77.0.42", 2575)
GLASS = Bed("glass", "10.77.0.43", 104)
BEDS = (MODALITY, RAW, LPD, ODD, ENGINE)


class Ward:
    """Fragile devices in a lab. Those at one address stand on one host."""

    def __init__(self, lab: Lab, beds: Iterable[Bed] = BEDS) -> None:
        """Plugged in, and not yet running."""
        self.lab = lab
        self.beds = tuple(beds)
        self.hosts: dict[str, Host] = {}
        for bed in self.beds:
            if bed.address not in self.hosts:
                card = f"02:77:00:00:00:{int(bed.address.rpartition('.')[2]):02x}"
                self.hosts[bed.address] = lab.host(bed.name, bed.address, card, gateway=GATEWAY)

    def start(self) -> None:
        """All alive and unhurt, whatever they were before; each listens when this comes back."""
        for host in self.hosts.values():
            host.stop()
        for bed in self.beds:
            where = ["--bind", bed.address, "--port", str(bed.port), "--state", str(self._state(bed))]
            self.hosts[bed.address].start(
                [sys.executable, "-m", "tests.lab.fragile", bed.kind, *where],
                root=False,
                env={"PYTHONPATH": str(ROOT)},
                ready_port=bed.port,
            )

    def toll(self, bed: Bed) -> Toll:
        """What happened to it since it was started."""
        return read(self._state(bed))

    def hurt(self) -> list[str]:
        """Whoever was harmed, and how."""
        told = []
        for bed in self.beds:
            toll = self.toll(bed)
            how = toll.why or f"{toll.pages} pages, {toll.bytes} bytes, {toll.messages} messages"
            told += [f"{bed}: {how}"] if toll.hurt else []
        return told

    def _state(self, bed: Bed) -> Path:
        return self.lab.scratch / f"{bed.name}-{bed.port}.json"
