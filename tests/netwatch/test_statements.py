"""What has been said of each service? Only what was asked, of the right service, with its own date."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from netwatch.judge import Row, Says, Statement, explained, verdict
from netwatch.matching import links
from netwatch.model import Coverage, Exposure, Observation, Outcome, Vantage
from netwatch.statements import dated, door, statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwatch.judge import Place
    from netwatch.model import Facts

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
BEFORE = NOW - timedelta(days=1)
PUBLIC = "p-203.0.113.7"
DEVICES = {"192.168.1.1": "box", "192.168.1.20": "pacs", "192.168.1.30": "nas"}
PACS, AT_8104 = ("pacs", 104, "tcp"), (PUBLIC, 8104, "tcp")
KEY: Facts = {"certificate_key": "sha256:aa"}


def inside(port: int = 104, protocol: str = "dicom", device: str = "pacs", **facts: str) -> Observation:
    address = next(address for address, known in DEVICES.items() if known == device)
    return Observation(protocol, Vantage.LAN, device, address, port, protocol, dict(facts), NOW)


def outside(port: int, protocol: str = "dicom", device: str = PUBLIC, **facts: str) -> Observation:
    seen = Observation(protocol, Vantage.OUTSIDE, device, device[2:], port, protocol, dict(facts), NOW)
    return replace(seen, probe="sweep") if protocol == "unknown" else seen


def forward(port: int, to: str, to_port: int, **facts: str | bool) -> Observation:
    told: Facts = {"to_address": to, "to_port": to_port, "enabled": True, **facts}
    return Observation("freebox", Vantage.BOX, "box", "192.168.1.1", port, "forward", told, NOW)


def asked(*ports: int, outcome: Outcome = Outcome.FILTERED, device: str = PUBLIC, when: str = "") -> Coverage:
    vantage = Vantage.OUTSIDE if device.startswith("p-") else Vantage.LAN
    return Coverage("sweep", vantage, device.removeprefix("p-"), device, ports, outcome, when)


SWEPT = Coverage("discovery", Vantage.LAN, "192.168.1.0/24", None, (), Outcome.ANSWERED)
AT_HOME = asked(104, outcome=Outcome.OPEN, device="pacs")


def said(
    *told: Observation | Coverage,
    devices: Mapping[str, str] = DEVICES,
    earlier: Mapping[Place, tuple[Statement, ...]] | None = None,
) -> dict[Place, tuple[Statement, ...]]:
    seen = [one for one in told if isinstance(one, Observation)]
    rows = [one for one in told if isinstance(one, Coverage)]
    return statements(seen, rows, links(seen, seen, devices), devices, NOW, earlier)


def verdicts(*told: Observation | Coverage, **more: Mapping[str, str]) -> dict[Place, Exposure]:
    return {where: verdict(words) for where, words in said(*told, **more).items()}  # type: ignore[arg-type]


def test_what_answers_outside_exposes_the_service_that_it_leads_to() -> None:
    told = verdicts(inside(), outside(8104), forward(8104, "192.168.1.20", 104), asked(104, 8105))
    assert told[AT_8104] is told[PACS] is Exposure.EXPOSED
    assert told["@box", 8104, "tcp"] is Exposure.FORWARDED


def test_a_port_that_was_not_asked_is_not_checked() -> None:
    assert verdicts(inside())[PACS] is Exposure.NOT_CHECKED
    assert verdicts(inside(), asked(105))[PACS] is Exposure.NOT_CHECKED


def test_silence_at_the_same_number_is_inside_only_where_nothing_unmatched_could_be_it() -> None:
    assert verdicts(inside(), asked(104))[PACS] is Exposure.INSIDE_ONLY
    assert verdicts(inside(), asked(104), outside(8104))[PACS] is Exposure.NOT_CHECKED
    assert verdicts(inside(), asked(104), outside(22, "ssh"))[PACS] is Exposure.INSIDE_ONLY
    assert verdicts(inside(), asked(104), outside(8104, "unknown"))[PACS] is Exposure.INSIDE_ONLY
    assert verdicts(inside(), asked(104), outside(8104, "tls"))[PACS] is Exposure.NOT_CHECKED


def test_an_unmatched_service_that_turns_out_to_be_another_hides_nothing() -> None:
    web = inside(443, "http", "nas", certificate_key="sha256:aa")
    mine = inside(80, "http")
    told = verdicts(mine, web, outside(8443, "http", certificate_key="sha256:aa"), asked(80))
    assert told["nas", 443, "tcp"] is Exposure.EXPOSED
    assert told["pacs", 80, "tcp"] is Exposure.INSIDE_ONLY


def test_another_service_at_the_same_number_says_nothing_of_ours() -> None:
    assert verdicts(inside(), outside(104, "ssh"))[PACS] is Exposure.NOT_CHECKED


def test_a_silent_port_says_nothing_while_another_address_was_not_asked() -> None:
    other = outside(22, "ssh", "p-203.0.113.9")
    assert verdicts(inside(), asked(104), other)[PACS] is Exposure.NOT_CHECKED
    both = (asked(104), asked(104, device="p-203.0.113.9"))
    assert verdicts(inside(), *both, other)[PACS] is Exposure.INSIDE_ONLY


def test_a_device_with_an_ipv6_address_of_its_own_is_not_inside_only_before_that_was_asked() -> None:
    address = "2a01:e0a:1:2::20"
    known = DEVICES | {address: "pacs", "fe80::1": "pacs"}
    assert verdicts(inside(), asked(104), devices=known)[PACS] is Exposure.NOT_CHECKED
    both = (asked(104), asked(104, device=f"p-{address}"))
    assert verdicts(inside(), *both, devices=known)[PACS] is Exposure.INSIDE_ONLY
    reached = outside(104, device=f"p-{address}")
    assert verdicts(inside(), asked(104), reached, devices=known)[PACS] is Exposure.EXPOSED


def test_a_forward_counts_for_the_service_it_leads_to_seen_or_not() -> None:
    told = verdicts(forward(8104, "192.168.1.20", 104), inside(), asked(22))
    assert told[PACS] is told[AT_8104] is Exposure.FORWARDED
    assert verdicts(forward(80, "192.168.1.30", 8080))["nas", 8080, "tcp"] is Exposure.FORWARDED


def test_a_forward_to_another_service_leaves_the_box_s_own_page_alone() -> None:
    told = verdicts(inside(443, "http", "box"), forward(443, "192.168.1.30", 443))
    assert told["box", 443, "tcp"] is Exposure.NOT_CHECKED


def test_a_range_of_all_ports_makes_words_for_what_is_known_alone() -> None:
    told = said(forward(1, "192.168.1.20", 1, ports="1-65535"), inside(), asked(104))
    assert {where for where in told if where[0] == PUBLIC} == {(PUBLIC, 1, "tcp"), (PUBLIC, 104, "tcp")}
    assert verdict(told[PACS]) is Exposure.FORWARDED


def test_everything_on_the_host_of_the_dmz_is_forwarded() -> None:
    told: Facts = {"to_address": "192.168.1.20", "enabled": True}
    dmz = replace(forward(1, "", 1), port=0, protocol="dmz", transport="dmz", facts=told)
    found = verdicts(dmz, inside(), inside(22, "ssh"), inside(80, "http", "nas"), outside(104))
    assert found["pacs", 22, "tcp"] is found["@box", 0, "tcp"] is Exposure.FORWARDED
    assert found[PACS] is Exposure.EXPOSED
    assert found["nas", 80, "tcp"] is Exposure.NOT_CHECKED


def test_a_silence_while_the_server_answers_at_home_is_the_way_shut() -> None:
    before = replace(outside(8104, **KEY), seen_at=BEFORE)  # type: ignore[arg-type]
    mine = inside(**KEY)  # type: ignore[arg-type]
    told = said(before, mine, AT_HOME, SWEPT, asked(8104))
    assert explained(told[AT_8104]).row is explained(told[PACS]).row is Row.SHUT


def test_a_silence_while_the_device_is_away_ends_nothing_however_long() -> None:
    before = replace(outside(8104, **KEY), seen_at=NOW - timedelta(days=3))  # type: ignore[arg-type]
    mine = replace(inside(**KEY), seen_at=NOW - timedelta(days=3))  # type: ignore[arg-type]
    first = Statement(Vantage.OUTSIDE, Says.SILENT, BEFORE, door(AT_8104))
    away = asked(device="pacs", outcome=Outcome.TIMED_OUT)
    for row in (SWEPT, away):
        told = said(before, mine, SWEPT, row, asked(8104), earlier={AT_8104: (first,)})
        assert explained(told[AT_8104]).row is Row.UNANSWERED
    there = said(before, mine, SWEPT, AT_HOME, asked(8104), earlier={AT_8104: (first,)})
    assert explained(there[AT_8104]).row is Row.SHUT
    unseen = said(before, mine, asked(8104), earlier={AT_8104: (first,)})  # nobody looked inside tonight
    assert explained(unseen[AT_8104]).row is Row.SHUT


def test_a_device_that_was_left_alone_or_spared_is_not_called_away() -> None:
    before = replace(outside(8104, **KEY), seen_at=NOW - timedelta(days=3))  # type: ignore[arg-type]
    mine = replace(inside(**KEY), seen_at=NOW - timedelta(days=3))  # type: ignore[arg-type]
    spared = asked(device="pacs", outcome=Outcome.LEFT_ALONE)
    assert not any(one.says is Says.SILENT for one in said(before, mine, SWEPT, spared)[PACS])


def test_an_earlier_knock_keeps_its_date() -> None:
    told = said(inside(), asked(104, when="2026-11-20T02:00:00Z"))
    [knock] = [one for one in told[PACS] if one.vantage is Vantage.OUTSIDE]
    assert knock.at == datetime(2026, 11, 20, 2, tzinfo=UTC)
    late = replace(outside(104), seen_at=BEFORE)
    stale = asked(104, outcome=Outcome.CLOSED, when="2026-11-20T02:00:00Z")
    assert verdicts(late, stale)[PUBLIC, 104, "tcp"] is Exposure.EXPOSED


def test_a_statement_of_others_has_their_date_and_not_that_of_our_database() -> None:
    report = replace(outside(104), vantage=Vantage.SHODAN, probe="shodan")
    stored = replace(report, facts={"stated_at": "2026-11-10T01:00:00Z"})
    assert dated(stored) == datetime(2026, 11, 10, 1, tzinfo=UTC)
    assert dated(replace(report, facts={"stated_at": "soon"})) == NOW
    closed = asked(104, outcome=Outcome.CLOSED, when="2026-11-20T02:00:00Z")
    assert explained(said(stored, closed)[PUBLIC, 104, "tcp"]).row is Row.REPORTED_BUT_CLOSED
    assert explained(said(report, closed)[PUBLIC, 104, "tcp"]).row is Row.REPORTED


def test_what_is_open_and_not_recognised_is_told_as_open() -> None:
    assert explained(said(outside(7777, "unknown"))[PUBLIC, 7777, "tcp"]).row is Row.OPEN


def test_a_closed_tcp_port_says_nothing_of_udp() -> None:
    phone = replace(inside(5060, "sip"), transport="udp")
    told = verdicts(phone, asked(5060, outcome=Outcome.CLOSED))
    assert told["pacs", 5060, "udp"] is Exposure.NOT_CHECKED
    at_home = said(phone, asked(5060, outcome=Outcome.CLOSED, device="pacs"))
    assert all(one.says is not Says.CLOSED for one in at_home["pacs", 5060, "udp"])


def test_a_public_port_is_one_word() -> None:
    assert door(AT_8104) == "203.0.113.7:8104/tcp"
    assert door(("p-2001:db8::7", 443, "tcp")) == "[2001:db8::7]:443/tcp"
