"""Who asks the box at night, and when is it left in peace?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from netwatch import outlet
from netwatch.ask_box import AskBox
from netwatch.audit import Audit
from netwatch.config import Site
from netwatch.halt import Halt
from netwatch.model import Device, Reason, Run, Vantage
from netwatch.outside import Gathered
from netwatch.probe import ProbeError
from netwatch.scope import Scope
from netwatch.store import Store
from netwatch.tonight import Tonight

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
CARD = "00:11:32:aa:bb:cc"
BOX = "192.168.1.1"


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ports that were tried, of a box that refuses them all; nothing leaves this machine."""
    ports: list[int] = []

    def dial(_: object, address: str, port: int, __: float) -> None:
        assert address == BOX
        ports.append(port)
        raise ProbeError(Reason.REFUSED, "the port is closed")

    monkeypatch.setattr(outlet.Here, "dial", dial)
    monkeypatch.setenv("NETWATCH_BOX_PASSWORD", "x")
    return ports


def ask(folder: Path, device: Device, macs: tuple[str, ...] = (), **settings: Any) -> Gathered:  # noqa: ANN401
    """The box itself is asked; `macs` are excluded."""
    site = Site.model_validate({"name": "A", "networks": ["192.168.1.0/24"], "gateway": BOX} | settings)
    scope = Scope((IPv4Network("192.168.1.0/24"),), until=date.max, excluded_macs=frozenset(macs))
    gathered = Gathered()
    with Store(folder) as store:
        store.remember("a", "A", "en")
        one = AskBox(site, store, Tonight(scope, gateway=BOX), gathered, Audit, Halt())
        run = Run("r", "a", NOW, NOW, complete=True, vantages=(Vantage.LAN,), devices=(device,))
        assert one.itself(one.device(run)) is ("box" in settings)
    return gathered


def test_a_box_of_which_the_site_file_says_nothing_is_not_asked(tmp_path: Path, dialled: list[int]) -> None:
    assert ask(tmp_path, Device("m-box", BOX)).failures == []
    assert dialled == []


def test_a_box_that_the_site_file_names_is_asked_and_what_fails_is_told(
    tmp_path: Path, dialled: list[int]
) -> None:
    gathered = ask(tmp_path, Device("m-box", BOX), box={"kind": "livebox"})
    assert dialled
    assert {one.vantage for one in gathered.failures} == {Vantage.BOX}


@pytest.mark.parametrize(
    ("device", "macs"),
    [
        (Device("m-box", BOX, mac=CARD), (CARD,)),
        (Device("m-box", BOX, left_alone="2026-11-24T02:00:00Z"), ()),
    ],
)
def test_a_box_that_is_excluded_or_left_alone_gets_no_connection(
    tmp_path: Path, dialled: list[int], device: Device, macs: tuple[str, ...]
) -> None:
    gathered = ask(tmp_path, device, macs, box={"kind": "livebox"})
    assert dialled == []
    assert gathered.failures
