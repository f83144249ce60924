"""What does this machine's kernel know and allow? Read from its tables, as it prints them."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from netwatch.kernel import by_arp, link_within, on_link

if TYPE_CHECKING:
    from pathlib import Path

# 192.168.1.0/24 on the card itself; the rest, and 10.67.0.0/24, behind 192.168.1.1.
ROUTES = """\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
eth0\t0000430A\t0101A8C0\t0003\t0\t0\t100\t00FFFFFF\t0\t0\t0
"""


@pytest.mark.parametrize(
    ("network", "reached"),
    [
        ("192.168.1.0/24", True),
        ("192.168.1.64/26", True),
        ("192.168.0.0/23", False),
        ("10.67.0.0/24", False),
        ("127.0.0.1/32", True),
    ],
)
def test_arp_reaches_what_is_on_the_card_itself(tmp_path: Path, network: str, reached: bool) -> None:  # noqa: FBT001
    (tmp_path / "route").write_text(ROUTES, encoding="ascii")
    assert on_link(IPv4Network(network), tmp_path) is reached


@pytest.mark.parametrize(
    ("networks", "within"),
    [
        (["192.168.1.0/24"], True),
        (["192.168.0.0/16"], True),
        (["192.168.1.0/25", "192.168.1.128/25"], True),
        (["192.168.1.0/25"], False),
        (["10.67.0.0/24"], False),
    ],
)
def test_a_link_of_which_a_part_is_the_site_s_is_not_within_it(
    tmp_path: Path, networks: list[str], *, within: bool
) -> None:
    (tmp_path / "route").write_text(ROUTES, encoding="ascii")
    assert link_within("192.168.1.1", map(IPv4Network, networks), tmp_path) is within
    assert link_within("10.67.0.9", map(IPv4Network, networks), tmp_path)  # behind a gateway: no link of ours


def test_a_kernel_without_these_tables_is_believed(tmp_path: Path) -> None:
    assert on_link(IPv4Network("10.0.0.0/24"), tmp_path)


@pytest.mark.parametrize(("kind", "spoken"), [("1", True), ("65534", False), ("772", False)])
def test_a_tunnel_speaks_no_arp_though_the_network_is_on_it(
    tmp_path: Path, *, kind: str, spoken: bool
) -> None:
    (tmp_path / "route").write_text(ROUTES, encoding="ascii")
    (tmp_path / "eth0").mkdir()
    (tmp_path / "eth0" / "type").write_text(f"{kind}\n", encoding="ascii")
    assert by_arp(IPv4Network("192.168.1.0/24"), tmp_path, tmp_path) is spoken
    assert not by_arp(IPv4Network("10.67.0.0/24"), tmp_path, tmp_path)
    assert not by_arp(IPv4Network("192.168.1.0/24"), tmp_path / "none", tmp_path)
    assert not by_arp(IPv4Network("192.168.1.0/24"), tmp_path, tmp_path / "none")
