"""What did nmap really say? Cut anywhere, mangled, or whole: what was finished is kept, nothing is raised."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.model import PortState
from netwatch.nmapxml import read

HOST = (
    '<host{mark}><status state="up" reason="arp-response"/><address addr="{address}" addrtype="ipv4"/>'
    '<address addr="00:11:32:AA:BB:CC" addrtype="mac" vendor="Synology"/><ports>{ports}</ports></host>'
)
OPEN = '<port protocol="tcp" portid="104"><state state="open" reason="syn-ack"/></port>'
ENDED = '<runstats><finished exit="success"/></runstats>'


def run(*hosts: str, ended: str = ENDED) -> bytes:
    return f'<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun>{"".join(hosts)}{ended}</nmaprun>'.encode()


def host(last: int = 20, ports: str = OPEN, mark: str = "") -> str:
    return HOST.format(address=f"192.168.1.{last}", ports=ports, mark=mark)


def test_a_whole_run_is_finished_and_its_hosts_have_their_cards() -> None:
    reading = read(run(host()))
    assert reading.finished
    [seen] = reading.hosts
    assert (seen.address, seen.mac, seen.ports) == (
        "192.168.1.20",
        "00:11:32:aa:bb:cc",
        {104: PortState.OPEN},
    )


def test_a_host_that_timed_out_is_not_a_clean_host() -> None:
    [seen] = read(run(host(ports="", mark=' timedout="true"'))).hosts
    assert seen.timed_out


def test_folded_ports_are_told_one_by_one() -> None:
    folded = (
        OPEN
        + '<extraports state="closed" count="2"><extrareasons reason="reset" ports="22,80"/></extraports>'
        '<extraports state="filtered" count="1"><extrareasons reason="no-response" ports="443"/></extraports>'
    )
    [seen] = read(run(host(ports=folded)), (22, 80, 104, 443)).hosts
    closed, filtered = PortState.CLOSED, PortState.FILTERED
    assert seen.ports == {22: closed, 80: closed, 104: PortState.OPEN, 443: filtered}


def test_an_older_nmap_that_folds_without_numbers_is_understood_where_it_is_unambiguous() -> None:
    [seen] = read(run(host(ports=OPEN + '<extraports state="closed" count="2"/>')), (22, 80, 104)).hosts
    assert seen.ports[22] is PortState.CLOSED
    both = '<extraports state="closed" count="1"/><extraports state="filtered" count="1"/>'
    [seen] = read(run(host(ports=OPEN + both)), (22, 80, 104)).hosts
    assert set(seen.ports) == {104}


def test_open_or_filtered_proves_nothing() -> None:
    vague = OPEN.replace('"open"', '"open|filtered"')
    [seen] = read(run(host(ports=vague))).hosts
    assert seen.ports == {104: PortState.FILTERED}


def test_a_run_without_its_end_or_with_an_error_is_not_finished() -> None:
    assert not read(run(host(), ended="")).finished
    assert not read(
        run(host(), ended='<runstats><finished exit="error" errormsg="killed"/></runstats>')
    ).finished


@given(st.integers(0, 1500))
def test_cut_anywhere_the_finished_hosts_are_kept(at: int) -> None:
    whole = run(host(20), host(21), host(22))
    cut = whole[:at]
    reading = read(cut)
    assert [seen.address for seen in reading.hosts] == [
        f"192.168.1.{last}" for last in (20, 21, 22)[: cut.count(b"</host>")]
    ]
    assert reading.finished == (at >= len(whole))


@given(st.binary(max_size=300), st.integers(0, 900))
def test_rubbish_anywhere_raises_nothing(rubbish: bytes, at: int) -> None:
    whole = run(host(20), host(21))
    read(whole[:at] + rubbish + whole[at:], (104,))
    read(rubbish, (104,))


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE nmaprun [<!ENTITY a "aaaa">]><nmaprun>' + host().encode() + b"</nmaprun>"
    assert read(bomb).hosts == ()


def test_the_nmap_of_this_machine_is_understood() -> None:
    path = shutil.which("nmap")
    assert path, "nmap is not installed: make test installs it"
    ended = subprocess.run(
        [path, "-n", "-Pn", "-sT", "--unprivileged", "-p", "T:1,2,3", "-oX", "-", "127.77.250.1"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    reading = read(ended.stdout, (1, 2, 3))
    assert reading.finished
    assert reading.hosts[0].ports == dict.fromkeys((1, 2, 3), PortState.CLOSED)


@pytest.mark.parametrize("ports", ["", "x", "1-", "-", "1-2-3", "99999999999999999999"])
def test_odd_port_lists_raise_nothing(ports: str) -> None:
    folded = (
        f'<extraports state="closed" count="1"><extrareasons reason="reset" ports="{ports}"/></extraports>'
    )
    read(run(host(ports=OPEN + folded)), (104,))
