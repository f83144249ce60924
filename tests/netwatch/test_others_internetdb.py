"""Does what InternetDB says arrive as what it is: numbers without a date, and no proof where it is silent?"""

from __future__ import annotations

import gc
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from netwatch.audit import Audit
from netwatch.internet import InternetdbSettings
from netwatch.model import Reason, Vantage
from netwatch.others import LISTING
from netwatch.others.internetdb import ask
from netwatch.portset import PortSet
from tests.lab import shodan_server as lab
from tests.lab.shodan_server import ShodanServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netwatch.model import Failure, Observation

ONE, OTHER = "9.9.9.9", "9.9.9.10"
NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
USE = InternetdbSettings(use="own practice, not commercial")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ShodanServer]:
    with ShodanServer() as running:
        monkeypatch.setenv("INTERNETDB_URL", running.url)
        yield running


def asked(
    *addresses: str,
    settings: InternetdbSettings | None = USE,
    patience: float = 10.0,
    **more: Any,  # noqa: ANN401
) -> tuple[list[Observation], list[Failure]]:
    return ask(
        settings,
        addresses or (ONE,),
        audit=Audit(),
        now=lambda: NOW,
        pause=0.0,
        patience=patience,
        **more,
    )


def reasons(failures: list[Failure]) -> list[Reason]:
    return [one.reason for one in failures]


def test_a_port_is_told_without_a_date_a_protocol_or_a_sure_transport(server: ShodanServer) -> None:
    server.ports[ONE] = [11112, 161]
    (snmp, dicom, whole), failures = asked()
    assert failures == []
    assert (dicom.probe, dicom.vantage, dicom.device) == ("internetdb", Vantage.INTERNETDB, f"p-{ONE}")
    assert (dicom.port, dicom.transport, dicom.protocol) == (11112, "tcp", "unknown")
    assert (snmp.port, snmp.transport) == (161, "udp")
    assert dicom.facts == {"dated": False, "transport_told": False, "fetched_at": "2026-11-25T01:02:03Z"}
    assert dicom.seen_at == NOW
    assert (whole.protocol, whole.facts["listing"], whole.facts["ports"]) == (LISTING, "whole", 2)
    assert server.told == [f"GET /{ONE}"]


def test_an_address_it_does_not_know_is_unknown_and_not_safe(server: ShodanServer) -> None:
    [seen], failures = asked()
    assert (failures, server.told) == ([], [f"GET /{ONE}"])
    assert (seen.protocol, seen.facts["listing"]) == (LISTING, "empty")


def test_without_a_stated_use_nobody_is_asked(server: ShodanServer) -> None:
    assert asked(settings=None) == ([], [])
    assert server.asked == []


def test_only_ipv4_addresses_of_the_internet_are_named_to_it(server: ShodanServer) -> None:
    assert asked("2620:fe::fe", "192.168.1.1", "100.64.1.1", "x/../y") == ([], [])
    assert server.asked == []


def test_a_neighbours_ports_are_dropped_and_counted(server: ShodanServer) -> None:
    server.ports[ONE] = [80, 443, 20000]
    seen, _ = asked(only=PortSet.parse("16384-32767"))
    assert [one.port for one in seen] == [20000, 0]
    assert (seen[1].facts["ports"], seen[1].facts["neighbours"]) == (1, 2)


def test_what_is_no_port_is_left_out_and_said(server: ShodanServer) -> None:
    wrong: list[Any] = [80, True, 0, -1, 65536, "22", None, 3.5, {}, [], 10**30]
    server.ports[ONE] = wrong
    seen, _ = asked()
    assert [one.port for one in seen] == [80, 0]
    assert seen[1].facts["listing"] == "cut"


def test_nothing_else_that_it_says_is_kept(server: ShodanServer) -> None:
    server.ports[ONE] = [80]
    assert "a.example" not in repr(asked())


TROUBLES = {
    "429": (lab.reply(429, {"detail": "slow down"}), Reason.BUSY),
    "500": (lab.html(500), Reason.BUSY),
    "403": (lab.html(403), Reason.PROTOCOL),
    "404 page": (lab.html(404), Reason.PROTOCOL),
    "404 of another": (lab.reply(404, {"detail": "Not Found"}), Reason.PROTOCOL),
    "404 with a list": (lab.reply(404, {"detail": [1]}), Reason.PROTOCOL),
    "page": (lab.html(), Reason.PROTOCOL),
    "nothing": (lab.raw(200, b""), Reason.PROTOCOL),
    "list": (lab.reply(200, []), Reason.PROTOCOL),
    "deep": (lab.raw(200, b"[" * 200_000), Reason.PROTOCOL),
    "number": (lab.raw(200, b"1" * 5000), Reason.PROTOCOL),
    "another address": (lab.reply(200, lab.internetdb(OTHER, [80])), Reason.PROTOCOL),
    "ports are no list": (lab.reply(200, {"ip": ONE, "ports": {"80": 1}}), Reason.PROTOCOL),
    "packed": (lab.raw(200, b"\x1f\x8b", "Content-Encoding: gzip"), Reason.PROTOCOL),
    "redirect": (lab.redirect(f"/{OTHER}"), Reason.PROTOCOL),
    "hang-up": (lab.hang_up, Reason.CLOSED),
    "half": (lab.half, Reason.CLOSED),
    "flood": (lab.flood, Reason.LIMIT),
    "no HTTP": (lambda talk, _asked: talk.send(b"SSH-2.0-x\r\n\r\n"), Reason.CLOSED),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_trouble_has_its_reason_and_none_is_raised(server: ShodanServer, trouble: str) -> None:
    server.instead[f"/{ONE}"], reason = TROUBLES[trouble]
    server.ports[OTHER] = [22]
    seen, failures = asked()
    assert (seen, reasons(failures)) == ([], [reason])
    assert (failures[0].probe, failures[0].address, failures[0].device) == ("internetdb", ONE, f"p-{ONE}")
    assert failures[0].detail.startswith("InternetDB")
    assert len(server.asked) == 1


@pytest.mark.parametrize("behaviour", [lab.stall, lab.drip_head, lab.drip_body, lab.drip_without_length])
def test_a_server_that_never_ends_does_not_hold_us(server: ShodanServer, behaviour: lab.Behaviour) -> None:
    server.instead[f"/{ONE}"] = behaviour
    assert reasons(asked(patience=0.5)[1]) == [Reason.TIMEOUT]
    gc.collect()  # a forgotten socket is a ResourceWarning, and that an error


def test_a_stop_is_heard_while_it_says_nothing(server: ShodanServer) -> None:
    server.instead[f"/{ONE}"] = lab.stall
    seen, failures = asked(ONE, OTHER, patience=60.0, stopped=lambda: bool(server.asked))
    assert (seen, reasons(failures)) == ([], [Reason.UNFINISHED] * 2)
    assert len(server.asked) == 1


def test_who_is_told_to_wait_does_not_ask_on(server: ShodanServer) -> None:
    server.instead[f"/{ONE}"] = lab.html(429)
    assert reasons(asked(ONE, OTHER)[1]) == [Reason.BUSY, Reason.BUSY]
    assert len(server.asked) == 1


def test_the_next_request_waits_for_its_turn(server: ShodanServer) -> None:
    first = threading.Event()

    def now() -> datetime:
        first.set()
        return NOW

    seen, failures = ask(USE, (ONE, OTHER), audit=Audit(), now=now, stopped=first.is_set, pause=3600.0)
    assert ([one.address for one in seen], reasons(failures)) == ([ONE], [Reason.UNFINISHED])
    assert len(server.asked) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[", "ftp://127.0.0.1"])
def test_nobody_there_is_told_as_such(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("INTERNETDB_URL", url)
    assert reasons(asked()[1]) == [Reason.REFUSED]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "nonsense://127.0.0.1:1", "http://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_told_as_such(
    server: ShodanServer, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    assert reasons(asked()[1]) == [Reason.REFUSED]
    assert server.asked == []


def test_over_tls_it_answers_and_the_deadline_holds_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = lab.trusted(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with ShodanServer(tls=context, ports={ONE: [22]}) as server:
        monkeypatch.setenv("INTERNETDB_URL", server.url)
        assert [one.port for one in asked()[0]] == [22, 0]
        for behaviour in (lab.stall, lab.drip_head, lab.drip_body):
            server.instead[f"/{ONE}"] = behaviour
            assert reasons(asked(patience=0.5)[1]) == [Reason.TIMEOUT]
        before = len(server.asked)
        monkeypatch.delenv("SSL_CERT_FILE")
        assert reasons(asked()[1]) == [Reason.UNPROVED]
        assert len(server.asked) == before
