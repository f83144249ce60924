"""What may be touched at all? Every address of the networks, less what is excluded; no port that prints."""

from __future__ import annotations

from datetime import date, timedelta
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwatch.errors import ScopeError
from netwatch.scope import SILENT, Scope

LAN = (IPv4Network("192.168.1.0/24"),)


def test_after_the_last_authorised_day_nothing_is_allowed() -> None:
    yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 - the machine's own day is meant
    with pytest.raises(ScopeError, match="authorisation-ended"):
        Scope(LAN, until=yesterday).require("192.168.1.20")
    Scope(LAN, until=yesterday + timedelta(days=1)).require("192.168.1.20")


def test_ports_that_print_or_book_orders_are_silent_and_so_are_declared_ones() -> None:
    scope = Scope(LAN, until=date.max, silent_ports=frozenset({2576}))
    assert [port for port in (515, 9100, 9107, 9999, 2575, 6661, 2576) if not scope.silent(port)] == []
    assert not any(map(scope.silent, (104, 80, 9108, 9099, 516)))
    assert {502, 47808} < SILENT  # Modbus and BACnet: a byte may move a motor
    assert len(SILENT) == 14


def test_a_port_that_printed_at_a_knock_and_an_excluded_one_are_not_even_knocked_at() -> None:
    scope = Scope(LAN, until=date.max, excluded_ports=frozenset({6000}))
    assert scope.ports((9999, 6000, 104, 22)) == (22, 104)


@given(st.sets(st.integers(0, 255), max_size=20))
def test_targets_hold_every_address_of_the_networks_but_the_excluded_and_the_edges(holes: set[int]) -> None:
    excluded = tuple(IPv4Network(f"192.168.1.{last}/32") for last in holes)
    targets = Scope(LAN, until=date.max, excluded_addresses=excluded).targets()
    told = {address for network in targets for address in network}
    assert told == {IPv4Address(f"192.168.1.{last}") for last in set(range(1, 255)) - holes}


def test_two_networks_side_by_side_keep_their_own_broadcast_addresses() -> None:
    halves = (IPv4Network("192.168.1.0/25"), IPv4Network("192.168.1.128/25"))
    told = {address for network in Scope(halves, until=date.max).targets() for address in network}
    assert IPv4Address("192.168.1.127") not in told
    assert IPv4Address("192.168.1.128") not in told
    assert len(told) == 252
