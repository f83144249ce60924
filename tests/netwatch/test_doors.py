"""Which ports is a question for?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from netwatch.doors import doors, heard, settled, unknown
from netwatch.model import Observation, Target


def target(*ports: int, **more: object) -> Target:
    return Target("d", "192.0.2.1", ports, **more)  # type: ignore[arg-type]


def test_a_question_is_for_the_ports_where_it_is_at_home() -> None:
    assert doors(target(22, 3389, 3390), ("rdp",), (3390,)) == (3389, 3390)


def test_it_is_for_a_port_that_spoke_its_word_tonight_or_before() -> None:
    assert doors(target(1, 2, 3, spoken={1: "rdp"}, before={3: "rdp"}), ("rdp",)) == (1, 3)


@pytest.mark.parametrize("port", [3389, 40_000])
def test_it_is_not_for_a_port_that_has_spoken_something_else_tonight(port: int) -> None:
    spoken = target(port, spoken={port: "ssh"}, before={port: "rdp"}, free=frozenset({port}))
    assert doors(spoken, ("rdp",), (port,), anywhere=True) == ()


def test_a_free_port_is_only_for_what_waits_to_be_spoken_to() -> None:
    free = target(40_000, free=frozenset({40_000}))
    assert doors(free, ("rdp",), anywhere=True) == (40_000,)
    assert doors(free, ("vnc",)) == ()


def test_a_closed_port_is_nobody_s() -> None:
    assert doors(target(22, spoken={3389: "rdp"}), ("rdp",), (3389,)) == ()


@pytest.mark.parametrize(("port", "known"), [(3389, True), (445, True), (8080, False), (40_000, False)])
def test_a_port_is_settled_where_the_list_says_so(port: int, known: bool) -> None:  # noqa: FBT001
    assert settled(port) is known


def observation(port: int, word: str, transport: str = "tcp", *, proved: bool = True) -> Observation:
    return replace(target(port).observed("x", port, word, {}, transport), proved=proved)


def test_what_was_heard_is_told_by_its_most_exact_word() -> None:
    seen = [
        observation(1, "tls"),
        observation(1, "rdp"),
        observation(2, "redis"),
        observation(2, "tls"),
        observation(3, "http", proved=False),
        observation(4, "unknown"),
        observation(2, "nmap"),
        observation(5, "nmap"),
        observation(161, "snmp", "udp"),
    ]
    assert heard(seen) == {1: "rdp", 2: "redis"}


def test_a_port_is_free_where_nothing_is_known_and_nothing_is_settled() -> None:
    assert unknown((22, 8080, 40_000, 40_001), {40_001: "ssh"}) == {8080, 40_000}
