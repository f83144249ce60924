"""Does a night settle what a device told over no port? Only where it tells all of it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from netwatch.change import ChangeKind
from netwatch.diff import Picture, compare
from netwatch.model import Device, Facts, Finding, Observation, Run, Status, Vantage
from netwatch.unported import told_again

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
OLD: Facts = {"model": "DS718+", "version": "6.2-25426", "maker": None}
NAS = Device("nas", "192.168.1.30")


def seen(facts: Facts, port: int = 0, vantage: Vantage = Vantage.LAN, probe: str = "mdns") -> Observation:
    return Observation(probe, vantage, "nas", NAS.address, port, "mdns", facts, NOW, "mdns")


@pytest.mark.parametrize(
    ("tonight", "told"),
    [
        (seen(OLD), True),
        (seen(OLD | {"version": "7.2-64570"}), True),
        (seen(OLD | {"name": "x"}), True),
        (seen({"model": "DS718+"}), False),
        (seen(OLD | {"version": None}), False),
        (seen(OLD, port=5000), False),
        (seen(OLD, vantage=Vantage.BOX), False),
        (seen(OLD, probe="wsd"), False),
    ],
)
def test_it_is_told_again_where_nothing_of_it_is_missing(tonight: Observation, told: bool) -> None:  # noqa: FBT001 - a row
    assert bool(told_again({("nas", "mdns", 0): OLD}, [tonight])) is told


def test_what_told_nothing_before_is_not_told_again() -> None:
    assert told_again({}, [seen(OLD)]) == told_again({("nas", "mdns", 0): {}}, [seen(OLD)]) == frozenset()


FOUND = Finding("support-ended", "nas", 0, "mdns", "mdns", NAS.address)


def night(*told: Observation, findings: frozenset[Finding] = frozenset()) -> Run:
    return Run(
        "r", "a", NOW, NOW + timedelta(hours=1), complete=True, vantages=(Vantage.LAN,), devices=(NAS,),
        observations=told, findings=findings,
    )  # fmt: skip


def before() -> Picture:
    return Picture(
        findings={FOUND: Status.OPEN},
        devices=frozenset({"nas"}),
        facts={("nas", "mdns", 0): OLD},
        networks=("192.168.1.0/24",),
    )


@pytest.mark.parametrize(
    ("told", "status", "moved"),
    [
        ((seen(OLD | {"version": "7.2-64570"}),), Status.RESOLVED, [ChangeKind.RESOLVED]),
        ((seen({"model": "DS718+"}),), Status.UNVERIFIED, [ChangeKind.UNVERIFIED]),
        ((), Status.UNVERIFIED, [ChangeKind.UNVERIFIED]),
    ],
)
def test_a_newer_version_settles_it_and_silence_does_not(
    told: tuple[Observation, ...], status: Status, moved: list[ChangeKind]
) -> None:
    ended = compare(before(), night(*told), lambda _: None)
    assert ended.findings[FOUND] is status
    assert [change.kind for change in ended.changes] == moved


def test_the_same_again_is_no_news() -> None:
    ended = compare(before(), night(seen(OLD), findings=frozenset({FOUND})), lambda _: None)
    assert (ended.findings[FOUND], ended.changes) == (Status.OPEN, ())
