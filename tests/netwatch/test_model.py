"""Do the nouns keep their identity and their order? Reports, diffs and exit codes stand on both."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import pytest

from netwatch.errors import ConfigError, DeliveryError, NetwatchError, ScopeError, StoreError
from netwatch.model import Exposure, Finding, Observation, Severity, Target, Vantage

FINDING = Finding("dicom-query-answered", "d", 104)


def test_severities_rise_from_info_to_critical() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == [
        "info",
        "low",
        "medium",
        "high",
        "critical",
    ]


def test_exposures_rise_from_not_checked_to_exposed() -> None:
    ranked = sorted(Exposure, key=lambda exposure: exposure.rank)
    assert ranked == ["not-checked", "inside-only", "reported", "forwarded", "exposed"]


@pytest.mark.parametrize(
    "moved", [{"address": "192.168.1.99"}, {"exposure": Exposure.EXPOSED}, {"vantage": Vantage.OUTSIDE}]
)
def test_a_finding_stays_itself_when_its_device_moves_or_more_is_known(moved: dict[str, object]) -> None:
    other = replace(FINDING, **moved)  # type: ignore[arg-type]
    assert other == FINDING
    assert len({other, FINDING}) == 1


@pytest.mark.parametrize("other", [{"rule": "x"}, {"device": "e"}, {"port": 105}, {"transport": "udp"}])
def test_another_rule_device_or_port_is_another_finding(other: dict[str, object]) -> None:
    assert replace(FINDING, **other) != FINDING  # type: ignore[arg-type]


def test_nothing_that_was_seen_can_be_changed_afterwards() -> None:
    with pytest.raises(FrozenInstanceError):
        FINDING.port = 80  # type: ignore[misc]


def test_an_observation_of_a_target_says_where_when_and_keeps_its_own_facts() -> None:
    facts: dict[str, str | int | bool | None] = {"tls": False}
    target = Target("d", "192.168.1.20", (104,), Vantage.OUTSIDE)
    before = datetime.now(UTC)
    seen = target.observed("dicom", 104, "dicom", facts)
    facts["tls"] = True
    assert before <= seen.seen_at <= datetime.now(UTC)
    assert replace(seen, seen_at=before) == Observation(
        "dicom", Vantage.OUTSIDE, "d", "192.168.1.20", 104, "dicom", {"tls": False}, before
    )


def test_a_finding_is_where_its_observation_was() -> None:
    seen = Target("d", "192.168.1.20", (104,)).observed("dicom", 104, "dicom", {})
    found = seen.finding("dicom-name-only")
    assert (found.rule, found.device, found.port, found.transport) == ("dicom-name-only", "d", 104, "tcp")
    assert (found.probe, found.address, found.vantage) == ("dicom", "192.168.1.20", Vantage.LAN)


@pytest.mark.parametrize("kind", [ConfigError, ScopeError, StoreError, DeliveryError])
def test_every_error_carries_its_sentence_and_what_fills_it_in(kind: type[NetwatchError]) -> None:
    error = kind("store.busy", path="x")
    assert isinstance(error, NetwatchError)
    assert (error.message, error.details) == ("store.busy", {"path": "x"})
    assert str(error) == "store.busy: path=x"
