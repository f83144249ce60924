"""What becomes of what the devices tell everybody, and of what nobody may be asked?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from netwatch import naming
from netwatch.audit import Audit
from netwatch.calling import Called
from netwatch.config import Site
from netwatch.errors import OutsideError
from netwatch.halt import Halt
from netwatch.model import Device, Outcome, Reason, Run, Vantage
from netwatch.naming import Naming
from netwatch.outside import Gathered
from netwatch.scope import Scope
from netwatch.tonight import Tonight
from netwatch.words import messages

if TYPE_CHECKING:
    import pytest

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
PRINTER = Device("m-20", "192.168.1.20")
ALONE = Device("m-21", "192.168.1.21", left_alone="2026-11-24T02:00:00Z")


def asked(
    monkeypatch: pytest.MonkeyPatch,
    answer: Called,
    vantages: tuple[Vantage, ...] = (Vantage.LAN,),
    **exclude: object,
) -> tuple[Gathered, list[dict[str, Any]]]:
    """The roll call of a night, answered as told; and with what it was made."""
    calls: list[dict[str, Any]] = []

    def call(networks: object, devices: object, _: object, **more: object) -> Called:
        calls.append({"networks": networks, "devices": devices, **more})
        return answer

    monkeypatch.setattr(naming, "call", call)
    site = Site.model_validate({"name": "A", "networks": ["192.168.1.0/24"], "exclude": exclude})
    scope = Scope(
        (IPv4Network("192.168.1.0/24"),), until=date.max, excluded_addresses=site.exclude.addresses,
        excluded_ports=site.exclude.ports, silent_ports=site.exclude.silent_ports,
    )  # fmt: skip
    gathered = Gathered()
    run = Run("r", "a", NOW, NOW, complete=True, vantages=vantages, devices=(PRINTER, ALONE))
    Naming(site, Tonight(scope), gathered, Audit, Halt(), messages("en")).ask(run)
    return gathered, calls


def test_what_a_device_tells_is_an_observation_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Called({"m-20": {"mdns": {"name": "EPSON", "model": "ET-2720"}, "llmnr": {"name": "epson"}}})
    gathered, [call] = asked(monkeypatch, told, ports=[5353])
    assert {(one.device, one.address, one.protocol, one.port) for one in gathered.observations} == {
        ("m-20", "192.168.1.20", "mdns", 0),
        ("m-20", "192.168.1.20", "llmnr", 0),
    }
    assert gathered.observations[0].facts == {"name": "EPSON", "model": "ET-2720"}
    assert call["excluded_ports"] == {5353}
    assert call["devices"] == [PRINTER]  # not the one that was left alone
    assert (gathered.failures, gathered.coverage) == ([], [])


def test_only_the_networks_less_what_is_excluded_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    _, [call] = asked(monkeypatch, Called({}), addresses=["192.168.1.128/25"])
    assert call["networks"] == (IPv4Network("192.168.1.0/25"),)


def test_what_nobody_may_be_asked_is_told_as_excluded_and_makes_no_night_incomplete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missed = OutsideError("calling.excluded", Reason.SCOPE)
    gathered, _ = asked(monkeypatch, Called({}, missed=(missed,)))
    [row] = gathered.coverage
    assert (row.outcome, "exclude.macs" in row.detail) == (Outcome.EXCLUDED, True)
    assert row.address == "192.168.1.0/24"
    assert gathered.failures == []


def test_what_fails_is_a_failure_and_a_stop_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = (
        OutsideError("calling.failed", Reason.PROTOCOL, name="mdns", why="no route"),
        OutsideError("calling.stopped", Reason.UNFINISHED),
    )
    gathered, _ = asked(monkeypatch, Called({}, missed=missed))
    assert [one.detail for one in gathered.failures] == ["mdns could not be asked: no route"]


def test_where_nobody_looked_at_the_network_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    _, calls = asked(monkeypatch, Called({}), vantages=(Vantage.OUTSIDE,))
    assert calls == []
