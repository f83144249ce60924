"""Which of the 65,535 ports? A set of ports as runs, so that "all but three" costs as little as "three".

Where it stops: a value. It is never changed; `|` and `-` make new ones.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LAST = 65_535


@dataclass(frozen=True, slots=True)
class PortSet:
    """Ports as (first, last) runs: sorted, apart from each other."""

    runs: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, ports: Iterable[int]) -> PortSet:
        """These ports, in any order."""
        return cls(_joined((port, port) for port in sorted(ports)))

    @classmethod
    def parse(cls, text: str) -> PortSet:
        """`22,80-81`. Raises ValueError."""
        pairs = (part.partition("-") for part in text.split(",") if part)
        runs = sorted((int(first), int(last if dash else first)) for first, dash, last in pairs)
        if any(not 1 <= first <= last <= LAST for first, last in runs):
            raise ValueError(text)
        return cls(_joined(runs))

    def __str__(self) -> str:
        """`22,80-81`; nothing for none."""
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self.runs)

    def __contains__(self, port: object) -> bool:
        """Is this port one of them?"""
        if not isinstance(port, int):
            return False
        place = bisect_right(self.runs, (port, LAST)) - 1
        return place >= 0 and port <= self.runs[place][1]

    def __iter__(self) -> Iterator[int]:
        """In order."""
        return (port for first, last in self.runs for port in range(first, last + 1))

    def __len__(self) -> int:
        """How many ports, not how many runs."""
        return sum(last - first + 1 for first, last in self.runs)

    def __or__(self, other: PortSet) -> PortSet:
        """Those of both."""
        return PortSet(_joined(sorted((*self.runs, *other.runs))))

    def __sub__(self, other: PortSet) -> PortSet:
        """Those that the other has not."""
        left: list[tuple[int, int]] = []
        for first, last in self.runs:
            start = first
            for hole_first, hole_last in other.runs:
                if hole_last < start or hole_first > last:
                    continue
                if hole_first > start:
                    left.append((start, hole_first - 1))
                start = hole_last + 1
            if start <= last:
                left.append((start, last))
        return PortSet(tuple(left))

    def first(self, most: int) -> PortSet:
        """The lowest of them, so many at most."""
        taken: list[tuple[int, int]] = []
        for first, last in self.runs:
            if most <= 0:
                break
            taken.append((first, min(last, first + most - 1)))
            most -= taken[-1][1] - first + 1
        return PortSet(tuple(taken))


def _joined(runs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sorted runs, those that touch made one."""
    joined: list[tuple[int, int]] = []
    for first, last in runs:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


EVERY = PortSet(((1, LAST),))
