"""Is the machine that scans known by its own card? Tables as Linux writes them, and this machine's own."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from netwatch import oneself
from netwatch.oneself import own_cards

if TYPE_CHECKING:
    from pathlib import Path

SITE = IPv4Network("192.168.0.0/16")
HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
HOME = "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"  # 192.168.1.0/24


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "route").write_text(HEAD + HOME)
    (tmp_path / "eth0").mkdir()
    monkeypatch.setattr(oneself, "source", lambda _: "192.168.1.77")
    return tmp_path


def test_our_address_has_our_card(machine: Path) -> None:
    (machine / "eth0" / "address").write_text("00:1B:A9:00:00:07\n")
    assert own_cards([SITE], machine, machine) == {"192.168.1.77": "00:1b:a9:00:00:07"}


@pytest.mark.parametrize("told", ["00:00:00:00:00:00\n", "", "nonsense", "\x00", "00:1b:a9:00:00:07:01"])
def test_what_is_no_card_is_none(machine: Path, told: str) -> None:
    (machine / "eth0" / "address").write_text(told)
    assert own_cards([SITE], machine, machine) == {}


def test_a_card_that_is_gone_and_a_kernel_that_tells_nothing_are_no_error(machine: Path) -> None:
    assert own_cards([SITE], machine, machine) == {}
    assert own_cards([SITE], machine / "none", machine) == {}


def test_networks_that_are_not_scanned_are_not_looked_at(machine: Path) -> None:
    (machine / "eth0" / "address").write_text("00:1b:a9:00:00:07\n")
    assert own_cards([IPv4Network("10.0.0.0/8")], machine, machine) == {}


def test_this_machine_s_loopback_has_no_card() -> None:
    assert own_cards([IPv4Network("127.0.0.0/8")]) == {}
