"""Does every probe keep the contract? A frozen dataclass whose fields are its options."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pytest

import probes
from netwatch.model import Reason, Target
from netwatch.probe import ProbeError

PROBES = probes.load()


@pytest.mark.parametrize("name", sorted(PROBES))
def test_a_probe_is_frozen_and_every_option_has_a_default(name: str) -> None:
    factory = PROBES[name]
    options: Any = factory
    assert all(field.default is not MISSING for field in fields(options))
    assert factory() == factory()
    assert hash(factory()) == hash(factory())


@pytest.mark.parametrize("name", sorted(PROBES))
def test_a_probe_wants_only_ports_that_are_open_and_each_once(name: str) -> None:
    probe = PROBES[name]()
    everything = tuple(range(1, 65_536))
    for ports in ((), (104,), everything):
        wanted = probe.wants(Target("d", "192.168.1.20", ports))
        over_udp = set(wanted) - set(ports)  # nowhere told open: one port, and no home of its own
        assert len(over_udp) <= 1
        assert not (over_udp and probe.usual)
        assert len(wanted) == len(set(wanted))


@pytest.mark.parametrize("name", sorted(PROBES))
def test_facts_that_say_nothing_are_no_finding(name: str) -> None:
    seen = Target("d", "192.168.1.20", (104,)).observed(name, 104, "unknown", {})
    assert list(PROBES[name]().judge(seen)) == []


def test_an_unanswered_question_says_why() -> None:
    error = ProbeError(Reason.TIMEOUT, "no answer in time")
    assert (error.reason, error.detail) == (Reason.TIMEOUT, "no answer in time")
    assert ProbeError(Reason.MUTE).detail == ""
