"""Which hosts are there? With nmap, without it, and with one that dies."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.egress import Egress
from netwatch.errors import ScopeError
from netwatch.kernel import may_send_raw, neighbours
from netwatch.model import Outcome, Reason
from netwatch.scope import Scope
from netwatch.sweep import Found, Sweep, blocks
from tests.lab.hurry import FAST
from tests.lab.scps import scp

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, SECOND, EMPTY = "127.80.0.1", "127.80.0.2", "127.80.0.3"


@dataclass
class Told:
    """What a sweep said."""

    hosts: tuple[Found, ...]
    reasons: set[Reason] = field(default_factory=set)
    outcomes: set[Outcome] = field(default_factory=set)


@pytest.fixture(autouse=True)
def servers() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(scp("silent", FIRST, 11112))
        stack.enter_context(scp("silent", FIRST, 4242))
        stack.enter_context(scp("silent", SECOND, 4242))
        yield


@pytest.fixture(autouse=True)
def _may_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the tests do not run as root, nmap is asked, whatever becomes of it."""
    monkeypatch.setattr("netwatch.sweep.may_send_raw", lambda _: True)


def sweep(nmap: str | None, **scope: object) -> Told:
    networks = tuple(IPv4Network(f"{address}/32") for address in (FIRST, SECOND, EMPTY))
    egress = Egress(Scope(networks, until=date.max, **scope), FAST)  # type: ignore[arg-type]
    try:
        with ThreadPoolExecutor(8) as pool:
            work = Sweep(egress, pool.map, nmap)
            told = Told(work.hosts(lambda _done, _total: None))
    finally:
        egress.close()
    told.reasons = {failure.reason for failure in work.failures}
    told.outcomes = {row.outcome for row in work.coverage}
    return told


THERE = [FIRST, SECOND, EMPTY]


def fake(folder: Path, script: str) -> str:
    """An nmap of our own; `REAL` in the script is the one of this machine."""
    path = folder / "nmap"
    real = shutil.which("nmap") or "/nonexistent"
    path.write_text(f"#!{sys.executable}\n" + script.replace("REAL", repr(real)), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


VERSION = "import os, subprocess, sys\nif '-V' in sys.argv: os.execv(REAL, [REAL, '-V'])\n"
DEATHS = {
    "prints rubbish": VERSION + "print('rubbish ' * 50)",
    "prints bytes that are no text": VERSION + "sys.stdout.buffer.write(bytes(range(128, 256)) * 9)",
    "says nothing": VERSION,
    "is killed": VERSION + "os.kill(os.getpid(), 9)",
    "is cut off in its output": VERSION
    + "out = subprocess.run([REAL, *sys.argv[1:]], capture_output=True).stdout\n"
    + "sys.stdout.buffer.write(out[: len(out) * 2 // 3])",
    "has no version": "print('hello')",
    "prints an entity bomb": VERSION
    + "print('<!DOCTYPE nmaprun [<!ENTITY a \"b\">]><nmaprun>&a;</nmaprun>')",
}


def test_with_nmap_every_host_is_found() -> None:
    told = sweep(shutil.which("nmap"))
    assert [host.address for host in told.hosts] == THERE
    assert told.reasons == set()


def test_without_nmap_our_own_knocks_find_the_same_and_it_is_told_that_nmap_is_missing() -> None:
    told = sweep(None)
    assert [host.address for host in told.hosts] == THERE
    assert told.reasons == {Reason.NMAP_MISSING}
    assert Outcome.FAILED in told.outcomes


@pytest.mark.parametrize("death", DEATHS)
def test_where_nmap_fails_our_own_knocks_take_over_and_the_loss_is_recorded(
    tmp_path: Path, death: str
) -> None:
    told = sweep(fake(tmp_path, DEATHS[death]))
    assert [host.address for host in told.hosts] == THERE
    assert told.reasons == {Reason.NMAP_FAILED}
    assert Outcome.FAILED in told.outcomes


def test_an_nmap_that_may_not_send_arp_is_not_started_and_our_own_knocks_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netwatch.sweep.may_send_raw", lambda _: False)
    told = sweep(fake(tmp_path, "open('started', 'w')"))
    assert [host.address for host in told.hosts] == THERE
    assert told.reasons == set()
    assert not (tmp_path / "started").exists()


def test_excluded_cards_without_arp_stop_the_sweep_before_a_packet() -> None:
    with pytest.raises(ScopeError, match="cards-need-arp"):
        sweep(None, excluded_macs=frozenset({"00:11:32:aa:bb:cc"}))


@given(st.lists(st.integers(20, 30), min_size=1, max_size=5))
def test_blocks_hold_every_address_once(prefixes: list[int]) -> None:
    networks = [IPv4Network(f"10.{number}.0.0/{prefix}") for number, prefix in enumerate(prefixes)]
    pieces = [piece for block in blocks(networks) for piece in block]
    assert sum(piece.num_addresses for piece in pieces) == sum(n.num_addresses for n in networks)
    assert all(sum(p.num_addresses for p in block) <= 256 for block in blocks(networks))


def test_the_neighbour_table_is_read_without_a_word() -> None:
    assert all(mac != "00:00:00:00:00:00" for mac in neighbours().values())


def test_root_may_send_raw_packets() -> None:
    if os.geteuid() == 0:
        assert may_send_raw(Path("/bin/true"))


def test_an_excluded_card_is_not_connected_to_when_nmap_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netwatch.sweep.may_send_raw", lambda _: True)
    told = sweep(fake(tmp_path, DEATHS["is killed"]), excluded_macs=frozenset({"00:11:32:aa:bb:cc"}))
    assert told.hosts == ()
    assert Outcome.FAILED in told.outcomes
    assert Outcome.ANSWERED not in told.outcomes


def test_a_night_on_which_nobody_answered_looked_at_nothing(tmp_path: Path) -> None:
    script = VERSION + ("print('<nmaprun><runstats><finished exit=\"success\"/></runstats></nmaprun>')\n")
    told = sweep(fake(tmp_path, script))
    assert told.outcomes == {Outcome.NO_ANSWER}
    assert told.reasons == {Reason.TIMEOUT}


def test_where_cards_are_excluded_a_network_beyond_arp_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netwatch.sweep.may_send_raw", lambda _: True)
    monkeypatch.setattr("netwatch.sweep.on_link", lambda _: False)
    script = VERSION + "print('<nmaprun><runstats><finished exit=\"success\"/></runstats></nmaprun>')\n"
    told = sweep(fake(tmp_path, script), excluded_macs=frozenset({"00:11:32:aa:bb:cc"}))
    assert told.outcomes == {Outcome.NOT_ASKED}


def test_the_machine_that_scans_is_known_by_its_own_card(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def own(networks: tuple[IPv4Network, ...]) -> dict[str, str]:
        asked.append(networks)
        return {SECOND: "00:1b:a9:00:00:07"}

    monkeypatch.setattr("netwatch.sweep.own_cards", own)
    told = {host.address: host.mac for host in sweep(None).hosts}
    assert (told[FIRST], told[SECOND]) == (None, "00:1b:a9:00:00:07")
    [networks] = asked
    assert sum(network.num_addresses for network in networks) == len(THERE)
