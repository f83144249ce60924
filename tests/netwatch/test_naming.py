"""What becomes of what the devices tell everybody, and of what nobody may be asked?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from netwatch import naming
from netwatch.audit import Audit
from netwatch.calling import Called
from netwatch.config import Site
from netwatch.errors import OutsideError, ScopeError
from netwatch.halt import Halt
from netwatch.model import Device, Outcome, Reason, Run, Vantage
from netwatch.naming import Naming
from netwatch.outside import Gathered
from netwatch.probe import ProbeError
from netwatch.resolving import Resolved
from netwatch.scope import Scope
from netwatch.ssdp import Place
from netwatch.tonight import Tonight
from netwatch.words import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.model import Facts
    from netwatch.way import Way

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
PRINTER = Device("m-20", "192.168.1.20")
ALONE = Device("m-21", "192.168.1.21", left_alone="2026-11-24T02:00:00Z")


@pytest.fixture(autouse=True)
def _box_that_is_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine asks itself."""
    monkeypatch.setattr(naming, "resolvers", lambda *_: ("192.168.1.1",))


def asked(
    monkeypatch: pytest.MonkeyPatch,
    answer: Called,
    vantages: tuple[Vantage, ...] = (Vantage.LAN,),
    devices: tuple[Device, ...] = (PRINTER, ALONE),
    **exclude: object,
) -> tuple[Gathered, list[dict[str, Any]]]:
    """The roll call of a night, answered as told; and with what it was made."""
    calls: list[dict[str, Any]] = []

    def call(networks: object, devices: object, _: object, **more: object) -> Called:
        calls.append({"networks": networks, "devices": devices, **more})
        return answer

    monkeypatch.setattr(naming, "call", call)
    guests = {"name": "guests", "network": "192.168.1.128/25", "expect": "phones"}
    site = Site.model_validate(
        {"name": "A", "networks": ["192.168.1.0/24"], "exclude": exclude, "ranges": [guests]}
    )
    scope = Scope(
        (IPv4Network("192.168.1.0/24"),), until=date.max, excluded_addresses=site.exclude.addresses,
        excluded_macs=site.exclude.macs, excluded_ports=site.exclude.ports,
        silent_ports=site.exclude.silent_ports,
    )  # fmt: skip
    gathered = Gathered()
    run = Run("r", "a", NOW, NOW, complete=True, vantages=vantages, devices=devices)
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


def test_a_visitor_s_telephone_is_not_known_by_the_name_of_who_carries_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phone = Device("m-p", "192.168.1.150", "da:00:00:00:00:01")
    ours = Device("m-o", "192.168.1.50", "da:00:00:00:00:02")
    asked_of = list[str]()

    def resolve(_: Way, __: list[str], known: Mapping[str, str]) -> Resolved:
        asked_of.extend(known.values())
        return Resolved({}, asked=True)

    monkeypatch.setattr(naming, "resolve", resolve)
    said: dict[str, Facts] = {
        "mdns": {"name": "iPhone-de-ZZCANARY", "services": "http"},
        "llmnr": {"name": "ZZCANARY"},
    }
    gathered, _ = asked(monkeypatch, Called({"m-p": said, "m-o": said}), devices=(phone, ours))
    kept: dict[str, dict[str, Facts]] = {one.device: {} for one in gathered.observations}
    for one in gathered.observations:
        kept[one.device] |= {one.protocol: one.facts}
    assert kept == {"m-p": {"mdns": {"services": "http"}}, "m-o": said}
    assert asked_of == ["m-o"]


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


BOX = Device("m-1", "192.168.1.1", kind="box")
CARD = "02:77:00:00:00:22"
LEFT_OUT = (
    Device("m-22", "192.168.1.22", CARD),
    Device("m-200", "192.168.1.200"),
    Device("p-1", "2001:db8::1"),
)


def resolved(
    monkeypatch: pytest.MonkeyPatch,
    answer: Resolved,
    *devices: Device,
    **exclude: Any,  # noqa: ANN401 - keys of a site file
) -> tuple[Gathered, list[tuple[list[str], dict[str, str]]]]:
    """The names that a resolver tells; and who was asked about whom."""
    calls: list[tuple[list[str], dict[str, str]]] = []

    def resolve(_: Way, asked: list[str], known: Mapping[str, str]) -> Resolved:
        calls.append((asked, dict(known)))
        return answer

    monkeypatch.setattr(naming, "resolve", resolve)
    return asked(monkeypatch, Called({}), (Vantage.LAN,), devices, **exclude)[0], calls


def test_what_the_practices_resolver_calls_a_device_is_an_observation_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Resolved({"m-20": "imprimante"}, asked=True)
    gathered, [(who, about)] = resolved(monkeypatch, told, BOX, PRINTER, ALONE)
    [seen] = gathered.observations
    assert (seen.device, seen.protocol, seen.port, seen.facts) == ("m-20", "dns", 0, {"name": "imprimante"})
    assert (who, about) == (["192.168.1.1"], {"192.168.1.1": "m-1", "192.168.1.20": "m-20"})
    assert gathered.coverage == []


def test_no_name_is_asked_of_what_is_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    _, [(_, about)] = resolved(
        monkeypatch, Resolved(), BOX, *LEFT_OUT, macs=[CARD], addresses=["192.168.1.128/25"]
    )
    assert about == {"192.168.1.1": "m-1"}


def test_an_excluded_resolver_or_one_that_nobody_saw_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    carded = Device("m-1", "192.168.1.1", CARD, kind="box")
    for devices, excluded in (((PRINTER,), []), ((carded, PRINTER), [CARD])):
        _, [(who, _)] = resolved(monkeypatch, Resolved(), *devices, macs=excluded)
        assert who == []


def test_where_no_resolver_is_the_practices_that_is_told_as_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "resolvers", lambda *_: ())
    gathered, calls = resolved(monkeypatch, Resolved(), BOX, PRINTER)
    [row] = gathered.coverage
    assert (calls, row.outcome, "resolver" in row.detail) == ([], Outcome.EXCLUDED, True)


def test_a_resolver_that_may_not_be_asked_is_told_as_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ScopeError("egress.excluded-port", port=53)
    gathered, _ = resolved(monkeypatch, Resolved(missed=[refused]), BOX)
    assert [(row.outcome, "53" in row.detail) for row in gathered.coverage] == [(Outcome.EXCLUDED, True)]
    gathered, _ = resolved(monkeypatch, Resolved(asked=True, missed=[refused]), BOX)
    assert gathered.coverage == []


NAS = Device("m-30", "192.168.1.30", kind="nas")
SAID: Facts = {"uuid": "e3248000-80ce-11db-8000-30055c6f279f", "port": 5000, "path": "/desc.xml"}
PAGE = {"maker": "Synology", "product": "DS218+"}


def describing(
    monkeypatch: pytest.MonkeyPatch,
    *devices: Device,
    read: Exception | None = None,
    **exclude: Any,  # noqa: ANN401 - keys of a site file
) -> tuple[Gathered, list[tuple[str, Place]]]:
    """The night of devices that all answered SSDP; and which pages were read."""
    pages: list[tuple[str, Place]] = []

    def described(_: Way, address: str, at: Place) -> dict[str, str]:
        pages.append((address, at))
        if read is not None:
            raise read
        return dict(PAGE)

    monkeypatch.setattr(naming, "described", described)
    monkeypatch.setattr(naming, "resolve", lambda *_: Resolved(asked=True))
    told = Called({one.id: {"ssdp": dict(SAID)} for one in devices})
    return asked(monkeypatch, told, (Vantage.LAN,), devices, **exclude)[0], pages


def test_the_page_of_a_device_that_answered_everybody_is_read_where_its_class_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gathered, pages = describing(monkeypatch, NAS, PRINTER)
    assert pages == [(NAS.address, Place(5000, "/desc.xml"))]
    told = {(one.device, one.probe, one.protocol, one.port): one.facts for one in gathered.observations}
    said = {"uuid": SAID["uuid"], "port": 5000}
    assert told == {
        ("m-30", "ssdp", "ssdp", 0): said,
        ("m-30", "upnp_page", "upnp", 0): PAGE,
        ("m-20", "ssdp", "ssdp", 0): said,
    }


def test_a_page_at_an_excluded_port_is_not_read_and_one_that_fails_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gathered, _ = describing(monkeypatch, NAS, read=ScopeError("egress.excluded-port", port=5000))
    assert gathered.failures == []
    gathered, _ = describing(monkeypatch, NAS, read=ProbeError(Reason.TIMEOUT, "too slow"))
    [failed] = gathered.failures
    assert (failed.device, failed.port, failed.reason) == ("m-30", 5000, Reason.TIMEOUT)
