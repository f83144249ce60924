"""Where does each finding stand, seen from all sides? What leads where, and how exposed it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from netwatch.model import Coverage, Device, Exposure, Link, Observation, Outcome, Run, Vantage
from netwatch.placing import Placing, place, placing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netwatch.model import Facts

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
LAST = NOW - timedelta(days=1)
ADDRESS, FORMER = "9.9.9.9", "9.9.9.10"
PUBLIC = f"p-{ADDRESS}"
DEVICES = (Device("box", "192.168.1.1"), Device("pacs", "192.168.1.20"), Device("nas", "192.168.1.30"))
HOME = {device.id: device.address for device in DEVICES}
KEY: Facts = {"certificate_key": "sha256:aa"}


def inside(device: str, port: int, facts: Facts | None = None) -> Observation:
    return Observation("http", Vantage.LAN, device, HOME[device], port, "http", facts or {}, NOW)


def outside(port: int, facts: Facts | None = None, address: str = ADDRESS) -> Observation:
    return Observation("http", Vantage.OUTSIDE, f"p-{address}", address, port, "http", facts or {}, NOW)


def forward(port: int, to: str, to_port: int) -> Observation:
    told: Facts = {"to_address": HOME[to], "to_port": to_port, "enabled": True}
    return Observation("freebox", Vantage.BOX, "box", HOME["box"], port, "forward", told, NOW)


def reported(port: int, at: datetime = LAST) -> Observation:
    return replace(outside(port), probe="shodan", vantage=Vantage.SHODAN, seen_at=at)


def knocked(outcome: Outcome, *ports: int, detail: str = "") -> Coverage:
    return Coverage("sweep", Vantage.OUTSIDE, ADDRESS, PUBLIC, ports, outcome, detail)


def night(
    *seen: Observation,
    coverage: tuple[Coverage, ...] = (),
    known: Iterable[Observation] = (),
    asked: Iterable[Coverage] = (),
    public: tuple[str, ...] = (ADDRESS,),
) -> Placing:
    run = Run(
        "r",
        "s",
        NOW,
        NOW,
        complete=True,
        vantages=(Vantage.LAN,),
        devices=DEVICES,
        observations=seen,
        coverage=coverage,
        public=dict.fromkeys(public, "site"),
    )
    return placing(run, known, asked, DEVICES)


def exposure(one: Placing, seen: Observation) -> Exposure:
    return one.placed(seen.finding("rule")).exposure


def test_without_a_word_from_outside_nothing_is_said_of_a_service_at_home() -> None:
    seen = inside("pacs", 104)
    assert exposure(night(seen), seen) is Exposure.NOT_CHECKED
    assert night(seen).placed(seen.finding("rule")).link is None


def test_what_answers_outside_is_exposed_and_so_is_what_stands_behind_it() -> None:
    home, public = inside("nas", 443, KEY), outside(8443, KEY)
    one = night(home, public)
    assert exposure(one, home) is exposure(one, public) is Exposure.EXPOSED
    assert one.placed(public.finding("rule")).link == Link("nas", HOME["nas"], 443, "certificate")
    assert exposure(night(inside("nas", 444), home, public), inside("nas", 444)) is Exposure.NOT_CHECKED


def test_what_only_the_box_says_is_forwarded_on_both_its_sides_with_where_it_leads() -> None:
    home, listed = inside("pacs", 104), forward(11112, "pacs", 104)
    one = night(home, listed)
    assert exposure(one, home) is exposure(one, listed) is Exposure.FORWARDED
    assert one.placed(listed.finding("box-forward")).link == Link("pacs", HOME["pacs"], 104, "mapping")


def test_what_the_box_says_stands_at_its_public_side_and_what_it_shows_at_home_does_not() -> None:
    assert place(forward(80, "nas", 80).finding("box-forward")) == ("@box", 80, "tcp")
    assert place(inside("box", 80).finding("rule")) == ("box", 80, "tcp")
    whole = replace(forward(80, "nas", 80), port=0, transport="udp")
    assert place(whole.finding("box-dmz")) == ("@box", 0, "tcp")
    home = inside("box", 80)
    assert exposure(night(home, forward(80, "nas", 80)), home) is Exposure.NOT_CHECKED


def test_a_knock_in_vain_from_outside_tells_that_a_service_is_inside_only() -> None:
    home = inside("pacs", 104)
    one = night(home, coverage=(knocked(Outcome.CLOSED, 104),))
    assert exposure(one, home) is Exposure.INSIDE_ONLY


def test_a_knock_of_an_earlier_night_is_remembered_where_nobody_knocked_tonight() -> None:
    home, before = inside("pacs", 104), knocked(Outcome.CLOSED, 104, detail=LAST.isoformat())
    assert exposure(night(home, asked=(before,)), home) is Exposure.INSIDE_ONLY
    assert exposure(night(home, asked=(before,), coverage=(knocked(Outcome.NOT_ASKED, 104),)), home) is (
        Exposure.INSIDE_ONLY
    )
    assert exposure(night(inside("pacs", 105), asked=(before,)), inside("pacs", 105)) is (
        Exposure.NOT_CHECKED
    )


def test_tonights_knock_takes_the_place_of_the_remembered_one() -> None:
    home, before = inside("pacs", 104), knocked(Outcome.CLOSED, 104, 105, detail=LAST.isoformat())
    one = night(home, inside("pacs", 105), asked=(before,), coverage=(knocked(Outcome.OPEN, 104),))
    assert exposure(one, home) is Exposure.NOT_CHECKED  # open there, and nothing says that it is this one
    assert exposure(one, inside("pacs", 105)) is Exposure.INSIDE_ONLY


def test_an_address_that_is_the_practices_no_more_is_history() -> None:
    before = outside(8443, KEY, FORMER)
    home = inside("nas", 443, KEY)
    one = night(home, known=(before,))
    assert one.retired == {f"p-{FORMER}"}
    assert before not in one.observations
    assert exposure(one, home) is Exposure.NOT_CHECKED
    assert one.outside().retired == one.retired


def test_where_no_address_is_known_tonight_none_is_retired_and_ipv6_retires_no_ipv4() -> None:
    before, home = outside(8443, KEY, FORMER), inside("nas", 443, KEY)
    for public in ((), ("2620:fe::fe",)):
        one = night(home, known=(before,), public=public)
        assert one.retired == frozenset()
        assert exposure(one, home) is Exposure.EXPOSED
    both = outside(443, KEY, "2620:fe::9")
    assert night(known=(before, both), public=("2620:fe::fe",)).retired == {"p-2620:fe::9"}


def test_a_knock_at_a_retired_address_proves_nothing_of_the_new_one() -> None:
    old = replace(knocked(Outcome.CLOSED, 104), device=f"p-{FORMER}", address=FORMER)
    home = inside("pacs", 104)
    assert exposure(night(home, known=(outside(80, address=FORMER),), asked=(old,)), home) is (
        Exposure.NOT_CHECKED
    )


def test_what_was_seen_before_holds_until_it_is_seen_again_or_found_closed() -> None:
    home = inside("nas", 443, KEY)
    before = replace(outside(8443, KEY), seen_at=LAST)
    assert exposure(night(home, known=(before,)), home) is Exposure.EXPOSED
    again = night(home, outside(8443, {"certificate_key": "sha256:bb"}), known=(before,))
    assert before not in again.observations
    assert exposure(again, home) is Exposure.NOT_CHECKED
    closed = night(home, known=(before,), coverage=(knocked(Outcome.CLOSED, 8443),))
    assert before not in closed.observations
    silent = night(home, known=(before,), coverage=(knocked(Outcome.FILTERED, 8443),))
    assert before in silent.observations


def test_what_others_report_is_reported_until_a_live_knock_finds_it_closed() -> None:
    seen = reported(8443)
    where = (PUBLIC, 8443, "tcp")
    one = night(seen)
    assert exposure(one, seen) is Exposure.REPORTED
    assert one.refuted() == frozenset()
    silent = night(seen, coverage=(knocked(Outcome.FILTERED, 8443),))
    assert exposure(silent, seen) is Exposure.REPORTED
    assert silent.refuted() == frozenset()
    closed = night(seen, coverage=(knocked(Outcome.CLOSED, 8443),))
    assert closed.refuted() == {where}
    assert exposure(closed, seen) is not Exposure.REPORTED


def test_a_knock_older_than_a_report_does_not_refute_it() -> None:
    before = knocked(Outcome.CLOSED, 8443, detail=(LAST - timedelta(days=3)).isoformat())
    assert night(reported(8443), asked=(before,)).refuted() == frozenset()


def test_the_way_is_proved_shut_only_by_a_live_word_and_only_of_what_was_seen_outside() -> None:
    public, home = outside(8443), inside("pacs", 104)
    before = replace(public, seen_at=LAST)
    closed = night(home, known=(before,), coverage=(knocked(Outcome.CLOSED, 8443, 104),))
    silent = night(known=(before,), coverage=(knocked(Outcome.FILTERED, 8443),))
    assert not closed.shut(home.finding("rule"))
    assert not silent.shut(public.finding("rule"))
    assert not night(public).shut(public.finding("rule"))
    assert not night().shut(public.finding("rule"))
    listed = night(reported(8443), coverage=(knocked(Outcome.CLOSED, 8443),))
    assert listed.shut(public.finding("rule"))


def test_a_finding_of_which_nobody_said_a_word_keeps_what_was_known_of_it() -> None:
    kept = replace(
        outside(8443).finding("rule"), exposure=Exposure.EXPOSED, link=Link("nas", HOME["nas"], 443, "page")
    )
    assert night().placed(kept) == kept
    assert night().placed(kept).exposure is Exposure.EXPOSED
    assert night().placed(kept).link == kept.link


def test_an_address_of_ipv6_that_is_a_devices_own_leads_to_it_by_itself() -> None:
    listed = Observation(
        "ipv6", Vantage.LAN, "nas", HOME["nas"], 0, "ipv6", {"addresses": "2620:fe::30, 2620:fe::31"}, NOW
    )
    public = outside(443, address="2620:fe::31")
    one = night(inside("nas", 443), listed, public, public=("2620:fe::31",))
    assert one.placed(public.finding("rule")).link == Link("nas", HOME["nas"], 443, "address")
    assert exposure(one, inside("nas", 443)) is Exposure.EXPOSED
