"""Whom would nmap be let at, and for how long? As the scan itself decides it, and nothing is sent."""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Network

import pytest

from netwatch.detect import EACH, GUESS
from netwatch.model import Device
from netwatch.plan_detect import DetectPlan, detecting
from netwatch.scope import Scope
from netwatch.tonight import Tonight

pytestmark = pytest.mark.usefixtures("socket_disabled")

SCOPE = Scope((IPv4Network("192.168.1.0/24"),), until=date.max)
CARD = "00:11:32:aa:bb:cc"
SERVER = Device("server", "192.168.1.20", mac=CARD, kind="server")
BOX = Device("box", "192.168.1.1", mac=CARD, kind="box")
OTHERS = [
    Device(kind, f"192.168.1.{number}", mac=CARD, kind=kind)
    for number, kind in enumerate(("medical", "unknown", "printer", "phone", "camera", "archive"), 30)
]
OPEN = {one.id: frozenset({22, 5432, 9100}) for one in (SERVER, BOX, *OTHERS)}


def night(**more: object) -> Tonight:
    return Tonight(SCOPE, open_before=OPEN, **{"detect": True, **more})  # type: ignore[arg-type]


def test_nothing_is_planned_where_nobody_asked_for_it() -> None:
    assert detecting(night(detect=False), [SERVER]) is None


def test_computers_and_boxes_are_told_and_nobody_else() -> None:
    assert detecting(night(), [BOX, SERVER, *OTHERS]) == DetectPlan(
        ("192.168.1.1", "192.168.1.20"), 2 * (GUESS + EACH)
    )


def test_who_is_left_alone_has_no_port_for_it_or_spoke_dicom_there_is_not_told() -> None:
    alone = Device("server", "192.168.1.20", mac=CARD, kind="server", left_alone="2026-11-20")
    assert detecting(night(), [alone]) == DetectPlan((), 0)
    assert detecting(night(clear={"server": frozenset({22})}), [SERVER]) == DetectPlan((), 0)
    assert detecting(night(spoken={"server": {22: "redis"}}), [SERVER]) == DetectPlan((), 0)
    assert detecting(night(declared={CARD: "medical"}), [SERVER]) == DetectPlan((), 0)
