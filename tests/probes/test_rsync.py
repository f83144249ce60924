"""Which areas does the backup server name to a stranger? Hand-made servers; rsync itself in tests/lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import Reason, Target, Vantage
from probes.rsync import LONGEST, OURS, Rsync
from tests.lab.interview import ask, canned, fresh_address
from tests.lab.peers import Peer, Talk

if TYPE_CHECKING:
    from collections.abc import Callable

PROBE = Rsync(timeout=1.0)
GREETING = b"@RSYNCD: 31.0\n"
EXIT = b"@RSYNCD: EXIT\n"


def module(name: str) -> bytes:
    """A row of the list, as clientserver.c writes it."""
    return f"{name:<15}\tPictures of the practice\n".encode()


def server(listing: bytes, greeting: bytes = GREETING) -> Callable[[Talk], None]:
    """One that greets, hears us, lists, and stays."""

    def behave(talk: Talk) -> None:
        talk.send(greeting)
        talk.read(len(OURS))
        talk.send(listing)
        talk.hold()

    return behave


LISTS = {
    # what it sends, modules, rules
    "two": (module("images") + module("letters") + EXIT, 2, ["rsync-modules-listed"]),
    "long names": (module("a-name-of-more-than-fifteen") + EXIT, 1, ["rsync-modules-listed"]),
    "none": (EXIT, 0, []),
    "a welcome": (b"Welcome\nplease\twait\n\n" + EXIT, 0, []),
    "a refusal": (b"@ERROR: access denied to  from UNKNOWN (10.0.0.9)\n", 0, []),
    "a refusal, and a goodbye": (b"@ERROR: access denied\n" + EXIT, 0, []),
}


@pytest.mark.parametrize(("listing", "modules", "rules"), LISTS.values(), ids=LISTS)
def test_a_list_is_counted(listing: bytes, modules: int | None, rules: list[str]) -> None:
    with Peer(server(listing), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"protocol_version": "31.0", "modules": modules, "authentication": "unknown"}
    assert (asked.protocol, asked.rules, asked.error) == ("rsync", rules, None)


def test_no_module_is_named_and_none_is_chosen() -> None:
    heard = b""

    def behave(talk: Talk) -> None:
        nonlocal heard
        talk.send(b"@RSYNCD: 31.0 ZZCANARY\n")
        heard = talk.read(len(OURS))
        talk.send(b"ZZCANARY\n" + module("ZZCANARY") + EXIT)
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert heard == b"@RSYNCD: 31.0\n#list\n"
    assert (peer.connections, peer.received) == (1, len(heard))
    assert "ZZCANARY" not in str(asked.seen)


def test_an_old_server_that_hangs_up_after_its_list_is_counted() -> None:
    def behave(talk: Talk) -> None:
        talk.send(b"@RSYNCD: 24\n")
        talk.read(len(OURS))
        talk.send(module("images"))

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["protocol_version"], asked.facts["modules"], asked.error) == ("24", 1, None)


def test_one_that_hangs_up_without_a_list_leaves_it_open() -> None:
    def behave(talk: Talk) -> None:
        talk.send(GREETING)
        talk.read(len(OURS))

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.protocol, asked.facts["modules"], asked.reason) == ("rsync", None, Reason.CLOSED)


def test_a_list_that_never_ends_is_counted_as_far_as_we_read() -> None:
    def behave(talk: Talk) -> None:
        talk.send(GREETING)
        talk.read(len(OURS))
        talk.flood(module("images") * 50, 100_000_000)

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert LONGEST // 50 < int(asked.facts["modules"] or 0) < LONGEST // 10
    assert asked.error is None
    assert peer.sent < 5_000_000


@pytest.mark.parametrize("greeting", [b"", b"@RSYNCD:", b"@RSYNCD: 31.0\n"])
def test_a_server_that_stalls_is_a_failure(greeting: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.send(greeting)
        talk.hold()

    with Peer(behave, fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.reason is Reason.TIMEOUT
    assert [seen.facts["modules"] for seen in asked.seen] == [None] * bool(greeting)


BUSY = b"@ERROR: max connections (4) reached -- try again later\n"


@pytest.mark.parametrize("told", [BUSY, BUSY + EXIT, b"welcome\n" + BUSY, b"@ERROR: daemon security issue\n"])
def test_a_server_in_trouble_is_no_server_that_lists_nothing(told: bytes) -> None:
    with Peer(server(told), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert asked.facts == {"protocol_version": "31.0", "modules": None, "authentication": "unknown"}
    assert (asked.reason, asked.rules) == (Reason.BUSY, [])


@pytest.mark.parametrize("told", [module("images"), b"welcome\n", b"@ERROR: access den"])
def test_a_list_that_is_cut_leaves_it_open(told: bytes) -> None:
    asked = canned(PROBE, GREETING + told)
    assert (asked.facts["modules"], asked.reason, asked.rules) == (None, Reason.CLOSED, [])


def test_a_list_that_stops_halfway_leaves_it_open() -> None:
    with Peer(server(module("images")), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.facts["modules"], asked.reason, asked.rules) == (None, Reason.TIMEOUT, [])


def test_a_greeting_that_never_ends_is_hung_up_on() -> None:
    with Peer(server(b"", b"@RSYNCD: " + b"3" * 5000), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.reason, asked.facts["protocol_version"]) == (Reason.LIMIT, None)
    assert peer.received == 0


def test_what_is_not_rsync_is_said_to_be_something_else() -> None:
    with Peer(lambda talk: talk.send(b"SSH-2.0-x\r\n"), fresh_address()) as peer:
        asked = ask(PROBE, peer.address, peer.port)
    assert (asked.seen, asked.other is not None, peer.received) == ([], True, 0)


@pytest.mark.parametrize(("modules", "rule"), [(0, "rsync-reachable"), (None, "rsync-reachable")])
def test_from_the_internet_any_backup_server_is_a_finding(modules: int | None, rule: str) -> None:
    seen = Target("d", "192.0.2.1", (873,), Vantage.OUTSIDE).observed(
        "rsync", 873, "rsync", {"modules": modules}
    )
    assert [finding.rule for finding in PROBE.judge(seen)] == [rule]


def test_it_is_asked_where_it_is_at_home_and_where_it_greeted() -> None:
    target = Target(
        "d", "192.0.2.1", (80, 873, 8730, 8731), spoken={8730: "rsync"}, free=frozenset({80, 8731})
    )
    assert PROBE.wants(target) == (873, 8730)


@given(st.binary(max_size=300), st.sampled_from([b"", b"@RSYNCD:", GREETING, GREETING + module("x")]))
def test_any_bytes_give_facts_or_a_failure(told: bytes, greeting: bytes) -> None:
    asked = canned(PROBE, greeting + told)
    assert asked.seen or asked.error or asked.other
